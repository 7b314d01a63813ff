// A worker thread: boot, then turns for ever. piscina calls the default export once per thread with its WorkerTask; the promise ends
// with the worker. A bug of ours throws out of `turn`, rejects the promise, and the control plane replaces the thread.
//
//   turn:  reactor.turn (submit, wait, clock, completions) ─▶ timers ─▶ starved receives, parked connections ─▶ (yield to Node)
//
// The worker yields to Node's event loop only so that messages arrive: when it was woken, and now and then while it is busy.

import { unreachable } from "../../shared/assert.ts";
import { gettid } from "../../shared/ffi/process.ts";
import { KIND } from "../connection/table.ts";
import { HEADER, WORKER } from "../shared-state/layout.ts";
import { bootWorker } from "./boot.ts";
import type { WorkerContext } from "./context.ts";
import { reportStreams, shutDownStream, shutDownStreamsOf } from "./stream-report.ts";
import type { ToWorker, WorkerTask } from "./task.ts";

/** Longest wait of a turn: bounds how late a message, a parked connection or `terminate()` can be. */
const WAIT_MS = 100;
/** Wait while something is pending that no completion announces. */
const WAIT_PENDING_MS = 5;
/** Busy turns, and milliseconds, after which messages get a chance even if nobody woke us. */
const TURNS_PER_YIELD = 64;
const YIELD_AFTER_MS = 50;

/** Turns without any completion after which a stopping worker waits no longer for its connections to be closed. */
const IDLE_TURNS_MAX = 20;

const STARTING = 0;
const RUNNING = 1;
const STOPPED = 2;

export default async function run(task: WorkerTask): Promise<void> {
  const booted = bootWorker(task);
  if (!booted.ok) throw new Error(`worker ${task.worker}: ${booted.reason}`);
  const worker = new Worker(booted.ctx, booted.engine);
  try {
    await worker.run();
  } finally {
    worker.end();
  }
}

class Worker {
  readonly #ctx: WorkerContext;
  readonly #engine: string;
  readonly #row: number;
  #draining = false;
  #stopping = false;
  #bug: unknown = null;

  /** @param engine what drives it, for people */
  constructor(ctx: WorkerContext, engine: string) {
    this.#ctx = ctx;
    this.#engine = engine;
    this.#row = ctx.shared.workerAt(ctx.worker);
  }

