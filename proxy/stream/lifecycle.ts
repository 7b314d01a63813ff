// Beginning and end of a stream: what is set when an exchange begins, what is counted, logged and given back when it ends. The
// exchange itself runs through frontend/, backend/, http1/ or tcp/. Counters are this worker's own rows; nothing here waits.

import { assert } from "../../shared/assert.ts";
import { CONNECTION } from "../connection/table.ts";
import { LOG_WHEN } from "../log/access-log.ts";
import { LOG_STEPS } from "../plan/log.ts";
import { COUNTER, HEADER, PROXY, SERVER } from "../shared-state/layout.ts";
import type { WorkerContext } from "../worker/context.ts";
import { addressesOf, restoreAddresses } from "./addresses.ts";
import { LatencyCounter } from "./latency-counter.ts";
import { enterOtherBackend, forgetSettings } from "./settings.ts";
import { STATE, STREAM, STREAM_BYTES, type Stream } from "./stream.ts";

const DASH = 45;
const C = COUNTER;

export class Lifecycle {
  readonly #ctx: WorkerContext;
  readonly #counters: Float64Array;
  /** Offsets in the counters of this worker's rows, by proxy and by server. */
  readonly frontendAt: Int32Array;
  readonly backendAt: Int32Array;
  readonly serverAt: Int32Array;
  readonly listenerAt: Int32Array;
  readonly #latencies: LatencyCounter;
  #requestCounter = 0;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    const { shared, worker, plan } = ctx;
    this.#counters = shared.counters;
    this.#latencies = new LatencyCounter(ctx);
    this.frontendAt = Int32Array.from(plan.proxies, (_, i) => shared.frontendCountersAt(worker, i));
    this.backendAt = Int32Array.from(plan.proxies, (_, i) => shared.backendCountersAt(worker, i));
    this.serverAt = Int32Array.from(plan.servers, (_, i) => shared.serverCountersAt(worker, i));
    this.listenerAt = Int32Array.from(plan.listeners, (_, i) => shared.listenerCountersAt(worker, i));
  }

  count(at: number, column: number): void {
    this.#counters[at + column]!++;
  }

  add(at: number, column: number, value: number): void {
    this.#counters[at + column]! += value;
  }

  /** Borrows a stream for the client's connection; null when all streams are in use. */
  begin(slot: number): Stream | null {
    const ctx = this.#ctx;
    const stream = ctx.streams.take();
    if (stream === null) return null;
    const table = ctx.connections;
    const clock = ctx.clock;
    const listener = ctx.plan.listeners[table.owner[slot]!]!;
    stream.client = slot;
    stream.server = stream.formerServer = -1;
    stream.serverError = stream.serverTlsError = 0;
    stream.listener = listener.index;
    stream.frontend = listener.proxy;
    stream.backend = -1;
    stream.serverIndex = -1;
    stream.excludedServer = -1;
    stream.state = STATE.idle;
    stream.flags = 0;
    stream.retriesLeft = stream.retriesDone = 0;
    stream.headBuffer = -1;
    stream.status = -1;
    stream.endBy = stream.endState = DASH;
    stream.requestCookie = stream.responseCookie = 0;
    stream.finalRule = -1;
    stream.uniqueIdBytes = -1;
    stream.inResponse = false;
    stream.acceptMs = table.idleSinceMs[slot]!;
    stream.requestStartMs = table.requestSinceMs[slot]!;
    stream.startUs = (clock.nowUs - Math.imul(clock.nowMs - stream.requestStartMs, 1000)) | 0;
    stream.requestDoneMs = stream.queueStartMs = stream.queueDoneMs = stream.connectDoneMs = stream.responseHeadMs = -1;
    this.#date(stream, clock.nowMs, clock.wallSeconds() * 1000 + clock.wallMilliseconds());
    stream.backendQueue = stream.serverQueue = 0;
    stream.requestCounter = this.#requestCounter++;
    const bytes = ctx.streams.bytes;
    const at = stream.slot * STREAM_BYTES.columns;
    bytes[at] = bytes[at + 1] = bytes[at + 2] = bytes[at + 3] = 0;
    table.stream[slot] = stream.slot;
    if ((table.flags[slot]! & CONNECTION.proxied) !== 0) this.takeDestination(stream, slot);
    return stream;
  }

  /** A proxy in front, or a rule of the connection, said where the client wanted to go. */
  takeDestination(stream: Stream, slot: number): void {
    const said = this.#ctx.proxied.of(slot)!;
    if (said.destinationBytes === 0) return;
    const addresses = addressesOf(stream);
    addresses.destinationBytes = said.destinationBytes;
    addresses.destinationPort = said.destinationPort;
    for (let i = 0; i < said.destinationBytes; i++) addresses.destination[i] = said.destination[i]!;
  }

  /** Wall clock of accept and request from the worker's clock. */
  #date(stream: Stream, nowMs: number, wallMs: number): void {
    const accept = wallMs - ((nowMs - stream.acceptMs) | 0);
    const request = wallMs - ((nowMs - stream.requestStartMs) | 0);
    stream.acceptSeconds = Math.floor(accept / 1000);
    stream.acceptMilliseconds = accept - stream.acceptSeconds * 1000;
    stream.requestSeconds = Math.floor(request / 1000);
    stream.requestMilliseconds = request - stream.requestSeconds * 1000;
  }

  /** The stream goes through this backend from now on. */
  enterBackend(stream: Stream, proxy: number): void {
    assert((stream.flags & STREAM.countedBackend) === 0, "a stream enters one backend");
    const { shared, gauges } = this.#ctx;
    stream.backend = proxy;
    if (stream.settings !== null && proxy !== stream.frontend) enterOtherBackend(stream);
    stream.flags |= STREAM.countedBackend;
    const word = shared.proxyAt(proxy);
    gauges.incrementWithMax(word + PROXY.backendSessions, word + PROXY.backendSessionsMax);
    this.#counters[this.backendAt[proxy]! + C.sessions]!++;
    if ((stream.flags & STREAM.http) !== 0) this.#counters[this.backendAt[proxy]! + C.requests]!++;
  }

  /** First reason wins: who ended the stream and where it stood (configuration.txt 8.5). */
  endReason(stream: Stream, by: number, state: number): void {
    if (stream.endBy === DASH) {
      stream.endBy = by;
      stream.endState = state;
    }
  }

  /** The request could not be understood, or did not become complete. */
  badRequest(stream: Stream): void {
    this.count(this.frontendAt[stream.frontend]!, C.errorRequests);
    const { tracking } = this.#ctx;
    if (tracking.count === 0) return;
    tracking.request(stream);
    tracking.error(stream);
  }

  /** The stream's server gave no answer, or none that could be used. */
  serverFailed(stream: Stream): void {
    this.count(this.serverAt[stream.serverIndex]!, C.errorResponses);
    this.count(this.backendAt[stream.backend]!, C.errorResponses);
    if (this.#ctx.tracking.count > 0) this.#ctx.tracking.failure(stream);
  }

  /** Counts, logs and gives the stream back. The client's row stays; the server's has been dealt with by the caller. */
  finish(stream: Stream): void {
    const ctx = this.#ctx;
    assert(stream.active, "a stream ends once");
    this.#countEnd(stream);
    this.#latencies.count(stream);
    // Before the log line, as in HAProxy: its %bc and %sc do not count the stream that is being logged.
    ctx.dispatch.releaseSlot(stream);
    if ((stream.flags & STREAM.countedBackend) !== 0)
      ctx.gauges.decrement(ctx.shared.proxyAt(stream.backend) + PROXY.backendSessions);
    if ((stream.flags & STREAM.logged) === 0) this.log(stream);
    if (stream.headBuffer >= 0) {
      ctx.pool.free(stream.headBuffer);
      stream.headBuffer = -1;
    }
    if (stream.settings !== null) forgetSettings(stream);
    stream.captures?.lengths.fill(-1);
    if (stream.variables !== null) ctx.samples.variables.finish(stream);
    if (stream.coding !== null) ctx.compression!.end(stream);
    if (stream.cache !== null) ctx.cache!.end(stream);
    stream.bandwidth = null;
    if (stream.editAt !== 0) this.#forgetEdits(stream);
    if (stream.responseEditBuffer >= 0) this.forgetResponseEdits(stream);
    if (stream.addresses !== null) restoreAddresses(ctx.connections, stream);
    if (ctx.tracking.count > 0) ctx.tracking.finish(stream);
    if (stream.storeCount > 0) ctx.persistence.forgetStores(stream);
    const table = ctx.connections;
    table.stream[stream.client] = -1;
    table.lastServer[stream.client] = stream.serverIndex;
    table.flags[stream.client]! |= CONNECTION.notFirst;
    table.idleSinceMs[stream.client] = ctx.clock.nowMs;
    ctx.streams.give(stream);
  }

  /** Gives back where rules wrote. */
  #forgetEdits(stream: Stream): void {
    stream.editAt = 0;
    if (stream.editBuffer < 0) return;
    this.#ctx.pool.free(stream.editBuffer);
    stream.editBuffer = -1;
  }

  /** The head of the response has been forwarded, or will not be. */
  forgetResponseEdits(stream: Stream): void {
    this.#ctx.pool.free(stream.responseEditBuffer);
    stream.responseEditBuffer = -1;
  }

  /** Writes the log line, once. */
  log(stream: Stream): void {
    const { log } = this.#ctx;
    if (log.when[stream.frontend] === LOG_WHEN.never) return;
    this.#countForLog(stream);
    log.log(stream);
  }

  /** Writes a line of `log-steps`. @param step a bit of LOG_STEPS @param origin its position in LOG_ORIGINS */
  step(stream: Stream, step: number, origin: number): void {
    if ((this.#ctx.log.steps[stream.frontend]! & step) !== 0) this.logNow(stream, origin);
  }

  /** Writes a line besides those that the end brings (`do-log`). */
  logNow(stream: Stream, origin: number): void {
    this.#countForLog(stream);
    this.#ctx.log.step(stream, origin);
  }

  /** The request is there: what is logged at that moment is. */
  begun(stream: Stream): void {
    if (this.#ctx.log.when[stream.frontend] === LOG_WHEN.start) this.log(stream);
    this.step(stream, LOG_STEPS.accept, 1);
    this.step(stream, LOG_STEPS.request, 2);
  }

  #countForLog(stream: Stream): void {
    const { shared, gauges } = this.#ctx;
    stream.activeConnections = gauges.read(HEADER.connections);
    stream.frontendConnections = gauges.read(shared.proxyAt(stream.frontend) + PROXY.frontendSessions);
    const backend = stream.backend >= 0 ? stream.backend : stream.frontend;
    stream.backendConnections = gauges.read(shared.proxyAt(backend) + PROXY.backendSessions);
    stream.serverConnections =
      stream.serverIndex >= 0 ? gauges.read(shared.serverAt(stream.serverIndex) + SERVER.served) : 0;
  }

  #countEnd(stream: Stream): void {
    const counters = this.#counters;
    const frontend = this.frontendAt[stream.frontend]!;
    const bytes = this.#ctx.streams.bytes;
    const at = stream.slot * STREAM_BYTES.columns;
    this.#addBytes(frontend, bytes, at);
    this.#addBytes(this.listenerAt[stream.listener]!, bytes, at);
    let column = -1;
    if ((stream.flags & STREAM.http) !== 0) {
      const group = (stream.status / 100) | 0;
      column = group >= 1 && group <= 5 ? C.responses1xx + group - 1 : C.responsesOther;
      counters[frontend + column]!++;
    }
    if (stream.backend < 0) return;
    const backend = this.backendAt[stream.backend]!;
    this.#addBytes(backend, bytes, at);
    if (column >= 0) counters[backend + column]!++;
    this.#addTimes(backend, stream);
    if (stream.serverIndex < 0) return;
    const server = this.serverAt[stream.serverIndex]!;
    this.#addBytes(server, bytes, at);
    // A server is given the responses that came from it, not those that we made up.
    if (column >= 0 && (stream.flags & STREAM.local) === 0) counters[server + column]!++;
    this.#addTimes(server, stream);
  }

  #addBytes(row: number, bytes: Float64Array, at: number): void {
    const counters = this.#counters;
    counters[row + C.bytesIn]! += bytes[at]!;
    counters[row + C.bytesOut]! += bytes[at + 3]!;
    counters[row + C.requestBytesIn]! += bytes[at]!;
    counters[row + C.requestBytesOut]! += bytes[at + 1]!;
    counters[row + C.responseBytesIn]! += bytes[at + 2]!;
    counters[row + C.responseBytesOut]! += bytes[at + 3]!;
  }

  #addTimes(row: number, stream: Stream): void {
    const now = this.#ctx.clock.nowMs;
    const queued = stream.queueDoneMs !== -1 ? (stream.queueDoneMs - stream.queueStartMs) | 0 : 0;
    const connected = stream.connectDoneMs !== -1 ? (stream.connectDoneMs - stream.queueDoneMs) | 0 : 0;
    const responded = stream.responseHeadMs !== -1 ? (stream.responseHeadMs - stream.connectDoneMs) | 0 : 0;
    const total = (now - stream.requestStartMs) | 0;
    this.#addTime(row, C.queueTimeMs, C.queueTimeMaxMs, queued);
    this.#addTime(row, C.connectTimeMs, C.connectTimeMaxMs, connected);
    this.#addTime(row, C.responseTimeMs, C.responseTimeMaxMs, responded);
    this.#addTime(row, C.totalTimeMs, C.totalTimeMaxMs, total);
    this.#counters[row + C.timedStreams]!++;
  }

  #addTime(row: number, sum: number, max: number, ms: number): void {
    const counters = this.#counters;
    counters[row + sum]! += ms;
    if (ms > counters[row + max]!) counters[row + max] = ms;
  }
}
