// What configurations come to: fixtures/full.conf and fixtures/virtual-server.conf as plans.

import t from "tap";
import { loadText, readFixture } from "./fixture.ts";
import { parseRange } from "./keywords/service-range.ts";

t.test("every must of the reference is in the plan", (t) => {
  const { plan, diagnostics } = loadText(readFixture("full.conf"));
  t.same(
    diagnostics.list.map((one) => one.message),
    ["track_group has no effect here"],
  );
  const { global } = plan;
  t.match(global, {
    routerId: "lb1",
    mail: {
      recipients: ["a@example.com", "b@example.com"],
      from: "lb@example.com",
      connectTimeoutMs: 10_000,
      noFaults: true,
    },
    multicastGroup4: { text: "224.0.0.77" },
    startupDelayMs: 10_000,
    scheduling: { realtimePriority: 50, noSwap: true, cpuAffinity: [0, 1] },
    scriptSecurity: true,
    notifyFifos: [{ path: "/run/all.fifo" }, { path: "/run/vrrp.fifo", uid: 1 }],
    checkerFifos: [{ path: "/run/all.fifo" }],
    sidecar: { controlSocket: "/run/ha.sock", addressLifetimeMs: 2000, nftLeaseMs: 300, handoverTimeoutMs: 5000 },
  });
  t.same(global.mail.server, { host: "127.0.0.1", port: 2525 });
  const [v4, v6] = plan.instances;
  t.match(v4, {
    name: "VI_1",
    version: 2,
    interface: "eth0",
    virtualRouterId: 51,
    priority: 150,
    initialState: "BACKUP",
    advertIntervalMs: 2000,
    adoptedIntervalMaxMs: 8000,
    downTimerAdverts: 4,
    authentication: { type: "pass" },
    promoteSecondaries: true,
    syncGroup: -1,
    preemption: { preempt: false, delayMs: 0 },
    garp: {
      masterRepeat: 3,
      masterDelayMs: 1000,
      refreshMs: 60_000,
      refreshRepeat: 2,
      lowerPriorityDelayMs: 1000,
      lowerPriorityRepeat: 7,
    },
    higherPrioritySendAdvert: true,
    notify: {
      master: { argv: ["/usr/bin/true", "m a"], uid: 1 },
      any: { argv: ["/usr/bin/true"] },
      mail: true,
      tellsDeleted: true,
      priorityChanges: true,
    },
  });
  t.equal(Buffer.from((v4!.authentication as { data: Uint8Array }).data).toString("latin1"), "s3cret\0\0");
  t.match(v4!.addresses[0], {
    address: { text: "10.0.0.9" },
    prefixLength: 24,
    interface: "eth1",
    broadcast: { text: "10.0.0.255" },
    scope: 253,
    label: "eth1:1",
    noTrack: true,
  });
  t.match(v4!.addresses[1], {
    prefixLength: 32,
    peer: { address: { text: "10.9.9.9" } },
    interface: null,
    preferredLifetimeS: null,
  });
  t.match(v4!.excludedAddresses[0], { address: { family: 6, text: "fd00::9" }, preferredLifetimeS: 0, noDad: true });
  t.match(v4!.transport, {
    mode: "unicast",
    source: { text: "10.0.0.1" },
    unicastTtl: 64,
    checkUnicastSource: true,
    peers: [{ address: { text: "10.0.0.2" }, minTtl: 60, maxTtl: 255 }],
  });
  t.same(v4!.tracking, {
    interfaces: [{ interface: "eth1", weight: -30, reverse: false }],
    scripts: [{ index: 0, weight: -20, reverse: false }],
    processes: [{ index: 0, weight: 40, reverse: true }],
    files: [{ index: 0, weight: 1, reverse: false }],
    bfds: [{ index: 0, weight: 0, reverse: false }],
    proxies: [{ index: 0, weight: 0, reverse: false }],
  });
  t.match(v4!.routes[0], {
    destination: { address: { text: "10.8.0.0" }, prefixLength: 24 },
    gateway: { text: "10.0.0.7" },
    interface: "eth0",
    table: 100,
    metric: 5,
    source: { text: "10.0.0.9" },
  });
  t.match(v4!.routes[1], { type: 6, family: 6, destination: { prefixLength: 64 }, noTrack: true });
  t.match(v4!.rules[0], {
    from: { address: { text: "10.0.0.0" }, prefixLength: 8 },
    table: 100,
    preference: 50,
    fwmark: { mark: 5, mask: 255 },
    invert: true,
  });
  t.equal(v4!.peerBfd, 0);
  t.match(v6, {
    family: 6,
    version: 3,
    advertIntervalMs: 100,
    adoptedIntervalMinMs: 10,
    adoptedIntervalMaxMs: 1000,
    transport: { mode: "multicast", multicastDestination: { text: "ff02::12" } },
    vmac: { interface: "vrrp.52", transmitBase: true },
    accept: false,
    syncGroup: 0,
  });
  t.match(v6, {
    timerExpiredBackup: 120,
    hmac: { activeKey: 1, antiReplay: "monotonic", timeWindowMs: 5000, mode: "permissive" },
  });
  t.same(
    v6!.hmac!.keys.map(({ id, secret }) => [id, secret.length]),
    [
      [7, 32],
      [8, 33],
    ],
  );
  t.equal(v6!.transport.v3ChecksumWithPseudoHeader, false);
  t.same([...v6!.vmac!.mac], [0, 0, 0x5e, 0, 2, 52]);
  t.match(plan.scripts[0], {
    script: { argv: ["/usr/bin/true", "-0", "haproxy"], uid: 1, enabled: true },
    intervalMs: 500,
    timeoutMs: 500,
    rise: 2,
    fall: 3,
    initFail: true,
  });
  t.match(plan.processes[0], {
    command: "haproxy",
    parameters: ["-W"],
    parameterMatch: "partial",
    quorum: 2,
    quorumMax: 5,
    forkDelayMs: 100,
    terminateDelayMs: 250,
  });
  t.match(plan.files[0], { path: "/run/weight", initFile: { value: 5, overwrite: true } });
  t.match(plan.bfds[0], { neighborIp: { text: "10.0.0.2" }, minRxMs: 12.5, multiplier: 3, ttl: 255, maxHops: 1 });
  t.match(plan.proxies[0], {
    probe: { kind: "socket", path: "/run/proxy.sock" },
    intervalMs: 50,
    timeoutMs: 150,
    require: [{ backend: "web", serversUpMin: 50, isPercent: true }],
  });
  t.match(plan.syncGroups[0], {
    name: "G",
    members: [1, 2],
    trackingWeight: true,
    notify: { backup: { argv: ["/usr/bin/true"] } },
  });
  t.match(plan.staticAddresses[0], { address: { text: "10.7.0.1" }, interface: "eth1", trackedBy: [0] });
  t.match(plan.interfaceDelays, [{ interface: "eth1", downDelayMs: 500, upDelayMs: 1000 }]);
  t.same(plan.garpGroups, [
    { interfaces: ["eth0", "eth1"], garpIntervalMs: 2, gnaIntervalMs: 0 },
    { interfaces: [], garpIntervalMs: 1, gnaIntervalMs: 0 },
  ]);
  t.end();
});

