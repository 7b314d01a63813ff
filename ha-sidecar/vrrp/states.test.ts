// The table, printed, and every cell of it walked with a real instance: it is brought into the state, the event happens, and where it
// goes and what it does is compared with the cell.

import t from "tap";
import { instancePlan } from "../plan/fixture.ts";
import type { VirtualRouter } from "./instance.ts";
import { Packet, readPacket4 } from "./packet.ts";
import { type SimulatedWorld, Simulation } from "./simulation.fixture.ts";
import { type Action, EVENTS, type Event, formatTable, STATES, type State, TABLE } from "./states.ts";

const PRINT = `\
From     Event            To       Actions
STOPPED  start            BACKUP   inspect-addresses, own-interval, arm-down
STOPPED  start-faulty     FAULT    inspect-addresses, release-stale
STOPPED  resume           MASTER   own-interval, send-advert, arm-advert, claim, announce
BACKUP   abandon          STOPPED  disarm
BACKUP   stop             STOPPED  disarm, release-stale
BACKUP   stop-now         STOPPED  disarm, release-stale
BACKUP   fault            FAULT    disarm, release-stale
BACKUP   advert-zero      BACKUP   arm-skew
BACKUP   advert-superior  BACKUP   release-stale, adopt-interval, arm-down
BACKUP   advert-inferior  BACKUP   release-stale, weigh-preemption
BACKUP   down-timer       MASTER   disarm, own-interval, send-advert, arm-advert, claim, announce
MASTER   abandon          STOPPED  disarm, stop-announcing
MASTER   stop             LEAVING  disarm, stop-announcing, send-zero, arm-handover
MASTER   stop-now         STOPPED  disarm, stop-announcing, send-zero, release
MASTER   yield            YIELDING disarm, stop-announcing, send-zero, arm-handover
MASTER   fault            FAULT    disarm, stop-announcing, send-zero, release
MASTER   advert-zero      MASTER   send-advert, arm-advert
MASTER   advert-superior  BACKUP   disarm, stop-announcing, send-last-advert, release, adopt-interval, arm-down
MASTER   advert-inferior  MASTER   answer-inferior
MASTER   advert-timer     MASTER   send-advert, arm-advert
MASTER   overslept        BACKUP   disarm, stop-announcing, release, arm-down
MASTER   group-backup     BACKUP   disarm, stop-announcing, send-zero, release, arm-down
MASTER   address-lost     MASTER   claim, announce
FAULT    abandon          STOPPED  disarm
FAULT    stop             STOPPED  disarm
FAULT    stop-now         STOPPED  disarm
FAULT    recovered        BACKUP   own-interval, arm-down
LEAVING  abandon          STOPPED  disarm, release
LEAVING  stop-now         STOPPED  disarm, release
LEAVING  fault            STOPPED  disarm, release
LEAVING  advert-superior  LEAVING  arm-linger
LEAVING  advert-inferior  LEAVING  arm-linger
LEAVING  handed-over      STOPPED  disarm, release
LEAVING  no-successor     STOPPED  disarm, release
YIELDING abandon          STOPPED  disarm, release
YIELDING stop             LEAVING  arm-handover
YIELDING stop-now         STOPPED  disarm, release
YIELDING fault            FAULT    disarm, release
YIELDING advert-superior  YIELDING arm-linger
YIELDING advert-inferior  YIELDING arm-linger
YIELDING handed-over      BACKUP   disarm, release, adopt-interval, arm-down
YIELDING no-successor     MASTER   disarm, send-advert, arm-advert, announce
`;

t.test("the table reads as it is printed here", async (t) => {
  t.equal(formatTable(), PRINT);
});

/** What the simulated world sees of an action; actions on timers are seen by the deadline that follows. */
const SEEN: Partial<Record<Action, readonly string[]>> = {
  claim: ["claim"],
  release: ["release"],
  announce: ["announce"],
  "send-advert": ["advert 100"],
  "send-zero": ["advert 0"],
  "send-last-advert": ["advert 100"],
  "answer-inferior": ["advert 100", "announce", "lower"],
};

const INTO: Readonly<Record<State, (router: VirtualRouter, simulation: Simulation) => void>> = {
  STOPPED: () => {},
  BACKUP: (router) => router.start(),
  MASTER: (router, simulation) => {
    router.start();
    simulation.run(400);
    // So that the burst of a new master is over.
    simulation.run(10_000);
  },
  FAULT: (router) => {
    router.setFault("test", true);
    router.start();
  },
  LEAVING: (router, simulation) => {
    INTO.MASTER(router, simulation);
    router.stop(false);
    // So that the second advert of priority 0 is out.
    simulation.run(5);
  },
  YIELDING: (router, simulation) => {
    INTO.MASTER(router, simulation);
    router.yield();
    simulation.run(5);
  },
};

