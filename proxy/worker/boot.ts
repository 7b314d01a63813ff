// Builds a worker: memory, reactor, tables and the parts of the data plane, wired through one WorkerContext. Runs once per thread,
// before the first turn; after `arena.freeze()` no capacity changes any more.

import { SOCKADDR_BYTES_MAX } from "../../shared/abi/sockaddr.ts";
import { createArena } from "../../shared/arena/arena.ts";
import { BufferPool } from "../../shared/arena/buffer-pool.ts";
import { assert } from "../../shared/assert.ts";
import { wakeReactor } from "../../shared/ffi/file.ts";
import { createReactor } from "../../shared/reactor/create.ts";
import { Clock } from "../../shared/time/clock.ts";
import { TIMEOUT_MAX_MS, TimerWheel } from "../../shared/time/timer-wheel.ts";
import { compileCondition } from "../acl/condition.ts";
import { Dispatch } from "../backend/dispatch.ts";
import { compileBalance } from "../balance/compile.ts";
import { Bandwidth } from "../bandwidth/bandwidth.ts";
import { Cache } from "../cache/cache.ts";
import { Compression } from "../compression/compression.ts";
import { ENCODERS_BYTES } from "../compression/encoders.ts";
import { ProxiedConnections } from "../connection/proxied.ts";
import { GATHER_BYTES } from "../connection/send-queue.ts";
import { CONNECTION, Connections, KIND } from "../connection/table.ts";
import { OP, Transport } from "../connection/transport.ts";
import { Routing } from "../frontend/routing.ts";
import { HttpBack } from "../http1/back.ts";
import { CaseAdjust } from "../http1/case-adjust.ts";
import { HttpFront } from "../http1/front.ts";
import { InvalidMessages } from "../http1/invalid-messages.ts";
import { LocalReplies } from "../http1/reply.ts";
import { HttpTimers } from "../http1/timers.ts";
import { Http2 } from "../http2/http2.ts";
import { Accept } from "../listener/accept.ts";
import { ProxyProtocol } from "../listener/proxy-protocol.ts";
import { AccessLog, accessLogBytes } from "../log/access-log.ts";
import { UniqueIds } from "../log/unique-id.ts";
import { editsCookies, Persistence } from "../persistence/persistence.ts";
import type { Plan, TimeoutsPlan } from "../plan/plan.ts";
import { addedHeadersMax, editsResponses } from "../rules/added-headers.ts";
import { Rules } from "../rules/rules.ts";
import { stickCountersOf } from "../rules/stick-actions.ts";
import { Values } from "../rules/value.ts";
import { SampleContext } from "../sample/context.ts";
import { isMapped, ServerConnections } from "../server/connect.ts";
import { ConnectionNames } from "../server/connection-name.ts";
import { IdlePool } from "../server/idle-pool.ts";
import { Observation } from "../server/observation.ts";
import { SendProxy } from "../server/send-proxy.ts";
import { Slots } from "../server/slots.ts";
import { SharedState, WORKER } from "../shared-state/layout.ts";
import { SpoeEngines } from "../spoe/engines.ts";
import { Tracking } from "../stick-table/tracking.ts";
import { Input } from "../stream/input.ts";
import { Lifecycle } from "../stream/lifecycle.ts";
import { type Stream, Streams } from "../stream/stream.ts";
import { Relay } from "../tcp/relay.ts";
import { ClientHandshakes } from "../tls/client-handshakes.ts";
import { ServerSessions } from "../tls/server-sessions.ts";
import { TLS_ARENA_BYTES } from "../tls/tls.ts";
import type { WorkerContext } from "./context.ts";
import { Gauges } from "./gauges.ts";
import { bufferBytesOf, deriveLimits } from "./limits.ts";
import { Mailbox } from "./mailbox.ts";
import { PatternEdits } from "./pattern-edits.ts";
import type { WorkerTask } from "./task.ts";

/** The parts in the order in which they may be built; a part finds those before it, and those after it once all are there. */
type Building = { -readonly [Part in keyof WorkerContext]?: WorkerContext[Part] };

export type BootResult =
  | { readonly ok: true; readonly ctx: WorkerContext; readonly engine: string }
  | { readonly ok: false; readonly reason: string };

