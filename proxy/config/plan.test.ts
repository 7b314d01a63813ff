// From text to plan: inheritance, numbering, addresses, conditions, formats. What is said about faults is in statements.test.ts.

import { hostname } from "node:os";
import t from "tap";
import type { ConditionPlan } from "../plan/expression.ts";
import { NO_OCSP_UPDATES } from "../plan/tls.ts";
import { plan, proxyOf } from "./plan.fixture.ts";

t.test("global: everything that was written, HAProxy's defaults elsewhere", async (t) => {
  const bare = (await plan(t, "")).global;
  t.match(bare, {
    maxconn: 0,
    bufsizeBytes: 16384,
    maxrewriteBytes: 1024,
    tls: {
      captureBytes: 0,
      keylog: false,
      sessionBlocks: 20_000,
      sessionLifetimeS: 300,
      certificates: [],
      authorities: [],
      revocations: [],
      ticketKeys: [],
      issuerChains: [],
      ocspUpdates: NO_OCSP_UPDATES,
      crtBase: "",
    },
    maxHeaders: 101,
    logUriBytes: 1023,
    daemon: false,
    pidfile: null,
  });
  t.match(bare, {
    node: hostname(),
    localpeer: hostname(),
    logTag: "haproxy",
    statsMaxconn: 10,
    statsTimeoutMs: 10000,
  });
  t.ok(bare.nbthread >= 1);
  const { global } = await plan(
    t,
    `global
      daemon
      quiet
      nbthread 3
      maxconn 1000
      node n1
      description a few words
      hard-stop-after 30s
      grace 1500ms
      spread-checks 5
      ulimit-n 9999
      tune.bufsize 32k
      tune.maxrewrite 30000
      tune.http.maxhdr 64
      log-tag web
      log-send-hostname
      stats timeout 2m
      stats maxconn 5
      stats socket /run/a.sock mode 660 level admin uid 7 gid 8
      stats socket ipv4@127.0.0.1:9999
      log stdout format raw daemon
      log 127.0.0.1:5514 len 2048 local3 notice err
      log [::1] user
      no log
      log fd@5 local0
    `,
  );
  t.match(global, { daemon: true, quiet: true, nbthread: 3, maxconn: 1000, node: "n1", description: "a few words" });
  t.match(global, { hardStopAfterMs: 30000, graceMs: 1500, spreadChecksPercent: 5, ulimitN: 9999, maxHeaders: 64 });
  t.match(global, {
    bufsizeBytes: 32768,
    maxrewriteBytes: 16384,
    statsTimeoutMs: 120000,
    statsMaxconn: 5,
    logTag: "web",
  });
  t.equal(global.logSendHostname, hostname());
  t.match(global.statsSockets, [
    { address: { kind: "unix", path: "/run/a.sock" }, level: "admin", mode: 0o660, uid: 7, gid: 8, timeoutMs: 120000 },
    { address: { kind: "ipv4", host: "127.0.0.1", port: 9999 }, level: "operator", mode: null },
  ]);
  t.match(global.log, [{ address: { kind: "fd", fd: 5 }, facility: 16, level: 7, minLevel: 0 }]);
});

t.test("the command line goes before the file", async (t) => {
  const text = "global\n maxconn 10\n localpeer a\nfrontend f\n bind :80\nlisten l\n bind :81\n maxconn 7\n";
  const { global, proxies } = await plan(t, text, { maxconn: 20, localpeer: "b", proxyMaxconn: 30 });
  t.match(global, { maxconn: 20, localpeer: "b" });
  t.same(
    proxies.map((proxy) => proxy.frontend!.maxconn),
    [30, 7],
  );
  t.equal((await plan(t, text)).global.localpeer, "a");
});

t.test("defaults: the last one, a named one, and one from another", async (t) => {
  const all = await plan(
    t,
    `defaults one
      mode http
      timeout client 1s
      option dontlognull
      option http-server-close
      log 127.0.0.1 local0
      errorfile 503 /dev/null
      retries 5
      default-server inter 9s rise 4
    defaults two from one
      timeout client 2s
      no option dontlognull
      no option http-server-close
      log 127.0.0.1 local1
    defaults three
      mode tcp
    frontend a from one
      bind :80
    frontend b from two
      bind :81
      no log
      log 127.0.0.1 local2
    backend c from two
      server s 127.0.0.1:1 check rise 6
      server t 127.0.0.1:2 no-check
      default-server check weight 9
      server u 127.0.0.1:3
    backend d
    `,
  );
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => proxyOf(all, name));
  t.match(a, { mode: "http", timeouts: { client: 1000 }, logOptions: { dontLogNull: true } });
  t.equal(a!.frontend!.connectionMode, "server-close");
  t.match(b, { mode: "http", timeouts: { client: 2000 }, logOptions: { dontLogNull: false } });
  t.equal(b!.frontend!.connectionMode, "keep-alive");
  t.same(
    [a, b, c].map((proxy) => proxy!.log.map((target) => target.facility)),
    [[16], [18], [16, 17]],
  );
  t.same(a!.errorFiles, [{ status: 503, bytes: null }]);
  t.match(c!.backend, { retries: 5, servers: [0, 1, 2] });
  t.match(all.servers, [
    { check: { interMs: 9000, rise: 6 }, weight: 1 },
    { check: null, weight: 1 },
    { check: { interMs: 9000, rise: 4 }, weight: 9 },
  ]);
  t.match(d, { mode: "tcp", timeouts: { client: 0 }, log: [] });
});

