// What the epoll engine knows of each descriptor, by its number: whether it is registered, which directions are ready, and the requests that
// wait for them. Readiness is kept, because the kernel tells of a change once (edge-triggered): who asks later must not wait for the next.

import { grown, type Requests } from "./requests.ts";

/** Bits of `Descriptors.flags`. */
export const FD = {
  registered: 1,
  readable: 2,
  writable: 4,
  /** The peer has ended or reset: reading stays ready until it has told so. */
  hangup: 8,
  /** close(2) was asked for and waits for the requests that are still there. */
  closing: 16,
  /** In the list of descriptors to be read. */
  listed: 32,
  /** The kernel cannot tell when it is ready (a regular file): it always is. */
  always: 64,
} as const;

const DESCRIPTORS_INITIAL = 1024;

export class Descriptors {
  flags = new Uint8Array(DESCRIPTORS_INITIAL);
  readHead = new Int32Array(DESCRIPTORS_INITIAL).fill(-1);
  writeHead = new Int32Array(DESCRIPTORS_INITIAL).fill(-1);
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Makes room for `fd`. */
  ensure(fd: number): void {
    let length = this.flags.length;
    if (fd < length) return;
    while (length <= fd) length *= 2;
    this.flags = grown(this.flags, new Uint8Array(length));
    this.readHead = grown(this.readHead, new Int32Array(length).fill(-1));
    this.writeHead = grown(this.writeHead, new Int32Array(length).fill(-1));
  }

  /** Appends a request to a queue. True: it is the only one. */
  append(heads: Int32Array, fd: number, row: number): boolean {
    const { next } = this.#requests;
    let last = heads[fd]!;
    if (last < 0) {
      heads[fd] = row;
      return true;
    }
    while (next[last]! >= 0) last = next[last]!;
    next[last] = row;
    return false;
  }

  /** Takes a request out of whichever queue it is in. */
  remove(fd: number, row: number): void {
    if (!this.#removeFrom(this.readHead, fd, row)) this.#removeFrom(this.writeHead, fd, row);
  }

  #removeFrom(heads: Int32Array, fd: number, row: number): boolean {
    const { next } = this.#requests;
    let before = -1;
    for (let each = heads[fd]!; each >= 0; each = next[each]!) {
      if (each === row) {
        if (before < 0) heads[fd] = next[row]!;
        else next[before] = next[row]!;
        return true;
      }
      before = each;
    }
    return false;
  }

  isIdle(fd: number): boolean {
    return this.readHead[fd]! < 0 && this.writeHead[fd]! < 0;
  }

  /** The number may be given to another file from now on. */
  forget(fd: number): void {
    this.flags[fd] = 0;
  }
}
