// `proto` of bind and server lines: which protocol is spoken without anybody asking.

import type { Protocol } from "../../plan/listener.ts";
import type { BindOptions } from "../bind-draft.ts";
import type { ServerOptions } from "../server-draft.ts";
import type { Statement } from "../statement.ts";

const SPOKEN: readonly string[] = ["h1", "h2", "none"];
const KNOWN_TO_HAPROXY: readonly string[] = ["fcgi", "spop", "quic", "qmux"];

/** The protocol, or what is wrong with it. */
function protocolOf(statement: Statement, at: number): { name: Protocol } | { problem: string } {
  const keyword = statement.text(at);
  const name = statement.text(at + 1);
  if (name === "") return { problem: `'${keyword}' : missing value` };
  if (SPOKEN.includes(name)) return { name: name as Protocol };
  if (KNOWN_TO_HAPROXY.includes(name))
    return { problem: `'${keyword}' : protocol '${name}' is known to HAProxy but not served yet` };
  return { problem: `'${keyword}' :  unknown MUX protocol '${name}'` };
}

/** `bind … proto <name>` */
export function bindProtocol(statement: Statement, at: number, options: BindOptions): string | null {
  const found = protocolOf(statement, at);
  if ("problem" in found) return found.problem;
  options.proto = found.name;
  return null;
}

/** `server … proto <name>` */
export function serverProtocol(statement: Statement, at: number, options: ServerOptions): string | null {
  const found = protocolOf(statement, at);
  if ("problem" in found) return found.problem;
  options.texts.set("proto", found.name);
  return null;
}

/** `check-proto <name>`: checks speak HTTP/1. */
export function checkProtocol(statement: Statement, at: number): string | null {
  const found = protocolOf(statement, at);
  if ("problem" in found) return found.problem;
  return found.name === "h2"
    ? `'${statement.text(at)}' : protocol '${found.name}' is known to HAProxy but not served yet`
    : null;
}
