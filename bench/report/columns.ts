// The columns of each kind of scenario: which metric, under which heading, in which form.

import type { Scenario } from "../scenarios.ts";

export interface Column {
  readonly metric: string;
  readonly heading: string;
  readonly digits: number;
  /** Show the spread (min–max) beside the median. */
  readonly spread?: boolean;
  /** Show the factor to the first HAProxy. */
  readonly ratio?: boolean;
}

const CPU: readonly Column[] = [
  { metric: "userUs", heading: "user", digits: 1 },
  { metric: "systemUs", heading: "system", digits: 1 },
];

export const COLUMNS: Readonly<Record<Scenario["kind"], readonly Column[]>> = {
  load: [
    { metric: "cpuUs", heading: "CPU µs/request", digits: 1, spread: true, ratio: true },
    ...CPU,
    { metric: "requestsPerSecond", heading: "requests/s", digits: 0 },
    { metric: "p50Us", heading: "p50 µs", digits: 0 },
    { metric: "p99Us", heading: "p99 µs", digits: 0 },
    { metric: "p999Us", heading: "p99.9 µs", digits: 0 },
  ],
  transfer: [
    { metric: "cpuUs", heading: "CPU µs/MiB", digits: 0, spread: true, ratio: true },
    ...CPU,
    { metric: "mebibytesPerSecond", heading: "MiB/s", digits: 0 },
    { metric: "growthKb", heading: "memory grew by kB", digits: 0, spread: true },
  ],
  idle: [
    { metric: "bytesPerConnection", heading: "bytes/connection", digits: 0, spread: true },
    { metric: "connections", heading: "connections", digits: 0 },
    { metric: "residentKb", heading: "resident kB before", digits: 0 },
  ],
};
