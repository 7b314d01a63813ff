// Listening sockets as the kernel sees them, and the sentences of those that cannot be had, compared with HAProxy's own where it is installed.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { encodeInternetAddress } from "../../shared/abi/sockaddr.ts";
import * as sockets from "../../shared/ffi/socket.ts";
import { type ListenerChanges, planFor } from "../control/fixtures/process.ts";
import { findProgram, needs } from "../test/lab/needs.ts";
import { freePort, freePorts } from "../test/lab/ports.ts";
import type { Teardown } from "../test/lab/program.ts";
import { ListeningSockets } from "./listening-sockets.ts";

function open(t: Teardown, listeners: readonly ListenerChanges[], nbthread = 1, share = false): ListeningSockets {
  const opened = new ListeningSockets(planFor(listeners, { nbthread }), share);
  t.teardown(() => opened.closeAll());
  return opened;
}

function ipv4(port: number, changes: Partial<ListenerChanges> = {}): ListenerChanges {
  return { address: { kind: "ipv4", host: "127.0.0.1", port }, ...changes };
}

function texts(opened: ListeningSockets): string[] {
  return opened.problems.map((problem) => `${problem.loudness}: ${problem.text}`);
}

function folder(t: Teardown): string {
  const path = mkdtempSync(join(tmpdir(), "ringway-listener-"));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Takes a port with SO_REUSEPORT off, as any other program does. */
async function occupy(t: Teardown, port: number): Promise<void> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  t.teardown(() => server.close());
}

