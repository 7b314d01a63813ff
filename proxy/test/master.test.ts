// The master: what clients see of a reload (nothing), what operators see of it, and what happens when things go wrong on the way.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import t from "tap";
import { encodeUnixPath } from "../../shared/abi/sockaddr.ts";
import { close } from "../../shared/ffi/file.ts";
import { AF_UNIX, bind, MSG_DONTWAIT, recv, SOCK_DGRAM, socket } from "../../shared/ffi/socket.ts";
import { basics, listen } from "./lab/config.ts";
import { header } from "./lab/http-message.ts";
import { get, startHttpOrigin } from "./lab/http-origin.ts";
import { freePort, freePorts } from "./lab/ports.ts";
import { IS_HAPROXY, type Program, startProgram, type Teardown } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";
import { command } from "./lab/runtime-api.ts";
import { sleep, until, within } from "./lab/time.ts";

t.setTimeout(120_000);

/** A master with its CLI on TCP, serving `config`. */
async function startMaster(t: Teardown, config: string, args: readonly string[] = []) {
  const cliPort = await freePort();
  const program = await startProgram(t, { config, args: ["-W", "-S", `127.0.0.1:${cliPort}`, ...args] });
  const cli = (line: string) => command(`127.0.0.1:${cliPort}`, line);
  await until("the first generation serves", async () => (await cli("@1 show info")).includes("Pid:"));
  return { program, cli };
}

const rewrite = (program: Program, config: string): void => writeFileSync(join(program.folder, "cfg"), config);

/** The pid of the generation that serves. */
async function servingPid(cli: (line: string) => Promise<string>): Promise<number> {
  return Number(/# workers\n(\d+)/.exec(await cli("show proc"))?.[1] ?? 0);
}

/** Sends requests until told to stop and counts what became of them. */
function client(port: number, keepAlive: boolean): { stop(): Promise<{ answered: number; failed: string[] }> } {
  const agent = new Agent({ keepAlive, maxSockets: 1 });
  const failed: string[] = [];
  let answered = 0;
  let running = true;
  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const message = request({ port, host: "127.0.0.1", agent }, (response) => {
        response.resume();
        response.on("end", () => {
          if (response.statusCode === 200) answered++;
          else failed.push(`status ${response.statusCode}`);
          resolve();
        });
        response.on("error", (error) => {
          failed.push(String(error));
          resolve();
        });
      });
      message.on("error", (error) => {
        failed.push(String(error));
        resolve();
      });
      message.end();
    });
  const loop = (async () => {
    while (running) await once();
  })();
  return {
    async stop() {
      running = false;
      await loop;
      agent.destroy();
      return { answered, failed };
    },
  };
}

t.test("reloads under load lose no request, and states set by hand survive them", async (t) => {
  const origin = await startHttpOrigin(t, { name: "o" });
  const [port, stats] = await freePorts(2);
  const server = (name: string) => `server ${name} 127.0.0.1:${origin.port} weight 5`;
  const config = (extra = "") =>
    basics(`nbthread 2\nstats socket 127.0.0.1:${stats} level admin`) +
    listen("l", port!, `${server("s1")}\n${server("s2")}\n${server("s3")} disabled\n${extra}`);
  const { program, cli } = await startMaster(t, config());
  await cli("@1 set server l/s1 weight 7; @1 set server l/s2 state drain; @1 set server l/s3 state ready");

  // A download that is longer than everything that follows.
  const slow = await connect(t, port!);
  slow.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n");

  const clients = [true, true, true, false, false].map((keepAlive) => client(port!, keepAlive));
  const pids = new Set([await servingPid(cli)]);
  for (const nbthread of [2, 3, 1, 2]) {
    rewrite(program, config(nbthread === 3 ? server("s4") : "").replace(/nbthread \d/, `nbthread ${nbthread}`));
    const answer = await cli("reload");
    t.match(answer, /^Success=1\n--\n/);
    pids.add(await servingPid(cli));
    await sleep(200);
  }
  t.equal(pids.size, 5, "a new generation each time");
  for (const each of clients) {
    const { answered, failed } = await each.stop();
    t.same(failed, []);
    t.ok(answered > 50, `${answered} requests`);
  }
  slow.send("\r\n");
  const late = await slow.response();
  t.same([late.status, header(late, "connection"), late.body], [200, "close", "o\n"], "served all the same");

  const states = await command(`127.0.0.1:${stats}`, "show servers state l");
  const weights = [...states.matchAll(/^\d+ l \d+ (s\d) \S+ (\d) (\d+) (\d+) (\d+) /gm)].map((found) => found.slice(1));
  t.same(weights, [
    ["s1", "2", "0", "7", "5"],
    ["s2", "2", "8", "5", "5"],
    ["s3", "2", "4", "5", "5"],
  ]);
  await until("former generations are gone", async () => !(await cli("show proc")).includes("# old workers"));
  t.match(
    await cli("show proc"),
    /^#<PID>\s+<type>\s+<reloads>\s+<uptime>\s+<version>\n\d+\s+master\s+4 \[failed: 0\]/,
  );
});

