// Bind lines and stats sockets while the configuration is read; see draft.ts.

import type { Protocol } from "../plan/listener.ts";
import type { TlsBindPlan } from "../plan/tls.ts";
import type { AddressSlot } from "./draft.ts";
import { newTlsOptions, type TlsOptions } from "./sections/tls-options.ts";
import type { Statement } from "./statement.ts";

/** Levels of the runtime API, the mightiest last. */
export const BIND_LEVELS = ["user", "operator", "admin"] as const;
export type BindLevel = (typeof BIND_LEVELS)[number];

/** Options of a bind line or a stats socket. */
export interface BindOptions {
  name: string | null;
  guidPrefix: string | null;
  id: number;
  maxconn: number;
  backlog: number;
  interface: string | null;
  mode: number | null;
  uid: number | null;
  gid: number | null;
  transparent: boolean;
  deferAccept: boolean;
  tcpFastOpen: boolean;
  tcpUserTimeoutMs: number;
  mss: number;
  acceptProxy: boolean;
  netscalerMagic: number;
  proto: Protocol | null;
  readonly tls: TlsOptions;
  /** What `tls` comes to (check/tls.ts); null: connections are not encrypted. */
  tlsPlan: TlsBindPlan | null;
  v6only: boolean;
  v4v6: boolean;
  level: BindLevel;
}

export interface BindDraft {
  /** One of a comma-separated list; its ports may be a range. */
  readonly slot: AddressSlot;
  readonly options: BindOptions;
  readonly statement: Statement;
}

export function newBindOptions(): BindOptions {
  return {
    ...{
      name: null,
      guidPrefix: null,
      id: 0,
      maxconn: 0,
      backlog: 0,
      interface: null,
      mode: null,
      uid: null,
      gid: null,
    },
    ...{ transparent: false, deferAccept: false, tcpFastOpen: false, tcpUserTimeoutMs: 0, mss: 0 },
    ...{ acceptProxy: false, netscalerMagic: 0, proto: null, v6only: false, v4v6: false, level: "operator" },
    ...{ tls: newTlsOptions(), tlsPlan: null },
  };
}
