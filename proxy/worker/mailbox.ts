// Messages between a worker and the control plane. Rare and comfortable: what is frequent goes through the shared state. A message
// arrives when the worker yields to Node's event loop, which a wake-up of the reactor makes it do at once.

import type { MessagePort } from "node:worker_threads";
import { formatAddress } from "../../shared/ip/text.ts";
import { CONNECTION } from "../connection/table.ts";
import { STATS_ACCESS } from "../frontend/stats-access.ts";
import { HEADER_INTS, METHOD, METHOD_NAMES } from "../http1/message.ts";
import { equals } from "../http1/parser.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "./context.ts";
import type { FromWorker, ToWorker } from "./task.ts";

const AUTHORIZATION = new Uint8Array(Buffer.from("authorization"));

export class Mailbox {
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  listen(receive: (message: ToWorker) => void): void {
    this.#port.on("message", receive);
  }

  /** A line for the process log. */
  event(level: "info" | "warn" | "error", text: string): void {
    this.post({ type: "event", level, text });
  }

  post(message: FromWorker): void {
    this.#port.postMessage(message);
  }

  close(): void {
    this.#port.close();
  }
}

/** The question that a request for the statistics page becomes. */
export function questionOf(id: number, proxy: number, access: number, stream: Stream, ctx: WorkerContext): FromWorker {
  const { bytes, connections, pool } = ctx;
  const text = (start: number, end: number): string => Buffer.from(bytes.subarray(start, end)).toString("latin1");
  const request = stream.request;
  const method =
    request.method === METHOD.other ? text(request.methodStart, request.methodEnd) : METHOD_NAMES[request.method]!;
  let authorization: string | null = null;
  for (let i = 0; i < request.headerCount; i++) {
    const at = i * HEADER_INTS;
    const length = request.headers[at + 1]! - request.headers[at]!;
    if (length === AUTHORIZATION.length && equals(bytes, request.headers[at]!, AUTHORIZATION))
      authorization = text(request.headers[at + 2]!, request.headers[at + 3]!);
  }
  const client = stream.client;
  const ipv6 = (connections.flags[client]! & CONNECTION.ipv6) !== 0;
  const address = connections.address.slice(client * 16, client * 16 + (ipv6 ? 16 : 4));
  return {
    type: "ask",
    id,
    kind: (access & STATS_ACCESS.metrics) === 0 ? "stats" : "metrics",
    proxy,
    method,
    uri: text(request.pathStart, request.pathEnd),
    authorization,
    body: text(pool.start[stream.headBuffer]!, pool.end[stream.headBuffer]!),
    client: (connections.flags[client]! & CONNECTION.unix) !== 0 ? "" : formatAddress(address),
    admin: (access & STATS_ACCESS.admin) !== 0,
    admitted: (access & STATS_ACCESS.admitted) !== 0,
  };
}
