// Server states against what HAProxy 3.2 was seen to do: each step below was asked of a real one over its runtime API, and its log lines,
// their severities and its `show stat` columns are the expectations. (2.6 gives the same lines; its regression tests match them too.)

import t from "tap";
import { ADMIN_STATE, OP_STATE, PROXY, SERVER } from "../../shared-state/layout.ts";
import { sleep, until } from "../../test/lab/time.ts";
import { ControlFixture, planOf } from "../fixture.ts";
import { throttlePercent } from "./slow-start.ts";
import { parseWeight } from "./weight.ts";
import { BundledPublisher } from "./weights-publisher.ts";

const STATUS = ["status", "weight", "act", "bck", "chkdown", "check_health", "uweight"] as const;

t.test("one checked server", async (t) => {
  const fixture = new ControlFixture(planOf([{ name: "be1", servers: [{ check: { rise: 2, fall: 2 } }] }]));
  t.teardown(() => fixture.close());
  const { states, plan } = fixture;
  const [s1] = plan.servers;
  const expectState = (op: number, admin: number, health: number): void => {
    const at = fixture.shared.serverAt(0);
    const { words } = fixture.shared;
    t.strictSame(
      [words[at + SERVER.opState], words[at + SERVER.adminState], words[at + SERVER.checkHealth]],
      [op, admin, health],
    );
  };
  expectState(OP_STATE.running, 0, 2);
  t.equal(fixture.stat("be1", "s1", STATUS), "UP 1/2,1,1,0,0,2,1", "up, but one failed check from down");

  states.disable(s1);
  t.strictSame(fixture.takeSaid(), [
    "1 Server be1/s1 is going DOWN for maintenance. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.",
    "0 backend be1 has no server available!",
  ]);
  t.match(fixture.stderr.at(-1), "[ALERT] backend 'be1' has no server available!");
  expectState(OP_STATE.stopped, ADMIN_STATE.forcedMaint, 0);
  t.equal(fixture.stat("be1", "s1", STATUS), "MAINT,1,1,0,1,,1");
  t.equal(fixture.stat("be1", "BACKEND", STATUS), "DOWN,0,0,0,1,,0");
  states.disable(s1);
  t.strictSame(fixture.takeSaid(), [], "twice is once");

  states.enable(s1);
  t.strictSame(fixture.takeSaid(), ["5 Server be1/s1 is UP/READY (leaving forced maintenance)."]);
  t.equal(fixture.stat("be1", "s1", STATUS), "UP 1/2,1,1,0,1,2,1");
  t.equal(fixture.stat("be1", "BACKEND", STATUS), "UP,1,1,0,1,,1");

  states.setAdministrativeState(s1, "drain");
  t.strictSame(fixture.takeSaid(), [
    "5 Server be1/s1 enters drain state. 0 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.",
    "0 backend be1 has no server available!",
  ]);
  expectState(OP_STATE.running, ADMIN_STATE.forcedDrain, 2);
  t.equal(fixture.stat("be1", "s1", ["status"]), "DRAIN 1/2");
  states.setAdministrativeState(s1, "ready");
  t.strictSame(fixture.takeSaid(), ["5 Server be1/s1 is UP (leaving forced drain)."]);

  states.setAdministrativeState(s1, "maint");
  fixture.takeSaid();
  states.setAdministrativeState(s1, "drain");
  t.strictSame(fixture.takeSaid(), [
    "5 Server be1/s1 is UP/DRAIN (leaving forced maintenance).",
    "5 Server be1/s1 remains in forced drain mode.",
  ]);
  states.setAdministrativeState(s1, "maint");
  t.strictSame(
    fixture.takeSaid(),
    [
      "5 Server be1/s1 is going DOWN for maintenance. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.",
    ],
    "a drained server has nobody to lose: a notice",
  );
  expectState(OP_STATE.stopped, ADMIN_STATE.forcedMaint, 0);
  states.setAdministrativeState(s1, "ready");
  fixture.takeSaid();

  states.forceHealth(s1, "down");
  t.strictSame(fixture.takeSaid(), [
    "1 Server be1/s1 is DOWN, changed from CLI. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.",
    "0 backend be1 has no server available!",
  ]);
  states.setAdministrativeState(s1, "maint");
  t.strictSame(fixture.takeSaid(), ["5 Server be1/s1 was DOWN and now enters maintenance."]);
  states.setAdministrativeState(s1, "ready");
  fixture.takeSaid();
  states.forceHealth(s1, "stopping");
  t.strictSame(fixture.takeSaid(), [
    "5 Server be1/s1 is stopping, changed from CLI. 0 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.",
    "0 backend be1 has no server available!",
  ]);
  t.equal(fixture.stat("be1", "s1", ["status"]), "NOLB");
  states.forceHealth(s1, "up");
  t.strictSame(fixture.takeSaid(), [
    "5 Server be1/s1 is UP, changed from CLI. 1 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.",
  ]);
  expectState(OP_STATE.running, 0, 3);

  states.setWeight(s1, 0);
  t.strictSame(fixture.takeSaid(), ["0 backend be1 has no server available!"], "a weight of 0 takes no traffic");
  t.equal(fixture.stat("be1", "s1", STATUS), "UP,0,1,0,4,3,0");
  states.setWeight(s1, 5);
  t.equal(fixture.stat("be1", "BACKEND", STATUS), "UP,5,1,0,6,,5");
});

