// Signed adverts on a real LAN: authentication headers with Debian's keepalived in both roles, trailers between daemons of ours over IPv6. Needs
// root, iproute2 and keepalived.

import { spawnSync } from "node:child_process";
import t from "tap";
import { type Host, Lan, labObstacle } from "./lab/namespaces.ts";
import { configurationOf, type Settings, sleep, startKeepalived, startSidecar, stateOf, until } from "./lab/peers.ts";

const ADDRESS = "10.99.0.100";
const FAST: Settings = { version: 3, priority: 100, intervalMs: 100, addresses: [`${ADDRESS}/24`] };

// Every scene has a network of its own, and mostly waits.
t.jobs = 3;
t.setTimeout(120_000);
const why =
  labObstacle() ?? (spawnSync("keepalived", ["--version"]).status === 0 ? null : "keepalived is not installed");
if (why === null) defineTests();
else if (process.env["CI"] === "true" && process.getuid?.() === 0) t.fail(`signatures could not be tested: ${why}`);
else t.comment(`SKIPPED: signed adverts were not tested with keepalived: ${why}`);

async function onLan(run: (a: Host, b: Host) => Promise<void>): Promise<void> {
  const lan = new Lan();
  try {
    const hosts = ["a", "b"].map((name, index) =>
      lan.addHost(name, `10.99.0.${index + 1}/24`, `fd99::${index + 1}/64`),
    );
    const isReady = (host: Host) => !/tentative/.test(host.ip("-6", "address", "show", "dev", "eth0"));
    await until(() => hosts.every(isReady), "DAD ends");
    await run(hosts[0]!, hosts[1]!);
  } finally {
    await lan.remove();
  }
}

function defineTests(): void {
  const lines = ["  authentication {", "    auth_type AH", "    auth_pass s3cr3t99", "  }"];
  for (const peers of [false, true]) {
    t.test(
      `authentication headers with keepalived, ${peers ? "unicast" : "multicast"}`,
      { buffered: true },
      async (t) => {
        await onLan(async (a, b) => {
          const of = (host: Host, other: Host, priority: number) => {
            const settings: Settings = { ...FAST, version: 2, intervalMs: 1000, priority };
            return configurationOf(host, peers ? { ...settings, peers: [other.address] } : settings, [], lines);
          };
          const keepalived = startKeepalived(b, of(b, a, 90));
          await until(() => b.has(ADDRESS), "keepalived is master");
          const ours = startSidecar(a, of(a, b, 80));
          await until(() => /Entering BACKUP/.test(ours.output), "ours is backup");
          await sleep(4500);
          t.match(await stateOf(ours), { state: "BACKUP", rejected: {} }, "its headers are believed");
          keepalived.signal("SIGTERM");
          await until(() => a.has(ADDRESS), "ours takes over");
          const lower = startKeepalived(b, of(b, a, 70));
          await until(() => /Entering BACKUP STATE/.test(lower.output), "keepalived is backup");
          await sleep(2000);
          ours.signal("SIGHUP");
          await until(() => /new configuration is in force/.test(ours.output), "reloaded");
          await sleep(4500);
          t.equal(a.has(ADDRESS) && !b.has(ADDRESS), true, "ours are, also after a reload");
          t.notMatch(lower.output, /Entering MASTER|IPSEC|invalid/);
        });
      },
    );
  }

  t.test("auth_hmac over IPv6: signed ones are believed, others are not", { buffered: true }, async (t) => {
    await onLan(async (a, b) => {
      const settings: Settings = { ...FAST, addresses: ["fe80::100/64", "fd99::100/64"] };
      const key = (byte: string) => ["  auth_hmac {", `    key 1 hex:${byte.repeat(32)}`, "  }"];
      const master = startSidecar(a, configurationOf(a, settings, [], key("a7")));
      await until(() => a.has("fd99::100"), "a is master");
      const backup = startSidecar(b, configurationOf(b, { ...settings, priority: 90 }, [], key("a7")));
      await until(() => /Entering BACKUP/.test(backup.output), "b is backup");
      await sleep(1500);
      t.match(await stateOf(backup), { state: "BACKUP", rejected: {} });
      t.ok((await stateOf(backup)).advertsReceived > 3);
      await backup.kill();
      const stranger = startSidecar(b, configurationOf(b, { ...settings, priority: 200 }, [], key("b7")));
      await until(() => b.has("fd99::100"), "who has another key hears nobody");
      await sleep(500);
      const { state, rejected } = await stateOf(master);
      t.equal(state, "MASTER", "and is not heard, whatever its priority is");
      t.ok(rejected["authentication trailer that does not fit"]! > 0);
      await until(() => /authentication trailer that does not fit/.test(stranger.output), "it says so");
    });
  });
}
