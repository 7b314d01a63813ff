// The program as a process: daemon, pid file, identity, inherited descriptors, signals, and what it says while it runs.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { encodeInternetAddress, SOCKADDR_BYTES_MAX, sockaddrPort } from "../../shared/abi/sockaddr.ts";
import { close } from "../../shared/ffi/file.ts";
import * as sockets from "../../shared/ffi/socket.ts";
import { basics, listen } from "./lab/config.ts";
import { get, startHttpOrigin } from "./lab/http-origin.ts";
import { needsRoot } from "./lab/needs.ts";
import { freePort, freePorts } from "./lab/ports.ts";
import { IS_HAPROXY, runProgram, startProgram, type Teardown } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";
import { startSyslog } from "./lab/syslog.ts";
import { sleep, until } from "./lab/time.ts";

function folder(t: Teardown): string {
  const path = mkdtempSync(join(tmpdir(), "ringway-process-"));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A daemon: started, known by its pid file, ended with the test. */
async function startDaemon(t: Teardown, place: string, config: string, args: readonly string[] = []) {
  const pidfile = join(place, "pid");
  writeFileSync(join(place, "cfg"), config);
  const result = await runProgram(["-f", join(place, "cfg"), ...args]);
  const pid = existsSync(pidfile) ? Number(readFileSync(pidfile, "latin1")) : 0;
  t.teardown(async () => {
    if (pid === 0) return;
    if (isAlive(pid)) process.kill(pid, "SIGTERM");
    await until("the daemon is gone", () => !isAlive(pid));
  });
  return { result, pid, pidfile };
}

/** A process that runs; one that has ended and that nobody waits for (a container without a proper init) does not. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}

const proc = (pid: number, name: string): string => readlinkSync(`/proc/${pid}/${name}`);

/** Session, process group and terminal of /proc/PID/stat. */
function processGroup(pid: number): { group: number; session: number; terminal: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { group: Number(fields[2]), session: Number(fields[3]), terminal: Number(fields[4]) };
}

t.test("a daemon serves when its parent returns, and has left the terminal", async (t) => {
  const [port, origin] = [await freePort(), await startHttpOrigin(t, { name: "hello" })];
  const place = folder(t);
  const config =
    basics(`daemon\npidfile ${join(place, "pid")}`) + listen("l", port, `server s 127.0.0.1:${origin.port}`);
  const { result, pid, pidfile } = await startDaemon(t, place, config);
  t.equal(result.code, 0, result.stderr);
  t.equal((await get(port)).body, "hello\n", "at once, without waiting for anything");
  t.equal(readFileSync(pidfile, "latin1"), `${pid}\n`);
  t.same(processGroup(pid), { group: pid, session: pid, terminal: 0 });
  for (const stream of [0, 1, 2]) t.equal(proc(pid, `fd/${stream}`), "/dev/null");
  process.kill(pid, "SIGUSR1");
  await until("the daemon is gone", () => !isAlive(pid));
});

t.test("a daemon takes inherited sockets along under their numbers", async (t) => {
  const front = sockets.socket(sockets.AF_INET, sockets.SOCK_STREAM | sockets.SOCK_CLOEXEC, 0);
  sockets.bind(front, encodeInternetAddress(Uint8Array.of(127, 0, 0, 1), 0));
  sockets.listen(front, 10);
  const name = new Uint8Array(SOCKADDR_BYTES_MAX);
  sockets.getsockname(front, name);
  const port = sockaddrPort(name, 0);
  const place = folder(t);
  const origin = await startHttpOrigin(t, { name: "inherited" });
  const config = `${basics(`pidfile ${join(place, "pid")}`)}\nlisten l\n  bind "fd@\${front}"\n  server s 127.0.0.1:${origin.port}\n`;
  for (const args of [["-db"], ["-D"]]) {
    const program = await startProgram(t, { config, args, inherit: [front], env: { front: "3" }, noWait: true });
    if (args[0] === "-D") {
      t.equal((await program.exited).code, 0, program.stderr);
      close(front);
      const pid = Number(readFileSync(join(place, "pid"), "latin1"));
      t.teardown(() => process.kill(pid, "SIGTERM"));
      t.equal((await get(port)).body, "inherited\n", "though the parent and this test have closed it");
    } else {
      await until("it serves", () => program.stderr.includes("is serving"));
      t.equal((await get(port)).body, "inherited\n");
      t.equal((await program.stop("SIGUSR1")).code, 0);
    }
  }
});

t.test("a daemon in its chroot, with the group and user as configured", needsRoot(), async (t) => {
  const place = folder(t);
  mkdirSync(join(place, "jail"));
  const [port, stats] = [await freePort(), join(place, "stats.sock")];
  const origin = await startHttpOrigin(t, { name: "from the jail" });
  const log = await startSyslog(t);
  const ids = { uid: idOf("-u", "nobody"), gid: idOf("-g", "nobody") };
  const global = `daemon
    pidfile ${join(place, "pid")}
    chroot ${join(place, "jail")}
    user nobody
    group ${execFileSync("id", ["-gn", "nobody"], { encoding: "utf8" }).trim()}
    nbthread 2
    log ${log.address} local0
    stats socket ${stats} mode 600 level admin`;
  const config =
    basics(global, "  log global\n  option httplog") + listen("l", port, `server s 127.0.0.1:${origin.port} check`);
  const { result, pid } = await startDaemon(t, place, config);
  t.equal(result.code, 0, result.stderr);
  t.equal(proc(pid, "root"), join(place, "jail"));
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  t.match(status, new RegExp(`^Uid:(\\s+${ids.uid}){4}$`, "m"));
  t.match(status, new RegExp(`^Gid:(\\s+${ids.gid}){4}$`, "m"));
  t.match(status, /^Groups:\s*$/m, "no supplementary groups");
  t.match(status, /^CapEff:\s+0+$/m, "and no capabilities");
  for (let i = 0; i < 4; i++) t.equal((await get(port)).body, "from the jail\n");
  await until("its log lines arrive", () => log.messages.some((message) => message.text.includes('"GET / HTTP/1.1"')));
});

function idOf(flag: string, user: string): number {
  return Number(execFileSync("id", [flag, user], { encoding: "utf8" }));
}

t.test("signals: stop, soft stop, dump of states", async (t) => {
  const [port, other] = await freePorts(2);
  const origin = await startHttpOrigin(t, { name: "hello" });
  const config = basics() + listen("l", port!, `server s 127.0.0.1:${origin.port}`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const program = await startProgram(t, { config, args: ["-db"] });
    t.same(await program.stop(signal), { code: null, signal }, "it dies by the signal itself, as HAProxy does");
  }
  const place = folder(t);
  const path = join(place, "front.sock");
  const withPath = config + listen("m", other!, "").replace(/bind .*/, `bind ${path}`);
  const program = await startProgram(t, { config: withPath, args: ["-db"] });
  await get(port!);
  program.signal("SIGHUP");
  await until("the dump", () => program.stderr.includes("SIGHUP: Proxy l has 1 active servers"));
  t.match(program.stderr, /\[WARNING\] {2}\(\d+\) : SIGHUP received, dumping servers states\.\n/);
  t.match(program.stderr, /SIGHUP: Server l\/s is UP\. Conn: [01] act, 0 pend, 1 tot\.\n/);
  t.match(program.stderr, /1 active servers and 0 backup servers available\. Conn: act\(FE\+BE\): [01]\+[01], 0 pend/);

  const idle = await connect(t, port!);
  idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("an answer", () => idle.received.includes("hello"));
  program.signal("SIGUSR1");
  t.equal((await program.exited).code, 0, "an idle connection does not keep a stopping process");
  t.match(program.stderr, /\[WARNING\] {2}\(\d+\) : Proxy l stopped \(cumulated conns: FE: 2, BE: 2\)\.\n/);
  t.equal(existsSync(path), IS_HAPROXY, "its UNIX socket is gone");
});

t.test("a soft stop lets a request in flight finish, within hard-stop-after", async (t) => {
  const port = await freePort();
  const origin = await startHttpOrigin(t, {
    handler: (_, response) => void setTimeout(() => response.end("late"), 600),
  });
  const lines = listen("l", port, `server s 127.0.0.1:${origin.port}`);
  const patient = await startProgram(t, { config: basics() + lines, args: ["-db"] });
  const answer = get(port);
  await sleep(200);
  patient.signal("SIGUSR1");
  t.equal((await answer).body, "late");
  t.equal((await patient.exited).code, 0);

  const hasty = await startProgram(t, { config: basics("hard-stop-after 100ms") + lines, args: ["-db"] });
  const cut = get(port).catch(() => null);
  await sleep(200);
  hasty.signal("SIGUSR1");
  t.equal((await hasty.exited).code, 0);
  t.equal(await cut, null, "the request was cut off");
  t.match(hasty.stderr, /soft-stop running for too long, performing a hard-stop\.\n/);
  t.match(hasty.stderr, /Proxy l hard-stopped \(1 remaining conns will be closed\)\.\n/);
});

t.test(
  "what runs as a service speaks JSON, what runs in the foreground speaks plainly",
  { skip: IS_HAPROXY },
  async (t) => {
    const port = await freePort();
    const config = basics() + listen("l", port, "");
    const service = await startProgram(t, { config });
    service.signal("SIGHUP");
    await until("a JSON line", () => service.stderr.includes("state-dump"));
    const line = service.stderr.split("\n").find((each) => each.startsWith("{"))!;
    const { pid, event, msg } = JSON.parse(line);
    t.same(
      { pid, event, msg },
      { pid: service.pid, event: "state-dump", msg: "SIGHUP received, dumping servers states." },
    );
    t.match(
      service.stderr,
      /^\[NOTICE\] {3}\(\d+\) : ringway is serving: \d+ workers? on (io_uring|epoll), /,
      "the start is told plainly",
    );
    await service.stop();
    const quiet = await startProgram(t, { config, args: ["-q"] });
    quiet.signal("SIGHUP");
    await sleep(200);
    t.equal(quiet.stderr, "");
  },
);
