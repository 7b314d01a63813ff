// An origin of a few lines, as a program of its own: `node node-origin.js PORT`. See origin.ts for what it serves.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { PATTERN, PatternCheck, SMALL_ANSWER } from "./pattern.ts";

const MEBIBYTE = Buffer.alloc(1 << 20, "ringway ");

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? "/";
  if (url === "/") response.end(SMALL_ANSWER);
  else if (url === "/10k") response.end(MEBIBYTE.subarray(0, 10 << 10));
  else if (url === "/1m") response.end(MEBIBYTE);
  else if (url === "/sink") sink(request, response);
  else if (url.startsWith("/bytes/")) sendBytes(response, Number(url.slice("/bytes/".length)));
  else response.writeHead(404).end();
}

function sink(request: IncomingMessage, response: ServerResponse): void {
  const check = new PatternCheck();
  request.on("data", (chunk: Buffer) => check.add(chunk));
  request.on("end", () => response.end(JSON.stringify({ bytes: check.bytes, isIntact: check.isIntact })));
}

function sendBytes(response: ServerResponse, bytes: number): void {
  let left = bytes;
  response.setHeader("Content-Length", bytes);
  const send = () => {
    while (left > 0) {
      const chunk = PATTERN.subarray(0, Math.min(left, PATTERN.length));
      left -= chunk.length;
      if (!response.write(chunk)) {
        response.once("drain", send);
        return;
      }
    }
    response.end();
  };
  send();
}

const server = createServer({ keepAliveTimeout: 300_000, requestTimeout: 0 }, answer);
server.listen(Number(process.argv[2]), "127.0.0.1", 4096);
process.on("SIGTERM", () => process.exit(0));
