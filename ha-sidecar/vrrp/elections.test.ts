// Elections on a simulated wire with a simulated clock: timers, preemption, partitions, frozen nodes, forged
// packets. Three nodes where it matters; every figure is exact, because time is a number here.

import t from "tap";
import { address, instancePlan, MULTICAST } from "../plan/fixture.ts";
import type { InstancePlan } from "../plan/vrrp.ts";
import { type Node, OPTIONS, Simulation } from "./simulation.fixture.ts";
import { advertWriterOf, signaturesOf } from "./wire-format.ts";

/** Nodes a, b, c … with the given priorities, started. */
function lan(
  priorities: readonly number[],
  changes: Partial<InstancePlan> = {},
  start = true,
): [Simulation, ...Node[]] {
  const simulation = new Simulation();
  for (const [index, priority] of priorities.entries()) {
    const node = simulation.addNode("abc"[index]!, `10.99.0.${index + 1}`);
    node.add(instancePlan({ ...changes, priority }));
    if (start) node.routers[0]!.start();
  }
  return [simulation, ...simulation.nodes];
}

/** A valid advert from nowhere, straight into a node. */
function forge(node: Node, source: string, changes: Partial<InstancePlan>, priority: number): void {
  const plan = instancePlan({ advertIntervalMs: 100, ...changes });
  const from = address(source).bytes;
  const group = address("224.0.0.18").bytes;
  const message = advertWriterOf(plan, signaturesOf(plan)).write(priority, from, group);
  const bytes = new Uint8Array(20 + message.length);
  bytes.set([0x45, 0xc0, 0, bytes.length, 0, 1, 0, 0, 255, 112]);
  bytes.set(from, 12);
  bytes.set(group, 16);
  bytes.set(message, 20);
  node.receive(bytes);
}

t.test("timers are those of the RFCs", async (t) => {
  const [simulation, a] = lan([100]);
  // Version 3, 100 ms: 3 × 100 + (256 - 100) × 100 / 256.
  t.equal(a!.routers[0]!.downMs, 360.9375);
  const took = simulation.runUntil(() => simulation.masters() === "a");
  t.ok(took >= 360.9 && took < 362, `${took} ms`);

  const [slow, b] = lan([100], { version: 2, advertIntervalMs: 1000 });
  t.equal(b!.routers[0]!.downMs, 3609.375);
  t.ok(Math.abs(slow.runUntil(() => slow.masters() === "b" || slow.masters() === "a") - 3609.375) < 1);

  const [owner] = lan([255]);
  t.ok(owner.runUntil(() => owner.masters() === "a") < 1, "the owner does not wait");
});

t.test("three nodes: the highest wins, the next follows, each leaves exactly one owner", async (t) => {
  const [simulation, a, b] = lan([100, 90, 80]);
  simulation.run(1000);
  t.equal(simulation.masters(), "a");
  a!.isDown = true;
  a!.worlds[0]!.isHolding = false;
  const dead = simulation.runUntil(() => simulation.masters() === "b");
  t.ok(dead >= 260 && dead <= 366, `found dead after ${dead} ms`);
  b!.routers[0]!.stop(true);
  const handed = simulation.runUntil(() => simulation.masters() === "c");
  t.ok(handed < 75, `told by priority 0: skew of ${handed} ms`);
  t.equal(simulation.holders(), "c");
});

t.test("the only peer leaves: nobody else competes, the skew time is saved", async (t) => {
  const takeOver = (names: readonly string[], strict = false) => {
    const simulation = new Simulation();
    const sources = names.map((_, index) => `10.99.0.${index + 1}`);
    for (const [index, name] of names.entries()) {
      const peers = sources.filter((_, other) => other !== index);
      const transport = {
        ...MULTICAST,
        mode: "unicast" as const,
        multicastDestination: null,
        peers: peers.map((peer) => ({ address: address(peer), minTtl: 0, maxTtl: 255 })),
      };
      const node = simulation.addNode(name, sources[index]!);
      node.add(instancePlan({ version: 2, advertIntervalMs: 1000, priority: 100 - index, strict, transport }));
    }
    for (const { routers } of simulation.nodes) routers[0]!.start();
    simulation.run(10_000);
    t.equal(simulation.masters(), "a");
    simulation.nodes[0]!.routers[0]!.stop(false);
    let holes = 0;
    const took = simulation.runUntil(() => {
      if (simulation.holders() === "") holes++;
      return simulation.masters() === "b";
    });
    simulation.runUntil(() => {
      if (simulation.holders() === "") holes++;
      return simulation.nodes[0]!.routers[0]!.state === "STOPPED";
    });
    t.equal(holes, 0);
    t.equal(simulation.holders(), "b");
    return took;
  };
  t.ok(takeOver(["a", "b"]) <= 1, "at once");
  // The skew time of 99, counted from the repeated advert of 0.
  const skewMs = (157 / 256) * 1000 + 3;
  t.ok(Math.abs(takeOver(["a", "b", "c"]) - skewMs) < 2, "with others as ever");
  t.ok(Math.abs(takeOver(["a", "b"], true) - skewMs) < 2, "and in strict mode");
});