t.test(
  "from: servers take their settings from a default-server, a named one, another server, or from nothing",
  async (t) => {
    const all = await plan(
      t,
      `defaults
      mode http
      timeout connect 1s
      timeout client 1s
      timeout server 1s
      default-server rise 4
    backend be
      default-server weight 10
      default-server check
      server plain 127.0.0.1:1
      server none 127.0.0.1:1 from none
      default-server from none
      server reset 127.0.0.1:1
      default-server weight 20
      default-server name other
      server other1 127.0.0.1:1 from srv:other
      default-server name other from be:
      server other2 127.0.0.1:1 from srv:other
      default-server name other from none
      server other3 127.0.0.1:1 from srv:other
      default-server name other weight 5
      default-server name other maxconn 3
      server other4 127.0.0.1:1 from srv:other
      server own 127.0.0.1:1 from be: weight 21
    backend two
      server copy 127.0.0.1:1 from srv:be/plain id 9
      server-template t 2 127.0.0.1:1 from srv:be/other4 maxconn 4
      server copied 127.0.0.1:1 from srv:t2
      server of 127.0.0.1:1 from be:be
    `,
    );
    const seen = all.servers.map(({ name, id, weight, maxconn, check }) => [
      name,
      id,
      weight,
      maxconn,
      check?.rise ?? 0,
    ]);
    t.same(seen, [
      ["plain", 1, 10, 0, 4],
      ["none", 2, 1, 0, 0],
      ["reset", 3, 1, 0, 0],
      ["other1", 4, 1, 0, 0],
      ["other2", 5, 20, 0, 0],
      ["other3", 6, 1, 0, 0],
      ["other4", 7, 5, 3, 0],
      ["own", 8, 21, 0, 0],
      ["copy", 9, 10, 0, 4],
      ["t1", 1, 5, 4, 0],
      ["t2", 2, 5, 4, 0],
      ["copied", 3, 5, 4, 0],
      ["of", 4, 20, 0, 0],
    ]);
  },
);

t.test("sockets: lists, ranges, families, options, names and ids", async (t) => {
  const { listeners } = await plan(
    t,
    `frontend f
      mode http
      bind :8000-8002,127.0.0.1:9000 name x maxconn 5 backlog 6
      bind [::1]:80 v6only interface lo mss 1400 id 3
      bind :::81 v4v6 transparent defer-accept tfo tcp-ut 5s
      bind /run/f.sock mode 600 user root group root
      bind abns@name
      bind fd@7
    `,
  );
  t.match(
    listeners.map(({ index, id, name, address }) => [index, id, name, "port" in address ? address.port : address.kind]),
    [
      [0, 1, "x", 8000],
      [1, 2, "x", 8001],
      [2, 4, "x", 8002],
      [3, 5, "x", 9000],
      [4, 3, "[::1]:80", 80],
      [5, 6, ":::81", 81],
      [6, 7, "/run/f.sock", "unix"],
      [7, 8, "abns@name", "abns"],
      [8, 9, "fd@7", "fd"],
    ],
  );
  t.match(listeners[0], {
    proxy: 0,
    maxconn: 5,
    backlog: 6,
    address: { kind: "ipv4", host: "0.0.0.0" },
    at: { line: 3 },
  });
  t.match(listeners[4], {
    interface: "lo",
    mss: 1400,
    address: { kind: "ipv6", host: "::1", v6only: true, v4v6: false },
  });
  t.match(listeners[5], { transparent: true, deferAccept: true, tcpFastOpen: true, tcpUserTimeoutMs: 5000 });
  t.match(listeners[5]!.address, { v4v6: true });
  t.match(listeners[6], { mode: 0o600, uid: 0, gid: 0 });
});

