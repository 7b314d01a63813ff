// A Stream is one exchange: a request, the rules it meets, the server it gets, the response and the log line. In mode tcp and in
// tunnels it is the pair of connections. Streams are preallocated and borrowed; transports (rows of Connections) outlive them.
//
// Times are milliseconds of the worker's clock (int32), -1 where not reached. Byte counts are doubles in `Streams.bytes`.

import type { StreamBandwidth } from "../bandwidth/bandwidth.ts";
import type { CacheUse } from "../cache/use.ts";
import type { StreamCoding } from "../compression/coding.ts";
import { Body } from "../http1/body.ts";
import { Message } from "../http1/message.ts";
import type { StreamVariables } from "../variables/variables.ts";
import type { StreamAddresses } from "./addresses.ts";
import type { StreamCaptures } from "./captures.ts";
import type { StreamSettings } from "./settings.ts";

/** Where the termination flags come from: HAProxy's 8.5, first and second character, as ASCII codes in `endBy` and `endState`. */
export class Stream {
  /** Position in the worker's pool of streams. */
  readonly slot: number;
  readonly request: Message;
  readonly response: Message;
  /** Framing of the two bodies as they pass. */
  readonly requestBody = new Body();
  readonly responseBody = new Body();
  generation = 0;
  active = false;
  /** Connection slots, -1: none. */
  client = -1;
  server = -1;
  /** Indices into the plan. */
  listener = 0;
  frontend = 0;
  /** -1 until a backend is chosen. */
  backend = -1;
  /** Index of the server in the plan; -1: none yet (`<NOSRV>`). */
  serverIndex = -1;
  /** Where the exchange stands: STATE. */
  state = 0;
  /** Bits, see STREAM. */
  flags = 0;
  retriesLeft = 0;
  retriesDone = 0;
  /** Buffer that holds the request head as received, and behind it the first bytes of the body; -1: none. Kept to the end: retries and the log read it. */
  headBuffer = -1;
  /**
   * Where rules write new bytes of the request head: next offset and end of the area, 0: nothing was written yet (rules/head-edits.ts).
   * It begins behind the bytes in `headBuffer` and moves on to `editBuffer` (-1: none) when these leave no room.
   */
  editAt = 0;
  editEnd = 0;
  editBuffer = -1;
  /** Addresses that rules set, null: those of the connection. `spareAddresses` is the same object, kept from life to life. */
  /** What is compressed of the exchange, null: nothing. */
  coding: StreamCoding | null = null;
  /** What it has to do with a cache, null: nothing. */
  cache: CacheUse | null = null;
  /** How fast its data may pass, null: as fast as it can. */
  bandwidth: StreamBandwidth | null = null;
  addresses: StreamAddresses | null = null;
  spareAddresses: StreamAddresses | null = null;
  /** Server that a retry is not to be given to, -1: any. */
  excludedServer = -1;
  /** Status of the answer as logged and counted, -1: none. */
  status = -1;
  /** Termination flags (configuration.txt 8.5): ASCII codes; 45 is `-`. */
  endBy = 45;
  endState = 45;
  /** Server that persistence chose, valid while STREAM.persistent is set. */
  persistentServer = -1;
  /** What became of the client's and of the server's persistence cookie: REQUEST_COOKIE and RESPONSE_COOKIE of persistence/. */
  requestCookie = 0;
  responseCookie = 0;
  /** Entries that get the server when it is known (persistence/stick-rules.ts): table and slot of each, held. Made when first needed. */
  stores: Int32Array | null = null;
  storeCount = 0;
  /** Dates in the client's cookie, seconds since the epoch; 0: none. Valid while `requestCookie` is not 0. */
  cookieLastDate = 0;
  cookieFirstDate = 0;
  /** Rules that wait: the step of frontend/routing.ts or http1/back.ts that they belong to, and the place in their set (rules/compile.ts). */
  ruleStep = 0;
  ruleAt = 0;
  /** What rules set for this stream, null: nothing. `spareSettings` is the same object, kept from life to life. */
  settings: StreamSettings | null = null;
  spareSettings: StreamSettings | null = null;
  /** What was captured, null until something first is; kept from life to life. */
  captures: StreamCaptures | null = null;
  /** Variables of scope txn, req and res, null until a rule first sets one; kept from life to life. */
  variables: StreamVariables | null = null;
  /** The response is there: variables are those of `res`, no longer of `req`. */
  inResponse = false;
  /** What `unique-id-format` gave, the first `uniqueIdBytes` bytes; -1: nobody has asked. The array is kept from life to life. */
  uniqueId: Uint8Array | null = null;
  uniqueIdBytes = -1;
  /** Why the last connection to a server failed: HAProxy's number (connection/errors.ts), and OpenSSL's where it was encrypted; 0: it did not. */
  serverError = 0;
  /** The connection that served the stream and is no longer its own, for the log; -1: none. */
  formerServer = -1;
  formerGeneration = 0;
  serverTlsError = 0;
  /** Number of the last rule that ended an evaluation, -1: none did (rules/rules.ts). */
  finalRule = -1;
  /** Where rules wrote lines of a response head that has to wait, -1: nowhere (rules/head-edits.ts). */
  responseEditBuffer = -1;
  /** Milliseconds of the worker's clock. */
  acceptMs = 0;
  requestStartMs = 0;
  requestDoneMs = -1;
  queueStartMs = -1;
  queueDoneMs = -1;
  connectDoneMs = -1;
  responseHeadMs = -1;
  /** The same in microseconds of the worker's clock, for its histograms; valid where the milliseconds are. */
  startUs = 0;
  queueStartUs = 0;
  queueDoneUs = 0;
  connectDoneUs = 0;
  responseHeadUs = 0;
  /** Wall clock of `acceptMs` and of the request's first byte: milliseconds since the epoch modulo 2^31 would lie, so seconds and milliseconds. */
  acceptSeconds = 0;
  acceptMilliseconds = 0;
  requestSeconds = 0;
  requestMilliseconds = 0;
  /** Position in the backend's and in the server's queue when it began to wait. */
  backendQueue = 0;
  serverQueue = 0;
  /** Counters at the end of the stream, for %ac %fc %bc %sc. */
  activeConnections = 0;
  frontendConnections = 0;
  backendConnections = 0;
  serverConnections = 0;
  /** Counter of requests of this worker, for %rt. */
  requestCounter = 0;
  /** Links of the queue the stream waits in. */
  queueNext = -1;
  queuePrevious = -1;

