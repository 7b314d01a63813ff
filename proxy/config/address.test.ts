// Addresses: what they come to, and the same verdicts and words as HAProxy's for `bind`, `server` and `log` lines.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import t from "tap";
import {
  type AddressRules,
  BIND_RULES,
  LOG_RULES,
  PEER_RULES,
  parseAddress,
  SERVER_RULES,
  splitAddresses,
} from "./address.ts";
import { Environment } from "./environment.ts";

const VARIABLES = { ADDRESS: "127.0.0.1:8085", PORT: "8086", EMPTY: "" };
const environment = new Environment(VARIABLES);
const LONG = "a".repeat(120);

/** `kind host port` and what else there is to know, or the problem's message. */
function show(text: string, rules: AddressRules): string {
  const parsed = parseAddress(text, rules, environment);
  if (!parsed.ok) return `! ${parsed.problem.message}`;
  const { address, host, family, socket, ports, portOffset } = parsed.value;
  const target =
    address === null
      ? `resolve ${host} (${family})`
      : Object.values({ ...address, v6only: "", v4v6: "", port: "" })
          .join(" ")
          .trim();
  const port = ports === null ? "" : ports.first === ports.last ? ` :${ports.first}` : ` :${ports.first}-${ports.last}`;
  const offset = portOffset === null ? "" : ` offset ${portOffset}`;
  return target + port + offset + (socket === "datagram" ? " datagram" : "");
}

t.test("bind", (t) => {
  const bind = (text: string) => show(text, BIND_RULES);
  t.equal(bind(":80"), "ipv4 0.0.0.0 :80");
  t.equal(bind("*:80"), "ipv4 0.0.0.0 :80");
  t.equal(bind("127.1:80"), "ipv4 127.0.0.1 :80");
  t.equal(bind(":1000-1010"), "ipv4 0.0.0.0 :1000-1010");
  t.equal(bind("[::1]:80"), "ipv6 ::1 :80");
  t.equal(bind("::1:80"), "ipv6 ::1 :80");
  t.equal(bind(":::80"), "ipv6 :: :80");
  t.equal(bind("[::]:80"), "ipv6 :: :80");
  t.equal(bind("ipv4@:80"), "ipv4 0.0.0.0 :80");
  t.equal(bind("ipv6@*:80"), "ipv6 :: :80");
  t.equal(bind("tcp6@:80"), "ipv6 :: :80");
  t.equal(bind("stream+ipv4@:80"), "ipv4 0.0.0.0 :80");
  t.equal(bind("unix@run/a.sock"), "unix run/a.sock");
  t.equal(bind("/run/a:80"), "unix /run/a:80");
  t.equal(bind("uxst@/run/a"), "unix /run/a");
  t.equal(bind("abns@name"), "abns name");
  t.equal(bind("abnsz@name"), "abns name true");
  t.equal(bind("fd@3"), "fd 3");
  t.equal(bind("localhost:80"), "resolve localhost (ip) :80");
  t.equal(bind("ipv6@[localhost]:80"), "resolve localhost (ipv6) :80");
  t.equal(bind("$" + "{ADDRESS}"), "ipv4 127.0.0.1 :8085", "variables without quotes");
  t.equal(bind(":$PORT"), "ipv4 0.0.0.0 :8086");
  t.equal(bind("unix@$NOPE/x"), "unix /x");
  t.equal(bind("quic4@:443"), "! address 'quic4@:443' is of a kind that ringway does not serve yet");
  t.match(parseAddress("[::1]:80-82", BIND_RULES, environment), {
    value: { address: { port: 80 }, ports: { last: 82 } },
  });
  t.same(splitAddresses(":80,/run/x,[::1]:81"), [":80", "/run/x", "[::1]:81"]);
  t.same(splitAddresses(":80,"), [":80"]);
  t.same(splitAddresses(":80,,:81"), [":80", "", ":81"]);
  t.same(splitAddresses(","), [""]);
  t.end();
});

