// What is io_uring's own: queues that fill and overflow, rings that run dry, descriptors that run out, interrupted waits, what the
// entries look like to the kernel; and the load that all of it has to stand.

import { spawnSync } from "node:child_process";
import { Worker } from "node:worker_threads";
import t from "tap";
import { ERRNO } from "../../abi/errno.ts";
import { IO_URING_SQE, IORING_OP } from "../../abi/io-uring-entries.ts";
import { createArena } from "../../arena/arena.ts";
import { close } from "../../ffi/file.ts";
import { raiseDescriptorLimit } from "../../ffi/process.ts";
import { leastHeapGrowth } from "../../tools/heap-growth.fixture.ts";
import { Echo } from "../test/echo.ts";
import { connect, Harness, hear, listen, must, OP, say } from "../test/harness.ts";
import { type MappedRing, setUpRing, setupReason } from "./setup.ts";
import { Submissions } from "./submissions.ts";

t.test("every entry is what the kernel's table says", async (t) => {
  const result = createArena(1 << 16);
  if (!result.ok) throw new Error(`errno ${result.errno}`);
  const { arena } = result;
  // A ring of plain arrays: nothing is submitted, so that the entries can be looked at.
  const fake: MappedRing = {
    ...{ fd: -1, enterFd: -1, registered: false, bundles: true, sqEntries: 32, cqEntries: 32 },
    ...{ ring: new Int32Array(8), sqes: new Int32Array(32 * 16) },
    ...{ sqHead: 0, sqTail: 1, sqFlags: 2, cqHead: 4, cqTail: 5, cqes: 7 },
    release() {},
  };
  const s = new Submissions(fake, arena, 1024);
  const view = new DataView(fake.sqes.buffer);
  const at = BigInt(arena.base);
  let entry = 0;
  type Fields = Partial<Record<keyof typeof IO_URING_SQE, number | bigint>>;
  const check = (name: string, fields: Fields) => {
    const base = entry++ * 64;
    const read: Fields = {
      opcode: view.getUint8(base + IO_URING_SQE.opcode),
      flags: view.getUint8(base + IO_URING_SQE.flags),
      ioprio: view.getUint16(base + IO_URING_SQE.ioprio, true),
      fd: view.getInt32(base + IO_URING_SQE.fd, true),
      off: view.getBigInt64(base + IO_URING_SQE.off, true),
      addr: view.getBigUint64(base + IO_URING_SQE.addr, true),
      len: view.getUint32(base + IO_URING_SQE.len, true),
      msg_flags: view.getUint32(base + IO_URING_SQE.msg_flags, true),
      user_data: view.getBigUint64(base + IO_URING_SQE.user_data, true),
      buf_group: view.getUint16(base + IO_URING_SQE.buf_group, true),
      personality: view.getUint16(base + IO_URING_SQE.personality, true),
      file_index: view.getUint32(base + IO_URING_SQE.file_index, true),
      addr3: view.getBigUint64(base + IO_URING_SQE.addr3, true),
    };
    const zero = { flags: 0, ioprio: 0, fd: 77, off: 0n, addr: 0n, len: 0, msg_flags: 0, buf_group: 0, personality: 0 };
    t.same(read, { ...zero, file_index: 0, addr3: 0n, user_data: 0xfffffffeabcdef05n, ...fields }, name);
  };
  const op = 5;
  const slot = 0xabcdef;
  s.accept(op, slot, -2, 77);
  check("accept", { opcode: IORING_OP.ACCEPT, ioprio: 1, msg_flags: 0o2004000 });
  s.recv(op, slot, -2, 77);
  check("recv", { opcode: IORING_OP.RECV, ioprio: 2, flags: 32 });
  s.recvOnce(op, slot, -2, 77, 1024);
  check("recvOnce", { opcode: IORING_OP.RECV, flags: 32 });
  s.recvOnce(op, slot, -2, 77, 4096);
  check("recvOnce of several buffers", { opcode: IORING_OP.RECV, flags: 32, ioprio: 16, len: 4096 });
  s.send(op, slot, -2, 77, 4096, 100, false);
  check("send", { opcode: IORING_OP.SEND, addr: at + 4096n, len: 100, msg_flags: 0x4100 });
  s.send(op, slot, -2, 77, 4096, 100, true);
  check("send more", { opcode: IORING_OP.SEND, addr: at + 4096n, len: 100, msg_flags: 0xc100 });
  s.sendmsg(op, slot, -2, 77, 512);
  check("sendmsg", { opcode: IORING_OP.SENDMSG, addr: at + 512n, len: 1, msg_flags: 0x4100 });
  s.write(op, slot, -2, 77, 64, 9);
  check("write", { opcode: IORING_OP.WRITE, addr: at + 64n, len: 9, off: -1n });
  s.connect(op, slot, -2, 77, 128, 16);
  check("connect", { opcode: IORING_OP.CONNECT, addr: at + 128n, off: 16n });
  s.shutdown(op, slot, -2, 77, 1);
  check("shutdown", { opcode: IORING_OP.SHUTDOWN, len: 1 });
  s.close(op, slot, -2, 77);
  check("close", { opcode: IORING_OP.CLOSE });
  s.cancel(op, slot, -2, 9);
  check("cancel", { opcode: IORING_OP.ASYNC_CANCEL, fd: -1, addr: 0xfffffffeabcdef09n });
  s.cancelFd(op, slot, -2, 77);
  check("cancelFd", { opcode: IORING_OP.ASYNC_CANCEL, msg_flags: 3 });
  s.timeout(op, slot, -2, 61_234);
  const timespec = Number(view.getBigUint64(entry * 64 + IO_URING_SQE.addr, true) - at);
  check("timeout", { opcode: IORING_OP.TIMEOUT, fd: -1, addr: at + BigInt(timespec), len: 1 });
  t.same([...arena.i32.subarray(timespec >> 2, (timespec >> 2) + 4)], [61, 0, 234_000_000, 0]);
  arena.destroy();
});

