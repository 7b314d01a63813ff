// The configuration language: the cases of fixtures/, and what cannot be written as one.

import { mkdirSync, symlinkSync } from "node:fs";
import t from "tap";
import { Diagnostics } from "../../shared/diagnostic/diagnostic.ts";
import { checkCondition } from "./check-condition.ts";
import { Environment } from "./environment.ts";
import { compareVersions } from "./features.ts";
import { readFixtures, runCase, showCase } from "./fixture.ts";
import { placeAfter, placeOf } from "./line.ts";
import { readConfiguration } from "./source.ts";

for (const [file, cases] of readFixtures()) {
  t.test(file, (t) => {
    for (const { title, text, expected } of cases) t.equal(showCase(text), expected, title);
    t.end();
  });
}

/** Reads files as the command line would; gives the lines and the messages. */
function read(...paths: string[]) {
  const diagnostics = new Diagnostics();
  const lines: string[] = [];
  const sections: string[] = [];
  const environment = new Environment({});
  readConfiguration({
    paths,
    environment,
    diagnostics,
    localpeer: "peer",
    onFile: (file, context) => sections.push(`${file} in '${context.section}'`),
    onLine(line, context) {
      context.section = line.words[0]!.text;
      lines.push(`${line.file}:${line.line} ${line.words[0]!.text}`);
    },
  });
  return { lines, sections, environment, messages: diagnostics.list.map((one) => one.message) };
}