t.test("servers: parameters, ports, ids, sources and checks", async (t) => {
  const all = await plan(
    t,
    `backend b
      mode http
      server a 127.0.0.1:80 id 2 weight 7 backup disabled maxconn 10 minconn 3 maxqueue 4 cookie c
      server b 127.0.0.1 slowstart 10s on-marked-down shutdown-sessions on-marked-up shutdown-backup-sessions
      server c 127.0.0.1:+10 pool-max-conn 3 pool-purge-delay 2s max-reuse 9 source 127.0.0.2
      server d unix@/run/d.sock check addr 127.0.0.3 port 99 inter 1s fastinter 200ms downinter 5s rise 1 fall 9
      server e name:80 init-addr none
      server f name:80 init-addr libc,192.0.2.9 minconn 5
    `,
  );
  t.match(all.servers, [
    {
      id: 2,
      weight: 7,
      backup: true,
      disabled: true,
      maxconn: 10,
      minconn: 3,
      maxqueue: 4,
      cookie: "c",
      portOffset: null,
    },
    {
      id: 1,
      portOffset: 0,
      slowstartMs: 10000,
      onMarkedDown: "shutdown-sessions",
      onMarkedUp: "shutdown-backup-sessions",
    },
    {
      id: 3,
      portOffset: 10,
      poolMaxConn: 3,
      poolPurgeDelayMs: 2000,
      maxReuse: 9,
      connection: { source: { address: { host: "127.0.0.2", port: 0 } } },
    },
    { id: 4, portOffset: null, check: { address: { host: "127.0.0.3" }, port: 99, interMs: 1000, fastinterMs: 200 } },
    { id: 5, fqdn: "name", disabled: true, address: { host: "0.0.0.0", port: 80 } },
    { id: 6, fqdn: "name", disabled: false, address: { host: "192.0.2.9", port: 80 }, maxconn: 5 },
  ]);
  t.match(all.servers[3]!.check, { downinterMs: 5000, rise: 1, fall: 9 });
});

t.test("conditions", async (t) => {
  const all = await plan(
    t,
    `frontend f
      mode http
      bind :80
      acl a path_beg /x /y
      acl a hdr(host),lower -i www -m beg api. --
      use_backend b if a !LOCALHOST or { src 10.0.0.0/8 } ! { method POST } || TRUE
      use_backend b unless a
      use_backend b if
      use_backend b
      acl a path /late
      monitor fail if { nbsrv(b) lt 2 } { srv_is_up(b/s) } { fe_conn gt 5 }
      monitor-uri /up
    backend b
      mode http
      server r 127.0.0.1:1
      server s 127.0.0.1:2
    `,
  );
  const { useBackend, monitorFail, monitorUri } = all.proxies[0]!.frontend!;
  t.equal(monitorUri, "/up");
  t.same(
    useBackend.map(({ backend, condition }) => [backend, shown(condition)]),
    [
      [1, "or(and(a[3], not LOCALHOST[1]), and({src}, not {method}), TRUE[1])"],
      [1, "not a[3]"],
      [1, "or()"],
      [1, "always"],
    ],
    "the line of a below counts as well, and -i makes no test of its own without patterns",
  );
  const fetches: unknown[] = [];
  collect(monitorFail[0]!, fetches);
  t.same(
    fetches,
    [
      ["nbsrv", [1]],
      ["srv_is_up", [1]],
      ["fe_conn", [0]],
    ],
    "proxies and servers by index",
  );
});

/** A condition in one line: named ACLs with the number of their tests, anonymous ones with their fetch. */
function shown(condition: ConditionPlan | null): string {
  if (condition === null) return "always";
  if (condition.kind === "not") return `not ${shown(condition.term)}`;
  if (condition.kind !== "acl") return `${condition.kind}(${condition.terms.map(shown).join(", ")})`;
  return condition.name === ""
    ? `{${condition.tests[0]!.sample.fetch}}`
    : `${condition.name}[${condition.tests.length}]`;
}

function collect(condition: ConditionPlan, fetches: unknown[]): void {
  if (condition.kind === "not") collect(condition.term, fetches);
  else if (condition.kind !== "acl") for (const term of condition.terms) collect(term, fetches);
  else for (const { sample } of condition.tests) fetches.push([sample.fetch, sample.arguments]);
}

t.test("log formats", async (t) => {
  const all = await plan(
    t,
    `frontend f
      mode tcp
      bind :80
      log 127.0.0.1 local0
      log-format "%{+Q,+X}o %ci  %{-Q}cp%%%[src,length] %{+E}t"
    `,
  );
  const on = { quote: true, escape: false, hex: true };
  t.same(all.proxies[0]!.frontend!.logFormat, [
    { kind: "text", text: " " },
    { kind: "variable", name: "ci", ...on, argument: null },
    { kind: "text", text: " " },
    { kind: "variable", name: "cp", ...on, quote: false, argument: null },
    { kind: "text", text: "%" },
    { kind: "sample", sample: { fetch: "src", arguments: [], converters: [{ name: "length", arguments: [] }] }, ...on },
    { kind: "text", text: " " },
    { kind: "variable", name: "t", ...on, escape: true, argument: null },
  ]);
});

t.test("a plan can be posted to a worker", async (t) => {
  const all = await plan(
    t,
    "frontend f\n mode http\n bind :80\n acl a path /\n use_backend b if a or a\nbackend b\n mode http\n",
  );
  const copy = structuredClone(all);
  t.same(copy, all);
});
