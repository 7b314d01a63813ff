// Notifications: arguments and order of scripts, lines of FIFOs, and that nobody waits for any of them.

import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { haPlan, instancePlan, NO_NOTIFY, NO_TRACKING } from "../plan/fixture.ts";
import type { ScriptPlan } from "../plan/track.ts";
import { Notifier } from "./notifier.ts";

const AT = { file: "test.conf", line: 1 };
const folder = mkdtempSync(join(tmpdir(), "ringway-notify-"));
t.teardown(() => rmSync(folder, { recursive: true }));
const uid = process.getuid!();
const gid = process.getgid!();

/** A script that writes its name and arguments as a line to `log`. */
function script(name: string, body = ""): ScriptPlan {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${body}\necho ${name} "$@" >> ${folder}/log\n`, { mode: 0o755 });
  return { argv: [path, "own"], text: path, uid, gid, enabled: true };
}

t.test("scripts and FIFOs", async (t) => {
  const path = join(folder, "fifo");
  const notify = {
    ...NO_NOTIFY,
    master: script("master"),
    any: script("any"),
    stop: script("stop"),
    priorityChanges: true,
  };
  const plan = haPlan(
    {
      instances: [instancePlan({ notify })],
      syncGroups: [
        { index: 0, name: "G", members: [0], tracking: NO_TRACKING, trackingWeight: false, notify: NO_NOTIFY, at: AT },
      ],
    },
    { notifyFifos: [{ path, uid, gid, script: null }] },
  );
  const notifier = new Notifier(plan, () => {});
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  notifier.onInstance(0, "BACKUP", 90);
  notifier.onInstance(0, "MASTER", 100);
  notifier.onInstance(0, "LEAVING", 100);
  notifier.onGroup(0, "MASTER");
  notifier.onPriority(0, "MASTER", 80);
  notifier.onPriority(0, "FAULT", 70);
  notifier.onInstance(0, "STOPPED", 100);
  const buffer = Buffer.alloc(1000);
  const length = readSync(reader, buffer);
  closeSync(reader);
  t.same(buffer.toString("latin1", 0, length).trimEnd().split("\n"), [
    'INSTANCE "VI_1" BACKUP 90',
    'INSTANCE "VI_1" MASTER 100',
    'GROUP "G" MASTER 0',
    'INSTANCE "VI_1" MASTER_PRIORITY 80',
    'INSTANCE "VI_1" BACKUP_PRIORITY 70',
    'INSTANCE "VI_1" STOP 100',
  ]);
  await notifier.close();
  t.same(readFileSync(join(folder, "log"), "latin1").trimEnd().split("\n").sort(), [
    "any own INSTANCE VI_1 BACKUP 90",
    "any own INSTANCE VI_1 MASTER 100",
    "any own INSTANCE VI_1 STOP 100",
    "master own",
    "stop own",
  ]);
});

t.test("a reload tells nobody what they know, and what has gone as keepalived does", async (t) => {
  const path = join(folder, "reloaded");
  const notify = { ...NO_NOTIFY, backup: script("backup"), fault: script("fault"), any: script("each") };
  const deleted = { ...notify, tellsDeleted: true, deleted: script("deleted") };
  const instances = ["A", "B", "C"].map((name, index) => instancePlan({ name, index, notify }));
  for (const fifoStatesOnReload of [false, true]) {
    rmSync(join(folder, "log"), { force: true });
    const notifyFifos = [{ path, uid, gid, script: null }];
    const notifier = new Notifier(haPlan({ instances }, { notifyFifos, fifoStatesOnReload }), () => {});
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    for (const [name, state] of [
      ["A", "BACKUP"],
      ["B", "FAULT"],
      ["C", "MASTER"],
    ] as const) {
      notifier.onReloaded("INSTANCE", name, state);
    }
    notifier.onResumed(2, 100);
    notifier.onInstance(0, "BACKUP", 100);
    notifier.onInstance(1, "BACKUP", 100);
    notifier.onInstance(0, "BACKUP", 90);
    notifier.onDeleted("INSTANCE", "D", notify, 80);
    notifier.onDeleted("INSTANCE", "E", deleted, 70);
    const buffer = Buffer.alloc(1000);
    const length = readSync(reader, buffer);
    closeSync(reader);
    await notifier.close();
    const repeated = fifoStatesOnReload ? ['INSTANCE "C" MASTER 100', 'INSTANCE "A" BACKUP 100'] : [];
    t.same(buffer.toString("latin1", 0, length).trimEnd().split("\n"), [
      ...repeated,
      ...['INSTANCE "B" BACKUP 100', 'INSTANCE "A" BACKUP 90', 'INSTANCE "D" FAULT 80', 'INSTANCE "E" DELETED 70'],
    ]);
    t.same(readFileSync(join(folder, "log"), "latin1").trimEnd().split("\n").sort(), [
      ...["backup own", "backup own", "deleted own", "each own INSTANCE A BACKUP 90", "each own INSTANCE B BACKUP 100"],
      ...["each own INSTANCE D FAULT 80", "each own INSTANCE E DELETED 70"],
    ]);
  }
});

t.test("nobody is waited for: a slow script, a full FIFO, a missing program", async (t) => {
  const path = join(folder, "full");
  const slow = script("slow", `sleep 20; touch ${folder}/late`);
  const missing: ScriptPlan = { ...slow, argv: [join(folder, "missing")] };
  const notify = { ...NO_NOTIFY, any: slow, backup: missing, priorityChanges: true };
  const lines: string[] = [];
  const plan = haPlan(
    { instances: [instancePlan({ notify })] },
    { notifyFifos: [{ path, uid, gid, script: null }], childWaitTimeMs: 200 },
  );
  const notifier = new Notifier(plan, (_, text) => lines.push(text));
  const startMs = performance.now();
  notifier.onInstance(0, "BACKUP", 100);
  // 64 KiB fit into a pipe; nobody reads.
  for (let i = 0; i < 3000; i++) notifier.onPriority(0, "BACKUP", 100);
  await notifier.close();
  t.ok(performance.now() - startMs < 3000);
  t.equal(existsSync(join(folder, "late")), false);
  t.ok(lines.some((line) => line.includes("missing")));
  t.ok(
    lines.some((line) => line.includes("lost:")),
    "what the FIFO does not take is said to be lost",
  );
});
