// Lines over real sockets: UDP, UNIX datagrams (socat receives, as Node has none), pipes; from the control plane and from a worker's
// reactor; with a syslog server that is late, restarts, or does not read.

process.env.TZ = "UTC";

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { encodeUnixPath } from "../../shared/abi/sockaddr.ts";
import { type Arena, createArena } from "../../shared/arena/arena.ts";
import { BufferPool } from "../../shared/arena/buffer-pool.ts";
import { close } from "../../shared/ffi/file.ts";
import { AF_UNIX, bind, SOCK_CLOEXEC, SOCK_DGRAM, socket } from "../../shared/ffi/socket.ts";
import { createReactor, reactorArenaBytes } from "../../shared/reactor/create.ts";
import type { Reactor } from "../../shared/reactor/reactor.ts";
import type { SocketAddressPlan } from "../plan/plan.ts";
import { WORKER } from "../shared-state/layout.ts";
import { STREAM } from "../stream/stream.ts";
import { needs } from "../test/lab/needs.ts";
import type { Teardown } from "../test/lab/program.ts";
import { startSyslog, startUnixSyslog } from "../test/lab/syslog.ts";
import { until } from "../test/lab/time.ts";
import { logFormat, planWith, TestLog, udpTarget } from "./fixture.ts";
import { LogSockets } from "./open.ts";
import { SEVERITY } from "./syslog-header.ts";
import { SyslogSender } from "./syslog-sender.ts";
import { logTargets } from "./targets.ts";

const ENTRIES = 256;
const POOL_BUFFERS = 8;
const BUFFER_BYTES = 4096;

function udp(address: string): SocketAddressPlan {
  return { kind: "ipv4", host: "127.0.0.1", port: Number(address.split(":")[1]) };
}

