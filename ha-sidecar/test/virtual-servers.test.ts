// Virtual servers with real traffic: a client, the director, three servers on a LAN. nftables forwards; this kernel's IPVS, if it has one, is not
// used. Needs root and nft.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { askControlSocket } from "../control/control-socket.ts";
import type { VirtualServerState } from "../virtual-server/runner.ts";
import { type Host, Lan, labObstacle } from "./lab/namespaces.ts";
import { type Sidecar, startSidecar, until } from "./lab/peers.ts";

const WEB = fileURLToPath(new URL("./lab/web.js", import.meta.url));
const VIRTUAL = "10.99.0.100";

// One after the other: asking a server blocks this process.
t.setTimeout(120_000);
const why = labObstacle() ?? (existsSync("/usr/sbin/nft") ? null : "there is no nft");
if (why === null) defineTests();
else if (process.env["CI"] === "true" && process.getuid?.() === 0)
  t.fail(`virtual servers could not be tested: ${why}`);
else t.comment(`SKIPPED: virtual servers were not tested: ${why}`);

interface World {
  readonly client: Host;
  readonly director: Host;
  readonly servers: readonly Host[];
  readonly folder: string;
}

/** The servers are in a network of their own, so that answers come back through the director. */
async function inWorld(run: (world: World) => Promise<void>): Promise<void> {
  const lan = new Lan();
  const folder = mkdtempSync(join(tmpdir(), "ringway-lvs-"));
  try {
    const client = lan.addHost("c", "10.99.0.9/24");
    const director = lan.addHost("d", "10.99.0.1/24");
    director.ip("address", "add", "10.98.0.1/24", "dev", "eth0");
    director.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0");
    director.run("sysctl", "-qw", "net.ipv4.conf.eth0.send_redirects=0");
    const servers = [1, 2, 3].map((number) => {
      const server = lan.addHost(`s${number}`, `10.98.0.1${number}/24`);
      server.ip("route", "add", "default", "via", "10.98.0.1");
      return server;
    });
    for (const server of servers) await startWeb(server, join(folder, server.name));
    await run({ client, director, servers, folder });
  } finally {
    await lan.remove();
    rmSync(folder, { recursive: true });
  }
}

async function startWeb(server: Host, ill: string): Promise<void> {
  const web = server.start(process.execPath, WEB, server.name, ill);
  await until(() => web.output.includes("ready"), `${server.name} serves`);
}

const INSTANCE = `vrrp_instance VI_1 {
  state BACKUP
  interface eth0
  virtual_router_id 50
  priority 100
  advert_int 0.1
  version 3
  virtual_ipaddress {
    ${VIRTUAL}/24
  }
}
`;
const HTTP_CHECK = `HTTP_GET {
      url {
        path /health
        status_code 200
      }
      retry 1
      delay_before_retry 0.1
      connect_timeout 1
    }`;

function realServer(address: string, weight: number, lines = HTTP_CHECK): string {
  return `  real_server ${address} 80 {
    weight ${weight}
    ${lines}
  }
`;
}

function virtualServer(servers: string, lines = "lb_algo rr", method = "NAT"): string {
  return `virtual_server ${VIRTUAL} 80 {
  delay_loop 0.2
  lb_kind ${method}
  protocol TCP
  ${lines}
${servers}}
`;
}

