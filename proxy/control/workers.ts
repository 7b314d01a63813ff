// The worker threads: who starts them, talks to them, notices that one died and puts another in its seat.
//
// piscina owns the threads. Each seat (0 … nbthread - 1) is one task that ends only when the process stops; a few threads more than seats
// wait with the worker's code already imported:
//
//     seat 0 ── task ──▶ thread A        seat 1 ── task ──▶ thread B            thread C   (spare: code loaded, idle)
//                           ✗ dies
//     seat 0 ── task ─────────────────────────────────────────────────────────▶ thread C      piscina starts thread D as the new spare
//
// Spares make a replacement a matter of milliseconds, and they make it possible at all after chroot(2): in there no file of ours can be
// read any more, so a new thread could not load its code. piscina notices that such a thread fails to boot and stops trying; from then on
// `#seatsLeft` counts down, and a seat that gets no thread is given up: its listening sockets are closed, so that the kernel spreads
// connections over the other workers' sockets. A worker whose loop threw (its task was rejected) leaves its thread alive, and the
// thread goes back among the spares: inside a chroot assertions can be survived for ever, only the death of a thread costs a spare.
//
// What a dead worker held: its task's `finally` closes its descriptors (worker/main.ts), its listening sockets belong to the process and go
// on to the successor with their backlog, its part of the shared current values is taken back here.
//
// How fast, and when not any more, is crash-loop.ts; workers that hang are heartbeats.ts.

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import { close } from "../../shared/ffi/file.ts";
import type { Plan } from "../plan/plan.ts";
import { type SharedState, WORKER } from "../shared-state/layout.ts";
import type { FromWorker, ToWorker, WorkerTask } from "../worker/task.ts";
import { type Answerer, Answers } from "./answers.ts";
import type { WorkerGroup, WorkerQuestion } from "./control-plane.ts";
import { CrashLoop } from "./crash-loop.ts";
import { wantedEngine } from "./engine.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { ProcessLog } from "./process-log.ts";
import { ThreadLoading } from "./thread-loading.ts";
import { WorkerMessages } from "./worker-messages.ts";

/** How long workers may take to close everything after "stop" before their threads are terminated. */
const STOP_MS = 3_000;

/** Far longer than any thread keeps a number it has read from the shared state. */
const FORGET_WAKE_MS = 1_000;

const LOUDNESS = { error: "alert", warn: "warning", info: "notice" } as const;

/** WORKER.state */
export const WORKER_STATE = { starting: 0, running: 1, stopped: 2, dead: 3 } as const;

export interface WorkersOptions {
  readonly plan: Plan;
  readonly shared: SharedState;
  readonly processLog: ProcessLog;
  /** The module whose default export runs a worker; tests put a stand-in here. */
  readonly entry: URL;
  /** Threads that wait beyond nbthread. */
  readonly spares: number;
  /** Bound listening sockets of each worker, by worker. */
  readonly listenersOf: (worker: number) => WorkerTask["listeners"];
  /** Closes the listening sockets of a seat that stays empty. */
  readonly closeListenersOf: (worker: number) => void;
  readonly logFds: readonly number[];
  readonly maxconn: number;
  /** Ends the `turn` of the reactor that owns this eventfd. */
  readonly wake: (wakeFd: number) => void;
  readonly tlsSecret: () => Uint8Array;
}

interface Seat {
  readonly worker: number;
  /** null: nobody sits here now. */
  port: MessagePort | null;
  /** Nobody will sit here again. */
  ended: boolean;
  ready: boolean;
  /** The reactor's eventfd, -1: none. It outlives the reactor and is ours to close. */
  wakeFd: number;
  /** Takes the task out of piscina's queue as long as no thread has it. */
  waiting: AbortController | null;
}

/** How the workers ended: 0, or the exit status that says why they had to. */
type Ending = (status: number) => void;

