// Whatever a file holds, loading it ends, throws nothing, gives a plan and points at places that exist. Short and seeded: a run that fails
// can be repeated from the seed in its message.

import t from "tap";
import { renderDiagnostic } from "../../shared/diagnostic/render.ts";
import { loadText, readCases, readFixture } from "./fixture.ts";
import type { SectionInfo } from "./keyword.ts";
import { TOP_LEVEL } from "./keywords/top-level.ts";

/** `RINGWAY_FUZZ`: so many, others each time. Otherwise the same ones, so that a run tells of a change and not of its luck. */
const ROUNDS = Number(process.env["RINGWAY_FUZZ"] ?? 2000);

/** A small generator of pseudo-random numbers (mulberry32), 0 ≤ x < 1. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** All keywords, those that open blocks with a brace. */
function words(section: SectionInfo, seen = new Set<SectionInfo>()): string[] {
  if (seen.has(section)) return [];
  seen.add(section);
  return section.keywords.flatMap((keyword) => {
    const opens = keyword.section !== null || keyword.takesList;
    return [
      `\n${keyword.name}${opens ? " x {\n" : " "}`,
      ...(keyword.section === null ? [] : words(keyword.section, seen)),
    ];
  });
}

/** What matters to the language and to values; random bytes alone seldom come near its edges. */
const PIECES = [
  ...words(TOP_LEVEL),
  ..."\n\n\n \t\r\0{{{}}}\"'\\#!@$~",
  ..."$A= \\\n|$A=1\n|@main |@^other |~SEQ(A,1,3) |~LST(A,b,c) |$<A>|$A |$<_PWD>|\\x41|include |}\n}\n"
    .replace(/<(\w+)>/g, "{$1}")
    .split("|"),
  ..."10.0.0.9/24 10.0.0.9 fd00::1/64 fe80::1 eth0 eth9 dev via table 5 weight -2 reverse on off 0 1 255 256 -1 99999999999 0.01 1e5"
    .split(" ")
    .map((word) => `${word} `),
  "\xff",
  "\xc3\xa9",
];

const bases = [
  readFixture("full.conf"),
  readFixture("virtual-server.conf"),
  ...["language.conftest", "diagnostics.conftest", "lints.conftest"].flatMap((file) =>
    readCases(file).map((one) => one.text),
  ),
];

/** A configuration: a mutated base, pieces in any order, or any bytes. */
function configuration(random: () => number): string {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const kind = random();
  if (kind < 0.1) return Array.from({ length: random() * 300 }, () => String.fromCharCode(random() * 256)).join("");
  if (kind < 0.5) return Array.from({ length: random() * 80 }, () => pick(PIECES)).join("");
  let text = pick(bases);
  for (let changes = random() * 12; changes > 0; changes--) {
    const at = Math.floor(random() * text.length);
    text = text.slice(0, at) + (random() < 0.6 ? pick(PIECES) : "") + text.slice(at + Math.floor(random() * 6));
  }
  // Files of this machine are not the test's business, and shells of others neither.
  return text.replaceAll("/dev/", "/nodev/");
}

t.test("loading any bytes ends without a throw", (t) => {
  const started = Date.now();
  const seed = process.env["RINGWAY_FUZZ"] === undefined ? 1 : started & 0x7fffffff;
  let faults = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const text = configuration(randomFrom(seed + round));
    const name = `seed ${seed + round}: ${JSON.stringify(text)}`;
    try {
      const { plan, diagnostics } = loadText(text);
      const physical = text.split(/\r?\n/);
      for (const one of diagnostics.list) {
        if (one.line > 0 && physical[one.line - 1] !== one.sourceLine) t.fail(`not that line: ${one.message}: ${name}`);
        if (one.column > one.sourceLine.length + 1) t.fail(`no such column: ${one.message}: ${name}`);
        renderDiagnostic(one, 1);
        faults++;
      }
      structuredClone(plan);
      const holes = undefinedPaths(plan, "plan");
      if (holes.length > 0) t.fail(`undefined: ${holes.join(", ")}: ${name}`);
    } catch (error) {
      t.fail(`${name}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  t.ok(faults > ROUNDS, "the generator does come near the edges");
  t.ok(Date.now() - started < 120_000 * Math.max(1, ROUNDS / 2000), "nothing hangs");
  t.end();
});

/** The plan promises that nothing in it is undefined or not a number. */
function undefinedPaths(value: unknown, path: string): string[] {
  if (value === undefined || (typeof value === "number" && Number.isNaN(value))) return [path];
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([key, inner]) => undefinedPaths(inner, `${path}.${key}`));
}

t.test("work grows with the input, not with its square", (t) => {
  const started = Date.now();
  const large = 300_000;
  loadText("{".repeat(large));
  loadText("}".repeat(large));
  loadText('"'.repeat(large));
  loadText("$".repeat(large));
  loadText(`$A=b\n${"$A ".repeat(large / 3)}\n`);
  loadText(`a ${"b ".repeat(large / 2)}\n`);
  loadText(`vrrp_instance V {\nvirtual_ipaddress {\n${"10.0.0.1\n".repeat(large / 100)}}\n}\n`);
  loadText(`${" ".repeat(large)}#${"!".repeat(large)}\n`);
  loadText(`${"foo\n".repeat(large / 10)}`);
  const elapsed = Date.now() - started;
  t.ok(elapsed < 60_000, `took ${elapsed} ms`);
  t.end();
});