export function bootWorker(task: WorkerTask): BootResult {
  const { plan } = task;
  const limits = deriveLimits(plan, task.maxconn, rowBytes(plan), fixedBytes(plan));
  const made = createArena(limits.arenaBytes);
  if (!made.ok)
    return { ok: false, reason: `no memory for ${limits.arenaBytes} bytes of buffers (errno ${made.errno})` };
  const { arena } = made;
  const pool = new BufferPool(arena, limits.bufferCount, limits.bufferBytes);
  const building: Building = { worker: task.worker, plan, arena, pool, bytes: arena.bytes };
  // The reactor's handler routes by operation; it is complete before the first turn.
  const handler = {
    onAwake(): void {
      ctx.clock.update();
    },
    onCompletion(op: number, slot: number, generation: number, res: number, buffer: number, more: boolean): void {
      if (op >= OP_RECEIVE && op <= OP_CANCEL) ctx.transport.onCompletion(op, slot, generation, res, buffer, more);
      else if (op === OP_ACCEPT) ctx.accept.onAccepted(slot, res, more);
      else if (op === OP_LOG) ctx.log.onCompletion(slot, res);
    },
  };
  const created = createReactor({
    engine: task.engine,
    arena,
    pool,
    handler,
    entries: limits.ringEntries,
    bufferRingEntries: limits.bufferRingEntries,
  });
  if (!created.ok) {
    arena.destroy();
    return { ok: false, reason: created.reason };
  }
  building.reactor = created.reactor;
  // Late binding: parts get the object that is being filled and read it only when they run.
  const ctx = building as WorkerContext;
  wire(building, ctx, task, limits.rows, limits.streams);
  arena.freeze();
  const { reactor, fallback } = created;
  return { ok: true, ctx, engine: fallback === null ? reactor.engine : `${reactor.engine} (${fallback})` };
}

const OP_ACCEPT = OP.accept;
const OP_RECEIVE = OP.receive;
const OP_CANCEL = OP.cancel;
const OP_LOG = OP.log;

function wire(building: Building, ctx: WorkerContext, task: WorkerTask, rows: number, streamCount: number): void {
  const { plan } = task;
  const { arena } = ctx;
  const shared = new SharedState(plan, task.shared);
  building.shared = shared;
  building.timeouts = plan.proxies.map((proxy) => clamp(proxy.timeouts));
  building.clock = new Clock();
  shared.openStickTables(plan, ctx.clock, task.worker);
  building.mailbox = new Mailbox(task.port);
  building.gauges = new Gauges(shared, task.worker);
  building.wheel = new TimerWheel(rows, ctx.clock.nowMs);
  building.connections = new Connections(rows);
  building.streams = new Streams(streamCount, plan.global.maxHeaders, addedHeadersMax(plan));
  building.transport = new Transport(ctx.reactor, ctx.connections, ctx.pool, ctx.wheel, arena);
  building.proxied = new ProxiedConnections(ctx.connections);
  building.lifecycle = new Lifecycle(ctx);
  building.invalidMessages = new InvalidMessages(ctx);
  building.observation = new Observation(plan, ctx.shared, (message) => ctx.mailbox.post(message));
  building.accept = new Accept(ctx, task.listeners);
  const accept = ctx.accept;
  const samples = new SampleContext(plan, shared, task.worker, arena.bytes, ctx.connections, (fd, address) =>
    accept.localAddress(fd, address),
  );
  samples.proxied = ctx.proxied;
  samples.tls = ctx.transport.tls;
  building.tracking = makeTracking(ctx, rows, streamCount);
  samples.tracking = ctx.tracking;
  samples.compileCondition = compileCondition;
  samples.clock = ctx.clock;
  samples.streamBytes = ctx.streams.bytes;
  building.patterns = samples.patterns;
  building.patternEdits = new PatternEdits(samples.patterns, ctx.mailbox);
  const input = new Input(ctx.connections, ctx.pool, ctx.transport, plan.global.maxrewriteBytes);
  samples.input = input;
  building.samples = samples;
  building.log = new AccessLog({
    plan,
    connections: ctx.connections,
    streamBytes: ctx.streams.bytes,
    pid: task.pid,
    hostname: plan.global.node,
    arena: arena.bytes,
    arenaOffset: arena.alloc(Math.max(accessLogBytes(plan), 8), 64),
    reactor: ctx.reactor,
    op: OP_LOG,
    shared,
    worker: task.worker,
    clock: ctx.clock,
    logFds: task.logFds,
    samples,
  });
  building.idlePool = new IdlePool(plan, ctx.connections, ctx.transport, ctx.gauges, shared, ctx.clock);
  building.serverConnections = new ServerConnections(ctx, samples);
  building.serverSessions = new ServerSessions(ctx, samples);
  building.connectionNames = new ConnectionNames(ctx, samples);
  const values = new Values(ctx, samples, task.pid);
  building.sendProxy = new SendProxy(ctx, values);
  const uniqueIds = new UniqueIds(plan, values);
  building.uniqueIds = samples.uniqueIds = uniqueIds;
  if (plan.proxies.some(({ frontend }) => (frontend?.uniqueId ?? null) !== null)) ctx.sendProxy.uniqueId = uniqueIds;
  const wake = (worker: number): void => {
    const wakeFd = Atomics.load(shared.words, shared.workerAt(worker) + WORKER.wakeFd);
    if (wakeFd >= 0) wakeReactor(wakeFd);
  };
  const handler = {
    granted: (stream: Stream, server: number) => ctx.dispatch.granted(stream, server),
    orphaned: (stream: Stream, server: number) => ctx.dispatch.orphaned(stream, server),
  };
  const slots = new Slots(plan, shared, task.worker, ctx.gauges, ctx.streams, wake, handler);
  const balancers = plan.proxies.map((proxy) => (proxy.backend === null ? null : compileBalance(proxy, samples)));
  building.dispatch = new Dispatch(ctx, slots, balancers);
  building.routing = new Routing(ctx, samples, values);
  const responseArea = editsResponses(plan) ? arena.alloc(ctx.pool.size, 64) : 0;
  building.spoe = new SpoeEngines(ctx, samples);
  building.bandwidth = new Bandwidth(ctx);
  building.caseAdjust = new CaseAdjust(plan.caseAdjust, plan.proxies.length);
  building.rules = new Rules({ ctx, samples, pid: task.pid, responseArea, input });
  const cookieArea = editsCookies(plan) ? arena.alloc(ctx.pool.size, 64) : 0;
  building.persistence = new Persistence(ctx, samples, cookieArea);
  building.cache = plan.caches.length > 0 ? new Cache(ctx, task.caches) : null;
  building.compression = compresses(plan) ? new Compression(ctx) : null;

  building.http2 = new Http2(ctx);
  building.front = new HttpFront(ctx);
  building.back = new HttpBack(ctx);
  building.timers = new HttpTimers(ctx);
  building.relay = new Relay(ctx);
  building.replies = new LocalReplies(ctx);
  building.proxyProtocol = new ProxyProtocol(ctx);
  building.clientHandshakes = new ClientHandshakes(ctx, ctx.transport.tls, task.tlsSecret, task.tlsSessions);
  const { transport, connections, idlePool, proxied } = ctx;
  transport.client = ctx.front;
  transport.server = ctx.back;
  transport.relay = ctx.relay;
  transport.http2 = ctx.http2.carriers;
  transport.multiplexer = ctx.http2.streams;
  transport.handshake = ctx.proxyProtocol;
  transport.tlsHandshake = ctx.clientHandshakes;
  transport.onRowFreed = (slot) => {
    const kind = connections.kind[slot]!;
    if (kind === KIND.http2Client || kind === KIND.http2Server) ctx.http2.carriers.released(slot);
    if (kind === KIND.server || kind === KIND.relayServer || kind === KIND.http2Server) return;
    if ((connections.flags[slot]! & CONNECTION.multiplexed) !== 0) {
      idlePool.clientClosed(slot);
      return;
    }
    proxied.release(slot);
    accept.closed(slot);
    samples.variables.closed(slot);
    idlePool.clientClosed(slot);
    if (ctx.tracking.count > 0) ctx.tracking.closed(slot);
  };
}