/** How often each server answered, as `s1 s2 s3`. */
function askedOf(client: Host, times: number): string {
  const counts = new Map<string, number>();
  for (let i = 0; i < times; i++) {
    const name = client.run("curl", "-s", "-m", "5", `http://${VIRTUAL}/`).trim();
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .sort()
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}

const tables = (host: Host) => host.run("nft", "list", "tables");
const isMaster = (sidecar: Sidecar) => until(() => /Entering MASTER/.test(sidecar.output), "it is master");

async function serversOf(sidecar: Sidecar): Promise<VirtualServerState> {
  return (JSON.parse(await askControlSocket(sidecar.controlSocket, "virtual-servers")) as VirtualServerState[])[0]!;
}

function defineTests(): void {
  t.test(
    "NAT: turns, a server that fails and comes back, the quorum, the sorry server, scripts and FIFOs",
    { buffered: true },
    async (t) => {
      await inWorld(async ({ client, director, folder }) => {
        const script = join(folder, "told");
        const lines = `lb_algo rr
  quorum 1
  quorum_down "/bin/sh -c 'echo quorum down >> ${script}'"
  quorum_up "/bin/sh -c 'echo quorum up >> ${script}'"
  sorry_server 10.98.0.13 80`;
        const notify = `${HTTP_CHECK}
    notify_down "/bin/sh -c 'echo real down >> ${script}'"`;
        const fifo = join(folder, "fifo");
        const globals = `global_defs {\n  lvs_notify_fifo ${fifo}\n  script_user root\n}\n`;
        const servers = realServer("10.98.0.11", 1, notify) + realServer("10.98.0.12", 1);
        const sidecar = startSidecar(director, globals + INSTANCE + virtualServer(servers, lines));
        await isMaster(sidecar);
        const heard = director.start("cat", fifo);
        t.match(sidecar.output, /virtual servers are served by nftables/);
        t.equal(askedOf(client, 10), "s1 5, s2 5", "turns are exact");

        writeFileSync(join(folder, "s1"), "");
        await until(() => /Removing service/.test(sidecar.output), "s1 is removed");
        t.match(
          sidecar.output,
          /HTTP_GET failed: .*503.*\. Removing service \[10\.98\.0\.11\]:tcp:80 from VS \[10\.99\.0\.100\]:tcp:80/,
        );
        await until(() => askedOf(client, 4) === "s2 4", "only s2 is asked");
        t.match(await serversOf(sidecar), {
          quorum: true,
          weight: 1,
          servers: [{ up: false, failing: ["HTTP_GET"] }, { up: true }],
        });

        writeFileSync(join(folder, "s2"), "");
        await until(() => /Lost quorum 1-0=1 > 0 for VS/.test(sidecar.output), "the quorum is lost");
        await until(() => askedOf(client, 2) === "s3 2", "the sorry server answers");

        for (const name of ["s1", "s2"]) rmSync(join(folder, name));
        await until(() => /Gained quorum 1\+0=1 <= [12] for VS/.test(sidecar.output), "the quorum is back");
        await until(() => askedOf(client, 4) === "s1 2, s2 2", "all is as it was");
        await until(() => existsSync(script) && /quorum up/.test(readFileSync(script, "utf8")), "scripts were run");
        t.equal(readFileSync(script, "utf8"), "real down\nquorum down\nquorum up\n");
        const told = [
          /^RS \[10\.98\.0\.11\]:tcp:80 \[10\.99\.0\.100\]:tcp:80 DOWN$/m,
          /^VS \[10\.99\.0\.100\]:tcp:80 DOWN\n(.*\n)*VS \[10\.99\.0\.100\]:tcp:80 UP$/m,
        ];
        await until(() => told.every((line) => line.test(heard.output)), "the FIFO's reader hears of all of it");

        sidecar.signal("SIGTERM");
        t.equal(await sidecar.ended, 0);
        t.notMatch(tables(director), /ringway_lvs/, "nothing is left behind");
      });
    },
  );

  t.test("weights, persistence, and a reload that breaks no connection", { buffered: true }, async (t) => {
    await inWorld(async ({ client, director }) => {
      const weighted = realServer("10.98.0.11", 3, "") + realServer("10.98.0.12", 1, "");
      const sidecar = startSidecar(director, INSTANCE + virtualServer(weighted, "lb_algo wrr"));
      await isMaster(sidecar);
      t.equal(askedOf(client, 8), "s1 6, s2 2", "three to one");

      const slow = client.start("curl", "-s", "-m", "20", `http://${VIRTUAL}/slow`);
      await until(() => /s\d /.test(slow.output), "a connection is there");
      const persistent = virtualServer(
        realServer("10.98.0.12", 1, "") + realServer("10.98.0.13", 1, ""),
        "lb_algo rr\n  persistence_timeout 60",
      );
      writeFileSync(sidecar.file, INSTANCE + persistent);
      sidecar.signal("SIGHUP");
      await until(() => /in force/.test(sidecar.output), "the new configuration is in force");
      await until(() => /^s[23] 6$/.test(askedOf(client, 6)), "one client stays with one server");
      await slow.ended;
      t.match(slow.output, /^(s\d) \1$/m, "the connection was served to its end");
    });
  });

  t.test("a killed daemon's rules go on, and are the next one's", { buffered: true }, async (t) => {
    await inWorld(async ({ client, director }) => {
      const text = INSTANCE + virtualServer(realServer("10.98.0.11", 1, ""));
      const sidecar = startSidecar(director, text);
      await isMaster(sidecar);
      t.equal(askedOf(client, 2), "s1 2");
      await sidecar.kill();
      t.equal(askedOf(client, 2), "s1 2", "served on");
      const heir = startSidecar(director, INSTANCE + virtualServer(realServer("10.98.0.12", 1, "")));
      await isMaster(heir);
      await until(() => askedOf(client, 2) === "s2 2", "the next one's picture holds");
      const rules = director.run("nft", "list", "table", "ip", "ringway_lvs");
      t.notMatch(rules, /10\.98\.0\.11/);
      heir.signal("SIGTERM");
      await heir.ended;
      t.notMatch(tables(director), /ringway_lvs/);
    });
  });

  t.test("direct routing: the servers answer by themselves", { buffered: true }, async (t) => {
    await inWorld(async ({ client, director, servers }) => {
      for (const [i, server] of servers.entries()) {
        server.run("sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2");
        server.ip("address", "add", `${VIRTUAL}/32`, "dev", "lo");
        server.ip("address", "add", `10.99.0.1${i + 1}/24`, "dev", "eth0");
      }
      const check = "TCP_CHECK {\n      connect_timeout 1\n      retry 0\n    }";
      const reals = ["10.99.0.11", "10.99.0.12"].map((address) => realServer(address, 1, check)).join("");
      const sidecar = startSidecar(director, INSTANCE + virtualServer(reals, "lb_algo wrr", "DR"));
      await isMaster(sidecar);
      await until(() => /^s[12] 1$/.test(triedOf(client, 1)), "it is served");
      const spread = askedOf(client, 30);
      t.match(spread, /^s1 \d+, s2 \d+$/, `both serve: ${spread}`);
      await servers[0]!.killAll();
      await until(() => /Removing service/.test(sidecar.output), "s1 is removed");
      await until(() => triedOf(client, 10) === "s2 10", "s2 serves alone");
    });
  });
}

/** As askedOf, and nothing where one is not answered. */
function triedOf(client: Host, times: number): string {
  try {
    return askedOf(client, times);
  } catch {
    return "";
  }
}
