// The time-outs of an HTTP exchange: whose turn it is, and therefore whose clock runs (configuration.txt: timeout client, timeout server).
//
//                          client's row counts `timeout client`           server's row counts `timeout server`
//   request body comes     while it is read (not under back-pressure)     while bytes wait to be sent
//   request is complete    -                                              until the response head, and between its pieces
//   response body passes   while bytes wait to be sent                    while it is read (not under back-pressure)
//   answered, to be closed while bytes wait to be sent (or client-fin)    -
//
// Time starts again with every progress of that side, not with the other's: a stalled client is not kept alive by a busy server.
// Time-outs between requests are front.ts, of connecting and queueing backend/dispatch.ts, of tunnels tcp/relay.ts.

import { CONNECTION } from "../connection/table.ts";
import { TIMEOUT, timeoutOf } from "../stream/settings.ts";
import { STATE, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";

const CLIENT = TIMEOUT.client;
const SERVER = TIMEOUT.server;
const PAUSED = CONNECTION.paused;
const LINGERING = CONNECTION.lingering;
const VIRTUAL = CONNECTION.virtual;

/** How long the rest of what a client sends is read and thrown away after an early answer, so that no reset eats the answer. */
const LINGER_MS = 2000;
/** States in which the client's timer is `timeout client`, a bit each; streams that wait for a server have another use for it. */
const WATCHED = (1 << STATE.waiting) | (1 << STATE.responding) | (1 << STATE.answered) | (1 << STATE.local);

export class HttpTimers {
  readonly #ctx: WorkerContext;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
  }

  /** Looks whether the client is to do something. `progressed`: it just did, so that its time starts again. */
  client(stream: Stream, progressed: boolean): void {
    if (((1 << stream.state) & WATCHED) === 0) return;
    const { connections, wheel, clock } = this.#ctx;
    const slot = stream.client;
    const timeoutMs = timeoutOf(stream, CLIENT, this.#ctx.timeouts[stream.frontend]!.client);
    const isExpected =
      connections.sendBytes[slot]! > 0 || (!stream.requestBody.done && (connections.flags[slot]! & PAUSED) === 0);
    if (!isExpected) wheel.clear(slot);
    else if (timeoutMs > 0 && (progressed || !wheel.isSet(slot))) wheel.set(slot, clock.nowMs + timeoutMs);
  }

  /** The same for the server. What is left of `timeout connect` goes as well. */
  server(stream: Stream, progressed: boolean): void {
    const { connections, wheel, clock } = this.#ctx;
    const slot = stream.server;
    const timeoutMs = timeoutOf(stream, SERVER, this.#ctx.timeouts[stream.backend]!.server);
    const isExpected =
      connections.sendBytes[slot]! > 0 ||
      (stream.requestBody.done && (connections.flags[slot]! & (PAUSED | VIRTUAL)) === 0);
    if (!isExpected || timeoutMs === 0) wheel.clear(slot);
    else if (progressed || !wheel.isSet(slot)) wheel.set(slot, clock.nowMs + timeoutMs);
  }

  /** A client whose connection ends with what is queued: time for it to take that, and then to stop sending. */
  closing(slot: number): void {
    const { connections, wheel, clock, plan } = this.#ctx;
    const timeouts = this.#ctx.timeouts[plan.listeners[connections.owner[slot]!]!.proxy]!;
    const timeoutMs = timeouts.clientFin || timeouts.client;
    const isLingering = (connections.flags[slot]! & LINGERING) !== 0;
    if (connections.sendBytes[slot]! > 0) {
      if (timeoutMs > 0) wheel.set(slot, clock.nowMs + timeoutMs);
      else wheel.clear(slot);
    } else if (isLingering) wheel.set(slot, clock.nowMs + (timeoutMs > 0 ? Math.min(timeoutMs, LINGER_MS) : LINGER_MS));
  }
}
