// The declarations against the kernel: that each call arrives with the arguments it was given, and that failures are values.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { ERRNO } from "../abi/errno.ts";
import { encodeInternetAddress, SOCKADDR_BYTES_MAX, sockaddrPort } from "../abi/sockaddr.ts";
import {
  close,
  eventfd,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_SETFL,
  fcntl,
  O_NONBLOCK,
  unlink,
  wakeReactor,
  write,
} from "./file.ts";
import { addressOfView, viewOfMemory } from "./library.ts";
import { MADV_DONTNEED, MAP_ANONYMOUS, MAP_PRIVATE, madvise, mmap, munmap, PROT_READ, PROT_WRITE } from "./memory.ts";
import * as processCalls from "./process.ts";
import * as sockets from "./socket.ts";
import { CLOCK_MONOTONIC, clockGettime } from "./time.ts";

const url = (name: string) => JSON.stringify(new URL(`./${name}.js`, import.meta.url).href);

t.test("memory", async (t) => {
  const address = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  t.ok(address > 0 && address % 4096 === 0);
  const bytes = new Uint8Array(viewOfMemory(address, 8192));
  t.equal(addressOfView(bytes), address);
  bytes[5000] = 7;
  t.equal(madvise(address, 8192, MADV_DONTNEED), 0);
  t.equal(bytes[5000], 0, "the pages were given back");
  t.equal(munmap(address, 8192), 0);
  t.equal(mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), -ERRNO["EINVAL"]!);
  t.equal(madvise(1, 1, MADV_DONTNEED), -ERRNO["EINVAL"]!);
});

t.test("descriptors", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ringway-ffi-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "später.txt");
  writeFileSync(file, "x");
  t.equal(unlink(file), 0, "names are UTF-8");
  t.notOk(existsSync(file));
  t.equal(unlink(file), -ERRNO["ENOENT"]!);

  const fd = eventfd();
  t.ok(fd > 2);
  t.equal(fcntl(fd, F_GETFD, 0), 1, "close-on-exec");
  t.equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  t.equal(fcntl(fd, F_GETFL, 0) & O_NONBLOCK, O_NONBLOCK);
  const copy = fcntl(fd, F_DUPFD_CLOEXEC, 100);
  t.ok(copy >= 100);
  t.equal(wakeReactor(copy), 0);
  t.equal(write(fd, new Uint8Array(8)), 8);
  t.equal(write(fd, new Uint8Array(4)), -ERRNO["EINVAL"]!, "an eventfd takes eight bytes");
  t.equal(close(copy), 0);
  t.equal(close(copy), -ERRNO["EBADF"]!);
  t.equal(wakeReactor(copy), -ERRNO["EBADF"]!);
  close(fd);
});

t.test("sockets", async (t) => {
  const { AF_INET, SOCK_CLOEXEC, SOCK_STREAM, SOCK_DGRAM } = sockets;
  const listener = sockets.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  t.equal(sockets.setsockoptInt(listener, sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1), 0);
  t.equal(sockets.getsockoptInt(listener, sockets.SOL_SOCKET, sockets.SO_REUSEADDR), 1);
  t.equal(sockets.getsockoptInt(listener, sockets.SOL_SOCKET, sockets.SO_ACCEPTCONN), 0);
  t.equal(sockets.bind(listener, encodeInternetAddress(Uint8Array.of(127, 0, 0, 1), 0)), 0);
  t.equal(sockets.listen(listener, 10), 0);
  t.equal(sockets.getsockoptInt(listener, sockets.SOL_SOCKET, sockets.SO_ACCEPTCONN), 1);
  const name = new Uint8Array(SOCKADDR_BYTES_MAX);
  t.equal(sockets.getsockname(listener, name), 16);

  const client = sockets.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  t.equal(sockets.getpeername(client, name), -ERRNO["ENOTCONN"]!);
  sockets.getsockname(listener, name);
  t.equal(sockets.connect(client, name.subarray(0, 16)), 0);
  const peer = new Uint8Array(SOCKADDR_BYTES_MAX);
  t.equal(sockets.getpeername(client, peer), 16);
  t.equal(sockaddrPort(peer, 0), sockaddrPort(name, 0));
  t.equal(sockets.send(client, Buffer.from("abc"), sockets.MSG_NOSIGNAL), 3);
  t.equal(sockets.shutdown(client, sockets.SHUT_WR), 0);
  t.equal(sockets.send(client, Buffer.from("abc"), sockets.MSG_NOSIGNAL), -ERRNO["EPIPE"]!);
  const linger = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
  t.equal(sockets.setsockopt(client, sockets.SOL_SOCKET, sockets.SO_LINGER, linger), 0);

  // The address form, as a worker uses it.
  const memory = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const words = new Int32Array(viewOfMemory(memory, 4096));
  words[256] = SOCKADDR_BYTES_MAX;
  t.equal(sockets.getpeernameAt(client, memory, memory + 1024), 0);
  t.equal(words[256], 16);
  t.equal(sockaddrPort(new Uint8Array(words.buffer), 0), sockaddrPort(name, 0));
  munmap(memory, 4096);
  close(client);
  close(listener);

  const receiver = sockets.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockets.bind(receiver, encodeInternetAddress(Uint8Array.of(127, 0, 0, 1), 0));
  sockets.getsockname(receiver, name);
  const sender = sockets.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  t.equal(sockets.sendto(sender, Buffer.from("log"), 0, name.subarray(0, 16)), 3);
  close(sender);
  close(receiver);
  t.equal(sockets.socket(9999, 1, 0), -ERRNO["EAFNOSUPPORT"]!);
});

