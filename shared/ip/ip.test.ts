// Addresses between text and bytes. Node's own parser (net.isIP and the canonical form of URL) is the second opinion.

import { isIPv4, isIPv6 } from "node:net";
import t from "tap";
import { leastHeapGrowth } from "../tools/heap-growth.fixture.ts";
import { readAddress, readIpv4, readIpv6, writeIpv4, writeIpv6 } from "./address.ts";
import { formatAddress, maskOf, parseAddress, parseIpv4, parseIpv4Loosely, parseIpv6, parseNetwork } from "./text.ts";

const IPV6_TEXTS = [
  ...[
    "::",
    "::1",
    "1::",
    "1::8",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "2001:DB8::1",
    "fe80::0:1",
    "0:0::0:0",
  ],
  ...[
    "::ffff:1.2.3.4",
    "::1.2.3.4",
    "1:2:3:4:5:6:1.2.3.4",
    "1::1.2.3.4",
    "64:ff9b::255.255.255.255",
    "::ffff:0:1.2.3.4",
    "0001::",
  ],
];
const NOT_IPV6 = [
  ...[
    "",
    ":",
    ":::",
    "1",
    "1:2",
    ":1",
    "1:",
    "1::2::3",
    "12345::",
    "g::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
  ],
  ...[
    "::1.2.3",
    "::1.2.3.4.5",
    "::01.2.3.4",
    "1.2.3.4::",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::1.2.3.4:5",
    "fe80::1%lo",
    "[::1]",
    " ::1",
    "::1 ",
  ],
];
const NOT_IPV4 = [
  "",
  ".",
  "1",
  "1.2.3",
  "1.2.3.",
  ".1.2.3",
  "1.2.3.4.",
  "1.2.3.4.5",
  "256.1.1.1",
  "01.2.3.4",
  "1.2.3.x",
  "1..2.3",
  "0x1.2.3.4",
];

t.test("IPv6", (t) => {
  for (const text of IPV6_TEXTS) {
    t.ok(isIPv6(text), `${text} is one to Node too`);
    const bytes = parseIpv6(text);
    t.equal(bytes === null ? null : canonical(formatAddress(bytes)), canonical(text), text);
  }
  for (const text of NOT_IPV6) {
    if (!text.includes("%")) t.notOk(isIPv6(text), `'${text}' is none to Node either`);
    t.equal(parseIpv6(text), null, `'${text}'`);
  }
  t.equal(formatAddress(parseIpv6("1:0:0:2:0:0:0:3")!), "1:0:0:2::3", "the longest run");
  t.equal(formatAddress(parseIpv6("1:0:0:2:3:0:0:4")!), "1::2:3:0:0:4", "the first of equal runs");
  t.equal(formatAddress(parseIpv6("1:0:2:3:4:5:6:7")!), "1:0:2:3:4:5:6:7", "a single zero is not shortened");
  t.equal(formatAddress(parseIpv6("::ffff:1.2.3.4")!), "::ffff:1.2.3.4");
  t.equal(formatAddress(parseIpv6("::ffff:0:0")!), "::ffff:0.0.0.0");
  t.end();
});

/** The WHATWG form writes no dotted tails, so that it makes comparable what is the same address. */
function canonical(text: string): string {
  return new URL(`http://[${text}]/`).hostname;
}

t.test("IPv4", (t) => {
  for (const text of ["0.0.0.0", "1.2.3.4", "10.100.200.9", "255.255.255.255"]) {
    t.equal(formatAddress(parseIpv4(text)!), text);
  }
  for (const text of NOT_IPV4) {
    t.notOk(isIPv4(text));
    t.equal(parseIpv4(text), null, `'${text}'`);
  }
  const loose: [string, string | null][] = [
    ...([
      ["0", "0.0.0.0"],
      ["127.1", "127.0.0.1"],
      ["1.2.3", "1.2.0.3"],
      ["2130706433", "127.0.0.1"],
      ["0x7f.1", "127.0.0.1"],
    ] as const),
    ...([
      ["0177.0.0.1", "127.0.0.1"],
      ["1.2.65535", "1.2.255.255"],
      ["4294967295", "255.255.255.255"],
    ] as const),
    ...([
      ["4294967296", null],
      ["1.2.65536", null],
      ["1.256", "1.0.1.0"],
      ["256.1", null],
      ["08.1", null],
      ["1.", null],
      ["", null],
    ] as const),
  ].map(([text, address]) => [text, address]);
  for (const [text, address] of loose) {
    const bytes = parseIpv4Loosely(text);
    t.equal(bytes === null ? null : formatAddress(bytes), address, text);
  }
  t.end();
});

