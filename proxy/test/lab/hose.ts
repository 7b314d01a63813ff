// Many requests in little time: clients that keep `DEPTH` requests under way on each connection, and an origin that answers by
// counting heads. Neither parses; both know the exact bytes of every message, so that a wrong byte shows as a wrong count.

import { type AddressInfo, createConnection, createServer, type Server } from "node:net";
import type { Teardown } from "./program.ts";

const REQUEST = Buffer.from("GET /hose HTTP/1.1\r\nhost: a\r\n\r\n");
const ANSWER = Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
const DEPTH = 16;

/** An origin that answers each request with the same few bytes. */
export async function startHoseOrigin(t: Teardown): Promise<number> {
  const server: Server = createServer((socket) => {
    let newlines = 0;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (data: Buffer) => {
      // A head ends at LF CR LF; the requests have no bodies, so three line feeds are one request.
      let complete = 0;
      for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) {
        if (++newlines < 3) continue;
        newlines = 0;
        complete++;
      }
      if (complete > 0) socket.write(complete === 1 ? ANSWER : Buffer.concat(Array<Buffer>(complete).fill(ANSWER)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Makes `count` requests over `connections` connections; resolves with the number of whole answers, which should be `count`. */
export async function hose(port: number, count: number, connections: number): Promise<number> {
  let left = count;
  let answered = 0;
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = createConnection(port, "127.0.0.1");
      socket.setNoDelay(true);
      let underWay = 0;
      let bytes = 0;
      const fill = (): void => {
        const more = Math.min(DEPTH - underWay, left);
        if (more > 0) {
          left -= more;
          underWay += more;
          socket.write(Buffer.concat(Array<Buffer>(more).fill(REQUEST)));
        } else if (underWay === 0) socket.end();
      };
      socket.on("connect", fill);
      socket.on("data", (data: Buffer) => {
        bytes += data.length;
        const whole = Math.floor(bytes / ANSWER.length);
        bytes -= whole * ANSWER.length;
        underWay -= whole;
        answered += whole;
        // A new batch only when half of the last one is answered: fewer, larger writes.
        if (underWay <= DEPTH / 2) fill();
      });
      socket.on("close", () => resolve());
      socket.on("error", reject);
    });
  await Promise.all(Array.from({ length: connections }, one));
  return answered;
}
