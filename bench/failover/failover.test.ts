// The failover table is made, in its shortest form: one row, beside keepalived. Needs root, iproute2 and keepalived.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import t from "tap";
import { labObstacle } from "../../ha-sidecar/test/lab/namespaces.ts";

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));

t.setTimeout(60_000);
const why =
  labObstacle() ?? (spawnSync("keepalived", ["--version"]).status === 0 ? null : "keepalived is not installed");
if (why === null) {
  t.test("a graceful stop beside keepalived's", async (t) => {
    // The skew time that keepalived's successor waits is 307 ms then, so that what a busy machine adds to ours cannot hide the difference.
    const words = [MAIN, "--runs", "1", "--intervals", "500", "--rows", "SIGTERM"];
    const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
    const row = /^SIGTERM +500 ms +(\d+) \(\S+\) +(\d+) \(\S+\) +b \| b$/m.exec(stdout);
    t.ok(row !== null, stdout + stderr);
    t.ok(Number(row?.[2]) < Number(row?.[1]), `no hole: ${row?.[2]} ms, keepalived ${row?.[1]} ms`);
  });
} else if (process.env["CI"] === "true" && process.getuid?.() === 0)
  t.fail(`the failover table could not be made: ${why}`);
else t.comment(`SKIPPED: the failover table was not made: ${why}`);
