// `dump stats-file`: counters for the next process.

import type { Command } from "./command.ts";

export const dumpStatsFile: Command = {
  words: ["dump", "stats-file"],
  usage: "dump stats-file",
  description: "dump stats for restore",
  level: "user",
  run: (_call, { statistics }) => ({ text: statistics.statsFile() }),
};
