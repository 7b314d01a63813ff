// ACLs and use_backend: every matcher of the first release against requests that match and requests that do not, flags, files,
// anonymous ACLs, and, or, negation, and the order of rules.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { basics } from "./lab/config.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";

t.setTimeout(120_000);

const folder = t.testdir({});
const list = join(folder, "paths.lst");
writeFileSync(list, "# a comment\n/from-file\n\n/also-from-file\n");

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly lines?: string;
  readonly from?: string;
}
/** A condition, what it must match, what it must not. */
interface Case {
  readonly condition: string;
  readonly acls?: readonly string[];
  readonly yes: readonly Asked[];
  readonly no: readonly Asked[];
}
const paths = (...all: string[]): Asked[] => all.map((path) => ({ path }));
const hosts = (...all: string[]): Asked[] => all.map((host) => ({ lines: `Host: ${host}\r\n` }));

const CASES: readonly Case[] = [
  { condition: "{ path /exact }", yes: paths("/exact", "/exact?q=1"), no: paths("/exact/", "/Exact", "/") },
  { condition: "{ path -i /exact }", yes: paths("/EXACT"), no: paths("/exact/") },
  { condition: "{ path /one /two }", yes: paths("/one", "/two"), no: paths("/three") },
  {
    condition: `{ path -f ${list} }`,
    yes: paths("/from-file", "/also-from-file"),
    no: paths("/", "# a comment").filter(({ path }) => path === "/"),
  },
  { condition: `{ path -i -f ${list} -- /-i }`, yes: paths("/FROM-FILE", "/-I"), no: paths("/-f") },
  { condition: "{ path_beg /api/ }", yes: paths("/api/", "/api/x"), no: paths("/api", "/x/api/") },
  { condition: "{ path_end .png .jpg }", yes: paths("/a.png", "/b.jpg?x"), no: paths("/a.png/", "/a.PNG") },
  { condition: "{ path_end -i .png }", yes: paths("/a.PNG"), no: paths("/png") },
  { condition: "{ path_sub admin }", yes: paths("/x/admin/y", "/admin"), no: paths("/adm/in", "/?admin") },
  {
    condition: "{ path_reg ^/v[0-9]+/.*\\.json$ }",
    yes: paths("/v1/a.json", "/v22/x/y.json"),
    no: paths("/v/a.json", "/v1/a.jsonp"),
  },
  { condition: "{ path_reg -i ^/abc }", yes: paths("/ABC"), no: paths("/ab") },
  { condition: "{ path_dir static }", yes: paths("/static/x", "/a/static/b"), no: paths("/statics/x", "/xstatic/") },
  { condition: "{ path -m beg /m }", yes: paths("/mm"), no: paths("/n") },
  { condition: "{ path -m len 5 }", yes: paths("/abcd"), no: paths("/abc") },
  { condition: "{ hdr(host) example.org }", yes: hosts("example.org"), no: hosts("www.example.org", "example.org:80") },
  { condition: "{ hdr(host) -i example.org }", yes: hosts("EXAMPLE.org"), no: hosts("example.com") },
  { condition: "{ hdr_beg(host) www. }", yes: hosts("www.a", "www."), no: hosts("ww.a") },
  { condition: "{ hdr_end(host) .example.org }", yes: hosts("a.example.org"), no: hosts("example.org") },
  {
    condition: "{ hdr_dom(host) example }",
    yes: hosts("www.example.org", "example:80"),
    no: hosts("example1.org", "myexample.org"),
  },
  { condition: "{ hdr_reg(host) ^[a-c]+\\. }", yes: hosts("abc.x"), no: hosts("d.x") },
  { condition: "{ hdr_sub(user-agent) curl }", yes: [{ lines: "Host: a\r\nUser-Agent: x curl/8\r\n" }], no: [{}] },
  {
    condition: "{ hdr(x-list) b }",
    yes: [{ lines: "Host: a\r\nX-List: a, b ,c\r\n" }, { lines: "Host: a\r\nX-List: a\r\nX-List: b\r\n" }],
    no: [{ lines: "Host: a\r\nX-List: bb\r\n" }, {}],
  },
  {
    condition: "{ hdr_cnt(x) gt 1 }",
    yes: [{ lines: "Host: a\r\nX: 1\r\nX: 2\r\n" }],
    no: [{ lines: "Host: a\r\nX: 1\r\n" }],
  },
  { condition: "{ hdr(x) -m found }", yes: [{ lines: "Host: a\r\nX: y\r\n" }], no: [{}] },
  { condition: "{ method POST PUT }", yes: [{ method: "POST" }, { method: "PUT" }], no: [{}, { method: "DELETE" }] },
  { condition: "{ method PROPFIND }", yes: [{ method: "PROPFIND" }], no: [{ method: "PROP" }] },
  { condition: "{ src 127.0.3.0/24 }", yes: [{ from: "127.0.3.9" }], no: [{ from: "127.0.4.9" }] },
  { condition: "{ src 127.0.3.7 10.0.0.0/8 }", yes: [{ from: "127.0.3.7" }], no: [{ from: "127.0.3.8" }] },
  {
    condition: "{ url_param(user) bob }",
    yes: paths("/?user=bob", "/x?a=b&user=bob"),
    no: paths("/?user=bobby", "/?xuser=bob", "/"),
  },
  { condition: "{ url_param(user) -m found }", yes: paths("/?user=", "/?user=x"), no: paths("/?users=x") },
  { condition: "{ always_true }", yes: [{}], no: [] },
  { condition: "{ always_false }", yes: [], no: [{}] },
  { condition: "TRUE", yes: [{}], no: [] },
  { condition: "METH_POST", yes: [{ method: "POST" }], no: [{}] },
  { condition: "LOCALHOST", yes: [{ from: "127.0.0.9" }], no: [] },
  { condition: "a b", acls: ["a path_beg /x", "b path_end y"], yes: paths("/xy"), no: paths("/x", "/y") },
  { condition: "a or b", acls: ["a path /x", "b path /y"], yes: paths("/x", "/y"), no: paths("/z") },
  { condition: "a || b", acls: ["a path /x", "b path /y"], yes: paths("/x", "/y"), no: paths("/z") },
  { condition: "!a", acls: ["a path /x"], yes: paths("/y"), no: paths("/x") },
  {
    condition: "a !b or c",
    acls: ["a path_beg /a", "b path_sub b", "c path /c"],
    yes: paths("/a", "/c"),
    no: paths("/ab", "/b"),
  },
  {
    condition: "a { path_end z } or !a { method POST }",
    acls: ["a path_beg /a"],
    yes: [...paths("/az"), { path: "/b", method: "POST" }],
    no: [...paths("/a", "/b"), { path: "/a", method: "POST" }],
  },
  {
    condition: "same",
    acls: ["same path /1", "same path /2", "same hdr(x) y"],
    yes: [...paths("/1", "/2"), { lines: "Host: a\r\nX: y\r\n" }],
    no: paths("/3"),
  },
];

