// `show activity`: what the workers' loops do, one number per worker, and the checks of the main thread.
//
// The layout is HAProxy's: a total, then each thread's value in brackets when there are several. The names are HAProxy's where the
// meaning is the same (loops, cpust_ms_tot, check_started, check_running); worker_restarts, dropped_logs and the
// *_used lines are our own.

import { WORKER } from "../../shared-state/layout.ts";
import { threadSeconds } from "../../stats/idle.ts";
import type { Command } from "./command.ts";

export const showActivity: Command = {
  words: ["show", "activity"],
  usage: "show activity",
  description: "show per-thread activity stats (for support/developers)",
  level: "operator",
  run(_call, { control, checks }) {
    const { shared } = control;
    const perWorker = (word: number): number[] =>
      Array.from({ length: shared.nbthread }, (_, worker) => shared.words[shared.workerAt(worker) + word]);
    const cpuMs = perWorker(WORKER.tid).map((tid) => (tid === 0 ? 0 : Math.round(threadSeconds(tid) * 1000)));
    const { started, running } = checks.activity();
    const nowMs = Date.now();
    return {
      text: [
        `thread_id: 1 (1..${shared.nbthread})`,
        `date_now: ${(nowMs / 1000).toFixed(6)}`,
        `uptime_now: ${((nowMs - control.process.startedAtMs) / 1000).toFixed(6)}`,
        // A loop counter may pass 2^31 and then reads as negative: it is shown as the unsigned word that it is.
        `loops: ${numbers(perWorker(WORKER.heartbeat).map((loops) => loops >>> 0))}`,
        `cpust_ms_tot: ${numbers(cpuMs)}`,
        `worker_restarts: ${numbers(perWorker(WORKER.restarts))}`,
        `dropped_logs: ${numbers(perWorker(WORKER.droppedLogs))}`,
        `conn_rows_used: ${numbers(perWorker(WORKER.rowsUsed))}`,
        `streams_used: ${numbers(perWorker(WORKER.streamsUsed))}`,
        `buffers_used: ${numbers(perWorker(WORKER.buffersUsed))}`,
        `check_started: ${started}`,
        `check_running: ${running}`,
        "",
      ].join("\n"),
    };
  },
};

function numbers(values: readonly number[]): string {
  const total = values.reduce((sum, value) => sum + value, 0);
  return values.length === 1 ? String(total) : `${total} [ ${values.join(" ")} ]`;
}
