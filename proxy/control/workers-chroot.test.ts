// Inside a chroot no file of ours can be read, so a new thread cannot load its code: the spare threads have to do, and when they are used up the
// process says so and goes on with what it has.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { needsRoot } from "../test/lab/needs.ts";
import { freePort } from "../test/lab/ports.ts";
import { Program } from "../test/lab/program.ts";
import { until, within } from "../test/lab/time.ts";
import { connectClient } from "./fixtures/process.ts";

const PROGRAM = fileURLToPath(new URL("./fixtures/chrooted.js", import.meta.url));
/** boot.ts keeps so many spares in a chroot, beside the two workers. */
const SPARES = 3;

t.test("spare threads replace the dead until none is left", needsRoot(), async (t) => {
  const jail = mkdtempSync(join(tmpdir(), "ringway-jail-"));
  const port = await freePort();
  const child = spawn(process.execPath, [PROGRAM, String(port), jail], { stdio: ["ignore", "pipe", "pipe"] });
  const program = new Program(child, jail);
  t.teardown(async () => {
    await program.stop();
    rmSync(jail, { recursive: true, force: true });
  });
  await until("it serves", () => program.stderr.includes("is serving"));

  const failing = await connectClient({ port });
  failing.socket.write("assert");
  await within("end of the connection", failing.closed);
  await until("it was replaced", () => count(/is replaced/g) === 1);

  for (let death = 1; death <= SPARES; death++) {
    const client = await connectClient({ port });
    client.socket.write("throw");
    await within("end of the connection", client.closed);
    await until("it was replaced", () => count(/is replaced/g) === 1 + death);
  }
  t.ok(count(/A spare worker thread could not be started/g) >= 1, "piscina tries in vain, and stops trying");

  const last = await connectClient({ port });
  last.socket.write("throw");
  await until("a seat is given up", () => count(/No spare thread is left for worker \d/g) === 1);
  t.match(program.stderr, /cannot load their code inside the chroot\. 1 of 2 workers go on; restart the process\./);
  for (let i = 0; i < 10; i++) (await connectClient({ port })).socket.destroy();
  t.pass("every connection reaches the worker that is left: the dead one's socket is closed");

  const survivor = await connectClient({ port });
  survivor.socket.write("throw");
  t.same(await within("end", program.exited), { code: 1, signal: null }, "without workers there is no process");

  function count(pattern: RegExp): number {
    return [...program.stderr.matchAll(pattern)].length;
  }
});
