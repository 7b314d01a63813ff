// For tests that show that a piece of the data plane allocates nothing: how much the heap grows while it runs.

/** Rounds measured at the most; a few times what V8 needs to optimise everything that such a test calls. */
const ROUNDS_MAX = 30;

/**
 * The least that the heap grew by in one of several rounds, in bytes; ends with the first round of at most `bytesMax`. What a round
 * allocates is there in each of them, what the interpreter does until V8 has optimised is not. A round in which garbage was
 * collected tells nothing; were there no others, the answer is infinite.
 */
export function leastHeapGrowth(round: () => void, bytesMax: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS_MAX && least > bytesMax; i++) {
    const before = process.memoryUsage().heapUsed;
    round();
    const grown = process.memoryUsage().heapUsed - before;
    if (grown >= 0) least = Math.min(least, grown);
  }
  return least;
}
