// `expect` of `tcp-check` and `http-check`: what an answer has to be, and what is told when it is or is not.

import { regexProblem } from "../../acl/patterns/pattern-problem.ts";
import type {
  CheckExpectation,
  CheckPatternPlan,
  CheckStepExpectPlan,
  CheckStepStatus,
  CheckStringMatch,
  CheckText,
} from "../../plan/check.ts";
import { type CheckReader, fromHex, hexProblem } from "./check-reader.ts";

const EXPECT_WORDS = {
  "tcp-check":
    "'only supports min-recv, '[!]binary', '[!]string', '[!]rstring', '[!]string-lf''[!]rbinary', '[!]binary-lf' or comment but got",
  "http-check":
    "'only supports min-recv, [!]string', '[!]rstring', '[!]string-lf', '[!]status', '[!]rstatus', [!]hdr, [!]fhdr or comment but got",
};
const MATCHES = {
  "tcp-check": ["string", "rstring", "string-lf", "binary", "rbinary", "binary-lf"],
  "http-check": ["string", "rstring", "string-lf", "status", "rstatus", "hdr", "fhdr"],
} as const;
const STATUSES = {
  "ok-status": [["L4OK", "L6OK", "L7OK", "L7OKC"], "'L4OK', 'L6OK', 'L7OK' or 'L7OKC'"],
  "error-status": [["L4CON", "L6RSP", "L7RSP", "L7STS", "L7OKC"], "'L4CON', 'L6RSP', 'L7RSP' or 'L7STS'"],
  "tout-status": [["L4TOUT", "L6TOUT", "L7TOUT"], "'L4TOUT', 'L6TOUT' or 'L7TOUT'"],
} as const;
const METHODS: readonly string[] = ["str", "beg", "sub", "end", "reg"] satisfies CheckStringMatch[];

type Draft<Step> = { -readonly [Key in keyof Step]: Step[Key] };

/** An expectation with nothing said beside it. */
export function newExpect(expectation: CheckExpectation): CheckStepExpectPlan {
  return {
    ...{ kind: "expect", expectation, negate: false, minRecvBytes: -1, comment: "" },
    ...{ okStatus: null, errorStatus: null, timeoutStatus: null, onSuccess: null, onError: null, statusCode: null },
  };
}

/** The step of an `expect` line; a fault is thrown (check-reader.ts). */
export function readExpect(reader: CheckReader): CheckStepExpectPlan {
  let expectation: CheckExpectation | null = null;
  const step: Draft<CheckStepExpectPlan> = { ...newExpect({ on: "string", text: "" }) };
  const matches: readonly string[] = MATCHES[reader.family];
  while (reader.has()) {
    let word = reader.word();
    let negate = false;
    while (word.startsWith("!")) {
      negate = !negate;
      word = word === "!" ? reader.word() : word.slice(1);
    }
    if (expectation === null && matches.includes(word)) {
      expectation = readExpectation(reader, word as (typeof MATCHES)["tcp-check" | "http-check"][number]);
      step.negate = negate;
    } else if (!takeSetting(reader, step, word)) {
      throw reader.fault("unknown-word", `${EXPECT_WORDS[reader.family]} '${word}' as argument..`, reader.at - 1);
    }
  }
  if (expectation === null) {
    throw reader.fault("missing-argument", "expects at least a matching pattern as arguments.", 2);
  }
  step.expectation = expectation;
  return step;
}

function readExpectation(
  reader: CheckReader,
  on: (typeof MATCHES)["tcp-check" | "http-check"][number],
): CheckExpectation {
  if (on === "hdr" || on === "fhdr") return readHeader(reader, on);
  const pattern = reader.value(`'${on}' expects a <pattern> as argument.`);
  const wrong = (problem: string | null): void => {
    if (problem !== null) throw reader.fault("bad-pattern", `${problem}.`, reader.at - 1);
  };
  switch (on) {
    case "string":
      return { on, text: pattern };
    case "string-lf":
      return { on: "string", text: reader.format(pattern) };
    case "binary":
      wrong(described("invalid binary string", hexProblem(pattern)));
      return { on, text: fromHex(pattern) };
    case "binary-lf":
      return { on: "binary", text: reader.format(pattern) };
    case "status":
      wrong(statusProblem(pattern));
      return { on, pattern };
    default:
      wrong(regexProblem(pattern));
      return { on, pattern };
  }
}

