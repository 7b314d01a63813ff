// The translation of PCRE patterns: what it gives for each construct, what it refuses and where, and that on the common ground it means
// the same as JavaScript's own reading. HAProxy (with PCRE2) is asked in sample/oracle.test.ts.

import t from "tap";
import { repeatsWhatVaries } from "./bounded-regex.ts";
import { compilePcre, translatePcre } from "./pcre.ts";
import { isLinear } from "./regex.ts";

t.test("constructs", (t) => {
  const rows: readonly [pattern: string, matches: readonly string[], misses: readonly string[]][] = [
    ["^/a\\.b$", ["/a.b"], ["/axb"]],
    ["[]a]+$", ["]a]"], ["b"]],
    ["[^]a]", ["b"], ["]"]],
    ["[[:digit:][:alpha:]]{3}", ["a1b"], ["a-b"]],
    ["[[:^space:]]", ["a"], [" "]],
    ["[a\\-z]", ["-"], ["b"]],
    ["[\\w.-]+@", ["a.b-c@"], ["@"]],
    ["a{2,3}$", ["aa", "aaa"], ["a"]],
    ["a{,3}", ["a{,3}"], ["aaa"]],
    ["x{", ["x{"], ["x"]],
    ["\\Qa.b\\E+", ["a.bb"], ["axb"]],
    ["\\Aab\\z", ["ab"], ["cab", "abc"]],
    ["\\h\\x41\\x{42}\\t", [" AB\t"], ["AB"]],
    ["(?i)abc", ["ABC"], ["ABD"]],
    ["a(?i)b", ["aB"], ["AB"]],
    ["a(?i:b)c", ["aBc"], ["aBC"]],
    ["(?s)a.b", ["a\nb"], []],
    ["a.b", ["a\rb"], ["a\nb"]],
    ["(?P<n>a|b)\\k<n>", ["aa", "bb"], ["ab"]],
    ["(?<n>a|b)(?P=n)", ["bb"], ["ab"]],
    ["(a)(b)\\2\\1", ["abba"], ["abab"]],
    ["a(?=b)", ["ab"], ["ac"]],
    ["(?<!x)a", ["ba"], ["xa"]],
    ["a(?#any comment)b", ["ab"], ["acb"]],
    ["a+?b|c*?d", ["aab", "d"], ["e"]],
    ["\\bword\\b", ["a word."], ["swords"]],
    ["\\/\\-\\_\\:", ["/-_:"], []],
    ["\\s", ["\v"], ["\xa0"]],
    ["[\xe9]", ["\xe9"], ["e"]],
  ];
  for (const [pattern, matches, misses] of rows) {
    const expression = compilePcre(pattern, false);
    for (const text of matches) t.ok(expression.test(text), `${pattern} on ${JSON.stringify(text)}`);
    for (const text of misses) t.notOk(expression.test(text), `${pattern} not on ${JSON.stringify(text)}`);
  }
  t.ok(compilePcre("^[a-m]É\\d$", true).test("MÉ1"));
  t.ok(compilePcre("[^a]", true).test("b"));
  t.notOk(compilePcre("[^a]", true).test("A"));
  t.end();
});

t.test("refusals say what and where", (t) => {
  const rows: readonly [pattern: string, error: RegExp, at: number][] = [
    ["(", /missing closing parenthesis/, 1],
    ["a)", /unmatched closing parenthesis/, 1],
    ["a**", /quantifier does not follow/, 2],
    ["*a", /quantifier does not follow/, 0],
    ["[a", /missing terminating \]/, 2],
    ["[z-a]", /range out of order/, 4],
    ["[[:foo:]]", /unknown POSIX class/, 1],
    ["a\\", /\\ at end of pattern/, 1],
    ["a++", /possessive/, 2],
    ["(?>a)", /not served/, 2],
    ["\\p{L}", /escape \\p is not served/, 0],
    ["(?R)", /not served/, 2],
    ["(*UTF)a", /verbs/, 1],
  ];
  for (const [pattern, error, at] of rows) {
    const translation = translatePcre(pattern, false);
    t.notOk(translation.ok, pattern);
    if (!translation.ok) {
      t.match(translation.error, error, pattern);
      t.equal(translation.at, at, `${pattern} at`);
    }
  }
  t.throws(() => compilePcre("(", false), /let the pattern/);
  t.end();
});

