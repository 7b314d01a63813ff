// Conditions: what stands behind `if` and `unless`, section 7.2.
//
//   a !b or { path_beg /x } c        ──▶   or( and(a, not b), and({…}, c) )
//
// A named ACL is all its `acl` lines together, those below the condition included: the plan shares the list, which goes on growing while
// the section is read. The predefined ACLs (section 7.4) exist in every proxy and may be extended like any other.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { AclTestPlan, ConditionPlan } from "../../plan/expression.ts";
import { type AclProblem, parseAclTest } from "./acl.ts";
import type { ExpressionReference } from "./typed-arguments.ts";

/** The predefined ACLs, as they would be written. */
export const PREDEFINED_ACLS: ReadonlyMap<string, readonly string[]> = new Map([
  ["FALSE", ["always_false"]],
  ["HTTP", ["req.proto_http"]],
  ["HTTP_1.0", ["req.ver", "1.0"]],
  ["HTTP_1.1", ["req.ver", "1.1"]],
  ["HTTP_2.0", ["req.ver", "2.0"]],
  ["HTTP_3.0", ["req.ver", "3.0"]],
  ["HTTP_CONTENT", ["req.hdr_val(content-length)", "gt", "0"]],
  ["HTTP_URL_ABS", ["url_reg", "^[^/:]*://"]],
  ["HTTP_URL_SLASH", ["url_beg", "/"]],
  ["HTTP_URL_STAR", ["url", "*"]],
  ["LOCALHOST", ["src", "127.0.0.1/8", "::1"]],
  ["METH_CONNECT", ["method", "CONNECT"]],
  ["METH_DELETE", ["method", "DELETE"]],
  ["METH_GET", ["method", "GET", "HEAD"]],
  ["METH_HEAD", ["method", "HEAD"]],
  ["METH_OPTIONS", ["method", "OPTIONS"]],
  ["METH_POST", ["method", "POST"]],
  ["METH_PUT", ["method", "PUT"]],
  ["METH_TRACE", ["method", "TRACE"]],
  ["RDP_COOKIE", ["req.rdp_cookie_cnt", "gt", "0"]],
  ["REQ_CONTENT", ["req.len", "gt", "0"]],
  ["TRUE", ["always_true"]],
  ["WAIT_END", ["wait_end"]],
]);

/** The ACLs a condition may name, by name. */
export type AclTests = Map<string, AclTestPlan[]>;

/** A test the condition itself holds, for checks on where it may be used. */
export interface AnonymousUse {
  readonly fetchName: string;
  readonly references: readonly ExpressionReference[];
  /** Criterion of a test that has no pattern although it needs one, else null. */
  readonly withoutPatterns: string | null;
}

export interface ParsedCondition {
  readonly ok: true;
  readonly condition: ConditionPlan;
  readonly anonymous: readonly AnonymousUse[];
  /** Of the anonymous tests, and of predefined ACLs that the condition is the first to name. */
  readonly references: readonly NamedReference[];
}

/** A reference, and the fetch whose expression holds it. */
interface NamedReference {
  readonly fetchName: string;
  readonly reference: ExpressionReference;
}

function named({ fetchName, references }: AnonymousUse): NamedReference[] {
  return references.map((reference) => ({ fetchName, reference }));
}

/** Parses `words` (all that follows `if` or `unless`). `at` of a problem is an index into them. */
export function parseCondition(words: readonly string[], acls: AclTests): ParsedCondition | AclProblem {
  const alternatives: ConditionPlan[][] = [[]];
  const anonymous: AnonymousUse[] = [];
  const references: NamedReference[] = [];
  let negated = false;
  for (let at = 0; at < words.length; at++) {
    let word = words[at]!;
    if (word === "or" || word === "||") {
      alternatives.push([]);
      negated = false;
      continue;
    }
    while (word.startsWith("!")) {
      negated = !negated;
      word = word.slice(1);
    }
    if (word === "") continue;
    let term: ConditionPlan;
    if (word === "{") {
      const close = words.indexOf("}", at + 1);
      if (close < 0) return { ok: false, message: "missing closing '}' in condition.", at };
      const test = parseAclTest(words.slice(at + 1, close));
      if (!test.ok) return { ...test, at: at + 1 + test.at };
      anonymous.push(test);
      references.push(...named(test));
      term = { kind: "acl", name: "", tests: test.tests };
      at = close;
    } else {
      const found = findAcl(word, acls, references);
      if (!found.ok) return { ...found, at };
      term = found.condition;
    }
    alternatives[alternatives.length - 1]!.push(negated ? { kind: "not", term } : term);
    negated = false;
  }
  return { ok: true, condition: combine(alternatives), anonymous, references };
}

/** No alternative at all never holds, as in HAProxy: `use_backend x if` without a condition is never taken. */
function combine(alternatives: readonly ConditionPlan[][]): ConditionPlan {
  const terms = alternatives.filter((alternative) => alternative.length > 0).map(conjunction);
  return terms.length === 1 ? terms[0]! : { kind: "or", terms };
}

function conjunction(terms: readonly ConditionPlan[]): ConditionPlan {
  return terms.length === 1 ? terms[0]! : { kind: "and", terms };
}

function findAcl(
  name: string,
  acls: AclTests,
  references: NamedReference[],
): { ok: true; condition: ConditionPlan } | AclProblem {
  const tests = acls.get(name) ?? predefined(name, acls, references);
  if (tests === "unserved") {
    const message = `the predefined ACL '${name}' is not served yet.`;
    return { ok: false, message, at: 0, hint: `It stands for '${PREDEFINED_ACLS.get(name)!.join(" ")}'.` };
  }
  if (tests === null) {
    const suggestions = suggest(name, [...acls.keys(), ...PREDEFINED_ACLS.keys()]);
    return { ok: false, message: `no such ACL : '${name}'.`, at: 0, suggestions };
  }
  return { ok: true, condition: { kind: "acl", name, tests } };
}

/** Defines a predefined ACL in this proxy on its first use. */
function predefined(name: string, acls: AclTests, references: NamedReference[]): AclTestPlan[] | "unserved" | null {
  const words = PREDEFINED_ACLS.get(name);
  if (words === undefined) return null;
  const parsed = parseAclTest(words);
  if (!parsed.ok) return "unserved";
  const tests = [...parsed.tests];
  references.push(...named(parsed));
  acls.set(name, tests);
  return tests;
}
