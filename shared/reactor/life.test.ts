// A reactor's life, whatever engine it has: waits and wake-ups, handlers that throw, misuse, its end, and its threads. What is said over
// its sockets meanwhile is reactor.test.ts's business.

import { readdirSync } from "node:fs";
import { Worker } from "node:worker_threads";
import t from "tap";
import { ERRNO } from "../abi/errno.ts";
import { close, wakeReactor } from "../ffi/file.ts";
import * as sockets from "../ffi/socket.ts";
import { accepted, connect, Harness, hear, must, OP, say } from "./test/harness.ts";

t.test("turns: bounded waits, time-outs, wake-ups", async (t) => {
  const h = new Harness();
  const timed = (waitMs: number) => {
    const start = performance.now();
    h.reactor.turn(waitMs);
    return performance.now() - start;
  };
  t.ok(timed(0) < 500, "no wait");
  const waited = timed(40);
  t.ok(waited >= 39 && waited < 3000, `waited ${waited} ms`);
  h.reactor.timeout(OP.timeout, 1, 1, 60);
  h.reactor.timeout(OP.timeout, 2, 1, 20);
  h.reactor.timeout(OP.timeout, 3, 1, 2500);
  const start = performance.now();
  t.equal(h.expect(OP.timeout).slot, 2);
  t.ok(performance.now() - start >= 19);
  const second = h.expect(OP.timeout);
  t.same([second.slot, second.res], [1, -ERRNO["ETIME"]!]);
  t.ok(performance.now() - start >= 59 && performance.now() - start < 2400);
  h.reactor.cancel(OP.cancel, 3, 1, OP.timeout);
  t.equal(h.expect(OP.timeout).res, -ERRNO["ECANCELED"]!);
  h.expect(OP.cancel);

  t.equal(h.reactor.takeWoken(), false);
  const library = JSON.stringify(new URL("../ffi/file.js", import.meta.url).href);
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const waker = new Worker(
    `const { workerData } = require("node:worker_threads");
     import(${library}).then(({ wakeReactor }) => {
       Atomics.wait(workerData.gate, 0, 0);
       for (let i = 0; i < 3; i++) { Atomics.wait(workerData.gate, 1, 0, 60); wakeReactor(workerData.fd); }
       wakeReactor(workerData.fd);
     });`,
    { eval: true, workerData: { fd: h.reactor.wakeFd, gate } },
  );
  await new Promise((resolve) => waker.once("online", resolve));
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  for (let i = 0; i < 3; i++) {
    // The first turn may time out while the thread is still loading.
    let ms = 0;
    for (let turns = 0; turns < 20 && !h.reactor.takeWoken(); turns++) ms = timed(1000);
    t.ok(ms < 900, `wake-up ${i} ended the turn after ${ms} ms`);
  }
  await new Promise((resolve) => waker.once("exit", resolve));
  h.reactor.turn(0);
  h.reactor.takeWoken();
  t.equal(h.reactor.takeWoken(), false, "reading clears it");
  t.same(h.seen, [], "wake-ups are not completions");
  h.destroy();
});

t.test("a handler that throws loses no completion; misuse is an assertion", async (t) => {
  const h = new Harness();
  const { peer, fd, listener } = accepted(h);
  for (let slot = 0; slot < 5; slot++) h.reactor.close(OP.close, slot, 1, 9999);
  h.hook = ({ slot }) => {
    if (slot === 2) throw new Error("a bug");
  };
  t.throws(() => h.reactor.turn(100), /a bug/);
  t.equal(h.reactor.turn(0), 2, "the rest comes in the next turn");
  t.same(
    h.seen.splice(0).map(({ slot }) => slot),
    [0, 1, 3, 4],
  );
  h.hook = () => h.reactor.turn(0);
  h.reactor.close(OP.close, 1, 1, 9999);
  t.throws(() => h.reactor.turn(100), /inside a completion/);
  h.hook = () => h.reactor.destroy();
  h.reactor.close(OP.close, 1, 1, 9999);
  t.throws(() => h.reactor.turn(100), /inside a completion/);
  h.hook = null;
  for (const [offset, bytes] of [
    [-1, 1],
    [0, 0],
    [0, -1],
    [h.arena.byteLength, 1],
    [h.arena.byteLength - 10, 11],
    [0x7fffffff, 0x7fffffff],
  ] as const) {
    t.throws(() => h.reactor.send(OP.send, 1, 1, fd, offset, bytes, false), /inside the arena/, `${offset}, ${bytes}`);
  }
  t.throws(() => h.reactor.recv(255, 1, 1, fd), /op of 0/);
  t.throws(() => h.reactor.recv(OP.recv, 1 << 24, 1, fd), /24 bits/);
  t.throws(() => h.reactor.recv(OP.recv, -1, 1, fd), /24 bits/);
  h.destroy();
  t.throws(() => h.reactor.turn(0), /after destroy/);
  for (const each of [peer, fd, listener]) close(each);
});

