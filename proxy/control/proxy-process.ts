// The running proxy process: the ControlPlane that its parts share, and how it comes to an end.
//
//   serving ──drain()──▶ draining ──last connection gone──▶ ended
//      │                    │ hard-stop-after elapsed           ▲
//      └──────stop()────────┴───────────▶ stopping ─────────────┘
//
// What HAProxy says on the way ("Proxy main stopped (cumulated conns: FE: 2, BE: 0).") is said here.

import type { ListeningSockets } from "../listener/listening-sockets.ts";
import type { SyslogSender } from "../log/syslog-sender.ts";
import type { Plan } from "../plan/plan.ts";
import { HEADER, PROXY, type SharedState } from "../shared-state/layout.ts";
import type { BoundStatsSocket, ControlPlane, ProcessFacts } from "./control-plane.ts";
import type { Handover } from "./handover.ts";
import type { LogHub } from "./log-hub/hub.ts";
import type { Ring } from "./log-hub/ring.ts";
import type { ProcessLog } from "./process-log.ts";
import { cumulatedConnections } from "./state-dump.ts";
import type { Workers } from "./workers.ts";

/** Workers cancel their accepts when they are told to drain; after so long the sockets can be closed without pulling them away. */
const CLOSE_LISTENERS_MS = 300;
/** How long parts of the control plane may take to let go of what they hold. */
const RELEASE_MS = 1_000;

/**
 * With a successor at work nobody waits for the end, and a keep-alive client may be just about to send its next request: closing its
 * connection in that moment would lose it. One that sends nothing for so long is not busy.
 */
const RETIRED_IDLE_MS = 1_000;

/** HEADER.stopping */
const STOPPING = { drain: 1, stop: 2 } as const;

export interface ProxyProcessParts {
  readonly plan: Plan;
  readonly rings: ReadonlyMap<string, Ring>;
  readonly logHub: Pick<LogHub, "balance" | "serverChanged">;
  readonly shared: SharedState;
  readonly workers: Workers;
  readonly processLog: ProcessLog;
  readonly syslog: SyslogSender;
  readonly process: ProcessFacts;
  readonly sockets: ListeningSockets;
  readonly handover: Handover;
}

export class ProxyProcess implements ControlPlane {
  readonly plan: Plan;
  readonly rings: ReadonlyMap<string, Ring>;
  readonly logHub: Pick<LogHub, "balance" | "serverChanged">;
  readonly shared: SharedState;
  readonly workers: Workers;
  readonly processLog: ProcessLog;
  readonly syslog: SyslogSender;
  readonly process: ProcessFacts;
  readonly handover: Handover;
  readonly statsSockets: readonly BoundStatsSocket[];
  /** Settles with the exit status when everything is closed. */
  readonly ended: Promise<number>;
  readonly #sockets: ListeningSockets;
  readonly #releases: (() => void | Promise<void>)[] = [];
  readonly #retirements: (() => void)[] = [];
  readonly #drains: (() => void)[] = [];
  /** How long clients may go without a request while the process drains. */
  #idleGraceMs = 0;
  #draining = false;
  #stopping = false;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(parts: ProxyProcessParts) {
    this.plan = parts.plan;
    this.rings = parts.rings;
    this.logHub = parts.logHub;
    this.shared = parts.shared;
    this.workers = parts.workers;
    this.processLog = parts.processLog;
    this.syslog = parts.syslog;
    this.process = parts.process;
    this.handover = parts.handover;
    this.statsSockets = parts.sockets.statsSockets;
    this.#sockets = parts.sockets;
    this.ended = this.workers.ended.then((status) => this.#end(status));
  }

  listeningFds(): ReadonlyMap<number, number> {
    return this.#sockets.listenerByFd;
  }

  onStop(release: () => void | Promise<void>): void {
    this.#releases.push(release);
  }

  onRetire(release: () => void): void {
    this.#retirements.push(release);
  }

  onDrain(begin: () => void): void {
    this.#drains.push(begin);
  }

  retire(): void {
    if (this.#draining || this.#stopping) return;
    for (const release of this.#retirements) release();
    this.#idleGraceMs = RETIRED_IDLE_MS;
    this.drain();
  }

  drain(): void {
    if (this.#draining || this.#stopping) return;
    this.#draining = true;
    for (const begin of this.#drains) begin();
    const { graceMs, hardStopAfterMs } = this.plan.global;
    if (graceMs > 0) this.#timers.push(setTimeout(() => this.#drainNow(), graceMs));
    else this.#drainNow();
    if (hardStopAfterMs > 0) this.#timers.push(setTimeout(() => this.#hardStop(), graceMs + hardStopAfterMs));
  }

  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    Atomics.store(this.shared.words, HEADER.stopping, STOPPING.stop);
    this.workers.stop();
  }

  #drainNow(): void {
    if (this.#stopping) return;
    Atomics.store(this.shared.words, HEADER.stopping, STOPPING.drain);
    for (const proxy of this.plan.proxies) {
      const { frontend, backend } = cumulatedConnections(proxy, this.shared);
      const text = `Proxy ${proxy.name} stopped (cumulated conns: FE: ${frontend}, BE: ${backend}).`;
      this.processLog.warning(text, { event: "proxy-stopped", proxy: proxy.name, frontend, backend });
    }
    this.workers.drain(this.#idleGraceMs);
    this.#timers.push(setTimeout(() => this.#sockets.closeAll(), CLOSE_LISTENERS_MS));
  }

  #hardStop(): void {
    if (this.#stopping) return;
    const fields = { event: "hard-stop" };
    this.processLog.warning("soft-stop running for too long, performing a hard-stop.", fields);
    for (const proxy of this.plan.proxies) {
      const remaining = this.shared.words[this.shared.proxyAt(proxy.index) + PROXY.frontendSessions]!;
      if (remaining <= 0) continue;
      const text = `Proxy ${proxy.name} hard-stopped (${remaining} remaining conns will be closed).`;
      this.processLog.warning(text, { ...fields, proxy: proxy.name, remaining });
    }
    this.stop();
  }

  async #end(status: number): Promise<number> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#sockets.closeAll();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, RELEASE_MS);
    });
    await Promise.race([this.#release(), patience]);
    clearTimeout(timer);
    await this.workers.destroy();
    return status;
  }

  async #release(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#releases.map(async (release) => release()));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected")
        this.processLog.warning(`Something did not close: ${outcome.reason}`, { event: "release-failed" });
    }
  }
}
