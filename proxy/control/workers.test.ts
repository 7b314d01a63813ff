// Workers in their seats: started, lost, replaced, given up, drained. The worker is the stand-in of fixtures/.

import t from "tap";
import { PROXY, WORKER } from "../shared-state/layout.ts";
import { freePort } from "../test/lab/ports.ts";
import type { Teardown } from "../test/lab/program.ts";
import { sleep, until, within } from "../test/lab/time.ts";
import { bootForTest, connectClient, connectTo, planFor } from "./fixtures/process.ts";

async function bootTwo(test: Teardown, global = {}) {
  const port = await freePort();
  const address = { kind: "ipv4", host: "127.0.0.1", port } as const;
  const { proxy, lines } = await bootForTest(test, planFor([{ address }], { nbthread: 2, ...global }));
  if (proxy === null) throw new Error(lines.join(""));
  const restarts = (worker: number) => proxy.shared.words[proxy.shared.workerAt(worker) + WORKER.restarts]!;
  const sessions = () => proxy.shared.words[proxy.shared.proxyAt(0) + PROXY.frontendSessions]!;
  return { port, proxy, lines, restarts, sessions };
}

t.test("a worker whose task fails is replaced and takes only its own connections with it", async (t) => {
  const { port, proxy, lines, restarts, sessions } = await bootTwo(t);
  const doomed = await connectTo(port, 0);
  const spared = await connectTo(port, 1);
  await until("both are counted", () => sessions() === 2);
  doomed.socket.write("assert");
  await within("end of the dead worker's connection", doomed.closed);
  await until("worker 0 was replaced", () => restarts(0) === 1);
  const successor = await connectTo(port, 0);
  t.equal(restarts(1), 0, "worker 1 went on");
  t.equal(spared.socket.destroyed, false, "and its connection too");
  await until("the dead worker's session was taken back", () => sessions() === 2);
  t.match(lines.join(""), /\[ALERT\] {4}\(\d+\) : Worker 0 died: Error: an assertion failed\n/);
  t.match(lines.join(""), /\[NOTICE\] {3}\(\d+\) : Worker 0 is replaced\.\n/);
  for (const client of [successor, spared]) client.socket.destroy();
  await until("nobody is counted", () => sessions() === 0);
  proxy.workers.post(1, { type: "crash" });
  await until("worker 1 was replaced too", () => restarts(1) === 1);
  t.equal((await connectTo(port, 1)).worker, 1);
});

t.test("a thread that dies of an exception outside of its task is replaced by another thread", async (t) => {
  const { port, lines, restarts, sessions } = await bootTwo(t);
  for (let death = 1; death <= 2; death++) {
    const client = await connectTo(port, 1);
    client.socket.write("throw");
    await within("end of the connection", client.closed);
    await until("the worker was replaced", () => restarts(1) === death);
  }
  const alive = await connectTo(port, 1);
  await until("only the living are counted", () => sessions() === 1);
  alive.socket.destroy();
  t.match(lines.join(""), /Worker 1 died: Error: thrown outside of the task/);
});

t.test("connections that wait in the backlog survive the worker's death", async (t) => {
  const { port, proxy, restarts } = await bootTwo(t, { nbthread: 1 });
  proxy.workers.post(0, { type: "crash" });
  const clients = await Promise.all(Array.from({ length: 20 }, () => connectClient({ port })));
  t.equal(clients.length, 20, "everyone was greeted, before or after");
  await until("the worker was replaced", () => restarts(0) === 1);
});

t.test("a crash loop is slowed down and given up with status 1", async (t) => {
  const { proxy, lines, restarts } = await bootTwo(t, { nbthread: 1 });
  const row = proxy.shared.workerAt(0) + WORKER.state;
  let over = false;
  void proxy.ended.then(() => {
    over = true;
  });
  while (!over) {
    if (proxy.shared.words[row] === 1) proxy.workers.post(0, { type: "crash" });
    await sleep(10);
  }
  t.equal(await proxy.ended, 1);
  t.equal(restarts(0), 10);
  t.match(lines.join(""), /10 workers died within 10 seconds: giving up\. Exiting\./);
});

t.test("a soft stop frees the port, lets connections finish and ends with status 0", async (t) => {
  const { port, proxy, lines } = await bootTwo(t);
  const staying = await connectTo(port, 1);
  proxy.drain();
  await until("nobody listens", async () => {
    try {
      const client = await connectClient({ port });
      client.socket.destroy();
      return false;
    } catch {
      return true;
    }
  });
  t.equal(staying.socket.destroyed, false);
  staying.socket.destroy();
  t.equal(await within("end", proxy.ended), 0);
  t.match(lines.join(""), /\[WARNING\] {2}\(\d+\) : Proxy f stopped \(cumulated conns: FE: 0, BE: 0\)\.\n/);
});

t.test("hard-stop-after bounds a soft stop", async (t) => {
  const { port, proxy, lines } = await bootTwo(t, { hardStopAfterMs: 300 });
  const staying = await connectTo(port, 0);
  proxy.drain();
  t.equal(await within("end", proxy.ended), 0);
  await within("end of the connection", staying.closed);
  t.match(lines.join(""), /soft-stop running for too long, performing a hard-stop\./);
  t.match(lines.join(""), /Proxy f hard-stopped \(1 remaining conns will be closed\)\./);
});

t.test("heartbeats: a worker that stands still is reported once, and when it goes on", async (t) => {
  const { Heartbeats } = await import("./heartbeats.ts");
  const { ProcessLog } = await import("./process-log.ts");
  const { SharedState } = await import("../shared-state/layout.ts");
  const lines: string[] = [];
  const options = { quiet: false, verbose: false, diagnostics: false, plain: true };
  const processLog = new ProcessLog({ ...options, write: (line) => lines.push(line) });
  const shared = new SharedState(planFor([], { nbthread: 2 }));
  const heartbeats = new Heartbeats(shared, processLog);
  t.teardown(() => heartbeats.end());
  const start = performance.now();
  heartbeats.watch(0);
  heartbeats.look(start + 1000);
  t.equal(lines.length, 0);
  heartbeats.look(start + 6000);
  heartbeats.look(start + 7000);
  t.match(lines.join(""), /^\[ALERT\] {4}\(\d+\) : Worker 0 is stuck: no turn of its loop for 6\.0 s\.\n$/);
  shared.words[shared.workerAt(0) + WORKER.heartbeat]!++;
  heartbeats.look(start + 8000);
  t.match(lines[1], /Worker 0 goes on after 8\.0 s\./);
  heartbeats.forget(0);
  heartbeats.look(start + 20000);
  t.equal(lines.length, 2, "a worker that is gone is not stuck");
});
