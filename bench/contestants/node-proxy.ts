// What a good Node program without io_uring costs: `node:http` in front, undici behind. A contestant, and the program that it runs
// (`node node-proxy.js PORT ORIGINPORT`).

import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { Pool } from "undici";
import type { Contestant } from "./contestant.ts";

const SELF = fileURLToPath(import.meta.url);
const POOLED = 1024;

export function nodeProxy(): Contestant {
  return {
    name: `node ${process.versions.node}`,
    refuses: ({ mode, certificate, http2, logPort, rules, servers }) => {
      if (mode === "tcp") return "it speaks HTTP";
      if (certificate !== null || http2) return "it is a plain one";
      if (logPort !== null) return "it writes no log";
      return rules > 0 || servers > 1 ? "it has no such rules" : null;
    },
    command: ({ port, originPort }) => [process.execPath, SELF, String(port), String(originPort)],
  };
}

/** Passes every request on to the one origin. */
function serve(port: number, originPort: number): void {
  const pool = new Pool(`http://127.0.0.1:${originPort}`, { connections: POOLED, pipelining: 1 });
  const server = createServer({ keepAlive: true }, (request, response) => {
    const { connection: _, ...headers } = request.headers;
    const options = {
      ...{ path: request.url ?? "/", method: request.method ?? "GET" },
      headers: { ...headers, "x-forwarded-for": request.socket.remoteAddress ?? "" },
      body: request.method === "GET" || request.method === "HEAD" ? null : request,
    };
    pool
      .stream({ ...options, opaque: response }, ({ statusCode, headers: answer }) => {
        response.writeHead(statusCode, answer);
        return response;
      })
      .catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  server.maxRequestsPerSocket = 0;
  server.listen(port, "127.0.0.1");
}

if (process.argv[1] === SELF) serve(Number(process.argv[2]), Number(process.argv[3]));
