// What checks expect of answers. Each answer is judged as early as possible: a body that already holds the wanted string need not be read to its end.

import { compilePcre } from "../../acl/pcre.ts";
import type { CheckExpectation, CheckPatternPlan, CheckStepExpectPlan } from "../../plan/check.ts";
import type { CheckResponse } from "./check-response.ts";
import type { CheckSamples, CheckScope, CheckValue } from "./check-samples.ts";
import { CHECK_STATUS } from "./check-status.ts";
import { judgeProtocol } from "./protocol-answers.ts";

/**
 * What was found out; null: more of the answer is needed.
 * passed: as expected, `info` is what the protocol has to say. failed: `status` and `info` unless the step says otherwise.
 */
export type Judgement =
  | { readonly passed: true; readonly info: string }
  | { readonly passed: false; readonly status: number; readonly code: number; readonly info: string | null }
  | null;

/** What there is to judge. */
export interface Answer {
  readonly scope: CheckScope;
  /** Nothing more will come. */
  readonly isLast: boolean;
  /** Of HTTP. */
  readonly response: CheckResponse | null;
  /** What the last protocol step had to say. */
  readonly context: string;
}

export type Judge = (answer: Answer) => Judgement;

const PASSED: Judgement = { passed: true, info: "" };

function failed(status: number, info: string | null, code = 0): Judgement {
  return { passed: false, status, code, info };
}

/** @param isHttp strings are looked for in bodies */
export function compileExpect(step: CheckStepExpectPlan, isHttp: boolean, samples: CheckSamples): Judge {
  const { expectation } = step;
  switch (expectation.on) {
    case "status":
      return judgeStatus(statusRanges(expectation.pattern), step.negate);
    case "rstatus": {
      const pattern = compilePcre(expectation.pattern, false);
      return judgeStatus((status) => pattern.test(String(status)), step.negate);
    }
    case "hdr":
    case "fhdr":
      return judgeHeaders(step, expectation, samples);
    case "string":
    case "rstring":
    case "binary":
    case "rbinary": {
      const matches = containment(expectation, samples);
      return isHttp ? judgeBody(step, matches) : judgeBytes(step, matches);
    }
    default:
      return ({ scope, isLast, context }) => {
        const verdict = judgeProtocol(expectation, Buffer.from(scope.answer, "latin1"), isLast, context);
        if (verdict === null) return null;
        const { status, code, info } = verdict;
        return status === 0 || status === CHECK_STATUS.L7OK ? { passed: true, info } : failed(status, info, code);
      };
  }
}

function judgeStatus(matches: (status: number) => boolean, negate: boolean): Judge {
  return ({ response }) => {
    if (response === null || !response.headed) return null;
    return matches(response.status) !== negate ? PASSED : failed(CHECK_STATUS.L7STS, response.reason);
  };
}

/** `200`, `200-299`, `200-299,304`. */
function statusRanges(pattern: string): (status: number) => boolean {
  const ranges = pattern.split(",").map((range) => {
    const [low, high] = range.split("-");
    return { low: Number(low), high: Number(high ?? low) };
  });
  return (status) => ranges.some(({ low, high }) => status >= low && status <= high);
}

function compilePattern(
  plan: CheckPatternPlan,
  samples: CheckSamples,
): (scope: CheckScope) => (text: string) => boolean {
  const wanted = samples.text(plan.text);
  if (plan.match === "reg") {
    const constant = typeof plan.text === "string" ? compilePcre(plan.text, true) : null;
    return (scope) => {
      const expression = constant ?? compilePcre(wanted(scope), true);
      return (text) => expression.test(text);
    };
  }
  return (scope) => {
    const needle = wanted(scope).toLowerCase();
    return (text) => compares(plan.match, text.toLowerCase(), needle);
  };
}

function compares(match: CheckPatternPlan["match"], text: string, needle: string): boolean {
  if (match === "str") return text === needle;
  if (match === "beg") return text.startsWith(needle);
  return match === "end" ? text.endsWith(needle) : text.includes(needle);
}

function judgeHeaders(
  { negate }: CheckStepExpectPlan,
  { name, on, value }: Extract<CheckExpectation, { on: "hdr" | "fhdr" }>,
  samples: CheckSamples,
): Judge {
  const nameOf = compilePattern(name, samples);
  const wantedValue = value === null ? null : compilePattern(value, samples);
  return ({ response, scope }) => {
    if (response === null || !response.headed) return null;
    const isName = nameOf(scope);
    const lines = response.headers.filter((line) => isName(line.name));
    const isValue = wantedValue === null ? null : wantedValue(scope);
    const values = lines.flatMap((line) => (on === "fhdr" ? [line.value] : line.value.split(",").map((v) => v.trim())));
    const found = isValue === null ? lines.length > 0 : values.some(isValue);
    if (found !== negate) return PASSED;
    const matched = negate ? "HTTP header check matched unwanted content" : "HTTP header check did not match";
    return failed(CHECK_STATUS.L7RSP, matched);
  };
}

/** Whether it is in the text; null: the pattern is empty. */
type Containment = (text: string, scope: CheckScope) => boolean | null;

function containment(
  expectation: Extract<CheckExpectation, { on: "string" | "rstring" | "binary" | "rbinary" }>,
  samples: CheckSamples,
): Containment {
  if ("text" in expectation) {
    const wanted: CheckValue<string> = samples.text(expectation.text);
    const isHex = expectation.on === "binary" && typeof expectation.text !== "string";
    return (text, scope) => {
      const needle = isHex ? Buffer.from(wanted(scope), "hex").toString("latin1") : wanted(scope);
      return needle === "" ? null : text.includes(needle);
    };
  }
  const expression = compilePcre(expectation.pattern, false);
  if (expectation.on === "rstring") return (text) => expression.test(text);
  return (text) => expression.test(Buffer.from(text, "latin1").toString("hex").toUpperCase());
}

const EMPTY_FORMAT = "TCPCHK log-format string evaluated to empty";

function judgeBody({ negate, minRecvBytes }: CheckStepExpectPlan, matches: Containment): Judge {
  return ({ response, scope }) => {
    if (response === null || !response.headed) return null;
    const { body, ended } = response;
    if (!ended && (body === "" || (minRecvBytes > 0 && body.length < minRecvBytes))) return null;
    if (body === "") return failed(CHECK_STATUS.L7RSP, "HTTP content check could not find a response body");
    const isIn = matches(body, scope);
    if (isIn === null) return failed(CHECK_STATUS.L7RSP, EMPTY_FORMAT);
    if (!isIn && !ended && minRecvBytes < 0) return null;
    if (isIn !== negate) return PASSED;
    const matched = isIn ? "HTTP check matched unwanted content" : "HTTP content check did not match";
    return failed(CHECK_STATUS.L7RSP, matched);
  };
}

function judgeBytes({ negate, minRecvBytes }: CheckStepExpectPlan, matches: Containment): Judge {
  return ({ isLast, scope }) => {
    const { answer } = scope;
    if (!isLast && minRecvBytes > 0 && answer.length < minRecvBytes) return null;
    const isIn = matches(answer, scope);
    if (isIn === null) return failed(CHECK_STATUS.L7RSP, EMPTY_FORMAT);
    // Without a minimum nothing but the end of the answer is proof of absence.
    if (!isIn && !isLast && minRecvBytes < 0) return null;
    return isIn !== negate ? PASSED : failed(CHECK_STATUS.L7RSP, null);
  };
}
