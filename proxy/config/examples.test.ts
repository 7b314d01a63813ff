// The configurations in proxy/examples load, and the plan says what they say. Users, groups and host names that this machine may not have
// are replaced; everything else is as it stands.

import { readFileSync, writeFileSync } from "node:fs";
import t from "tap";
import { loadConfiguration } from "./load.ts";

const EXAMPLES = new URL("../../../proxy/examples/", import.meta.url);

/** Loads an example whose account is root's, which every machine has. */
async function load(folder: string, name: string) {
  const text = readFileSync(new URL(name, EXAMPLES), "latin1");
  const file = `${folder}/${name}`;
  writeFileSync(file, text.replace(/^(user|group) +haproxy$/gm, "$1 root"), "latin1");
  const hosts = new Map([
    ["host1", "192.0.2.1"],
    ["host2", "192.0.2.2"],
  ]);
  return loadConfiguration({ files: [file], lookup: async (host) => hosts.get(host) ?? null });
}

t.test("haproxy-main.cfg", async (t) => {
  const { plan, diagnostics, hasListeners } = await load(t.testdir(), "haproxy-main.cfg");
  t.same(diagnostics.list, []);
  t.ok(hasListeners);
  const { global, proxies, servers, listeners } = plan!;
  t.match(global, { chroot: "/var/lib/haproxy", pidfile: "/var/run/haproxy.pid", maxconn: 4000, user: "root", uid: 0 });
  t.equal(global.daemon, true);
  t.match(global.log, [{ address: { kind: "unix", path: "/dev/log" }, facility: 16, level: 6, format: "local" }]);
  t.match(listeners, [{ proxy: 0, name: ":80", id: 1, address: { kind: "ipv4", host: "0.0.0.0", port: 80 } }]);
  const [main, nginx] = proxies;
  t.match(main, { name: "main", kind: "frontend", id: 1, mode: "http", backend: null });
  t.match(main!.timeouts, { client: 60000, httpRequest: 10000, httpKeepAlive: 10000, connect: 10000, check: 10000 });
  t.match(main!.frontend, { defaultBackend: 1, connectionMode: "server-close", listeners: [0] });
  t.same(main!.frontend!.forwardFor!.except, [
    { address: new Uint8Array([127, 0, 0, 0]), mask: new Uint8Array([255, 0, 0, 0]) },
  ]);
  t.equal(main!.frontend!.logFormat!.filter((node) => node.kind === "variable").length, 26, "httplog");
  t.same(main!.log, global.log, "log global");
  t.match(nginx!.backend, { servers: [0, 1], retries: 3, redispatch: -1, balance: { algorithm: "roundrobin" } });
  t.match(servers, [
    { name: "web1", id: 1, fqdn: "host1", address: { kind: "ipv4", host: "192.0.2.1", port: 80 } },
    { name: "web2", id: 2, fqdn: "host2", address: { kind: "ipv4", host: "192.0.2.2", port: 80 } },
  ]);
  t.match(servers[0]!.check, { interMs: 3000, rise: 1, fall: 2 });
  t.match(servers[1]!.check, { interMs: 2000, rise: 2, fall: 3 });
});

t.test("haproxy-tcp-source.cfg", async (t) => {
  const { plan, diagnostics } = await load(t.testdir(), "haproxy-tcp-source.cfg");
  t.same(
    diagnostics.list.map((one) => [one.severity, one.message]),
    [
      "'option httplog' not usable with frontend 'main' (needs 'mode http'). Falling back to 'option tcplog'.",
      "log format ignored for frontend 'main' since it has no log address.",
      "'option forwardfor' ignored for frontend 'main' as it requires HTTP mode.",
      "backend 'nginx' : ignoring cookie for server 'web1' as HTTP mode is disabled.",
      "backend 'nginx' : ignoring cookie for server 'web3' as HTTP mode is disabled.",
      "'option forwardfor' ignored for backend 'nginx' as it requires HTTP mode.",
    ].map((message) => ["warning", message]),
  );
  const { proxies, servers } = plan!;
  t.match(proxies[0], { mode: "tcp", frontend: { defaultBackend: 1, forwardFor: null } });
  t.match(proxies[1]!.backend, {
    balance: { algorithm: "source", hashType: "map-based" },
    check: { kind: "protocol", steps: [] },
  });
  t.match(servers, [
    { name: "web1", cookie: null },
    { name: "web3", cookie: null },
  ]);
});

t.test("a name that does not resolve is an error in HAProxy's words", async (t) => {
  const file = `${t.testdir()}/t.cfg`;
  writeFileSync(file, "backend be\n  server s1 nowhere:80\n  server s2 later:80 init-addr libc,none\n");
  const { plan, diagnostics } = await loadConfiguration({ files: [file], lookup: async () => null });
  t.equal(plan, null);
  t.match(
    diagnostics.list.filter((one) => one.code === "unresolved"),
    [
      {
        severity: "alert",
        line: 2,
        introduction: "located",
        message: "'server be/s1' : could not resolve address 'nowhere'.",
      },
      { severity: "notice", line: 3, message: "'server be/s2' : could not resolve address 'later', disabling server." },
    ],
  );
});

t.test("names of sockets and log targets are resolved, those of disabled proxies are not", async (t) => {
  const file = `${t.testdir()}/t.cfg`;
  const asked: string[] = [];
  const lookup = async (host: string, family: number) => {
    asked.push(`${host} ${family}`);
    return host === "six" ? "::1" : "192.0.2.7";
  };
  const off = "backend off\n  disabled\n  server s nowhere:80\n";
  const on = "frontend f\n  bind here:80-81\n  bind ipv6@six:82\n  log here local0\n  timeout client 1s\n";
  writeFileSync(file, off + on);
  const { plan, diagnostics } = await loadConfiguration({ files: [file], lookup });
  t.same(diagnostics.list, []);
  t.same(asked.sort(), ["here 0", "six 6"], "each once");
  t.match(plan!.listeners, [
    { address: { kind: "ipv4", host: "192.0.2.7", port: 80 } },
    { address: { kind: "ipv4", host: "192.0.2.7", port: 81 } },
    { address: { kind: "ipv6", host: "::1", port: 82 } },
  ]);
  t.match(plan!.proxies[1]!.log, [{ address: { kind: "ipv4", host: "192.0.2.7", port: 514 } }]);
});

t.test("nothing is left behind", async (t) => {
  const file = `${t.testdir()}/t.cfg`;
  writeFileSync(file, 'global\n  setenv LEFT behind\n  node "$LEFT"\nlisten l\n  mode http\n  bind 127.0.0.1:0\n');
  const before = { ...process.env };
  const loaded = await Promise.all([1, 2].map(() => loadConfiguration({ files: [file] })));
  t.same(loaded[0]!.diagnostics.list, loaded[1]!.diagnostics.list);
  t.match(loaded[0]!.diagnostics.list, [{ message: "'bind' : invalid port '0'" }]);
  t.equal(loaded[0]!.environment.get("LEFT"), "behind");
  t.same({ ...process.env }, before);
});
