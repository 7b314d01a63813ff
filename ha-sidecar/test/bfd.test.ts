// BFD on a real LAN: with keepalived's own, and what ours makes of it: a host that is lost is replaced within the detection time although
// adverts come once a second. Needs root, iproute2 and keepalived.

import { spawnSync } from "node:child_process";
import t from "tap";
import { type Host, Lan, labObstacle } from "./lab/namespaces.ts";
import {
  Client,
  configurationOf,
  type Settings,
  sleep,
  startEchoes,
  startKeepalived,
  startSidecar,
  stateOf,
  until,
} from "./lab/peers.ts";

const ADDRESS = "10.99.0.100";
const SLOW: Settings = { version: 2, priority: 100, intervalMs: 1000, addresses: [`${ADDRESS}/24`] };

const tracked = ["  track_bfd {", "    peer", "  }"];

/** What BFD_CHECK needs. */
const CHECKED = `virtual_server 10.99.0.200 80 {
  lb_kind NAT
  protocol TCP
  real_server 10.99.0.2 80 {
    BFD_CHECK {
      name peer
    }
  }
}
`;

// Every scene has a network of its own, and mostly waits.
t.jobs = 2;
t.setTimeout(120_000);
const why =
  labObstacle() ?? (spawnSync("keepalived", ["--version"]).status === 0 ? null : "keepalived is not installed");
if (why === null) defineTests();
else if (process.env["CI"] === "true" && process.getuid?.() === 0) t.fail(`BFD could not be tested: ${why}`);
else t.comment(`SKIPPED: BFD with keepalived was not tested: ${why}`);

function bfd(neighbour: Host): string {
  return `bfd_instance peer {\n  neighbor_ip ${neighbour.address}\n  min_rx 20\n  min_tx 20\n  multiplier 3\n  idle_tx 200\n}\n`;
}

async function onLan(run: (lan: Lan, a: Host, b: Host, c: Host) => Promise<void>): Promise<void> {
  const lan = new Lan();
  try {
    const [a, b, c] = ["a", "b", "c"].map((name, index) => lan.addHost(name, `10.99.0.${index + 1}/24`)) as [
      Host,
      Host,
      Host,
    ];
    await run(lan, a, b, c);
  } finally {
    await lan.remove();
  }
}

function defineTests(): void {
  t.test(
    "track_bfd: a session with keepalived comes up, and a fault follows its loss",
    { buffered: true },
    async (t) => {
      await onLan(async (_, a, b) => {
        const keepalived = startKeepalived(b, bfd(a) + configurationOf(b, { ...SLOW, priority: 90 }, [], tracked));
        const ours = startSidecar(a, bfd(b) + configurationOf(a, SLOW, [], tracked) + CHECKED);
        await until(() => /bfd_instance peer is up/.test(ours.output), "the session is up");
        await until(() => /Entering BACKUP STATE: no longer: bfd peer failed/.test(ours.output), "and the fault ends");
        await until(() => a.has(ADDRESS), "we are master", 16_000);
        await keepalived.kill();
        await b.killAll();
        await until(() => !a.has(ADDRESS), "its loss is a fault", 6_000);
        await until(() => ours.output.match(/FAULT STATE: bfd peer failed/g)?.length === 2, "and said to be one");
        t.match(ours.output, /bfd_instance peer is down: nothing was heard for the detection time/);
        const failed = /BFD_CHECK failed: the session peer is down\. Removing service \[10\.99\.0\.2\]:tcp:80 from VS/;
        await until(() => failed.test(ours.output), "the real server is removed");
        startKeepalived(b, bfd(a) + configurationOf(b, { ...SLOW, priority: 90 }, [], tracked));
        await until(() => /BFD_CHECK succeeded\. Adding service \[10\.99\.0\.2\]/.test(ours.output), "and comes back");
      });
    },
  );

  t.test("peer_bfd: a lost host is replaced long before its adverts are missed", { buffered: true }, async (t) => {
    await onLan(async (lan, a, b, c) => {
      await startEchoes(a, b);
      const peer = ["  peer_bfd peer"];
      const master = startSidecar(a, bfd(b) + configurationOf(a, SLOW, [], peer));
      await until(() => a.has(ADDRESS), "a is master");
      const backup = startSidecar(b, bfd(a) + configurationOf(b, { ...SLOW, priority: 90 }, [], peer));
      await until(() => /bfd_instance peer is up/.test(backup.output), "the session is up");
      const client = new Client(c, ADDRESS);
      await until(() => client.owner === "a", "the client reaches a");
      await sleep(1500);
      lan.setSilent(a, true);
      await until(() => client.owner === "b", "b answers", 6_000);
      const gap = await client.gapMs();
      t.comment(`host lost, adverts once a second: ${gap.toFixed(0)} ms without an answer (keepalived 3120-3203)`);
      t.ok(gap < 2500);
      await until(() => /Entering MASTER STATE: the peer's BFD session is down/.test(backup.output), "it says why");
      lan.setSilent(a, false);
      await until(() => a.has(ADDRESS) && !b.has(ADDRESS), "one owner after the heal", 10_000);
      await until(() => (backup.output.match(/bfd_instance peer is up/g)?.length ?? 0) === 2, "and a session", 10_000);

      // A reload, and an orderly end of BFD, are no loss.
      master.signal("SIGHUP");
      await until(() => /new configuration is in force/.test(master.output), "reloaded");
      await sleep(1000);
      t.equal((await stateOf(backup)).state, "BACKUP", "a reload of the master is no loss");
      t.equal(a.has(ADDRESS), true);
    });
  });
}
