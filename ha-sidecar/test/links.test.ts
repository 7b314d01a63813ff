// Interfaces that come, go and change under a daemon, addresses with every option beside keepalived's, reloads, an upgrade in place from keepalived,
// a machine that is busy. In network namespaces; needs root, iproute2 and keepalived.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import t from "tap";
import { type Host, Lan, labObstacle } from "./lab/namespaces.ts";
import {
  configurationOf,
  type Settings,
  type Sidecar,
  sleep,
  startKeepalived,
  startSidecar,
  stateOf,
  until,
} from "./lab/peers.ts";

const ADDRESS = "10.99.0.100";
const FAST: Settings = { version: 3, priority: 100, intervalMs: 100, addresses: [`${ADDRESS}/24`] };

t.jobs = 4;
t.setTimeout(120_000);
const why =
  labObstacle() ?? (spawnSync("keepalived", ["--version"]).status === 0 ? null : "keepalived is not installed");
if (why === null) defineTests();
else if (process.env["CI"] === "true" && process.getuid?.() === 0) t.fail(`links could not be tested: ${why}`);
else t.comment(`SKIPPED: links were not tested: ${why}`);

async function onLan(names: string, run: (lan: Lan, ...hosts: Host[]) => Promise<void>): Promise<void> {
  const lan = new Lan();
  try {
    await run(lan, ...[...names].map((name, index) => lan.addHost(name, `10.99.0.${index + 1}/24`)));
  } finally {
    await lan.remove();
  }
}

const isMaster = async (ours: Sidecar): Promise<boolean> => (await stateOf(ours)).state === "MASTER";

async function untilState(ours: Sidecar, state: string): Promise<void> {
  for (let tries = 0; (await stateOf(ours)).state !== state; tries++) {
    if (tries > 750) throw new Error(`waited in vain for ${state}: ${(await stateOf(ours)).state}\n${ours.output}`);
    await sleep(20);
  }
}

/** Lines of an address as `ip` shows it, without what differs from run to run. */
function shown(host: Host): string[] {
  const text = host.ip("address", "show", "dev", "eth0");
  return [...text.matchAll(/^ +inet6? (?!fe80)(.*)$/gm)]
    .map(([, line]) => line!.trim())
    .filter((line) => !line.startsWith("10.99.0.1/") && !line.startsWith("10.99.0.2/"))
    .sort();
}

