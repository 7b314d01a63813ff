// One ACL test: `acl NAME` leads to it, and `{ … }` holds one. Criterion, flags, patterns:
//
//   hdr_beg(host),lower   -i -m beg -f names.lst --   www. static.
//   └ fetch, converters   └ flags                     └ patterns
//
// `-i` applies to what is behind it. Each file is a list of patterns, and so are the line's own patterns (pattern-source.ts).

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import { ACL_KEYWORDS as ACL_SIGNATURES, defaultMatch, MATCH_INPUT, needsPatterns } from "../../acl/keywords.table.ts";
import type { AclTestPlan, MatchMethod, PatternUse, SampleType } from "../../plan/expression.ts";
import { CONVERTERS } from "../../sample/converters.table.ts";
import { FETCHES } from "../../sample/fetches.table.ts";
import { canCast } from "../../sample/types.ts";
import { ACL_KEYWORDS } from "../keywords/fetches.ts";
import { checkPatterns } from "./pattern.ts";
import { openPatterns, type PatternSource } from "./pattern-source.ts";
import { type ExpressionProblem, parseSampleFrom } from "./sample.ts";
import type { ExpressionReference } from "./typed-arguments.ts";

export interface ParsedAclTest {
  readonly ok: true;
  readonly tests: readonly AclTestPlan[];
  readonly fetchName: string;
  readonly references: readonly ExpressionReference[];
  /** No pattern was given although the method needs one: it can never match. The criterion as written, else null. */
  readonly withoutPatterns: string | null;
}

/** What can go wrong, and with which of the words. */
export interface AclProblem extends ExpressionProblem {
  readonly at: number;
}

const METHODS: ReadonlySet<string> = new Set([
  "bool",
  "int",
  "ip",
  "str",
  "beg",
  "end",
  "sub",
  "dir",
  "dom",
  "reg",
  "len",
  "bin",
  "found",
]);

const NO_PROBLEM_AT = 0;

interface Flags {
  method: MatchMethod | null;
  readonly files: {
    readonly written: string;
    readonly keyed: boolean;
    readonly ignoreCase: boolean;
    readonly at: number;
  }[];
  ignoreCase: boolean;
  keyedFiles: boolean;
  /** `-u`. */
  id: number | null;
  /** `--` was given: no patterns at all is intended. */
  ended: boolean;
  /** Index of the first word that is a pattern. */
  next: number;
}

/** Parses the words of a test, the criterion first. */
export function parseAclTest(written: readonly string[]): ParsedAclTest | AclProblem {
  const words = withJoinedConverters(written);
  const criterion = words[0] ?? "";
  const sample = parseCriterion(criterion);
  if (!sample.ok) return { ...sample, at: NO_PROBLEM_AT };
  const flags: Flags = {
    method: sample.impliedMatch,
    files: [],
    ignoreCase: false,
    keyedFiles: false,
    id: null,
    ended: false,
    next: 1,
  };
  const problem = parseFlags(words, flags);
  if (problem !== null) return problem;
  const method = flags.method ?? defaultMatch(sample.type);
  if (method === null) {
    return { ok: false, message: `matching method must be specified first (-m <method>)`, at: NO_PROBLEM_AT };
  }
  if (!isUsable(method, sample.type)) {
    const message = `matching method '${method}' cannot be used with fetch keyword '${criterion}'`;
    return { ok: false, message, at: NO_PROBLEM_AT };
  }
  return readLists(words, sample, method, flags);
}

