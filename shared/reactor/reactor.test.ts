// What every engine must do: the conversations of a proxy's sockets, over TCP and UNIX sockets, request by request.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { ERRNO } from "../abi/errno.ts";
import { writeIovec, writeMsghdr, writeMsghdrName } from "../abi/msghdr.ts";
import { close, F_GETFD, F_GETFL, fcntl, O_NONBLOCK } from "../ffi/file.ts";
import * as sockets from "../ffi/socket.ts";
import { accepted, connect, Harness, hear, hearNow, LINGER_RESET, listen, must, OP, say } from "./test/harness.ts";

for (const kind of ["tcp", "unix"] as const) {
  t.test(`${kind}: accept, receive, send, half close, close`, async (t) => {
    const h = new Harness();
    const listener = listen(kind);
    const { IPPROTO_TCP, TCP_NODELAY } = sockets;
    if (kind === "tcp") must(sockets.setsockoptInt(listener.fd, IPPROTO_TCP, TCP_NODELAY, 1));
    h.reactor.accept(OP.accept, 7, -5, listener.fd);
    const peers = [connect(listener), connect(listener), connect(listener)];
    const fds = peers.map(() => {
      const { slot, generation, res, buffer, more } = h.expect(OP.accept);
      t.same([slot, generation, buffer, more], [7, -5, -1, true], "accepting goes on");
      t.equal(fcntl(res, F_GETFD, 0), 1, "close-on-exec");
      t.equal(fcntl(res, F_GETFL, 0) & O_NONBLOCK, O_NONBLOCK);
      if (kind === "tcp")
        t.equal(sockets.getsockoptInt(res, IPPROTO_TCP, TCP_NODELAY), 1, "inherited from the listener");
      return res;
    });
    // The kernel keeps the queue of connections in order, so fds[i] belongs to peers[i].
    fds.forEach((fd, i) => {
      h.reactor.recv(OP.recv, 0xfffff0 + i, 0x7fffffff - i, fd);
    });
    for (let round = 0; round < 3; round++) {
      peers.forEach((peer, i) => {
        say(peer, `round ${round} of ${i}`);
      });
      for (let i = 0; i < 3; i++) {
        const received = h.expect(OP.recv, 0xfffff0 + i);
        t.same([received.generation, received.more], [0x7fffffff - i, true], "receiving goes on");
        t.equal(h.text(received), `round ${round} of ${i}`);
      }
    }
    const answer = h.put("answer");
    h.reactor.send(OP.send, 1, 1, fds[0]!, answer, 6, true);
    t.equal(h.expect(OP.send, 1).res, 6);
    h.reactor.send(OP.send, 1, 1, fds[0]!, answer, 6, false);
    t.equal(h.expect(OP.send, 1).res, 6);
    let heard = "";
    while (heard.length < 12) heard += hear(peers[0]!);
    t.equal(heard, "answeranswer");

    // The peer ends its direction; ours stays open.
    must(sockets.shutdown(peers[0]!, sockets.SHUT_WR));
    const end = h.expect(OP.recv, 0xfffff0);
    t.same([end.res, end.buffer, end.more], [0, -1, false], "the end of the stream");
    h.reactor.send(OP.send, 1, 1, fds[0]!, answer, 6, false);
    t.equal(h.expect(OP.send, 1).res, 6);
    h.reactor.shutdown(OP.shutdown, 0xfffffe, -7, fds[0]!, 1);
    const shut = h.expect(OP.shutdown);
    t.same([shut.slot, shut.generation, shut.res, shut.buffer, shut.more], [0xfffffe, -7, 0, -1, false]);
    t.equal(hear(peers[0]!), "answer");
    t.equal(hear(peers[0]!), "", "our end, after everything that was sent");
    h.reactor.close(OP.close, 1, 1, fds[0]!);
    t.equal(h.expect(OP.close).res, 0);
    t.equal(fcntl(fds[0]!, F_GETFD, 0), -ERRNO["EBADF"]!);

    // recvOnce: one completion, then silence until it is asked for again.
    h.reactor.cancel(OP.cancel, 0xfffff1, 0x7fffffff - 1, OP.recv);
    t.equal(h.expect(OP.recv, 0xfffff1).res, -ERRNO["ECANCELED"]!);
    t.equal(h.expect(OP.cancel).res, 0);
    h.reactor.recvOnce(OP.recv, 5, 1, fds[1]!, 4096);
    say(peers[1]!, "once");
    const once = h.expect(OP.recv, 5);
    t.equal(once.more, false);
    t.equal(h.text(once), "once");
    say(peers[1]!, "kept back");
    t.same(h.drain(30), [], "held back in the socket");
    h.reactor.recvOnce(OP.recv, 5, 1, fds[1]!, 4096);
    t.equal(h.text(h.expect(OP.recv, 5)), "kept back");
    // Several buffers at once: full ones, then the rest; an engine that cannot brings one and is asked again.
    const bulk = "0123456789abcdef".repeat(640);
    say(peers[1]!, bulk);
    let received = "";
    while (received.length < bulk.length) {
      h.reactor.recvOnce(OP.recv, 5, 1, fds[1]!, 8 * 4096);
      for (let more = true; more; ) {
        const part = h.expect(OP.recv, 5);
        more = part.more;
        if (more) t.equal(part.res, 4096, "only the last is not full");
        received += h.text(part);
      }
    }
    t.equal(received, bulk);
    t.equal(h.pool.available + h.pool.lent, h.pool.count, "every buffer came back");

    h.destroy();
    for (const fd of [...peers, fds[1]!, fds[2]!, listener.fd]) close(fd);
  });
}

