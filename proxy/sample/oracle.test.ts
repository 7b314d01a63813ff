// HAProxy as the judge of expressions and ACLs: every expression and every ACL line below is asked about every request below, of us and
// of a real HAProxy, and the answers must be equal.
//
// Which HAProxy: $HAPROXY, otherwise `haproxy` of the system. Without one the test is skipped and says so; with CI=true that is a failure.
// Rows that need a newer one say so.

import { spawnSync } from "node:child_process";
import t from "tap";
import { compileCondition } from "../acl/condition.ts";
import { parseAclTest } from "../config/expression/acl.ts";
import { parseSample } from "../config/expression/sample.ts";
import type { ExpressionReference } from "../config/expression/typed-arguments.ts";
import { SERVER } from "../shared-state/layout.ts";
import { compileSample } from "./expression.ts";
import { addPatterns, makeContext, makePlan, makeStream, setClient } from "./fixture.ts";
import { startRawProxy } from "./oracle.fixture.ts";

const HAPROXY = process.env.HAPROXY ?? "haproxy";
const CLIENT = "127.0.0.9";

interface Row {
  readonly text: string;
  /** Older HAProxys say something else, or do not know it. */
  readonly since?: number;
}

const REQUESTS: readonly Row[] = [
  "GET /a/b?u=1&v=2 HTTP/1.1\r\nHost: h.example.com:80\r\nx: a\r\nx: b, c ,,d\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: h\r\nx:\r\n\r\n",
  "GET /? HTTP/1.1\r\nHost: h\r\nx: ,\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: h\r\nx: a,\r\ny: 1.2.3.4\r\n\r\n",
  'GET / HTTP/1.1\r\nHost: h\r\nx: "a,b" , c="x\\",y",z\r\n\r\n',
  "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
  "GET http://h/abs?q;u=5 HTTP/1.1\r\nHost: h\r\n\r\n",
  "FOO /x?U=9&u= HTTP/1.0\r\n\r\n",
  "get /x?u&u=2?u=3;u=4 HTTP/1.1\r\nhost: q\r\n\r\n",
  "GET /x;u=7?a=1&ab=2&b=12x&c=-5 HTTP/1.1\r\nhost: q\r\n\r\n",
  "POST /Images/PNG/logo/32x32.png HTTP/1.1\r\nhost: www1.dc-eu.Example.com:80\r\ncontent-length: 0\r\ny: 10.1.2.3, 2001:db8::5\r\ny: ::ffff:10.9.9.9\r\n\r\n",
  "GET /a//b/ HTTP/1.1\r\nhost: h\r\ny: 192.0.2.7:8080, 1.2.3, 300.1.1.1, 1.2.3.4:70000, 2002:a01:203::1\r\n\r\n",
  "GET /a.b-c/d?e HTTP/1.1\r\nhost: h\r\nx: 5\r\nz: 17, -3, 0009, -0, 2147483647\r\n\r\n",
  "GET /c HTTP/1.1\r\nhost: h\r\ncookie: a=1; b=2\r\ncookie: a=3,c=4 ; $d=5\r\n\r\n",
  'GET /c HTTP/1.1\r\nhost: h\r\ncookie:  a = "x;y" ;a;b=; ;=5;aa=7; A=8\r\n\r\n',
  "GET /c HTTP/1.1\r\nhost: h\r\ncookie: a\r\n\r\n",
  'GET /c HTTP/1.1\r\nhost: h\r\ncookie: b=x"y; a=2\r\n\r\n',
  "GET /%41%20a?x=%41 HTTP/1.1\r\nhost: h\r\nx: \t two words \t\r\n\r\n",
  `GET /${"a".repeat(300)} HTTP/1.1\r\nhost: h\r\n\r\n`,
]
  .map((text): Row => ({ text }))
  .concat([{ text: "GET / HTTP/1.1\r\nhost: h\r\ny: [2001:db8::1], 1.2.3.4\r\n\r\n", since: 3 }]);

