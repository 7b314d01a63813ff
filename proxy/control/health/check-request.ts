// The bytes of an HTTP check, as HAProxy 3.2 sends them: names in lower case, Content-Length only with a body, `connection: close`
// only where the version would keep the connection open.
//
//   OPTIONS / HTTP/1.0\r\n\r\n                                                                  option httpchk
//   GET /h HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nconnection: close\r\n\r\nx=1             http-check send meth GET uri /h ver HTTP/1.1 …

import type { CheckPlan } from "../../plan/check.ts";

/** The request to send once the connection stands; null for checks that only connect. */
export function checkRequest(check: CheckPlan): Buffer | null {
  if (check.kind === "tcp") return null;
  const body = Buffer.from(check.body, "latin1");
  const lines = [`${check.method} ${check.uri} ${check.version}`];
  for (const { name, value } of check.headers) lines.push(`${name.toLowerCase()}: ${value}`);
  if (body.length > 0) lines.push(`content-length: ${body.length}`);
  if (check.version !== "HTTP/1.0") lines.push("connection: close");
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}
