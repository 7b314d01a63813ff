// The one SharedArrayBuffer that the control plane and all workers of a proxy process look at: its layout and the typed views on it.
// Longer than 400 lines because it is one list of words.
//
//   header        16 × i32     process-wide words (HEADER)
//   workers       nbthread × 16 × i32      heartbeat and state of each worker (WORKER)
//   proxies       proxies × 32 × i32       current values of frontends and backends (PROXY)
//   listeners     listeners × 4 × i32    current connections of each bound address (LISTENER)
//   servers       servers × 32 × i32       state, weight, current connections of each server (SERVER)
//   log lines     one i32 per `log` line of a proxy
//   sequences     per backend 2 × capacity × i32    the precomputed weighted round-robin order, double-buffered
//   shadows       nbthread × (all words above the sequences) × i32   each worker's part in the current values, see worker/gauges.ts
//   counters      nbthread × rows × COUNTER.columns × f64    cumulative statistics, one plain row set per worker
//   stick-tables  see stick-table/layout.ts, variables of the process, then histograms of times (latency.ts)
//
// A worker that dies takes its connections with it but not what it added to the current values. So a worker changes CURRENT words only
// through worker/gauges.ts, which keeps its part in its shadow; `undoWorker` subtracts what a dead one still held.
//
// Who writes what: STATE and WEIGHT words only the control plane; CURRENT words everybody, with Atomics; counters only their
// worker, plainly: the control plane adds the workers' rows up on reading and may see a value that is one request old.
// Nothing here locks. A f64 counts exactly to 2^53.

import type { Plan } from "../plan/plan.ts";
import type { SharedClock } from "../stick-table/table.ts";
import { StickTables, stickTableBytes } from "../stick-table/tables.ts";
import { ProcVariables, procVariablesBytes, SPARE_VARIABLES } from "../variables/proc-variables.ts";
import { LatencyRows } from "./latency.ts";

/** Words of the header. */
export const HEADER = {
  /** 1: soft stop, listeners closed, connections drain; 2: hard stop. */
  stopping: 0,
  /** Current client connections of the process (global maxconn). */
  connections: 1,
  connectionsMax: 2,
  /** Clients' connections that waited because maxconn was reached. */
  maxconnReached: 3,
  /** Effective global maxconn. */
  maxconn: 4,
  /** Current streams of the process. */
  streams: 5,
  /** `maxcomprate`: the second that is being counted, and the bytes given to compressors in it. */
  compressionSecond: 6,
  compressionBytes: 7,
  /** `maxcomprate` that applies, bytes a second; 0: none. */
  compressionRateMax: 8,
  /** `maxconnrate`, `maxsessrate`, `maxsslrate`: three words each (RATE), see listener/process-rates.ts. */
  connectionRate: 9,
  sessionRate: 12,
  tlsRate: 15,
  words: 24,
} as const;

/** A rate limit of the process, from one of HEADER's words on. */
export const RATE = {
  /** Events a second, 0: no limit. */
  max: 0,
  /** The second that is being counted, and the events in it. */
  second: 1,
  count: 2,
} as const;

/** Words of a worker's row. */
export const WORKER = {
  /** 0 starting, 1 running, 2 stopped, 3 dead. */
  state: 0,
  /** Counts turns of the worker's loop; a worker whose heartbeat stands still is stuck. */
  heartbeat: 1,
  /** eventfd that wakes the worker's reactor, -1 before it has one. */
  wakeFd: 2,
  /** Linux thread id, for per-thread CPU accounting. */
  tid: 3,
  /** Times the worker was replaced after a death. */
  restarts: 4,
  /** Log lines that this worker could not send (`DroppedLogs` of show info is their sum). */
  droppedLogs: 5,
  /** Datagrams that a log socket refused: when it rises, the control plane looks whether the syslog server came back. */
  refusedLogs: 6,
  /** In use after the last turn: buffers that are neither free nor lent to the kernel, connection rows, streams. */
  buffersUsed: 7,
  rowsUsed: 8,
  streamsUsed: 9,
  /** How many of each there are; a worker makes them at its start, streams as load first needs them. */
  buffers: 10,
  rows: 11,
  streams: 12,
  /** Encrypted connections that exist; handshakes that were done with clients, and those of them (and with servers) that were not resumed. */
  tlsConnections: 13,
  tlsHandshakes: 14,
  tlsKeys: 15,
  tlsServerKeys: 16,
  words: 32,
} as const;

