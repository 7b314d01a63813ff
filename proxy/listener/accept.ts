// Accepting: from a completion of a listening socket to a client's row. Holds the limits on connections (global, frontend and
// bind maxconn, rate-limit sessions): over a limit a connection is parked, accepted but unread, until another one ends; when too many are parked the
// listener stops accepting and the kernel's backlog holds the rest. Binding the sockets is control's work (bind.ts).

import { copySockaddrAddress, SOCKADDR_BYTES_MAX, sockaddrFamily, sockaddrPort } from "../../shared/abi/sockaddr.ts";
import { close as closeDescriptor } from "../../shared/ffi/file.ts";
import { protocolOf } from "../../shared/ffi/openssl-inspect.ts";
import { getpeernameAt, getsockname } from "../../shared/ffi/socket.ts";
import { CONNECTION, KIND } from "../connection/table.ts";
import { OP } from "../connection/transport.ts";
import type { ListenerPlan } from "../plan/listener.ts";
import { COUNTER, HEADER, LISTENER, PROXY } from "../shared-state/layout.ts";
import type { WorkerContext } from "../worker/context.ts";
import { ProcessRates } from "./process-rates.ts";
import { AWAITED } from "./proxy-protocol.ts";

const OP_ACCEPT = OP.accept;
const EMFILE = -24;
const ENFILE = -23;
const ENOMEM = -12;
const ENOBUFS = -105;
const AF_INET6 = 10;
const AF_UNIX = 1;
/** After the kernel had no descriptor or memory for a connection, this long nothing is accepted. */
const EXHAUSTED_PAUSE_MS = 100;
/**
 * A listening socket wakes one of those who wait at it. A predecessor (the generation before, a dead worker) that takes its accept back at that very
 * moment keeps the wake-up, and the connection would wait in the queue until the next one comes. So a young worker looks by itself.
 */
const YOUNG_MS = 10_000;
const LOOK_MS = 500;
/** Parked connections per listener before it stops accepting. */
const PARKED_MAX = 64;

function awaitedBy({ acceptProxy, netscalerMagic }: ListenerPlan): number {
  return (acceptProxy ? AWAITED.proxy : 0) | (netscalerMagic !== 0 ? AWAITED.netscaler : 0);
}

export class Accept {
  readonly #ctx: WorkerContext;
  /** Per entry of the task's listeners: plan index, descriptor, 1 while the multishot accept is armed. */
  readonly #listener: Int32Array;
  readonly #fd: Int32Array;
  readonly #armed: Uint8Array;
  /** Frontends whose accepting is switched off (disable frontend, drain). */
  readonly #paused: Uint8Array;
  readonly #parked: Int32Array;
  #parkedCount = 0;
  #pausedUntilMs = 0;
  #exhausted = false;
  #startMs = 0;
  #lookedMs = 0;
  /** Nothing is accepted any more; what the kernel had accepted before it heard of that is still served. */
  #stopped = false;
  /** The worker ends: such connections are closed. */
  #ended = false;
  /** `rate-limit sessions` per proxy, 0: none. */
  readonly #rateMax: Int32Array;
  readonly #processRates: ProcessRates;
  /** Headers that connections of each listener begin with: bits of AWAITED. */
  readonly #awaited: Uint8Array;
  readonly #nameAt: number;
  readonly #localName = new Uint8Array(SOCKADDR_BYTES_MAX);

  constructor(ctx: WorkerContext, listeners: readonly { readonly listener: number; readonly fd: number }[]) {
    this.#ctx = ctx;
    this.#listener = Int32Array.from(listeners, (entry) => entry.listener);
    this.#fd = Int32Array.from(listeners, (entry) => entry.fd);
    this.#armed = new Uint8Array(listeners.length);
    this.#paused = new Uint8Array(ctx.plan.proxies.length);
    this.#rateMax = Int32Array.from(ctx.plan.proxies, (proxy) => proxy.frontend?.rateLimitSessions ?? 0);
    this.#processRates = new ProcessRates(ctx.shared);
    this.#awaited = Uint8Array.from(ctx.plan.listeners, awaitedBy);
    this.#parked = new Int32Array(ctx.connections.capacity);
    this.#nameAt = ctx.arena.alloc(SOCKADDR_BYTES_MAX + 8);
  }

  /** Arms every listener that may accept. */
  start(): void {
    this.#startMs = this.#lookedMs = this.#ctx.clock.nowMs;
    this.#armAll();
  }