t.test("server, log, source", (t) => {
  t.equal(show("10.0.0.1", SERVER_RULES), "ipv4 10.0.0.1");
  t.equal(show("10.0.0.1:", SERVER_RULES), "ipv4 10.0.0.1");
  t.equal(show("10.0.0.1:+80", SERVER_RULES), "ipv4 10.0.0.1 offset 80");
  t.equal(show("10.0.0.1:-80", SERVER_RULES), "ipv4 10.0.0.1 offset -80");
  t.equal(show("10.0.0.1:0", SERVER_RULES), "ipv4 10.0.0.1 :0");
  t.equal(show("www.example.org:80", SERVER_RULES), "resolve www.example.org (ip) :80");
  t.equal(show("udp@1.2.3.4:53", SERVER_RULES), "ipv4 1.2.3.4 :53 datagram");
  t.equal(show("/dev/log", LOG_RULES), "unix /dev/log datagram");
  t.equal(show("127.0.0.1", LOG_RULES), "ipv4 127.0.0.1 datagram");
  t.equal(show("tcp@127.0.0.1:514", LOG_RULES), "ipv4 127.0.0.1 :514");
  t.equal(show("fd@2", LOG_RULES), "fd 2 datagram");
  t.equal(show("1.2.3.4:80", PEER_RULES), "ipv4 1.2.3.4 :80");
  t.equal(show("udp@1.2.3.4", PEER_RULES), "! dgram-type address not acceptable in 'udp@1.2.3.4'");
  t.end();
});

const HAPROXY = process.env.HAPROXY ?? "haproxy";
const missing = spawnSync(HAPROXY, ["-v"]).status !== 0 && `${HAPROXY} does not run`;
if (missing && process.env.CI === "true") t.fail(`CI must have HAProxy to compare with: ${missing}`);

const BIND_ADDRESSES = `
  :8080 *:8080 127.0.0.1 127.0.0.1: 127.0.0.1:99999 127.0.0.1:0 :1000-1010 :1010-1000 :1000- :-1000 :1-70000 ::1:8080 [::1]:8080
  [::1] [::1 ::1 :::8080 ipv4@:8080 ipv4@*:8080 ipv6@:8080 ipv6@*:8080 ipv4@::1:80 ipv6@127.0.0.1:80 ipv4@[::1]:80 unix@/tmp/a
  unix@a /tmp/a.sock unix@/ unix@ fd@x fd@ abns@foo abns@ stream+ipv4@:80 dgram+ipv4@:80 udp@:80 udp4@:80 tcp@:8080 tcp4@:8080
  tcp6@:8080 tcp4@::1:8080 uxst@/tmp/x uxdg@/tmp/x localhost:8080 , foo@bar:80 :80x :x :+80 1.2.3.4.5:80 1.2.3:80 300.1.1.1:80
  ip@:8080 ip@127.0.0.1:8080 @:80 [127.0.0.1]:8080 [localhost]:8080 /${LONG} abns@${LONG} fd@1:80 :080 0:8080 fe80::1%lo:8080
  [fe80::1%lo]:8080 ::ffff:1.2.3.4:80 ::: :: : * ipv4@ 8080 \${ADDRESS} :$PORT \${NOPE} \${NOPE}:80 \${EMPTY} \${ADDRESS}x :80:80 a
  [::1]x:80 ::1]:80 *:* :80-90-100 :- :80-+90 unix@/a:80 fd@-1 tcp6@*:80 tcp6@127.0.0.1:80 tcp@::1:80 stream+foo@x:80 stream+:80
  stream@:80 0x7f.1:80 0177.0.0.1:80 2130706433:80 ::FFFF:80 1::2::3:80 12345::1:80 ::ffff:1.2.3:80
`;
const SERVER_ADDRESSES = `
  127.0.0.1 127.0.0.1:80 :80 *:80 127.0.0.1:+80 127.0.0.1:-80 127.0.0.1:80-90 127.0.0.1:+x 127.0.0.1:70000 127.0.0.1:+70000 [::1]:80
  ::1:80 /tmp/a unix@/tmp/a abns@x fd@3 fd@x localhost localhost:80 tcp@1.1.1.1:80 127.0.0.1: 127.0.0.1:0 ipv4@localhost:80
  0.0.0.0:80 stream+ip@1.1.1.1:80 \${ADDRESS} \${NOPE} 127.0.0.1:- 127.0.0.1:65536 unix@ / abns@ ipv6@:80 ipv6@*:80 :x 1.1.1.1:8x
`;
const LOG_ADDRESSES = `
  127.0.0.1 127.0.0.1:514 /dev/log fd@2 fd@x tcp@127.0.0.1:514 udp@127.0.0.1:514 :514 127.0.0.1:514-515 ::1 unix@x localhost:x
  127.0.0.1:0 127.0.0.1:+5 \${NOPE} localhost ipv6@::1 [::1] [::1]:515 uxdg@/x tcp4@1.1.1.1 127.0.0.1:70000 1.2.3.4.5 a@b
`;

