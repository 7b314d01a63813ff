// What rules set for one stream that is otherwise its proxy's or the process's affair: time-outs, log level, retries, priority in queues,
// marks of the server's connection. A stream has them only from the first such rule on, to its end.

import type { Stream } from "./stream.ts";

/** Positions in `StreamSettings.timeoutMs`. */
export const TIMEOUT = { client: 0, server: 1, tunnel: 2, connect: 3, queue: 4, tarpit: 5 } as const;
const TIMEOUTS = 6;

/** `StreamSettings.logLevel`: no line is written. */
export const SILENT = -2;

export class StreamSettings {
  /** Milliseconds by TIMEOUT, -1: the proxy's. */
  readonly timeoutMs = new Int32Array(TIMEOUTS).fill(-1);
  /** Syslog severity of the log line, -1: as usual. */
  logLevel = -1;
  /** -1: the backend's. */
  retries = -1;
  /** Of the place in queues: the lower class first; the offset in milliseconds is added to the time of joining. */
  priorityClass = 0;
  priorityOffsetMs = 0;
  /** SO_MARK and the TOS byte of the server's connection, -1: not set. */
  serverMark = -1;
  serverTos = -1;

  reset(): void {
    this.timeoutMs.fill(-1);
    this.logLevel = this.retries = this.serverMark = this.serverTos = -1;
    this.priorityClass = this.priorityOffsetMs = 0;
  }
}

/** The stream's settings, made when its object first needs them and kept for its later lives. */
export function settingsOf(stream: Stream): StreamSettings {
  if (stream.settings === null) {
    stream.spareSettings ??= new StreamSettings();
    stream.settings = stream.spareSettings;
  }
  return stream.settings;
}

/** The stream leaves its frontend for another proxy: what rules set of a backend's time-outs and retries was that of the frontend. */
export function enterOtherBackend({ settings }: Stream): void {
  if (settings === null) return;
  const { timeoutMs } = settings;
  timeoutMs[TIMEOUT.server] = timeoutMs[TIMEOUT.tunnel] = timeoutMs[TIMEOUT.connect] = timeoutMs[TIMEOUT.queue] = -1;
  settings.retries = -1;
}

/** The stream is over. */
export function forgetSettings(stream: Stream): void {
  stream.settings?.reset();
  stream.settings = null;
}

/** The time-out that a rule set for the stream, else `otherwise`. */
export function timeoutOf(stream: Stream, which: number, otherwise: number): number {
  const { settings } = stream;
  if (settings === null) return otherwise;
  const ms = settings.timeoutMs[which]!;
  return ms < 0 ? otherwise : ms;
}
