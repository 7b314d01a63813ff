// The control socket, the table it prints, and the metrics.

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { address, haPlan, instancePlan, virtualAddress } from "../plan/fixture.ts";
import type { InstanceState } from "../thread/messages.ts";
import { askControlSocket, openControlSocket } from "./control-socket.ts";
import type { ControlSource } from "./control-source.ts";
import { formatData, formatStats } from "./dumps.ts";
import { MetricsServer } from "./metrics-server.ts";
import { formatDuration, formatStatus } from "./status.ts";

const STATE: InstanceState = {
  name: "VI_1",
  state: "FAULT",
  priority: 80,
  basePriority: 100,
  interface: "eth0",
  virtualRouterId: 50,
  version: 3,
  source: "10.99.0.1",
  master: "10.99.0.2",
  masterPriority: 90,
  addresses: ["10.99.0.100", "10.99.0.101", "10.99.0.102", "10.99.0.103"],
  faults: "interface eth0 is down",
  stateForMs: 61_000,
  advertIntervalMs: 100,
  masterIntervalMs: 100,
  becameMaster: 1,
  releasedMaster: 1,
  advertsSent: 12,
  advertsReceived: 3,
  zerosReceived: 0,
  zerosSent: 1,
  rejected: { "wrong checksum": 2, "wrong password": 1 },
};

t.test("the table", async (t) => {
  const [header, row] = formatStatus([STATE], []).split("\n");
  t.match(header, /^INSTANCE +STATE +FOR +PRIORITY/);
  t.match(
    row,
    /^VI_1 +FAULT +1m 01s +80 \(100\) +eth0 +50 v3 +10\.99\.0\.100 10\.99\.0\.101 10\.99\.0\.102 \+1 +12 +3 +3 +interface eth0 is down$/,
  );
  t.match(formatStatus([{ ...STATE, state: "BACKUP" }], []), / 10\.99\.0\.2 \(90\) +12 +3 /);
  t.same([7200, 61_000, 7_380_000].map(formatDuration), ["7.2s", "1m 01s", "2h 03m"]);
});

const STATS = `VRRP Instance: VI_1
  Advertisements:
    Received: 3
    Sent: 12
  Became master: 1
  Released master: 1
  Packet Errors:
    Length: 0
    TTL: 0
    Invalid Type: 0
    Advertisement Interval: 0
    Address List: 0
  Authentication Errors:
    Invalid Type: 0
    Type Mismatch: 0
    Failure: 1
  Priority Zero:
    Received: 0
    Sent: 1
`;

t.test("what signals write, as keepalived does", async (t) => {
  t.equal(formatStats([STATE]), STATS);
  const password = { type: "pass" as const, data: new Uint8Array(Buffer.from("s3cr3t99")) };
  const excludedAddresses = [virtualAddress("fd99::100/64")];
  const plan = haPlan({
    instances: [instancePlan({ version: 2, advertIntervalMs: 1000, authentication: password, excludedAddresses })],
  });
  const at = new Date(2026, 10, 27, 8, 6, 53, 382).getTime();
  const data = formatData(plan, [{ ...STATE, state: "BACKUP" }], [], at + STATE.stateForMs);
  for (const line of [
    " VRRP Instance = VI_1",
    "   State = BACKUP",
    "   Master router = 10.99.0.2",
    "   Master priority = 90",
    "   Wantstate = BACKUP",
    `   Last transition = ${at / 1000}000 (Fri Nov 27 08:06:53.382000 2026)`,
    "   Interface = eth0",
    "   Gratuitous ARP delay = 5",
    "   Virtual Router ID = 50",
    "   Advert interval = 1 sec",
    "   Authentication type = SIMPLE_PASSWORD",
    "   Virtual IP (1):",
    "     10.99.0.100/24 dev eth0 scope global",
    "   Virtual IP Excluded :",
    "     fd99::100/64 dev eth0 scope global",
  ]) {
    t.ok(data.split("\n").includes(line), line);
  }
  t.notMatch(data, /s3cr3t/);
  t.match(formatData(plan, [{ ...STATE, state: "MASTER" }], [], at), /10\.99\.0\.100\/24 dev eth0 scope global set$/m);
});

