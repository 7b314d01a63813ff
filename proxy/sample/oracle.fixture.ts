// For tests with HAProxy as the judge: starts one with rules of the test in a frontend, and asks it with requests byte for byte.

import { freePort } from "../test/lab/ports.ts";
import { startProgram, type Teardown } from "../test/lab/program.ts";
import { connect } from "../test/lab/raw-socket.ts";

/** Gives the body of the answer to a request head. */
export type Ask = (head: string) => Promise<string>;

/**
 * A frontend with these lines, and two backends: `b` with the servers s1 and s2, `e` with none.
 * @param client local address to connect from
 */
export async function startRawProxy(
  t: Teardown,
  haproxy: string,
  client: string,
  lines: readonly string[],
): Promise<Ask> {
  const port = await freePort();
  const config = `global
  nbthread 1
  tune.bufsize 65536
defaults
  mode http
  timeout client 10s
  timeout connect 10s
  timeout server 10s
frontend f
  bind 127.0.0.1:${port}
${lines.map((line) => `  ${line}`).join("\n")}
backend b
  server s1 127.0.0.1:1
  server s2 127.0.0.1:1
backend e
`;
  await startProgram(t, { config, command: [haproxy], ports: [port] });
  return async (head) => {
    const socket = await connect(t, port, { localAddress: client });
    socket.send(head);
    const answer = await socket.response();
    socket.destroy();
    if (answer.status !== 200) throw new Error(`HAProxy answered ${answer.status} to ${JSON.stringify(head)}`);
    return answer.body;
  };
}