t.test("names, limits, and what an instance takes from its group", (t) => {
  const instance = (name: string, id: number, lines: string) =>
    `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${id}\n priority 100\n virtual_ipaddress {\n  10.0.0.${id}/24\n }\n ${lines}\n}\n`;
  const group = "vrrp_sync_group G {\n group {\n  A\n  B\n }\n notify_priority_changes on\n}\n";
  const globals = "global_defs {\n vrrp_process_name ha\n process_names\n vrrp_rlimit_rttime 50000\n}\n";
  const instances = instance("A", 1, "") + instance("B", 2, "notify_priority_changes off") + instance("C", 3, "");
  const { plan } = loadText(globals + group + instances);
  t.same(
    plan.instances.map(({ notify }) => notify.priorityChanges),
    [true, false, false],
  );
  t.match(plan.global, {
    processName: "keepalived",
    scheduling: { threadName: "ha", rlimitRttimeUs: 50_000 },
  });
  t.end();
});

t.test("virtual servers inherit down to their checks", (t) => {
  const { plan, diagnostics } = loadText(readFixture("virtual-server.conf"));
  t.same(diagnostics.counts, { alert: 0, warning: 1, notice: 0, diag: 0 }, "scripts without script security");
  const [server] = plan.virtualServers;
  t.match(server, {
    service: { kind: "group", group: 0 },
    scheduler: "wrr",
    family: 4,
    forwarding: { method: "DR" },
    persistenceTimeoutMs: 360_000,
    persistencePrefixLength: 24,
    quorum: 2,
    sorryServer: { address: { text: "10.0.0.99" }, forwarding: { method: "DR" } },
  });
  t.match(
    plan.virtualServerGroups[0]!.entries.map((entry) =>
      entry.kind === "range" ? `${entry.first.text}-${entry.last.text}` : entry.mark,
    ),
    ["10.0.0.9-10.0.0.9", "10.0.0.20-10.0.0.22", "10.0.0.32-10.0.0.35", 7],
  );
  const [first, second] = server!.realServers;
  t.match(first, { weight: 3, mail: true });
  t.match(second, {
    weight: 0,
    inhibitOnFailure: true,
    forwarding: { tunnel: "gue", port: 5555, checksum: "csum" },
    checks: [],
  });
  const [http, tcp, udp, misc] = first!.checks;
  t.match(http, {
    timing: { delayLoopMs: 2500, retry: 4, delayBeforeRetryMs: 3000, connectTimeoutMs: 7000 },
    target: { port: 80 },
  });
  t.match(http, {
    urls: [
      { digest: "ff20ad2481f97b1754ef3e12ecd3a9cc", statusCodes: [], virtualhost: "www.example" },
      {
        statusCodes: [
          { first: 200, last: 299 },
          { first: 404, last: 404 },
        ],
      },
      { virtualhost: "c.example", regex: { pattern: "^ok", noMatch: false }, statusCodes: [{ first: 200, last: 299 }] },
    ],
  });
  t.match(tcp, { target: { port: 8080 }, timing: { retry: 9, delayBeforeRetryMs: 1000 } });
  t.match(udp, { requireReply: true, reply: { bytes: Uint8Array.of(0, 1), mask: Uint8Array.of(0xf0, 0x0f) } });
  t.match(udp, { payload: Uint8Array.of(0x0a, 0xb1, 0x2f, 0x03, 0x04, 0x56) });
  t.match(misc, {
    script: { argv: ["/usr/bin/true", "x"] },
    timeoutMs: 9000,
    dynamicWeight: true,
    timing: { retry: 4 },
  });
  t.end();
});

t.test("ranges of addresses", (t) => {
  const range = (text: string) => {
    const found = parseRange(text);
    return found === null ? null : `${found.first.text} ${found.last.text}`;
  };
  t.equal(range("10.0.0.250-10.0.1.10"), "10.0.0.250 10.0.1.10");
  t.equal(range("fd00::1-ff"), "fd00::1 fd00::ff");
  t.equal(range("fd00::8/125"), "fd00::8 fd00::f");
  for (const text of [
    "10.0.0.9-3",
    "10.0.0.1-256",
    "10.0.0.1/33",
    "10.0.0.1-fd00::1",
    "x",
    "10.0.0.1-",
    "fd00::1-g",
    "10.0.0.0/8/9",
  ]) {
    t.equal(range(text), null, text);
  }
  t.end();
});
