// What an operator does with the daemon on a real LAN: drills, metrics, network namespaces by configuration, starts that cannot work. Needs root and
// iproute2.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import t from "tap";
import { type Host, Lan, labObstacle, Program } from "./lab/namespaces.ts";
import {
  configurationOf,
  MAIN,
  type Settings,
  startKeepalived,
  startSidecar,
  stateOf,
  until,
  write,
} from "./lab/peers.ts";

const ADDRESS = "10.99.0.100";
const FAST: Settings = { version: 3, priority: 100, intervalMs: 100, addresses: [`${ADDRESS}/24`] };

// Every scene has a network of its own, and mostly waits.
t.jobs = 4;
t.setTimeout(120_000);
const why = labObstacle();
if (why === null) defineTests();
else if (process.env["CI"] === "true" && process.getuid?.() === 0) t.fail(`operation could not be tested: ${why}`);
else t.comment(`SKIPPED: drills, metrics and namespaces were not tested: ${why}`);

async function onLan(run: (a: Host, b: Host) => Promise<void>): Promise<void> {
  const lan = new Lan();
  try {
    await run(lan.addHost("a", "10.99.0.1/24"), lan.addHost("b", "10.99.0.2/24"));
  } finally {
    await lan.remove();
  }
}

function startDrill(host: Host, controlSocket: string): Program {
  return host.start(process.execPath, MAIN, "drill", "--control-socket", controlSocket);
}

function defineTests(): void {
  t.test(
    "a drill hands over to keepalived and back; without a successor nothing happens",
    { buffered: true },
    async (t) => {
      await onLan(async (a, b) => {
        const hasKeepalived = spawnSync("keepalived", ["--version"]).status === 0;
        const lower = { ...FAST, priority: 90 };
        const settings = configurationOf(a, FAST, ["  handover_timeout 2"]);
        const ours = startSidecar(a, settings);
        await until(() => a.has(ADDRESS), "it is master");
        const alone = startDrill(a, ours.controlSocket);
        let hole = 0;
        await until(() => {
          if (!a.has(ADDRESS)) hole++;
          return /again and the addresses/.test(alone.output);
        }, "a drill without a successor ends");
        t.equal(await alone.ended, 1);
        t.equal(hole, 0, "the address never went away");
        t.match(alone.output, /^VI_1: nobody took over within \d+ ms; it is MASTER again/);
        t.equal((await stateOf(ours)).state, "MASTER");

        const peer = hasKeepalived ? startKeepalived(b, lower) : startSidecar(b, lower);
        await until(() => /BACKUP/.test(peer.output), "the peer is backup");
        const drill = startDrill(a, ours.controlSocket);
        let taken = false;
        await until(() => {
          // Ours first: when it has given up, the other one must have taken.
          const owners = [a, b].filter((host) => host.has(ADDRESS));
          if (owners.length === 0 && !taken) hole++;
          taken ||= owners.length === 1 && owners[0] === b;
          return taken && owners.length === 1 && owners[0] === a;
        }, "the address went to b and came back");
        t.equal(hole, 0, "there was always an owner");
        t.equal(await drill.ended, 0);
        t.match(
          drill.output,
          /^VI_1: 10\.99\.0\.2 \(priority 90\) took over after \d+ ms; our addresses stayed until \d+ ms, so that there was no gap; MASTER again \d+ ms later$/m,
        );
        await until(() => /Entering YIELDING STATE: a drill/.test(ours.output), "the log says so too");
        const elsewhere = startDrill(b, `${ours.controlSocket}-none`);
        t.equal(await elsewhere.ended, 1, "no daemon");
      });
    },
  );

  t.test("metrics, over a reload", { buffered: true }, async (t) => {
    await onLan(async (a) => {
      const text = (port: number) =>
        configurationOf(a, FAST, [
          `  metrics_listen 127.0.0.1 ${port}`,
          "  process_name ha_main",
          "  vrrp_process_name ha_vrrp",
        ]);
      const ours = startSidecar(a, text(9650));
      await until(() => /Entering MASTER/.test(ours.output), "it is master");
      const names = a.run("ps", "-L", "-o", "comm=", "-p", String(ours.pid));
      t.match(names, /^ha_main$/m);
      t.match(names, /^ha_vrrp$/m);
      const ask = (port: number) => a.run("curl", "-s", "-m", "5", `http://127.0.0.1:${port}/metrics`);
      t.match(ask(9650), `keepalived_vrrp_state{iname="VI_1",intf="eth0",vrid="50",ip_address="${ADDRESS}"} 2`);
      writeFileSync(ours.file, text(9651));
      ours.signal("SIGHUP");
      await until(() => /new configuration is in force/.test(ours.output), "reloaded");
      await until(
        () => spawnSync("ip", ["netns", "exec", a.namespace, "curl", "-s", "http://127.0.0.1:9651/"]).status === 0,
        "it listens",
      );
      t.match(ask(9651), /keepalived_become_master_total.* 1$/m);
      t.throws(() => ask(9650), "the old port is closed");
    });
  });

  t.test("net_namespace: the daemon goes where the configuration says", { buffered: true }, async (t) => {
    await onLan(async (a) => {
      const file = write(`net_namespace ${a.namespace}\n${configurationOf(a, FAST)}`);
      const control = `${file}.sock`;
      const start = (...words: string[]) => new Program(spawn(process.execPath, [MAIN, ...words], { detached: true }));
      const ours = start("-n", "-f", file, "--control-socket", control);
      await until(() => a.has(ADDRESS), "it is master there");
      t.equal(
        spawnSync("ip", ["netns", "identify", String(ours.pid)])
          .stdout.toString()
          .trim(),
        a.namespace,
        "same process",
      );
      ours.signal("SIGTERM");
      t.equal(await ours.ended, 0, ours.output);
      t.equal(a.has(ADDRESS), false);

      const tested = start("-t", "-f", file);
      t.equal(await tested.ended, 0, tested.output);
      const nowhere = start("-n", "-s", "rw-nowhere", "-f", file);
      t.equal(await nowhere.ended, 1);
      t.match(nowhere.output, /network namespace rw-nowhere does not exist/);
    });
  });

  t.test("starts that cannot work say why", { buffered: true }, async (t) => {
    await onLan(async (a) => {
      const refused = startSidecar(a, configurationOf(a, FAST).replace("eth0", "eth9"));
      t.not(await refused.ended, 0);
      t.match(refused.output, /eth9/);
      if (!existsSync("/usr/bin/setpriv")) return t.comment("SKIPPED: no setpriv, missing privileges were not tested");
      const file = write(configurationOf(a, FAST));
      const bounds = ["--bounding-set=-net_admin,-net_raw", "--inh-caps=-net_admin,-net_raw"];
      const weak = a.start(
        "setpriv",
        ...bounds,
        process.execPath,
        MAIN,
        "-n",
        "-f",
        file,
        "--control-socket",
        `${file}.s`,
      );
      t.equal(await weak.ended, 1);
      t.match(weak.output, /missing privileges: CAP_NET_ADMIN \(.*\), CAP_NET_RAW \(.*\)/);
    });
  });
}
