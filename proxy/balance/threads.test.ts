// What must be exact over several workers, with real threads on one SharedArrayBuffer: shares of a round robin, reads of a sequence that
// is being replaced, and the limit on slots.

import { Worker } from "node:worker_threads";
import t from "tap";
import type { Plan } from "../plan/plan.ts";
import { makePlan } from "../sample/fixture.ts";
import { PROXY, SERVER, SharedState } from "../shared-state/layout.ts";
import { publishSequence, publishWeights } from "./sequence.ts";
import type { ThreadData, ThreadResult, ThreadTask } from "./thread.fixture.ts";

const THREADS = 4;

/** Runs the task in four threads and gives their results. `meanwhile` runs in this one. */
async function inThreads(
  plan: Plan,
  shared: SharedState,
  task: (worker: number) => ThreadTask,
  meanwhile: () => Promise<void> = async () => {},
): Promise<ThreadResult[]> {
  const results = Array.from({ length: THREADS }, (_, worker) => {
    const workerData: ThreadData = { plan, shared: shared.buffer, worker, task: task(worker) };
    const thread = new Worker(new URL("./thread.fixture.js", import.meta.url), { workerData });
    return new Promise<ThreadResult>((resolve, reject) => {
      thread.once("message", resolve);
      thread.once("error", reject);
    });
  });
  await meanwhile();
  return Promise.all(results);
}

function sum(results: readonly ThreadResult[], column: number): number {
  return results.reduce((total, result) => total + result[column]!, 0);
}

t.test("4 workers, weights 3:2:1, 6000 requests", async (t) => {
  for (const weights of [
    [3, 2, 1],
    [1, 1, 1, 1],
    [10, 4, 7, 1],
  ]) {
    const plan = makePlan([{ serverSettings: weights.map((weight) => ({ weight })) }], THREADS);
    const shared = new SharedState(plan);
    weights.forEach((weight, i) => {
      shared.words[shared.serverAt(i) + SERVER.effectiveWeight] = weight;
    });
    publishWeights(plan, shared, plan.proxies[0]!, weights);
    const rounds = 1000;
    const total = weights.reduce((all, weight) => all + weight, 0) * rounds;
    // Unequal parts: the shares must not depend on who does how much.
    const parts = [total - 3 * 700, 600, 700, 800];
    const results = await inThreads(plan, shared, (worker) => ({ kind: "pick", count: parts[worker]! }));
    t.same(
      weights.map((_, i) => sum(results, i)),
      weights.map((weight) => weight * rounds),
      `weights ${weights}`,
    );
  }
});

t.test("no read of a sequence is torn while it is replaced", async (t) => {
  const plan = makePlan([{ serverSettings: Array.from({ length: 8 }, () => ({})) }], THREADS);
  const shared = new SharedState(plan);
  const capacity = shared.sequenceCapacity[0]!;
  // Every sequence has valid servers up to its length and a poison behind it, so that length and half of different versions show.
  const sequences = Array.from({ length: 64 }, (_, i) => {
    const sequence = new Int32Array(capacity).fill(0x7fffffff);
    return sequence.fill(i % 8, 0, 1 + ((i * 37) % (capacity - 1)));
  });
  const publish = (i: number) => {
    const sequence = sequences[i % 64]!;
    const half = 1 - shared.words[shared.proxyAt(0) + PROXY.sequenceHalf]!;
    shared.words.fill(
      0x7fffffff,
      shared.sequenceAt[0]! + half * capacity,
      shared.sequenceAt[0]! + (half + 1) * capacity,
    );
    publishSequence(shared, 0, sequence.subarray(0, sequence.indexOf(0x7fffffff)));
  };
  publish(0);
  const stop = new Int32Array(new SharedArrayBuffer(8));
  let published = 0;
  const results = await inThreads(
    plan,
    shared,
    () => ({ kind: "read", stop }),
    async () => {
      // A busy machine may take its time to start threads: the clock runs from when all of them read.
      while (Atomics.load(stop, 1) < THREADS) await new Promise((resolve) => setTimeout(resolve, 5));
      const until = Date.now() + 1500;
      while (Date.now() < until) {
        for (let i = 0; i < 200; i++) publish(++published);
        await new Promise((resolve) => setImmediate(resolve));
      }
      Atomics.store(stop, 0, 1);
    },
  );
  t.equal(sum(results, 1), 0, `${sum(results, 0)} reads while ${published} sequences were published`);
  t.ok(sum(results, 2) > 100, `the readers saw ${sum(results, 2)} changes`);
});

t.test("slots never exceed maxconn, and none is lost", async (t) => {
  const plan = makePlan([{ serverSettings: [{ maxconn: 3 }] }], THREADS);
  const shared = new SharedState(plan);
  const at = shared.serverAt(0);
  shared.words[at + SERVER.maxconn] = 3;
  shared.words[at + SERVER.effectiveWeight] = 1;
  shared.words[at + SERVER.opState] = 2;
  const held = new Int32Array(new SharedArrayBuffer(8));
  const results = await inThreads(plan, shared, () => ({ kind: "slots", count: 5000, held }));
  t.ok(sum(results, 0) >= THREADS * 5000, `${sum(results, 0)} grants`);
  t.equal(Math.max(...results.map(([, most]) => most!)), 3, "three at once, never more");
  t.equal(shared.words[at + SERVER.served], 0, "all given back");
  t.equal(shared.words[at + SERVER.queued], 0, "nobody waits");
});