t.test("a full submission queue is flushed in the middle, an overflowing completion queue loses nothing", async (t) => {
  const h = new Harness({ entries: 8, completionEntries: 16 });
  const many = 1000;
  for (let slot = 0; slot < many; slot++) h.reactor.close(OP.close, slot, slot, 1 << 20);
  t.ok(h.reactor.counters.sqFull >= many / 8 - 2, `${h.reactor.counters.sqFull} flushes`);
  t.equal(h.seen.length, 0, "no handler ran inside a submission");
  while (h.seen.length < many && h.reactor.turn(100) > 0);
  t.same(
    h.seen.map(({ slot }) => slot),
    Array.from({ length: many }, (_, slot) => slot),
    "each one, once, in order",
  );
  t.ok(h.seen.every(({ slot, generation, res }) => generation === slot && res === -ERRNO["EBADF"]!));
  t.ok(h.reactor.counters.cqOverflows > 0, `${h.reactor.counters.cqOverflows} overflows`);
  h.seen.length = 0;

  // From inside the handler, while the kernel still keeps completions back: every completion asks for two more, up to a thousand.
  let asked = 50;
  h.hook = () => {
    for (let i = 0; i < 2 && asked < many; i++) h.reactor.close(OP.close, asked++, 0, 1 << 20);
  };
  for (let slot = 0; slot < 50; slot++) h.reactor.close(OP.close, slot, 0, 1 << 20);
  while (h.seen.length < many && h.reactor.turn(100) > 0);
  t.same(
    h.seen.map(({ slot }) => slot).sort((a, b) => a - b),
    Array.from({ length: many }, (_, slot) => slot),
  );
  // Time-outs queued in one flood do not share their argument memory.
  h.hook = null;
  h.seen.length = 0;
  for (let slot = 0; slot < 100; slot++) h.reactor.timeout(OP.timeout, slot, 0, 100 - slot);
  while (h.seen.length < 100 && h.reactor.turn(200) > 0);
  const order = h.seen.map(({ slot }) => slot);
  // Those that are over together come in any order: a millisecond lies between them.
  t.ok(
    order.slice(0, 30).every((slot) => slot >= 60),
    `the shortest first: ${order.slice(0, 30)}`,
  );
  h.destroy();
});

t.test("an empty pool is told as -ENOBUFS, and receiving goes on when buffers are back", async (t) => {
  const h = new Harness({ buffers: 4, bufferBytes: 4096, bufferRingEntries: 4 });
  const listener = listen("tcp");
  h.reactor.accept(OP.accept, 0, 0, listener.fd);
  const peer = connect(listener);
  const fd = must(h.expect(OP.accept).res);
  say(peer, "a".repeat(4096 * 6));
  h.reactor.recv(OP.recv, 1, 1, fd);
  const held: number[] = [];
  let total = 0;
  for (;;) {
    const { res, buffer, more } = h.expect(OP.recv);
    if (res < 0) {
      t.same([res, buffer, more], [-ERRNO["ENOBUFS"]!, -1, false], "not a hang-up");
      break;
    }
    total += res;
    held.push(buffer);
  }
  t.equal(held.length, 4);
  t.equal(h.pool.available, 0);
  t.equal(h.reactor.counters.noBuffers, 1);
  h.reactor.recvOnce(OP.recv, 1, 1, fd, 4096);
  t.equal(h.expect(OP.recv).res, -ERRNO["ENOBUFS"]!, "the paced form as well");
  for (const buffer of held) h.pool.free(buffer);
  h.reactor.recv(OP.recv, 1, 1, fd);
  while (total < 4096 * 6) {
    const completion = h.expect(OP.recv);
    total += completion.res;
    h.text(completion);
  }
  t.equal(total, 4096 * 6, "no byte was lost");
  h.destroy();
  for (const each of [peer, fd, listener.fd]) close(each);
});