t.test("backups serve when no active server does", async (t) => {
  const servers = [{}, { backup: true, weight: 3 }, { backup: true, weight: 4 }];
  const fixture = new ControlFixture(
    planOf([
      { name: "be2", servers },
      { name: "be3", servers, backend: { allBackups: true } },
    ]),
  );
  t.teardown(() => fixture.close());
  const { states, plan, shared } = fixture;
  t.strictSame(fixture.published.get("be2"), [1, 0, 0]);
  t.equal(fixture.stat("be2", "BACKEND", STATUS), "UP,1,1,2,0,,1");
  states.setAdministrativeState(plan.servers[0], "drain");
  t.strictSame(fixture.takeSaid(), [
    "5 Server be2/s1 enters drain state. 0 active and 2 backup servers online. Running on backup. 0 sessions requeued, 0 total in queue.",
  ]);
  t.strictSame(fixture.published.get("be2"), [0, 3, 0], "the first backup alone");
  t.equal(fixture.stat("be2", "BACKEND", STATUS), "UP,3,0,2,0,,3");
  states.forceHealth(plan.servers[1], "down");
  t.match(fixture.takeSaid(), [
    /^1 Backup Server be2\/s2 is DOWN, changed from CLI\. 0 active and 1 backup servers left\. Running on backup\. /,
  ]);
  t.strictSame(fixture.published.get("be2"), [0, 0, 4]);
  t.strictSame(
    [2, 1, 0].map((i) => shared.words[shared.serverAt(i) + SERVER.usable]),
    [1, 0, 0],
  );
  states.disable(plan.servers[3]);
  t.strictSame(fixture.published.get("be3"), [0, 3, 4], "option allbackups: all of them");
  const generation = shared.words[shared.proxyAt(1) + PROXY.generation];
  states.enable(plan.servers[3]);
  t.equal(shared.words[shared.proxyAt(1) + PROXY.generation], generation + 1);
});

t.test("downtime, on-marked-down and the initial state of a disabled server", async (t) => {
  const plan = planOf([
    {
      name: "be",
      servers: [
        { check: true, onMarkedDown: "shutdown-sessions", onMarkedUp: "shutdown-backup-sessions" },
        { backup: true, disabled: true, check: true },
      ],
    },
    { name: "empty", backend: {} },
  ]);
  const fixture = new ControlFixture(plan);
  t.teardown(() => fixture.close());
  const { states, shared } = fixture;
  const [s1, s2] = plan.servers;
  t.equal(shared.words[shared.serverAt(1) + SERVER.adminState], 0x05);
  t.equal(fixture.stat("be", "s2", ["status", "lastchg", "downtime", "check_status"]), "MAINT,0,0,");
  t.equal(fixture.stat("empty", "BACKEND", ["status", "act", "downtime"]), "UP,0,", "no server is no failure");
  fixture.nowMs += 7000;
  states.forceHealth(s1, "down");
  t.same(
    fixture.messages.filter(({ type }) => type !== "look"),
    [{ type: "shutdown-server-sessions", server: 0 }],
  );
  fixture.nowMs += 3000;
  t.equal(fixture.stat("be", "s1", ["lastchg", "downtime"]), "3,3");
  t.equal(fixture.stat("be", "BACKEND", ["status", "lastchg", "downtime", "chkdown"]), "DOWN,3,3,1");
  states.forceHealth(s1, "up");
  fixture.nowMs += 2000;
  t.equal(fixture.stat("be", "s1", ["lastchg", "downtime"]), "2,3");
  t.equal(fixture.stat("be", "BACKEND", ["status", "lastchg", "downtime"]), "UP,2,3");
  t.ok(
    fixture.messages.some((m) => m.type === "shutdown-server-sessions" && m.server === 1),
    "on-marked-up",
  );
  t.equal(fixture.stat("be", "s2", ["downtime"]), "12");
  states.enable(s2);
  t.equal(fixture.stat("be", "s2", ["status", "downtime"]), "UP 1/3,12");
  await Promise.resolve();
  t.ok(
    fixture.messages.some(({ type }) => type === "look"),
    "the workers are woken",
  );
});