  /** Resolves when the worker has stopped. */
  run(): Promise<void> {
    const { shared, reactor, accept, mailbox, tracking } = this.#ctx;
    const words = shared.words;
    words[this.#row + WORKER.state] = STARTING;
    words[this.#row + WORKER.wakeFd] = reactor.wakeFd;
    words[this.#row + WORKER.tid] = gettid();
    mailbox.listen((message) => this.#listen(message));
    accept.start();
    words[this.#row + WORKER.state] = RUNNING;
    mailbox.post({ type: "ready", engine: this.#engine, wakeFd: reactor.wakeFd, tracked: tracking.counters });
    return new Promise((resolve, reject) => {
      const spin = (): void => {
        try {
          if (this.#spin()) resolve();
          else setImmediate(spin);
        } catch (bug) {
          reject(bug);
        }
      };
      spin();
    });
  }

  /** A bug met in a message handler waits for the next turn: thrown there it would kill the thread before `end`. */
  #listen(message: ToWorker): void {
    try {
      this.#receive(message);
    } catch (bug) {
      this.#bug = bug;
    }
  }

  /** Turns until it is time to yield. True: the worker is done. */
  #spin(): boolean {
    if (this.#bug !== null) throw this.#bug;
    const { reactor, clock, wheel, transport, accept, dispatch, http2, shared, bandwidth } = this.#ctx;
    const words = shared.words;
    const heartbeat = this.#row + WORKER.heartbeat;
    this.#reportUse(words);
    clock.update();
    const startMs = clock.nowMs;
    for (let turn = 0; turn < TURNS_PER_YIELD; turn++) {
      const limit = accept.waits ? WAIT_PENDING_MS : WAIT_MS;
      const isWaiting = transport.continueHandshakes();
      const isBusy = http2.streams.tick() || isWaiting;
      reactor.turn(isBusy ? 0 : wheel.nextMs(clock.nowMs, bandwidth.limitMs(limit)));
      wheel.advance(clock.nowMs, this);
      transport.feedStarved();
      accept.tend();
      dispatch.look();
      bandwidth.tick();
      words[heartbeat]!++;
      this.#reportTls(words);
      if (this.#stopping || (this.#draining && this.#isEmpty())) return true;
      if (reactor.takeWoken() || clock.nowMs - startMs > YIELD_AFTER_MS) return false;
    }
    return false;
  }

  /** Once a yield: what is in use, for `show activity` and for tests that look for leaks. */
  #reportUse(words: Int32Array): void {
    const { pool, connections, streams } = this.#ctx;
    words[this.#row + WORKER.buffersUsed] = pool.count - pool.available - pool.lent;
    words[this.#row + WORKER.rowsUsed] = connections.capacity - connections.free.available;
    words[this.#row + WORKER.streamsUsed] = streams.active;
    words[this.#row + WORKER.buffers] = pool.count;
    words[this.#row + WORKER.rows] = connections.capacity;
    words[this.#row + WORKER.streams] = streams.all.length;
  }

  /** Once a turn: `show info` is asked right behind a handshake. */
  #reportTls(words: Int32Array): void {
    const { tls } = this.#ctx.transport;
    words[this.#row + WORKER.tlsConnections] = tls.alive;
    words[this.#row + WORKER.tlsHandshakes] = tls.handshakes;
    words[this.#row + WORKER.tlsKeys] = tls.keys;
    words[this.#row + WORKER.tlsServerKeys] = tls.serverKeys;
  }

  /** A row's deadline passed. */
  onExpire(slot: number): void {
    const { connections, front, back, relay } = this.#ctx;
    switch (connections.kind[slot]) {
      case KIND.client:
        front.onExpired(slot);
        break;
      case KIND.server:
        back.onExpired(slot);
        break;
      case KIND.relayClient:
      case KIND.relayServer:
        relay.onExpired(slot);
        break;
      case KIND.http2Client:
      case KIND.http2Server:
        this.#ctx.http2.carriers.onExpired(slot);
        break;
      case KIND.tlsHandshake:
        this.#ctx.clientHandshakes.onExpired(slot);
        break;
      case KIND.handshake:
        this.#ctx.proxyProtocol.onExpired(slot);
        break;
    }
  }

  #receive(message: ToWorker): void {
    const { accept, replies, idlePool, front, patterns, mailbox } = this.#ctx;
    switch (message.type) {
      case "answer":
        replies.answer(message.id, message.status, message.headers, message.body);
        break;
      case "spoe-answer":
        this.#ctx.spoe.answer(message.slot, message.question, message.failure, message.actions);
        break;
      case "drain":
        this.#draining = true;
        // With a successor at work nobody waits for us, and whoever was accepted here cannot go there.
        accept.stop(message.idleGraceMs > 0);
        front.closeIdle(message.idleGraceMs);
        idlePool.closeAll();
        break;
      case "stop":
        this.#stopping = true;
        break;
      case "pause-frontend":
        accept.pause(message.proxy, message.paused);
        break;
      case "shutdown-server-sessions":
        shutDownStreamsOf(this.#ctx, message.server, message.killed === true);
        break;
      case "server-address":
        this.#ctx.serverConnections.setAddress(message.server, message.address, message.portOffset);
        break;
      case "server-cookies":
        this.#ctx.persistence.setCookies(message.proxy, message.values);
        break;
      case "shutdown-stream":
        shutDownStream(this.#ctx, message.slot, message.generation);
        break;
      case "report-streams":
        mailbox.post({ type: "streams", question: message.question, streams: reportStreams(this.#ctx) });
        break;
      case "crash":
        unreachable("the control plane told this worker to crash");
        break;
      case "tls":
        for (const { listener, plan } of message.change.listeners) this.#ctx.clientHandshakes.update(listener, plan);
        for (const { server, plan } of message.change.servers) this.#ctx.serverSessions.update(server, plan);
        mailbox.post({ type: "tls-done", sequence: message.sequence });
        break;
      case "patterns":
        for (const change of message.changes) patterns.apply(change);
        mailbox.post({ type: "patterns-done", sequence: message.sequence });
        break;
      case "look":
        // Only a wake-up: the next turn looks.
        break;
    }
  }

  /** No client is connected any more, and none can come. */
  #isEmpty(): boolean {
    const { shared, worker, accept } = this.#ctx;
    return shared.shadows[shared.shadowAt(worker) + HEADER.connections] === 0 && accept.isOver;
  }

  /**
   * Closes every connection and waits for their completions. The reactor could cancel them all by itself, but the kernel then searches
   * them anew for each one: with thousands that takes seconds, by their names no time at all.
   */
  #closeRows(): void {
    const { accept, connections, http2, reactor, transport } = this.#ctx;
    accept.end();
    for (let slot = 0; slot < connections.capacity; slot++) {
      if (connections.kind[slot] !== KIND.free) transport.close(slot);
    }
    // The kernel hands over a few dozen completions a turn: what counts is that they keep coming.
    for (let idle = 0; idle < IDLE_TURNS_MAX && connections.free.available < connections.capacity; ) {
      if (reactor.turn(WAIT_PENDING_MS) === 0) idle++;
      else idle = 0;
      http2.streams.tick();
    }
  }

  /** Gives everything back to the kernel. After this the thread may take another task. */
  end(): void {
    const { reactor, shared, arena, mailbox, connections } = this.#ctx;
    shared.words[this.#row + WORKER.state] = STOPPED;
    shared.words[this.#row + WORKER.wakeFd] = -1;
    try {
      this.#closeRows();
    } catch {
      // A worker that died of a bug was reported with it and may hold rows that assert once more. What is left is destroy's.
    }
    this.#ctx.compression?.destroy();
    reactor.destroy();
    connections.closeDescriptors();
    arena.destroy();
    mailbox.close();
  }
}
