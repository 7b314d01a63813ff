// Server state files: what `show servers state` printed is what the next process begins with, and a file that is not there or says nonsense is told of.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { basics } from "./lab/config.ts";
import { freePorts } from "./lab/ports.ts";
import { runProgram, startProgram } from "./lab/program.ts";
import { command, showStat } from "./lab/runtime-api.ts";

t.setTimeout(60_000);
const folder = mkdtempSync(join(tmpdir(), "ringway-states-"));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

function configOf(stats: number, changes: (text: string) => string = (text) => text): string {
  return changes(`${basics(
    `nbthread 1\nstats socket 127.0.0.1:${stats} level admin\nserver-state-base ${folder}\nserver-state-file global.txt`,
    "load-server-state-from-file global",
  )}
backend b
  server maint 127.0.0.1:1
  server drain 127.0.0.1:1
  server weight 127.0.0.1:1 weight 10
  server edited 127.0.0.1:1 weight 10
  server off 127.0.0.1:1 disabled
  server down 127.0.0.1:1 check inter 1h
  server stopping 127.0.0.1:1 check inter 1h
  server follower 127.0.0.1:1 track down
backend own
  load-server-state-from-file local
  server-state-file-name own.txt
  server s 127.0.0.1:1
  server named localhost:1 init-addr last,libc
`);
}

t.test("round trip", async (t) => {
  const [stats] = await freePorts(1);
  const address = `127.0.0.1:${stats}`;
  const first = await startProgram(t, { config: configOf(stats) });
  for (const line of [
    "set server b/maint state maint",
    "set server b/drain state drain",
    "set server b/weight weight 3",
    "set server b/edited weight 3",
    "set server b/down health down",
    "set server b/stopping health stopping",
    "set server own/s state drain",
  ])
    await command(address, line);
  const shown = await command(address, "show servers state");
  const before = await showStat(address);
  await first.stop();
  writeFileSync(join(folder, "global.txt"), `${shown}nonsense\n`);
  writeFileSync(join(folder, "own.txt"), shown.replace(/127\.0\.0\.1(?= .*localhost)/, "127.0.0.9"));
  const config = configOf(stats, (text) =>
    text.replace("edited 127.0.0.1:1 weight 10", "edited 127.0.0.1:1 weight 20"),
  );
  const second = await startProgram(t, { config });
  t.match(second.stderr, /corrupted global server state file '.*global\.txt' at line \d+\./);
  const after = await showStat(address);
  for (const name of ["maint", "drain", "weight", "off", "down", "stopping", "follower"])
    for (const field of ["status", "weight"])
      t.equal(after.get(`b/${name}`)?.[field], before.get(`b/${name}`)?.[field], `${name}: ${field}`);
  t.equal(after.get("b/edited")?.["weight"], "20", "who edits the file means the file");
  t.equal(after.get("own/s")?.["status"], "DRAIN");
  t.match(await command(address, "show servers state own"), / named 127\.0\.0\.9 /, "init-addr last");
  await command(address, "set server b/maint state ready");
  t.equal((await showStat(address)).get("b/maint")?.["status"], "no check");
});

t.test("files that cannot be used", async (t) => {
  rmSync(join(folder, "global.txt"));
  writeFileSync(join(folder, "own.txt"), "2\n");
  const cfg = join(folder, "cfg");
  writeFileSync(cfg, configOf(1));
  const { stderr } = await runProgram(["-c", "-V", "-f", cfg]);
  t.match(stderr, `Can't open global server state file '${join(folder, "global.txt")}': No such file or directory`);
  t.match(stderr, `Can't get version of the local server state file '${join(folder, "own.txt")}'.`);
});
