// Memory straight from the kernel: mappings that V8 does not know, so that the kernel may write into them while JavaScript runs.

import { library, valueOrErrno } from "./library.ts";

export const PROT_NONE = 0;
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 0x01;
export const MAP_PRIVATE = 0x02;
export const MAP_ANONYMOUS = 0x20;
export const MAP_NORESERVE = 0x4000;
export const MAP_POPULATE = 0x8000;
/** The pages may be given back; touched again they read as zero, those of a file as what stands in it. */
export const MADV_DONTNEED = 4;
/** A fork does not get the pages. */
export const MADV_DONTFORK = 10;

type Mmap = (address: number, bytes: number, protection: number, flags: number, fd: number, offset: number) => number;
type Munmap = (address: number, bytes: number) => number;
type Madvise = (address: number, bytes: number, advice: number) => number;

const mmapC: Mmap = library.func(
  "intptr_t mmap(intptr_t addr, size_t length, int prot, int flags, int fd, int64_t offset)",
);
const munmapC: Munmap = library.func("int munmap(intptr_t addr, size_t length)");
const madviseC: Madvise = library.func("int madvise(intptr_t addr, size_t length, int advice)");

/** mmap(2). Returns the address or -errno. The mapping belongs to the caller until its `munmap`. */
export function mmap(
  address: number,
  bytes: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
): number {
  return valueOrErrno(mmapC(address, bytes, protection, flags, fd, offset));
}

/** munmap(2). 0 or -errno. Every view of the range is poison afterwards: drop them first. */
export function munmap(address: number, bytes: number): number {
  return valueOrErrno(munmapC(address, bytes));
}

/** madvise(2). 0 or -errno. */
export function madvise(address: number, bytes: number, advice: number): number {
  return valueOrErrno(madviseC(address, bytes, advice));
}
