// One virtual server: which of its real servers live, whether there is a quorum, and who serves new connections because of that.
//
//   quorum is gained at   sum of living weights >= quorum + hysteresis
//          is lost at     sum < quorum - hysteresis, or 0
//   without it            the sorry server alone, if there is one; otherwise whoever is left

import type { HaPlan } from "../plan/plan.ts";
import type { RealServerPlan, ServiceRangePlan, VirtualServerPlan } from "../plan/virtual-server.ts";
import type { Checker, CheckerListener } from "./checker.ts";
import { checkersOf } from "./checkers.ts";
import type { Destination, Service } from "./forwarder.ts";

/** What happened, for logs, scripts, FIFOs and mails. */
export interface VirtualServerListener {
  onServer(virtual: VirtualServer, server: RealServer, up: boolean, reason: string): void;
  onQuorum(virtual: VirtualServer, hasQuorum: boolean, sum: number): void;
  /** Who serves has changed. */
  onChanged(): void;
  onFailedAttempt(virtual: VirtualServer, server: RealServer, checker: string, reason: string): void;
}

export class RealServer {
  readonly plan: RealServerPlan;
  readonly checkers: readonly Checker[];
  /** As keepalived writes it: `[10.0.0.1]:tcp:80`. */
  readonly name: string;

  constructor(plan: RealServerPlan, name: string, checkers: readonly Checker[]) {
    this.plan = plan;
    this.name = name;
    this.checkers = checkers;
  }

  get up(): boolean {
    return this.checkers.every((checker) => checker.up);
  }

  get weight(): number {
    const dynamic = this.checkers.flatMap(({ weight }) => (weight === null ? [] : [weight]));
    return dynamic.at(-1) ?? this.plan.weight;
  }
}

export class VirtualServer implements CheckerListener {
  readonly plan: VirtualServerPlan;
  readonly name: string;
  readonly servers: readonly RealServer[];
  readonly #entries: readonly ServiceRangePlan[];
  readonly #listener: VirtualServerListener;
  readonly #wasUp = new Map<RealServer, boolean>();
  #hasQuorum: boolean;
  #isSuspended = false;

  constructor(plan: VirtualServerPlan, whole: HaPlan, listener: VirtualServerListener) {
    this.plan = plan;
    this.#listener = listener;
    this.#entries = entriesOf(plan, whole);
    this.name = serviceName(plan, whole);
    this.servers = plan.realServers.map((server) => {
      const name = `[${server.address.text}]:${plan.protocol}:${server.port || portOf(plan)}`;
      return new RealServer(server, name, checkersOf(server, whole, this));
    });
    for (const server of this.servers) this.#wasUp.set(server, server.up);
    this.#hasQuorum = this.sum > 0 && this.sum >= plan.quorum + plan.hysteresis;
  }

  get hasQuorum(): boolean {
    return this.#hasQuorum;
  }

  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  /** Of living servers. */
  get sum(): number {
    return this.servers.reduce((sum, server) => sum + (server.up ? server.weight : 0), 0);
  }

  /** Addresses that it listens on, for ha_suspend. */
  get addresses(): string[] {
    return this.#entries.flatMap((entry) => (entry.kind === "range" ? [entry.first.text] : []));
  }

  start(): void {
    if (this.#isSuspended) return;
    for (const { checkers } of this.servers) for (const checker of checkers) checker.start();
  }

  stop(): void {
    for (const { checkers } of this.servers) for (const checker of checkers) checker.stop();
  }

  /** ha_suspend: no checks while the address is elsewhere. */
  suspend(isSuspended: boolean): void {
    if (isSuspended === this.#isSuspended) return;
    this.#isSuspended = isSuspended;
    if (isSuspended) this.stop();
    else this.start();
  }

  /** After a reload: what was known of the same servers holds. */
  adopt(other: VirtualServer): void {
    for (const server of this.servers) {
      const old = other.servers.find(({ name }) => name === server.name);
      for (const [i, checker] of server.checkers.entries()) {
        const before = old?.checkers[i];
        if (before?.name === checker.name) checker.adopt(before);
      }
      this.#wasUp.set(server, server.up);
    }
    this.#hasQuorum = other.#hasQuorum;
  }

  /** A BFD session (index of `bfds`) came up or was lost. */
  onBfd(bfd: number, isUp: boolean, name: string): void {
    for (const { plan, checkers } of this.servers) {
      for (const [index, check] of plan.checks.entries()) {
        if (check.kind === "bfd" && check.bfd === bfd)
          checkers[index]!.tell({ failure: isUp ? null : `the session ${name} is down` });
      }
    }
  }

  onChecked(checker: Checker, reason: string): void {
    const server = this.servers.find(({ checkers }) => checkers.includes(checker))!;
    const up = server.up;
    if (this.#wasUp.get(server) !== up) {
      this.#wasUp.set(server, up);
      this.#listener.onServer(this, server, up, `${checker.name} ${up ? "succeeded" : `failed: ${reason}`}`);
    }
    this.#judge();
    this.#listener.onChanged();
  }

  onFailedAttempt(checker: Checker, reason: string): void {
    const server = this.servers.find(({ checkers }) => checkers.includes(checker))!;
    this.#listener.onFailedAttempt(this, server, checker.name, reason);
  }

  /** What the kernel is to do now. */
  service(): Service {
    const { sorryServer } = this.plan;
    if (!this.#hasQuorum && sorryServer !== null) {
      const { address, port, forwarding, inhibit } = sorryServer;
      const sorry = { address, port, weight: 1, forwarding, connectionsMax: 0, connectionsMin: 0 };
      // With `inhibit` the real servers stay for the connections that they have.
      const rest = inhibit ? this.#destinations().map((destination) => ({ ...destination, weight: 0 })) : [];
      return { plan: this.plan, entries: this.#entries, destinations: [sorry, ...rest] };
    }
    return { plan: this.plan, entries: this.#entries, destinations: this.#destinations() };
  }

  #destinations(): Destination[] {
    return this.servers.flatMap((server) => {
      const { address, port, forwarding, connectionsMax, connectionsMin, inhibitOnFailure } = server.plan;
      if (!server.up && !inhibitOnFailure) return [];
      const weight = server.up ? server.weight : 0;
      return [{ address, port, weight, forwarding, connectionsMax, connectionsMin }];
    });
  }

  #judge(): void {
    const { quorum, hysteresis } = this.plan;
    const { sum } = this;
    const has = this.#hasQuorum ? sum > 0 && sum >= quorum - hysteresis : sum > 0 && sum >= quorum + hysteresis;
    if (has === this.#hasQuorum) return;
    this.#hasQuorum = has;
    this.#listener.onQuorum(this, has, sum);
  }
}

function entriesOf({ service, family }: VirtualServerPlan, whole: HaPlan): readonly ServiceRangePlan[] {
  if (service.kind === "group") return whole.virtualServerGroups[service.group]!.entries;
  if (service.kind === "fwmark") return [{ kind: "fwmark", mark: service.mark, family }];
  return [{ kind: "range", first: service.address, last: service.address, port: service.port }];
}

function portOf({ service }: VirtualServerPlan): number {
  return service.kind === "address" ? service.port : 0;
}

function serviceName(plan: VirtualServerPlan, whole: HaPlan): string {
  const { service, protocol } = plan;
  if (service.kind === "address") return `[${service.address.text}]:${protocol}:${service.port}`;
  return service.kind === "fwmark"
    ? `FWM ${service.mark}`
    : `[${whole.virtualServerGroups[service.group]!.name}]:${protocol}`;
}