function folder(t: Teardown): string {
  const path = mkdtempSync(join(tmpdir(), "ringway-log-"));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

/** A TestLog on an io_uring of its own. */
function workerLog(t: Teardown, address: SocketAddressPlan) {
  const changes = { targets: [udpTarget({ address })], format: logFormat("line %lc %r") };
  const sockets = new LogSockets(logTargets(planWith(changes)));
  let arena: Arena | undefined;
  let reactor: Reactor | undefined;
  let inFlight = 0;
  const test: TestLog = new TestLog(changes, {
    arena: (bytes) => {
      const extra = POOL_BUFFERS * BUFFER_BYTES + reactorArenaBytes(ENTRIES, POOL_BUFFERS) + 8192;
      const result = createArena(bytes + extra);
      if (!result.ok) throw new Error(`no memory: errno ${result.errno}`);
      arena = result.arena;
      arena.alloc(bytes);
      return arena.bytes;
    },
    reactor: () => {
      const onCompletion = (_op: number, slot: number, _generation: number, res: number) => {
        inFlight--;
        test.log.onCompletion(slot, res);
      };
      const pool = new BufferPool(arena!, POOL_BUFFERS, BUFFER_BYTES);
      const result = createReactor({ arena: arena!, pool, handler: { onCompletion }, entries: ENTRIES });
      if (!result.ok) throw new Error(result.reason);
      reactor = result.reactor;
      return {
        send: (...request) => {
          inFlight++;
          reactor!.send(...request);
        },
        write: (...request) => {
          inFlight++;
          reactor!.write(...request);
        },
      };
    },
    logFds: sockets.fds,
  });
  t.teardown(() => {
    reactor!.destroy();
    arena!.destroy();
    sockets.close();
  });
  const stream = test.stream();
  const log = () => {
    stream.flags &= ~STREAM.logged;
    test.log.log(stream);
  };
  const word = (at: number) => test.shared.words[test.shared.workerAt(0) + at]!;
  return { test, sockets, log, turn: () => reactor!.turn(0), inFlight: () => inFlight, word };
}

t.test("a worker's lines reach a UDP server whole and in order", async (t) => {
  const syslog = await startSyslog(t);
  const { log, turn, inFlight, word } = workerLog(t, udp(syslog.address));
  for (let sent = 50; sent <= 300; sent += 50) {
    for (let i = 0; i < 50; i++) log();
    await until("all lines", () => turn() >= 0 && syslog.messages.length === sent); // a socket's buffer holds some 270
  }
  t.equal(inFlight(), 0);
  t.strictSame(
    syslog.messages.map(({ text }) => text),
    Array.from({ length: 300 }, (_, i) => `line ${i} GET /a?b=c HTTP/1.1`),
  );
  t.equal(word(WORKER.droppedLogs), 0);
});

t.test("a UNIX server: late, then there, then restarted", needs("socat"), async (t) => {
  const path = join(folder(t), "log");
  const { log, turn, word, sockets, test } = workerLog(t, { kind: "unix", path });
  sockets.watch(test.shared);
  log();
  await until("the refusal", () => turn() >= 0 && word(WORKER.refusedLogs) === 1);
  t.equal(word(WORKER.droppedLogs), 1, "nobody listens yet");

  const stopFirst: (() => unknown)[] = [];
  const first = await startUnixSyslog({ teardown: (fn) => stopFirst.push(fn) }, path);
  const arrives = async (server: typeof first) => {
    await until("a line after reconnecting", () => {
      log();
      turn();
      return server.messages.length > 0;
    });
    t.match(server.messages[0]!.raw, /^<134>Nov 23 01:49:42 haproxy\[4711\]: line \d+ GET /);
  };
  await arrives(first);
  for (const stop of stopFirst) await stop();
  rmSync(path, { force: true });
  log();
  turn();
  const second = await startUnixSyslog(t, path);
  await arrives(second);
});

t.test("a UNIX server that does not read costs lines, not time", async (t) => {
  const path = join(folder(t), "log");
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  t.equal(bind(fd, encodeUnixPath(path)!), 0);
  t.teardown(() => close(fd));
  const { log, turn, word, inFlight } = workerLog(t, { kind: "unix", path });
  const startMs = performance.now();
  for (let i = 0; i < 5000; i++) {
    log();
    turn();
  }
  t.ok(performance.now() - startMs < 5000, "nothing waited");
  t.equal(inFlight(), 128);
  t.ok(word(WORKER.droppedLogs) > 3000, "the rest is counted");
  t.equal(word(WORKER.refusedLogs), 0);
});

t.test("stdout and fd@N: a file gets every line once, in order", async (t) => {
  const path = join(folder(t), "access.log");
  const fd = openSync(path, "w");
  t.teardown(() => closeSync(fd));
  const { log, turn, inFlight } = workerLog(t, { kind: "fd", fd });
  for (let i = 0; i < 1000; i++) {
    log();
    // More lines on their way than there are slots are dropped, and how fast a file takes them is not this test's business.
    if (i % 7 === 0) await until("room", () => turn() >= 0 && inFlight() < 64);
  }
  await until("all writes", () => turn() >= 0 && inFlight() === 0);
  const lines = readFileSync(path, "utf8").split("\n");
  t.equal(lines.pop(), "");
  t.strictSame(
    lines.map((line) => line.replace(/^.*?: /, "")),
    Array.from({ length: 1000 }, (_, i) => `line ${i} GET /a?b=c HTTP/1.1`),
  );
});

t.test("events of the control plane", needs("socat"), async (t) => {
  const syslog = await startSyslog(t);
  const path = join(folder(t), "log");
  const file = join(folder(t), "events");
  const fd = openSync(file, "w");
  const targets = [
    udpTarget({ address: udp(syslog.address), facility: 3, level: SEVERITY.notice }),
    udpTarget({ address: { kind: "unix", path }, format: "rfc3164" }),
    udpTarget({ address: { kind: "fd", fd }, format: "raw", minLevel: SEVERITY.warning }),
    udpTarget({ address: { kind: "fd", fd: 9999 } }),
    udpTarget({ address: { kind: "unix", path: `/${"x".repeat(200)}` } }),
  ];
  const plan = planWith({ targets, logTag: "rw", logSendHostname: "host" });
  const endpoints = logTargets(plan);
  const sockets = new LogSockets(endpoints);
  t.teardown(() => sockets.close());
  t.strictSame(
    sockets.failures.map(({ endpoint, errno }) => [endpoint.address.kind, errno]),
    [
      ["fd", 9],
      ["unix", 36],
    ],
    "what cannot be opened is told, with the reason",
  );
  const sender = new SyslogSender(plan, sockets, 42);
  const proxy = plan.proxies[0]!;
  sender.send(proxy, SEVERITY.alert, "Server b/s1 is DOWN");
  t.equal(sender.dropped, 3, "the UNIX server is not there either");
  const unix = await startUnixSyslog(t, path);
  sender.send(proxy, SEVERITY.info, "info\r\nforged");
  sender.send(proxy, SEVERITY.notice, "Server b/s1 is UP");
  sender.send(null, SEVERITY.alert, "the global section has no log line");
  await syslog.expect(/UP/);
  t.match(syslog.messages[0]!.raw, /^<25>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d rw\[42\]: Server b\/s1 is DOWN\n$/);
  t.equal(syslog.messages.length, 2, "info is below the target's level");
  await until("both lines", () => unix.messages.length === 2);
  t.match(unix.messages[0]!.raw, /^<134>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d host rw\[42\]: info#0D#0Aforged$/);
  await sender.flushed();
  closeSync(fd);
  t.equal(readFileSync(file, "utf8"), "Server b/s1 is DOWN\ninfo#0D#0Aforged\nServer b/s1 is UP\n");
});
