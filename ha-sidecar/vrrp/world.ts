// What a virtual router needs of the rest, and counts: the daemon's thread gives it sockets and the kernel's tables, the tests give it a simulation.

import type { Event, State } from "./states.ts";

export interface Transition {
  readonly from: State;
  readonly to: State;
  readonly event: Event;
  /** A sentence's part for the log: `"the down timer expired"`, `"interface eth0 is down"`. */
  readonly reason: string;
  readonly priority: number;
}

/** What a virtual router needs of the rest. One per instance. */
export interface World {
  /** Milliseconds, monotonic. */
  nowMs(): number;
  /** Sends an advert to the group or to every peer. A failure is logged by the world and otherwise a lost packet. */
  sendAdvert(priority: number): void;
  /** Our address as others see it in adverts, for ties; null while there is none. */
  source(): Uint8Array | null;
  /** True when addresses of the instance are on this machine. */
  holdsAddresses(): boolean;
  claim(): void;
  release(): void;
  /** One gratuitous ARP or neighbour advertisement per address. */
  announce(): void;
  onTransition(transition: Transition): void;
  /** A master heard an advert of lower priority (`notify_master_rx_lower_pri`). */
  onLowerPriority(): void;
  log(level: "info" | "warn", text: string): void;
  /** 0 … 1. */
  random(): number;
}

export interface RouterOptions {
  /** Keep addresses of an earlier run until another master is heard. */
  readonly adoptAddresses: boolean;
  /** See SidecarPlan.handoverTimeoutMs. */
  readonly handoverTimeoutMs: number | null;
}

/** What a virtual router counts, for status and metrics. */
export function newCounters() {
  return { becameMaster: 0, releasedMaster: 0, advertsSent: 0, advertsReceived: 0, zerosReceived: 0, zerosSent: 0 };
}
