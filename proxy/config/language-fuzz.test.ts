// Whatever a file holds, reading it ends, throws nothing and points at places that exist. Short and seeded: a run that fails can be
// repeated from the seed in its message.

import t from "tap";
import { renderDiagnostic } from "../../shared/diagnostic/render.ts";
import { BIND_RULES, LOG_RULES, parseAddress, SERVER_RULES } from "./address.ts";
import { parseSize, parseTime } from "./arguments.ts";
import { checkCondition } from "./check-condition.ts";
import { Environment } from "./environment.ts";
import { ENVIRONMENT, readFixtures, runCase } from "./fixture.ts";

/** `RINGWAY_FUZZ`: so many, others each time. Otherwise the same ones, so that a run tells of a change and not of its luck. */
const ROUNDS = Number(process.env["RINGWAY_FUZZ"] ?? 3000);
/** Pieces that matter to the language; random bytes alone seldom come near its edges. */
const PIECES = [
  ..."\n\n\n \t\r\0",
  "\\\n",
  "\xff",
  "\xc3\xa9",
  "global\n",
  "\n.else\n",
  "\n.endif\n",
  ..."\n.if |\n.elif |\n.notice |\n.alert |setenv NAME ".split("|"),
  ...String.raw`\ " ' # $ \${ } [*] - \x \x4 \x00 $NAME "\${NO-x}" "\${LIST[*]}" .FILE "$.LINE"`
    .replaceAll("\\$", "$")
    .split(" "),
  ..."streq( , ) ( ! && || 0 1 defined( version_atleast( word".split(" "),
  ..."127.0.0.1 ::1 [ ] : 80 - + @ ipv4@ unix@/x abns@ fd@ * 5s 16k 99999999999".split(" "),
];

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

const bases = [...readFixtures().values()].flat().map((one) => one.text);

/** A configuration: a mutated fixture, pieces in any order, or any bytes. */
function configuration(random: () => number): string {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const kind = random();
  if (kind < 0.2) return Array.from({ length: random() * 200 }, () => String.fromCharCode(random() * 256)).join("");
  if (kind < 0.6) return Array.from({ length: random() * 60 }, () => pick(PIECES)).join("");
  let text = pick(bases);
  for (let changes = random() * 8; changes > 0; changes--) {
    const at = Math.floor(random() * text.length);
    text = text.slice(0, at) + (random() < 0.7 ? pick(PIECES) : "") + text.slice(at + Math.floor(random() * 4));
  }
  return text;
}

t.test("reading any bytes ends without a throw", (t) => {
  const started = Date.now();
  const seed = process.env["RINGWAY_FUZZ"] === undefined ? 1 : started & 0x7fffffff;
  const context = { environment: new Environment(ENVIRONMENT), enabledOptions: new Set<string>() };
  let errors = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const random = randomFrom(seed + round);
    const text = configuration(random);
    const name = `seed ${seed + round}: ${JSON.stringify(text)}`;
    try {
      const { diagnostics } = runCase(text);
      for (const one of diagnostics.list) {
        const physical = text.split("\n")[one.line - 1];
        if (physical === undefined) t.fail(`no such line: ${name}`);
        if (one.column > 0 && one.column > one.sourceLine.length + 1) t.fail(`no such column: ${name}`);
        if (one.sourceLine !== "" && physical !== one.sourceLine) t.fail(`not that line: ${name}`);
        const shown = renderDiagnostic(one, 1).split("\n");
        if (shown.some((line, i) => i > 0 && [...line].length > 160)) t.fail(`not clipped: ${name}`);
        errors++;
      }
      const word = text.slice(0, 40);
      checkCondition(word, context);
      for (const rules of [BIND_RULES, SERVER_RULES, LOG_RULES]) parseAddress(word, rules, context.environment);
      parseTime(word);
      parseSize(word);
    } catch (error) {
      t.fail(`${name}: ${error}`);
    }
  }
  t.ok(errors > ROUNDS / 10, "the generator does come near the edges");
  t.ok(Date.now() - started < 60_000, "nothing hangs");
  t.end();
});

t.test("work grows with the input, not with its square", (t) => {
  const started = Date.now();
  const large = 1_000_000;
  const environment = new Environment(ENVIRONMENT);
  runCase(`.if ${"(".repeat(large)}\n.endif\n`);
  runCase(`.if ${"!".repeat(large)}\n.endif\n`);
  runCase(`.if ${"1||".repeat(large / 3)}1\n.endif\n`);
  runCase(`.notice "${"\\x41".repeat(large / 4)}"\n`);
  runCase(`.notice "${"$NAME".repeat(large / 5)}"\n`);
  runCase(`.notice "${"$".repeat(large)}"\n`);
  runCase(`.if streq(${"a,".repeat(large / 2)}\n.endif\n`);
  runCase(`${" ".repeat(large)}.foo\n`);
  runCase(`global ${"w ".repeat(large / 2)}\n`);
  runCase(`global ${"\\\n".repeat(large / 2)}\n`);
  parseAddress(":".repeat(large), BIND_RULES, environment);
  parseTime("9".repeat(large));
  parseSize("9".repeat(large));
  const elapsed = Date.now() - started;
  t.ok(elapsed < 10_000, `a megabyte of each took ${elapsed} ms`);
  t.end();
});