t.test("connect: established, refused, no such path", async (t) => {
  const h = new Harness();
  const listener = listen("tcp");
  const address = h.put(listener.sockaddr);
  const attempt = (family: number, bytes: number) => {
    const fd = must(sockets.socket(family, sockets.SOCK_STREAM | sockets.SOCK_NONBLOCK, 0));
    h.reactor.connect(OP.connect, 3, 4, fd, address, bytes);
    const { res } = h.expect(OP.connect, 3);
    close(fd);
    return res;
  };
  t.equal(attempt(sockets.AF_INET, 16), 0);
  close(listener.fd);
  t.equal(attempt(sockets.AF_INET, 16), -ERRNO["ECONNREFUSED"]!);
  h.put(Uint8Array.of(1, 0, 0x2f, 0x6e, 0x6f, 0));
  t.equal(attempt(sockets.AF_UNIX, 6), -ERRNO["ENOENT"]!);
  h.destroy();
});

t.test("a peer's reset is a value", async (t) => {
  const h = new Harness();
  const { peer, fd, listener } = accepted(h);
  h.reactor.recv(OP.recv, 1, 1, fd);
  h.reactor.turn(0);
  must(sockets.setsockopt(peer, sockets.SOL_SOCKET, sockets.SO_LINGER, LINGER_RESET));
  close(peer);
  const { res, more, buffer } = h.expect(OP.recv);
  t.same([res, more, buffer], [-ERRNO["ECONNRESET"]!, false, -1]);
  h.reactor.send(OP.send, 1, 1, fd, h.put("x"), 1, false);
  t.equal(h.expect(OP.send).res, -ERRNO["EPIPE"]!, "and no signal");
  h.destroy();
  close(fd);
  close(listener);
});