function makeTracking(
  { connections, plan, shared, streams }: WorkerContext,
  rows: number,
  streamCount: number,
): Tracking {
  const codes = (list: readonly number[]): Uint8Array => {
    const marks = new Uint8Array(1000);
    for (const code of list) marks[code] = 1;
    return marks;
  };
  const { httpErrorCodes, httpFailCodes } = plan.global;
  const status = { errors: codes(httpErrorCodes), failures: codes(httpFailCodes) };
  const counters = stickCountersOf(plan);
  return new Tracking(shared.stickTables, counters, streamCount, rows, streams.bytes, status, connections.carrier);
}

const compresses = (plan: Plan): boolean => plan.proxies.some(({ compression }) => compression !== null);

/** Arena bytes of a connection row. */
function rowBytes(plan: Plan): number {
  let bytes = GATHER_BYTES;
  if (plan.servers.some(isMapped)) bytes += SOCKADDR_BYTES_MAX; // an address of its own
  return bytes;
}

/** Arena bytes of what is neither buffers nor rows. */
function fixedBytes(plan: Plan): number {
  let bytes = accessLogBytes(plan) + 64;
  if (editsResponses(plan)) bytes += bufferBytesOf(plan.global); // response heads that rules edit
  if (editsCookies(plan)) bytes += bufferBytesOf(plan.global); // and those that get a cookie
  bytes += plan.servers.length * SOCKADDR_BYTES_MAX; // where to connect to
  if (compresses(plan)) bytes += ENCODERS_BYTES;
  bytes += TLS_ARENA_BYTES;
  bytes += 2 * SOCKADDR_BYTES_MAX; // the name of an accepted peer
  return bytes + 4096; // alignment
}

/** HAProxy's time-outs reach 24 days, the wheel half of that: nobody waits for the difference. */
function clamp(timeouts: TimeoutsPlan): TimeoutsPlan {
  const clamped = Object.entries(timeouts).map(([name, ms]) => [name, Math.min(ms, TIMEOUT_MAX_MS - 1)]);
  const result: TimeoutsPlan = Object.fromEntries(clamped);
  assert(result.client >= 0, "time-outs are not negative");
  return result;
}
