// The language: fixtures, includes, words of commands, and places of words.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import t from "tap";
import { Diagnostics } from "../../shared/diagnostic/diagnostic.ts";
import { CONFIG_ID, FILE_NAME, formatStatements, HOST, readCases, statementsOf } from "./fixture.ts";
import { expandBraces, matchFiles } from "./glob.ts";
import { defaultConfigId, Parameters } from "./parameters.ts";
import { readStatements } from "./reader.ts";
import { Report } from "./report.ts";
import { splitArguments } from "./words.ts";

/** Keeps parameters of the language apart from those of templates. */
const D = "$";

t.test("fixtures", (t) => {
  for (const { title, text, expected } of readCases("language.conftest")) {
    const { statements, shown } = statementsOf(text);
    t.equal(`${formatStatements(statements)}${shown}`.trim(), expected, title);
  }
  t.end();
});

function read(path: string, allConfig = false, linesMax?: number) {
  const diagnostics = new Diagnostics();
  const report = new Report(diagnostics);
  const parameters = new Parameters(CONFIG_ID, HOST.environment);
  const statements = readStatements({ path, configId: CONFIG_ID, parameters, report, allConfig, linesMax });
  const messages = diagnostics.list.map((one) => `${one.severity} ${one.line} ${one.message}`);
  const words = statements.map((statement) => statement.words.map((word) => word.text).join(" "));
  return { words, messages, report, statements };
}

t.test("includes: patterns, relative names, parameters that live on, directories", (t) => {
  const folder = t.testdir({
    "main.conf": "$X=1\ninclude conf.d/*.conf\nlast $X\ninclude conf.d/{b,none}.conf\ninclude conf.d\n",
    "conf.d": {
      "a.conf": `first ${D}{_PWD}\ninclude sub/c.conf\nafter $X\n`,
      "b.conf": "second $X\n$X=2\n",
      ".hidden.conf": "hidden\n",
      "notes.txt": "no\n",
      sub: { "c.conf": `third ${D}{_PWD}\n` },
    },
  });
  const { words, messages } = read(`${folder}/main.conf`);
  const short = words.map((line) => line.replaceAll(folder, ""));
  t.same(short, ["first /conf.d", "third /conf.d/sub", "after 1", "second 1", "last 2", "second 2"]);
  t.same(messages, [
    'warning 4 Some config files missing: "conf.d/{b,none}.conf".',
    "alert 5 Configuration file 'conf.d' is a directory - skipping",
  ]);
  t.end();
});

t.test("includes: what may not be read, what must be there, what never ends", (t) => {
  const folder = t.testdir({
    "self.conf": "a\ninclude self.conf\n",
    "run.conf": "b\n",
    "strict.conf": "global_defs {\n include_check +match\n}\ninclude nosuch\n",
    "loose.conf":
      "global_defs {\n include_check\n include_check -match -wildcard_match -brace_match\n}\ninclude nosuch\n",
    "dev.conf": "include /dev/null\n",
  });
  chmodSync(`${folder}/run.conf`, 0o755);
  const self = read(`${folder}/self.conf`);
  t.equal(self.messages.length, 1);
  t.match(self.messages[0], /^alert 2 Configuration file 'self.conf' open problem \(Too many open files\) - skipping/);
  t.same(read(`${folder}/run.conf`).messages, [
    `alert 0 Configuration file '${folder}/run.conf' is not a regular non-executable file - skipping`,
  ]);
  t.equal(read(`${folder}/strict.conf`).report.testStatus, 6);
  t.equal(read(`${folder}/loose.conf`).report.testStatus, 0);
  t.equal(read(`${folder}/loose.conf`, true).report.testStatus, 0, "include_check goes before -e");
  t.equal(read(`${folder}/dev.conf`).report.testStatus, 5);
  const missing = read(`${folder}/none.conf`);
  t.same(missing.messages, [`alert 0 Config files missing '${folder}/none.conf'.`]);
  t.ok(missing.report.isFatal, "keepalived would run without a configuration");
  t.end();
});

t.test("patterns", (t) => {
  t.same(expandBraces("a{b,c{d,e}}"), ["ab", "acd", "ace"]);
  t.same(expandBraces("x"), ["x"]);
  const folder = t.testdir({ a1: { "x.c": "" }, a2: { "x.c": "", "y.c": "" }, b: "", "[z]": "", ".h": "" });
  t.same(matchFiles("a*/x.c", folder), ["a1/x.c", "a2/x.c"]);
  t.same(matchFiles("a?/[!x].c", folder), ["a2/y.c"]);
  t.same(matchFiles("*", folder), ["[z]", "a1", "a2", "b"]);
  t.same(matchFiles(".?", folder), [".h"]);
  t.same(matchFiles("[[]z]", folder), ["[z]"]);
  t.same(matchFiles("[b-a]", folder), []);
  t.same(matchFiles("b/*", folder), []);
  t.same(matchFiles(`${folder}/b`, "/"), [`${folder}/b`]);
  t.end();
});

