// For threads.test.ts: what one thread does to the shared state, like a worker that only balances. Posts its result and ends.

import { parentPort, workerData } from "node:worker_threads";
import type { Plan } from "../plan/plan.ts";
import { makeContext, makeStream } from "../sample/fixture.ts";
import { Slots } from "../server/slots.ts";
import { SERVER, SharedState } from "../shared-state/layout.ts";
import { type Stream, Streams } from "../stream/stream.ts";
import { Gauges } from "../worker/gauges.ts";
import { compileBalance } from "./compile.ts";
import { Sequence } from "./sequence.ts";

export type ThreadTask =
  /** Picks `count` servers of backend 0; result: how often each. */
  | { readonly kind: "pick"; readonly count: number }
  /** Reads the sequence of backend 0 until `stop[0]` is set, having added one to `stop[1]`; result: reads, reads that gave no server (torn), changes seen. */
  | { readonly kind: "read"; readonly stop: Int32Array }
  /** Takes and gives back slots of server 0; result: how many grants, and the highest number of slots seen held at once. */
  | { readonly kind: "slots"; readonly count: number; readonly held: Int32Array };

export interface ThreadData {
  readonly plan: Plan;
  readonly shared: SharedArrayBuffer;
  readonly worker: number;
  readonly task: ThreadTask;
}

export type ThreadResult = readonly number[];

function pick(data: ThreadData, count: number): ThreadResult {
  const { plan } = data;
  const ctx = makeContext(plan, new SharedState(plan, data.shared), data.worker);
  const balance = compileBalance(plan.proxies[0]!, ctx);
  const stream = makeStream(ctx, null);
  const counts = plan.servers.map(() => 0);
  for (let i = 0; i < count; i++) counts[balance.pick(stream, -1)]!++;
  return counts;
}

function read(data: ThreadData, stop: Int32Array): ThreadResult {
  const sequence = new Sequence(new SharedState(data.plan, data.shared), 0);
  let reads = 0;
  let torn = 0;
  let changes = 0;
  let previous = -1;
  Atomics.add(stop, 1, 1);
  while (Atomics.load(stop, 0) === 0) {
    for (let i = 0; i < 1000; i++) {
      const server = sequence.at(reads++);
      if (server < 0 || server >= data.plan.servers.length) torn++;
      if (server !== previous) changes++;
      previous = server;
    }
  }
  return [reads, torn, changes];
}

function slots(data: ThreadData, count: number, held: Int32Array): ThreadResult {
  const shared = new SharedState(data.plan, data.shared);
  const streams = new Streams(8, 8);
  const holding: Stream[] = [];
  let grants = 0;
  let most = 0;
  const granted = (stream: Stream): void => {
    most = Math.max(most, Atomics.add(held, 0, 1) + 1);
    grants++;
    holding.push(stream);
  };
  const handler = { granted, orphaned: granted };
  const own = new Slots(data.plan, shared, data.worker, new Gauges(shared, data.worker), streams, () => {}, handler);
  while (grants < count || holding.length > 0) {
    const stream = grants < count ? streams.take() : null;
    if (stream !== null) {
      if (own.acquire(0)) granted(stream);
      else own.waitForServer(stream, 0);
    }
    own.dispatch();
    const allWait = streams.active === 8;
    // Three at once, so that the limit is reached; fewer where nothing else would move.
    if (holding.length > (allWait || grants >= count ? 0 : 2)) {
      Atomics.sub(held, 0, 1);
      own.release(0);
      streams.give(holding.shift()!);
    } else if (allWait) Atomics.wait(held, 1, 0, 1);
    if (grants >= count) for (const waiting of streams.all) own.leave(waiting);
  }
  return [grants, most, shared.words[shared.serverAt(0) + SERVER.servedMax]!];
}

const data = workerData as ThreadData;
const { task } = data;
const result =
  task.kind === "pick"
    ? pick(data, task.count)
    : task.kind === "read"
      ? read(data, task.stop)
      : slots(data, task.count, task.held);
parentPort?.postMessage(result);
