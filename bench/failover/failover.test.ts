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
    const words = [MAIN, "--runs", "1", "--intervals", "100", "--rows", "SIGTERM"];
    const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
    const row = /^SIGTERM +100 ms +(\d+)-\d+ +(\d+)-\d+ +b \| b$/m.exec(stdout);
    t.ok(row !== null, stdout + stderr);
    t.ok(Number(row?.[2]) < 60, `no hole: ${row?.[2]} ms, keepalived ${row?.[1]} ms`);
  });
} else if (process.env["CI"] === "true" && process.getuid?.() === 0)
  t.fail(`the failover table could not be made: ${why}`);
else t.comment(`SKIPPED: the failover table was not made: ${why}`);
