// Percentiles of times as columns of `show stat`: none where nothing was measured.

import type { LatencyHistogram, LatencyKind } from "./latencies.ts";
import type { StatValues } from "./stat-row.ts";

const KINDS = [
  ["queue", "qtime"],
  ["connect", "ctime"],
  ["response", "rtime"],
  ["total", "ttime"],
] as const satisfies readonly (readonly [LatencyKind, string])[];

export const PERCENTS = [
  [50, "p50"],
  [90, "p90"],
  [99, "p99"],
  [99.9, "p999"],
] as const;

export function percentileValues(read: (kind: LatencyKind) => LatencyHistogram): StatValues {
  const values: StatValues = {};
  for (const [kind, name] of KINDS) {
    const histogram = read(kind);
    if (histogram.count === 0) continue;
    for (const [percent, suffix] of PERCENTS) values[`${name}_${suffix}_us`] = histogram.percentileUs(percent);
  }
  return values;
}
