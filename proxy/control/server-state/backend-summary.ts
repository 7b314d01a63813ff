// What a backend comes to: which of its servers take part in balancing, with which weight, and whether anybody is left.
//
// HAProxy's rule (configuration.txt, `backup` and `option allbackups`):
//
//   an active server is usable        → the usable active servers take part, backups do not
//   none is, backups are              → the first usable backup alone, or all of them with `option allbackups`
//   nobody is                         → the backend is DOWN
//
// A server is usable while it runs, is neither in maintenance nor draining, and has a weight. `usable` in the shared state says
// that; `effectiveWeight` says what balancing may use now, so it is 0 for a usable backup that is not needed.

import type { BackendPlan, Plan, ProxyPlan, ServerPlan } from "../../plan/plan.ts";
import { ADMIN_DRAIN, ADMIN_MAINT, OP_STATE, PROXY, SERVER, type SharedState } from "../../shared-state/layout.ts";
import { rampedWeight } from "./slow-start.ts";
import type { BundledPublisher } from "./weights-publisher.ts";

/** A backend's facts that only the control plane reads. */
interface BackendDetail {
  up: boolean;
  downTransitions: number;
  downtimeSeconds: number;
  weights: readonly number[];
}

export class BackendSummaries {
  readonly #plan: Plan;
  readonly #shared: SharedState;
  readonly #publisher: BundledPublisher;
  readonly #details: (BackendDetail | null)[];

  constructor(plan: Plan, shared: SharedState, publisher: BundledPublisher) {
    this.#plan = plan;
    this.#shared = shared;
    this.#publisher = publisher;
    this.#details = plan.proxies.map((proxy) =>
      proxy.backend === null ? null : { up: true, downTransitions: 0, downtimeSeconds: 0, weights: [] },
    );
  }

  downTransitions(proxy: number): number {
    return this.#detail(proxy).downTransitions;
  }

  /** A backend without servers counts as up, as in HAProxy: it may serve statistics or redirects. */
  isUp(proxy: number): boolean {
    return this.#detail(proxy).up;
  }

  /** Seconds without any usable server, those of an outage that lasts included. */
  downtimeSeconds(proxy: number, nowSeconds: number): number {
    const detail = this.#detail(proxy);
    if (detail.up) return detail.downtimeSeconds;
    return detail.downtimeSeconds + nowSeconds - this.#shared.words[this.#shared.proxyAt(proxy) + PROXY.lastChange];
  }

  resetCounters(proxy: number): void {
    this.#detail(proxy).downTransitions = 0;
  }

  /**
   * Counts a backend's servers again and publishes what balancing needs. Returns true when this was the moment in which the last
   * usable server went away.
   */
  refresh(proxy: ProxyPlan, nowSeconds: number): boolean {
    const backend = proxy.backend;
    if (backend === null) throw new Error(`proxy ${proxy.name} has no servers to count`);
    const shared = this.#shared;
    const usable = backend.servers.map((server) => this.#isUsable(this.#plan.servers[server]));
    const active = backend.servers.filter((server, i) => usable[i] && !this.#plan.servers[server].backup).length;
    const backups = usable.filter((isUsable) => isUsable).length - active;
    const weights = this.#weights(backend, usable, active > 0, nowSeconds);
    const at = shared.proxyAt(proxy.index);
    Atomics.store(shared.words, at + PROXY.activeServers, active);
    Atomics.store(shared.words, at + PROXY.backupServers, backups);
    Atomics.store(shared.words, at + PROXY.totalWeight, sum(weights));
    backend.servers.forEach((server, i) => {
      const row = shared.serverAt(server);
      Atomics.store(shared.words, row + SERVER.effectiveWeight, weights[i]);
      Atomics.store(shared.words, row + SERVER.usable, usable[i] ? 1 : 0);
    });
    const detail = this.#detail(proxy.index);
    detail.weights = weights;
    this.#publisher.changed(proxy, () => detail.weights);
    Atomics.add(shared.words, at + PROXY.generation, 1);
    return this.#noteStatus(proxy, active + backups > 0 || backend.servers.length === 0, nowSeconds);
  }

  #isUsable(server: ServerPlan): boolean {
    const { words } = this.#shared;
    const at = this.#shared.serverAt(server.index);
    const opState = words[at + SERVER.opState];
    if (opState !== OP_STATE.running && opState !== OP_STATE.starting) return false;
    return (words[at + SERVER.adminState] & (ADMIN_MAINT | ADMIN_DRAIN)) === 0 && words[at + SERVER.userWeight] > 0;
  }

  #weights(backend: BackendPlan, usable: readonly boolean[], activeServe: boolean, nowSeconds: number): number[] {
    const plan = this.#plan;
    const firstBackup = backend.servers.findIndex((server, i) => usable[i] && plan.servers[server].backup);
    return backend.servers.map((server, i) => {
      if (!usable[i]) return 0;
      const isBackup = plan.servers[server].backup;
      const takesPart = activeServe ? !isBackup : backend.allBackups || i === firstBackup;
      return takesPart ? rampedWeight(plan.servers[server], this.#shared, nowSeconds) : 0;
    });
  }

  #noteStatus(proxy: ProxyPlan, up: boolean, nowSeconds: number): boolean {
    const detail = this.#detail(proxy.index);
    if (detail.up === up) return false;
    const lastChangeAt = this.#shared.proxyAt(proxy.index) + PROXY.lastChange;
    if (up) detail.downtimeSeconds += nowSeconds - this.#shared.words[lastChangeAt];
    else detail.downTransitions++;
    detail.up = up;
    Atomics.store(this.#shared.words, lastChangeAt, nowSeconds);
    return !up;
  }

  #detail(proxy: number): BackendDetail {
    const detail = this.#details[proxy];
    if (detail === null || detail === undefined) throw new Error(`proxy ${proxy} is no backend`);
    return detail;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
