// Times, sizes, integers and argument lists.

import t from "tap";
import { splitArguments } from "./argument-list.ts";
import {
  type ArgumentProblem,
  type Parsed,
  parseInteger,
  parsePercent,
  parseSize,
  parseTime,
  type TimeUnit,
  trailingTimeMessage,
} from "./arguments.ts";

/** `kind at character` of a problem, or the value. */
function show<Value>(parsed: Parsed<Value, ArgumentProblem>): Value | string {
  if (parsed.ok) return parsed.value;
  const { kind, at, character } = parsed.problem;
  return `${kind} ${at} ${character}`.trim();
}

t.test("times", (t) => {
  const time = (text: string, unit?: TimeUnit) => {
    const parsed = parseTime(text, unit);
    return parsed.ok ? parsed.value.value : show(parsed);
  };
  t.equal(time("5000"), 5000, "milliseconds without a unit");
  t.equal(time("5ms"), 5);
  t.equal(time("30s"), 30_000);
  t.equal(time("2m"), 120_000);
  t.equal(time("1h"), 3_600_000);
  t.equal(time("24d"), 2_073_600_000);
  t.equal(time("0"), 0);
  t.equal(time("0us"), 0);
  t.equal(time("1us"), 1, "rounded up: what is above zero stays so");
  t.equal(time("1500us"), 2);
  t.equal(time("5", "s"), 5, "the default unit is the result's");
  t.equal(time("500ms", "s"), 1);
  t.equal(time("1m", "s"), 60);
  t.equal(time("2147483647"), 2147483647);
  t.equal(time("2147483648"), "overflow 0");
  t.equal(time("25d"), "overflow 0");
  t.equal(time("25d", "s"), 2_160_000);
  t.equal(time("18446744073709551616"), "overflow 0");
  t.equal(time(""), "empty 0");
  t.equal(time("5x"), "character 1 x");
  t.equal(time("5u"), "character 1 u");
  t.equal(time("5S"), "character 1 S");
  t.equal(time("5.5s"), "character 1 .");
  t.equal(time("-5"), "character 0 -");
  t.equal(time("s"), "character 0 s");
  t.equal(time("1 s"), "character 1");
  t.match(parseTime("5s"), { value: { value: 5000, hasUnit: true, trailing: "" } });
  t.match(parseTime("5"), { value: { hasUnit: false, trailing: "" } });
  t.match(parseTime("10ss"), { value: { value: 10_000, trailing: "s" } }, "HAProxy only warns of it");
  t.match(parseTime("1h30m"), { value: { value: 3_600_000, trailing: "3" } });
  t.end();
});

t.test("what follows a time's unit: HAProxy's words", (t) => {
  t.match(trailingTimeMessage("10ss", "s"), /^unexpected character 's' after the timer value '10ss', only \(us=/);
  t.end();
});

t.test("sizes", (t) => {
  const size = (text: string) => show(parseSize(text));
  t.equal(size("16384"), 16384);
  t.equal(size("16k"), 16384);
  t.equal(size("1K"), 1024);
  t.equal(size("3m"), 3145728);
  t.equal(size("1G"), 1073741824);
  t.equal(size("4294967295"), 4294967295);
  t.equal(size("4294967296"), "overflow 9 6", "the digit that makes it too big");
  t.equal(size("99999999999999"), "overflow 9 9");
  t.equal(size("4g"), "overflow 1 g");
  t.equal(size("4194304k"), "overflow 7 k");
  t.equal(size("5kk"), "character 2 k");
  t.equal(size("1kb"), "character 2 b");
  t.equal(size("5x"), "character 1 x");
  t.equal(size("1.5k"), "character 1 .");
  t.equal(size("-1"), "character 0 -");
  t.equal(size("k"), "character 0 k");
  t.equal(size(""), "empty 0");
  t.end();
});

t.test("integers and percentages", (t) => {
  t.equal(show(parseInteger("42", 1, 100)), 42);
  t.equal(show(parseInteger("-3", -5, 5)), -3);
  t.equal(show(parseInteger("+3", 0, 5)), 3);
  t.equal(show(parseInteger("0", 1, 100)), "underflow 0");
  t.equal(show(parseInteger("101", 1, 100)), "overflow 0");
  t.equal(show(parseInteger("4x", 1, 100)), "character 1 x");
  t.equal(show(parseInteger("-", 1, 100)), "character 1");
  t.equal(show(parseInteger("", 1, 100)), "empty 0");
  t.equal(show(parsePercent("50%")), 50);
  t.equal(show(parsePercent("50")), 50);
  t.equal(show(parsePercent("101%")), "overflow 0");
  t.equal(show(parsePercent("%")), "empty 0");
  t.end();
});

t.test("argument lists", (t) => {
  const list = (text: string) => {
    const parsed = splitArguments(text, text.indexOf("("));
    if (!parsed.ok) return `${parsed.problem.kind} ${parsed.problem.at}`;
    t.equal(parsed.value.starts.length, parsed.value.arguments.length);
    return [...parsed.value.arguments, text.slice(parsed.value.end)];
  };
  t.same(list("f(a,b)rest"), ["a", "b", "rest"]);
  t.same(list("f()"), ["", ""]);
  t.same(list("f( a , b )"), [" a ", " b ", ""], "blanks belong to the argument");
  t.same(list(`regsub("(foo|bar)",blah,g)`), ["(foo|bar)", "blah", "g", ""]);
  t.same(list(`regsub('^/(here)(/|$)',"my/\\1",g)`), ["^/(here)(/|$)", "my/\\1", "g", ""]);
  t.same(list(`f("a,b"c,'d)')`), ["a,bc", "d)", ""]);
  t.same(list("f(a\\ b\\n\\\\\\\"\\')"), ["a b\n\\\"'", ""]);
  t.same(list("f(\\#\\$\\x41\\,b)"), ["\\#\\$\\x41\\", "b", ""], "not escapes at this level");
  t.equal(list("f(a"), "unterminated 1");
  t.equal(list('f("a)'), "unterminated 1");
  t.equal(list("f(a\\"), "escape 3");
  t.end();
});