function hear(router: VirtualRouter, priority: number): void {
  const bytes = new Uint8Array(32);
  bytes.set([0x45, 0, 0, 32, 0, 0, 0, 0, 255, 112, 0, 0, 10, 99, 0, 9, 224, 0, 0, 18]);
  const packet = new Packet(bytes);
  readPacket4(packet, 32);
  packet.priority = priority;
  packet.intervalMs = 200;
  router.onAdvert(packet);
}

const MAKE: Readonly<Partial<Record<Event, (router: VirtualRouter, simulation: Simulation) => void>>> = {
  resume: (router) => router.resume(),
  abandon: (router) => router.abandon(),
  stop: (router) => router.stop(false),
  "stop-now": (router) => router.stop(true),
  fault: (router) => router.setFault("another", true),
  "start-faulty": (router) => {
    router.setFault("test", true);
    router.start();
  },
  recovered: (router) => {
    router.setFault("test", true);
    router.setFault("test", false);
  },
  "advert-zero": (router) => hear(router, 0),
  "advert-superior": (router) => hear(router, 200),
  "advert-inferior": (router) => hear(router, 50),
  "down-timer": (_, simulation) => simulation.run(361),
  "advert-timer": (router, simulation) => {
    simulation.nowMs += 100;
    router.tick();
  },
  overslept: (router, simulation) => {
    simulation.nowMs += 310;
    router.tick();
  },
  "group-backup": (router) => router.onGroupBackup(),
  "handed-over": (router) => {
    hear(router, 50);
    hear(router, 50);
  },
  "no-successor": (_, simulation) => simulation.run(1000),
  yield: (router) => router.yield(),
  "address-lost": (router) => router.onAddressLost(),
};

function prepared(
  state: State,
  isShy: boolean,
): { router: VirtualRouter; world: SimulatedWorld; simulation: Simulation } {
  const simulation = new Simulation();
  const node = simulation.addNode("a", "10.99.0.1");
  const shy = isShy ? { timerExpiredBackup: 254, preemption: { preempt: false, delayMs: 0 } } : {};
  const router = node.add(instancePlan({ higherPrioritySendAdvert: true, ...shy }));
  const world = node.worlds[0]!;
  world.isHolding = state === "BACKUP" || state === "STOPPED";
  INTO[state](router, simulation);
  if (state === "FAULT") world.isHolding = false;
  if (router.state !== state) throw new Error(`${router.state} instead of ${state}`);
  return { router, world, simulation };
}

t.test("every cell does what it says", async (t) => {
  for (const state of STATES) {
    for (const event of EVENTS) {
      const cell = TABLE[state][event];
      const make = event === "start" ? (router: VirtualRouter) => router.start() : MAKE[event]!;
      const { router, world, simulation } = prepared(state, event === "overslept");
      const name = `${state} × ${event}`;
      if (cell === "impossible") {
        // Timers that are not armed cannot fire; what can be called all the same is an assertion.
        if (event.startsWith("start")) t.throws(() => router.start(), name);
        else if (event === "resume") t.throws(() => router.resume(), name);
        else if (event === "down-timer") t.throws(() => router.promote(), name);
        else if (event === "recovered") {
          router.setFault("never set", false);
          t.equal(router.state, state, name);
        } else {
          simulation.run(event === "advert-timer" ? 99 : 5);
          t.equal(router.state, state, name);
        }
        continue;
      }
      // A frozen master is another matter; here it has sent recently.
      if (state === "FAULT" && event === "recovered") {
        router.setFault("test", false);
        t.equal(router.state, "BACKUP", name);
        continue;
      }
      const before = world.did.length;
      make(router, simulation);
      const did = world.did.slice(before);
      if (cell === "ignored") {
        t.equal(router.state, state, name);
        t.same(
          did.filter((entry) => !entry.startsWith("advert 100")),
          [],
          `${name} does nothing`,
        );
        continue;
      }
      t.equal(router.state, cell.to, name);
      const wanted = cell.actions.flatMap((action) => {
        if (action === "release-stale") return state === "BACKUP" || event === "start-faulty" ? ["release"] : [];
        return SEEN[action] ?? [];
      });
      if (cell.to !== state) wanted.push(`${state}>${cell.to}`);
      // Lines for the log and the announcements that follow later in a burst are not the cell's.
      const seen = did.filter((entry) => !/^(info|warn)/.test(entry)).slice(0, wanted.length);
      t.same(seen, wanted, `${name}: actions`);
      const isTimed = cell.to === "BACKUP" || cell.to === "MASTER" || /^(LEAVING|YIELDING)$/.test(cell.to);
      simulation.run(20);
      t.equal(router.nextDeadlineMs < Number.POSITIVE_INFINITY, isTimed, `${name}: a timer runs, or none`);
    }
  }
});