const EXPRESSIONS: readonly Row[] = [
  ...["path", "pathq", "query", "url", "base", "baseq", "base32", "url32", "method", "req.ver"],
  ...["hdr(x)", "hdr(x,1)", "hdr(x,2)", "hdr(x,-2)", "hdr(x,9)", "hdr(X)", "req.hdr(nope)", "hdr(host)"],
  ...["req.fhdr(x)", "req.fhdr(x,1)", "req.fhdr(x,-2)", "hdr_cnt(x)", "req.fhdr_cnt(x)", "hdr_cnt", "req.fhdr_cnt"],
  ...["hdr_ip(y)", "hdr_ip(y,1)", "hdr_ip(y,2)", "hdr_ip(y,3)", "hdr_ip(y,-1)", "hdr_ip(y,4)", "hdr_ip(y,6)"],
  ...["hdr_val(z)", "hdr_val(z,1)", "hdr_val(z,2)", "hdr_val(z,3)", "hdr_val(z,4)", "hdr_val(z,5)"],
  ...["urlp(u)", "url_param(u)", "urlp(u,;)", "urlp(a)", "urlp(ab)", "urlp(nope)", "urlp_val(b)", "urlp_val(c)"],
  ...["src", "src_port,length", "dst", "always_true", "always_false", "int(-7)", "str(a b)", "ipv4(1.2.3.4)"],
  ...["ipv6(2001:db8::0:1)", "ipv6(::ffff:1.2.3.4)", "bool(true)", "nbsrv(b)", "queue(b)", "avg_queue(b)"],
  ...["req.cook", "req.cook(a)", "req.cook(b)", "cook(c)", "req.cook_cnt(a)", "req.cook_cnt", "cook_val(c)"],
  ...["base32+src,hex", "url32+src,hex", "bin(00ff41),hex", "meth(POST)", "proc"],
  ...[
    "thread",

    "stopping",
    "rand(1)",
    "uuid,length",
    "env(NOT_SET_ANYWHERE)",
    "hostname",
    "date_us,bool",
  ],
  ...[
    "srv_weight(b/s1)",
    "srv_uweight(b/s1)",
    "srv_iweight(b/s1)",
    "srv_conn_free(b/s1)",
    "be_conn_free(b)",
    "connslots(b)",
  ],
  ...["date,div(1000)", "date(-5,s),div(1000)", "fe_id,bool", "so_id,bool", "be_conn_free(e)", "connslots(e)"],
  ...["path,lower", "path,upper", "hdr(x),upper,lower", "path,length", "hdr(host),length", "url,lower,length"],
]
  .map((text): Row => ({ text }))
  .concat([
    { text: "query(with_qm)", since: 3.1 },
    { text: "req.cook_names", since: 3 },
    { text: "req.cook_names(|)", since: 3 },
    { text: "req.hdr_names", since: 2.8 },
    { text: "req.hdr_names('; ')", since: 2.8 },
    { text: "date(0,ms),div(1000000)", since: 2.6 },
    { text: "uuid(7),length", since: 3 },
    { text: "pid,bool", since: 3 },
    { text: "urlp(u,,i)", since: 2.9 },
  ]);

