// The arguments of a sample fetch or converter: what stands between its parentheses, split at commas and read by type.
//
//   req.hdr(host,-1)        url_param("a,b")        srv_is_up(be/s1)
//
// How they are split (quotes protect commas and parentheses) is the language's business, see ../argument-list.ts. Backend, frontend and
// server arguments name proxies that may not have been read yet: they are kept as references and become indices once everything is known (`ProxyReference`, ../check/references.ts).

import type { ConditionPlan } from "../../plan/expression.ts";
import { parseMask } from "../../sample/convert/mask.ts";
import type { ArgumentSpec } from "../../sample/fetches.table.ts";
import { splitArguments } from "../argument-list.ts";
import type { PatternReference } from "./pattern-source.ts";

/** A proxy or server named in an expression, to be found when all sections have been read. */
export interface ProxyReference {
  readonly kind: "backend" | "frontend" | "server" | "table" | "userlist";
  /** "" when the argument was left out: the proxy in which the expression stands. */
  readonly name: string;
  /** Position among the arguments; `values[position]` receives the index. */
  readonly position: number;
  readonly values: (string | number)[];
}

/** What an expression names and finds only when everything has been read. */
export type ExpressionReference = ProxyReference | PatternReference | AclReference;

/** Named ACLs inside of an expression (`acl(a,!b)`): all of the proxy's lines of those names. */
export interface AclReference {
  readonly kind: "acls";
  /** Each may have `!` in front. */
  readonly names: readonly string[];
  readonly found: (condition: ConditionPlan) => void;
}

export type ArgumentsResult =
  | {
      readonly ok: true;
      readonly values: (string | number)[];
      readonly references: readonly ProxyReference[];
      /** Index of the first character behind the closing parenthesis. */
      readonly end: number;
    }
  | { readonly ok: false; readonly message: string /** Of the argument, from 0. */; readonly position: number };

/** How HAProxy names the types in its messages. */
const TYPE_NAMES: Readonly<Record<ArgumentSpec["kind"], string>> = {
  string: "string",
  integer: "integer",
  backend: "backend",
  frontend: "frontend",
  server: "server",
  table: "table",
  userlist: "user list",
  ipv4: "IPv4 address",
  ipv6: "IPv6 address",
  mask4: "IPv4 mask",
  mask6: "IPv6 mask",
};

/**
 * Reads the arguments that begin at `start` (at the parenthesis, or wherever a keyword without arguments ends).
 * @param text the whole expression
 */
export function parseArguments(text: string, start: number, specs: readonly ArgumentSpec[]): ArgumentsResult {
  const values: (string | number)[] = [];
  const references: ProxyReference[] = [];
  const given = argumentTexts(text, start);
  if (given === null) return { ok: false, message: "expected ')'", position: 0 };
  for (let position = 0; position < specs.length; position++) {
    const spec = specs[position]!;
    const argument = given.texts[position] ?? "";
    if (spec.kind === "table" && spec.optional && argument === "") {
      // Unlike proxies, a table that was left out is none.
      if (position < given.texts.length) values.push(-1);
    } else if (isReference(spec.kind)) {
      values.push(-1);
      references.push({ kind: spec.kind, name: argument, position, values });
    } else if (argument === "" && spec.kind !== "string") {
      if (!spec.optional) return { ok: false, message: missing(spec, position), position };
      if (position < given.texts.length) values.push("");
    } else if (position >= given.texts.length) {
      if (spec.optional) continue;
      // No list at all is as good as one empty text.
      if (position > 0) return { ok: false, message: tooFew(specs, position), position };
      values.push("");
    } else {
      const value = readArgument(spec.kind, argument);
      if (value === null) {
        const what = `failed to parse '${argument}' as type '${TYPE_NAMES[spec.kind]}' at position ${position + 1}`;
        return { ok: false, message: what, position };
      }
      values.push(value);
    }
  }
  if (given.texts.length > specs.length) {
    const rest = given.texts.slice(specs.length).join(",");
    return { ok: false, message: `expected ')' before '${rest})'`, position: specs.length };
  }
  return { ok: true, values, references, end: given.end };
}

/** The arguments as texts, none when there is no parenthesis or nothing in it; null when it is not closed. */
function argumentTexts(text: string, start: number): { texts: readonly string[]; end: number } | null {
  if (text[start] !== "(") return { texts: [], end: start };
  const split = splitArguments(text, start);
  if (!split.ok) return null;
  const { arguments: texts, end } = split.value;
  return { texts: texts.length === 1 && texts[0] === "" ? [] : texts, end };
}

function isReference(kind: ArgumentSpec["kind"]): kind is ProxyReference["kind"] {
  return kind === "backend" || kind === "frontend" || kind === "server" || kind === "table" || kind === "userlist";
}

function missing(spec: ArgumentSpec, position: number): string {
  return `expected type '${TYPE_NAMES[spec.kind]}' at position ${position + 1}, but got nothing`;
}

function tooFew(specs: readonly ArgumentSpec[], got: number): string {
  const needed = specs.filter(({ optional }) => !optional).length;
  return `missing arguments (got ${got}/${needed}), type '${TYPE_NAMES[specs[got]!.kind]}' expected`;
}

/** The value of an argument, null: it is none of its kind. */
function readArgument(kind: ArgumentSpec["kind"], text: string): string | number | null {
  if (kind === "integer") return integer(text);
  if (kind === "mask4") return parseMask(text, 4) === null ? null : text;
  if (kind === "mask6") return parseMask(text, 16) === null ? null : text;
  return text;
}

function integer(text: string): number | null {
  return /^[+-]?\d+$/.test(text) ? Number(text) : null;
}