function accepts(target: { path: string } | { port: number; host: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(target);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

const optionOf = (fd: number, level: number, name: number) => sockets.getsockoptInt(fd, level, name);

t.test("every worker has its own socket per TCP listener, unless sockets are shared", async (t) => {
  const [first, second] = await freePorts(2);
  const opened = open(t, [ipv4(first!), ipv4(second!)], 3);
  t.same(texts(opened), []);
  const all = [0, 1, 2].flatMap((worker) => opened.of(worker).map(({ fd }) => fd));
  t.equal(new Set(all).size, 6);
  t.same(
    opened.of(1).map(({ listener }) => listener),
    [0, 1],
  );
  for (const fd of all) {
    t.equal(optionOf(fd, sockets.SOL_SOCKET, sockets.SO_ACCEPTCONN), 1);
    t.equal(optionOf(fd, sockets.SOL_SOCKET, sockets.SO_REUSEPORT), 1);
    t.equal(optionOf(fd, sockets.IPPROTO_TCP, sockets.TCP_NODELAY), 1, "accepted sockets inherit it");
  }
  opened.closeOf(2);
  t.same(opened.of(2), []);
  t.ok(await accepts({ port: first!, host: "127.0.0.1" }), "the other workers' sockets go on");

  const port = await freePort();
  const shared = open(t, [ipv4(port)], 3, true);
  t.equal(new Set([0, 1, 2].map((worker) => shared.of(worker)[0]!.fd)).size, 1);
  t.equal(optionOf(shared.of(0)[0]!.fd, sockets.SOL_SOCKET, sockets.SO_REUSEPORT), 0);
  shared.closeOf(0);
  t.ok(await accepts({ port, host: "127.0.0.1" }), "a shared socket is not closed with one worker");
});

t.test("the options of a bind line reach the socket", async (t) => {
  const [plain, v6, v4v6] = await freePorts(3);
  const options = { mss: 1000, deferAccept: true, tcpUserTimeoutMs: 12000, tcpFastOpen: true, transparent: true };
  const opened = open(t, [
    ipv4(plain!, options),
    { address: { kind: "ipv6", host: "::", port: v6!, v6only: true, v4v6: false } },
    { address: { kind: "ipv6", host: "::", port: v4v6!, v6only: false, v4v6: true } },
  ]);
  const isRoot = process.getuid?.() === 0;
  t.same(
    texts(opened).filter((text) => !(text.includes("transparent") && !isRoot)),
    [],
  );
  const [first, second, third] = opened.of(0).map(({ fd }) => fd);
  t.ok(optionOf(first!, sockets.IPPROTO_TCP, sockets.TCP_DEFER_ACCEPT) >= 1);
  t.equal(optionOf(first!, sockets.IPPROTO_TCP, sockets.TCP_USER_TIMEOUT), 12000);
  t.ok(optionOf(first!, sockets.IPPROTO_TCP, sockets.TCP_FASTOPEN) > 0);
  if (isRoot) t.equal(optionOf(first!, sockets.IPPROTO_IP, sockets.IP_TRANSPARENT), 1);
  t.equal(optionOf(second!, sockets.IPPROTO_IPV6, sockets.IPV6_V6ONLY), 1);
  t.equal(optionOf(third!, sockets.IPPROTO_IPV6, sockets.IPV6_V6ONLY), 0);
  t.notOk(await accepts({ port: v6!, host: "127.0.0.1" }));
  t.ok(await accepts({ port: v4v6!, host: "127.0.0.1" }));
});

t.test("a UNIX socket appears under its name when everything is bound, and goes with its process", async (t) => {
  const path = join(folder(t), "front.sock");
  const first = open(t, [{ address: { kind: "unix", path }, mode: 0o640 }], 2);
  t.notOk(existsSync(path), "not yet: another listener might have failed");
  first.publish();
  t.same(texts(first), []);
  t.equal(statSync(path).mode & 0o777, 0o640);
  t.equal(first.of(0)[0]!.fd, first.of(1)[0]!.fd, "one socket for all workers");
  t.ok(await accepts({ path }));

  const second = open(t, [{ address: { kind: "unix", path } }]);
  second.publish();
  first.closeAll();
  t.ok(await accepts({ path }), "the first process leaves its successor's socket alone");
  second.closeAll();
  t.notOk(existsSync(path));
});

t.test("when another listener fails, the socket of a running process keeps its place", async (t) => {
  const [port] = await freePorts(1);
  await occupy(t, port!);
  const path = join(folder(t), "front.sock");
  const running = open(t, [{ address: { kind: "unix", path } }]);
  running.publish();
  const failed = open(t, [{ address: { kind: "unix", path } }, ipv4(port!)]);
  t.ok(failed.failed);
  failed.closeAll();
  t.ok(await accepts({ path }), "the running process still answers there");
});

t.test("abstract sockets and inherited descriptors", async (t) => {
  const name = `ringway-test-${process.pid}`;
  const opened = open(t, [
    { address: { kind: "abns", name } },
    { address: { kind: "abns", name, zeroTerminated: true } },
  ]);
  t.same(texts(opened), []);
  const again = open(t, [{ address: { kind: "abns", name } }]);
  t.same(texts(again), [
    `alert: Binding [test:1] for frontend f: protocol abns_stream: cannot bind UNIX socket (Address already in use) [abns@${name}].`,
  ]);

  const bound = sockets.socket(sockets.AF_INET, sockets.SOCK_STREAM | sockets.SOCK_CLOEXEC, 0);
  sockets.bind(bound, encodeInternetAddress(Uint8Array.of(127, 0, 0, 1), 0));
  const inherited = open(t, [{ address: { kind: "fd", fd: bound } }, { address: { kind: "fd", fd: 987 } }], 2);
  t.same(texts(inherited), [
    "alert: Binding [test:1] for frontend f: protocol fd: cannot use file descriptor '987' : Bad file descriptor.",
  ]);
  t.same(
    [0, 1].map((worker) => inherited.of(worker)[0]!.fd),
    [bound, bound],
  );
  t.equal(optionOf(bound, sockets.SOL_SOCKET, sockets.SO_ACCEPTCONN), 1, "it was not listening, now it is");
  t.equal(optionOf(bound, sockets.IPPROTO_TCP, sockets.TCP_NODELAY), 1);
});

t.test("sockets that cannot be had: HAProxy's words, all of them", needs("haproxy"), async (t) => {
  const [taken, free, device] = await freePorts(3);
  await occupy(t, taken!);
  const foreign = { kind: "ipv4", host: "192.0.2.7", port: free! } as const;
  const lost = { kind: "unix", path: "/nonexistent/front.sock" } as const;
  const opened = open(
    t,
    [
      ipv4(taken!, { at: { file: "cfg", line: 4 } }),
      { address: foreign, at: { file: "cfg", line: 5 } },
      ipv4(device!, { interface: "nope0", at: { file: "cfg", line: 6 } }),
      { address: lost, at: { file: "cfg", line: 7 } },
    ],
    2,
  );
  const place = folder(t);
  const config = `defaults
    mode http
frontend f
    bind 127.0.0.1:${taken}
    bind 192.0.2.7:${free}
    bind 127.0.0.1:${device} interface nope0
    bind /nonexistent/front.sock
`;
  writeFileSync(join(place, "cfg"), config);
  const haproxy = spawnSync(findProgram("haproxy")!, ["-db", "-f", "cfg"], { cwd: place, encoding: "utf8" });
  t.equal(haproxy.status, 1);
  t.same(texts(opened).map(comparable).sort(), bindLines(haproxy.stderr).map(comparable).sort());
});

/** `alert: Binding …` of HAProxy's `[ALERT]    (pid) : Binding …`. */
function bindLines(stderr: string): string[] {
  const lines = [...stderr.matchAll(/^\[(ALERT|WARNING)\] +\(\d+\) : (Binding .*)$/gm)];
  return lines.map(([, label, text]) => `${label!.toLowerCase()}: ${text}`);
}

/** 2.6 does not name the protocol and has no full stop; 3.2 does. */
function comparable(text: string): string {
  return text.replace(/protocol \w+: /, "").replace(/\.$/, "");
}