export class Workers implements WorkerGroup {
  readonly #options: WorkersOptions;
  readonly #pool: Piscina;
  readonly #loading: ThreadLoading;
  readonly #seats: Seat[];
  readonly #engines: string[];
  readonly #answers: Answers;
  readonly messages = new WorkerMessages();
  /** What a successor is told last: how it all is to end. */
  #farewell: Extract<ToWorker, { type: "drain" | "stop" }> | null = null;
  readonly #crashLoop = new CrashLoop();
  readonly #heartbeats: Heartbeats;
  #failed = false;
  /** Every seat has had a worker that was ready. */
  #started = false;
  #threadsFailToStart = false;
  #stopTimer: NodeJS.Timeout | undefined;
  #onReady: (() => void) | undefined;
  #onEnd: Ending = () => {};
  /** Settles with the exit status when no worker is left. */
  readonly ended: Promise<number>;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#engines = Array.from({ length: options.plan.global.nbthread }, () => "");
    this.#seats = this.#engines.map((_, worker) => newSeat(worker));
    this.ended = new Promise((resolve) => {
      this.#onEnd = resolve;
    });
    this.#answers = new Answers(options.processLog);
    this.#heartbeats = new Heartbeats(options.shared, options.processLog);
    const threads = this.#seats.length + options.spares;
    this.#pool = new Piscina({
      filename: options.entry.href,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      // Tasks are endless loops that live on messages: a thread must never sleep in Atomics.wait.
      atomics: "disabled",
      recordTiming: false,
      execArgv: ["--enable-source-maps"],
    });
    this.#loading = new ThreadLoading(this.#pool);
    this.#pool.on("error", (error) => this.#threadFailed(error));
  }

  get count(): number {
    return this.#seats.length;
  }

  get engines(): readonly string[] {
    return this.#engines;
  }

  /** Resolves when every thread, spares included, has imported the worker's code: from then on chroot is possible. Rejects when it cannot. */
  load(): Promise<void> {
    return this.#loading.whole();
  }

  /** Gives every seat its task; resolves when all workers accept connections, with false when they could not be brought up. */
  async start(): Promise<boolean> {
    const ready = new Promise<boolean>((resolve) => {
      this.#onReady = () => resolve(true);
      void this.ended.then(() => resolve(false));
    });
    for (const seat of this.#seats) this.#launch(seat);
    return ready;
  }

  post(worker: number, message: ToWorker): void {
    const seat = this.#seats[worker]!;
    this.messages.remember(message);
    seat.port?.postMessage(message);
    this.#wake(worker);
  }

  broadcast(message: ToWorker): void {
    for (const seat of this.#seats) this.post(seat.worker, message);
  }

  answer(kind: WorkerQuestion["kind"], answerer: Answerer): void {
    this.#answers.register(kind, answerer);
  }

  /** Soft stop: `ended` settles when the last connection is gone. Clients without a request may stay for `idleGraceMs`. */
  drain(idleGraceMs: number): void {
    if (this.#farewell !== null) return;
    this.#farewell = { type: "drain", idleGraceMs };
    this.broadcast(this.#farewell);
    this.#endIfDone();
  }

  /** Hard stop: `ended` settles when everything is closed, after STOP_MS at the latest. */
  stop(): void {
    if (this.#farewell?.type === "stop") return;
    this.#farewell = { type: "stop" };
    this.broadcast(this.#farewell);
    this.#stopTimer = setTimeout(() => this.#end(), STOP_MS);
    this.#endIfDone();
  }

  /** Ends all threads. To be called once `ended` has settled. */
  async destroy(): Promise<void> {
    this.#heartbeats.end();
    clearTimeout(this.#stopTimer);
    await this.#loading.settled();
    await this.#pool.destroy();
  }

  #launch(seat: Seat): void {
    const { plan, shared, listenersOf, logFds, maxconn, tlsSecret } = this.#options;
    const { port1, port2 } = new MessageChannel();
    seat.port = port1;
    port1.on("message", (message: FromWorker) => this.#receive(seat, message));
    port1.unref();
    const row = shared.workerAt(seat.worker);
    Atomics.store(shared.words, row + WORKER.wakeFd, -1);
    Atomics.store(shared.words, row + WORKER.state, WORKER_STATE.starting);
    for (const message of this.messages.briefing()) port1.postMessage(message);
    if (this.#farewell !== null) port1.postMessage(this.#farewell);
    const task: WorkerTask = {
      worker: seat.worker,
      plan,
      shared: shared.buffer,
      caches: shared.caches,
      port: port2,
      listeners: listenersOf(seat.worker),
      logFds,
      maxconn,
      pid: process.pid,
      engine: wantedEngine(),
      tlsSecret: tlsSecret(),
      tlsSessions: shared.tlsSessions,
    };
    seat.waiting = new AbortController();
    this.#pool.run(task, { transferList: [port2], signal: seat.waiting.signal }).then(
      () => this.#seatEnded(seat),
      (error: unknown) => this.#seatDied(seat, error),
    );
  }

  #receive(seat: Seat, message: FromWorker): void {
    if (message.type === "ready") this.#seatReady(seat, message);
    else if (message.type === "ask") void this.#answerQuestion(seat, message);
    else if (message.type !== "event") this.messages.receive(seat.worker, message);
    else this.#options.processLog[LOUDNESS[message.level]](message.text, { event: "worker", worker: seat.worker });
  }

  #seatReady(seat: Seat, { engine, wakeFd, tracked }: Extract<FromWorker, { type: "ready" }>): void {
    const { shared } = this.#options;
    shared.stickTables.tracked[seat.worker] = tracked;
    const row = shared.workerAt(seat.worker);
    Atomics.store(shared.words, row + WORKER.wakeFd, wakeFd);
    Atomics.store(shared.words, row + WORKER.state, WORKER_STATE.running);
    this.#engines[seat.worker] = engine;
    seat.ready = true;
    seat.wakeFd = wakeFd;
    seat.waiting = null;
    this.#heartbeats.watch(seat.worker);
    // Whatever was posted before the worker had an eventfd waits in its port.
    this.#wake(seat.worker);
    if (this.#started || !this.#seats.every((each) => each.ready || each.ended)) return;
    this.#started = true;
    this.#onReady?.();
  }

  /** The task was resolved: the worker stopped because it was told to. */
  #seatEnded(seat: Seat): void {
    if (seat.ended) return;
    this.#release(seat, WORKER_STATE.stopped);
    if (this.#farewell === null) {
      this.#seatDied(seat, new Error("the worker ended without being told to"));
      return;
    }
    seat.ended = true;
    this.#endIfDone();
  }

  #seatDied(seat: Seat, error: unknown): void {
    if (seat.ended) return;
    const { shared, processLog } = this.#options;
    this.#release(seat, WORKER_STATE.dead);
    Atomics.add(shared.words, shared.workerAt(seat.worker) + WORKER.restarts, 1);
    processLog.alert(`Worker ${seat.worker} died: ${describe(error)}`, {
      event: "worker-died",
      worker: seat.worker,
      stack: error instanceof Error ? error.stack : undefined,
    });
    if (this.#farewell?.type === "stop") {
      seat.ended = true;
      this.#endIfDone();
      return;
    }
    if (!this.#started) {
      // It would only die again: no io_uring here, no memory, a bug in its boot.
      this.#giveUp("A worker cannot start");
      return;
    }
    // Slots that the dead worker held are free again: others may have streams that wait for them.
    this.broadcast({ type: "look" });
    const delayMs = this.#crashLoop.died(performance.now());
    if (delayMs < 0) this.#giveUp(this.#crashLoop.summary);
    else if (!this.#hasThreadFor()) this.#abandon(seat);
    else if (delayMs === 0) this.#replace(seat, 0);
    else setTimeout(() => this.#replace(seat, delayMs), delayMs);
  }

  #replace(seat: Seat, delayMs: number): void {
    if (this.#failed) return;
    this.#launch(seat);
    const fields = { event: "worker-replaced", worker: seat.worker, delayMs };
    this.#options.processLog.notice(`Worker ${seat.worker} is replaced.`, fields);
  }

  /** Inside a chroot no new thread comes up: count who lives and who is taken. */
  #hasThreadFor(): boolean {
    if (!this.#threadsFailToStart) return true;
    return this.#pool.threads.length > this.#seatsTaken();
  }

  #seatsTaken(): number {
    return this.#seats.filter((seat) => seat.port !== null).length;
  }

  #abandon(seat: Seat): void {
    const { plan, processLog, closeListenersOf } = this.#options;
    seat.ended = true;
    seat.waiting?.abort();
    this.#release(seat, WORKER_STATE.dead);
    closeListenersOf(seat.worker);
    const left = this.#seats.filter((each) => !each.ended).length;
    const where = plan.global.chroot === null ? "" : " inside the chroot";
    const text = `No spare thread is left for worker ${seat.worker}: new ones cannot load their code${where}. ${left} of ${this.count} workers go on; restart the process.`;
    processLog.alert(text, { event: "worker-abandoned", worker: seat.worker, left });
    if (left === 0) this.#failed = true;
    this.#endIfDone();
  }

  #giveUp(reason: string): void {
    if (this.#failed) return;
    this.#failed = true;
    const text = `${reason}: giving up. Exiting.`;
    this.#options.processLog.alert(text, { event: "workers-give-up" });
    this.stop();
    for (const seat of this.#seats) if (seat.port === null) seat.ended = true;
    this.#endIfDone();
  }

  /** piscina's pool has a thread that failed outside any task: it could not be started, or died idle. */
  #threadFailed(error: unknown): void {
    this.#threadsFailToStart = true;
    const text = `A spare worker thread could not be started: ${describe(error)}`;
    this.#options.processLog.warning(text, { event: "spare-failed" });
    // A seat may have been promised to that very thread: its task waits in piscina's queue and would wait for ever.
    let missing = this.#seatsTaken() - this.#pool.threads.length;
    for (const seat of this.#seats) {
      if (missing <= 0) break;
      if (seat.port === null || seat.ready) continue;
      this.#abandon(seat);
      missing--;
    }
  }

  /** The seat is empty: nobody reads its port, nobody waits on its eventfd, and its part of the current values is gone. */
  #release(seat: Seat, state: number): void {
    const { shared } = this.#options;
    const row = shared.workerAt(seat.worker);
    Atomics.store(shared.words, row + WORKER.wakeFd, -1);
    Atomics.store(shared.words, row + WORKER.state, state);
    shared.undoWorker(seat.worker);
    seat.port?.close();
    seat.port = null;
    seat.ready = false;
    this.#heartbeats.forget(seat.worker);
    const { wakeFd } = seat;
    seat.wakeFd = -1;
    // Another thread may have read the number just before it was taken back, and shall not write into whatever gets it next.
    if (wakeFd >= 0) setTimeout(() => close(wakeFd), FORGET_WAKE_MS).unref();
  }

  async #answerQuestion(seat: Seat, question: WorkerQuestion): Promise<void> {
    const port = seat.port;
    const answer = await this.#answers.find(question);
    // The worker that asked may be gone; its successor does not know the question.
    if (port === null || port !== seat.port) return;
    this.post(seat.worker, { type: "answer", id: question.id, ...answer });
  }

  #wake(worker: number): void {
    const { shared, wake } = this.#options;
    const wakeFd = Atomics.load(shared.words, shared.workerAt(worker) + WORKER.wakeFd);
    if (wakeFd >= 0) wake(wakeFd);
  }

  #endIfDone(): void {
    if (this.#farewell === null && !this.#failed) return;
    if (this.#seats.every((seat) => seat.ended)) this.#end();
  }

  #end(): void {
    clearTimeout(this.#stopTimer);
    this.#onEnd(this.#failed ? 1 : 0);
  }
}

function newSeat(worker: number): Seat {
  return { worker, port: null, ended: false, ready: false, wakeFd: -1, waiting: null };
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
