// Sets of patterns against naive versions, while entries come and go; lists and their versions; what a lookup in a large one costs.

import t from "tap";
import type { Network } from "../../../shared/ip/address.ts";
import { parseNetwork } from "../../../shared/ip/text.ts";
import type { MatchMethod, PatternListPlan } from "../../plan/expression.ts";
import { TYPE } from "../../sample/types.ts";
import { SampleValue, textBytes } from "../../sample/value.ts";
import { type PatternEntry, PROVISIONAL } from "./entry.ts";
import { parseIntegerPattern } from "./integer-set.ts";
import { PatternList, PatternLists } from "./pattern-lists.ts";
import { patternProblem, valueProblem } from "./pattern-problem.ts";

const value = new SampleValue(64);

function makeRandom(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
}

function plan(keys: readonly string[], values: readonly string[] | null = null): PatternListPlan {
  return { id: 0, name: "f", description: "", isAcl: values === null, isMap: values !== null, keys, values, uses: [] };
}

function setText(text: string): void {
  value.bytes = textBytes(`xx${text}yy`);
  value.start = 2;
  value.end = 2 + text.length;
  value.type = TYPE.str;
}

/** What each method says of a key and a text. */
const NAIVE: Readonly<Record<string, (key: string, text: string) => boolean>> = {
  str: (key, text) => key === text,
  beg: (key, text) => text.startsWith(key),
  end: (key, text) => text.endsWith(key),
  sub: (key, text) => text.includes(key),
  dir: (key, text) => words(key, text, /^\/+|\/+$/g, "/"),
  len: (key, text) => within(key, text.length),
};

function words(key: string, text: string, ends: RegExp, delimiter: string): boolean {
  const word = key.replace(ends, "");
  return word !== "" && `${delimiter}${text}${delimiter}`.includes(`${delimiter}${word}${delimiter}`);
}

function within(key: string, number: number): boolean {
  const range = parseIntegerPattern(key)!;
  return number >= range.min && number <= range.max;
}

/** Of all entries that match, HAProxy's choice: the longest key for beg, else the first. */
function choose(match: string, entries: readonly PatternEntry[]): PatternEntry | undefined {
  const [first] = entries;
  if (match !== "beg" || first === undefined) return first;
  return entries.reduce((best, entry) => (entry.key.length > best.key.length ? entry : best), first);
}

t.test("texts and lengths: sets agree with naive search while entries come and go", (t) => {
  const random = makeRandom(1);
  const word = () => Array.from({ length: random(6) }, () => "abAB/"[random(5)]).join("");
  const keyFor = (match: string) =>
    match === "len" ? `${random(6)}${["", ":", `:${6 + random(6)}`][random(3)]}` : word();
  for (const match of Object.keys(NAIVE)) {
    for (let round = 0; round < 60; round++) {
      const ignoreCase = random(2) === 1;
      const norm = (s: string) => (ignoreCase ? s.toLowerCase() : s);
      const list = new PatternList(plan(Array.from({ length: random(30) }, () => keyFor(match))));
      const view = list.view({ match: match as MatchMethod, ignoreCase, isMethod: false });
      for (let i = 0; i < 40; i++) {
        const entries = list.entries();
        const entry = entries[random(Math.max(entries.length, 1))];
        if (random(3) > 0 && entry !== undefined) list.remove(0, entry.id, entry.key);
        else list.put(0, 1000 + i, keyFor(match), null);
        const text = word() + word();
        setText(text);
        const matching = list.entries().filter(({ key }) => NAIVE[match]!(norm(key), norm(text)));
        const expected = choose(match, matching);
        const found = view.set.find(value);
        // Keys that differ only in case are one key under -i: either is right for the longest.
        const isSame =
          found === (expected ?? null) || (found !== null && norm(found.key) === norm(expected?.key ?? ""));
        if (!isSame || view.set.has(value) !== (expected !== undefined)) {
          t.equal(found?.key, expected?.key, `${match} ${text} in ${entries.map(({ key }) => key)} -i ${ignoreCase}`);
        }
      }
    }
  }
  t.pass("14400 steps");
  t.end();
});

/** A network of few bits, so that many nest and meet. */
function randomNetwork(random: (n: number) => number): string {
  const byte = () => [0, 10, 128, 255][random(4)];
  if (random(3) === 0) return `${[byte(), byte(), 0].map((b) => (b ?? 0).toString(16)).join(":")}::/${random(129)}`;
  if (random(6) === 0) return `${byte()}.${byte()}.${byte()}.${byte()}/255.0.255.0`;
  return `${byte()}.${byte()}.${byte()}.${byte()}/${random(33)}`;
}

function holds({ address, mask }: Network, probe: Uint8Array): boolean {
  return address.length === probe.length && address.every((b, i) => (b & mask[i]!) === (probe[i]! & mask[i]!));
}

t.test("addresses: the tree agrees with naive search while networks come and go", (t) => {
  const random = makeRandom(7);
  for (let round = 0; round < 40; round++) {
    const list = new PatternList(plan(Array.from({ length: random(40) }, () => randomNetwork(random))));
    const view = list.view({ match: "ip", ignoreCase: false, isMethod: false });
    for (let i = 0; i < 40; i++) {
      const entries = list.entries();
      const entry = entries[random(Math.max(entries.length, 1))];
      if (random(2) > 0 && entry !== undefined) list.remove(0, entry.id, entry.key);
      else list.put(0, 1000 + i, randomNetwork(random), null);
      const probe = parseNetwork(randomNetwork(random))!.address;
      value.type = probe.length === 4 ? TYPE.ipv4 : TYPE.ipv6;
      value.address.set(probe);
      const contiguous = (mask: Uint8Array) => !mask.join(".").includes("0.255");
      const matching = list
        .entries()
        .map((each) => ({ each, network: parseNetwork(each.key)! }))
        .filter(({ network }) => holds(network, probe));
      const bits = (mask: Uint8Array) => mask.reduce((sum, b) => sum + b.toString(2).replaceAll("0", "").length, 0);
      const rank = (mask: Uint8Array) => (contiguous(mask) ? bits(mask) : -1);
      matching.sort((a, b) => rank(b.network.mask) - rank(a.network.mask) || a.each.id - b.each.id);
      const found = view.set.find(value);
      // Across families other rules hold; what is of the family itself is enough here.
      if (matching.length > 0 && found !== matching[0]!.each) t.equal(found?.key, matching[0]!.each.key, String(probe));
    }
  }
  t.pass("1600 steps");
  t.end();
});

