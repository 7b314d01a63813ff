// Where servers are, as far as that was changed at run time (`set server … addr`, `… check-port`, `… check-addr`). What nobody changed stands in
// the plan. Workers are told by a message, one that takes the place of another by its briefing; what they hold open to the old address goes.

import type { ServerPlan, SocketAddressPlan } from "../../plan/plan.ts";
import { SERVER, type SharedState } from "../../shared-state/layout.ts";
import type { ToWorker } from "../../worker/task.ts";

interface Target {
  readonly address: SocketAddressPlan;
  /** Added to the port that the client came to; null: the address has a port of its own. */
  readonly portOffset: number | null;
}

interface CheckTarget {
  readonly address: SocketAddressPlan | null;
  readonly port: number | null;
}

export class ServerAddresses {
  readonly #shared: SharedState;
  readonly #broadcast: (message: ToWorker) => void;
  readonly #targets = new Map<number, Target>();
  readonly #checks = new Map<number, CheckTarget>();

  constructor(shared: SharedState, broadcast: (message: ToWorker) => void) {
    this.#shared = shared;
    this.#broadcast = broadcast;
  }

  address(server: ServerPlan): SocketAddressPlan {
    return this.#targets.get(server.index)?.address ?? server.address;
  }

  portOffset(server: ServerPlan): number | null {
    const target = this.#targets.get(server.index);
    return target === undefined ? server.portOffset : target.portOffset;
  }

  set(server: ServerPlan, address: SocketAddressPlan, portOffset: number | null): void {
    this.#targets.set(server.index, { address, portOffset });
    Atomics.add(this.#shared.words, this.#shared.serverAt(server.index) + SERVER.connectionGeneration, 1);
    this.#broadcast({ type: "server-address", server: server.index, address, portOffset });
  }

  /** For a worker that starts later than the change. */
  briefing(): ToWorker[] {
    return [...this.#targets].map(([server, target]) => ({ type: "server-address", server, ...target }));
  }

  /** Where checks go when that is not the server's own address; port 0: the server's. */
  checkTarget(server: ServerPlan): { readonly address: SocketAddressPlan | null; readonly port: number } {
    const changed = this.#checks.get(server.index);
    const { check } = server;
    return { address: changed?.address ?? check?.address ?? null, port: changed?.port ?? check?.port ?? 0 };
  }

  /** What is null stays as it is. */
  setCheckTarget(server: ServerPlan, address: SocketAddressPlan | null, port: number | null): void {
    const before = this.#checks.get(server.index);
    this.#checks.set(server.index, { address: address ?? before?.address ?? null, port: port ?? before?.port ?? null });
  }
}
