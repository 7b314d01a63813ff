// Maps and ACL files at run time: what the runtime API answers (HAProxy's words; the whole table holds for HAProxy too), and that every
// worker has a change when the answer is there, which HAProxy gets from shared memory and ringway from messages.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { basics } from "./lab/config.ts";
import { get } from "./lab/http-origin.ts";
import { freePort } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { command } from "./lab/runtime-api.ts";

t.setTimeout(60_000);

const folder = t.testdir({});
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, "latin1");
  return path;
}
const hosts = file("hosts.map", "a.com val1\nb.com  val two words \n#c x\n  lead x\r\n\nnoval\nb.com later\n");
const networks = file("networks.map", "10.0.0.0/8 big\n127.0.0.0/8 own\n127.0.0.1 self\n2001:db8::/32 doc\n");
const agents = file("agents.lst", "Mozilla bad\ncurl/7\n");
const port = await freePort();
const api = join(folder, "api.sock");

await startProgram(t, {
  config: `${basics(`nbthread 2\nstats socket ${api} level admin`)}
frontend f
  bind 127.0.0.1:${port}
  acl agent req.hdr(user-agent) -m beg -i -f ${agents} -f opt@${folder}/none.lst inline
  acl number req.hdr_cnt gt 5 3:4 lt 2
  acl numbered path -u 17 /x
  acl network src -M -f ${networks}
  http-request return status 200 hdr virtual "%[path,map_beg_int(virt@paths,-1)]" hdr network "%[req.hdr(x-src),map_ip(${networks},none)]" hdr host "%[path,map(${hosts})]" hdr key "%[req.hdr(x-src),map_ip_key(${networks})]" if agent || METH_GET
`,
});

interface Case {
  readonly ask: string;
  readonly answer: string;
}
const say = (ask: string, answer = ""): Case => ({ ask, answer: answer === "" ? "\n" : `${answer}\n\n` });
const UNKNOWN = "Unknown map identifier. Please use #<id> or <file>.";
const CASES: readonly Case[] = [
  say("show acl #3", "P 6:\nP 3:4\nP :1"),
  say("show acl #17", "P /x"),
  say(`show acl ${agents}`, "P Mozilla bad\nP curl/7"),
  say(`show map ${hosts}`, "P a.com val1\nP b.com val two words\nP lead x\nP noval \nP b.com later"),
  say("show map nope", UNKNOWN),
  say("get map nope x", UNKNOWN),
  say("get map virt@paths", "Missing map identifier and/or key."),
  say(
    `get map ${networks} 127.0.0.1`,
    'type=ip, case=sensitive, found=yes, idx=tree, key="127.0.0.1", value=none\ntype=ip, case=sensitive, found=yes, idx=tree, key="127.0.0.1", value="self", type="str"',
  ),
  say("get acl #3 8", 'type=int, case=sensitive, match=yes, idx=list, pattern="6:"'),
  say("get acl #2 INLINE-1", 'type=beg, case=insensitive, match=yes, idx=list, pattern="inline"'),
  say("add acl #3", "'add acl' expects two parameters: ACL identifier and pattern."),
  say("add acl #3 abc", "'abc' is not a number."),
  say("add acl #3 77"),
  say(
    `add acl ${networks} 1.2.3.4`,
    "This ACL is shared with a map containing samples. You must use the command 'add map' to add values.",
  ),
  say(
    "add map virt@paths /x",
    "'add map' expects three parameters (map identifier, key and value) or one parameter (map identifier) and a payload",
  ),
  say("add map virt@paths /x nan", "unable to parse 'nan'."),
  say(`add map ${networks} foo bar`, "'foo' is not a valid IPv4 or IPv6 address."),
  say("add map virt@paths /x 12"),
  say("add map virt@paths /x 13"),
  say("set map virt@paths /x nan", "unable to parse 'nan'."),
  say("set map virt@paths /x 14"),
  say("show map virt@paths", "P /x 14\nP /x 14"),
  say("set map virt@paths /y 1", "entry not found."),
  say("set map virt@paths #0xzz 1", "Malformed identifier. Please use #<id> or <file>."),
  say("set map virt@paths #0x11 1", "key or pattern not found."),
  say("del map virt@paths #0x11", "Key not found."),
  say("del map virt@paths /z", "Key not found."),
  say("del map virt@paths /x"),
  say("show map virt@paths"),
  say("prepare map nope", UNKNOWN),
  say("prepare map virt@paths", "New version created: 1"),
  say("add map @1 virt@paths /k 5"),
  say("show map virt@paths"),
  say("show map @1 virt@paths", "P /k 5"),
  say("add map @2 virt@paths /k 5", "Version number in the future, please use 'prepare map' before."),
  say("commit map virt@paths", "Missing version number."),
  say("commit map @1", "Missing map identifier."),
  say("commit map @5 virt@paths", "Version number out of range."),
  say("commit map @1 virt@paths"),
  say("commit map @1 virt@paths", "Version number out of range."),
  say("show map virt@paths", "P /k 5"),
  say("clear map", "Missing map identifier."),
  say("clear map virt@paths"),
  say("show map virt@paths"),
  say("add map virt@paths <<\n/a 1\n/b  2\n"),
  say("add map virt@paths <<\n/c 1\n/d\n/e 3\n", "Missing value for key '/d'."),
  say("show map virt@paths", "P /a 1\nP /b 2\nP /c 1"),
  say("clear map virt@paths"),
];