const ACLS: readonly Row[] = [
  ...["path /", "path /a/b", "path -i /A/B", "path -m found", "query -m found", "hdr(x) -m found", "path *", "url *"],
  ...["path_beg /a", "path_beg -i /IMAGES", "path_beg /b /c /d /e /f /Im", "path_end .png", "path_end -i .PNG .gif"],
  ...["path_end a b c d e f g", "path_sub //", "path_sub -i png/", "path_len 1", "path_len gt 5", "path_len 3:8"],
  ...[
    "path_dir b",
    "path_dir images -i",
    "path_dir -i images",
    "path_dir -i png/logo",
    "path_dir /a/b",
    "path_dir a.b-c",
  ],
  ...["path_dir 32x32", "path_dir /", "path_dom b", "path_dom png", "path_dom a.b-c", "path_dom -i PNG/logo"],
  ...["hdr_dom(host) example", "hdr_dom(host) -i example", "hdr_dom(host) -i example.com", "hdr_dom(host) eu"],
  ...["hdr_dom(host) 80", "hdr_dom(host) dc-eu", "hdr_dom(host) -i .example.", "hdr_dom(host) h"],
  ...["path_reg ^/a", "path_reg -i ^/IMAGES/.*\\.png$", "path_reg [[:digit:]]{2}x\\d+", "path_reg ^/(a|b)+/?$"],
  ...["path_reg ^.{10,}$", "hdr_reg(x) ^[a-c]$", "hdr_reg(x) \\s", "url_reg ^[^/:]*://", "hdr_reg(host) (?i)EXAMPLE"],
  ...["hdr(x) a", "hdr(x) d", "hdr(x) c", "hdr(x) 5", "hdr(x,1) d", "hdr(x) b,", "req.fhdr(x) -m sub ,"],
  ...[
    "cook(a) 1",
    "cook(a) 3",
    "cook(b) -m found",
    "cook_beg(a) x",
    "cook_cnt(a) 2",
    "cook -m len 1",
    "cook_val(c) gt 1",
  ],
  ...["meth(GET) -m str GET", "date gt 1000", "req.cook(a) -m str 1", "req.cook(nope) -m found", "cook_end(b) y; a=2"],
  ...["hdr_cnt(x) 0", "hdr_cnt(x) gt 2", "hdr_val(z) 17", "hdr_val(z) lt 0", "hdr_val(z) 4", "hdr_val(z) ge 9 le 0"],
  ...[
    "hdr_ip(y) 10.0.0.0/8",
    "hdr_ip(y) 10.1.2.3",
    "hdr_ip(y) 2001:db8::/32",
    "hdr_ip(y) 192.0.2.7",
    "hdr_ip(y) 1.2.3.4",
  ],
  ...["hdr_ip(y) ::ffff:10.0.0.0/104", "hdr_ip(y) 10.9.0.0/16", "hdr_ip(y) 10.1.2.0/255.255.255.0", "hdr_ip(y) 10.1"],
  ...["method GET", "method get", "method -i get", "method FOO", "method -i foo", "method POST OPTIONS", "method HEAD"],
  ...["method -m beg G", "method -m reg ^[A-Z]+$", "method -m len 3", "req_ver 1.1", "req_ver 1.0"],
  ...["src 127.0.0.9", "src 127.0.0.0/8", "src 127.1", "src ::1", "src ::ffff:127.0.0.0/104", "src 128.0.0.0/1"],
  ...[
    "src -m str 127.0.0.9",
    "src -m beg 127.",
    "dst_port 1:65535",
    "urlp(u) 1",
    "urlp(u) 2",
    "urlp 2",
    "urlp(u) -m found",
  ],
  ...["urlp_reg(a) ^1$", "urlp(a),length 1", "path,lower /a/b", "path,length 4", "path,length lt 3", "path -m bin 2f"],
  ...[
    "path -m int 0",
    "hdr(x) -m int 5",
    "hdr(y) -m ip 1.2.3.4",
    "hdr(x) -m bool",
    "int(5) 5",
    "int(5) 6",
    "int(5) lt 6",
  ],
  ...[
    "int(5) ge 5",
    "int(5) gt 5",
    "int(5) le 4",
    "int(5) :",
    "int(5) 4:",
    "int(5) :4",
    "int(5) -m str 5",
    "int(0) -m bool",
  ],
  ...["int(16909060) -m ip 1.2.3.4", "ipv4(1.2.3.4) -m int 16909060", "ipv6(::1) -m str ::1", "str(x) -m len 1"],
  ...[
    "str(1.2.3.4) -m ip 1.2.3.0/24",
    "str(abc) -m ip 1.2.3.4",
    "always_true",
    "always_false",
    "nbsrv(b) 2",
    "srv_is_up(b/s1)",
  ],
  ...["nbsrv(b) 0", "nbsrv(e) 0", "be_conn(b) 0", "fe_conn gt 0", "ipv6(2002:102:304::) -m ip 1.2.3.4"],
].map((text): Row => ({ text }));

function haproxyVersion(): number | null {
  const { stdout } = spawnSync(HAPROXY, ["-v"], { encoding: "latin1" });
  const found = /^HA-?Proxy version (\d+\.\d+)/.exec(stdout ?? "");
  return found === null ? null : Number(found[1]);
}

