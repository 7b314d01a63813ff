// What is said about single statements: the cases of fixtures/statements. Each is loaded alone, so every message belongs to it.

import t from "tap";
import { readStatements, runStatement } from "./statements.ts";

for (const [file, cases] of readStatements()) {
  t.test(file, async (t) => {
    const folder = t.testdir();
    for (const { text, statement, expected } of cases) t.same(await runStatement(folder, text), expected, statement);
  });
}
