// The one door out of JavaScript: koffi, opened on the symbols of the running process. Node links the C library (and OpenSSL), so
// nothing is loaded from disk and glibc and musl look alike. The files beside this one declare functions, grouped by topic.
//
// Conventions of every declaration under shared/ffi:
// - Addresses are plain numbers (`intptr_t`): user space ends at 2^47, well inside a double, and a number costs no BigInt and no
//   pointer object. Where a cold call takes a Uint8Array instead (`void *`), the callee borrows it for the duration of the call only.
// - The kernel's errors are values: a negative errno, never a throw. errno is thread-local and read straight after the failed call.
// - A call costs about 0.1-0.2 µs on top of the system call: per batch free, per connection fine, per byte not.

import koffi from "koffi";

export const library = koffi.load(null);

/** What a C function returned, with -1 replaced by the negative errno that goes with it. */
export function valueOrErrno(returned: number): number {
  return returned < 0 ? -koffi.errno() : returned;
}

/**
 * Memory that is not JavaScript's, seen as an ArrayBuffer. V8 neither frees nor moves it; whoever unmaps it first makes sure that
 * no view of it is touched again, because that would be a segmentation fault and not an exception.
 */
export function viewOfMemory(address: number, bytes: number): ArrayBuffer {
  return koffi.view(BigInt(address), bytes);
}

/** Address of the first byte of `view`, valid while V8 does not move it: only for memory from `viewOfMemory`. */
export function addressOfView(view: Uint8Array): number {
  return Number(koffi.address(view));
}