const ports = await freePorts(CASES.length * 2 + 1);
const order = ports.at(-1)!;
const answer = (name: string, status: number): string => `backend ${name}\n  errorfile 503 ${file(name, status)}\n`;
function file(name: string, status: number): string {
  const path = join(folder, `${name}.http`);
  writeFileSync(path, `HTTP/1.1 ${status} ${name}\r\nContent-Length: 0\r\n\r\n`);
  return path;
}
const program = await startProgram(t, {
  config:
    basics("nbthread 2") +
    CASES.map(({ condition, acls = [] }, i) => {
      const lines = acls.map((line) => `  acl ${line}`).join("\n");
      return `
frontend if-${i}
  bind 127.0.0.1:${ports[2 * i]}
${lines}
  use_backend yes if ${condition}
  default_backend no
frontend unless-${i}
  bind 127.0.0.1:${ports[2 * i + 1]}
${lines}
  use_backend no unless ${condition}
  default_backend yes
`;
    }).join("") +
    `
frontend order
  bind 127.0.0.1:${order}
  use_backend yes if { path_beg /a }
  use_backend no if { path_beg /ab }
  use_backend third if { path_beg /c }
${answer("yes", 501)}${answer("no", 502)}${answer("third", 504)}`,
});

async function ask(port: number, { path = "/", method = "GET", lines = "Host: a\r\n", from }: Asked): Promise<number> {
  const client = await connect(t, port, { localAddress: from });
  client.send(`${method} ${path} HTTP/1.1\r\n${lines}\r\n`);
  const { status } = await client.response();
  client.destroy();
  return status;
}

// The backends have no servers: their 503 page is a file that says which of them was chosen.
const YES = 501;
const NO = 502;

for (const [i, { condition, yes, no }] of CASES.entries()) {
  t.test(`if ${condition.replace(folder, "…")}`, async (t) => {
    const tell = (asked: Asked): string => JSON.stringify(asked);
    for (const asked of yes) {
      t.equal(await ask(ports[2 * i]!, asked), YES, `if: ${tell(asked)}`);
      t.equal(await ask(ports[2 * i + 1]!, asked), YES, `unless: ${tell(asked)}`);
    }
    for (const asked of no) {
      t.equal(await ask(ports[2 * i]!, asked), NO, `if: not ${tell(asked)}`);
      t.equal(await ask(ports[2 * i + 1]!, asked), NO, `unless: not ${tell(asked)}`);
    }
  });
}

t.test("the first rule that matches decides, none is 503", async (t) => {
  t.equal(await ask(order, { path: "/ab" }), YES);
  t.equal(await ask(order, { path: "/c" }), 504);
  t.equal(await ask(order, { path: "/x" }), 503);
});

t.test("every request of a connection is judged on its own", async (t) => {
  const client = await connect(t, order);
  for (const [path, status] of [
    ["/a", 501],
    ["/c", 504],
    ["/a", 501],
  ] as const) {
    client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    t.equal((await client.response()).status, status);
  }
  t.equal(program.exit, null);
});