  /** @param addedHeaders lines that rules may add to each head */
  constructor(slot: number, maxHeaders: number, addedHeaders = 0) {
    this.slot = slot;
    this.request = new Message(maxHeaders, addedHeaders);
    this.response = new Message(maxHeaders, addedHeaders);
  }
}

/** Where an exchange stands. Before `responding` an answer of ours can still take the place of the server's. */
export const STATE = {
  idle: 0,
  /** Waits in a queue for a server's slot. */
  queued: 1,
  /** Connecting to the server. */
  connecting: 2,
  /** Waits before another try at the same server (HAProxy's turn-around second). */
  turnAround: 3,
  /** The request went to the server (or goes), no response head yet. */
  waiting: 4,
  /** Rules of the request wait for something (rules/waiting.ts). */
  inspecting: 5,
  /** Rules of the response do. */
  inspectingResponse: 6,
  /** The response head was forwarded, the body passes. */
  responding: 7,
  /** The control plane was asked for the answer. */
  asking: 8,
  /** The whole answer is queued to the client. */
  answered: 9,
  tunnel: 10,
  /** A response of ours is being produced. */
  local: 11,
} as const;

/** Bits of `Stream.flags`. */
export const STREAM = {
  http: 1,
  /** Both directions are relayed blindly from now on. */
  tunnel: 2,
  /** The answer is ours (error, redirect, stats page). */
  local: 4,
  /** The server connection was taken from the idle pool. */
  reused: 8,
  /** A server slot (`served`) is held. */
  holdsSlot: 16,
  /** The stream was counted in its backend. */
  countedBackend: 32,
  redispatched: 64,
  /** The response has no body whatever its headers say (HEAD, 204, 304). */
  noBody: 128,
  /** Close the client's connection after the response. */
  closeClient: 256,
  /** Part of the request has been sent, so that it cannot be replayed from `outBuffer`. */
  bodyStarted: 1024,
  logged: 2048,
  /** Persistence named the server (cookie, stick rule): it stands in `persistentServer` and is not balanced. */
  persistent: 4096,
  /** The statistics page answers (`<STATS>` in place of a server's name). */
  stats: 8192,
  /** The server connection may go to the idle pool after the response. */
  keepServer: 16384,
  /** The request could not be understood (`<BADREQ>`). */
  badRequest: 65536,
  /** `disable-l7-retry`: once sent, the request is not sent again. */
  noRetry: 536870912,
  /** Another server is being looked for in place of `excludedServer`. */
  redispatching: 1073741824,
  /** `force-persist` holds: persistence goes to servers that are down, too. */
  forcePersist: 131072,
  /** Stick counters follow entries of stick-tables (stick-table/tracking.ts). */
  tracks: 8388608,
  /** `ignore-persist` holds: nothing is read, stored or inserted. */
  ignorePersist: 262144,
  /** A rule waits: its action is called again. */
  waits: 524288,
  /** The time that a rule had to wait is over. */
  waitIsOver: 1048576,
  /** Conditions get nothing more to see than what is there: what they miss is missing for good. */
  dataIsFinal: 2097152,
  /** Mode tcp: rules look at the client's bytes as a request (rules/http-peek.ts); `request` stands for them meanwhile. */
  peeked: 16777216,
  /** Mode tcp: what the server says is held back until `tcp-response content` rules have passed it. */
  responseHeld: 4194304,
} as const;

