// What is said of configurations, exactly as it is shown: fixtures/diagnostics.conftest (keepalived's own complaints) and lints.conftest
// (ours). And what -t exits with.

import t from "tap";
import { CONFIG_ID, FILE_NAME, HOST, loadText, readCases, shownText, withFile } from "./fixture.ts";
import { load, renderDiagnostics } from "./load.ts";

for (const file of ["diagnostics.conftest", "lints.conftest"]) {
  t.test(file, (t) => {
    for (const { title, text, expected } of readCases(file)) t.equal(shownText(text), expected, title);
    t.end();
  });
}

const INSTANCE = `vrrp_instance V {
 interface eth0
 virtual_router_id 5
 priority 100
 virtual_ipaddress {
  10.0.0.9/24
 }
}
`;

t.test("what -t exits with", (t) => {
  const script = "vrrp_script s {\n script /bin/true\n}\n";
  const status = (text: string) => loadText(text).testStatus;
  t.equal(status(INSTANCE), 0);
  t.equal(status(""), 0, "nothing is fine, as for keepalived");
  t.equal(status(`${INSTANCE}foo\n`), 5);
  t.equal(status(script), 6, "scripts without script security");
  t.equal(status(`${script}foo\n`), 6, "go before other faults");
  t.equal(status(INSTANCE.replace("priority 100", "priority")), 2, "a missing word stops keepalived");
  t.equal(
    status(script + INSTANCE.replace("eth0", "eth9")),
    5,
    "so does an absent interface, before it looks at scripts",
  );
  t.equal(status(script + INSTANCE.replace("priority 100", "priority")), 2);
  t.end();
});

t.test("what must not be started", (t) => {
  const isFatal = (text: string) => loadText(text).isFatal;
  t.notOk(isFatal(INSTANCE));
  t.notOk(isFatal(`${INSTANCE}foo\n`), "an unknown keyword is ignored");
  t.ok(isFatal(INSTANCE.replace("eth0", "eth9")));
  t.notOk(isFatal(`global_defs {\n dynamic_interfaces\n}\n${INSTANCE.replace("eth0", "eth9")}`), "it is waited for");
  t.ok(isFatal(INSTANCE + INSTANCE.replace("V {", "W {")), "two virtual routers with one id");
  t.ok(isFatal(INSTANCE.replace("100", "{{ PRIORITY }}")));
  t.end();
});

t.test("the output of -t goes from top to bottom", (t) => {
  const text = `${INSTANCE.replace("10.0.0.9/24", "10.0.0.256")}foo\nbar\n`;
  const { output, status } = withFile(text, (path) => {
    const { diagnostics, testStatus } = load({ path, configId: CONFIG_ID, host: HOST });
    return { status: testStatus, output: renderDiagnostics(diagnostics, 42).replaceAll(path, FILE_NAME) };
  });
  const lines = [...output.matchAll(/^\[ALERT\] {4}\(42\) : config : parsing \[t\.conf:(\d+)\]/gm)].map((match) =>
    Number(match[1]),
  );
  t.same(lines, [1, 6, 9, 10]);
  t.equal(status, 5);
  t.end();
});