t.test("reading and writing in place", (t) => {
  const text = Buffer.from("xx10.0.0.255yy2001:db8::fzz");
  const target = new Uint8Array(24).fill(9);
  t.ok(readIpv4(text, 2, 12, target, 1));
  t.same([...target.subarray(0, 6)], [9, 10, 0, 0, 255, 9]);
  t.notOk(readIpv4(text, 1, 12, target, 0));
  t.ok(readIpv6(text, 14, 25, target, 4));
  t.same([...target.subarray(3, 21)], [0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 9]);
  t.equal(readAddress(text, 2, 12, target), 4);
  t.equal(readAddress(text, 14, 25, target), 16);
  t.equal(readAddress(text, 0, 12, target), 0);

  const written = Buffer.alloc(60, "-");
  t.equal(writeIpv4(written, 2, Uint8Array.of(0, 1, 20, 255, 4), 1), 12);
  t.equal(written.toString("latin1", 0, 13), "--1.20.255.4-");
  const longest = parseIpv6("abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd")!;
  t.equal(writeIpv6(written, 1, longest, 0), 40);
  t.equal(written.toString("latin1", 0, 41), "-abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd-");
  t.end();
});

t.test("what is written can be read again", (t) => {
  const address = new Uint8Array(16);
  let state = 12345;
  for (let round = 0; round < 5000; round++) {
    for (let i = 0; i < 16; i++) {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      // Many zeros, so that runs of them occur.
      address[i] = state & 0x10000 ? 0 : (state >> 8) & 255;
    }
    const text = formatAddress(address);
    if (!Buffer.from(parseIpv6(text) ?? []).equals(address) || canonical(text) !== canonical(longForm(address))) {
      t.fail(`${text} is not ${longForm(address)}`);
    }
  }
  t.pass("5000 addresses");
  t.end();
});

function longForm(address: Uint8Array): string {
  return Array.from({ length: 8 }, (_, g) => ((address[2 * g]! << 8) | address[2 * g + 1]!).toString(16)).join(":");
}

t.test("networks", (t) => {
  const show = (text: string) => {
    const network = parseNetwork(text);
    return network === null ? null : `${formatAddress(network.address)} ${formatAddress(network.mask)}`;
  };
  t.equal(show("1.2.3.4"), "1.2.3.4 255.255.255.255");
  t.equal(show("10.0.0.1/8"), "10.0.0.1 255.0.0.0");
  t.equal(show("1.2/15"), "1.0.0.2 255.254.0.0");
  t.equal(show("1.2.3.4/255.0.255.0"), "1.2.3.4 255.0.255.0");
  t.equal(show("1.2.3.4/0"), "1.2.3.4 0.0.0.0");
  t.equal(show("::1/127"), "::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
  t.equal(show("::/0"), ":: ::");
  for (const text of [
    "1.2.3.4/33",
    "1.2.3.4/",
    "1.2.3.4/x",
    "::1/129",
    "fe80::/ffff::",
    "::1/255.0.0.0",
    "x",
    "",
    "/8",
    "1.2.3.4/8/8",
  ]) {
    t.equal(show(text), null, text);
  }
  t.same([...maskOf(12, 4)], [255, 240, 0, 0]);
  t.equal(formatAddress(parseAddress("::1")!), "::1");
  t.equal(parseAddress("1.2"), null);
  t.end();
});

t.test("workers may call it per request: nothing is left on the heap", (t) => {
  const text = Buffer.from("2001:db8::ff00:42:8329");
  const address = new Uint8Array(16);
  const target = new Uint8Array(64);
  const run = (rounds: number) => {
    let sum = 0;
    for (let i = 0; i < rounds; i++) {
      readAddress(text, 0, text.length, address);
      sum += writeIpv6(target, 0, address, 0) + writeIpv4(target, 0, address, 12);
    }
    return sum;
  };
  const growth = leastHeapGrowth(() => run(100_000), 20_000);
  t.ok(growth <= 20_000, `a hundred thousand rounds took ${growth} bytes of heap`);
  t.end();
});
