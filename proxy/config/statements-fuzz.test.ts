// Statements that nobody would write: words of real ones, dropped, doubled, swapped and mixed. Loading answers with a plan or with errors,
// never with an exception, and a plan can be posted to a worker. Deterministic: the same seed gives the same statements.

import { writeFileSync } from "node:fs";
import t from "tap";
import { loadConfiguration } from "./load.ts";
import { FILE_NAME, readStatements } from "./statements.ts";

const ROUNDS = 400;
const STATEMENTS_PER_ROUND = 12;

/** A small generator of numbers below `n` (mulberry32). */
function generator(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) % n;
  };
}

const statements = [...readStatements().values()].flat().map((one) => one.statement.split(" "));
const vocabulary = statements.flat();

function mutate(below: (n: number) => number): string {
  const words = [...statements[below(statements.length)]!];
  for (let times = below(4); times > 0; times--) {
    const at = below(words.length);
    const kind = below(5);
    if (kind === 0) words.splice(at, 1);
    else if (kind === 1) words.splice(at, 0, words[at]!);
    else if (kind === 2) words.splice(at, 1, vocabulary[below(vocabulary.length)]!);
    else if (kind === 3) words.push(vocabulary[below(vocabulary.length)]!);
    else words[at] = words[at]!.slice(0, below(words[at]!.length + 1)) + String.fromCharCode(33 + below(220));
    if (words.length === 0) words.push("x");
  }
  return ` ${words.join(" ")}`;
}

t.test("nothing makes it throw", async (t) => {
  const below = generator(20250528);
  const file = `${t.testdir()}/${FILE_NAME}`;
  const sections = ["global", "defaults d", "frontend f", "backend b", "listen l", "resolvers r"];
  let plans = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const lines: string[] = [];
    for (let i = 0; i < STATEMENTS_PER_ROUND; i++) {
      if (i % 4 === 0) lines.push(sections[below(sections.length)]!);
      lines.push(mutate(below));
    }
    // Half of the rounds keep only a line or two, or there would hardly ever be a plan.
    const text = `${(round % 2 === 0 ? lines : lines.slice(0, 2)).join("\n")}\n`;
    writeFileSync(file, text, "latin1");
    const { plan, diagnostics } = await loadConfiguration({ files: [file], environment: {}, lookup: async () => null });
    if ((plan === null) !== diagnostics.hasErrors) t.fail("a plan unless there are errors", { text });
    if (plan !== null) {
      structuredClone(plan);
      plans++;
    }
  }
  t.ok(plans > ROUNDS / 20, `${plans} of ${ROUNDS} came to a plan`);
});
