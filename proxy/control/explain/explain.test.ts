// `ringway check --explain` and `ringway diff`: on a configuration full of mistakes, on one without, and as programs with their statuses.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { loadConfiguration } from "../../config/load.ts";
import { IS_HAPROXY, runProgram } from "../../test/lab/program.ts";
import { diffPlans } from "./diff.ts";
import { explainText } from "./explain.ts";
import { findingsOf } from "./findings.ts";

const DEFAULTS = `defaults
  mode http
  timeout client 5s
  timeout connect 1s
  timeout server 5s
`;

const MISTAKES = `defaults
  mode http
  timeout client 5s
frontend web
  bind :8080
  acl api path_beg /api
  acl unused path_beg /x
  acl old hdr(host) old.example
  http-request deny
  http-request set-header x y
  use_backend b1 if api
  use_backend b2
  use_backend b3 if old
backend b1
  server one 127.0.0.1:9001 weight 50 check
backend b2
  balance first
  server a 127.0.0.1:9001
  server b 127.0.0.1:9002
backend b3
backend lost
  server x 127.0.0.1:1
frontend nowhere
  bind :8081
`;

async function load(folder: string, text: string) {
  const file = join(folder, "cfg");
  writeFileSync(file, text);
  const { plan, acls } = await loadConfiguration({ files: [file] });
  if (plan === null) throw new Error("it does not load");
  return { plan, acls };
}

t.test("mistakes are found, each at its place", async (t) => {
  const { plan, acls } = await load(t.testdir(), MISTAKES);
  const findings = findingsOf(plan, acls).map(({ at, text }) => `${at.line} ${text.replace(/:.*/, "")}`);
  t.strictSame(findings.sort(), [
    "10 'http-request deny' without a condition",
    "13 'use_backend' without a condition",
    "14 backend b1 has no timeout connect, no timeout server",
    "15 the weight of b1/one never matters",
    "16 'balance first' in b2 gives everything to a",
    "16 backend b2 has no timeout connect, no timeout server",
    "16 no server of b2 is checked",
    "20 backend b3 has no server",
    "21 backend lost has no timeout connect, no timeout server",
    "21 backend lost is never used",
    "23 frontend nowhere leads nowhere",
    "4 the ACL 'unused' of web is never used",
  ]);
});

t.test("a sound configuration is explained without complaint", async (t) => {
  const { plan, acls } = await load(
    t.testdir(),
    `${DEFAULTS}frontend web
  bind 127.0.0.1:8080 maxconn 10
  maxconn 20
  acl local src 127.0.0.0/8
  http-request deny unless local
  default_backend be
backend be
  server a 127.0.0.1:9001 weight 3 check inter 5s maxconn 7
  server b 127.0.0.1:9002 check
  server c 127.0.0.1:9003 backup
listen page
  bind 127.0.0.1:8081
  stats enable
  stats uri /s
`,
  );
  const text = explainText(plan, findingsOf(plan, acls));
  t.match(text, "listens on 127.0.0.1:8080: at most 10 connections");
  t.match(text, "http-request: 1 rule (deny), 1 with a condition");
  t.match(text, "a at 127.0.0.1:9001: 75 % of new traffic, at most 7 at once, others queue, checked (tcp) every 5 s");
  t.match(text, "c at 127.0.0.1:9003: only when no active server is up");
  t.match(text, "statistics page under /s, open to everybody who gets here");
  t.match(text, "Nothing looks like a mistake.");
  t.notMatch(text, /undefined|NaN|\[object/);
});

t.test("what a reload would change", async (t) => {
  const config = (port: number, weight: number, name: string, rule = ""): string =>
    `${DEFAULTS}listen l\n  bind 127.0.0.1:${port}\n${rule}  server ${name} 127.0.0.1:9001 weight ${weight}\n  server same 127.0.0.1:9009\n`;
  const before = (await load(t.testdir(), config(8080, 1, "a"))).plan;
  const moved = (await load(t.testdir(), `\n# a comment\n${config(8080, 1, "a")}`)).plan;
  t.strictSame(diffPlans(before, moved), [], "places in the file are no change");
  const after = (await load(t.testdir(), config(8081, 1, "b", "  http-request deny if { path /x }\n"))).plan;
  t.strictSame(diffPlans(before, after), [
    "+ listens on 127.0.0.1:8081 (l)",
    "- listens no longer on 127.0.0.1:8080 (l): open connections finish",
    "~ listen l: httpRequest (0 → 1 rules)",
    "+ server l/b at 127.0.0.1:9001",
    "- server l/a at 127.0.0.1:9001",
  ]);
  const heavier = (await load(t.testdir(), config(8080, 9, "a"))).plan;
  t.strictSame(diffPlans(before, heavier), ["~ server l/a: weight 1 → 9"]);
});

t.test("as programs", { skip: IS_HAPROXY }, async (t) => {
  const folder = t.testdir({
    bad: "global\n  nonsense\n",
    good: `${DEFAULTS}listen l\n  bind 127.0.0.1:8080\n  stats enable\n`,
  });
  const [good, bad] = [join(folder, "good"), join(folder, "bad")];
  const check = await runProgram(["check", "--explain", good]);
  t.match(check, { code: 0, stdout: /Nothing looks like a mistake/ });
  t.match(await runProgram(["check", bad]), { code: 1, stderr: /unknown keyword 'nonsense'/ });
  t.match(await runProgram(["diff", good, good]), { code: 0, stdout: "Nothing would change.\n" });
  t.match(await runProgram(["diff", good, bad]), { code: 2, stderr: /unknown keyword/ });
  t.match(await runProgram(["diff", good]), { code: 2, stderr: /Usage: ringway check/ });
});
