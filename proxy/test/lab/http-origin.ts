// Origins made of node:http, for tests that look at what a usual server sees, and a client of one request each.

import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Teardown } from "./program.ts";
import { within } from "./time.ts";

export interface HttpOrigin {
  readonly server: Server;
  readonly port: number;
  /** Requests received so far. */
  readonly requests: readonly { method: string; url: string; headers: readonly string[]; remotePort: number }[];
  /** Stops listening and closes all connections; `start` listens on the same port again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** An origin that answers with `handler`; by default 200 and its `name` as body and in the header x-server. */
export async function startHttpOrigin(
  t: Teardown,
  options: { name?: string; handler?: Handler; host?: string; port?: number } = {},
): Promise<HttpOrigin> {
  const name = options.name ?? "origin";
  const requests: { method: string; url: string; headers: readonly string[]; remotePort: number }[] = [];
  const answer: Handler = options.handler ?? ((_, response) => response.setHeader("x-server", name).end(`${name}\n`));
  const server = createServer({ keepAliveTimeout: 60_000 }, (message, response) => {
    requests.push({
      method: message.method ?? "",
      url: message.url ?? "",
      headers: message.rawHeaders,
      remotePort: message.socket.remotePort ?? 0,
    });
    answer(message, response);
  });
  const host = options.host ?? "127.0.0.1";
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, () => resolve());
    });
  await listen(options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  t.teardown(() => (server.listening ? stop() : undefined));
  return { server, port, requests, stop, start: () => listen(port) };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface GetOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly localAddress?: string;
  readonly host?: string;
  readonly limitMs?: number;
}

/** One request on a connection of its own. */
export function get(port: number, path = "/", options: GetOptions = {}): Promise<Answer> {
  const answer = new Promise<Answer>((resolve, reject) => {
    const message = request(
      {
        host: options.host ?? "127.0.0.1",
        port,
        path,
        method: options.method ?? "GET",
        headers: options.headers,
        localAddress: options.localAddress,
        agent: false,
      },
      (response) => {
        let body = "";
        response.setEncoding("latin1");
        response.on("data", (text: string) => {
          body += text;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
        response.on("error", reject);
      },
    );
    message.on("error", reject);
    message.end(options.body);
  });
  return within(`answer to ${path}`, answer, options.limitMs);
}