/** Words of an ACL line of this test. */
const words = (text: string): string[] => text.split(" ");
const escaped = (text: string): string => text.replace(/[\\"#$]/g, "\\$&");
const quoted = (text: string): string =>
  words(text)
    .map((word) => `"${escaped(word)}"`)
    .join(" ");

const plan = makePlan([{ serverSettings: [{}, {}] }, {}], 1, [
  { index: 0, address: { kind: "ipv4", host: "127.0.0.1", port: 80 } },
]);
const ctx = makeContext(plan);
ctx.shared.words[ctx.shared.proxyAt(0) + 10] = 2; // activeServers
ctx.shared.words[ctx.shared.proxyAt(0) + 0] = 1; // frontendSessions: the client's
ctx.shared.words.fill(2, ctx.shared.serverAt(0), ctx.shared.serverAt(0) + 1); // running
for (const server of [0, 1]) {
  const at = ctx.shared.serverAt(server);
  for (const word of [SERVER.userWeight, SERVER.initialWeight, SERVER.effectiveWeight]) ctx.shared.words[at + word] = 1;
}
setClient(ctx, CLIENT);

/** Backend b is proxy 0 with two servers, e is proxy 1 with none; what is left out is proxy 0. */
function resolve(references: readonly ExpressionReference[]): void {
  for (const reference of references) {
    if (reference.kind === "patterns")
      reference.found(addPatterns(ctx, reference.source.keys, reference.source.values));
    else if (reference.kind !== "acls") reference.values[reference.position] = reference.name === "e" ? 1 : 0;
  }
}

function ourText(expression: string, head: string): string {
  const parsed = parseSample(expression);
  if (!parsed.ok) return `(${parsed.message})`;
  resolve(parsed.references);
  const { first } = compileSample(parsed.sample, ctx, false, "str");
  return first(makeStream(ctx, head)) === 2 ? ctx.value.text() : "";
}

function ourVerdict(acl: string, head: string): boolean | string {
  const parsed = parseAclTest(words(acl));
  if (!parsed.ok) return parsed.message;
  resolve(parsed.references);
  const condition = compileCondition({ kind: "acl", name: "", tests: parsed.tests }, ctx);
  return condition(makeStream(ctx, head)) === 2;
}

const version = haproxyVersion();
if (version === null && process.env.CI === "true")
  throw new Error("needs haproxy, and with CI=true its absence is a failure");
const skip = version === null ? "needs haproxy (not installed)" : false;
const isKnown = ({ since }: Row): boolean => since === undefined || (version ?? 0) >= since;

t.test("expressions give what HAProxy's give", { skip }, async (t) => {
  const rows = EXPRESSIONS.filter(isKnown);
  const format = rows.map(({ text }) => `%[${text}]`).join("\\x1f");
  const ask = await startRawProxy(t, HAPROXY, CLIENT, [
    `http-request return status 200 content-type text/plain lf-string "${format}"`,
  ]);
  for (const { text: head } of REQUESTS.filter(isKnown)) {
    const theirs = (await ask(head)).split("\x1f");
    const name = JSON.stringify(head).slice(0, 60);
    t.equal(theirs.length, rows.length, name);
    rows.forEach(({ text }, i) => {
      if (theirs[i] !== ourText(text, head)) t.equal(ourText(text, head), theirs[i], `${text} of ${name}`);
    });
  }
});

t.test("ACLs match where HAProxy's match", { skip }, async (t) => {
  const rows = ACLS.filter(isKnown).filter(({ text }) => !words(text).includes(":"));
  const rules = rows.flatMap(({ text }, i) => [
    `acl a${i} ${quoted(text)}`,
    `http-request set-var(txn.a${i}) bool(true) if a${i}`,
  ]);
  const format = rows.map((_, i) => `%[var(txn.a${i})]`).join(",");
  const ask = await startRawProxy(t, HAPROXY, CLIENT, [
    ...rules,
    `http-request return status 200 content-type text/plain lf-string "${format}"`,
  ]);
  for (const { text: head } of REQUESTS.filter(isKnown)) {
    const theirs = (await ask(head)).split(",");
    const name = JSON.stringify(head).slice(0, 60);
    t.equal(theirs.length, rows.length, name);
    rows.forEach(({ text }, i) => {
      const expected = theirs[i] === "1";
      if (ourVerdict(text, head) !== expected) t.equal(ourVerdict(text, head), expected, `${text} of ${name}`);
    });
  }
});
