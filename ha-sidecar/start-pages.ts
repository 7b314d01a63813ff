// Gives back what only the start needed of the program's text: Node's bootstrap, compilers, the reading of the configuration. A daemon that waits
// for packets touches little of its 40 MB again; what it does touch comes back from the page cache, without a look at the disk as long as
// anybody on the machine runs Node.

import { readFileSync, readlinkSync } from "node:fs";
import { MADV_DONTNEED, madvise } from "../shared/ffi/memory.ts";

/** When everything has run once. */
export const START_IS_OVER_MS = 5000;

/** Only text is given back, which is never written to. Memory that is locked (`vrrp_no_swap`) stays: the kernel refuses, and that is meant. */
export function releaseStartPages(): void {
  const program = readlinkSync("/proc/self/exe");
  for (const line of readFileSync("/proc/self/maps", "latin1").split("\n")) {
    const mapping = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \d+ +(.+)$/.exec(line);
    if (mapping?.[3] !== program) continue;
    const [start, end] = [Number.parseInt(mapping[1]!, 16), Number.parseInt(mapping[2]!, 16)];
    madvise(start, end - start, MADV_DONTNEED);
  }
}
