// The statistics of one process, as the runtime API and the statistics page ask for them: one object that owns the sums, the samples
// and their timer.

import type { ProcessFacts } from "../control/control-plane.ts";
import type { HealthChecks } from "../control/health/health-checks.ts";
import type { FrontendStates } from "../control/server-state/frontend-states.ts";
import type { ServerStates } from "../control/server-state/server-states.ts";
import type { Plan, ServerPlan } from "../plan/plan.ts";
import { HEADER, PROXY, SERVER, type SharedState, WORKER } from "../shared-state/layout.ts";
import { Aggregate } from "./aggregate.ts";
import { History } from "./history.ts";
import { IdleMeter } from "./idle.ts";
import { type InfoField, infoFields } from "./info.ts";
import { Latencies } from "./latencies.ts";
import { Samples } from "./samples.ts";
import type { StatRow } from "./stat-row.ts";
import { type StatFilter, StatRows } from "./stat-rows.ts";
import { statsFileText } from "./stats-file.ts";
import { serverStatus } from "./status.ts";

export interface StatisticsOptions {
  readonly plan: Plan;
  readonly shared: SharedState;
  readonly facts: ProcessFacts;
  readonly states: ServerStates;
  readonly frontends: FrontendStates;
  readonly checks: HealthChecks;
  readonly warnings: () => number;
}

export interface WorkerLoad {
  readonly state: string;
  /** Connections of clients and to servers. */
  readonly connections: number;
  readonly streams: number;
  /** Of one processor, within the last second. */
  readonly cpuPercent: number;
}

const WORKER_STATES = ["starting", "running", "stopped", "dead"];

export class Statistics {
  /** The last minutes of every proxy. */
  readonly history: History;
  /** Percentiles of the times that streams took. */
  readonly latencies: Latencies;
  readonly #options: StatisticsOptions;
  readonly #aggregate: Aggregate;
  readonly #samples: Samples;
  readonly #idle: IdleMeter;
  readonly #rows: StatRows;
  readonly #readyAtMs = Date.now();

  constructor(options: StatisticsOptions) {
    this.#options = options;
    this.#aggregate = new Aggregate(options.shared);
    this.#samples = new Samples(options.shared);
    this.latencies = new Latencies(options.shared);
    this.#idle = new IdleMeter(options.shared);
    this.history = new History(options.plan, options.shared, this.#aggregate, this.latencies);
    this.#samples.onTick(() => {
      this.#idle.sample();
      this.history.tick();
    });
    const { latencies } = this;
    this.#rows = new StatRows({ ...options, aggregate: this.#aggregate, samples: this.#samples, latencies });
  }

  start(): void {
    this.#samples.start();
  }

  close(): void {
    this.#samples.close();
  }

  rows(filter?: StatFilter): StatRow[] {
    return this.#rows.rows(filter);
  }

  /** For `dump stats-file`. */
  statsFile(): string {
    return statsFileText(this.#options.plan, this.#aggregate, this.#options.shared);
  }

  /** What each worker has to do. */
  workers(): WorkerLoad[] {
    const { shared } = this.#options;
    return Array.from({ length: shared.nbthread }, (_, worker) => {
      const word = (index: number): number => shared.words[shared.workerAt(worker) + index];
      return {
        state: WORKER_STATES[word(WORKER.state)] ?? "unknown",
        connections: word(WORKER.rowsUsed),
        streams: word(WORKER.streamsUsed),
        cpuPercent: this.#idle.busyPercent(worker),
      };
    });
  }

  /** The status word of a server, as in `show stat`. */
  statusOf(server: number): string {
    const { plan, shared, checks } = this.#options;
    const { [server]: one } = plan.servers;
    return serverStatus(one!, plan, shared, checks.agents.enabled(one!));
  }

  info(): InfoField[] {
    const sources = { ...this.#options, aggregate: this.#aggregate, samples: this.#samples, idle: this.#idle };
    return infoFields({ ...sources, readyAtMs: this.#readyAtMs }, Date.now());
  }

  /** `clear counters`: every maximum falls to what is now. */
  clearMaxima(): void {
    const { shared, plan } = this.#options;
    const { words } = shared;
    this.#aggregate.clearMaxima();
    this.#samples.clearMaxima();
    words[HEADER.connectionsMax] = words[HEADER.connections];
    for (const { index } of plan.proxies) {
      const at = shared.proxyAt(index);
      words[at + PROXY.frontendSessionsMax] = words[at + PROXY.frontendSessions];
      words[at + PROXY.backendSessionsMax] = words[at + PROXY.backendSessions];
      words[at + PROXY.queuedMax] = words[at + PROXY.queued];
    }
    for (const { index } of plan.servers) {
      const at = shared.serverAt(index);
      words[at + SERVER.servedMax] = words[at + SERVER.served];
      words[at + SERVER.queuedMax] = words[at + SERVER.queued];
    }
  }

  /** `clear counters server`. */
  clearServer({ index }: ServerPlan): void {
    const { words } = this.#options.shared;
    const at = this.#options.shared.serverAt(index);
    this.#aggregate.clearServer(index);
    this.latencies.clearServer(index);
    this.#samples.clearServer(index);
    words[at + SERVER.servedMax] = words[at + SERVER.served];
    words[at + SERVER.queuedMax] = words[at + SERVER.queued];
    words[at + SERVER.failedChecks] = 0;
    words[at + SERVER.downTransitions] = 0;
  }

  /** `clear counters all`. */
  clearAll(): void {
    const { shared, plan, states } = this.#options;
    this.clearMaxima();
    this.#aggregate.clearAll();
    this.latencies.clear();
    for (const { index } of plan.servers) {
      const at = shared.serverAt(index);
      shared.words[at + SERVER.failedChecks] = 0;
      shared.words[at + SERVER.downTransitions] = 0;
    }
    for (const { index, backend } of plan.proxies) if (backend !== null) states.summaries.resetCounters(index);
  }
}
