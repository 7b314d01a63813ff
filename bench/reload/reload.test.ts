// The reload table is made, in its shortest form: one reload of ours, and nothing may be lost.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import t from "tap";

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));

t.setTimeout(60_000);
t.test("a reload loses nothing", async (t) => {
  const words = [MAIN, "--reloads", "1", "--pause", "100", "--program", "ringway"];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  const row = /^ringway +1 +(\d+) +\d+ +(\d+) +(\d+) /m.exec(stdout);
  t.ok(row !== null, stdout + stderr);
  t.ok(Number(row?.[1]) > 0, "requests were answered");
  t.ok(Number(row?.[2]) > 0, "and downloads");
  t.equal(row?.[3], "0", stdout);
});
