// The `if` or `unless` at the end of a statement, and the `acl` lines it may name: what ties expression/ to a section.

import type { ConditionPlan } from "../../plan/expression.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { parseAclTest } from "../expression/acl.ts";
import { type AnonymousUse, parseCondition } from "../expression/condition.ts";
import type { ExpressionReference } from "../expression/typed-arguments.ts";
import { COLUMN, FETCH_COLUMNS } from "../keywords/fetch.ts";
import { FETCH_KEYWORDS } from "../keywords/fetches.ts";
import type { Statement } from "../statement.ts";

/** Names an ACL may not have: they mean something in conditions. */
const RESERVED = new Map([["or", "'or' is used to express a logical disjunction within a condition."]]);

const NAME = /^[A-Za-z0-9_.:-]+$/;

export interface ConditionWording {
  /** Where the condition is evaluated; decides which fetches have data. */
  readonly context: keyof typeof COLUMN;
  /** What is said when neither `if` nor `unless` stands there; null: the condition may be left out. */
  readonly missing: string | null;
  /** How a fault of the condition is introduced. */
  readonly broken: string;
  /** What stands between the introduction and the fault, " : " by default. */
  readonly separator?: string;
}

/** Parses the condition that begins at word `at`; null after a report. */
export function parseConditionOf(
  statement: Statement,
  at: number,
  proxy: ProxyDraft,
  configuration: ConfigurationDraft,
  wording: ConditionWording,
): ConditionPlan | null {
  const keyword = statement.text(at);
  if (keyword !== "if" && keyword !== "unless") {
    const message = wording.missing ?? `unexpected word '${keyword}'`;
    statement.alert("missing-condition", message, { at, expected: "'if' or 'unless', then a condition" });
    return null;
  }
  const parsed = parseCondition(statement.textsFrom(at + 1), proxy.acls);
  if (!parsed.ok) {
    statement.alert("bad-condition", `${wording.broken}${wording.separator ?? " : "}${parsed.message}`, {
      at: at + 1 + parsed.at,
      ...(parsed.suggestions === undefined ? {} : { suggestions: parsed.suggestions }),
      ...(parsed.hint === undefined ? {} : { hint: parsed.hint }),
    });
    return null;
  }
  for (const use of parsed.anonymous) checkUse(statement, use, wording.context);
  for (const { fetchName, reference } of parsed.references) {
    rememberReferences(statement, proxy, configuration, fetchName, [reference]);
  }
  return keyword === "if" ? parsed.condition : { kind: "not", term: parsed.condition };
}

function checkUse(statement: Statement, use: AnonymousUse, context: keyof typeof COLUMN): void {
  if (use.withoutPatterns !== null) warnWithoutPatterns(statement, use.withoutPatterns);
  const keyword = FETCH_KEYWORDS.get(use.fetchName);
  if (keyword === undefined || keyword.availability[COLUMN[context]] === "Y") return;
  const message =
    `anonymous acl will never match because it uses keyword '${use.fetchName}' which is incompatible with ` +
    `'${FETCH_COLUMNS[COLUMN[context]]}'`;
  statement.warning("never-matches", message);
}

function warnWithoutPatterns(statement: Statement, criterion: string): void {
  const message =
    `parsing acl keyword '${criterion}' :\n` +
    "  no pattern to match against were provided, so this ACL will never match.\n" +
    "  If this is what you intended, please add '--' to get rid of this warning.\n" +
    "  If you intended to match only for existence, please use '-m found'.\n" +
    "  If you wanted to force an int to match as a bool, please use '-m bool'.\n";
  statement.warning("no-patterns", message, { introduction: "none" });
}

/** Proxies named by the expression are looked up when all sections have been read. */
export function rememberReferences(
  statement: Statement,
  proxy: ProxyDraft,
  configuration: ConfigurationDraft,
  keyword: string,
  references: readonly ExpressionReference[],
): void {
  for (const reference of references) configuration.references.push({ reference, statement, proxy, keyword });
}

/** `acl <name> <criterion> [flags] [patterns]` */
export function acl(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const name = statement.text(1);
  const reserved = RESERVED.get(name);
  if (reserved !== undefined) {
    statement.alert("bad-name", `acl name '${name}' will never match. ${reserved}`, { at: 1 });
    return;
  }
  if (!NAME.test(name)) {
    const character = /[^A-Za-z0-9_.:-]/.exec(name)?.[0] ?? "";
    const message = `character '${character}' is not permitted in acl name '${name}'.`;
    statement.alert("bad-name", message, { at: 1, expected: "a name of letters, digits, '-', '_', '.' and ':'" });
    return;
  }
  const parsed = parseAclTest(statement.textsFrom(2));
  if (!parsed.ok) {
    statement.alert("bad-acl", `error detected while parsing ACL '${name}' : ${parsed.message}`, {
      at: 2 + parsed.at,
      ...(parsed.suggestions === undefined ? {} : { suggestions: parsed.suggestions }),
      ...(parsed.hint === undefined ? {} : { hint: parsed.hint }),
    });
    // The name is known all the same: a condition that uses it must not be called wrong as well.
    if (!proxy.acls.has(name)) proxy.acls.set(name, []);
    return;
  }
  if (parsed.withoutPatterns !== null) warnWithoutPatterns(statement, parsed.withoutPatterns);
  rememberReferences(statement, proxy, configuration, parsed.fetchName, parsed.references);
  const tests = proxy.acls.get(name) ?? [];
  tests.push(...parsed.tests);
  proxy.acls.set(name, tests);
}