/** Byte counters of streams, four doubles a slot. */
export const STREAM_BYTES = { fromClient: 0, toServer: 1, fromServer: 2, toClient: 3, columns: 4 } as const;

/** Streams made at a time when the pool is empty: growing stops at the most that were ever active at once. */
const BATCH = 64;

/** The pool: streams are made in batches as load first needs them and reused for ever after. */
export class Streams {
  readonly capacity: number;
  readonly all: Stream[] = [];
  readonly bytes: Float64Array;
  readonly #maxHeaders: number;
  readonly #addedHeaders: number;
  readonly #free: Int32Array;
  #freeCount = 0;

  /** @param addedHeaders lines that rules may add to each head (rules/added-headers.ts) */
  constructor(capacity: number, maxHeaders: number, addedHeaders = 0) {
    this.capacity = capacity;
    this.#addedHeaders = addedHeaders;
    this.bytes = new Float64Array(capacity * STREAM_BYTES.columns);
    this.#maxHeaders = maxHeaders;
    this.#free = new Int32Array(capacity);
  }

  get active(): number {
    return this.all.length - this.#freeCount;
  }

  /** Borrows a stream; null when `capacity` are in use. The caller sets what it needs (see stream/lifecycle.ts). */
  take(): Stream | null {
    if (this.#freeCount === 0) this.#grow();
    if (this.#freeCount === 0) return null;
    const stream = this.all[this.#free[--this.#freeCount]!]!;
    stream.active = true;
    return stream;
  }

  give(stream: Stream): void {
    stream.active = false;
    stream.generation = (stream.generation + 1) | 0;
    this.#free[this.#freeCount++] = stream.slot;
  }

  #grow(): void {
    const from = this.all.length;
    const to = Math.min(this.capacity, from + BATCH);
    for (let slot = from; slot < to; slot++) this.all.push(new Stream(slot, this.#maxHeaders, this.#addedHeaders));
    for (let slot = to - 1; slot >= from; slot--) this.#free[this.#freeCount++] = slot;
  }
}
