// Heads that could not be understood, for `show errors`: copied and sent to the control plane, which keeps the last one of each proxy and
// finds the byte that is wrong. A flood of them must not become a flood of messages: what comes too soon after the one before is only counted.

import { formatAddress } from "../../shared/ip/text.ts";
import { CONNECTION } from "../connection/table.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";

const PAUSE_MS = 20;

export class InvalidMessages {
  readonly #ctx: WorkerContext;
  #sentMs = -PAUSE_MS;
  /** Since the last message. */
  #unsent = 0;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
  }

  request(stream: Stream): void {
    this.#send(stream, "request", stream.headBuffer);
  }

  response(stream: Stream): void {
    this.#send(stream, "response", this.#ctx.connections.receiveHead[stream.server] ?? -1);
  }

  #send(stream: Stream, side: "request" | "response", buffer: number): void {
    const { clock, connections, mailbox, pool, bytes } = this.#ctx;
    this.#unsent++;
    if (((clock.nowMs - this.#sentMs) | 0) < PAUSE_MS || buffer < 0) return;
    this.#sentMs = clock.nowMs;
    const { client, frontend, backend, serverIndex } = stream;
    const start = pool.start[buffer]!;
    mailbox.post({
      ...{ type: "invalid", side, frontend, backend, server: serverIndex, session: stream.requestCounter },
      ...{ count: this.#unsent, client: clientOf(connections, client) },
      // A real copy: a view (and `slice` of a Buffer is one) would be sent with the whole arena behind it.
      bytes: new Uint8Array(bytes.subarray(start, pool.end[buffer])),
    });
    this.#unsent = 0;
  }
}

/** `192.0.2.1:4711`, `unix:1`. */
export function clientOf(connections: WorkerContext["connections"], slot: number): string {
  const flags = connections.flags[slot]!;
  if ((flags & CONNECTION.unix) !== 0) return "unix:1";
  const ipv6 = (flags & CONNECTION.ipv6) !== 0;
  const address = formatAddress(connections.address.slice(slot * 16, slot * 16 + (ipv6 ? 16 : 4)));
  return `${ipv6 ? `[${address}]` : address}:${connections.port[slot]}`;
}