t.test("equal priorities: the higher address wins, in twenty simultaneous starts", async (t) => {
  for (let round = 0; round < 20; round++) {
    const [simulation] = lan([100, 100, 100], { advertIntervalMs: 20 });
    simulation.run(200);
    t.equal(simulation.masters(), "c", `round ${round}`);
    t.equal(simulation.holders(), "c");
  }
});

t.test("the owner's 255 against 255: the higher address", async (t) => {
  const [simulation] = lan([255, 255]);
  simulation.run(500);
  t.equal(simulation.masters(), "b");
});

t.test("preemption: at once, never, after a delay", async (t) => {
  const comeBack = (preemption: InstancePlan["preemption"]) => {
    const [simulation, a, b] = lan([100, 90], { preemption }, false);
    b!.routers[0]!.start();
    simulation.run(1000);
    a!.routers[0]!.start();
    return simulation;
  };
  const preempting = comeBack({ preempt: true, delayMs: 0 });
  const took = preempting.runUntil(() => preempting.masters() === "a");
  t.ok(took <= 365, `after one down time: ${took} ms`);

  const never = comeBack({ preempt: false, delayMs: 0 });
  never.run(20_000);
  t.equal(never.masters(), "b");
  never.nodes[1]!.routers[0]!.stop(true);
  t.ok(never.runUntil(() => never.masters() === "a") < 100, "nopreempt takes over when the master leaves");

  const delayed = comeBack({ preempt: true, delayMs: 3000 });
  const delay = delayed.runUntil(() => delayed.masters() === "a");
  t.ok(delay > 3000 && delay < 3600, `back after ${delay} ms`);
});

t.test("make before break: a graceful stop leaves no hole", async (t) => {
  const [simulation, a] = lan([100, 90]);
  simulation.run(1000);
  let hole = 0;
  a!.routers[0]!.stop(false);
  t.equal(a!.routers[0]!.state, "LEAVING");
  const took = simulation.runUntil(() => {
    if (simulation.holders() === "") hole++;
    return a!.routers[0]!.state === "STOPPED";
  });
  t.equal(hole, 0);
  t.ok(took > 160 && took < 170, `the successor was heard twice after ${took} ms`);
  t.equal(simulation.holders(), "b");
  const zeros = a!.worlds[0]!.did.filter((did) => did === "advert 0").length;
  t.equal(zeros, 2, "priority 0 is repeated");

  const [alone, only] = lan([100]);
  alone.run(1000);
  only!.routers[0]!.stop(false);
  t.ok(
    Math.abs(alone.runUntil(() => only!.routers[0]!.state === "STOPPED") - 1000) < 2,
    "without a successor it ends too",
  );

  const [seldom, first] = lan([100, 90], { version: 2, advertIntervalMs: 1000 });
  seldom.run(10_000);
  first!.routers[0]!.stop(false);
  seldom.runUntil(() => seldom.masters() === "b");
  const lingered = seldom.runUntil(() => seldom.holders() === "b");
  t.ok(Math.abs(lingered - 200) < 2, `with adverts that come seldom, ${lingered} ms after the first one`);

  const [atOnce, c] = lan([100], {}, false);
  const router = c!.add(instancePlan({ virtualRouterId: 51 }), { ...OPTIONS, handoverTimeoutMs: 0 });
  router.start();
  atOnce.run(1000);
  router.stop(false);
  t.equal(router.state, "STOPPED", "handover_timeout 0");
});

t.test("partition and heal: two owners while it lasts, one within an advert afterwards", async (t) => {
  // So late that nobody announces itself any more for having become master; in some of them a is heard first, in some b.
  for (const partitionMs of [10_000, 10_033, 10_066]) {
    for (const preempt of [true, false]) {
      const [simulation, a, b] = lan([100, 90], { preemption: { preempt, delayMs: 0 } });
      simulation.run(1000);
      simulation.reaches = () => false;
      simulation.run(partitionMs);
      t.equal(simulation.masters(), "a,b");
      const healedMs = simulation.nowMs;
      simulation.reaches = () => true;
      const took = simulation.runUntil(() => simulation.masters() === "a" || simulation.masters() === "b");
      t.ok(took <= 101, `one owner after ${took} ms`);
      t.equal(simulation.masters(), "a", "the higher priority keeps");
      simulation.run(1);
      const announcedMs = a!.worlds[0]!.announcedMs.filter((at) => at >= healedMs);
      t.ok(announcedMs.length > 0, "the winner announces itself again, whoever was heard first");
      t.equal(b!.worlds[0]!.isHolding, false);
    }
  }
});