function defineTests(): void {
  t.test("an interface that is not there at first, flaps, is deleted, renamed", { buffered: true }, async (t) => {
    await onLan("a", async (lan, a) => {
      a.ip("link", "del", "eth0");
      const ours = startSidecar(a, configurationOf(a, FAST, ["  dynamic_interfaces"]));
      await until(() => /FAULT/.test(ours.output), "it starts without the interface");
      lan.plug(a, "10.99.0.1/24");
      await until(() => a.has(ADDRESS), "it is there: master");

      for (let i = 0; i < 10; i++) {
        lan.setPort(a, false);
        await sleep(20);
        lan.setPort(a, true);
        await sleep(20);
      }
      await untilState(ours, "MASTER");
      await until(() => a.has(ADDRESS), "it has come through ten losses of its carrier");

      a.ip("link", "del", "eth0");
      await untilState(ours, "FAULT");
      lan.plug(a, "10.99.0.1/24");
      await untilState(ours, "MASTER");
      await until(() => a.has(ADDRESS), "a new interface of the same name will do");

      a.ip("link", "set", "eth0", "down");
      await untilState(ours, "FAULT");
      a.ip("link", "set", "eth0", "name", "eth9");
      a.ip("link", "set", "eth9", "up");
      await sleep(500);
      t.equal((await stateOf(ours)).state, "FAULT", "under another name it is another one");
      a.ip("link", "set", "eth9", "down");
      a.ip("link", "set", "eth9", "name", "eth0");
      a.ip("link", "set", "eth0", "up");
      await untilState(ours, "MASTER");
      ours.signal("SIGTERM");
      t.equal(await ours.ended, 0);
      t.equal(a.has(ADDRESS), false);
    });
  });

  t.test("another MAC address, and no address of its own", { buffered: true }, async (t) => {
    await onLan("ac", async (_, a, c) => {
      const ours = startSidecar(a, FAST);
      await until(() => a.has(ADDRESS), "it is master");
      // Any packet will do: it makes the neighbour known.
      c.run("bash", "-c", `echo > /dev/udp/${ADDRESS}/9`);
      await until(() => c.ip("neighbour", "show", ADDRESS).includes("lladdr"), "a neighbour");
      a.ip("link", "set", "eth0", "address", "02:00:00:00:00:77");
      await until(
        () => c.ip("neighbour", "show", ADDRESS).includes("02:00:00:00:00:77"),
        "the neighbours are told of it",
        10_000,
      );
      t.equal(await isMaster(ours), true);

      a.ip("address", "del", "10.99.0.1/24", "dev", "eth0");
      await untilState(ours, "FAULT");
      t.match(ours.output, /no IPv4 address|address/i);
      a.ip("address", "add", "10.99.0.1/24", "dev", "eth0");
      await untilState(ours, "MASTER");
      await until(() => a.has(ADDRESS), "and back");
    });
  });

  t.test("addresses with all their options are what keepalived makes of them", { buffered: true }, async (t) => {
    await onLan("ab", async (_, a, b) => {
      const addresses = [
        "10.99.0.100/24 brd 10.99.0.255 dev eth0 scope link label eth0:vip",
        "10.99.0.101/32 dev eth0 scope host",
        "10.99.0.102 dev eth0 label eth0:b",
        "10.99.0.103/25 broadcast + dev eth0 no_track",
      ];
      const extra = ["  virtual_ipaddress_excluded {", "    fd99::100/64 dev eth0 home", "    fd99::101", "  }"];
      const ours = startSidecar(a, configurationOf(a, { ...FAST, addresses }, [], extra));
      await until(() => a.has("10.99.0.103"), "ours has them");
      await until(() => /fd99::101/.test(a.ip("address", "show", "dev", "eth0")), "and the excluded ones");
      const mine = shown(a);
      ours.signal("SIGTERM");
      await ours.ended;
      t.same(shown(a), []);
      startKeepalived(b, configurationOf(b, { ...FAST, addresses }, [], extra));
      await until(() => b.has("10.99.0.103"), "keepalived has them");
      await until(() => /fd99::101/.test(b.ip("address", "show", "dev", "eth0")), "and the excluded ones");
      t.same(mine, shown(b));
    });
  });

  t.test(
    "SIGHUP: addresses, priorities and instances change, a broken file changes nothing",
    { buffered: true },
    async (t) => {
      await onLan("ab", async (_, a, b) => {
        startKeepalived(b, { ...FAST, priority: 50 });
        const ours = startSidecar(a, FAST);
        await until(() => a.has(ADDRESS), "it is master");
        const before = await stateOf(ours);
        const reload = async (text: string, done: () => boolean, what: string): Promise<void> => {
          writeFileSync(ours.file, text);
          ours.signal("SIGHUP");
          await until(done, what);
        };
        const two = { ...FAST, addresses: [...FAST.addresses, "10.99.0.101/24"] };
        await reload(configurationOf(a, two), () => a.has("10.99.0.101"), "an address more");
        await reload(configurationOf(a, FAST), () => !a.has("10.99.0.101"), "an address less");
        t.equal(a.has(ADDRESS), true);
        const second = configurationOf(a, { ...FAST, addresses: ["10.99.0.110/24"] })
          .replace("VI_1", "VI_2")
          .replace("virtual_router_id 50", "virtual_router_id 51");
        await reload(
          configurationOf(a, { ...FAST, priority: 120 }) + second,
          () => a.has("10.99.0.110"),
          "another instance",
        );
        t.match(await stateOf(ours), { state: "MASTER", priority: 120 });
        const from = ours.output.length;
        await reload(
          "vrrp_instance VI_1 {\n  interface eth0\n",
          () => ours.output.length > from,
          "a broken file is told",
        );
        await sleep(500);
        t.equal(a.has(ADDRESS) && a.has("10.99.0.110"), true, "everything stays");
        await reload(configurationOf(a, FAST), () => !a.has("10.99.0.110"), "an instance less");
        const after = await stateOf(ours);
        t.match(after, { state: "MASTER", priority: 100 });
        t.equal(after.releasedMaster, before.releasedMaster, "master all the time");
        t.equal(b.has(ADDRESS), false);
      });
    },
  );

  t.test("in the place of a keepalived that is gone: the address stays all the time", { buffered: true }, async (t) => {
    await onLan("a", async (_, a) => {
      startKeepalived(a, FAST);
      await until(() => a.has(ADDRESS), "keepalived is master");
      await a.killAll();
      t.equal(a.has(ADDRESS), true, "killed, it leaves its address");
      const ours = startSidecar(a, FAST);
      let gaps = 0;
      await until(() => {
        if (!a.has(ADDRESS)) gaps++;
        return /Entering MASTER/.test(ours.output);
      }, "ours is master");
      t.equal(gaps, 0, "adopted");
    });
  });

  t.test("after a partition: two owners for an advert's time, then one", { buffered: true }, async (t) => {
    await onLan("ab", async (lan, a, b) => {
      startSidecar(a, FAST);
      await until(() => a.has(ADDRESS), "it is master");
      const other = startSidecar(b, { ...FAST, priority: 90 });
      await until(() => /Entering BACKUP/.test(other.output), "the other is backup");
      for (let round = 0; round < 3; round++) {
        lan.setSilent(a, true);
        await until(() => b.has(ADDRESS), "both are masters");
        await sleep(500);
        t.equal(a.has(ADDRESS), true);
        lan.setSilent(a, false);
        const both = await until(() => !b.has(ADDRESS), "one of them yields");
        t.comment(`two owners for ${both.toFixed(0)} ms after the heal, at adverts of 100 ms`);
        t.ok(both < 1500, "within an advert, and what a busy machine adds");
        t.equal(a.has(ADDRESS), true, "the higher one stays");
      }
    });
  });

  t.test("a machine that is busy: nobody else becomes master", { buffered: true }, async (t) => {
    await onLan("ab", async (_, a, b) => {
      const ours = startSidecar(a, FAST);
      await until(() => a.has(ADDRESS), "it is master");
      const other = startSidecar(b, { ...FAST, priority: 90 });
      await until(() => /Entering BACKUP/.test(other.output), "the other is backup");
      const hogs: ChildProcess[] = [];
      const script =
        "const end=Date.now()+3000;let a=[];while(Date.now()<end){a.push(new Array(1e4).fill(1));if(a.length>500)a=[]}";
      for (let i = 0; i < 4; i++) hogs.push(spawn(process.execPath, ["-e", script], { stdio: "ignore" }));
      await Promise.all(hogs.map((hog) => new Promise((resolve) => hog.once("exit", resolve))));
      t.equal(await isMaster(ours), true);
      t.notMatch(other.output, /Entering MASTER/, "not even for a moment");
    });
  });
}
