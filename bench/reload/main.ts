// The reload table: how many requests and connections 50 reloads in a row lose under load, ours beside HAProxy's where it is installed.
//
//   node main.js [--reloads N] [--pause MS] [--program ringway|haproxy]

import { parseArgs } from "node:util";
import { findProgram, REPOSITORY } from "../programs.ts";
import { measureReloads, type ReloadResult } from "./run.ts";

const { values: options } = parseArgs({
  options: {
    reloads: { type: "string", default: "50" },
    pause: { type: "string", default: "500" },
    program: { type: "string", default: "" },
  },
});

const haproxy = findProgram("haproxy");
const programs: readonly (readonly [string, readonly string[] | null])[] = [
  ["ringway", [process.execPath, `${REPOSITORY}/dist/proxy/main.js`]],
  ["haproxy", haproxy === null ? null : [haproxy]],
];

process.stdout.write("program     reloads  requests  per s  downloads  lost  longest gap  reload p50/max\n");
for (const [name, command] of programs) {
  if (options.program !== "" && options.program !== name) continue;
  if (command === null) {
    process.stdout.write(`${name}: not installed\n`);
    continue;
  }
  const result = await measureReloads({
    ...{ command, reloads: Number(options.reloads), pauseMs: Number(options.pause) },
    ...{ keepAlive: 32, close: 8, downloads: 8 },
  });
  process.stdout.write(rowOf(name, result));
}

function rowOf(name: string, { tallies, reloads, seconds, reloadMs }: ReloadResult): string {
  const { "keep-alive": kept, close, downloads } = tallies;
  const requests = kept.answered + close.answered;
  const failed = [...kept.failed, ...close.failed, ...downloads.failed];
  const sorted = [...reloadMs].sort((a, b) => a - b);
  const cells = [
    name.padEnd(10),
    String(reloads).padStart(8),
    String(requests).padStart(9),
    String(Math.round(requests / seconds)).padStart(6),
    String(downloads.answered).padStart(10),
    String(failed.length).padStart(5),
    `${Math.round(Math.max(kept.longestGapMs, close.longestGapMs))} ms`.padStart(12),
    `${sorted[sorted.length >> 1] ?? 0}/${sorted.at(-1) ?? 0} ms`.padStart(15),
  ];
  const reasons = new Map<string, number>();
  for (const reason of failed) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const why = [...reasons].map(([reason, count]) => `    ${count} × ${reason}\n`);
  return `${cells.join(" ")}\n${why.join("")}`;
}