t.test("answers of the runtime API", async (t) => {
  for (const { ask, answer } of CASES) {
    const got = (await command(api, ask)).replaceAll(/^0x[0-9a-f]+/gm, "P");
    t.equal(got, answer, ask.split("\n")[0]!);
  }
  const lists = await command(api, "show acl");
  t.match(lists, /^0 \(.*agents\.lst\) pattern loaded from file '.*' used by acl at file '.*' line \d+\. curr_ver=0/m);
  t.match(lists, /^2 \(\) acl 'req\.hdr' file '.*' line \d+\. curr_ver=0 next_ver=0/m);
  t.match(lists, /^17 \(\) acl 'path' file/m);
  t.match(await command(api, "show map"), /^\d+ \(virt@paths\) .* curr_ver=1 next_ver=1/m);
});

/** A header of the answer, over a new connection: the kernel gives it to any worker. */
async function ask(header: string, path = "/", source = "127.0.0.1"): Promise<string> {
  const { headers } = await get(port, path, { headers: { "x-src": source } });
  return String(headers[header]);
}

t.test("lookups", async (t) => {
  t.equal(await ask("network"), "self", "the longest network");
  t.equal(await ask("key", "/", "127.0.0.2"), "127.0.0.0/8");
  t.equal(await ask("network", "/", "2001:db8:1::1"), "doc");
  t.equal(await ask("network", "/", "8.8.8.8"), "none");
  t.equal(await ask("virtual"), "-1");
});

t.test("every worker has a change when its answer is there", async (t) => {
  for (let round = 0; round < 15; round++) {
    const verb = round === 0 ? "add" : "set";
    await command(api, `${verb} map virt@paths /w ${round}`);
    const seen = await Promise.all(Array.from({ length: 6 }, () => ask("virtual", "/w/x")));
    t.same(new Set(seen), new Set([String(round)]), `round ${round}`);
  }
});

t.test("a large version is filled apart and replaces the old one at once", async (t) => {
  const version = /: (\d+)/.exec(await command(api, "prepare map virt@paths"))![1];
  const entries = Array.from({ length: 20_000 }, (_, i) => `/p${i}/ ${i}`).join("\n");
  await command(api, `add map @${version} virt@paths <<\n${entries}\n`);
  t.equal(await ask("virtual", "/p777/x"), "-1");
  await command(api, `commit map @${version} virt@paths`);
  t.equal(await ask("virtual", "/p777/x"), "777");
  t.equal(await ask("virtual", "/w/x"), "-1", "what was there before is gone");
});
