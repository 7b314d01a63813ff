// Diagnostics: collected, worded, drawn.

import t from "tap";
import { Diagnostics, NOWHERE, type Place } from "./diagnostic.ts";
import { renderDiagnostic, renderMessage } from "./render.ts";
import { editDistance, suggest } from "./suggest.ts";

/** The last diagnostic that `report` adds, as it is shown. */
function show(report: (diagnostics: Diagnostics) => void): string[] {
  const diagnostics = new Diagnostics();
  report(diagnostics);
  return renderDiagnostic(diagnostics.list.at(-1)!, 4711).split("\n").slice(0, -1);
}

function place(sourceLine: string, column: number, length = 1): Place {
  return { file: "h.cfg", line: 7, column, length, sourceLine };
}

t.test("they are counted by severity, in order", (t) => {
  const diagnostics = new Diagnostics();
  diagnostics.warning("w", NOWHERE, "first");
  t.notOk(diagnostics.hasErrors);
  diagnostics.alert("a", NOWHERE, "second");
  diagnostics.report("notice", "n", NOWHERE, "third");
  t.ok(diagnostics.hasErrors);
  t.same(diagnostics.counts, { alert: 1, warning: 1, notice: 1, diag: 0 });
  t.same(
    diagnostics.list.map((one) => one.message),
    ["first", "second", "third"],
  );
  t.end();
});

t.test("the first line is HAProxy's", (t) => {
  t.equal(renderMessage("alert", 1, "x"), "[ALERT]    (1) : x\n");
  t.equal(renderMessage("warning", 23, "x"), "[WARNING]  (23) : x\n");
  t.equal(renderMessage("notice", 4, "x"), "[NOTICE]   (4) : x\n");
  t.equal(renderMessage("diag", 4, "x"), "[DIAG]     (4) : x\n");
  const at = place("", 0);
  const message = "unknown keyword 'x' in 'global' section";
  t.same(
    show((d) => d.alert("k", at, message)),
    [`[ALERT]    (4711) : config : parsing [h.cfg:7] : ${message}`],
  );
  t.same(
    show((d) => d.alert("k", at, message, { introduction: "tight" })),
    [`[ALERT]    (4711) : config : parsing [h.cfg:7]: ${message}`],
  );
  t.same(
    show((d) => d.alert("k", NOWHERE, "Proxy 'x': y", { introduction: "none" })),
    ["[ALERT]    (4711) : config : Proxy 'x': y"],
  );
  t.end();
});

t.test("then the line, a caret and advice", (t) => {
  const lines = show((d) =>
    d.alert("k", place("\tmaxcon\t1000  ", 2, 6), "m", {
      expected: "a keyword",
      suggestions: ["maxconn", "maxconnrate", "max"],
      hint: "See the manual.",
    }),
  );
  t.same(lines.slice(1), [
    "  maxcon 1000",
    "  ^^^^^^",
    "  expected a keyword",
    "  did you mean 'maxconn', 'maxconnrate' or 'max'?",
    "  See the manual.",
  ]);
  t.same(show((d) => d.alert("k", place("  bind", 8), "m")).slice(1), ["  bind", "       ^"], "behind the end");
  t.same(show((d) => d.alert("k", place("  bind", 1), "m")).slice(1), ["  bind", "  ^"], "inside the indentation");
  t.same(show((d) => d.alert("k", place("  bind :80", 0), "m")).slice(1), [], "no place, no caret");
  t.same(show((d) => d.alert("k", place("a", 1), "m", { suggestions: ["b"] })).slice(3), ["  did you mean 'b'?"]);
  t.end();
});

t.test("carets stand under what is shown, not under bytes", (t) => {
  const utf8 = Buffer.from("description größer x").toString("latin1");
  t.same(show((d) => d.alert("k", place(utf8, utf8.length), "m")).slice(1), [
    "  description größer x",
    "                     ^",
  ]);
  const bytes = "a\x00\x1b[31m\xff\xc3(\x7f b";
  t.same(show((d) => d.alert("k", place(bytes, bytes.length), "m")).slice(1), [
    "  a\\x00\\x1b[31m\\xff\\xc3(\\x7f b",
    "                             ^",
  ]);
  t.end();
});

t.test("a terminal is not controlled by a configuration", (t) => {
  t.equal(renderMessage("alert", 1, "a\x1b[2J\nb\r"), "[ALERT]    (1) : a\\x1b[2J\nb\\x0d\n");
  t.equal(renderMessage("alert", 1, "\xc2\x9b"), "[ALERT]    (1) : \\x9b\n", "not by C1 controls either");
  t.end();
});

t.test("long lines are clipped around the caret", (t) => {
  const long = `${"x".repeat(300)}"${"y".repeat(300)}`;
  for (const column of [1, 40, 301, 590, 601]) {
    const [, line, caret] = show((d) => d.alert("k", place(long, column, 400), "m"));
    t.ok(line!.length <= 110, `${line!.length} columns`);
    const marked = line![caret!.indexOf("^")];
    t.equal(marked, long[column - 1], `column ${column}`);
    t.ok(caret!.length <= line!.length, "the mark does not outrun the line");
  }
  t.end();
});

t.test("the nearest words", (t) => {
  const known = ["maxconn", "maxconnrate", "mode", "monitor-uri", "option", "httpchk", "http-check", "http-request"];
  t.same(suggest("maxcon", known), ["maxconn", "maxconnrate"]);
  t.same(suggest("amxconn", known), ["maxconn"]);
  t.same(suggest("mdoe", known), ["mode"]);
  t.same(suggest("OPTION", known), ["option"]);
  t.same(suggest("http", known)[0], "httpchk", "what goes on counts as near");
  t.equal(suggest("http", known).length, 3, "three at most");
  t.same(suggest("completely-different", known), []);
  t.same(suggest("", known), []);
  t.equal(editDistance("abcd", "acbd"), 1);
  t.equal(editDistance("", "abc"), 3);
  t.equal(editDistance("kitten", "sitting"), 3);
  t.end();
});