/** Words of a proxy's row. Frontend and backend halves of a `listen` share a row. */
export const PROXY = {
  frontendSessions: 0,
  frontendSessionsMax: 1,
  backendSessions: 2,
  backendSessionsMax: 3,
  /** Streams waiting in the backend's own queue (not bound to a server). */
  queued: 4,
  queuedMax: 5,
  /** Round-robin cursor: `Atomics.add(cursor, 1)` modulo the sequence's length picks the position. */
  cursor: 6,
  /** Odd while the control plane rewrites the sequence; workers read length and half between two equal even values. */
  sequenceVersion: 7,
  sequenceLength: 8,
  /** 0 or 1: which half of the double buffer is current. */
  sequenceHalf: 9,
  /** Usable active / backup servers, as in `act` and `bck` of show stat. */
  activeServers: 10,
  backupServers: 11,
  /** Sum of effective weights of the servers that take part. */
  totalWeight: 12,
  /** Frontend: 0 open, 1 paused (`disable frontend`), 2 full, 3 stopped for good (`shutdown frontend`). */
  frontendState: 13,
  /** Rises whenever a server of this backend changed: balance/ rebuilds what it derived. */
  generation: 14,
  /** Seconds since the epoch of the last change of the backend's status. */
  lastChange: 15,
  /** Frontend: maxconn that applies (`set maxconn frontend`), 0: only the process's. */
  frontendMaxconn: 16,
  /** Bit w mod 32: worker w has streams in its queue for this backend, as SERVER.waiters. */
  waiters: 17,
  /** `rate-limit sessions`: the second that is being counted, and the sessions accepted in it. */
  rateSecond: 18,
  rateSessions: 19,
  /** 1: content switching passes the backend over (`be-unpublished`, `unpublish backend`). */
  unpublished: 20,
  words: 32,
} as const;

/** Words of a listener's row. */
export const LISTENER = {
  /** Client connections that came through this address, against the bind line's `maxconn`. */
  connections: 0,
  words: 4,
} as const;

/** HAProxy's srv_op_state. */
export const OP_STATE = { stopped: 0, starting: 1, running: 2, stopping: 3 } as const;

/** HAProxy's srv_admin_state bits. */
export const ADMIN_STATE = {
  forcedMaint: 0x01,
  inheritedMaint: 0x02,
  /** The configuration says `disabled`: stays for good and has no effect of its own; `forcedMaint` is what counts. */
  configMaint: 0x04,
  forcedDrain: 0x08,
  inheritedDrain: 0x10,
  resolutionMaint: 0x20,
  /** Its name is not the one of the configuration: `set server fqdn`, a SRV record. */
  hostnameChanged: 0x40,
} as const;
export const ADMIN_MAINT = 0x01 | 0x02 | 0x20;
export const ADMIN_DRAIN = 0x08 | 0x10;

/** Words of a server's row. */
export const SERVER = {
  /** OP_STATE. */
  opState: 0,
  /** ADMIN_STATE bits. */
  adminState: 1,
  /** Weight that the user set last (0 … 256), and the configured one. */
  userWeight: 2,
  initialWeight: 3,
  /** What balancing uses now: 0 when the server takes no new traffic. */
  effectiveWeight: 4,
  /** 1: may be given new streams (up and not in maintenance or drain), 0: not. A drained server still serves persistent ones: `usable` 0, opState running. */
  usable: 5,
  /** Streams that hold a slot (connect to end), Atomics; against `maxconn`. */
  served: 6,
  servedMax: 7,
  /** Streams waiting for this server. */
  queued: 8,
  queuedMax: 9,
  /** Idle connections in the workers' pools, Atomics. */
  idle: 10,
  /** maxconn that applies (runtime-settable), 0: unlimited. */
  maxconn: 11,
  /** Seconds since the epoch of the last state change; accumulated seconds down. */
  lastChange: 12,
  downtimeSeconds: 13,
  /** Check: HAProxy's status (CHECK_STATUS in health/), code, duration in ms, health counter (0 … rise+fall-1). */
  checkStatus: 14,
  checkCode: 15,
  checkDurationMs: 16,
  checkHealth: 17,
  /** Failed checks, and transitions from up to down. */
  failedChecks: 18,
  downTransitions: 19,
  /** Rises with every change that makes connections to this server unusable (address, shutdown sessions): workers close theirs. */
  connectionGeneration: 20,
  /** Checks are enabled (`enable/disable health`). */
  checkEnabled: 21,
  /** Bit w mod 32: worker w has streams in its queue for this server. Who frees a slot wakes such workers. */
  waiters: 22,
  /** Seconds since the epoch of the last stream given to this server, for `lastsess`. */
  lastSession: 23,
  /** leastconn: value of PROXY.cursor when the server was chosen last; equals are taken in this order. */
  lastPick: 24,
  /** `observe`: failures in a row that workers saw, what the last one was (OBSERVED), and how often `error-limit` was reached unheard and ever. */
  consecutiveErrors: 25,
  lastError: 26,
  errorLimitsReached: 27,
  observedFailures: 28,
  words: 32,
} as const;

