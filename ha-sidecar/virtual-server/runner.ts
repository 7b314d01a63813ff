// All virtual servers of a configuration at work: their checks run on the main thread, what they come to goes to the kernel as one picture
// (forwarder.ts), and to people, scripts and FIFOs by the notifier, in keepalived's words.

import { networkInterfaces } from "node:os";
import type { Log } from "../log.ts";
import type { Notifier } from "../notify/notifier.ts";
import type { HaPlan } from "../plan/plan.ts";
import type { Forwarder, Service } from "./forwarder.ts";
import { type RealServer, VirtualServer, type VirtualServerListener } from "./virtual-server.ts";

/** ha_suspend: how often is looked whether the address is here. */
const SUSPEND_LOOK_MS = 500;

/** For dumps and the control socket. */
export interface VirtualServerState {
  readonly name: string;
  readonly quorum: boolean;
  readonly suspended: boolean;
  /** Of the living servers together. */
  readonly weight: number;
  readonly servers: readonly {
    readonly name: string;
    readonly up: boolean;
    readonly weight: number;
    /** Checkers that say no. */
    readonly failing: readonly string[];
  }[];
}

export class VirtualServers implements VirtualServerListener {
  readonly #log: Log;
  readonly #forwarder: Forwarder;
  #servers: readonly VirtualServer[];
  #notifier: Notifier;
  #looks: NodeJS.Timeout | null = null;
  /** A change is on its way: all of one turn make one picture. */
  #isDirty = false;

  constructor(plan: HaPlan, notifier: Notifier, forwarder: Forwarder, log: Log) {
    this.#log = log;
    this.#forwarder = forwarder;
    this.#notifier = notifier;
    this.#servers = plan.virtualServers.map((server) => new VirtualServer(server, plan, this));
  }

  start(): void {
    if (this.#servers.length > 0) this.#log("info", `virtual servers are served by ${this.#forwarder.name}`);
    this.#begin();
  }

  /** After a reload: what both configurations have goes on as it stands. */
  reload(plan: HaPlan, notifier: Notifier): void {
    const before = this.#servers;
    for (const server of before) server.stop();
    this.#notifier = notifier;
    this.#servers = plan.virtualServers.map((server) => new VirtualServer(server, plan, this));
    for (const server of this.#servers) {
      const same = before.find(({ name }) => name === server.name);
      if (same !== undefined) server.adopt(same);
    }
    this.#begin();
  }

  /** Ends checks and takes everything out of the kernel. `omega`: whoever watches is told that all is down. */
  async stop(): Promise<void> {
    if (this.#looks !== null) clearInterval(this.#looks);
    for (const server of this.#servers) {
      server.stop();
      if (!server.plan.omega) continue;
      for (const real of server.servers) if (real.up) this.#notifier.onRealServer(server, real, false, null);
      if (server.hasQuorum) this.#notifier.onQuorum(server, false, null);
    }
    this.#servers = [];
    await this.#forwarder.close();
  }

  /** A BFD session came up or was lost. */
  onBfd(index: number, isUp: boolean, name: string): void {
    for (const server of this.#servers) server.onBfd(index, isUp, name);
  }

  states(): VirtualServerState[] {
    return this.#servers.map((server) => ({
      name: server.name,
      quorum: server.hasQuorum,
      suspended: server.isSuspended,
      weight: server.sum,
      servers: server.servers.map((real) => ({
        name: real.name,
        up: real.up,
        weight: real.up ? real.weight : 0,
        failing: real.checkers.filter(({ up }) => !up).map(({ name }) => name),
      })),
    }));
  }

  onServer(virtual: VirtualServer, server: RealServer, up: boolean, reason: string): void {
    const verb = up ? "Adding" : server.plan.inhibitOnFailure ? "Disabling" : "Removing";
    const preposition = up ? "to" : verb === "Disabling" ? "of" : "from";
    this.#log(up ? "info" : "warn", `${reason}. ${verb} service ${server.name} ${preposition} VS ${virtual.name}`);
    this.#notifier.onRealServer(virtual, server, up, `=> CHECK ${up ? "succeed" : "failed"} on service <=`);
  }

  onQuorum(virtual: VirtualServer, hasQuorum: boolean, sum: number): void {
    const { quorum, hysteresis } = virtual.plan;
    const text = hasQuorum
      ? `Gained quorum ${quorum}+${hysteresis}=${quorum + hysteresis} <= ${sum} for VS ${virtual.name}`
      : `Lost quorum ${quorum}-${hysteresis}=${quorum - hysteresis} > ${sum} for VS ${virtual.name}`;
    this.#log(hasQuorum ? "info" : "warn", text);
    this.#notifier.onQuorum(virtual, hasQuorum, `=> ${text} <=`);
  }

  onFailedAttempt(virtual: VirtualServer, server: RealServer, checker: string, reason: string): void {
    this.#log("warn", `${checker} to ${server.name} of VS ${virtual.name} failed: ${reason}`);
  }

  onChanged(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    setImmediate(() => {
      this.#isDirty = false;
      this.#forwarder.apply(this.#picture());
    });
  }

  #begin(): void {
    if (this.#looks !== null) clearInterval(this.#looks);
    this.#looks = null;
    if (this.#servers.some(({ plan }) => plan.haSuspend)) {
      this.#looks = setInterval(() => this.#lookForAddresses(), SUSPEND_LOOK_MS);
      this.#lookForAddresses();
    }
    for (const server of this.#servers) server.start();
    // Also with no virtual server at all: an earlier run, or the configuration before, may have left some.
    this.#forwarder.apply(this.#picture());
  }

  #picture(): Service[] {
    return this.#servers.map((server) => server.service());
  }

  #lookForAddresses(): void {
    const here = new Set(
      Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
    );
    for (const server of this.#servers) {
      if (server.plan.haSuspend) server.suspend(!server.addresses.some((address) => here.has(address)));
    }
  }
}
