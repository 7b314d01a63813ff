// The `cookie` line of one backend, compiled: names and values as bytes.

import type { Plan, ProxyPlan } from "../plan/plan.ts";
import { textBytes } from "../sample/value.ts";

export interface BackendCookie {
  readonly name: Uint8Array;
  readonly isPrefix: boolean;
  readonly isInsert: boolean;
  readonly isRewrite: boolean;
  readonly indirect: boolean;
  /** insert indirect: the server never sees the cookie. */
  readonly isHidden: boolean;
  readonly nocache: boolean;
  readonly postonly: boolean;
  readonly preserve: boolean;
  readonly toDownServers: boolean;
  readonly maxidleSeconds: number;
  readonly maxlifeSeconds: number;
  /** The backend's servers in their order, and the value of each (null: it has none). */
  readonly servers: Int32Array;
  values: readonly (Uint8Array | null)[];
  /** What an inserted cookie begins with, by position in `servers`: `NAME=value`, or the whole line that takes the cookie back. */
  inserted: readonly Uint8Array[];
  /** What it ends with: `; path=/` and the attributes. */
  readonly ending: Uint8Array;
  /** Position in `servers` of the backend's first server: they are neighbours in the plan. */
  readonly firstServer: number;
}

export function compileCookie(plan: Plan, { backend }: ProxyPlan): BackendCookie | null {
  const cookie = backend?.persistence.cookie ?? null;
  if (backend === null || cookie === null) return null;
  const servers = backend.servers.map((index) => plan.servers[index]!);
  const { name, mode, attributes, indirect } = cookie;
  const isInsert = mode === "insert";
  return {
    ...{ name: textBytes(name), isPrefix: mode === "prefix", isInsert, isRewrite: mode === "rewrite" },
    ...{ indirect, isHidden: isInsert && indirect, nocache: cookie.nocache, postonly: cookie.postonly },
    ...{ preserve: cookie.preserve, toDownServers: backend.persistence.toDownServers },
    ...{ maxidleSeconds: cookie.maxidleSeconds, maxlifeSeconds: cookie.maxlifeSeconds },
    servers: Int32Array.from(backend.servers),
    ...valuesOf(
      name,
      servers.map((server) => server.cookie),
    ),
    ending: textBytes(`; path=/${attributes}`),
    firstServer: backend.servers[0] ?? 0,
  };
}

/** The servers' values as they are compared and as they are inserted. @param cookies null: the server has none */
export function valuesOf(
  name: string,
  cookies: readonly (string | null)[],
): Pick<BackendCookie, "values" | "inserted"> {
  return {
    values: cookies.map((cookie) => (cookie === null ? null : textBytes(cookie))),
    inserted: cookies.map((cookie) =>
      textBytes(cookie === null ? `${name}=; Expires=Thu, 01-Jan-1970 00:00:01 GMT` : `${name}=${cookie}`),
    ),
  };
}
