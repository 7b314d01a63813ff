// The pid file (`pidfile`, -p): opened before the chroot, written when the process that stays is known. As in HAProxy it belongs to daemons: in
// the foreground nothing is written. It is not removed at the end, because after chroot and a change of user it could not be.

import { closeSync, openSync, writeSync } from "node:fs";

/** @returns null, or what to say: the start fails. */
export function writePidfile(path: string): string | null {
  try {
    const fd = openSync(path, "w", 0o644);
    writeSync(fd, `${process.pid}\n`);
    closeSync(fd);
    return null;
  } catch {
    return `[ringway.main()] Cannot create pidfile ${path}`;
  }
}
