// Two files against each other: the article's own pair, and one fault at a time.

import { fileURLToPath } from "node:url";
import t from "tap";
import { Diagnostics } from "../../shared/diagnostic/diagnostic.ts";
import { CONFIG_ID, HOST, loadText, SOURCES, withFile } from "./fixture.ts";
import { type LoadOptions, load, renderDiagnostics } from "./load.ts";
import { comparePeers } from "./peers.ts";
import { Report } from "./report.ts";

function testConfiguration(options: LoadOptions) {
  const { diagnostics, testStatus } = load(options);
  return { output: renderDiagnostics(diagnostics, 1), status: testStatus };
}

const SCRIPT =
  "global_defs {\n enable_script_security\n script_user root\n}\nvrrp_script s {\n script /bin/true\n weight WEIGHT\n}\n";

function file(inner = "", priority = 100, addresses = "10.0.0.9/24\n10.0.0.10/24\n", weight = -20, id = 5): string {
  return `${SCRIPT.replace("WEIGHT", String(weight))}vrrp_instance V {
 interface eth0
 virtual_router_id ${id}
 priority ${priority}
 virtual_ipaddress {
  ${addresses}
 }
 track_script {
  s
 }
 ${inner}
}
`;
}

function compare(own: string, peer: string) {
  const diagnostics = new Diagnostics();
  const report = new Report(diagnostics);
  comparePeers(loadText(own).plan, loadText(peer).plan, report);
  return diagnostics.list.map((one) => `${one.severity} ${one.message}`);
}

t.test("a pair that is right", (t) => {
  t.same(compare(file(), file("", 90)), []);
  t.same(compare(file("", 90), file()), []);
  t.end();
});

t.test("one fault at a time", (t) => {
  const auth = (type: string, password: string) => `authentication {\n auth_type ${type}\n auth_pass ${password}\n}`;
  const low = (inner = "") => file(inner, 90);
  const cases: [string, string, string[]][] = [
    [file("version 3"), low(), ["alert (V) speaks VRRP version 3, the other machine 2"]],
    [file("advert_int 2"), low(), ["alert (V) has advert_int 2, the other machine 1"]],
    [file("version 3\nadvert_int 2"), low("version 3"), []],
    [file(auth("PASS", "a")), low(), ["alert (V) has authentication pass, the other machine none"]],
    [file(auth("PASS", "a")), low(auth("PASS", "b")), ["alert (V) has another password than the other machine"]],
    [file(auth("PASS", "12345678a")), low(auth("PASS", "12345678b")), []],
    [file("mcast_dst_ip 224.0.0.99"), low(), ["alert (V) sends to 224.0.0.99, the other machine to 224.0.0.18"]],
    [file("unicast_peer {\n 10.0.0.2\n}"), low(), ["alert (V) uses unicast, the other machine multicast"]],
    [
      file("unicast_src_ip 10.0.0.1\nunicast_peer {\n 10.0.0.2\n}"),
      low("unicast_src_ip 10.0.0.3\nunicast_peer {\n 10.0.0.1\n}"),
      ["alert (V) does not have the other machine's 10.0.0.3 in unicast_peer"],
    ],
    [file("", 100, "10.0.0.9/24"), low(), ["alert (V) only one of the machines has 10.0.0.10"]],
    [
      file("", 100, "10.0.0.10/24\n10.0.0.9/24"),
      low(),
      [
        "warning (V) has its addresses in another order than the other machine: 10.0.0.10, 10.0.0.9 here, 10.0.0.9, 10.0.0.10 there",
      ],
    ],
    [file(), file(), ["warning (V) has priority 100 on both machines"]],
    [
      file("", 100, undefined, -20, 6),
      low(),
      ["warning (V) the other machine has no IPv4 instance with virtual_router_id 6"],
    ],
    [
      file("", 100, undefined, 5),
      file("", 90, undefined, 15),
      ["warning (V) priority 100 does not make this machine master: with all trackers up it is 105 against 105"],
    ],
    [
      file("", 100, undefined, -10),
      file("", 90, undefined, -10),
      ["warning (V) a failure of s on this machine never moves the addresses: 90 = 90"],
    ],
    [
      file("", 90, undefined, 2),
      file("", 100, undefined, 2),
      ["warning (V) a failure of s on the other machine never moves the addresses: 100 > 92"],
    ],
  ];
  for (const [own, peer, expected] of cases) t.same(compare(own, peer), expected, expected[0] ?? "nothing");
  t.end();
});

t.test("the article's pair: 98 > 90", (t) => {
  const path = (name: string) => fileURLToPath(new URL(`examples/${name}`, SOURCES));
  const options = { path: path("keepalived-backup.conf"), configId: CONFIG_ID, host: HOST };
  const { output } = testConfiguration({ ...options, peer: { path: path("keepalived-master.conf"), configId: null } });
  t.match(output, /a failure of chk_haproxy on the other machine never moves the addresses: 98 > 90/);
  t.match(output, /The weight must be at least 11 \(weight -11\)/);
  t.end();
});

t.test("-t with a peer fails when both would become master", (t) => {
  withFile(file("advert_int 2"), (peer) => {
    withFile(file("", 90), (path) => {
      const options = { path, configId: CONFIG_ID, host: HOST };
      t.equal(testConfiguration(options).status, 0);
      t.equal(testConfiguration({ ...options, peer: { path: peer, configId: null } }).status, 5);
      const missing = { path: `${peer}.none`, configId: null };
      t.match(testConfiguration({ ...options, peer: missing }).output, /Config files missing/);
      t.equal(testConfiguration({ ...options, peer: missing }).status, 6);
    });
  });
  t.end();
});

t.test("one file for both machines", (t) => {
  const text = file("@main advert_int 1\n@other advert_int 2", 100).replace(
    " priority 100\n",
    "@main priority 100\n@other priority 90\n",
  );
  withFile(text, (path) => {
    const options = { path, configId: CONFIG_ID, host: HOST };
    const { output } = testConfiguration({ ...options, peer: { path, configId: "other" } });
    t.match(output, /\(V\) has advert_int 1, the other machine 2/);
    t.notMatch(output, /has priority/);
  });
  t.end();
});
