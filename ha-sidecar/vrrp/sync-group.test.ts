// Sync groups on the simulated wire: all members or none, faults of one are faults of all, crossed priorities come to rest.

import t from "tap";
import { instancePlan, virtualAddress } from "../plan/fixture.ts";
import { Simulation } from "./simulation.fixture.ts";
import { SyncGroup } from "./sync-group.ts";

/** Two nodes with two instances each in one sync group. */
function groups(priorities: readonly (readonly [number, number])[]): Simulation {
  const simulation = new Simulation();
  for (const [index, pair] of priorities.entries()) {
    const node = simulation.addNode("abc"[index]!, `10.99.0.${index + 1}`);
    const group = new SyncGroup("G");
    for (const [which, priority] of pair.entries()) {
      const plan = instancePlan({
        index: which,
        name: `VI_${which + 1}`,
        virtualRouterId: 50 + which,
        priority,
        addresses: [virtualAddress(`10.99.0.${100 + which}`)],
      });
      group.add(node.add(plan));
    }
  }
  for (const node of simulation.nodes) for (const router of node.routers) router.start();
  return simulation;
}

t.test("sync groups: all or none", async (t) => {
  const simulation = groups([
    [100, 100],
    [90, 90],
  ]);
  simulation.run(2000);
  t.same([simulation.masters(0), simulation.masters(1)], ["a", "a"]);
  const [a] = simulation.nodes;
  a!.routers[1]!.setFault("interface eth1 is down", true);
  t.same(
    a!.routers.map(({ state }) => state),
    ["FAULT", "FAULT"],
  );
  t.match(a!.routers[0]!.faultText(), "sync group");
  simulation.run(1000);
  t.same([simulation.masters(0), simulation.masters(1)], ["b", "b"]);
  a!.routers[1]!.setFault("interface eth1 is down", false);
  simulation.run(2000);
  t.same([simulation.masters(0), simulation.masters(1)], ["a", "a"]);
  a!.routers[0]!.setFault("x", true);
  a!.routers[1]!.setFault("y", true);
  a!.routers[0]!.setFault("x", false);
  t.equal(a!.routers[0]!.state, "FAULT", "the other one's fault is left");
  a!.routers[1]!.setFault("y", false);
  t.same(
    a!.routers.map(({ state }) => state),
    ["BACKUP", "BACKUP"],
  );
});

t.test("sync groups with crossed priorities come to rest", async (t) => {
  const simulation = groups([
    [100, 90],
    [90, 100],
  ]);
  simulation.run(10_000);
  const owner = simulation.masters(0);
  t.ok(owner === "a" || owner === "b", `somebody: ${owner}`);
  t.equal(simulation.masters(1), owner, "the same on both");
  const before = simulation.journal.length;
  simulation.run(60_000);
  t.equal(simulation.journal.length, before, "nothing changes any more");
});