t.test("commands are split as keepalived splits them", (t) => {
  const cases: [string, string[] | null][] = [
    ["/bin/echo 'a b' c\\tq \"d e\" f", ["/bin/echo", "a b", "c\tq", "d e", "f"]],
    ['/bin/ec"ho a"b', ["/bin/echo ab"]],
    ["\\x41\\102 \\\\ \\cA \\e\\E", ["AB", "\\", "\x01", "e\x1b"]],
    ["\\x4142", ["B"]],
    ["''", [""]],
    ["a\\x00z c\\000d", ["a", "c"]],
    ["  ", []],
    ["a\\", ["a\\"]],
    ["'a", null],
    ['"a\\"', null],
  ];
  for (const [command, expected] of cases) t.same(splitArguments(command), expected, command);
  t.end();
});

t.test("a line ends at a NUL, and that is said", (t) => {
  const folder = t.testdir({ "a.conf": "global_defs {\n  router_id left\0 right\n}\n$NAME = one \\\n two\0three\n" });
  const { statements, report } = read(`${folder}/a.conf`);
  t.same(
    statements[0]!.block!.map(({ words }) => words.map(({ text }) => text)),
    [["router_id", "left"]],
  );
  t.same(
    report.diagnostics.list.map(({ code, line, column }) => [code, line, column]),
    [
      ["stray-nul", 2, 17],
      ["stray-nul", 5, 5],
    ],
  );
  t.end();
});

t.test("words know where they stand, also behind parameters", (t) => {
  const { statements } = statementsOf(`$P=long value\n  a "b c" ${D}{P}d { e }\n`);
  const places = statements[0]!.words.map(({ text, place }) => `${text}@${place.line}:${place.column}+${place.length}`);
  t.same(places, ["a@2:3+1", "b c@2:5+5", "long@2:11+4", "valued@2:11+5"]);
  const inner = statements[0]!.block![0]!.words[0]!.place;
  t.same([inner.line, inner.column, inner.sourceLine], [2, 19, `  a "b c" ${D}{P}d { e }`]);
  t.end();
});

t.test("a seed makes random numbers the same", (t) => {
  const text = `global_defs {\n random_seed 7\n}\na ${D}{_RANDOM} ${D}{_RANDOM 1 6}\n`;
  const lines = [1, 2].map(() => formatStatements(statementsOf(text).statements));
  t.equal(lines[0], lines[1]);
  t.match(lines[0], /a \| \d+ \| [1-6]\n/);
  t.end();
});

t.test("the configuration id is the host's name without its domain", (t) => {
  t.equal(defaultConfigId("node1.example.com"), "node1");
  t.equal(defaultConfigId("node1"), "node1");
  t.end();
});

t.test("large expansions work, endless ones end", (t) => {
  const started = Date.now();
  const { statements } = statementsOf(`$V= \\\nv ${D}{A} ${D}{B} { \\\n w \\\n}\n~SEQ(A,1,100) ~SEQ(B,1,100) $V\n`);
  t.equal(statements.length, 10_000);
  const folder = t.testdir({});
  mkdirSync(`${folder}/d`);
  writeFileSync(`${folder}/d/${FILE_NAME}`, `$A=${D}{A}${D}{A}\n${D}{A}\n`);
  t.match(read(`${folder}/d/${FILE_NAME}`).messages, ["alert 2 Parameter substitution does not end"]);
  writeFileSync(`${folder}/d/${FILE_NAME}`, `~SEQ(A,1,1000000) ${"~SEQ(B,1,1000) ".repeat(3)}x\ny\n`);
  const many = read(`${folder}/d/${FILE_NAME}`, false, 5000);
  t.match(many.messages, ["alert 1 Parameter substitution does not end"]);
  t.ok(many.words.length < 5000 && many.report.isFatal);
  writeFileSync(`${folder}/d/${FILE_NAME}`, "$M= \\\na \\\n$M \\\n$M\n$M\n");
  t.match(read(`${folder}/d/${FILE_NAME}`, false, 5000).messages, ["alert 5 Parameter substitution does not end"]);
  t.ok(Date.now() - started < 30_000);
  t.end();
});
