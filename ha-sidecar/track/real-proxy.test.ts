// track_proxy with real proxies behind it, HAProxy and ringway: alive, servers that go, reload, death, and what ringway shows of us.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import type { ProxyTrackPlan } from "../plan/track.ts";
import { ProxyTracker } from "./proxy.ts";
import { encodeReport } from "./proxy-report.ts";
import { RuntimeApi } from "./runtime-api.ts";

const RINGWAY = fileURLToPath(new URL("../../proxy/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ringway-real-"));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const KINDS = [
  { name: "ringway", command: [process.execPath, RINGWAY], isThere: true },
  { name: "haproxy", command: ["haproxy"], isThere: spawnSync("haproxy", ["-v"]).status === 0 },
];

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function ask(path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const api = new RuntimeApi(path, { onClosed: (reason) => reject(new Error(reason)) });
    api.connect();
    api.ask(command, (answer) => {
      api.close();
      resolve(answer);
    });
  });
}

async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<number> {
  const startMs = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - startMs > 15_000) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return performance.now() - startMs;
}

for (const { name, command, isThere } of KINDS) {
  t.test(`${name}: servers, reload, death`, { skip: isThere ? false : `${name} is not installed` }, async (t) => {
    const path = join(folder, `${name}.sock`);
    const config = join(folder, `${name}.cfg`);
    const port = await freePort();
    writeFileSync(
      config,
      [
        "global",
        `  stats socket ${path} mode 600 level admin`,
        "defaults",
        "  mode http",
        "  timeout connect 1s",
        "  timeout client 5s",
        "  timeout server 5s",
        "frontend fe",
        `  bind 127.0.0.1:${port}`,
        "  default_backend web",
        "  stats enable",
        "backend web",
        "  server s1 127.0.0.1:9",
        "  server s2 127.0.0.1:9",
        "",
      ].join("\n"),
    );
    const proxy: ChildProcess = spawn(command[0]!, [...command.slice(1), "-W", "-f", config], { stdio: "ignore" });
    t.teardown(() => proxy.kill("SIGKILL"));
    const answers = () =>
      ask(path, "show info").then(
        () => true,
        () => false,
      );
    await until("the first answer", answers);

    const said: boolean[] = [];
    const lines: string[] = [];
    const plan: ProxyTrackPlan = {
      name: "web",
      probe: { kind: "socket", path },
      intervalMs: 50,
      timeoutMs: 2000,
      weight: 0,
      reverse: false,
      rise: 1,
      fall: 2,
      graceMs: 10,
      workerTimeoutMs: 3000,
      require: [{ backend: "web", serversUpMin: 1, isPercent: false }],
      at: { file: "test", line: 1 },
    };
    const tracker = new ProxyTracker(
      plan,
      (_, text) => lines.push(text),
      (up) => said.push(up),
    );
    t.teardown(() => tracker.stop());
    tracker.start();
    await until("up", () => said.length === 1);
    t.same(said, [true]);

    if (name === "ringway") {
      tracker.tell((verdict) => encodeReport("lab", verdict, []));
      await until("show ha", async () => /takes this proxy for up/.test(await ask(path, "show ha")));
    }

    await ask(path, "set server web/s1 state maint");
    await ask(path, "set server web/s2 state maint");
    await until("down", () => said.length === 2);
    await ask(path, "set server web/s2 state ready");
    await until("up again", () => said.length === 3);

    const pidOf = async () => /^Pid: (\d+)$/m.exec(await ask(path, "show info"))?.[1];
    const before = await pidOf();
    proxy.kill("SIGUSR2");
    await until("another process", async () => (await pidOf().catch(() => before)) !== before);
    await new Promise((resolve) => setTimeout(resolve, 300));
    t.same(said, [true, false, true], `a reload is no failure: ${lines.join("; ")}`);

    const pid = Number(await pidOf());
    proxy.kill("SIGKILL");
    process.kill(pid, "SIGKILL");
    const took = await until("its death", () => said.length === 4);
    t.equal(said.at(-1), false);
    t.comment(`death seen after ${took.toFixed(1)} ms`);
    t.ok(took < 3000, `${took.toFixed(1)} ms`);
  });
}
