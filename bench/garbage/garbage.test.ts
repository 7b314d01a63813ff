// The garbage table in its shortest form, and the reading of V8's trace that it is made from.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import t from "tap";
import { needs } from "../../proxy/test/lab/needs.ts";
import { collectionsOf, garbageOf } from "./trace.ts";

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));

t.setTimeout(120_000);
t.test("a round", needs("wrk"), async (t) => {
  const words = [MAIN, "--requests", "1", "--warm-up", "1", "--seconds", "2"];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  const requests = /^(\d+) requests, 0 errors$/m.exec(stdout);
  t.ok(Number(requests?.[1]) > 0, stdout + stderr);
  t.match(stdout, /^worker: \d+ collections, .* longest pause [\d.]+ ms$/m);
});

t.test("what V8 prints of its collections", (t) => {
  const line = (isolate: string, rest: string) => `[5536:${isolate}]    16274 ms: ${rest}; \n`;
  const trace = [
    line(
      "0x1",
      "Scavenge 16.0 (17.0) -> 15.0 (18.0) MB, 0.21 / 0.00 ms  (average mu = 0.957, current mu = 0.957) task",
    ),
    line(
      "0x2",
      "Scavenge 12.0 (22.6) -> 10.0 (22.6) MB, 1.23 / 0.01 ms  (average mu = 1.000, current mu = 1.000) allocation failure",
    ),
    "[NOTICE]   (5588) : something else\n",
    line(
      "0x2",
      "Mark-Compact (reduce) 11.5 (17.8) -> 10.5 (17.0) MB, 10.49 / 0.01 ms  (+ 5.7 ms in 45 steps) finalize",
    ),
    line("0x2", "Mark-Compact 11.0 (22.6) -> 10.0 (15.9) MB, 1.72 / 0.00 ms  (+ 0.0 ms in 1 steps) finalize"),
  ].join("");
  const collections = collectionsOf(trace);
  t.equal(collections.length, 4);
  const { worker, mainThread } = garbageOf(collections, 2);
  t.strictSame(worker, { collections: 2, allocatedBytes: 2 << 20, longestMs: 10.49 });
  t.strictSame(mainThread, { collections: 0, allocatedBytes: 0, longestMs: 0 });
  t.end();
});