t.test("several files and directories", (t) => {
  const folder = t.testdir({
    "one.cfg": "global\n",
    many: {
      "b.cfg": "backend b\n",
      "a.cfg": "frontend a\n",
      "Z.cfg": "defaults\n",
      ".hidden.cfg": "x\n",
      "c.conf": "y\n",
    },
    empty: {},
  });
  mkdirSync(`${folder}/many/folder.cfg`);
  symlinkSync("../one.cfg", `${folder}/many/link.cfg`);
  const { lines, sections, environment, messages } = read(`${folder}/one.cfg`, `${folder}/many`, `${folder}/empty`);
  const names = ["one.cfg", "many/Z.cfg", "many/a.cfg", "many/b.cfg", "many/link.cfg"].map(
    (name) => `${folder}/${name}`,
  );
  t.same(
    lines.map((line) => line.replace(/^.*\//, "")),
    ["one.cfg:1 global", "Z.cfg:1 defaults", "a.cfg:1 frontend", "b.cfg:1 backend", "link.cfg:1 global"],
  );
  t.same(
    sections,
    names.map((name) => `${name} in ''`),
    "a section ends with its file",
  );
  t.equal(environment.get("HAPROXY_CFGFILES"), names.join(";"));
  t.same(messages, []);
  t.end();
});

t.test("files that cannot be read", (t) => {
  const folder = t.testdir({ "large.cfg": "#".repeat(11 * 1024 * 1024), "good.cfg": "global\n" });
  const { lines, messages } = read(
    `${folder}/none.cfg`,
    "",
    `${folder}/good.cfg/x`,
    `${folder}/large.cfg`,
    `${folder}/good.cfg`,
  );
  t.same(messages, [
    `Cannot open configuration file/directory ${folder}/none.cfg : No such file or directory`,
    "Cannot open configuration file/directory '' : No such file or directory",
    `Cannot open configuration file/directory ${folder}/good.cfg/x : Not a directory`,
    `Loading ${folder}/large.cfg: input is too large, limited to 10MB.`,
  ]);
  t.same(lines, [`${folder}/good.cfg:1 global`], "the good one is read all the same");
  t.same(read("/dev/zero").messages, ["Loading /dev/zero: input is too large, limited to 10MB."], "endless files end");
  t.end();
});

t.test("conditional blocks nest 99 deep and end with their file", (t) => {
  const nest = (depth: number) => `${".if 1\n".repeat(depth)}global\n${".endif\n".repeat(depth)}`;
  t.same(runCase(nest(99)).diagnostics.list, []);
  t.equal(runCase(nest(100)).diagnostics.list[0]?.message, "too many nested '.if', max is 100.");
  const folder = t.testdir({ "a.cfg": ".if 0\n", "b.cfg": "global\n" });
  const { lines, messages } = read(`${folder}/a.cfg`, `${folder}/b.cfg`);
  t.same(messages, ["non-terminated '.if' block."]);
  t.same(lines, [`${folder}/b.cfg:1 global`]);
  t.end();
});

t.test("reading stops at 50 errors in a file", (t) => {
  const { diagnostics } = runCase("'\n".repeat(80));
  t.equal(diagnostics.counts.alert, 51);
  const last = diagnostics.list[50]!;
  t.match(last, { line: 51, message: "too many fatal errors (50), stopping now." });
  t.end();
});

t.test("words know where they stand", (t) => {
  const places: string[] = [];
  const folder = t.testdir({ "x.cfg": 'a "b c" \\\n   dd  e\\ f # x\n' });
  readConfiguration({
    paths: [`${folder}/x.cfg`],
    environment: new Environment({}),
    diagnostics: new Diagnostics(),
    localpeer: "",
    onLine(line) {
      for (const word of line.words) {
        const { line: number, column, length, sourceLine } = placeOf(line, word);
        places.push(`${number}:${column} ${sourceLine.slice(column - 1, column - 1 + length)}`);
      }
      t.match(placeOf(line, line.words[2], 1, 1), { line: 2, column: 5, length: 1 }, "inside a verbatim word");
      t.match(placeOf(line, line.words[1], 1, 1), { line: 1, column: 3, length: 5 }, "a quoted word as a whole");
      t.match(placeOf(line), { line: 1, column: 0 });
      t.match(placeAfter(line), { line: 2, column: 13, length: 1 });
      t.same(
        line.words.map((word) => word.quoted),
        [false, true, false, true],
      );
    },
  });
  t.same(places, ["1:1 a", '1:3 "b c"', "2:4 dd", "2:8 e\\ f"]);
  t.end();
});

t.test("the environment", (t) => {
  const environment = new Environment({ A: "1", B: "ä", C: undefined });
  t.equal(environment.get("B"), "\xc3\xa4", "values are byte strings");
  t.equal(environment.get("C"), null);
  environment.preset("A", "2");
  environment.preset("D", "4");
  environment.set("B", "");
  t.same([...environment.entries()].sort(), [
    ["A", "1"],
    ["B", ""],
    ["D", "4"],
  ]);
  environment.reset(["D", "NONE"]);
  t.same([...environment.entries()], [["D", "4"]]);
  environment.unset("D");
  t.notOk(environment.has("D"));
  t.equal(environment.initial.get("A"), "1");
  t.end();
});

t.test("versions are ordered as HAProxy orders them", (t) => {
  const ordered = ["2", "2.4-dev1", "2.4-dev19", "2.4", "2.4.1", "3.2-dev5", "3.2", "3.2.0-1", "3.2.1", "3.10", "4"];
  for (let i = 1; i < ordered.length; i++) {
    t.ok(compareVersions(ordered[i - 1]!, ordered[i]!) < 0, `${ordered[i - 1]} < ${ordered[i]}`);
    t.ok(compareVersions(ordered[i]!, ordered[i - 1]!) > 0);
  }
  t.equal(compareVersions("3.2", "3.2.0"), 0);
  t.equal(compareVersions("3.2.0", "3.2.0-e134140d2"), 0, "a commit's name is no number");
  t.equal(compareVersions("x", "0"), 0);
  t.end();
});

t.test("-cc", (t) => {
  const context = { environment: new Environment({ A: "1" }), enabledOptions: new Set<string>() };
  const check = (text: string) => checkCondition(text, context);
  t.equal(check("").status, 1);
  t.equal(check('streq("$A",1)').status, 0);
  t.equal(check("defined(B)").status, 1);
  t.same(check("foo"), { status: 2, message: "Failed to evaluate condition: unparsable conditional expression 'foo'" });
  t.same(check('streq("a'), { status: 2, message: "Syntax Error in condition: Unmatched quote." });
  t.equal(check("1 ".repeat(65)).message, "Error in condition: Too many words.");
  t.end();
});