t.test("a configuration that does not load changes nothing and is told everywhere", async (t) => {
  const origin = await startHttpOrigin(t, { name: "o" });
  const [port, other, taken] = await freePorts(3);
  const config = basics() + listen("l", port!, `server s 127.0.0.1:${origin.port}`);
  const { program, cli } = await startMaster(t, config);
  const before = await servingPid(cli);

  rewrite(program, `${config}  nonsense\n`);
  const answer = await cli("reload");
  t.match(answer, /^Success=0\n--\n[\s\S]*unknown keyword 'nonsense'/);
  t.match(program.stderr, /unknown keyword 'nonsense'/);
  t.match(await cli("show startup-logs"), /unknown keyword 'nonsense'/);
  t.match(await cli("show proc"), /master\s+0 \[failed: 1\]/);

  // An address that somebody else has, beside one that would be new: neither stays behind.
  const squatter = await startHttpOrigin(t, { port: taken! });
  const twoMore = listen("m", other!, `bind 127.0.0.1:${taken}\nserver s 127.0.0.1:${origin.port}`);
  rewrite(program, config + twoMore);
  t.match(await cli("reload"), /^Success=0\n--\n[\s\S]*Address already in use/);
  t.equal(await servingPid(cli), before, "the same generation");
  t.equal((await get(port!)).body, "o\n");
  await t.rejects(get(other!, "/", { limitMs: 2000 }), "the new address is not bound");

  await squatter.stop();
  program.signal("SIGUSR2");
  await until("the new address serves", () =>
    get(other!).then(
      (response) => response.body === "o\n",
      () => false,
    ),
  );
  rewrite(program, config);
  program.signal("SIGHUP");
  await until("it is gone again", () =>
    get(other!, "/", { limitMs: 2000 }).then(
      () => false,
      () => true,
    ),
  );
  t.equal((await get(port!)).body, "o\n");
});

t.test("a generation that is killed is replaced, with what it knew", async (t) => {
  const origin = await startHttpOrigin(t, { name: "o" });
  const port = await freePort();
  const config = basics() + listen("l", port, `server s 127.0.0.1:${origin.port}`);
  const { program, cli } = await startMaster(t, config);
  await cli("@1 set server l/s weight 50");
  // Asked for by the reload, so that the death does not have to wait for the next round of questions.
  await cli("reload");
  const first = await servingPid(cli);
  await until("a standby waits", async () => (await cli("show proc debug")).includes("# standby (prepared)"));
  const killedAt = performance.now();
  process.kill(first, "SIGKILL");
  // The dying ring may still accept one, which is reset with it.
  const answer = await get(port).catch(() => get(port));
  t.equal(answer.body, "o\n", "what connects meanwhile waits and is served");
  t.comment(`${Math.round(performance.now() - killedAt)} ms from the kill to an answer`);
  t.not(await servingPid(cli), first);
  t.match(program.stderr, new RegExp(`Current worker \\(${first}\\) exited with code 137 \\(Killed\\)`));
  t.match(await cli("@1 get weight l/s"), /^50 \(initial 1\)/);
  t.equal((await cli("@1 show stat")).split("\n")[0]?.slice(0, 8), "# pxname", "long answers come whole");
});

t.test("-Ws tells systemd, -p names the master, and the end is HAProxy's", async (t) => {
  const origin = await startHttpOrigin(t, { name: "o" });
  const port = await freePort();
  const config = basics() + listen("l", port, `server s 127.0.0.1:${origin.port}`);
  const path = `/tmp/ringway-notify-${process.pid}`;
  const fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  t.equal(bind(fd, encodeUnixPath(path)!), 0);
  t.teardown(() => {
    close(fd);
    execFile("rm", ["-f", path]);
  });
  const heard = (): string => {
    const bytes = new Uint8Array(4096);
    const length = recv(fd, bytes, MSG_DONTWAIT);
    return length < 0 ? "" : Buffer.from(bytes.subarray(0, length)).toString();
  };
  const program = await startProgram(t, {
    config,
    args: ["-Ws", "-p", "pid"],
    env: { NOTIFY_SOCKET: path },
  });
  const ready = await until("READY", heard);
  t.equal(ready, `READY=1\nMAINPID=${program.pid}\nSTATUS=Ready.\n`);
  t.equal(readFileSync(join(program.folder, "pid"), "latin1"), `${program.pid}\n`);
  program.signal("SIGUSR2");
  t.match(await until("RELOADING", heard), /^RELOADING=1\nSTATUS=Reloading Configuration\.\nMONOTONIC_USEC=\d+\n$/);
  t.match(await until("READY again", heard), /^READY=1\n/);
  program.signal("SIGINT");
  t.same(await within("the end", program.exited), { code: 130, signal: null });
  t.equal(heard(), "STOPPING=1\n");
});

t.test("-sf ends the old process once the new one serves", { skip: IS_HAPROXY }, async (t) => {
  const origin = await startHttpOrigin(t, { name: "o" });
  const port = await freePort();
  const config = basics() + listen("l", port, `server s 127.0.0.1:${origin.port}`);
  const old = await startProgram(t, { config });
  const next = await startProgram(t, { config, args: ["-sf", String(old.pid)], noWait: true });
  t.same(await within("the old one's end", old.exited), { code: 0, signal: null });
  t.equal((await get(port)).body, "o\n");
  t.equal(next.exit, null);
});