t.test("sends: all of it to a slow reader; cancelled ones say how far they came", async (t) => {
  const h = new Harness();
  const { peer, fd, listener } = accepted(h);
  must(sockets.setsockoptInt(fd, sockets.SOL_SOCKET, sockets.SO_SNDBUF, 32768));
  must(sockets.setsockoptInt(peer, sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65536));
  const size = 1 << 20;
  const pattern = Buffer.alloc(size, "0123456789abcdefghijklmnopqrstuvwxyz ringway ");
  h.put(pattern);
  h.reactor.send(OP.send, 1, 1, fd, h.scratch, size, false);
  t.same(h.drain(20), [], "one completion, when all of it is sent");
  const heard: Buffer[] = [];
  const bytes = new Uint8Array(65536);
  for (let total = 0; total < size; ) {
    const n = hearNow(peer, bytes);
    if (n > 0) heard.push(Buffer.from(bytes.slice(0, n)));
    else h.reactor.turn(5);
    total += Math.max(0, n);
  }
  t.equal(h.expect(OP.send).res, size);
  t.ok(Buffer.concat(heard).equals(pattern), "byte for byte");

  // The same without a reader, cancelled: the completion tells how much the peer will get.
  h.reactor.send(OP.send, 1, 1, fd, h.scratch, size, false);
  t.same(h.drain(20), []);
  h.reactor.cancel(OP.cancel, 1, 1, OP.send);
  const { res } = h.expect(OP.send);
  t.ok(res > 0 && res < size, `a short send of ${res} bytes`);
  h.expect(OP.cancel);
  h.reactor.shutdown(OP.shutdown, 1, 1, fd, 1);
  let total = 0;
  for (let n = -1; n !== 0; ) {
    n = hearNow(peer, bytes);
    if (n > 0) total += n;
    else h.reactor.turn(5);
  }
  t.equal(total, res);
  h.destroy();
  for (const each of [peer, fd, listener]) close(each);
});

t.test("sendmsg gathers an iovec, and names a datagram's receiver", async (t) => {
  const h = new Harness();
  const { peer, fd, listener } = accepted(h);
  const at = h.scratch + 4096;
  h.put("head body");
  writeMsghdr(h.arena, at, at + 64, 3);
  writeIovec(h.arena, at + 64, h.scratch, 4);
  writeIovec(h.arena, at + 80, h.scratch + 4, 1);
  writeIovec(h.arena, at + 96, h.scratch + 5, 4);
  h.reactor.sendmsg(OP.send, 1, 1, fd, at);
  t.equal(h.expect(OP.send).res, 9);
  t.equal(hear(peer), "head body");

  const receiver = must(sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM, 0));
  const name = new Uint8Array(16);
  name.set([2, 0, 0, 0, 127, 0, 0, 1]);
  must(sockets.bind(receiver, name));
  must(sockets.getsockname(receiver, name));
  const sender = must(sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM, 0));
  writeMsghdrName(h.arena, at, h.put(name, 8192), 16);
  h.reactor.sendmsg(OP.send, 1, 1, sender, at);
  t.equal(h.expect(OP.send).res, 9);
  t.equal(hear(receiver), "head body");
  t.throws(() => writeIovec(h.arena, at + 64, h.arena.byteLength - 3, 4), /inside the arena/);
  t.throws(() => writeIovec(h.arena, at + 64, -1, 4), /inside the arena/);
  h.destroy();
  for (const each of [peer, fd, listener, receiver, sender]) close(each);
});

t.test("a flood of shutdowns: each is answered once, whether its peer is there or not", async (t) => {
  const h = new Harness();
  const { peer, fd, listener } = accepted(h);
  const many = 3000;
  h.reactor.shutdown(OP.shutdown, 0, 0, fd, 1);
  for (let slot = 1; slot < many; slot++) h.reactor.shutdown(OP.shutdown, slot, slot, 1 << 20, 1);
  t.same(h.seen, [], "no handler runs inside a submission");
  const start = performance.now();
  while (h.seen.length < many && performance.now() - start < 3000) h.reactor.turn(1000);
  t.equal(h.seen.length, many);
  const right = h.seen.filter(
    ({ slot, generation, res }) => generation === slot && res === (slot === 0 ? 0 : -ERRNO["EBADF"]!),
  );
  t.equal(new Set(right.map(({ slot }) => slot)).size, many);
  t.equal(hear(peer), "");
  h.destroy();
  for (const each of [peer, fd, listener]) close(each);
});