  #armAll(): void {
    for (let entry = 0; entry < this.#fd.length; entry++) this.#arm(entry);
  }

  #arm(entry: number): void {
    if (this.#armed[entry] === 1 || this.#stopped || this.#exhausted) return;
    const proxy = this.#ctx.plan.listeners[this.#listener[entry]!]!.proxy;
    if (this.#paused[proxy] === 1 || this.#parkedCount >= PARKED_MAX) return;
    this.#armed[entry] = 1;
    this.#ctx.reactor.accept(OP_ACCEPT, entry, 0, this.#fd[entry]!);
  }

  #disarm(entry: number): void {
    if (this.#armed[entry] === 1) this.#ctx.reactor.cancel(OP.cancelAccept, entry, 0, OP_ACCEPT);
  }

  /** Completion of an accept; `entry` is the listener's position. */
  onAccepted(entry: number, res: number, more: boolean): void {
    if (!more) this.#armed[entry] = 0;
    if (res >= 0) this.#accepted(entry, res);
    else if (res === EMFILE || res === ENFILE || res === ENOMEM || res === ENOBUFS) {
      this.#exhausted = true;
      this.#pausedUntilMs = (this.#ctx.clock.nowMs + EXHAUSTED_PAUSE_MS) | 0;
      this.#ctx.idlePool.evictOne();
      this.#ctx.mailbox.event(
        "warn",
        `accept: no resources (errno ${-res}) on listener ${this.#ctx.plan.listeners[this.#listener[entry]!]!.name}; accepting pauses`,
      );
    }
    // After a cancel as well: what it was for (parked connections, a paused frontend) may be over by the time it has worked.
    if (!more) this.#arm(entry);
  }

  #accepted(entry: number, fd: number): void {
    const ctx = this.#ctx;
    const listener = this.#listener[entry]!;
    const proxy = ctx.plan.listeners[listener]!.proxy;
    const mode = ctx.plan.proxies[proxy]!.mode;
    const slot = this.#ended
      ? -1
      : ctx.transport.open(mode === "http" ? KIND.client : KIND.relayClient, fd, listener, ctx.clock.nowMs);
    if (slot < 0) {
      closeDescriptor(fd);
      ctx.idlePool.evictOne(); // no row was free: the next client is worth more than an idle connection
      return;
    }
    this.#readPeer(slot, fd);
    ctx.connections.owner[slot] = listener;
    if (this.#isFull(proxy, listener)) {
      ctx.connections.flags[slot]! |= CONNECTION.parked;
      this.#parked[this.#parkedCount++] = slot;
      if (this.#parkedCount >= PARKED_MAX) this.#disarm(entry);
      return;
    }
    this.#open(slot, listener, proxy);
  }

  #isFull(proxy: number, listener: number): boolean {
    const { gauges, shared } = this.#ctx;
    const words = shared.words;
    const globalMax = words[HEADER.maxconn]!;
    if (globalMax > 0 && gauges.read(HEADER.connections) >= globalMax) return true;
    const at = shared.proxyAt(proxy);
    const max = words[at + PROXY.frontendMaxconn]!;
    if (max > 0 && gauges.read(at + PROXY.frontendSessions) >= max) return true;
    const bindMax = this.#ctx.plan.listeners[listener]!.maxconn;
    if (bindMax > 0 && gauges.read(shared.listenerAt(listener) + LISTENER.connections) >= bindMax) return true;
    const secures = this.#ctx.clientHandshakes.secures(listener);
    if (this.#processRates.isOver(this.#ctx.clock.wallSeconds() | 0, secures)) return true;
    return this.#rateMax[proxy]! > 0 && this.#sessionsThisSecond(at) >= this.#rateMax[proxy]!;
  }