function described(what: string, problem: string | null): string | null {
  return problem === null ? null : `${what} (${problem})`;
}

function statusProblem(pattern: string): string | null {
  const wrong = /[^0-9,-]/.exec(pattern);
  if (wrong !== null) return `invalid character '${wrong[0]}' in the list of status codes`;
  const isList = pattern.split(",").every((range) => /^\d+(-\d+)?$/.test(range));
  return isList ? null : "invalid list of status codes";
}

/** `{ name | name-lf } [ -m <meth> ] <name> [ { value | value-lf } [ -m <meth> ] <value> ]` */
function readHeader(reader: CheckReader, on: "hdr" | "fhdr"): CheckExpectation {
  const word = reader.value(`'${on}' expects at least a keyword as argument followed by a pattern`);
  if (word !== "name" && word !== "name-lf") {
    const message = `'${on}' expects 'name' or 'name-lf' as first argument, not '${word}'.`;
    throw reader.fault("unknown-word", message, reader.at - 1);
  }
  const name = readPattern(reader, on, word);
  const next = reader.peek();
  if (next !== "value" && next !== "value-lf") return { on, name, value: null };
  reader.word();
  return { on, name, value: readPattern(reader, on, next) };
}

function readPattern(reader: CheckReader, on: string, word: string): CheckPatternPlan {
  let match: CheckStringMatch = "str";
  if (reader.peek() === "-m") {
    reader.word();
    const method = reader.value(
      `'${on}' : '${word}' expects at a matching pattern ("str", "beg", "end", "sub" or "reg")`,
    );
    if (!METHODS.includes(method)) {
      throw reader.fault("unknown-word", `'${on}' : unknown matching pattern '${method}'`, reader.at - 1);
    }
    match = method as CheckStringMatch;
  }
  const text = reader.value(`'${on}' expects a <pattern> as argument`);
  const problem = match === "reg" && !word.endsWith("-lf") ? regexProblem(text) : null;
  if (problem !== null) throw reader.fault("bad-pattern", `${problem}.`, reader.at - 1);
  return { match, text: word.endsWith("-lf") ? reader.format(text) : text };
}

/** False: there is no such word. */
function takeSetting(reader: CheckReader, step: Draft<CheckStepExpectPlan>, word: string): boolean {
  switch (word) {
    case "comment":
      step.comment = reader.value("expects a string as argument.");
      return true;
    case "min-recv": {
      const value = reader.word();
      if (!/^-?\d+$/.test(value) || Number(value) < -1)
        throw reader.fault("bad-argument", `expects -1 or an integer from 0 to INT_MAX (${value}).`, reader.at - 1);
      step.minRecvBytes = Number(value);
      return true;
    }
    case "ok-status":
      step.okStatus = readStatus(reader, word);
      return true;
    case "error-status":
      step.errorStatus = readStatus(reader, word);
      return true;
    case "tout-status":
      step.timeoutStatus = readStatus(reader, word);
      return true;
    case "on-success":
      step.onSuccess = readMessage(reader, word);
      return true;
    case "on-error":
      step.onError = readMessage(reader, word);
      return true;
    case "status-code":
      step.statusCode = reader.sample(reader.value("'status-code' expects an expression as argument."));
      return true;
    default:
      return false;
  }
}

function readMessage(reader: CheckReader, word: string): CheckText {
  return reader.format(reader.value(`'${word}' expects a log-format string as argument.`));
}

function readStatus(reader: CheckReader, word: keyof typeof STATUSES): CheckStepStatus {
  const [known, text] = STATUSES[word];
  const value = reader.word();
  if (!(known as readonly string[]).includes(value)) {
    throw reader.fault("bad-argument", `'${word}' only supports ${text} status (got '${value}')..`, reader.at - 1);
  }
  return value as CheckStepStatus;
}
