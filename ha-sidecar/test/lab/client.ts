// A program for the lab: asks the virtual address over UDP every 5 ms and reports, as a line of JSON on SIGTERM, how long it was without an
// answer at worst and who answered when. An answer counts when it is sent back to a question of the last 100 ms.
//
//   node client.js ADDRESS

import { createSocket } from "node:dgram";
import { goFirst } from "./priority.ts";

goFirst();
const INTERVAL_MS = 5;
const target = process.argv[2]!;
const socket = createSocket(target.includes(":") ? "udp6" : "udp4");
let lastMs = 0;
let gapMs = 0;
let owner = "";
const changes: { readonly owner: string; readonly afterGapMs: number }[] = [];

socket.on("message", (message) => {
  const nowMs = performance.now();
  const [name, sentMs] = message.toString("latin1").split(" ") as [string, string];
  if (nowMs - Number(sentMs) > 100) return;
  const sinceMs = lastMs === 0 ? 0 : nowMs - lastMs;
  gapMs = Math.max(gapMs, sinceMs);
  lastMs = nowMs;
  if (name === owner) return;
  owner = name;
  changes.push({ owner, afterGapMs: sinceMs });
  process.stdout.write(`owner ${owner}\n`);
});
// An unreachable host is what is being measured.
socket.on("error", () => {});
setInterval(() => socket.send(String(performance.now()), 7000, target, () => {}), INTERVAL_MS);
process.on("SIGTERM", () => {
  process.stdout.write(
    `result ${JSON.stringify({ gapMs: Math.max(gapMs, performance.now() - lastMs), changes })}\n`,
    () => {
      process.exit(0);
    },
  );
});
