// Slots and queues of one worker, and of two that share the words (two objects in one thread: every interleaving that matters can be
// written down). Real threads hammer the same words in balance/threads.test.ts.

import t from "tap";
import type { BackendPlan } from "../plan/plan.ts";
import { makePlan, type ServerSettings } from "../sample/fixture.ts";
import { OP_STATE, PROXY, SERVER, SharedState } from "../shared-state/layout.ts";
import { type Stream, Streams } from "../stream/stream.ts";
import { Gauges } from "../worker/gauges.ts";
import { ServerLimits } from "./limits.ts";
import { Slots } from "./slots.ts";

interface WorkerLab {
  readonly slots: Slots;
  readonly streams: Streams;
  /** What the handler heard, e.g. `granted 3 by 0`. */
  readonly heard: string[];
  readonly woken: number[];
  take(): Stream;
}

interface Lab {
  readonly shared: SharedState;
  readonly workers: readonly WorkerLab[];
  readonly limits: ServerLimits;
  word(server: number, word: number): number;
  set(server: number, word: number, value: number): void;
  proxyWord(word: number): number;
}

function makeLab(servers: readonly ServerSettings[], backend: Partial<BackendPlan> = {}, nbthread = 2): Lab {
  const plan = makePlan([{ serverSettings: servers, ...backend }], nbthread);
  const shared = new SharedState(plan);
  for (const { index, maxconn, weight } of plan.servers) {
    const at = shared.serverAt(index);
    shared.words[at + SERVER.maxconn] = maxconn;
    shared.words[at + SERVER.effectiveWeight] = weight;
    shared.words[at + SERVER.userWeight] = weight;
    shared.words[at + SERVER.opState] = OP_STATE.running;
  }
  const workers = Array.from({ length: nbthread }, (_, worker): WorkerLab => {
    const streams = new Streams(16, 8);
    const heard: string[] = [];
    const woken: number[] = [];
    const handler = {
      granted: (stream: Stream, server: number) => heard.push(`granted ${stream.slot} by ${server}`),
      orphaned: (stream: Stream, server: number) => heard.push(`orphaned ${stream.slot} by ${server}`),
    };
    const slots = new Slots(
      plan,
      shared,
      worker,
      new Gauges(shared, worker),
      streams,
      (other) => woken.push(other),
      handler,
    );
    const take = () => {
      const stream = streams.take();
      if (stream === null) throw new Error("the test needs more streams");
      return stream;
    };
    return { slots, streams, heard, woken, take };
  });
  return {
    shared,
    workers,
    limits: new ServerLimits(plan, shared),
    word: (server, word) => shared.words[shared.serverAt(server) + word]!,
    set: (server, word, value) => {
      shared.words[shared.serverAt(server) + word] = value;
    },
    proxyWord: (word) => shared.words[shared.proxyAt(0) + word]!,
  };
}

t.test("slots up to maxconn, then first come, first served", (t) => {
  const lab = makeLab([{ maxconn: 2 }], {}, 1);
  const { slots, heard, take } = lab.workers[0]!;
  t.ok(slots.acquire(0));
  t.ok(slots.acquire(0));
  t.notOk(slots.acquire(0), "full");
  t.equal(lab.word(0, SERVER.servedMax), 2);
  const [a, b, c] = [take(), take(), take()];
  t.same(
    [a, b, c].map((stream) => slots.waitForServer(stream, 0)),
    [0, 1, 2],
    "positions",
  );
  t.equal(lab.word(0, SERVER.queued), 3);
  slots.dispatch();
  t.same(heard, [], "no room yet");
  slots.leave(b);
  slots.leave(b);
  t.notOk(slots.isWaiting(b));
  slots.release(0);
  t.notOk(slots.acquire(0), "who comes new does not overtake");
  slots.dispatch();
  t.same(heard, [`granted ${a.slot} by 0`]);
  slots.release(0);
  slots.release(0);
  slots.dispatch();
  t.same(heard.slice(1), [`granted ${c.slot} by 0`]);
  t.equal(lab.word(0, SERVER.queued), 0);
  t.equal(lab.word(0, SERVER.served), 1);
  t.equal(lab.word(0, SERVER.queuedMax), 3);
  t.equal(lab.word(0, SERVER.waiters), 0);
  t.throws(() => {
    slots.waitForServer(a, 0);
    slots.waitForServer(a, 0);
  }, "a stream waits once");
  t.end();
});

