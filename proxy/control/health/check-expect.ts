// What an HTTP check expects: `http-check expect` rules, or a status of 2xx or 3xx when there is none. Each answer is judged as early as
// possible: a body that already holds the wanted string need not be read to its end.

import { compilePcre } from "../../acl/pcre.ts";
import type { CheckExpectPlan, CheckPlan } from "../../plan/check.ts";
import type { CheckResponse } from "./check-response.ts";
import { CHECK_STATUS } from "./check-status.ts";

/** A CHECK_STATUS and what to say about it; null: more of the answer is needed. */
export type Verdict = { readonly status: number; readonly info: string } | null;

type Rule = (response: CheckResponse) => Verdict;

const PASSED: Verdict = { status: CHECK_STATUS.L7OK, info: "" };

/** Compiles the rules of a backend once. A pattern that is no regular expression throws: the configuration checks that before. */
export function compileExpectations(check: CheckPlan): (response: CheckResponse, serverIsUp: boolean) => Verdict {
  const rules = check.expect.length === 0 ? [expectSuccess] : check.expect.map(compileRule);
  return (response, serverIsUp) => {
    if (!response.headed) return null;
    if (check.disableOn404 && serverIsUp && response.status === 404) return { status: CHECK_STATUS.L7OKC, info: "" };
    for (const rule of rules) {
      const verdict = rule(response);
      if (verdict === null || verdict.status !== CHECK_STATUS.L7OK) return verdict;
    }
    return PASSED;
  };
}

function expectSuccess(response: CheckResponse): Verdict {
  return response.status >= 200 && response.status <= 399 ? PASSED : wrongStatus(response);
}

function wrongStatus(response: CheckResponse): Verdict {
  return { status: CHECK_STATUS.L7STS, info: response.reason };
}

function compileRule(rule: CheckExpectPlan): Rule {
  switch (rule.kind) {
    case "status": {
      const matches = statusRanges(rule.pattern);
      return (response) => (matches(response.status) !== rule.negate ? PASSED : wrongStatus(response));
    }
    case "rstatus": {
      const pattern = compilePcre(rule.pattern, false);
      return (response) => (pattern.test(String(response.status)) !== rule.negate ? PASSED : wrongStatus(response));
    }
    case "string":
      return expectBody((body) => body.includes(rule.pattern), rule.negate);
    case "rstring": {
      const pattern = compilePcre(rule.pattern, false);
      return expectBody((body) => pattern.test(body), rule.negate);
    }
  }
}

/** `200`, `200-299`, `200-299,304`. */
function statusRanges(pattern: string): (status: number) => boolean {
  const ranges = pattern.split(",").map((range) => {
    const [low, high] = range.split("-");
    return { low: Number(low), high: Number(high ?? low) };
  });
  return (status) => ranges.some(({ low, high }) => status >= low && status <= high);
}

function expectBody(matches: (body: string) => boolean, negate: boolean): Rule {
  return (response) => {
    if (matches(response.body)) return negate ? invalid("HTTP check matched unwanted content") : PASSED;
    if (!response.ended) return null;
    if (response.body === "") return invalid("HTTP content check could not find a response body");
    return negate ? PASSED : invalid("HTTP content check did not match");
  };
}

function invalid(info: string): Verdict {
  return { status: CHECK_STATUS.L7RSP, info };
}
