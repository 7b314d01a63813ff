// `proto` of bind and server lines: which protocol is spoken without anybody asking. Here that is HTTP/1 in mode http and none in mode tcp; the names
// of those are accepted, of others it is said that they are not served.

import type { Statement } from "../statement.ts";

const SPOKEN: readonly string[] = ["h1", "none"];
const KNOWN_TO_HAPROXY: readonly string[] = ["h2", "fcgi", "spop", "quic", "qmux"];

export function multiplexer(statement: Statement, at: number): string | null {
  const keyword = statement.text(at);
  const name = statement.text(at + 1);
  if (name === "") return `'${keyword}' : missing value`;
  if (SPOKEN.includes(name)) return null;
  if (KNOWN_TO_HAPROXY.includes(name))
    return `'${keyword}' : protocol '${name}' is known to HAProxy but not served yet`;
  return `'${keyword}' :  unknown MUX protocol '${name}'`;
}
