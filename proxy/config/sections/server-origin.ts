// `from <origin>` of server and default-server lines, and the names of default-servers: section 5.2. What the parameters after it mean is
// in server-options.ts.

import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { findBackend } from "../draft.ts";
import { copyServerOptions, newServerOptions, type ServerOptions } from "../server-draft.ts";
import type { Statement } from "../statement.ts";

export interface Origin {
  /** A copy of the origin's parameters; null: the line does not say `from`. */
  readonly options: ServerOptions | null;
  /** Index of the first parameter. */
  readonly next: number;
}

/** Reads `from <origin>` at an index, where it may stand; null after a report. @param lead as in parseParameters (server.ts) */
export function readOrigin(
  statement: Statement,
  at: number,
  lead: string,
  proxy: ProxyDraft,
  configuration: ConfigurationDraft,
): Origin | null {
  if (statement.text(at) !== "from") return { options: null, next: at };
  const found = originOf(statement.text(at + 1), proxy, configuration);
  const next = at + 2;
  const isTwice = typeof found !== "string" && statement.text(next) === "from";
  const problem = isTwice ? "'from' keyword can only be specified once." : found;
  if (typeof problem !== "string") return { options: copyServerOptions(problem), next };
  const message = lead === "" ? problem : `${lead} : ${problem}`;
  const expected = "none, be:[<backend>] or srv:[<backend>/]<server>";
  const place = isTwice ? next : statement.has(at + 1) ? at + 1 : at;
  statement.alert("bad-origin", message, { at: place, introduction: "located", expected });
  return null;
}

/** The parameters that are to be copied, as far as the configuration has been read; a text: what is wrong, in HAProxy's words. */
function originOf(origin: string, proxy: ProxyDraft, configuration: ConfigurationDraft): ServerOptions | string {
  if (origin === "") return "from: missing value.";
  if (origin === "none") return newServerOptions();
  if (origin.startsWith("be:")) {
    const name = origin.slice("be:".length);
    const backend = name === "" ? proxy : findBackend(name, configuration);
    return backend?.defaultServer ?? `from: unknown backend instance '${name}'.`;
  }
  if (!origin.startsWith("srv:")) return `invalid '${origin}' value for 'from' keyword.`;
  const path = origin.slice("srv:".length);
  const slash = path.indexOf("/");
  const backend = slash < 0 ? proxy : findBackend(path.slice(0, slash), configuration);
  if (backend === null) return `from: unknown backend '${path.slice(0, slash)}'.`;
  const name = path.slice(slash + 1);
  if (name === "") return "from: require <backend>/<server>.";
  const options =
    backend.servers.find((server) => server.name === name)?.options ?? backend.namedDefaultServers.get(name)?.options;
  return options ?? `from: unknown server '${name}' in backend '${backend.name}'.`;
}

/** A default-server as its line finds it. */
export interface DefaultServer {
  readonly options: ServerOptions;
  /** Index behind its name. */
  readonly next: number;
  /** Puts other parameters into its place. */
  replace(options: ServerOptions): void;
}

/** Which default-server a line is about; a named one is made when it is new. Null after a report. */
export function defaultServerOf(statement: Statement, proxy: ProxyDraft): DefaultServer | null {
  if (statement.text(1) !== "name") {
    const replace = (options: ServerOptions): void => {
      proxy.defaultServer = options;
    };
    return { options: proxy.defaultServer, next: 1, replace };
  }
  const name = statement.text(2);
  const twin = proxy.servers.find((server) => server.name === name);
  if (name === "" || twin !== undefined) {
    const message =
      twin === undefined
        ? "default-server name: missing value."
        : `default-server name '${name}' conflicts with server defined at line ${twin.statement.location.line}.`;
    statement.alert("bad-name", message, { at: twin === undefined ? 1 : 2, introduction: "located" });
    return null;
  }
  const named = proxy.namedDefaultServers;
  const replace = (options: ServerOptions): void => {
    named.set(name, { options, line: statement.location.line });
  };
  const options = named.get(name)?.options ?? newServerOptions();
  replace(options);
  return { options, next: 3, replace };
}
