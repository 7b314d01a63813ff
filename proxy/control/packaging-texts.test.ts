// What packages hold besides the program: pages that groff takes and completions that shells take, with every flag and command in them.

import { spawnSync } from "node:child_process";
import t from "tap";
import { flagUsages } from "./command-line.ts";
import { bashCompletion, manPages, zshCompletion } from "./packaging-texts.ts";

t.test("manual pages", async (t) => {
  for (const [file, text] of manPages()) {
    const groff = spawnSync("groff", ["-man", "-Tutf8", "-ww"], { input: text, encoding: "utf8", maxBuffer: 1 << 26 });
    if (groff.error !== undefined) t.comment("SKIPPED: groff is not installed");
    else t.equal(groff.stderr, "", file);
  }
  const [program, configuration] = manPages().map(([, text]) => text);
  t.match(program, '.B "set rate\\-limit <setting> <value>"');
  t.match(program, "ringway diff OLD NEW");
  t.match(configuration, '.B "maxconn"');
});

t.test("completion", async (t) => {
  const bash = spawnSync("bash", ["-n"], { input: bashCompletion(), encoding: "utf8" });
  t.equal(bash.stderr, "");
  for (const { flag } of flagUsages()) {
    t.match(bashCompletion(), ` -${flag}`.trimEnd());
    t.match(zshCompletion(), `'*-${flag}[`);
  }
  const script = `${bashCompletion()}\nCOMP_WORDS=(ringway -d); COMP_CWORD=1; _ringway; echo "\${COMPREPLY[*]}"`;
  t.match(spawnSync("bash", ["-c", script], { encoding: "utf8" }).stdout, /-db .*-dW/);
});
