// Trackers with real scripts, files, processes and sockets: rise and fall, time limits, a runtime API that dies, is reloaded or hangs.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { address } from "../plan/fixture.ts";
import type { ProxyProbe, ProxyTrackPlan, TrackProcessPlan, TrackScriptPlan } from "../plan/track.ts";
import { FileTracker } from "./file.ts";
import { matchesProcess, ProcessTracker } from "./process.ts";
import { ProxyTracker } from "./proxy.ts";
import { unmetRequirement } from "./proxy-answers.ts";
import { ScriptTracker } from "./script.ts";
import { Threshold } from "./threshold.ts";

const AT = { file: "test.conf", line: 1 };
const folder = mkdtempSync(join(tmpdir(), "ringway-track-"));
t.teardown(() => rmSync(folder, { recursive: true }));
const quiet = () => {};

/** Collects what a tracker says, and waits for the n-th word. */
class Words {
  readonly said: (boolean | number)[] = [];
  #onSaid: () => void = () => {};
  readonly say = (word: boolean | number) => {
    this.said.push(word);
    this.#onSaid();
  };

  async until(count: number): Promise<number> {
    const startMs = performance.now();
    while (this.said.length < count) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`only ${JSON.stringify(this.said)} was said`)), 8000);
        this.#onSaid = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return performance.now() - startMs;
  }
}

t.test("rise and fall", async (t) => {
  const results = (threshold: Threshold, text: string) =>
    [...text].map((result) => (threshold.take(result === "+") ? (threshold.up ? "U" : "D") : ".")).join("");
  t.equal(results(new Threshold(1, 3, null), "+--+---+"), "U.....DU", "a success between begins anew");
  t.equal(results(new Threshold(3, 1, null), "-++-+++-"), "D.....UD");
  t.equal(results(new Threshold(2, 1, false), "+++"), ".U.", "init_fail");
  const threshold = new Threshold(1, 3, null);
  threshold.take(true);
  t.equal(threshold.take(false, true), true, "a decisive result counts as all of them");
});

function script(name: string, body: string, changes: Partial<TrackScriptPlan> = {}): TrackScriptPlan {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return {
    name,
    script: { argv: [path], text: path, uid: process.getuid!(), gid: process.getgid!(), enabled: true },
    intervalMs: 60,
    timeoutMs: 60,
    weight: 0,
    reverse: false,
    rise: 1,
    fall: 2,
    initFail: false,
    at: AT,
    ...changes,
  };
}

t.test("scripts", async (t) => {
  const flag = join(folder, "flag");
  const words = new Words();
  const tracker = new ScriptTracker(script("flagged", `test ! -e ${flag}`, { timeoutMs: 5000 }), quiet, words.say);
  tracker.start();
  await words.until(1);
  writeFileSync(flag, "");
  await words.until(2);
  rmSync(flag);
  await words.until(3);
  tracker.stop();
  t.same(words.said, [true, false, true]);

  const hanging = new Words();
  const deaf = new ScriptTracker(
    script("deaf", "trap '' TERM\nsleep 30 & wait", { timeoutMs: 100 }),
    quiet,
    hanging.say,
  );
  deaf.start();
  const took = await hanging.until(1);
  deaf.stop();
  t.same(hanging.said, [false], "no result in time is a failure");
  t.ok(took < 10_000, `after ${took} ms`);

  const missing = new Words();
  const plan = script("gone", "exit 0");
  rmSync(plan.script.argv[0]!);
  const gone = new ScriptTracker(plan, quiet, missing.say);
  gone.start();
  await missing.until(1);
  gone.stop();
  t.same(missing.said, [false], "a missing program too");

  const forbidden = new Words();
  const insecure = { ...plan, script: { ...plan.script, enabled: false } };
  const refused = new ScriptTracker(insecure, quiet, forbidden.say);
  refused.start();
  refused.stop();
  t.same(forbidden.said, [false], "and what must not be run");
});

t.test("files", async (t) => {
  const path = join(folder, "number");
  const words = new Words();
  const plan = { name: "f", path, weight: 1, reverse: false, initFile: { value: 3, overwrite: false }, at: AT };
  const tracker = new FileTracker(plan, quiet, words.say);
  tracker.start();
  writeFileSync(path, "-7\n");
  await words.until(2);
  rmSync(path);
  await words.until(words.said.length + 1);
  tracker.stop();
  t.same(words.said.slice(0, 2), [3, -7], "the empty file in between does not count");
  t.equal(words.said.at(-1), 0, "a missing file is 0");
});

function proxyPlan(probe: ProxyProbe, changes: Partial<ProxyTrackPlan> = {}): ProxyTrackPlan {
  return {
    name: "web",
    probe,
    intervalMs: 50,
    timeoutMs: 200,
    weight: 0,
    reverse: false,
    rise: 1,
    fall: 3,
    graceMs: 10,
    workerTimeoutMs: 300,
    require: [],
    at: AT,
    ...changes,
  };
}

