// Configurations that people run: the article's own (examples/), word for word, and a collection from public repositories. For each of the
// latter it is only asked that something sensible is said; keepalived-oracle.test.ts compares with what keepalived says.
//
// The collection is not part of this repository (fixture.ts says where it is looked for).

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import t from "tap";
import { CONFIG_ID, findCorpus, HOST, SOURCES } from "./fixture.ts";
import { load } from "./load.ts";

function example(name: string) {
  return load({ path: fileURLToPath(new URL(`examples/${name}`, SOURCES)), configId: CONFIG_ID, host: HOST });
}

t.test("the article's master", (t) => {
  const { plan, diagnostics, isFatal, testStatus } = example("keepalived-master.conf");
  const messages = diagnostics.list.map((one) => `${one.severity} ${one.line} ${one.message}`);
  t.equal(messages[0], "alert 35 (R1) Warning - nopreempt will not work with initial state MASTER - clearing");
  t.equal(messages[1], "alert 36 (R1) Warning - preempt delay will not work with initial state MASTER - clearing");
  if (plan.scripts[0]!.script.enabled) {
    t.equal(testStatus, 6, "keepalived says the same");
    t.match(
      messages[2],
      /^warning \d+ SECURITY VIOLATION - scripts are being executed but script_security not enabled\.$/,
    );
  }
  const lint = diagnostics.list.find((one) => one.code === "small-weight")!;
  t.equal(lint.message, "(R1) weight -2 of chk_haproxy moves the address only if the other machine's priority is 99");
  t.match(lint.hint, /100 while chk_haproxy is up and 98 while it is down.* never takes over: 98 > 90\./);
  t.notOk(isFatal);
  t.match(plan.instances, [
    {
      name: "R1",
      priority: 100,
      wantedState: "MASTER",
      initialState: "BACKUP",
      virtualRouterId: 50,
      preemption: { preempt: true, delayMs: 0 },
    },
  ]);
  t.end();
});

t.test("the article's backup", (t) => {
  const { plan, diagnostics, isFatal } = example("keepalived-backup.conf");
  const messages = diagnostics.list.map((one) => one.message);
  t.equal(messages[0], "(R1) preempt_delay is incompatible with nopreempt mode - resetting");
  t.notOk(isFatal);
  const [instance] = plan.instances;
  t.match(instance, {
    priority: 90,
    interface: "eth0",
    advertIntervalMs: 1000,
    preemption: { preempt: false, delayMs: 0 },
    addresses: [{ address: { text: "10.230.137.100" }, prefixLength: 32 }],
    authentication: { type: "pass" },
    tracking: { scripts: [{ index: 0, weight: -2 }] },
  });
  t.match(plan.scripts[0], { name: "chk_haproxy", intervalMs: 2000, fall: 3, rise: 1, weight: -2 });
  t.match(plan.global.mail, {
    server: { host: "127.0.0.1", port: 25 },
    connectTimeoutMs: 60_000,
    recipients: ["sysadmin@example.com"],
  });
  t.end();
});

const corpus = findCorpus();
const missing = corpus === null && "no shared/corpus/keepalived above this folder, and no $KEEPALIVED_CORPUS";
if (missing && process.env.CI === "true") t.fail(`CI must have the collection: ${missing}`);

t.test("the collection", { skip: missing }, (t) => {
  const files = readdirSync(corpus!).filter((name) => name.endsWith(".conf"));
  t.ok(files.length > 5);
  for (const name of files) {
    const { plan, diagnostics } = load({ path: `${corpus}/${name}`, configId: CONFIG_ID, host: HOST });
    for (const one of diagnostics.list) t.ok(one.line > 0 || one.introduction === "none", `${name}: ${one.message}`);
    t.ok(plan.instances.length > 0 || diagnostics.hasErrors, name);
  }
  t.end();
});