interface Comparison {
  readonly addresses: string;
  readonly rules: AddressRules;
  /** The lines in front of those with addresses. */
  readonly head: string;
  readonly line: (address: string, index: number) => string;
  /** Finds the address parser's own words in a message. */
  readonly words: RegExp;
}

const COMPARISONS: readonly Comparison[] = [
  {
    addresses: BIND_ADDRESSES,
    rules: BIND_RULES,
    head: "listen l\n mode tcp",
    line: (address) => ` bind ${address}`,
    words: / : 'bind' : (.*)$/,
  },
  {
    addresses: SERVER_ADDRESSES,
    rules: SERVER_RULES,
    head: "backend b\n mode tcp",
    line: (address, index) => ` server s${index} ${address}`,
    words: / : 'server b\/s\d+' : (.*)$/,
  },
  {
    addresses: LOG_ADDRESSES,
    rules: LOG_RULES,
    head: "backend b\n mode tcp",
    line: (address) => ` log ${address} local0`,
    words: / : (?:'log'|log) : (.*)$/,
  },
];

/** HAProxy stops at 50 errors, so it gets fewer lines at a time. */
const LINES_MAX = 40;

/** What HAProxy says of each address, "" of those it takes. */
function theirs(folder: string, addresses: readonly string[], comparison: Comparison): string[] {
  const { head, line, words } = comparison;
  writeFileSync(`${folder}/t.cfg`, `${head}\n${addresses.map(line).join("\n")}\n`);
  const env = { PATH: process.env.PATH, ...VARIABLES };
  const result = spawnSync(HAPROXY, ["-c", "-f", "t.cfg"], { cwd: folder, env, encoding: "utf8" });
  const lines = result.stderr.split("\n").filter((text) => text.startsWith("[ALERT]"));
  return addresses.map((_, index) => {
    const place = `[t.cfg:${head.split("\n").length + index + 1}]`;
    const found = lines.find((text) => text.includes(place));
    return found === undefined ? "" : (words.exec(found)?.[1] ?? found);
  });
}

function ours(address: string, rules: AddressRules): string {
  const parsed = splitAddresses(address).map((part) => parseAddress(part, rules, environment));
  const problem = parsed.find((one) => !one.ok);
  return problem === undefined || problem.ok ? "" : problem.problem.message;
}

t.test("HAProxy agrees", { skip: missing }, (t) => {
  const folder = t.testdir();
  const is26 = spawnSync(HAPROXY, ["-v"], { encoding: "utf8" }).stdout.includes("version 2.");
  for (const comparison of COMPARISONS) {
    const addresses = comparison.addresses.trim().split(/\s+/);
    for (let start = 0; start < addresses.length; start += LINES_MAX) {
      const part = addresses.slice(start, start + LINES_MAX);
      const verdicts = theirs(folder, part, comparison);
      for (const [index, address] of part.entries()) {
        const verdict = ours(address, comparison.rules);
        // 2.6 reads a port up to the first character that is no digit and ignores the rest.
        if (is26 && verdict.startsWith("invalid character")) continue;
        t.equal(verdict, verdicts[index], comparison.line(address, index));
      }
    }
  }
  t.end();
});
