// Assertions: for bugs of ours only. They throw, the worker dies and is replaced. What a peer, the kernel or a configuration does
// wrong is never asserted but returned as a value.
//
// The message is a constant string, so that an assertion that holds costs a comparison and allocates nothing.

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) fail(message);
}

/** For the arm of a switch that no value can reach. */
export function unreachable(message: string): never {
  return fail(message);
}

/** Apart from `assert`, so that the hot function stays small enough to be inlined. */
function fail(message: string): never {
  throw new AssertionError(message);
}