t.test("process", async (t) => {
  const limit = processCalls.getrlimit(processCalls.RLIMIT_NOFILE);
  if (typeof limit === "number") throw new Error(`getrlimit: ${limit}`);
  t.ok(limit.soft > 0 && limit.hard >= limit.soft);
  t.equal(processCalls.raiseDescriptorLimit(3), limit.soft, "enough already");
  t.type(processCalls.getrlimit(999), "number");
  const mask = processCalls.umask(0o77);
  t.equal(processCalls.umask(mask), 0o77);
  t.ok(processCalls.gettid() > 0);
  t.equal(processCalls.execvp("/nowhere/program", ["program"]), -2, "no such file");
  t.equal(processCalls.setThreadName("ringway/0 is long"), 0);
  t.equal(readFileSync(`/proc/self/task/${processCalls.gettid()}/comm`, "latin1").trim(), "ringway/0 is lo");
  t.equal(processCalls.chroot("/does/not/exist") < 0, true);
  t.equal(processCalls.prctl(99999, 0), -ERRNO["EINVAL"]!);
  const allowed = () => /Cpus_allowed_list:\t(.*)\n/.exec(readFileSync("/proc/thread-self/status", "latin1"))![1]!;
  const first = Number.parseInt(allowed(), 10);
  t.equal(processCalls.setAffinity(0, [first]), 0);
  t.equal(allowed(), String(first));
});

t.test("limits, session and locked memory, in a process of their own", async (t) => {
  const program = `
    import { getrlimit, setrlimit, raiseDescriptorLimit, setsid, mlockall, RLIMIT_NOFILE } from ${url("process")};
    setrlimit(RLIMIT_NOFILE, { soft: 200, hard: 1000 });
    const low = getrlimit(RLIMIT_NOFILE);
    const raised = raiseDescriptorLimit(900);
    const again = setsid();
    console.log(JSON.stringify({ low, raised, now: getrlimit(RLIMIT_NOFILE), session: again, mlockall: mlockall(0) }));`;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  t.equal(child.status, 0, child.stderr);
  const said = JSON.parse(child.stdout);
  t.same(said.low, { soft: 200, hard: 1000 });
  t.equal(said.raised, 900);
  t.same(said.now, { soft: 900, hard: 1000 });
  t.ok(said.session > 0, "a new session");
  t.equal(said.mlockall, -ERRNO["EINVAL"]!, "no flags are an error");
});

t.test("time", async (t) => {
  const timespec = new Int32Array(4);
  const before = process.hrtime.bigint();
  t.equal(clockGettime(CLOCK_MONOTONIC, timespec), 0);
  const after = process.hrtime.bigint();
  const time = BigInt(timespec[0]!) * 1_000_000_000n + BigInt(timespec[2]!);
  t.ok(before <= time && time <= after, `${before} <= ${time} <= ${after}`);
});
