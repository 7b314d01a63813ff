// Tells when a process ends, by its pidfd: poll(2) on it returns at that moment. The wait happens in one of libuv's threads, because
// Node's event loop takes no foreign descriptors; it ends now and then to see whether anybody still wants to know.

import { close } from "../../shared/ffi/file.ts";
import { pidfdOpen, pollLater } from "../../shared/ffi/pidfd.ts";

/** One of libuv's four threads is busy for so long after the last one lost interest. */
const WAIT_MS = 250;

/** Calls `onEnd` once when the process has ended; the result stops that. A process that cannot be watched is left to who asks. */
export function watchProcess(pid: number, onEnd: () => void): () => void {
  const fd = pidfdOpen(pid);
  if (fd < 0) return () => {};
  let isWanted = true;
  const wait = () => {
    pollLater([fd], WAIT_MS, (ready) => {
      if (isWanted && ready === 0) {
        wait();
        return;
      }
      close(fd);
      if (isWanted && ready > 0) onEnd();
    });
  };
  wait();
  return () => {
    isWanted = false;
  };
}
