// `filter bwlim-in` and `bwlim-out`: how fast one stream's data may pass. `set-bandwidth-limit` rules switch them on.

import type { SamplePlan } from "./expression.ts";

export interface BandwidthLimitPlan {
  readonly name: string;
  /** What the client sends, or what it gets. */
  readonly direction: "in" | "out";
  readonly bytes: number;
  readonly periodMs: number;
  /** Streams that give the same key share `bytes` in the period of the table's rate; null: each has a limit of its own. */
  readonly shared: { readonly key: SamplePlan; readonly table: number } | null;
  /** `min-size`: no fewer bytes at a time, but at the end. */
  readonly bytesMin: number;
}
