// The control plane as its parts see it: one object per proxy process, built by control/boot.ts and handed to the runtime API, the
// health checks, the statistics page and the signals. It only names what they share; each part keeps its own state.
//
//                     ┌── runtime-api/   reads and changes server states, stops the process
//   ControlPlane ─────┼── health/        writes server states, tells the workers to look
//   (main thread)     ├── stats/         adds up rows, answers the workers' questions
//                     └── signals.ts     soft stop, stop, dump
//
// The data plane never sees this type: it gets a WorkerTask.

import type { SyslogSender } from "../log/syslog-sender.ts";
import type { Plan, StatsSocketPlan } from "../plan/plan.ts";
import type { SharedState } from "../shared-state/layout.ts";
import type { FromWorker, ToWorker } from "../worker/task.ts";
import type { Handover } from "./handover.ts";
import type { LogHub } from "./log-hub/hub.ts";
import type { Ring } from "./log-hub/ring.ts";
import type { ProcessLog } from "./process-log.ts";
import type { WorkerMessages } from "./worker-messages.ts";

export interface ControlPlane {
  readonly plan: Plan;
  /** Rings by name. */
  readonly rings: ReadonlyMap<string, Ring>;
  /** Backends of mode log. */
  readonly logHub: Pick<LogHub, "balance" | "serverChanged">;
  readonly shared: SharedState;
  readonly workers: WorkerGroup;
  readonly processLog: ProcessLog;
  /** The log targets of the configuration, for events of servers and proxies. */
  readonly syslog: SyslogSender;
  readonly process: ProcessFacts;
  /** Bound and listening stats sockets; runtime-api/ serves them with `net.Server.listen({ fd })`. */
  readonly statsSockets: readonly BoundStatsSocket[];
  /** The workers' listening sockets: index of the listener by descriptor. */
  listeningFds(): ReadonlyMap<number, number>;
  /** What a successor takes over from this process, or what this one got from its predecessor. */
  readonly handover: Handover;
  /** A successor serves from now on: runs what `onRetire` was given, then `drain`. Idempotent. */
  retire(): void;
  /** Runs `release` when a successor has taken over: what only one process may do ends here (health checks, the runtime API's sockets). */
  onRetire(release: () => void): void;
  /** Soft stop (SIGUSR1): listeners close, what is in flight finishes, then the process ends with status 0. Idempotent. */
  drain(): void;
  /** Runs `begin` when a soft stop begins: what a successor should be given is given now. */
  onDrain(begin: () => void): void;
  /** Stop at once (SIGTERM): everything is closed, then the process ends. Idempotent. */
  stop(): void;
  /** Runs `release` when the process stops, before it exits (close sockets, clear timers, send last words). */
  onStop(release: () => void | Promise<void>): void;
}

/** What does not change any more once the process runs. */
export interface ProcessFacts {
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** As `HAProxy version` lines and `show info` give them. */
  readonly version: string;
  readonly releaseDate: string;
  /** Effective global maxconn: configured, or derived from the descriptor limit. */
  readonly maxconn: number;
  /** RLIMIT_NOFILE in force, soft. */
  readonly descriptorsMax: number;
  /** Files given with -f, for `show info` and messages. */
  readonly configurationFiles: readonly string[];
}

export interface BoundStatsSocket {
  readonly plan: StatsSocketPlan;
  readonly fd: number;
}

/** A worker's question to the control plane, and what it is answered with. */
export type WorkerQuestion = Extract<FromWorker, { type: "ask" }>;
export interface WorkerAnswer {
  readonly status: number;
  /** Without Content-Length and Connection: the worker adds them. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

/** The worker threads as the control plane's parts may use them; control/workers.ts runs them. */
export interface WorkerGroup {
  readonly count: number;
  /** Per worker: the reactor's engine ("io_uring", "epoll"), "" before it is ready. */
  readonly engines: readonly string[];
  /** Posts to one worker and wakes it. A worker that is being replaced gets it when it runs, unless its successor needs no such message. */
  post(worker: number, message: ToWorker): void;
  /** Posts to every worker and wakes them. */
  broadcast(message: ToWorker): void;
  /** Who hears the workers' messages, and what a worker that replaces another one is told. */
  readonly messages: WorkerMessages;
  /** Registers who answers `ask` of this kind; one per kind. A rejection is logged and answered with 500. */
  answer(
    kind: WorkerQuestion["kind"],
    answerer: (question: WorkerQuestion) => WorkerAnswer | Promise<WorkerAnswer>,
  ): void;
}