t.test("many integer ranges: the first of the list that covers", (t) => {
  const random = makeRandom(3);
  const keys = Array.from({ length: 300 }, () => `${random(1000)}:${1000 + random(1000)}`);
  const narrow = Array.from({ length: 300 }, () => random(2000)).map((n) => `${n}:${n + random(20)}`);
  const all = [...narrow, ...keys.slice(0, 3), ":5", "1990:"];
  const { set } = new PatternList(plan(all)).view({ match: "int", ignoreCase: false, isMethod: false });
  for (let n = -3; n < 2050; n++) {
    value.int = n;
    const expected = all.find((key) => within(key, n));
    if (set.find(value)?.key !== expected) t.equal(set.find(value)?.key, expected, String(n));
  }
  t.pass("2053 numbers");
  t.end();
});

t.test("versions: filled apart, committed at once", (t) => {
  const list = new PatternList(plan(["a", "b"], ["1", "2"]));
  const view = list.view({ match: "str", ignoreCase: false, isMethod: false });
  const find = (text: string) => {
    setText(text);
    return view.set.find(value)?.value;
  };
  list.put(1, 2, "c", "3");
  t.same([find("a"), find("c")], ["1", undefined], "a prepared version does not match");
  list.commit(1, [0]);
  t.same([find("a"), find("c")], [undefined, "3"], "and then it alone does");
  t.equal(list.size, 1, "what it replaced is forgotten");
  list.put(1, 2, "c", "4");
  t.equal(find("c"), "4", "a value changes in place");
  list.clear(1);
  t.equal(find("c"), undefined);
  list.put(1, 3, "d", "5");
  t.equal(find("d"), "5", "a cleared version can be filled again");
  t.end();
});

t.test("a worker's own entries get their place when the control plane says it", (t) => {
  const lists = new PatternLists([plan(["a"], ["1"])]);
  const list = lists.list(0);
  list.put(0, PROVISIONAL + 1, "k", "mine");
  list.put(0, 7, "z", "between");
  lists.apply({ kind: "put", list: 0, version: 0, ids: [8], keys: ["k"], values: ["theirs"] });
  t.same(
    list.entries().map(({ id, key, value }) => [id, key, value]),
    [
      [0, "a", "1"],
      [7, "z", "between"],
      [8, "k", "theirs"],
    ],
  );
  lists.apply({ kind: "remove", list: 0, version: 0, id: 8, key: "k" });
  lists.apply({ kind: "remove", list: 0, version: 0, id: 8, key: "k" });
  t.equal(list.size, 2, "twice does no harm");
  t.end();
});

t.test("what is wrong with a pattern or a value", (t) => {
  const use = (match: MatchMethod) => ({ match, ignoreCase: false, isMethod: false, output: null });
  t.equal(patternProblem(use("int"), "x"), "'x' is not a number");
  t.equal(patternProblem(use("int"), "5:3"), "'5:3' is not a valid number range");
  t.equal(patternProblem(use("ip"), "foo"), "'foo' is not a valid IPv4 or IPv6 address");
  t.equal(patternProblem(use("bin"), "abc"), "an even number of hex digit is expected");
  t.match(patternProblem(use("reg"), "("), /^regex '\(' is invalid/);
  t.equal(valueProblem("int", "7x"), "unable to parse '7x'");
  t.equal(valueProblem("ip", "::1"), null);
  t.equal(valueProblem("ip", "no"), "unable to parse 'no'");
  t.end();
});

t.test("100 000 entries cost a lookup, not a scan", (t) => {
  const nanoseconds = (size: number, match: MatchMethod, key: (i: number) => string, probe: () => void): number => {
    const { set } = new PatternList(plan(Array.from({ length: size }, (_, i) => key(i)))).view({
      ...{ match, ignoreCase: false, isMethod: false },
    });
    probe();
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 5; round++) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < 2000; i++) set.find(value);
      best = Math.min(best, Number(process.hrtime.bigint() - start) / 2000);
    }
    return best;
  };
  const host = () => setText("www.some.host.example.org");
  const address = () => {
    value.type = TYPE.ipv4;
    value.address.set([203, 0, 113, 9]);
  };
  const rows: readonly [MatchMethod, (i: number) => string, () => void][] = [
    ["str", (i) => `h${i}.example.com`, host],
    ["beg", (i) => `www.h${i}.`, host],
    ["end", (i) => `h${i}.example.org`, host],
    ["dom", (i) => `h${i}.example.org`, host],
    ["ip", (i) => `${1 + (i >> 12)}.${(i >> 4) & 255}.${(i & 15) << 4}.0/28`, address],
  ];
  for (const [match, key, probe] of rows) {
    const few = nanoseconds(100, match, key, probe);
    const many = nanoseconds(100_000, match, key, probe);
    // A scan would cost a thousand times as much; cache misses are allowed for.
    t.ok(many < few * 30 + 2000, `${match}: ${few.toFixed(0)} ns among 100, ${many.toFixed(0)} ns among 100 000`);
  }
  t.end();
});