t.test("write goes on where the file is", async (t) => {
  const h = new Harness();
  const folder = mkdtempSync(join(tmpdir(), "ringway-reactor-"));
  const file = await open(join(folder, "log"), "w");
  for (const [slot, text] of ["first\n", "second\n"].entries()) {
    h.reactor.write(OP.write, slot, 1, file.fd, h.put(text, slot * 64), text.length);
    t.equal(h.expect(OP.write, slot).res, text.length);
  }
  await file.close();
  t.equal(readFileSync(join(folder, "log"), "latin1"), "first\nsecond\n");
  rmSync(folder, { recursive: true });
  h.reactor.write(OP.write, 1, 1, 9999, h.put("x"), 1);
  t.equal(h.expect(OP.write).res, -ERRNO["EBADF"]!);
  h.destroy();
});

t.test("cancel hits exactly (op, slot, generation); cancelFd everything on a descriptor", async (t) => {
  const h = new Harness();
  const { peer, fd, listener } = accepted(h);
  h.reactor.recv(OP.recv, 1, 10, fd);
  h.reactor.turn(0);
  for (const [slot, generation, op] of [
    [1, 11, OP.recv],
    [2, 10, OP.recv],
    [1, 10, OP.send],
  ] as const) {
    h.reactor.cancel(OP.cancel, slot, generation, op);
    t.equal(h.expect(OP.cancel).res, -ERRNO["ENOENT"]!, "a stale or foreign name hits nothing");
  }
  say(peer, "alive");
  t.equal(h.text(h.expect(OP.recv)), "alive");
  h.reactor.cancel(OP.cancel, 1, 10, OP.recv);
  const cancelled = h.expect(OP.recv);
  t.same([cancelled.res, cancelled.more, cancelled.generation], [-ERRNO["ECANCELED"]!, false, 10]);
  t.equal(h.expect(OP.cancel).res, 0);

  // The row lives on with a new generation while an old request is still there: each completion says whose it is.
  h.reactor.recvOnce(OP.recv, 1, 10, fd, 4096);
  h.reactor.turn(0);
  h.reactor.recvOnce(OP.recv, 1, 11, fd, 4096);
  h.reactor.turn(0);
  h.reactor.cancelFd(OP.cancel, 1, 11, fd);
  t.equal(h.expect(OP.cancel).res, 2, "how many there were");
  t.same([h.expect(OP.recv).generation, h.expect(OP.recv).generation].sort(), [10, 11]);

  h.reactor.cancel(OP.cancel, 900, 1, OP.accept);
  const ended = h.expect(OP.accept);
  t.same([ended.res, ended.more], [-ERRNO["ECANCELED"]!, false]);
  h.destroy();
  for (const each of [peer, fd, listener]) close(each);
});

t.test("closing a descriptor does not end what is armed on it; cancelling in the same batch does", async (t) => {
  const h = new Harness();
  const first = accepted(h);
  h.reactor.recv(OP.recv, 1, 1, first.fd);
  h.reactor.turn(0);
  h.reactor.close(OP.close, 1, 1, first.fd);
  t.equal(h.expect(OP.close).res, 0);
  t.same(h.drain(20), [], "the receive keeps the socket open");
  say(first.peer, "still");
  t.equal(h.text(h.expect(OP.recv)), "still");
  close(first.peer);
  t.equal(h.expect(OP.recv).res, 0);

  const second = accepted(h);
  h.reactor.recv(OP.recv, 2, 1, second.fd);
  h.reactor.turn(0);
  h.reactor.cancelFd(OP.cancel, 2, 1, second.fd);
  h.reactor.close(OP.close, 2, 1, second.fd);
  t.equal(h.expect(OP.recv, 2).res, -ERRNO["ECANCELED"]!);
  t.equal(hear(second.peer), "", "the peer sees the end at once");
  h.destroy();
  for (const each of [first.listener, second.peer, second.listener]) close(each);
});
