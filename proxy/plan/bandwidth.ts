// `filter bwlim-in` and `bwlim-out`: how fast one stream's data may pass. `set-bandwidth-limit` rules switch them on.

export interface BandwidthLimitPlan {
  readonly name: string;
  /** What the client sends, or what it gets. */
  readonly direction: "in" | "out";
  readonly bytes: number;
  readonly periodMs: number;
  /** `min-size`: no fewer bytes at a time, but at the end. */
  readonly bytesMin: number;
}