t.test("the buffer ring grows when it runs dry and the pool does not", async (t) => {
  raiseDescriptorLimit(4096);
  const h = new Harness({ buffers: 1024, bufferBytes: 64, entries: 512, completionEntries: 2048 });
  const listener = listen("tcp", 512);
  h.reactor.accept(OP.accept, 0, 0, listener.fd);
  const peers = Array.from({ length: 300 }, () => connect(listener));
  const fds = peers.map(() => must(h.expect(OP.accept).res));
  let received = 0;
  h.hook = ({ op, slot, res, buffer, more }) => {
    if (op !== OP.recv) return;
    if (buffer >= 0) {
      received++;
      h.pool.free(buffer);
    }
    if (!more && (res > 0 || res === -ERRNO["ENOBUFS"]!)) h.reactor.recv(OP.recv, slot, 0, fds[slot]!);
  };
  fds.forEach((fd, slot) => {
    h.reactor.recv(OP.recv, slot, 0, fd);
  });
  h.reactor.turn(0);
  const burst = () => {
    received = 0;
    // 40 buffers' worth each: many times what the ring holds.
    for (const peer of peers) say(peer, "b".repeat(64 * 40));
    for (let turns = 0; received < 300 * 40 && turns < 20_000; turns++) h.reactor.turn(20);
    t.equal(received, 300 * 40);
    return h.reactor.counters.noBuffers;
  };
  const first = burst();
  t.ok(first > 0, `the small ring ran dry ${first} times`);
  t.ok(h.pool.lent > 64, `and grew to ${h.pool.lent}`);
  burst();
  t.equal(h.seen.filter(({ op, res }) => op === OP.recv && res < 0 && res !== -ERRNO["ENOBUFS"]!).length, 0);
  h.destroy();
  for (const each of [...peers, ...fds, listener.fd]) close(each);
});

t.test("descriptors run out: accepting ends with -EMFILE as a value, and can go on", async (t) => {
  const url = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  const program = `
    import { setrlimit, RLIMIT_NOFILE } from ${url("../../ffi/process.js")};
    import { close, eventfd } from ${url("../../ffi/file.js")};
    import * as sockets from ${url("../../ffi/socket.js")};
    import { Harness, listen, must, OP } from ${url("../test/harness.js")};
    import { createArena } from ${url("../../arena/arena.js")};
    import { BufferPool } from ${url("../../arena/buffer-pool.js")};
    import { createReactor } from ${url("../create.js")};
    const h = new Harness();
    const listener = listen("tcp");
    const peers = [0, 1].map(() => must(sockets.socket(sockets.AF_INET, sockets.SOCK_STREAM, 0)));
    setrlimit(RLIMIT_NOFILE, { soft: 100, hard: 100 });
    h.reactor.accept(OP.accept, 3, 4, listener.fd);
    h.reactor.turn(0);
    const fillers = [];
    for (let fd; (fd = eventfd()) >= 0; ) fillers.push(fd);
    for (const peer of peers) must(sockets.connect(peer, listener.sockaddr));
    const refused = h.expect(OP.accept);
    const arena = createArena(1 << 20).arena;
    const none = createReactor({ arena, pool: new BufferPool(arena, 4, 4096), handler: h, entries: 8 });
    close(fillers.pop());
    h.reactor.accept(OP.accept, 3, 4, listener.fd);
    const accepted = h.expect(OP.accept);
    const again = h.expect(OP.accept);
    console.log(JSON.stringify({ refused, accepted, again, counted: h.reactor.counters.descriptorsExhausted, none }));
    h.destroy();`;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  t.equal(child.status, 0, child.stderr);
  const said = JSON.parse(child.stdout);
  t.match(said.refused, { slot: 3, generation: 4, res: -ERRNO["EMFILE"]!, buffer: -1, more: false });
  t.ok(said.accepted.res > 0, "the connection had waited in the backlog");
  t.equal(said.again.res, -ERRNO["EMFILE"]!);
  t.equal(said.counted, 2);
  t.match(
    said.none,
    { ok: false, errno: ERRNO["EMFILE"]!, reason: /ulimit -n/ },
    "no engine without descriptors, and it says why",
  );
});