t.test("the socket", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ringway-control-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "control.sock");
  const virtual = {
    ...{ name: "[10.0.0.9]:tcp:80", quorum: true, suspended: false, weight: 2 },
    servers: [
      { name: "[10.0.0.1]:tcp:80", up: true, weight: 2, failing: [] },
      { name: "[10.0.0.2]:tcp:80", up: false, weight: 0, failing: ["HTTP_GET"] },
    ],
  };
  const trackers = [
    { kind: "script", name: 'chk "a"', up: false } as const,
    { kind: "proxy", name: "web", up: true } as const,
  ];
  const source: ControlSource = {
    ...{ states: async () => [STATE], virtualServers: () => [virtual], trackers: () => trackers },
    drill: async (instance) => ({ ok: instance === "VI_1", text: `${instance}: done\n` }),
  };
  const server = openControlSocket(path, source, () => {});
  await new Promise((resolve) => server.once("listening", resolve));
  t.equal(statSync(path).mode & 0o777, 0o600, "its owner's only");
  t.same(JSON.parse(await askControlSocket(path, "state")), [STATE]);
  t.same(JSON.parse(await askControlSocket(path, "virtual-servers")), [virtual]);
  const tables = await askControlSocket(path, "status");
  t.match(tables, /VI_1/);
  t.match(tables, /^\[10\.0\.0\.9\]:tcp:80 +yes +\[10\.0\.0\.2\]:tcp:80 +DOWN +0 +HTTP_GET$/m);
  t.same(JSON.parse(await askControlSocket(path, "drill VI_1")), { ok: true, text: "VI_1: done\n" });
  t.match(JSON.parse(await askControlSocket(path, "drill")), { ok: false });
  t.match(await askControlSocket(path, "nonsense"), /known are/);

  const text = await askControlSocket(path, "metrics");
  const lines = text.split("\n");
  for (const line of [
    "# TYPE keepalived_vrrp_state gauge",
    'keepalived_vrrp_state{iname="VI_1",intf="eth0",vrid="50",ip_address="10.99.0.100"} 3',
    'keepalived_advertisements_sent_total{iname="VI_1",intf="eth0",vrid="50"} 12',
    'keepalived_authentication_failure_total{iname="VI_1",intf="eth0",vrid="50"} 1',
    'ringway_ha_packets_dropped_total{iname="VI_1",intf="eth0",vrid="50",reason="wrong checksum"} 2',
    'keepalived_script_status{name="chk \\"a\\""} 0',
    'ringway_ha_tracker_up{kind="proxy",name="web"} 1',
    'ringway_ha_real_server_up{virtual_server="[10.0.0.9]:tcp:80",real_server="[10.0.0.2]:tcp:80"} 0',
  ]) {
    t.ok(lines.includes(line), line);
  }
  const samples = lines.filter((line) => line !== "" && !line.startsWith("#"));
  t.same(
    samples.filter((line) => !/^[a-z_]+(\{([a-z_]+="([^"\\]|\\.)*",?)+\})? \d+(\.\d+)?(e[+-]\d+)?$/.test(line)),
    [],
    "the text format",
  );

  const lost: string[] = [];
  const metrics = new MetricsServer(source, (_, line) => lost.push(line));
  const port = await freePort();
  const { sidecar } = haPlan().global;
  await metrics.follow({ ...sidecar, metrics: { address: address("127.0.0.1"), port } });
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  t.match(response.headers.get("content-type"), /version=0\.0\.4/);
  t.match(await response.text(), /keepalived_up 1/);
  t.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
  t.equal((await fetch(`http://127.0.0.1:${port}/metrics`, { method: "POST" })).status, 405);
  const second = new MetricsServer(source, (_, line) => lost.push(line));
  await second.follow({ ...sidecar, metrics: { address: address("127.0.0.1"), port } });
  t.match(lost, [/metrics_listen \[127\.0\.0\.1\].*EADDRINUSE/]);
  await metrics.follow(sidecar);
  await t.rejects(fetch(`http://127.0.0.1:${port}/metrics`), "without metrics_listen nobody listens");
  const flood = connect(path);
  flood.write("x".repeat(10_000));
  await new Promise((resolve) => flood.on("close", resolve).on("error", () => {}));
  t.pass("a question without end is cut off");
  server.close();
  await t.rejects(askControlSocket(join(folder, "none"), "state"));
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