/** Columns of a counter row: cumulative, written by one worker. Rows: every proxy as frontend, every proxy as backend, every server, every listener. */
export const COUNTER = {
  sessions: 0,
  bytesIn: 1,
  bytesOut: 2,
  deniedRequests: 3,
  deniedResponses: 4,
  errorRequests: 5,
  errorConnections: 6,
  errorResponses: 7,
  retries: 8,
  redispatches: 9,
  responses1xx: 10,
  responses2xx: 11,
  responses3xx: 12,
  responses4xx: 13,
  responses5xx: 14,
  responsesOther: 15,
  requests: 16,
  clientAborts: 17,
  serverAborts: 18,
  /** Streams that balancing gave to this server (persistence and redispatch excluded). */
  balanced: 19,
  connects: 20,
  reuses: 21,
  intercepted: 22,
  connections: 23,
  deniedConnections: 24,
  deniedSessions: 25,
  failedRewrites: 26,
  internalErrors: 27,
  /** Sums of milliseconds and their maxima over finished streams: queue, connect, response, total. */
  queueTimeMs: 28,
  connectTimeMs: 29,
  responseTimeMs: 30,
  totalTimeMs: 31,
  queueTimeMaxMs: 32,
  connectTimeMaxMs: 33,
  responseTimeMaxMs: 34,
  totalTimeMaxMs: 35,
  /** Streams whose times were added. */
  timedStreams: 36,
  /** Bytes as 3.x counts them: request in/out, response in/out. */
  requestBytesIn: 37,
  requestBytesOut: 38,
  responseBytesIn: 39,
  responseBytesOut: 40,
  /** Compression of responses: bytes into and out of encoders, bodies, bytes that only passed through. */
  compressedBytesIn: 41,
  compressedBytesOut: 42,
  compressedResponses: 43,
  cacheLookups: 44,
  cacheHits: 45,
  columns: 48,
} as const;

/** Longest weighted sequence kept per backend; weights are scaled down to fit. */
const SEQUENCE_MAX = 65536;
const WEIGHT_MAX = 256;

/** The views, the same in every thread. */
export class SharedState {
  readonly buffer: SharedArrayBuffer;
  /** The memory of the plan's caches (cache/store.ts), set by the control plane before workers start. */
  caches: readonly SharedArrayBuffer[] = [];
  /** Of TLS sessions that are resumed without a ticket (tls/session-cache.ts), set likewise; null: none are kept. */
  tlsSessions: SharedArrayBuffer | null = null;
  /** All i32 words; use the `*At` functions for row offsets. */
  readonly words: Int32Array;
  readonly counters: Float64Array;
  readonly nbthread: number;
  readonly proxyCount: number;
  readonly serverCount: number;
  readonly listenerCount: number;
  /** Per proxy: word offset of its sequence's first half, and the capacity of a half. */
  readonly sequenceAt: Int32Array;
  readonly sequenceCapacity: Int32Array;
  /** What each worker added to the words: `shadowAt(worker) + word`. Taken out of the words when the worker dies. */
  readonly shadows: Int32Array;
  /** Words that can have a shadow: header to servers. */
  readonly shadowWords: number;
  /** Word offsets of the row sets. */
  readonly workersAt: number;
  readonly proxiesAt: number;
  readonly serversAt: number;
  readonly listenersAt: number;
  stickTables: StickTables;
  readonly procVariables: ProcVariables;
  /** How long streams took. */
  readonly latencies: LatencyRows;
  readonly #stickTablesAt: number;
  readonly #logLinesAt: Int32Array;
  /** Rows of one worker in `counters`. */
  readonly counterRows: number;