t.test("known killers cost no more than a little time, and what they are used for still works", (t) => {
  const killers = [
    ...["(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){8}$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a*)*b", "(x+x+)+y"],
    ...[
      "^(a?){30}a{30}$",
      "([a-z]+)*@",
      "^(\\w+\\s?)*$",
      "(a+)+\\1$",
      "(?=(a+)+$)b",
      "^(?!(a+)+$).*b",
      "^(?:a|a?)+\\b!$",
    ],
  ];
  for (const pattern of killers) {
    const expression = compilePcre(pattern, false);
    const begin = performance.now();
    for (const bytes of [29, 40, 1000, 16000]) expression.test(`${"a".repeat(bytes)}!`);
    const ms = performance.now() - begin;
    t.ok(ms < 10_000, `${pattern} took ${Math.round(ms)} ms`);
  }
  const bounded = compilePcre("(?:(a+)x)+\\1y", false, "g");
  t.same("aaxaxay aaxaay".replace(bounded, "<$1>"), "<a> <aa>", "groups, positions and all matches");
  t.equal(compilePcre("(?:(a+)x)+\\1y", false).exec("--aaxaay")?.index, 2);
  t.notOk(repeatsWhatVaries("(?!foo)[(a+)+]*(ab)+(?:x\\+)*a+b*"));
  t.ok(repeatsWhatVaries("((?:a|b)c)+"));
  t.ok(repeatsWhatVaries("(a?){30}"));
  t.notOk(repeatsWhatVaries("(a?){3}"));
  t.end();
});

t.test("on the common ground, as JavaScript reads it", (t) => {
  let seed = 11;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  const pieces = [
    "a",
    "b",
    "A",
    "/",
    "\\.",
    ".",
    "[ab]",
    "[^a/]",
    "\\d",
    "\\w",
    "(a|b)",
    "(?:ab)",
    "^",
    "$",
    "|",
    "x{1,2}",
  ];
  const quantifiers = ["", "", "", "*", "+", "?", "*?", "{2}"];
  const alphabet = "abAB/.1x";
  let compared = 0;
  for (let round = 0; round < 2000; round++) {
    let pattern = "";
    for (let i = 0; i < 1 + random(5); i++) {
      const piece = pieces[random(pieces.length)]!;
      pattern += piece + (/^[\^$|]$|\}$/.test(piece) ? "" : quantifiers[random(quantifiers.length)]!);
    }
    const ignoreCase = random(2) === 1;
    const expected = new RegExp(pattern, ignoreCase ? "i" : "");
    const translated = compilePcre(pattern, ignoreCase);
    for (let i = 0; i < 10; i++) {
      const text = Array.from({ length: random(8) }, () => alphabet[random(alphabet.length)]!).join("");
      compared++;
      if (expected.test(text) !== translated.test(text)) t.fail(`${pattern} -i ${ignoreCase} on ${text}`);
    }
  }
  t.equal(compared, 20000);
  t.end();
});

t.test("nested repetition is seen, and what V8 can run in linear time", (t) => {
  const nested = (pattern: string) => {
    const translation = translatePcre(pattern, true);
    return translation.ok && translation.nestedRepetition;
  };
  for (const pattern of ["(a+)+", "(a*b)*", "((a+)b)+", "(?:x|y{2,})*"]) t.ok(nested(pattern), pattern);
  for (const pattern of ["a+b+", "(a+)(b+)", "(ab)+", "(a+)?", "(?:a|b)*"]) t.notOk(nested(pattern), pattern);
  const linear = (pattern: string) => isLinear(compilePcre(pattern, true).source);
  t.ok(linear("^/(a+)+$"));
  t.notOk(linear("(a+)\\1"));
  t.notOk(linear("a(?=b)"));
  t.end();
});