t.test("one-way loss: the one who hears yields, the other one stays", async (t) => {
  const [simulation, a] = lan([100, 90]);
  simulation.run(1000);
  simulation.reaches = (from) => from !== a;
  simulation.run(5000);
  t.equal(simulation.masters(), "a,b", "b hears nobody: both, as documented");
  t.ok(a!.worlds[0]!.did.includes("lower"), "and a notices");
});

t.test("lost adverts: two of three in a row do not elect anybody", async (t) => {
  const [simulation] = lan([100, 90]);
  simulation.run(1000);
  let count = 0;
  simulation.reaches = () => ++count % 3 === 0;
  simulation.run(10_000);
  t.equal(simulation.masters(), "a");
  t.equal(simulation.journal.filter(({ transition }) => transition.to === "MASTER").length, 1);
});

t.test("a frozen master yields to the one that was elected meanwhile, a frozen backup waits once more", async (t) => {
  const [simulation, a, b] = lan([100, 90], { preemption: { preempt: false, delayMs: 0 } });
  simulation.run(1000);
  a!.isFrozen = true;
  simulation.run(5000);
  t.equal(simulation.masters(), "a,b");
  a!.worlds[0]!.announcedMs.length = 0;
  a!.isFrozen = false;
  simulation.run(1);
  t.equal(simulation.masters(), "b");
  t.same(a!.worlds[0]!.announcedMs, [], "and announces nothing");

  b!.isFrozen = true;
  simulation.run(300);
  b!.isFrozen = false;
  simulation.run(200);
  t.equal(simulation.masters(), "b", "300 ms are below the down time");

  const [sleeping, , backup] = lan([100, 90]);
  sleeping.run(1000);
  backup!.isFrozen = true;
  // Everything that arrives while the node sleeps is lost, as with a suspended machine.
  sleeping.reaches = (_, to) => to !== backup;
  sleeping.run(5000);
  sleeping.reaches = () => true;
  backup!.isFrozen = false;
  sleeping.run(1000);
  t.equal(sleeping.masters(), "a");
  t.equal(
    sleeping.journal.filter(({ transition }) => transition.to === "MASTER").length,
    1,
    "b did not believe its timer",
  );
});

t.test("forged intervals do not park an instance", async (t) => {
  const [simulation, a] = lan([100]);
  simulation.run(1000);
  forge(a!, "10.99.0.9", { advertIntervalMs: 40_950 }, 200);
  t.equal(a!.routers[0]!.state, "BACKUP");
  t.equal(a!.routers[0]!.masterIntervalMs, 1000, "clamped");
  t.match(a!.worlds[0]!.did.at(-1), /BACKUP/);
  t.ok(
    a!.worlds[0]!.did.some((did) => did.includes("40950 ms is taken as 1000 ms")),
    "and said so",
  );
  const took = simulation.runUntil(() => simulation.masters() === "a");
  t.ok(took < 3700, `back after ${took} ms instead of 148 s`);
  t.equal(a!.routers[0]!.masterIntervalMs, 100, "its own interval again");
});

t.test("version 3 takes over the master's interval, version 2 refuses another one", async (t) => {
  const simulation = new Simulation();
  const a = simulation.addNode("a", "10.99.0.1");
  a.add(instancePlan({ priority: 100, advertIntervalMs: 500 }));
  const b = simulation.addNode("b", "10.99.0.2");
  b.add(instancePlan({ priority: 90, advertIntervalMs: 100 }));
  for (const node of simulation.nodes) node.routers[0]!.start();
  simulation.run(10_000);
  t.equal(simulation.masters(), "a");
  t.equal(b.routers[0]!.masterIntervalMs, 500);
});

