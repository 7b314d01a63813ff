// clock_gettime(2). Node's own clocks return doubles or arrays and so leave a few bytes of garbage at every call; this one leaves none
// and costs about as much (60 ns: the vDSO answers, no system call is made).

import { library } from "./library.ts";

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
/** What the calling thread has used of a processor. No vDSO knows it: a system call. */
export const CLOCK_THREAD_CPUTIME_ID = 3;

/** (clock, timespec): `timespec` is four words that get seconds (lo, hi) and nanoseconds (lo, hi), borrowed during the call. 0. */
export const clockGettime: (clock: number, timespec: Int32Array) => number = library.func(
  "int clock_gettime(int clock, void *timespec)",
);
