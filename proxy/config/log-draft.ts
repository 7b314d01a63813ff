// `ring` and `log-forward` sections while the configuration is being read. A part of draft.ts.

import type { LogProfileStepPlan } from "../plan/log.ts";
import type { HostStrategy } from "../plan/log-hub.ts";
import type { LogTargetPlan } from "../plan/plan.ts";
import type { AddressSlot } from "./draft.ts";
import type { Statement } from "./statement.ts";

export interface RingDraft {
  readonly name: string;
  readonly statement: Statement;
  description: string;
  format: LogTargetPlan["format"] | null;
  lineBytesMax: number;
  bytesMax: number;
  connectTimeoutMs: number;
  readonly servers: { readonly name: string; readonly slot: AddressSlot; readonly octetCount: boolean }[];
}

export interface LogForwardDraft {
  readonly name: string;
  readonly statement: Statement;
  readonly streams: AddressSlot[];
  readonly datagrams: AddressSlot[];
  readonly log: LogDraft[];
  connectionsMax: number;
  clientTimeoutMs: number;
  parses: boolean;
  linesOnly: boolean;
  host: HostStrategy;
}

/** A `log-profile` section. */
export interface LogProfileDraft {
  readonly name: string;
  tag: string | null;
  readonly steps: Map<string, LogProfileStepPlan>;
}

/** A `log` line: a target of its own, or everything that `global` has. `format` null: the line names none. */
export type LogDraft =
  | {
      readonly kind: "target";
      readonly slot: AddressSlot;
      readonly target: Omit<LogTargetPlan, "address" | "format">;
      readonly format: LogTargetPlan["format"] | null;
    }
  | {
      readonly kind: "ring" | "backend";
      /** The name. */
      readonly ring: string;
      readonly target: Omit<LogTargetPlan, "address" | "format">;
      readonly format: LogTargetPlan["format"] | null;
      readonly statement: Statement;
    }
  | { readonly kind: "global"; readonly statement: Statement };
