// Sample expressions: a fetch and the converters behind it, `req.hdr(host),lower`.
//
// The parser works on text and answers with a plan or a message; who calls it knows the place and how HAProxy introduces the message
// ("error detected while parsing ACL 'x' : …"). What exists is asked of the keyword tables.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import { valueProblem } from "../../acl/patterns/pattern-problem.ts";
import type { ConditionPlan, ConverterCallPlan, SamplePlan, SampleType } from "../../plan/expression.ts";
import { type MapKind, useOf } from "../../sample/convert/map.ts";
import { CONVERTERS } from "../../sample/converters.table.ts";
import { FETCHES } from "../../sample/fetches.table.ts";
import { canCast } from "../../sample/types.ts";
import { CONVERTER_KEYWORDS } from "../keywords/converter.ts";
import { FETCH_KEYWORDS } from "../keywords/fetches.ts";
import { REFERENCE_PAGE } from "../keywords/keyword.ts";
import { loadJwtKey } from "./jwt-key.ts";
import { openPatterns, type PatternReference } from "./pattern-source.ts";
import { type AclReference, type ExpressionReference, parseArguments } from "./typed-arguments.ts";

/** What is wrong with an expression: HAProxy's words, and what ringway adds to them. */
export interface ExpressionProblem {
  readonly ok: false;
  readonly message: string;
  readonly suggestions?: readonly string[];
  readonly hint?: string;
}

export interface ParsedSample {
  readonly ok: true;
  readonly sample: SamplePlan;
  /** Of the last converter, else of the fetch. */
  readonly type: SampleType;
  /** The fetch as it was written; decides where its data is available. */
  readonly fetchName: string;
  readonly references: readonly ExpressionReference[];
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type Chain = ConverterCallPlan[];

/** How far the converters reach, and what type comes out of them. */
interface ParsedConverters {
  readonly ok: true;
  readonly chain: Chain;
  readonly type: SampleType;
  readonly references: readonly ExpressionReference[];
}

/** A keyword ends where something else than these begins. */
const KEYWORD = /^[A-Za-z0-9_.+-]*/;

/** Parses `text` as fetch and converters. */
export function parseSample(text: string): ParsedSample | ExpressionProblem {
  const name = KEYWORD.exec(text)![0];
  if (name === "") return { ok: false, message: `missing fetch method` };
  return parseSampleFrom(text, name, name);
}

/**
 * Parses what follows the keyword `written`, which stands for the fetch `fetchName` (`hdr_beg` for `req.hdr`).
 */
export function parseSampleFrom(text: string, written: string, fetchName: string): ParsedSample | ExpressionProblem {
  const signature = FETCHES.get(fetchName);
  if (signature === undefined) return unknownFetch(written, fetchName);
  const parsed = parseArguments(text, written.length, signature.arguments);
  if (!parsed.ok) return { ok: false, message: `fetch method '${written}' : ${parsed.message}` };
  const problem = signature.check?.(parsed.values) ?? null;
  if (problem !== null) return { ok: false, message: `invalid args in fetch method '${written}' : ${problem}` };
  const converters = parseConverters(text, parsed.end, signature.type);
  if (!converters.ok) return converters;
  const sample: Writable<SamplePlan> = {
    fetch: signature.aliasOf ?? signature.name,
    arguments: parsed.values,
    converters: converters.chain,
  };
  const references = [...parsed.references, ...converters.references];
  if (sample.fetch === "acl") references.push(aclReference(parsed.values, sample));
  return { ok: true, sample, type: converters.type, fetchName, references };
}

function parseConverters(text: string, start: number, type: SampleType): ParsedConverters | ExpressionProblem {
  const chain: Chain = [];
  const references: ExpressionReference[] = [];
  let output = type;
  let position = start;
  while (position < text.length) {
    if (text[position] !== ",") return { ok: false, message: "missing comma after fetch keyword" };
    const name = KEYWORD.exec(text.slice(position + 1))![0];
    // A comma at the very end is accepted, as HAProxy does.
    if (name === "" && position + 1 === text.length) break;
    const signature = CONVERTERS.get(name);
    if (signature === undefined) return unknownConverter(name);
    const parsed = parseArguments(text, position + 1 + name.length, signature.arguments);
    if (!parsed.ok) {
      return { ok: false, message: `invalid arg ${parsed.position + 1} in converter '${name}' : ${parsed.message}` };
    }
    const problem = signature.check?.(parsed.values) ?? null;
    if (problem !== null) return { ok: false, message: `invalid args in converter '${name}' : ${problem}` };
    const unread = name === "jwt_verify" ? loadJwtKey(parsed.values) : null;
    if (unread !== null) return { ok: false, message: `invalid args in converter '${name}' : ${unread}` };
    if (signature.map !== null) {
      const opened = openMap(signature.map, name, parsed.values);
      if (!opened.ok) return opened;
      references.push(opened.reference);
    }
    if (!canCast(output, signature.input)) return { ok: false, message: `converter '${name}' cannot be applied` };
    const call: Writable<ConverterCallPlan> = { name, arguments: parsed.values };
    if (name === "when" && /^!?acl$/.test(String(parsed.values[0]))) {
      references.push(aclReference(parsed.values.slice(1), call));
    }
    chain.push(call);
    references.push(...parsed.references);
    if (signature.output !== "same") output = signature.output;
    position = parsed.end;
  }
  return { ok: true, chain, type: output, references };
}

/** ACLs may be written below the expression that names them. */
function aclReference(names: readonly (string | number)[], holder: { condition?: ConditionPlan }): AclReference {
  const found = (condition: ConditionPlan): void => {
    holder.condition = condition;
  };
  return { kind: "acls", names: names.map(String).filter((name) => name !== ""), found };
}

type OpenedMap = { readonly ok: true; readonly reference: PatternReference } | ExpressionProblem;

/** The list of a map converter, whose first argument becomes its index. */
function openMap(kind: MapKind, name: string, values: (string | number)[]): OpenedMap {
  const use = useOf(kind);
  const opened = openPatterns(String(values[0]), true, use);
  if (!opened.ok) return { ok: false, message: `invalid args in converter '${name}' : ${opened.message}` };
  if (kind.output === "ip" && values.length > 1 && valueProblem("ip", String(values[1])) !== null) {
    const message = `invalid args in converter '${name}' : map: cannot parse default ip <${values[1]}>.`;
    return { ok: false, message };
  }
  const found = (list: number): void => {
    values[0] = list;
  };
  return { ok: true, reference: { kind: "patterns", source: opened.source, use, found } };
}

function unknownFetch(written: string, fetchName: string): ExpressionProblem {
  const known = FETCH_KEYWORDS.get(fetchName);
  if (known === undefined) {
    return {
      ok: false,
      message: `unknown fetch method '${written}'`,
      suggestions: suggest(written, FETCHES.keys()),
    };
  }
  return {
    ok: false,
    message: `fetch method '${written}' is known to HAProxy but not served yet`,
    hint: `All sample fetches and which of them are served: ${REFERENCE_PAGE}.`,
  };
}

function unknownConverter(name: string): ExpressionProblem {
  if (!CONVERTER_KEYWORDS.has(name)) {
    return { ok: false, message: `unknown converter '${name}'`, suggestions: suggest(name, CONVERTERS.keys()) };
  }
  return {
    ok: false,
    message: `converter '${name}' is known to HAProxy but not served yet`,
    hint: `All converters and which of them are served: ${REFERENCE_PAGE}.`,
  };
}