t.test("trackers follow, in HAProxy's words and order", async (t) => {
  const fixture = new ControlFixture(
    planOf([
      { name: "a", servers: [{ name: "s", check: { rise: 2, fall: 3 } }] },
      {
        name: "b",
        servers: [
          { name: "x", track: 0 },
          { name: "y", track: 1 },
        ],
      },
    ]),
  );
  t.teardown(() => fixture.close());
  const { states, plan } = fixture;
  const [s, x] = plan.servers as [(typeof plan.servers)[0], (typeof plan.servers)[0]];
  const statuses = (): string[] =>
    ["s", "x", "y"].map((name) => fixture.stat(name === "s" ? "a" : "b", name, ["status", "tracked"]));
  const empty = "0 sessions active, 0 requeued, 0 remaining in queue.";
  states.setAdministrativeState(s, "maint");
  t.strictSame(fixture.takeSaid(), [
    `1 Server a/s is going DOWN for maintenance. 0 active and 0 backup servers left. ${empty}`,
    "0 backend a has no server available!",
    `1 Server b/x is going DOWN for maintenance via a/s. 1 active and 0 backup servers left. ${empty}`,
    `1 Server b/y is going DOWN for maintenance via b/x. 0 active and 0 backup servers left. ${empty}`,
    "0 backend b has no server available!",
  ]);
  t.strictSame(statuses(), ["MAINT,", "MAINT (via a/s),a/s", "MAINT (via b/x),b/x"]);
  states.setAdministrativeState(s, "drain");
  t.strictSame(fixture.takeSaid(), [
    "5 Server a/s is UP/DRAIN (leaving forced maintenance).",
    "5 Server a/s remains in forced drain mode.",
    "5 Server b/x is UP/DRAIN (leaving maintenance).",
    "5 Server b/x remains in drain mode via a/s.",
    "5 Server b/y is UP/DRAIN (leaving maintenance).",
    "5 Server b/y remains in drain mode via b/x.",
  ]);
  states.setAdministrativeState(s, "ready");
  t.strictSame(fixture.takeSaid(), [
    "5 Server a/s is UP (leaving forced drain).",
    "5 Server b/x is UP (leaving drain) via a/s.",
    "5 Server b/y is UP (leaving drain) via b/x.",
  ]);
  states.setAdministrativeState(x, "maint");
  t.match(statuses(), [/^UP/, "MAINT,a/s", "MAINT (via b/x),b/x"]);
  states.setAdministrativeState(x, "ready");
  fixture.takeSaid();
  states.forceHealth(s, "down");
  t.strictSame(fixture.takeSaid(), [
    `1 Server a/s is DOWN, changed from CLI. 0 active and 0 backup servers left. ${empty}`,
    "0 backend a has no server available!",
    `1 Server b/x is DOWN via a/s. 1 active and 0 backup servers left. ${empty}`,
    `1 Server b/y is DOWN via b/x. 0 active and 0 backup servers left. ${empty}`,
    "0 backend b has no server available!",
  ]);
  states.setAdministrativeState(x, "maint");
  states.setAdministrativeState(x, "ready");
  t.strictSame(statuses(), ["DOWN,", "DOWN,a/s", "DOWN,b/x"], "who leaves maintenance is as the one that it tracks");
  states.forceHealth(s, "up");
  t.match(fixture.takeSaid().at(-1), "5 Server b/y is UP via b/x. 2 active");
});