t.test("a master and the announcements of its addresses", async (t) => {
  const [simulation, a] = lan([100]);
  simulation.run(8000);
  const start = simulation.journal.find(({ transition }) => transition.to === "MASTER")!.atMs;
  const offsets = a!.worlds[0]!.announcedMs.map((at) => Math.round(at - start));
  t.same(offsets, [0, 20, 100, 400, 1000, 5000, 5020, 5100, 5400, 6000]);

  const garp = { ...instancePlan().garp, masterRepeat: 1, masterDelayMs: 0, refreshMs: 1000, refreshRepeat: 2 };
  const [refreshing, b] = lan([100], { garp });
  refreshing.run(3700);
  t.equal(b!.worlds[0]!.announcedMs.length, 1 + 3 * 2);

  a!.routers[0]!.onAddressLost();
  t.same(a!.worlds[0]!.did.slice(-2), ["claim", "announce"], "an address that others removed comes back");
});

t.test("priorities change while it runs", async (t) => {
  const [simulation, a, b] = lan([100, 90]);
  simulation.run(1000);
  a!.routers[0]!.setPriority(80);
  t.ok(simulation.runUntil(() => simulation.masters() === "b") < 500, "lower than the backup: it preempts");
  a!.routers[0]!.setPriority(300);
  t.equal(a!.routers[0]!.priority, 254, "clamped");
  simulation.run(1000);
  t.equal(simulation.masters(), "a");
  b!.routers[0]!.setPriority(-5);
  t.equal(b!.routers[0]!.priority, 1);
  const [, owner] = lan([255]);
  owner!.routers[0]!.setPriority(20);
  t.equal(owner!.routers[0]!.priority, 255, "an owner stays one");
});

t.test("faults: leave, stay out, come back", async (t) => {
  const [simulation, a] = lan([100, 90]);
  simulation.run(1000);
  const router = a!.routers[0]!;
  router.setFault("interface eth0 is down", true);
  router.setFault("script chk failed", true);
  t.equal(router.state, "FAULT");
  t.equal(a!.worlds[0]!.isHolding, false);
  t.ok(simulation.runUntil(() => simulation.masters() === "b") < 70);
  router.setFault("interface eth0 is down", false);
  simulation.run(1000);
  t.equal(router.state, "FAULT", "one reason is left");
  router.setFault("script chk failed", false);
  simulation.run(1000);
  t.equal(simulation.masters(), "a");
});

t.test("addresses of an earlier run", async (t) => {
  const [simulation, a, b] = lan([100, 90], {}, false);
  a!.worlds[0]!.isHolding = true;
  a!.routers[0]!.start();
  simulation.run(1000);
  t.notOk(a!.worlds[0]!.did.includes("release"), "adopted without a gap when nobody else is master");
  t.equal(simulation.holders(), "a");

  b!.worlds[0]!.isHolding = true;
  b!.routers[0]!.start();
  simulation.run(101);
  t.equal(simulation.holders(), "a", "removed as soon as a master is heard");

  const careful = new Simulation().addNode("c", "10.99.0.3");
  const router = careful.add(instancePlan(), { ...OPTIONS, adoptAddresses: false });
  careful.worlds[0]!.isHolding = true;
  router.start();
  t.equal(careful.worlds[0]!.isHolding, false, "adopt_addresses off");
});

t.test("a lost peer (BFD) is not waited for", async (t) => {
  const [simulation, a, b] = lan([100, 90], { advertIntervalMs: 1000 });
  simulation.run(5000);
  a!.isDown = true;
  b!.routers[0]!.onPeerLost();
  t.equal(simulation.masters(), "b");
});

t.test("random loss and restarts: never two owners for longer than a down time, never none for ever", async (t) => {
  const [simulation] = lan([100, 95, 90]);
  let lastSingle = 0;
  let longestDual = 0;
  for (let round = 0; round < 400; round++) {
    const node = simulation.nodes[Math.floor(simulation.random() * 3)]!;
    const router = node.routers[0]!;
    if (simulation.random() < 0.2) {
      if (router.state === "STOPPED") router.start();
      else router.stop(simulation.random() < 0.5);
    }
    if (simulation.random() < 0.2) router.setFault("x", simulation.random() < 0.3);
    const loss = simulation.random() * 0.3;
    simulation.reaches = () => simulation.random() >= loss;
    for (let step = 0; step < 20; step++) {
      simulation.run(10);
      if (simulation.masters().length <= 1) lastSingle = simulation.nowMs;
      longestDual = Math.max(longestDual, simulation.nowMs - lastSingle);
    }
  }
  t.ok(longestDual < 400, `two owners for ${longestDual} ms at most`);
  simulation.reaches = () => true;
  for (const node of simulation.nodes) {
    node.routers[0]!.setFault("x", false);
    simulation.run(400);
    if (node.routers[0]!.state === "STOPPED") node.routers[0]!.start();
  }
  simulation.run(5000);
  t.equal(simulation.masters(), "a");
  t.equal(simulation.holders(), "a");
});
