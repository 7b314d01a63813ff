// PCRE2 patterns in JavaScript's words. What a pattern matches is compared with what PCRE2 says of it.

import t from "tap";
import { translatePattern } from "./pcre.ts";

function matches(pattern: string, text: string, ...options: string[]): boolean | string {
  const translated = translatePattern(pattern, options);
  return typeof translated === "string" ? translated : new RegExp(translated.source, translated.flags).test(text);
}

/** The part that matches. */
function part(pattern: string, text: string, ...options: string[]): string | undefined {
  const translated = translatePattern(pattern, options);
  if (typeof translated === "string") throw new Error(translated);
  return new RegExp(translated.source, translated.flags).exec(text)?.[0];
}

t.test("what is written differently means the same", async (t) => {
  const cases: readonly (readonly [pattern: string, yes: string, no: string, ...options: string[]])[] = [
    ["^ok$", "ok\n", "ok\n\n"],
    ["^ok$", "ok", "nok"],
    ["^ok$", "ok", "ok\n", "dollar_endonly"],
    ["^b$", "a\nb\nc", "a\rb\rc", "multiline"],
    ["a.b", "a\rb", "a\nb"],
    ["a.b", "a\nb", "ab", "dotall"],
    ["\\Aok\\z", "ok", "ok\n"],
    ["\\Aok\\Z", "ok\n", "nok"],
    ["(?i)ok", "OK", "no"],
    ["(?is)a.b", "A\nB", "ab"],
    ["ok", "OK", "no", "caseless"],
    ["[[:alpha:]_]+[[:digit:]]{2}$", "a_12", "12"],
    ["[]x]y", "]y", "zy"],
    ["[^]x]y", "zy", "]y"],
    ["\\Q1+1=2?\\E", "1+1=2?", "11=2"],
    ["\\x{41}\\x42", "AB", "ab"],
    ["a\\-b\\_c", "a-b_c", "abc"],
    ["\\h\\R", " \r\n", "x\n"],
    ["(?P<word>\\w+) (?P=word)", "hey hey", "hey dog"],
    ["(a)\\g{1}", "aa", "ab"],
    ["a # what\n b", "ab", "a b", "extended"],
    ["a(?#what)b", "ab", "a"],
    ["{x}a{2}", "{x}aa", "{x}a"],
    ["</title>", "</title>", "title"],
  ];
  for (const [pattern, yes, no, ...options] of cases) {
    t.same([matches(pattern, yes, ...options), matches(pattern, no, ...options)], [true, false], pattern);
  }
  t.equal(part("a+", "aaa", "ungreedy"), "a");
  t.equal(part("a+?", "aaa", "ungreedy"), "aaa");
  t.equal(part("(a)(b)", "ab", "no_auto_capture"), "ab");
});

t.test("what JavaScript cannot say is named", async (t) => {
  for (const [pattern, problem] of [
    ["(?>a)b", /atomic/],
    ["a++", /possessive/],
    ["a(?R)?b", /\(\?R/],
    ["(?(1)a|b)", /\(\?\(1/],
    ["a\\Kb", /\\K/],
    ["(*ANYCRLF)a", /verbs/],
    ["a(?i)b", /\(\?i/],
    ["\\p{Lu}", /\\p/],
    ["(a", /Unterminated group/],
    ["[a", /not closed/],
    ["a\\", /backslash/],
    ["*a", /./],
  ] as const) {
    t.match(matches(pattern, ""), problem, pattern);
  }
});
