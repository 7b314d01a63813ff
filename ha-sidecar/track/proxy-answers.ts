// What the answers of a proxy's runtime API mean for track_proxy: how many servers are up, whether a worker stands still, whether the
// process is on its way out. HAProxy's formats, which ringway has too.

import type { ProxyRequirement } from "../plan/track.ts";

/** What of `requirements` the answer to `show stat` does not meet, null: all is well. */
export function unmetRequirement(stat: string, requirements: readonly ProxyRequirement[]): string | null {
  const lines = stat.split("\n").filter((line) => line !== "");
  const header = lines[0]?.replace(/^# /, "").split(",") ?? [];
  const column = (name: string) => header.indexOf(name);
  const [proxyAt, statusAt, typeAt] = [column("pxname"), column("status"), column("type")];
  if (proxyAt < 0 || statusAt < 0 || typeAt < 0) return `\`show stat\` was not answered: ${lines[0] ?? "nothing"}`;
  const servers = lines.slice(1).map((line) => line.split(","));
  for (const { backend, serversUpMin, isPercent } of requirements) {
    const own = servers.filter((row) => row[proxyAt] === backend && row[typeAt] === "2");
    const up = own.filter((row) => /^(UP|no check)/.test(row[statusAt]!)).length;
    const wanted = isPercent ? Math.ceil((own.length * serversUpMin) / 100) : serversUpMin;
    if (up < wanted) return `backend ${backend} has ${up} of ${own.length} servers up, ${wanted} are required`;
  }
  return null;
}

/** `show info` says that the process is finishing its connections: a successor has its sockets, or nobody. */
export function isStopping(info: string): boolean {
  return /^Stopping: 1$/m.test(info);
}

/** Watches the loops of `show activity`: one number per worker that must go on. */
export class WorkerPulses {
  readonly #timeoutMs: number;
  #loops: string[] = [];
  #movedAtMs: number[] = [];

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Another process answers from now on. */
  reset(): void {
    this.#loops = [];
  }

  /** The workers that stand still (counting from 1), null: all move, or the answer does not tell. */
  stuck(activity: string, nowMs: number): string | null {
    const line = /^loops: (.*)$/m.exec(activity)?.[1];
    if (line === undefined) return null;
    const loops = (/\[ ?(.*?) ?\]/.exec(line)?.[1] ?? line).split(" ");
    if (loops.length !== this.#loops.length) this.#movedAtMs = loops.map(() => nowMs);
    const still: number[] = [];
    for (const [worker, count] of loops.entries()) {
      if (count !== this.#loops[worker]) this.#movedAtMs[worker] = nowMs;
      else if (nowMs - this.#movedAtMs[worker]! >= this.#timeoutMs) still.push(worker + 1);
    }
    this.#loops = loops;
    return still.length === 0 ? null : `worker ${still.join(", ")} of ${loops.length} makes no turn of its loop`;
  }
}
