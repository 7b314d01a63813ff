// The epoll engine under the tests that every engine must pass, and what is its own: bursts beyond one turn's share, pipes that are full,
// descriptors whose end waits for their requests.

import { spawnSync } from "node:child_process";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { ERRNO } from "../../abi/errno.ts";
import { close, mkfifo } from "../../ffi/file.ts";
import { leastHeapGrowth } from "../../tools/heap-growth.fixture.ts";
import { Echo } from "../test/echo.ts";
import { accepted, connect, Harness, listen, OP, say } from "../test/harness.ts";

process.env["RINGWAY_ENGINE"] = "epoll";
await import("../reactor.test.ts");
await import("../life.test.ts");

t.test("more connections than one turn accepts", async (t) => {
  const h = new Harness();
  t.equal(h.reactor.engine, "epoll");
  const listener = listen("unix");
  const peers = Array.from({ length: 100 }, () => connect(listener));
  h.reactor.accept(OP.accept, 1, 1, listener.fd);
  h.reactor.turn(100);
  t.equal(h.seen.length, 64);
  h.reactor.turn(100);
  t.equal(h.seen.length, 100, "the rest without a new event");
  for (const { res } of h.seen.splice(0)) close(res);
  h.destroy();
  for (const fd of [...peers, listener.fd]) close(fd);
});

t.test("a pipe that is full holds up its write, not the thread", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ringway-epoll-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "pipe");
  mkfifo(path, 0o600);
  const fd = openSync(path, "r+");
  const h = new Harness();
  const text = "0123456789abcdef".repeat(256);
  h.put(text);
  let written = 0;
  for (;;) {
    h.reactor.write(OP.write, 1, 1, fd, h.scratch, text.length);
    const [completion] = h.drain(20);
    if (completion === undefined) break;
    written += completion.res;
  }
  t.ok(written >= 16384, `${written} bytes went in`);
  spawnSync("head", ["-c", String(written), path]);
  t.equal(h.expect(OP.write).res, text.length, "once somebody has read");
  h.destroy();
  close(fd);
});

t.test("buffers that run out are told, and nothing is lost", async (t) => {
  const h = new Harness({ buffers: 4 });
  const { peer, fd, listener } = accepted(h);
  h.reactor.recv(OP.recv, 1, 1, fd);
  say(peer, "x".repeat(4096 * 6));
  const held: number[] = [];
  for (;;) {
    const { res, buffer, more } = h.expect(OP.recv);
    if (res < 0) {
      t.same([res, buffer, more], [-ERRNO["ENOBUFS"]!, -1, false]);
      break;
    }
    held.push(buffer);
  }
  t.equal(held.length, 4);
  for (const buffer of held) h.pool.free(buffer);
  let rest = 0;
  h.reactor.recvOnce(OP.recv, 1, 1, fd, 8 * 4096);
  for (let more = true; more; ) {
    const part = h.expect(OP.recv);
    more = part.more;
    rest += part.res;
    h.pool.free(part.buffer);
  }
  t.equal(rest, 4096 * 2);
  t.equal(h.pool.available, 4);
  h.destroy();
  for (const each of [peer, fd, listener]) close(each);
});

t.test("a load of echoes, and what it leaves on the heap", async (t) => {
  for (const kind of ["tcp", "unix"] as const) {
    const echo = new Echo({
      ...{ connections: 64, kind, messageBytes: 1000, rounds: 1e9, buffers: 512, bufferBytes: 4096 },
      ...{ entries: 256, completionEntries: 1024 },
    });
    const bytesMax = 50_000;
    const grown = leastHeapGrowth(() => t.ok(echo.run(30_000, 20_000)), bytesMax);
    t.ok(grown <= bytesMax, `heap grew by ${grown} bytes over 20 000 echoes`);
    t.comment(kind, echo.reactor.counters);
    echo.destroy();
  }
});