t.test("the backend's queue is served by whoever has room, oldest first", (t) => {
  const lab = makeLab([{ maxconn: 1 }, { maxconn: 1 }], {}, 1);
  const { slots, heard, take } = lab.workers[0]!;
  t.ok(slots.acquire(0));
  t.ok(slots.acquire(1));
  const [a, b, c] = [take(), take(), take()];
  slots.waitForBackend(a, 0);
  slots.waitForServer(b, 1);
  slots.waitForBackend(c, 0);
  t.equal(lab.proxyWord(PROXY.queued), 2);
  slots.release(1);
  slots.dispatch();
  t.same(heard, [`granted ${a.slot} by 1`], "the older one waits for the backend");
  slots.release(1);
  slots.dispatch();
  t.same(heard.slice(1), [`granted ${b.slot} by 1`], "then the server's own");
  lab.set(0, SERVER.effectiveWeight, 0);
  slots.release(0);
  slots.dispatch();
  t.equal(heard.length, 2, "a server that takes no part gets nobody from the backend's queue");
  lab.set(0, SERVER.effectiveWeight, 1);
  slots.dispatch();
  t.same(heard.slice(2), [`granted ${c.slot} by 0`]);
  t.equal(lab.proxyWord(PROXY.queued), 0);
  t.end();
});

t.test("two workers: the releaser wakes the one that waits, and they take turns", (t) => {
  const lab = makeLab([{ maxconn: 1 }]);
  const [one, two] = [lab.workers[0]!, lab.workers[1]!];
  t.ok(one.slots.acquire(0));
  two.slots.waitForServer(two.take(), 0);
  two.slots.dispatch();
  t.same(two.heard, []);
  one.slots.release(0);
  t.same(one.woken, [1], "worker 1 waits");
  t.notOk(one.slots.acquire(0), "and goes first");
  two.slots.dispatch();
  t.equal(two.heard.length, 1);

  for (let i = 0; i < 6; i++) {
    one.slots.waitForServer(one.take(), 0);
    two.slots.waitForServer(two.take(), 0);
  }
  // Worker 0 always looks first; it must not win always. Who held the slot gives it back, which only the words show here.
  for (let i = 0; i < 8; i++) {
    one.slots.release(0);
    one.slots.dispatch();
    two.slots.dispatch();
    one.slots.dispatch();
  }
  t.ok(one.heard.length >= 4 && two.heard.length >= 4, `${one.heard.length} and ${two.heard.length} of 9`);
  t.equal(one.heard.length + two.heard.length, 9, "no slot was lost");
  lab.shared.undoWorker(0);
  t.equal(lab.word(0, SERVER.queued), 7 - two.heard.length, "a dead worker's waiters are taken out");
  t.end();
});

t.test("a server that goes down gives its waiters back", (t) => {
  const lab = makeLab([{ maxconn: 1 }], {}, 1);
  const { slots, heard, take } = lab.workers[0]!;
  slots.acquire(0);
  const [a, b] = [take(), take()];
  slots.waitForServer(a, 0);
  slots.waitForServer(b, 0);
  lab.set(0, SERVER.opState, OP_STATE.stopped);
  slots.dispatch();
  t.same(heard, [`orphaned ${a.slot} by 0`, `orphaned ${b.slot} by 0`]);
  t.equal(lab.word(0, SERVER.queued), 0);
  t.end();
});

t.test("limits: minconn, fullconn, slow start, maxqueue", (t) => {
  const lab = makeLab([{ maxconn: 1000, minconn: 100, maxqueue: 2 }, { maxconn: 0 }, { minconn: 10 }], {
    fullconn: 10000,
  });
  const sessions = (count: number) => {
    lab.shared.words[lab.shared.proxyAt(0) + PROXY.backendSessions] = count;
    return lab.limits.limit(0);
  };
  t.same([0, 500, 1000, 5000, 9999, 10000, 20000].map(sessions), [100, 100, 100, 500, 999, 1000, 1000]);
  t.equal(lab.limits.limit(1), 0, "unlimited");
  t.ok(lab.limits.hasRoom(1));
  t.equal(lab.limits.limit(2), 10, "minconn alone is maxconn, too");
  lab.set(0, SERVER.opState, OP_STATE.starting);
  lab.set(0, SERVER.userWeight, 10);
  lab.set(0, SERVER.effectiveWeight, 3);
  t.equal(lab.limits.limit(0), 300, "a starting server gets its weight's share");
  lab.set(0, SERVER.queued, 2);
  t.ok(lab.limits.queueIsFull(0));
  t.notOk(lab.limits.queueIsFull(1));
  t.end();
});
