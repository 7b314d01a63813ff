// The bytes of an HTTP check, as HAProxy 3.2 sends them: names in lower case, Content-Length only with a body, `connection: close`
// only where the version would keep the connection open.
//
//   OPTIONS / HTTP/1.0\r\n\r\n                                                                  option httpchk
//   GET /h HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nconnection: close\r\n\r\nx=1             http-check send meth GET uri /h ver HTTP/1.1 …

import type { CheckStepRequestPlan } from "../../plan/check.ts";
import type { CheckSamples, CheckScope } from "./check-samples.ts";

/** @param state what `http-check send-state` says of the server, "": nothing */
export function compileRequest(
  step: CheckStepRequestPlan,
  samples: CheckSamples,
): (scope: CheckScope, state: string) => string {
  const uri = samples.text(step.uri);
  const body = samples.text(step.body);
  const headers = step.headers.map(({ name, value }) => ({ name: name.toLowerCase(), value: samples.text(value) }));
  const hasConnection = headers.some(({ name }) => name === "connection");
  return (scope, state) => {
    const content = body(scope);
    // What a peer said earlier may stand in a value: it must not end the line.
    const values = headers.map(({ name, value }) => `${name}: ${value(scope).replace(/[\r\n]/g, "")}`);
    const lines = [`${step.method} ${uri(scope).replace(/[\r\n ]/g, "") || "/"} ${step.version}`, ...values];
    if (state !== "") lines.push(`x-haproxy-server-state: ${state}`);
    if (content.length > 0) lines.push(`content-length: ${content.length}`);
    if (step.version !== "HTTP/1.0" && !hasConnection) lines.push("connection: close");
    return `${lines.join("\r\n")}\r\n\r\n${content}`;
  };
}
