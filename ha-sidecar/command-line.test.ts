// keepalived's command line: what its service files and manuals write is understood, what is not served is refused by name.

import t from "tap";
import { parseCommandLine } from "./command-line.ts";

const run = (line: string) => {
  const result = parseCommandLine(line.split(" ").filter((word) => word !== ""));
  if (result.kind !== "run") throw new Error(`${line}: ${JSON.stringify(result)}`);
  return result.options;
};

t.test("flags", async (t) => {
  t.equal(run("").file, null);
  t.equal(run("-f /etc/k.conf").file, "/etc/k.conf");
  t.equal(run("-f/etc/k.conf").file, "/etc/k.conf");
  t.equal(run("--use-file=/etc/k.conf").file, "/etc/k.conf");
  t.equal(run("--use-file /etc/k.conf").file, "/etc/k.conf");
  t.same(run("-lnD -P -p /run/a -r /run/b -c /run/c -b /run/d").pidFiles, ["/run/a", "/run/b", "/run/c", "/run/d"]);
  t.equal(run("--dont-fork").test, null);
  t.equal(run("-t").test, "");
  t.equal(run("--config-test=/tmp/x").test, "/tmp/x");
  t.equal(run("-t -i west").configId, "west");
  t.equal(run("-R").dontRespawn, true);
  t.equal(run("-s blue").namespace, "blue");
  t.match(run("-P"), { vrrpOnly: true, checkersOnly: false });
  t.match(run("--check --all"), { vrrpOnly: false, checkersOnly: true });
  t.same([run("-u 022").umask, run("-u 18").umask, run("").umask], [0o22, 0o22, null]);
  t.match(parseCommandLine(["-u", "rwx"]), { kind: "refused", message: /no mask/ });
  t.match(run("-t --peer=/etc/other.conf --peer-id east"), { test: "", peer: "/etc/other.conf", peerId: "east" });
  t.match(parseCommandLine(["--peer", "x"]), { kind: "refused", message: /need -t/ });
});

t.test("texts, refusals, status", async (t) => {
  const result = (...words: string[]) => parseCommandLine(words);
  t.match(result("--signum=RELOAD"), { kind: "text", text: "1\n" });
  t.match(result("-v"), { kind: "text", text: /ringway-ha/ });
  t.match(result("--help"), { kind: "text", text: /--use-file/ });
  // keepalived 2.2.7 --help: every flag is at least known.
  for (const letter of "PCBlDSGuXVIRndprTcabxAsmMeitvh") {
    t.notMatch(result(`-${letter}`, "1"), { message: /unknown flag/ }, letter);
  }
  t.match(result("-x"), { kind: "refused", message: /SNMP/ });
  t.match(result("--nonsense"), { kind: "refused", message: /--nonsense/ });
  t.match(result("file"), { kind: "refused", message: /no flag/ });
  t.match(result("-f"), { kind: "refused", message: /needs a value/ });
  t.match(result("--dont-fork=yes"), { kind: "refused", message: /takes no value/ });
  t.same(result("status", "--json"), { kind: "status", controlSocket: null, json: true });
  t.match(result("status", "--control-socket", "/x"), { controlSocket: "/x" });
  t.match(result("status", "now"), { kind: "refused" });
  t.same(result("drill"), { kind: "drill", controlSocket: null, instance: null });
  t.match(result("drill", "VI_1", "--control-socket", "/x"), { controlSocket: "/x", instance: "VI_1" });
  t.match(result("drill", "VI_1", "VI_2"), { kind: "refused" });
});