/** A runtime API that answers as a proxy with `up` servers does. */
class StandInProxy {
  up = 2;
  isHanging = false;
  isStopping = false;
  isRingway = false;
  loops = 0;
  stuckLoops = 0;
  report = "";
  connections = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(path: string) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      this.connections++;
      // The successor.
      this.isStopping = false;
      socket.on("data", (bytes) => {
        if (this.isHanging) return;
        for (const command of bytes.toString("latin1").split("\n").slice(0, -1)) {
          socket.write(command === "prompt" ? "\n> " : `${this.#answer(command)}\n\n> `);
        }
      });
      socket.on("error", () => {});
    }).listen(path);
  }

  /** As when the process dies: every connection ends and nobody listens. */
  die(): void {
    this.#server.close();
    this.drop();
  }

  /** Connections end, the next one is taken: a reload. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  #answer(command: string): string {
    if (command.startsWith("show stat")) return this.#stat();
    if (command === "show info") return `Name: HAProxy\nStopping: ${this.isStopping ? 1 : 0}`;
    if (command.startsWith("set ha state ") && this.isRingway) this.report = command.slice(13);
    if (command === "show ha" && this.isRingway) return "No HA sidecar";
    if (command === "show activity" && this.isRingway) return `loops: 30 [ ${this.loops++} ${this.stuckLoops} ]`;
    return "Unknown command: maybe one of the following ones is a better match";
  }

  #stat(): string {
    const rows = ["s1", "s2"].map((name, index) => `web,${name},${index < this.up ? "UP" : "DOWN"},2,`);
    return ["# pxname,svname,status,type,", "web,FRONTEND,OPEN,0,", ...rows, "web,BACKEND,UP,1,", ""].join("\n");
  }
}

t.test("a proxy's runtime API: reload, lost servers, hanging, death", async (t) => {
  const path = join(folder, "proxy.sock");
  const proxy = new StandInProxy(path);
  const words = new Words();
  const require = [{ backend: "web", serversUpMin: 1, isPercent: false }];
  const tracker = new ProxyTracker(proxyPlan({ kind: "socket", path }, { require }), quiet, words.say);
  tracker.start();
  await words.until(1);
  t.same(words.said, [true]);

  proxy.drop();
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.same(words.said, [true], "a reload is no failure");

  proxy.up = 0;
  await words.until(2);
  proxy.up = 1;
  await words.until(3);
  t.same(words.said, [true, false, true], "the required servers count");

  proxy.isHanging = true;
  const hung = await words.until(4);
  t.ok(hung > 300 && hung < 10_000, `a hanging proxy is found in ${hung} ms`);
  proxy.isHanging = false;
  await words.until(5);

  const diedMs = performance.now();
  proxy.die();
  await words.until(6);
  const took = performance.now() - diedMs;
  tracker.stop();
  t.equal(words.said.at(-1), false);
  t.ok(took < 1000, `its death is known after ${took.toFixed(1)} ms`);
});

t.test("a runtime API of ringway: workers, reports; a process that stops", async (t) => {
  const path = join(folder, "ringway.sock");
  const proxy = new StandInProxy(path);
  proxy.isRingway = true;
  const words = new Words();
  const tracker = new ProxyTracker(proxyPlan({ kind: "socket", path }), quiet, words.say);
  tracker.start();
  await words.until(1);
  const turning = setInterval(() => proxy.stuckLoops++, 50);
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.same(words.said, [true], "loops that move are fine");
  clearInterval(turning);
  const stuck = await words.until(2);
  t.ok(stuck > 200 && stuck < 10_000, `a worker that stands still is found in ${stuck} ms`);
  proxy.stuckLoops++;
  await words.until(3);
  tracker.tell((verdict) => Buffer.from(verdict).toString("base64url"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(Buffer.from(proxy.report, "base64url").toString(), "up");

  const before = proxy.connections;
  proxy.isStopping = true;
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.ok(proxy.connections > before, "a process that stops is left for its successor");
  tracker.stop();
  t.same(words.said, [true, false, true]);
  proxy.die();
});

t.test("a successor that needs a moment", async (t) => {
  const path = join(folder, "moment.sock");
  const first = new StandInProxy(path);
  const words = new Words();
  const tracker = new ProxyTracker(proxyPlan({ kind: "socket", path }, { graceMs: 1000 }), quiet, words.say);
  tracker.start();
  await words.until(1);
  first.die();
  await new Promise((resolve) => setTimeout(resolve, 60));
  const second = new StandInProxy(path);
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.same(words.said, [true]);
  t.ok(second.connections > 0);
  tracker.stop();
  second.die();
});

t.test("other probes", async (t) => {
  const server = createHttpServer((request, response) => {
    response.statusCode = request.url === "/health" ? 204 : 503;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const loopback = address("127.0.0.1");
  const first = async (probe: ProxyProbe) => {
    const words = new Words();
    const tracker = new ProxyTracker(proxyPlan(probe), quiet, words.say);
    tracker.start();
    await words.until(1);
    tracker.stop();
    return words.said[0];
  };
  t.equal(await first({ kind: "tcp", address: loopback, port }), true);
  t.equal(await first({ kind: "http", address: loopback, port, path: "/health", host: "x" }), true);
  t.equal(await first({ kind: "http", address: loopback, port, path: "/", host: "x" }), false, "status 503");
  server.close();
  server.closeAllConnections();
  t.equal(await first({ kind: "tcp", address: loopback, port }), false, "nobody listens");

  const pidFile = join(folder, "proxy.pid");
  writeFileSync(pidFile, `${process.pid}\n`);
  t.equal(await first({ kind: "pidfile", path: pidFile }), true);
  const sleeper = spawn("sleep", ["60"], { stdio: "ignore" });
  writeFileSync(pidFile, `${sleeper.pid}\n`);
  const slow = new Words();
  const plan = proxyPlan({ kind: "pidfile", path: pidFile }, { intervalMs: 60_000, timeoutMs: 60_000 });
  const watching = new ProxyTracker(plan, quiet, slow.say);
  watching.start();
  await slow.until(1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  sleeper.kill("SIGKILL");
  const took = await slow.until(2);
  watching.stop();
  t.same(slow.said, [true, false]);
  t.ok(took < 3000, `its end is seen by pidfd after ${took.toFixed(1)} ms, not at the next question`);

  writeFileSync(pidFile, "4194304\n");
  t.equal(await first({ kind: "pidfile", path: pidFile }), false, "no such process");
  rmSync(pidFile);
  t.equal(await first({ kind: "pidfile", path: pidFile }), false, "no such file");
});

const processPlan = (changes: Partial<TrackProcessPlan>): TrackProcessPlan => ({
  name: "p",
  command: "sleep",
  parameters: null,
  parameterMatch: "exact",
  weight: 1,
  reverse: false,
  fullCommand: false,
  quorum: 1,
  quorumMax: null,
  forkDelayMs: 0,
  terminateDelayMs: 0,
  at: AT,
  ...changes,
});

t.test("processes", async (t) => {
  const entry = { comm: "haproxy", argv: ["/usr/sbin/haproxy", "-W", "-f", "/etc/haproxy.cfg"] };
  const matches = (changes: Partial<TrackProcessPlan>) => matchesProcess(processPlan(changes), entry);
  t.equal(matches({ command: "haproxy" }), true);
  t.equal(matches({ command: "haprox" }), false);
  t.equal(matches({ command: "/usr/sbin/haproxy", fullCommand: true }), true);
  t.equal(matches({ command: "haproxy", parameters: ["-W"] }), false, "exact");
  t.equal(matches({ command: "haproxy", parameters: ["-W"], parameterMatch: "partial" }), true);
  t.equal(matches({ command: "haproxy", parameters: ["-W", "-"], parameterMatch: "initial" }), true);
  t.equal(matches({ command: "haproxy", parameters: ["-", "-f"], parameterMatch: "initial" }), false);
  const long = { comm: "a-very-long-nam", argv: ["x"] };
  t.equal(matchesProcess(processPlan({ command: "a-very-long-name-of-a-program" }), long), true);

  const marks = ["60.0371", "60.0372"];
  const [words, delayed] = [new Words(), new Words()];
  const tracker = new ProcessTracker(quiet);
  const plan = processPlan({ parameters: ["60.037"], parameterMatch: "initial", quorum: 2 });
  tracker.add(plan, words.say);
  tracker.add({ ...plan, terminateDelayMs: 600 }, delayed.say);
  tracker.start();
  await words.until(1);
  const sleepers = marks.map((mark) => spawn("sleep", [mark], { stdio: "ignore" }));
  await words.until(2);
  t.same(words.said, [false, true], "the quorum is there");
  await new Promise((resolve) => setTimeout(resolve, 400));
  sleepers[0]!.kill("SIGKILL");
  const took = await words.until(3);
  t.ok(took < 3000, `a death is seen after ${took.toFixed(1)} ms`);
  const late = await delayed.until(3);
  t.ok(late > 300, `terminate_delay holds it back, ${late.toFixed(0)} ms more`);
  tracker.stop();
  sleepers[1]!.kill("SIGKILL");
  t.same(delayed.said, [false, true, false]);
});

t.test("requirements", async (t) => {
  const stat = "# pxname,svname,status,type,\na,s1,UP,2,\na,s2,UP 1/2,2,\na,s3,DOWN,2,\nb,s1,no check,2,\n";
  const unmet = (backend: string, serversUpMin: number, isPercent = false) =>
    unmetRequirement(stat, [{ backend, serversUpMin, isPercent }]);
  t.equal(unmet("a", 2), null);
  t.match(unmet("a", 3), /2 of 3 servers up, 3 are required/);
  t.equal(unmet("a", 60, true), null);
  t.match(unmet("a", 70, true), /3 are required/);
  t.equal(unmet("b", 1), null);
  t.match(unmet("c", 1), /0 of 0/);
  t.match(unmetRequirement("Unknown command", [{ backend: "a", serversUpMin: 1, isPercent: false }]), /not answered/);
});
