// The control socket and the table it prints.

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { InstanceState } from "../thread/messages.ts";
import { askControlSocket, openControlSocket } from "./control-socket.ts";
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
  rejected: { "wrong checksum": 2, "wrong password": 1 },
};

t.test("the table", async (t) => {
  const [header, row] = formatStatus([STATE], []).split("\n");
  t.match(header, /^INSTANCE +STATE +FOR +PRIORITY/);
  t.match(
    row,
    /^VI_1 +FAULT +1m 01s +80 \(100\) +eth0 +50 v3 +10\.99\.0\.100 10\.99\.0\.101 10\.99\.0\.102 \+1 +12 +3 +3 +interface eth0 is down$/,
  );
  t.same([7200, 61_000, 7_380_000].map(formatDuration), ["7.2s", "1m 01s", "2h 03m"]);
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
  const source = { states: async () => [STATE], virtualServers: () => [virtual] };
  const server = openControlSocket(path, source, () => {});
  await new Promise((resolve) => server.once("listening", resolve));
  t.equal(statSync(path).mode & 0o777, 0o600, "its owner's only");
  t.same(JSON.parse(await askControlSocket(path, "state")), [STATE]);
  t.same(JSON.parse(await askControlSocket(path, "virtual-servers")), [virtual]);
  const tables = await askControlSocket(path, "status");
  t.match(tables, /VI_1/);
  t.match(tables, /^\[10\.0\.0\.9\]:tcp:80 +yes +\[10\.0\.0\.2\]:tcp:80 +DOWN +0 +HTTP_GET$/m);
  const flood = connect(path);
  flood.write("x".repeat(10_000));
  await new Promise((resolve) => flood.on("close", resolve).on("error", () => {}));
  t.pass("a question without end is cut off");
  server.close();
  await t.rejects(askControlSocket(join(folder, "none"), "state"));
});