t.test("destroy leaves nothing in flight, nothing open, nothing lent", async (t) => {
  const descriptors = () => readdirSync("/proc/self/fd").length;
  const before = descriptors();
  const h = new Harness({ buffers: 128 });
  const { peer, fd, listener } = accepted(h);
  h.reactor.recv(OP.recv, 1, 1, fd);
  h.reactor.timeout(OP.timeout, 1, 1, 60_000);
  h.put(Buffer.alloc(1 << 20, 97));
  h.reactor.send(OP.send, 1, 1, fd, h.scratch, 1 << 20, false);
  h.reactor.turn(0);
  // Completions that nobody has looked at when the reactor goes down: an accepted connection and received bytes.
  h.reactor.close(OP.close, 1, 1, 9999);
  const late = connect({ fd: listener, sockaddr: peerName(listener) });
  say(peer, "too late");
  h.hook = () => {
    throw new Error("the first completion is a bug's");
  };
  t.throws(() => h.reactor.turn(0), /a bug/);
  h.hook = () => t.fail("the handler is not called any more");
  h.reactor.destroy();
  t.equal(h.pool.available, 128, "every buffer is back");
  t.equal(hear(late), "", "a connection that nobody will serve is closed");
  const memory = Buffer.from(h.arena.bytes.subarray(0, 128 * 4096));
  say(peer, "much too late");
  t.ok(memory.equals(h.arena.bytes.subarray(0, 128 * 4096)), "the kernel writes into nothing");
  h.arena.destroy();
  t.equal(wakeReactor(h.reactor.wakeFd), 0, "a thread that does not know yet does no harm");
  for (const each of [peer, fd, listener, late, h.reactor.wakeFd]) close(each);
  t.equal(descriptors(), before, "no descriptor is left");
  t.throws(() => h.reactor.destroy(), /once/);
  t.throws(
    () => h.reactor.recv(OP.recv, 1, 1, fd),
    /after destroy/,
    "the ring is gone, and nothing is written to where it was",
  );
  t.throws(() => h.reactor.timeout(OP.timeout, 1, 1, 1), /after destroy/);

  function peerName(of: number): Uint8Array {
    const name = new Uint8Array(16);
    must(sockets.getsockname(of, name));
    return name;
  }
});

t.test("reactors in threads: each its own, and one that is torn down takes nothing else with it", async (t) => {
  const program = (ending: string) => `
    import(${JSON.stringify(new URL("./test/harness.js", import.meta.url).href)}).then(async ({ Harness, listen, connect, must, OP, say }) => {
      const { parentPort } = require("node:worker_threads");
      const h = new Harness();
      const listener = listen("unix");
      h.reactor.accept(OP.accept, 1, 1, listener.fd);
      const peer = connect(listener);
      const fd = must(h.expect(OP.accept).res);
      h.reactor.recv(OP.recv, 1, 1, fd);
      say(peer, "in a thread");
      const text = h.text(h.expect(OP.recv));
      h.put(Buffer.alloc(1 << 20));
      h.reactor.send(OP.send, 1, 1, fd, h.scratch, 1 << 20, false);
      h.reactor.turn(0);
      parentPort.postMessage(text);
      ${ending}
    });`;
  const endings = {
    destroyed: "h.destroy();",
    "thrown away": "setTimeout(() => { throw new Error('a bug'); });",
    terminated: "const loop = () => { h.reactor.turn(10); setImmediate(loop); }; loop();",
  };
  for (const [name, ending] of Object.entries(endings)) {
    const threads = [1, 2, 3].map(() => new Worker(program(ending), { eval: true }));
    await Promise.all(
      threads.map(async (thread) => {
        let failure = "";
        thread.on("error", (error) => {
          failure = error.message;
        });
        const exited = new Promise((resolve) => thread.once("exit", resolve));
        const text = await Promise.race([new Promise((resolve) => thread.once("message", resolve)), exited]);
        t.equal(text, "in a thread", name);
        if (name === "terminated") await thread.terminate();
        await exited;
        t.equal(failure, name === "thrown away" ? "a bug" : "");
      }),
    );
  }
  const h = new Harness();
  const { peer, fd, listener } = accepted(h);
  h.reactor.send(OP.send, 1, 1, fd, h.put("fine"), 4, false);
  t.equal(h.expect(OP.send).res, 4);
  t.equal(hear(peer), "fine");
  h.destroy();
  for (const each of [peer, fd, listener]) close(each);
});