  constructor(plan: Plan, buffer?: SharedArrayBuffer) {
    this.nbthread = plan.global.nbthread;
    this.proxyCount = plan.proxies.length;
    this.serverCount = plan.servers.length;
    this.listenerCount = plan.listeners.length;
    this.workersAt = HEADER.words;
    this.proxiesAt = this.workersAt + this.nbthread * WORKER.words;
    this.listenersAt = this.proxiesAt + this.proxyCount * PROXY.words;
    this.serversAt = this.listenersAt + this.listenerCount * LISTENER.words;
    let at = this.serversAt + this.serverCount * SERVER.words;
    this.sequenceAt = new Int32Array(this.proxyCount);
    this.sequenceCapacity = new Int32Array(this.proxyCount);
    for (const proxy of plan.proxies) {
      const servers = proxy.backend?.servers.length ?? 0;
      const capacity = Math.min(servers * WEIGHT_MAX, SEQUENCE_MAX);
      this.sequenceAt[proxy.index] = at;
      this.sequenceCapacity[proxy.index] = capacity;
      at += 2 * capacity;
    }
    // One word for each `log` line of a proxy: lines counted, for those that sample.
    this.#logLinesAt = new Int32Array(this.proxyCount);
    for (const proxy of plan.proxies) {
      this.#logLinesAt[proxy.index] = at;
      at += proxy.log.length;
    }
    this.shadowWords = this.serversAt + this.serverCount * SERVER.words;
    const shadowsAt = at;
    at += this.nbthread * this.shadowWords;
    at += at & 1; // the counters are 8-byte aligned
    this.counterRows = 2 * this.proxyCount + this.serverCount + this.listenerCount;
    const counterCount = this.nbthread * this.counterRows * COUNTER.columns;
    const bytes = at * 4 + counterCount * 8;
    this.#stickTablesAt = bytes;
    const variablesAt = Math.ceil((bytes + stickTableBytes(plan.stickTables)) / 8) * 8;
    const { bufsizeBytes } = plan.global;
    const variables = plan.variables.proc.length + SPARE_VARIABLES;
    const latenciesAt = Math.ceil((variablesAt + procVariablesBytes(variables, bufsizeBytes)) / 8) * 8;
    const latencyRows = [this.nbthread, this.proxyCount, this.serverCount] as const;
    this.buffer = buffer ?? new SharedArrayBuffer(latenciesAt + LatencyRows.bytes(...latencyRows));
    this.latencies = new LatencyRows(this.buffer, latenciesAt, ...latencyRows);
    const limitBytes = plan.variables.limits.proc;
    this.procVariables = new ProcVariables(this.buffer, variablesAt, variables, bufsizeBytes, limitBytes);
    this.stickTables = new StickTables(plan, this.buffer, bytes);
    this.words = new Int32Array(this.buffer, 0, at);
    this.shadows = this.words.subarray(shadowsAt);
    this.counters = new Float64Array(this.buffer, at * 4, counterCount);
  }

  /** Offset in `shadows` of a worker's shadow of word 0. */
  shadowAt(worker: number): number {
    return worker * this.shadowWords;
  }
  workerAt(worker: number): number {
    return this.workersAt + worker * WORKER.words;
  }
  proxyAt(proxy: number): number {
    return this.proxiesAt + proxy * PROXY.words;
  }
  listenerAt(listener: number): number {
    return this.listenersAt + listener * LISTENER.words;
  }
  /** The word that counts the lines of a proxy's `log` line. */
  logLineAt(proxy: number, target: number): number {
    return this.#logLinesAt[proxy]! + target;
  }
  serverAt(server: number): number {
    return this.serversAt + server * SERVER.words;
  }

  /** A worker sees the stick-tables by its own clock and number; before, they are seen as the main thread sees them. */
  openStickTables(plan: Plan, clock: SharedClock, worker: number): void {
    this.stickTables = new StickTables(plan, this.buffer, this.#stickTablesAt, clock, worker);
  }

  /** Takes what a dead worker still held out of every current value. The worker must not run any more. */
  undoWorker(worker: number): void {
    this.stickTables.forgetWorker(worker);
    const shadow = this.shadowAt(worker);
    for (let word = 0; word < this.shadowWords; word++) {
      const held = this.shadows[shadow + word]!;
      if (held === 0) continue;
      Atomics.sub(this.words, word, held);
      this.shadows[shadow + word] = 0;
    }
  }

  /** Offset in `counters` of a row of one worker. */
  frontendCountersAt(worker: number, proxy: number): number {
    return (worker * this.counterRows + proxy) * COUNTER.columns;
  }
  backendCountersAt(worker: number, proxy: number): number {
    return (worker * this.counterRows + this.proxyCount + proxy) * COUNTER.columns;
  }
  serverCountersAt(worker: number, server: number): number {
    return (worker * this.counterRows + 2 * this.proxyCount + server) * COUNTER.columns;
  }
  listenerCountersAt(worker: number, listener: number): number {
    return (worker * this.counterRows + 2 * this.proxyCount + this.serverCount + listener) * COUNTER.columns;
  }
}
