// What the main thread and the VRRP thread tell each other. Plain data, through a message port; to wake the VRRP thread, which waits in
// ppoll and not in Node's event loop, the main thread also writes to an eventfd.

import type { HaPlan } from "../plan/plan.ts";
import type { State } from "../vrrp/states.ts";

/** What the VRRP thread is started with. */
export interface ThreadData {
  readonly plan: HaPlan;
  /** A MessagePort, transferred. */
  readonly port: import("node:worker_threads").MessagePort;
  /** Readable when messages wait on `port`. */
  readonly wakeFd: number;
  /** Open what is needed, then wait for `begin`. */
  readonly standby: boolean;
}

export type TrackerKind = "script" | "process" | "file" | "bfd" | "proxy";

export type ToThread =
  /** A tracked thing is up or down; `value` is a file's number, otherwise 0. */
  | {
      readonly kind: "track";
      readonly tracker: TrackerKind;
      readonly index: number;
      readonly up: boolean;
      readonly value: number;
    }
  /** End, handing over, or at once. */
  | { readonly kind: "stop"; readonly now: boolean }
  /** Begin after a reload; instances (by index) that were MASTER stay it, BFD sessions (by name) that were up count as such. */
  | { readonly kind: "begin"; readonly masters: readonly number[]; readonly bfdsUp: readonly string[] }
  /** End without a word to the peers: another thread goes on with this plan. */
  | { readonly kind: "hand-on"; readonly plan: HaPlan }
  /** A drill: the instance, and the members of its sync group, hand over and go on. Answered by `yielded` of each that is MASTER. */
  | { readonly kind: "yield"; readonly instance: number }
  | { readonly kind: "ask-state"; readonly id: number };

export type FromThread =
  | { readonly kind: "ready" }
  /** The thread cannot work at all: privileges, interfaces. It has ended. */
  | { readonly kind: "fatal"; readonly text: string }
  | { readonly kind: "log"; readonly level: "info" | "warn" | "error"; readonly text: string }
  | {
      readonly kind: "transition";
      /** Index of the instance. */
      readonly instance: number;
      readonly from: State;
      readonly to: State;
      readonly reason: string;
      readonly priority: number;
    }
  /** The instance's addresses are on this machine, or are not any more. */
  | { readonly kind: "holds"; readonly instance: number; readonly holds: boolean }
  /** A BFD session (index) came up or went down; sessions that begin are down without a word. */
  | { readonly kind: "bfd"; readonly index: number; readonly up: boolean }
  /** A hand-over of `yield` is over. */
  | ({ readonly kind: "yielded"; readonly instance: number } & Yielded)
  /** All members of a sync group have come to the same state. */
  | { readonly kind: "group"; readonly group: number; readonly to: State }
  | { readonly kind: "lower-priority"; readonly instance: number; readonly priority: number }
  | { readonly kind: "priority"; readonly instance: number; readonly state: State; readonly priority: number }
  | { readonly kind: "state"; readonly id: number; readonly instances: readonly InstanceState[] }
  /** The answer to `hand-on`: instances of the new plan (by index) that are MASTER, BFD sessions that are up. */
  | { readonly kind: "handed-on"; readonly masters: readonly number[]; readonly bfdsUp: readonly string[] }
  | { readonly kind: "stopped" };

export interface Yielded {
  /** From the first advert of priority 0 to the successor's; null: nobody took over, the instance is MASTER again. */
  readonly heardAfterMs: number | null;
  /** From the first advert of priority 0 until the addresses were given up. */
  readonly releasedAfterMs: number;
  readonly successor: string;
  readonly successorPriority: number;
}

/** For status and metrics. */
export interface InstanceState {
  readonly name: string;
  readonly state: State;
  readonly priority: number;
  readonly basePriority: number;
  readonly interface: string | null;
  readonly virtualRouterId: number;
  readonly version: number;
  readonly source: string;
  /** Who was heard last, "" before that, and its priority. */
  readonly master: string;
  readonly masterPriority: number;
  readonly addresses: readonly string[];
  readonly faults: string;
  /** Milliseconds since the state was entered. */
  readonly stateForMs: number;
  readonly advertIntervalMs: number;
  readonly masterIntervalMs: number;
  readonly becameMaster: number;
  readonly releasedMaster: number;
  readonly advertsSent: number;
  readonly advertsReceived: number;
  readonly zerosReceived: number;
  readonly zerosSent: number;
  /** By reason, those that occurred. */
  readonly rejected: Readonly<Record<string, number>>;
}