t.test("init-state", async (t) => {
  for (const [initState, op, health] of [
    ["fully-up", OP_STATE.running, 4],
    ["up", OP_STATE.running, 2],
    ["down", OP_STATE.stopped, 1],
    ["fully-down", OP_STATE.stopped, 0],
  ] as const) {
    const fixture = new ControlFixture(
      planOf([
        { name: "a", servers: [{ name: "s", initState, check: { rise: 2, fall: 3 } }] },
        { name: "b", servers: [{ name: "x", track: 0 }] },
      ]),
    );
    const word = (server: number, index: number): number =>
      fixture.shared.words[fixture.shared.serverAt(server) + index]!;
    const now = (): number[] => [word(0, SERVER.opState), word(0, SERVER.checkHealth), word(1, SERVER.opState)];
    t.strictSame(now(), [op, health, op], initState);
    const [s] = fixture.plan.servers as [(typeof fixture.plan.servers)[0]];
    fixture.states.disable(s);
    fixture.states.enable(s);
    t.strictSame(now(), [op, health, op], `${initState} after maintenance`);
    fixture.close();
  }
});

t.test("slow start", async (t) => {
  const fixture = new ControlFixture(
    planOf([{ name: "be", servers: [{ slowstartMs: 20_000, weight: 100, check: true }] }]),
  );
  t.teardown(() => fixture.close());
  const { states, plan, shared } = fixture;
  const [s1] = plan.servers;
  t.equal(throttlePercent(s1, shared, states.nowSeconds()), 100, "at the start of the process nothing ramps");
  states.disable(s1);
  states.enable(s1);
  t.equal(shared.words[shared.serverAt(0) + SERVER.opState], OP_STATE.starting);
  t.strictSame(fixture.published.get("be"), [7], "a sixteenth at first");
  fixture.nowMs += 6000;
  states.setWeight(s1, 100);
  t.strictSame(fixture.published.get("be"), [32]);
  t.equal(fixture.stat("be", "s1", ["status", "weight", "throttle", "uweight"]), "UP 1/3,32,31,100");
});

t.test("many changes at once are published together", async (t) => {
  const published: (readonly number[])[] = [];
  // A publication that takes 2 ms: the next one may come 40 ms later.
  const publish = (_proxy: unknown, weights: readonly number[]): void => {
    published.push(weights);
    for (const end = performance.now() + 2; performance.now() < end; );
  };
  const publisher = new BundledPublisher(publish, 20);
  t.teardown(() => publisher.close());
  const { proxies } = planOf([{ name: "be", servers: [{}, {}] }]);
  let weights = [1, 1];
  const change = (next: number[]): void => {
    weights = next;
    publisher.changed(proxies[0], () => weights);
  };
  change([1, 1]);
  t.strictSame(published, [[1, 1]], "the first at once");
  for (const next of [
    [1, 0],
    [0, 1],
    [0, 0],
  ])
    change(next);
  t.equal(published.length, 1);
  await until("the bundle", () => published.length === 2);
  t.strictSame(published[1], [0, 0], "the last state counts");
  change([0, 1]);
  t.strictSame(published[2], [0, 1], "after nobody was left, at once");
  change([0, 1]);
  await sleep(80);
  t.equal(published.length, 3, "nothing changed, nothing is published");
});

t.test("weights as text, with HAProxy's refusals", async (t) => {
  t.strictSame(parseWeight("7", 3), { weight: 7 });
  t.strictSame(parseWeight("50%", 3), { weight: 1 });
  t.strictSame(parseWeight("200%", 200), { weight: 256 });
  for (const [text, error] of [
    ["", "Require <weight> or <weight%>.\n"],
    ["abc", "Empty weight string empty or preceded by garbage\n"],
    ["20x", "Trailing garbage in weight string\n"],
    ["20%x", "Trailing garbage in weight string\n"],
    ["300", "Absolute weight can only be between 0 and 256 inclusive.\n"],
    ["-1", "Absolute weight can only be between 0 and 256 inclusive.\n"],
  ]) {
    t.strictSame(parseWeight(text, 3), { error });
  }
});
