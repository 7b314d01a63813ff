// From a backend to a server: balancing, the server's slots and queues, connection attempts, retries and redispatch.
//
//   dispatch ─▶ assign ─▶ (queued) ─▶ connecting ─▶ http1/back.ts or tcp/relay.ts
//                 ▲           │            │
//                 │           ▼ 503 sQ     ▼ failed: turn-around second, or another server
//                 └────────────────────────┘            retries used up: 503 SC / sC
//
// Server slots and queues are server/slots.ts; which server is balance/'s choice.

import type { Balance } from "../balance/balance.ts";
import { CONNECTION } from "../connection/table.ts";
import { REQUEST_COOKIE } from "../persistence/states.ts";
import type { BackendPlan } from "../plan/plan.ts";
import { RETRY_ON } from "../plan/retry.ts";
import type { SlotHandler, Slots } from "../server/slots.ts";
import { COUNTER, OP_STATE, PROXY, SERVER } from "../shared-state/layout.ts";
import { TIMEOUT, timeoutOf } from "../stream/settings.ts";
import { STATE, STREAM, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";

const BY_SERVER = 83; // S
const BY_SERVER_TIMEOUT = 115; // s
const BY_RESOURCES = 82; // R
const IN_CONNECT = 67; // C
const IN_QUEUE = 81; // Q
const NO_SERVER = -1;
const ALL_FULL = -2;
/** HAProxy waits this long before it tries the same server again, or `timeout connect` if that is shorter. */
const TURN_AROUND_MS = 1000;
const PERSISTENT = STREAM.persistent;
const ROUND_ROBIN: ReadonlySet<string> = new Set(["roundrobin", "static-rr"]);

export class Dispatch implements SlotHandler {
  readonly #ctx: WorkerContext;
  readonly #slots: Slots;
  readonly #balancers: readonly (Balance | null)[];
  readonly #backends: readonly (BackendPlan | null)[];

  constructor(ctx: WorkerContext, slots: Slots, balancers: readonly (Balance | null)[]) {
    this.#ctx = ctx;
    this.#slots = slots;
    this.#balancers = balancers;
    this.#backends = ctx.plan.proxies.map((proxy) => proxy.backend);
  }

  /** The stream has entered its backend and wants a server. */
  dispatch(stream: Stream): void {
    const set = stream.settings === null ? -1 : stream.settings.retries;
    stream.retriesLeft = set >= 0 ? set : this.#backends[stream.backend]!.retries;
    const { clock } = this.#ctx;
    stream.queueStartMs = clock.nowMs;
    stream.queueStartUs = clock.nowUs;
    this.#assign(stream);
  }

  #assign(stream: Stream): void {
    if ((stream.flags & PERSISTENT) !== 0) this.#assignPersistent(stream);
    else this.#balance(stream);
  }

  /** Persistence chose the server; only a full queue may change that, and only where `option redispatch` allows it. */
  #assignPersistent(stream: Stream): void {
    const server = stream.persistentServer;
    if (this.#slots.acquire(server)) {
      stream.flags |= STREAM.holdsSlot;
      this.#connectTo(stream, server);
    } else if (!this.#slots.limits.queueIsFull(server)) {
      stream.serverQueue = this.#slots.waitForServer(stream, server);
      this.#startQueueTimer(stream);
    } else if (this.#backends[stream.backend]!.redispatch !== 0 && (stream.flags & STREAM.forcePersist) === 0) {
      stream.flags &= ~PERSISTENT;
      this.#balance(stream);
    } else {
      const { lifecycle } = this.#ctx;
      lifecycle.count(lifecycle.serverAt[server]!, COUNTER.errorConnections);
      lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.errorConnections);
      stream.serverIndex = server;
      this.#refuse(stream, BY_SERVER_TIMEOUT, IN_QUEUE);
    }
  }

  #balance(stream: Stream): void {
    const last = this.#backends[stream.backend]!.preferLastServer ? this.#lastServer(stream) : NO_SERVER;
    const server = last >= 0 ? last : this.#balancers[stream.backend]!.pick(stream, stream.excludedServer);
    if (server === NO_SERVER) {
      this.#refuse(stream, BY_SERVER, IN_CONNECT);
      return;
    }
    if (server === ALL_FULL) {
      this.#waitForBackend(stream);
      return;
    }
    if (this.#slots.acquire(server)) {
      stream.flags |= STREAM.holdsSlot;
      this.#countBalanced(stream, server);
      this.#connectTo(stream, server);
    } else if (this.#slots.limits.queueIsFull(server)) this.#waitForBackend(stream);
    else {
      stream.serverQueue = this.#slots.waitForServer(stream, server);
      this.#startQueueTimer(stream);
    }
  }

  /** `option prefer-last-server`: the server of the client's last request, if it is of this backend and takes requests. */
  #lastServer(stream: Stream): number {
    const { connections, plan, shared } = this.#ctx;
    const last = connections.lastServer[stream.client]!;
    if (last < 0 || last === stream.excludedServer || plan.servers[last]!.proxy !== stream.backend) return NO_SERVER;
    return shared.words[shared.serverAt(last) + SERVER.usable] === 1 ? last : NO_SERVER;
  }

  #countBalanced(stream: Stream, server: number): void {
    const { lifecycle } = this.#ctx;
    lifecycle.count(lifecycle.serverAt[server]!, COUNTER.balanced);
    lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.balanced);
  }

  /** Whichever of the backend's servers has room first takes the stream. */
  #waitForBackend(stream: Stream): void {
    stream.backendQueue = this.#slots.waitForBackend(stream, stream.backend);
    this.#startQueueTimer(stream);
  }

  #startQueueTimer(stream: Stream): void {
    const { wheel, clock } = this.#ctx;
    stream.state = STATE.queued;
    const timeouts = this.#ctx.timeouts[stream.backend]!;
    const timeoutMs = timeoutOf(stream, TIMEOUT.queue, timeouts.queue || timeouts.connect);
    if (timeoutMs > 0) wheel.set(stream.client, clock.nowMs + timeoutMs);
  }

  /** Streams that got the slot they waited for; called by slots when one is freed, here or in another worker. */
  granted(stream: Stream, server: number): void {
    this.#ctx.wheel.clear(stream.client);
    stream.flags |= STREAM.holdsSlot;
    if ((stream.flags & PERSISTENT) === 0) this.#countBalanced(stream, server);
    this.#connectTo(stream, server);
  }

  /** The server that the stream waited for went down. Who insists on it waits on: it may come back before the time-out. */
  orphaned(stream: Stream, server: number): void {
    if ((stream.flags & PERSISTENT) !== 0) {
      const { redispatch, persistence } = this.#backends[stream.backend]!;
      if (redispatch === 0 || persistence.toDownServers || (stream.flags & STREAM.forcePersist) !== 0) {
        this.#slots.waitForServer(stream, server);
        return;
      }
      this.#lose(stream);
    }
    stream.excludedServer = server;
    this.#ctx.wheel.clear(stream.client);
    this.#assign(stream);
  }

  /** At every turn: slots that became free, here or in another worker, go to streams that wait in this one. */
  look(): void {
    this.#slots.dispatch();
  }

  #connectTo(stream: Stream, server: number): void {
    const { clock, connections, http2, idlePool, lifecycle, serverConnections } = this.#ctx;
    const words = this.#ctx.shared.words;
    stream.serverIndex = server;
    if ((stream.flags & STREAM.redispatching) !== 0) this.#redispatchedTo(stream, server);
    if (stream.queueDoneMs === -1) {
      stream.queueDoneMs = clock.nowMs;
      stream.queueDoneUs = clock.nowUs;
      lifecycle.count(lifecycle.serverAt[server]!, COUNTER.sessions);
      if ((stream.flags & STREAM.http) !== 0) lifecycle.count(lifecycle.serverAt[server]!, COUNTER.requests);
    }
    words[this.#ctx.shared.serverAt(server) + SERVER.lastSession] = clock.wallSeconds();
    if ((stream.flags & STREAM.http) !== 0) {
      const isFirst = (connections.flags[stream.client]! & CONNECTION.notFirst) === 0;
      const { connectionNames } = this.#ctx;
      const names = connectionNames.varies[server] === 0 ? null : connectionNames;
      if (names !== null) names.compute(stream, server);
      const shared = http2.servers.take(stream, server, isFirst, names);
      const idle = shared >= 0 ? shared : idlePool.take(server, stream.client, isFirst, names);
      if (idle >= 0) {
        stream.flags |= STREAM.reused;
        lifecycle.count(lifecycle.serverAt[server]!, COUNTER.reuses);
        lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.reuses);
        this.#ctx.back.attach(stream, idle);
        return;
      }
    }
    stream.flags &= ~STREAM.reused;
    stream.state = STATE.connecting;
    lifecycle.count(lifecycle.serverAt[server]!, COUNTER.connects);
    lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.connects);
    const failed = serverConnections.open(stream, server);
    if (failed !== 0) this.connectFailed(stream, BY_RESOURCES);
  }

  /** A connection attempt failed (`by`: S refused, s timed out, R no descriptor or row). Tries again as `retries` and `option redispatch` say. */
  connectFailed(stream: Stream, by: number): void {
    const { lifecycle, wheel, clock } = this.#ctx;
    const backend = this.#backends[stream.backend]!;
    const server = stream.serverIndex;
    stream.server = -1;
    if (by !== BY_RESOURCES) this.#ctx.observation.connectionFailed(server);
    if (stream.retriesLeft <= 0 || (backend.retryOn & RETRY_ON.connFailure) === 0) {
      lifecycle.count(lifecycle.serverAt[server]!, COUNTER.errorConnections);
      lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.errorConnections);
      this.#refuse(stream, by, IN_CONNECT);
      return;
    }
    stream.retriesLeft--;
    stream.retriesDone++;
    if (this.#mayRedispatch(stream, backend)) {
      this.#redispatch(stream, server);
      return;
    }
    this.#countRetry(stream, server);
    stream.state = STATE.turnAround;
    const connectMs = timeoutOf(stream, TIMEOUT.connect, this.#ctx.timeouts[stream.backend]!.connect);
    wheel.set(stream.client, clock.nowMs + (connectMs > 0 ? Math.min(connectMs, TURN_AROUND_MS) : TURN_AROUND_MS));
  }

  /**
   * The server failed with a request that can be sent again, for a reason that `retry-on` may name (`why`: bits of RETRY_ON). False: it is not
   * sent again. True: it is, and whatever connection it had is closed.
   */
  retries(stream: Stream, why: number): boolean {
    const backend = this.#backends[stream.backend]!;
    if ((backend.retryOn & why) === 0 || stream.retriesLeft <= 0) return false;
    if ((stream.flags & (STREAM.bodyStarted | STREAM.noRetry)) !== 0 || !stream.requestBody.done) return false;
    const { connections, transport } = this.#ctx;
    const slot = stream.server;
    stream.server = -1;
    if (slot >= 0) {
      connections.stream[slot] = -1;
      transport.close(slot);
    }
    stream.retriesLeft--;
    stream.retriesDone++;
    if (this.#mayRedispatch(stream, backend)) this.#redispatch(stream, stream.serverIndex);
    else this.again(stream);
    return true;
  }

  /**
   * `option redispatch`: on the last retry, or every Nth. Without persistence and with another active server a round-robin
   * backend does not insist on the server that just failed.
   */
  #mayRedispatch(stream: Stream, backend: BackendPlan): boolean {
    if (backend.redispatch === 0 || (stream.flags & STREAM.forcePersist) !== 0) return false;
    if (
      (stream.flags & STREAM.persistent) === 0 &&
      ROUND_ROBIN.has(backend.balance.algorithm) &&
      this.#ctx.shared.words[this.#ctx.shared.proxyAt(stream.backend) + PROXY.activeServers]! > 1
    )
      return true;
    if (backend.redispatch > 0) return stream.retriesDone % backend.redispatch === 0;
    return stream.retriesLeft === 0;
  }

  #redispatch(stream: Stream, server: number): void {
    this.releaseSlot(stream);
    stream.excludedServer = server;
    stream.serverIndex = -1;
    this.#lose(stream);
    stream.flags |= STREAM.redispatching;
    this.#assign(stream);
  }

  /** Only another server is a redispatch; where there is none but the one that failed, it is a retry. */
  #redispatchedTo(stream: Stream, server: number): void {
    const { lifecycle } = this.#ctx;
    const failed = stream.excludedServer;
    stream.flags &= ~STREAM.redispatching;
    if (failed === server) {
      this.#countRetry(stream, server);
      return;
    }
    stream.flags |= STREAM.redispatched;
    lifecycle.count(lifecycle.serverAt[failed]!, COUNTER.redispatches);
    lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.redispatches);
  }

  /** The server of the stream's persistence is not to be had: another one it will be, and the log says that the cookie's is down. */
  #lose(stream: Stream): void {
    stream.flags &= ~PERSISTENT;
    if (stream.requestCookie === REQUEST_COOKIE.valid) stream.requestCookie = REQUEST_COOKIE.down;
  }

  #countRetry(stream: Stream, server: number): void {
    const { lifecycle } = this.#ctx;
    lifecycle.count(lifecycle.serverAt[server]!, COUNTER.retries);
    lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.retries);
  }

  /** The timer of a stream without a connection ran out: queue time-out, or the turn-around second is over. */
  expired(stream: Stream): void {
    if (stream.state === STATE.turnAround) {
      const server = stream.serverIndex;
      // A drained server is still there for those who insist on it.
      const isUp = this.#ctx.shared.words[this.#ctx.shared.serverAt(server) + SERVER.opState]! >= OP_STATE.running;
      const mayLeave = this.#backends[stream.backend]!.redispatch !== 0 && (stream.flags & STREAM.forcePersist) === 0;
      if (isUp || !mayLeave) this.#connectTo(stream, server);
      else this.#redispatch(stream, server);
      return;
    }
    this.#leaveQueue(stream);
    this.#refuse(stream, BY_SERVER_TIMEOUT, IN_QUEUE);
  }

  /** As HAProxy counts it, the time in the queue ends here, too. */
  #leaveQueue(stream: Stream): void {
    this.#slots.leave(stream);
    if (stream.queueDoneMs !== -1) return;
    stream.queueDoneMs = this.#ctx.clock.nowMs;
    stream.queueDoneUs = this.#ctx.clock.nowUs;
  }

  /** A reused connection was closed by the server before it answered: the request goes again on a fresh one. */
  again(stream: Stream): void {
    this.#countRetry(stream, stream.serverIndex);
    this.#connectTo(stream, stream.serverIndex);
  }

  /** Ends the stream's ties to servers: its place in a queue, its connection, its slot. */
  leave(stream: Stream): void {
    if (stream.state === STATE.queued) this.#leaveQueue(stream);
    const server = stream.server;
    if (server >= 0) {
      const { connections } = this.#ctx;
      stream.server = -1;
      stream.formerServer = server;
      stream.formerGeneration = connections.generation[server]!;
      connections.stream[server] = -1;
      this.#ctx.transport.close(server);
    }
    this.releaseSlot(stream);
  }

  /** Gives the server's slot back, if one is held. */
  releaseSlot(stream: Stream): void {
    if ((stream.flags & STREAM.holdsSlot) === 0) return;
    stream.flags &= ~STREAM.holdsSlot;
    this.#slots.release(stream.serverIndex);
  }

  /** A connection stands and cannot be used, for a reason of our own. */
  fail(stream: Stream, by: number): void {
    this.#refuse(stream, by, IN_CONNECT);
  }

  #refuse(stream: Stream, by: number, state: number): void {
    this.#ctx.lifecycle.endReason(stream, by, state);
    this.releaseSlot(stream);
    if ((stream.flags & STREAM.http) !== 0) this.#ctx.replies.error(stream, 503);
    else this.#ctx.relay.refuse(stream);
  }
}