t.test("an engine that cannot be says why", async (t) => {
  t.match(setupReason(ERRNO["EPERM"]!), /io_uring_disabled.*seccomp/);
  t.match(setupReason(ERRNO["ENOSYS"]!), /no io_uring/);
  t.match(setupReason(ERRNO["EINVAL"]!), /Linux 6\.6/);
  t.match(setupReason(ERRNO["ENOMEM"]!), /RLIMIT_MEMLOCK/);
  t.match(setupReason(71), /errno 71/);
  const refused = setUpRing(1 << 20, 1 << 21);
  t.match(refused, { ok: false, errno: ERRNO["EINVAL"]! }, "the kernel's own limit");
  t.throws(() => new Harness({ entries: 100 }), /power of two/);
  t.throws(() => new Harness({ entries: 64, completionEntries: 32 }), /not fewer/);
});

t.test("a signal interrupts the wait and nothing else", async (t) => {
  const h = new Harness();
  const listener = listen("unix");
  h.reactor.accept(OP.accept, 0, 0, listener.fd);
  let signals = 0;
  const count = () => {
    signals++;
  };
  process.on("SIGUSR2", count);
  const worker = new Worker("setTimeout(() => process.kill(process.pid, 'SIGUSR2'), 100); setTimeout(() => {}, 300);", {
    eval: true,
  });
  await new Promise((resolve) => worker.once("online", resolve));
  const start = performance.now();
  t.equal(h.reactor.turn(3000), 0);
  t.ok(performance.now() - start < 2500, "the turn ended early");
  while (signals === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  process.off("SIGUSR2", count);
  const peer = connect(listener);
  const fd = must(h.expect(OP.accept).res);
  h.reactor.send(OP.send, 1, 1, fd, h.put("ok"), 2, false);
  t.equal(h.expect(OP.send).res, 2);
  t.equal(hear(peer), "ok");
  await worker.terminate();
  h.destroy();
  for (const each of [peer, fd, listener.fd]) close(each);
});

t.test("thousands of connections over TCP, with fewer buffers than they could use", async (t) => {
  const connections = raiseDescriptorLimit(7000) >= 7000 ? 3000 : 300;
  const echo = new Echo({
    ...{ connections, kind: "tcp", messageBytes: 9000, rounds: 5 },
    ...{ buffers: 512, bufferBytes: 4096, entries: 256, completionEntries: 512 },
  });
  t.ok(echo.run(20_000), "all done in time");
  t.equal(echo.echoes, connections * 5);
  t.equal(echo.pool.available + echo.pool.lent, 512, "every buffer is back");
  t.ok(echo.starvations > 0, `${echo.starvations} receives had to wait for a buffer`);
  t.comment(JSON.stringify(echo.reactor.counters));
  echo.destroy();
});

t.test("destroy in the middle of a load gets hold of every request", async (t) => {
  for (const [kind, connections] of [
    ["unix", 64],
    ["unix", 500],
    ["tcp", 500],
  ] as const) {
    const echo = new Echo({
      ...{ connections, kind, messageBytes: 3000, rounds: 1e9 },
      ...{ buffers: 1024, bufferBytes: 1024, entries: 256, completionEntries: 512 },
    });
    echo.run(3000, connections * 3);
    echo.destroy();
    t.pass(`${connections} connections over ${kind}`);
  }
});

t.test("echoes leave the heap where it was", async (t) => {
  const echo = new Echo({
    ...{ connections: 64, kind: "unix", messageBytes: 100, rounds: 1e9 },
    ...{ buffers: 256, bufferBytes: 4096, entries: 256, completionEntries: 1024 },
  });
  t.ok(echo.run(10_000, 20_000), "warm");
  const arrayBuffers = process.memoryUsage().arrayBuffers;
  const bytesMax = 50_000;
  const grown = leastHeapGrowth(() => t.ok(echo.run(30_000, 50_000)), bytesMax);
  t.ok(grown <= bytesMax, `heap grew by ${grown} bytes: ${(grown / 50_000).toFixed(2)} per echo`);
  t.ok(process.memoryUsage().arrayBuffers - arrayBuffers < 100_000);
  t.comment(echo.reactor.counters);
  echo.destroy();
});
