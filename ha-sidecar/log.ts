// The daemon's log: one line per event on standard output, which systemd's journal, a container's log or a file takes. Times are wall-clock,
// for people; nothing is ever computed with them.
//
//     2026-11-23T03:14:15.926Z info  (VI_1) Entering MASTER STATE: the down timer expired, priority 100

export type Level = "info" | "warn" | "error";

export type Log = (level: Level, text: string) => void;

/** A log that writes to standard output. */
export const log: Log = (level, text) => {
  process.stdout.write(`${new Date().toISOString()} ${level.padEnd(5)} ${text}\n`);
};