/** Behind a comma the expression goes on in the next word, when that is a converter. */
function withJoinedConverters([first = "", ...others]: readonly string[]): readonly string[] {
  let criterion = first;
  while (criterion.endsWith(",") && CONVERTERS.has(/^[^(,]*/.exec(others[0] ?? "")![0])) criterion += others.shift();
  return [criterion, ...others];
}

/** The files in their order, then the line's own patterns: a list even when there are none, since the runtime API may fill it. */
function readLists(
  words: readonly string[],
  sample: Criterion,
  match: MatchMethod,
  flags: Flags,
): ParsedAclTest | AclProblem {
  const isMethod = sample.type === "meth";
  const lists: { list: number; readonly ignoreCase: boolean }[] = [];
  const references: ExpressionReference[] = [...sample.references];
  const refer = (source: PatternSource, use: PatternUse): void => {
    const entry = { list: -1, ignoreCase: use.ignoreCase };
    lists.push(entry);
    const found = (list: number): void => {
      entry.list = list;
    };
    references.push({ kind: "patterns", source, use, found });
  };
  let count = 0;
  for (const { written, keyed, ignoreCase, at } of flags.files) {
    const use: PatternUse = { match, ignoreCase, isMethod, output: null };
    const opened = openPatterns(written, keyed, use);
    if (!opened.ok) return { ok: false, message: `${opened.message}.`, at };
    count++;
    refer(opened.source, use);
  }
  const use: PatternUse = { match, ignoreCase: flags.ignoreCase, isMethod, output: null };
  const isDotted = match === "int" && sample.sample.fetch === "req.ssl_ver";
  const written = words.slice(flags.next);
  const own = checkPatterns(use, isDotted ? written.map(dottedNumbers) : written);
  if (!own.ok) return { ok: false, message: `${own.message}.`, at: flags.next };
  count += own.patterns.length;
  const { criterion } = sample;
  refer({ name: null, written: sample.keyword, id: flags.id, keys: own.patterns, values: null }, use);
  return {
    ok: true,
    tests: [{ sample: sample.sample, match, lists }],
    fetchName: sample.fetchName,
    references,
    withoutPatterns: needsPatterns(match) && !flags.ended && count === 0 ? criterion : null,
  };
}

/** Versions as `req.ssl_ver` is compared with them: "3.1:3.3", major and minor in 16 bits each. */
function dottedNumbers(word: string): string {
  return word.replace(/(\d+)\.(\d+)/g, (_, major, minor) => String(Number(major) * 65536 + Number(minor)));
}

function parseFlags(words: readonly string[], flags: Flags): AclProblem | null {
  while (flags.next < words.length && words[flags.next]!.startsWith("-") && words[flags.next] !== "-") {
    const at = flags.next;
    const flag = words[at]!;
    // A negative number is a pattern, not a flag.
    if (/^-\d/.test(flag)) return null;
    const argument = words[at + 1] ?? "";
    if (flag === "-i") flags.ignoreCase = true;
    else if (flag === "-M") flags.keyedFiles = true;
    else if (flag === "--") flags.ended = true;
    else if (flag === "-m") {
      if (flags.files.length > 0) {
        const message = "'-m' must only be specified before patterns and files in parsing ACL expression.";
        return { ok: false, message, at };
      }
      if (!METHODS.has(argument)) {
        const message = `unknown matching method '${argument}' when parsing ACL expression`;
        return { ok: false, message: `${message}.`, at: at + 1, suggestions: suggest(argument, METHODS) };
      }
      flags.method = argument as MatchMethod;
    } else if (flag === "-f") {
      flags.files.push({ written: argument, keyed: flags.keyedFiles, ignoreCase: flags.ignoreCase, at: at + 1 });
    } else if (flag === "-u") {
      if (!/^\d+$/.test(argument)) return { ok: false, message: "the argument of -u must be an integer.", at: at + 1 };
      flags.id = Number(argument);
    } else if (flag !== "-n") {
      const message = `'${flag}' is not a valid ACL option. Please use '--' before any pattern beginning with a '-'.`;
      return { ok: false, message, at };
    }
    const takesArgument = flag === "-m" || flag === "-f" || flag === "-u";
    flags.next += takesArgument ? 2 : 1;
    if (flag === "--") return null;
  }
  return null;
}

/** Whether the sample can be made what the method looks at. */
function isUsable(method: MatchMethod, type: SampleType): boolean {
  const input = MATCH_INPUT[method];
  return input === null || canCast(type, input);
}

interface Criterion {
  readonly ok: true;
  /** As written, and its keyword alone. */
  readonly criterion: string;
  readonly keyword: string;
  readonly sample: AclTestPlan["sample"];
  readonly type: SampleType;
  readonly fetchName: string;
  readonly references: readonly ExpressionReference[];
  /** `path_beg` implies `beg`; null when the type decides. */
  readonly impliedMatch: MatchMethod | null;
}

function parseCriterion(text: string): Criterion | ExpressionProblem {
  const name = /^[A-Za-z0-9_.+-]*/.exec(text)![0];
  if (name === "") return { ok: false, message: `missing fetch method in ACL expression '${text}'.` };
  const keyword = ACL_KEYWORDS.get(name);
  const parsed = parseSampleFrom(text, name, keyword?.fetch ?? name);
  if (!parsed.ok) return worded(parsed, text, name, keyword !== undefined);
  const implied = ACL_SIGNATURES.get(name)?.match ?? null;
  return {
    ...parsed,
    criterion: text,
    keyword: name,
    impliedMatch: parsed.sample.converters.length > 0 ? null : implied,
  };
}

/** HAProxy introduces the problem by the ACL keyword when there is one of that name, else by the whole expression. */
function worded(problem: ExpressionProblem, text: string, name: string, isAclKeyword: boolean): ExpressionProblem {
  const bare = problem.message.replace(`fetch method '${name}' : `, "");
  const isUnknown = problem.message.startsWith("unknown fetch");
  if (isAclKeyword && !isUnknown) return { ...problem, message: `ACL keyword '${name}' : ${bare}.` };
  const suggestions = isUnknown ? suggest(name, [...FETCHES.keys(), ...ACL_SIGNATURES.keys()]) : problem.suggestions;
  return { ...problem, message: `${problem.message} in ACL expression '${text}'.`, suggestions };
}