  /** `rate-limit sessions`: what all workers accepted in the current second. Who first meets a new second starts its count. */
  #sessionsThisSecond(at: number): number {
    const words = this.#ctx.shared.words;
    const second = this.#ctx.clock.wallSeconds() | 0;
    const counted = Atomics.load(words, at + PROXY.rateSecond);
    if (counted !== second && Atomics.compareExchange(words, at + PROXY.rateSecond, counted, second) === counted)
      Atomics.store(words, at + PROXY.rateSessions, 0);
    return Atomics.load(words, at + PROXY.rateSessions);
  }

  /** The connection counts from here on; `tcp-request connection` rules look at it first. */
  #open(slot: number, listener: number, proxy: number): void {
    const { gauges, shared, lifecycle, connections, proxyProtocol, rules, transport } = this.#ctx;
    gauges.incrementWithMax(HEADER.connections, HEADER.connectionsMax);
    const at = shared.proxyAt(proxy);
    gauges.incrementWithMax(at + PROXY.frontendSessions, at + PROXY.frontendSessionsMax);
    gauges.increment(shared.listenerAt(listener) + LISTENER.connections);
    this.#processRates.count(this.#ctx.clientHandshakes.secures(listener));
    if (this.#rateMax[proxy]! > 0) Atomics.add(shared.words, at + PROXY.rateSessions, 1);
    lifecycle.count(lifecycle.frontendAt[proxy]!, COUNTER.connections);
    connections.sinceMs[slot] = this.#ctx.clock.nowMs;
    if (!rules.admitsConnection(slot, listener, proxy)) {
      proxyProtocol.forget(slot);
      transport.close(slot);
      return;
    }
    const awaited = this.#awaited[listener]! | proxyProtocol.expected(slot);
    if (awaited !== 0) proxyProtocol.begin(slot, awaited);
    else if (this.#ctx.clientHandshakes.secures(listener)) this.#ctx.clientHandshakes.begin(slot);
    else this.#establish(slot, listener, proxy);
  }

  /** What stands before the first byte is through: a session begins, and its owner begins to read. */
  #establish(slot: number, listener: number, proxy: number): void {
    const { lifecycle, connections, front, relay, rules, transport } = this.#ctx;
    if (!rules.admitsSession(slot, listener, proxy)) {
      transport.close(slot);
      return;
    }
    lifecycle.count(lifecycle.frontendAt[proxy]!, COUNTER.sessions);
    lifecycle.count(lifecycle.listenerAt[listener]!, COUNTER.sessions);
    if (this.#ctx.tracking.count > 0) this.#ctx.tracking.session(slot);
    if (connections.kind[slot] !== KIND.client) relay.opened(slot);
    else if (this.#isHttp2(slot, listener)) this.#ctx.http2.carriers.accepted(slot);
    else front.opened(slot);
  }

  /** The client's protocol is HTTP/2: the bind line says so, or client and TLS agreed on it. */
  #isHttp2(slot: number, listener: number): boolean {
    const { transport, plan } = this.#ctx;
    const { proto } = plan.listeners[listener]!;
    if (proto !== null) return proto === "h2";
    const ssl = transport.tls.sslOf(slot);
    return ssl !== 0 && protocolOf(ssl) === "h2";
  }

  /** The header before the connection's own protocol has been read: what follows it, or was received with it, is the client's. */
  begin(slot: number): void {
    const { connections, clientHandshakes } = this.#ctx;
    if (clientHandshakes.secures(connections.owner[slot]!)) clientHandshakes.begin(slot);
    else this.secured(slot);
  }

  /** Nothing stands before the client's own protocol any more. */
  secured(slot: number): void {
    const { connections, front, plan, relay } = this.#ctx;
    const listener = connections.owner[slot]!;
    const { proxy } = plan.listeners[listener]!;
    const isHttp = plan.proxies[proxy]!.mode === "http";
    connections.kind[slot] = isHttp ? KIND.client : KIND.relayClient;
    this.#establish(slot, listener, proxy);
    if (connections.receiveHead[slot]! < 0 || (connections.flags[slot]! & CONNECTION.closing) !== 0) return;
    if (connections.kind[slot] === KIND.http2Client) return; // It has looked already.
    if (isHttp) front.onReceived(slot);
    else if (connections.peer[slot]! >= 0) relay.onReceived(slot);
  }

  /** A client's row is freed: what it counted is taken back. A parked one was not counted. */
  closed(slot: number): void {
    const { connections, gauges, shared, plan } = this.#ctx;
    if ((connections.flags[slot]! & CONNECTION.parked) !== 0) return;
    const listener = connections.owner[slot]!;
    gauges.decrement(HEADER.connections);
    gauges.decrement(shared.listenerAt(listener) + LISTENER.connections);
    gauges.decrement(shared.proxyAt(plan.listeners[listener]!.proxy) + PROXY.frontendSessions);
  }

  /** Once a turn: lets parked connections in and takes up accepting again. */
  tend(): void {
    if (this.#exhausted && ((this.#ctx.clock.nowMs - this.#pausedUntilMs) | 0) >= 0) {
      this.#exhausted = false;
      this.#armAll();
    }
    if (this.#parkedCount > 0) this.#admit();
    const { nowMs } = this.#ctx.clock;
    if (((nowMs - this.#lookedMs) | 0) >= LOOK_MS) this.#look(nowMs);
  }

  /** Takes every accept back: arming it anew asks the kernel for what waits already. */
  #look(nowMs: number): void {
    this.#lookedMs = nowMs;
    if (((nowMs - this.#startMs) | 0) > YOUNG_MS || this.#stopped) return;
    for (let entry = 0; entry < this.#fd.length; entry++) this.#disarm(entry);
  }

  /** Whether something waits here that no completion will announce. */
  get waits(): boolean {
    return this.#parkedCount > 0 || this.#exhausted;
  }

  #admit(): void {
    const { connections, plan } = this.#ctx;
    let kept = 0;
    const before = this.#parkedCount;
    for (let i = 0; i < before; i++) {
      const slot = this.#parked[i]!;
      const listener = connections.owner[slot]!;
      const proxy = plan.listeners[listener]!.proxy;
      if (this.#isFull(proxy, listener)) {
        this.#parked[kept++] = slot;
        continue;
      }
      connections.flags[slot]! &= ~CONNECTION.parked;
      this.#open(slot, listener, proxy);
    }
    this.#parkedCount = kept;
    if (kept < before) this.#armAll();
  }

  /** Switches a frontend's accepting off or on. */
  pause(proxy: number, paused: boolean): void {
    this.#paused[proxy] = paused ? 1 : 0;
    for (let entry = 0; entry < this.#fd.length; entry++) {
      if (this.#ctx.plan.listeners[this.#listener[entry]!]!.proxy !== proxy) continue;
      if (paused) this.#disarm(entry);
      else this.#arm(entry);
    }
  }

  /**
   * Soft stop: nothing is accepted any more.
   * @param keepsParked what is parked waits for its turn as before; otherwise it was not let in and goes
   */
  stop(keepsParked: boolean): void {
    this.#stopped = true;
    for (let entry = 0; entry < this.#fd.length; entry++) this.#disarm(entry);
    if (keepsParked) return;
    for (let i = 0; i < this.#parkedCount; i++) this.#ctx.transport.close(this.#parked[i]!);
    this.#parkedCount = 0;
  }

  /** The worker ends: what the kernel still hands over is closed. */
  end(): void {
    this.stop(false);
    this.#ended = true;
  }

  /** After `stop`: nothing can come any more, neither from the kernel nor from among the parked. */
  get isOver(): boolean {
    for (let entry = 0; entry < this.#fd.length; entry++) if (this.#armed[entry] === 1) return false;
    return this.#parkedCount === 0;
  }

  #readPeer(slot: number, fd: number): void {
    const { arena, connections, bytes } = this.#ctx;
    const at = this.#nameAt;
    const lengthAt = at + SOCKADDR_BYTES_MAX;
    arena.i32[lengthAt >> 2] = SOCKADDR_BYTES_MAX;
    const failed = getpeernameAt(fd, arena.address(at), arena.address(lengthAt));
    const family = failed < 0 ? AF_UNIX : sockaddrFamily(bytes, at);
    if (family === AF_UNIX) {
      connections.flags[slot]! |= CONNECTION.unix;
      connections.address.fill(0, slot * 16, slot * 16 + 16);
      connections.port[slot] = 0;
      return;
    }
    if (family === AF_INET6) connections.flags[slot]! |= CONNECTION.ipv6;
    copySockaddrAddress(bytes, at, connections.address, slot * 16);
    connections.port[slot] = sockaddrPort(bytes, at);
  }

  /** The local address of a connection: 4 or 16 bytes into `address`, their number; 0: it has none. */
  localAddress(fd: number, address: Uint8Array): number {
    return getsockname(fd, this.#localName) < 0 ? 0 : copySockaddrAddress(this.#localName, 0, address, 0);
  }

  /** The port the client connected to. */
  localPort(slot: number, listener: number): number {
    const planned = this.#ctx.plan.listeners[listener]!.address;
    if ((planned.kind === "ipv4" || planned.kind === "ipv6") && planned.port !== 0) return planned.port;
    return getsockname(this.#ctx.connections.socketOf(slot), this.#localName) < 0
      ? 0
      : Math.max(0, sockaddrPort(this.#localName, 0));
  }
}
