// Log-format strings, section 8.2.6: text, aliases (`%ci`, `%{+Q}r`) and sample expressions (`%[src]`).
//
//   "%ci:%cp [%tr] %{+Q}r %[req.hdr(host)]"  ──▶  variable ci, text ":", variable cp, text " [", …
//
// Flags given to `%o` hold for every item behind it; an item's own flags add to them or take away. Blanks are merged, as HAProxy does in
// log formats, and kept in the values that rules make (`http-request set-header x "a  b"`). The aliases, who may use them and the standard formats stand in ../keywords/log-format.ts.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { LogItemPlan, LogNodePlan } from "../../plan/log.ts";
import { COLUMN, missingData } from "../keywords/fetch.ts";
import { FETCH_KEYWORDS } from "../keywords/fetches.ts";
import { REFERENCE_PAGE } from "../keywords/keyword.ts";
import { LOG_ALIASES } from "../keywords/log-format.ts";
import { type ExpressionProblem, parseSample } from "./sample.ts";
import type { ExpressionReference } from "./typed-arguments.ts";

export interface ParsedLogFormat {
  readonly ok: true;
  readonly nodes: readonly LogNodePlan[];
  readonly references: readonly ExpressionReference[];
  /** Aliases that need an HTTP exchange, for a warning in a tcp proxy. */
  readonly httpOnly: readonly string[];
}

/** Where a format stands. */
export interface LogFormatUse {
  readonly keepsBlanks: boolean;
  /** What a fetch needs that is not there, as HAProxy names it; null: nothing. */
  readonly missing: (fetchName: string) => string | null;
  /** What is proposed instead of such a fetch. */
  readonly hint?: string;
}

const IN_LOGS: LogFormatUse = {
  keepsBlanks: false,
  missing: missingInLogs,
  hint: "Log lines are written when the messages are gone; a capture keeps a part of them.",
};

interface Flags {
  quote: boolean;
  escape: boolean;
  hex: boolean;
  encoding?: Encoding;
}

type Encoding = "json" | "cbor";

/** What has been read so far. */
interface Reader {
  readonly text: string;
  readonly use: LogFormatUse;
  position: number;
  global: Flags;
  /** `+bin` on `%o`. */
  isBinary: boolean;
  readonly nodes: LogNodePlan[];
  readonly references: ExpressionReference[];
  readonly httpOnly: string[];
}

/** `%(name:type){flags,argument}alias` up to the alias or the bracket. */
const ITEM_HEAD = /%(?:\(([^)]*)\))?(?:\{([^}]*)\})?/y;
const ALIAS = /[A-Za-z0-9]+/y;

export function parseLogFormat(text: string, use: LogFormatUse = IN_LOGS): ParsedLogFormat | ExpressionProblem {
  const global = { quote: false, escape: false, hex: false };
  const reader: Reader = { text, use, position: 0, global, isBinary: false, nodes: [], references: [], httpOnly: [] };
  while (reader.position < text.length) {
    const percent = text.indexOf("%", reader.position);
    if (percent < 0) {
      addText(reader, text.slice(reader.position));
      break;
    }
    addText(reader, text.slice(reader.position, percent));
    reader.position = percent;
    const problem = text[percent + 1] === "%" ? verbatimPercent(reader) : parseItem(reader);
    if (problem !== null) return problem;
  }
  return { ok: true, nodes: nodesOf(reader), references: reader.references, httpOnly: reader.httpOnly };
}

/** With an encoding for all, one object of the named items. */
function nodesOf({ nodes, global, isBinary }: Reader): LogNodePlan[] {
  const { encoding } = global;
  if (encoding === undefined) return nodes;
  const members = nodes.filter((node): node is LogItemPlan => "key" in node && node.key !== "");
  return [{ kind: "object", encoding, binary: isBinary, members }];
}

function verbatimPercent(reader: Reader): null {
  addText(reader, "%");
  reader.position += 2;
  return null;
}

/** Runs of blanks become one in logs; text beside text is joined. */
function addText(reader: Reader, raw: string): void {
  if (raw === "") return;
  const last = reader.nodes[reader.nodes.length - 1];
  const before = last?.kind === "text" ? last.text : "";
  const text = reader.use.keepsBlanks ? before + raw : (before + raw).replace(/[ \t]+/g, " ");
  if (last?.kind === "text") reader.nodes.pop();
  reader.nodes.push({ kind: "text", text });
}

function parseItem(reader: Reader): ExpressionProblem | null {
  ITEM_HEAD.lastIndex = reader.position;
  const head = ITEM_HEAD.exec(reader.text)!;
  const after = reader.position + head[0].length;
  const open = reader.text[after];
  if (open === undefined || open === "{" || open === "(") {
    const written = open === undefined ? (head[2] ?? head[1] ?? "%") : reader.text.slice(after + 1);
    return { ok: false, message: `truncated line after '${written}'.` };
  }
  const typeProblem = itemTypeProblem(head[1], reader.text);
  if (typeProblem !== null) return typeProblem;
  const { flags, argument, isBinary } = parseFlags(head[2] ?? "", reader.global);
  const named: NamedFlags = { ...flags, ...nameAndType(head[1]) };
  return reader.text[after] === "["
    ? parseSampleItem(reader, after, named)
    : parseAlias(reader, after, named, argument, isBinary);
}

type NamedFlags = Flags & Pick<LogItemPlan, "key" | "type">;

function nameAndType(text: string | undefined): Pick<LogItemPlan, "key" | "type"> {
  if (text === undefined) return {};
  const [key = "", type] = text.split(":");
  return type === undefined ? { key } : { key, type: type as NonNullable<LogItemPlan["type"]> };
}

function itemTypeProblem(name: string | undefined, text: string): ExpressionProblem | null {
  const type = name?.split(":")[1];
  if (type === undefined || ["str", "sint", "bool", "raw"].includes(type)) return null;
  const position = text.indexOf(`:${type}`) + 1;
  const message = `unexpected output type '${type}' at position ${position} line : '${text}'.`;
  return { ok: false, message: `${message} Supported types are: str, sint, bool, raw.` };
}

function parseAlias(
  reader: Reader,
  start: number,
  flags: NamedFlags,
  argument: string | null,
  isBinary: boolean,
): ExpressionProblem | null {
  ALIAS.lastIndex = start;
  const name = ALIAS.exec(reader.text)?.[0] ?? "";
  reader.position = start + name.length;
  if (name === "o") {
    const { key: _key, type: _type, ...global } = flags;
    reader.global = global;
    reader.isBinary ||= isBinary;
    return null;
  }
  const alias = LOG_ALIASES.get(name);
  if (alias === undefined) {
    const message = `no such format alias '${name}'. If you wanted to emit the '%' character verbatim, you need to use '%%'.`;
    return { ok: false, message, suggestions: suggest(name, LOG_ALIASES.keys()) };
  }
  if (alias.standing !== "served") {
    const message = `format alias '${name}' is known to HAProxy but not served yet.`;
    return { ok: false, message, hint: `${alias.remark} All aliases: ${REFERENCE_PAGE}.` };
  }
  if (alias.restriction === "http") reader.httpOnly.push(name);
  reader.nodes.push({ kind: "variable", name, ...flags, argument });
  return null;
}

function parseSampleItem(reader: Reader, open: number, flags: NamedFlags): ExpressionProblem | null {
  const close = closingBracket(reader.text, open);
  if (close < 0) return { ok: false, message: `missing closing ']' after '${reader.text.slice(open)}'.` };
  const expression = reader.text.slice(open + 1, close);
  const parsed = parseSample(expression);
  if (!parsed.ok) {
    const message = `failed to parse sample expression <${expression}]> : ${parsed.message}.`;
    return { ...parsed, message };
  }
  const missing = reader.use.missing(parsed.fetchName);
  if (missing !== null) {
    const message = `sample fetch <${expression}]> may not be reliably used here because it needs '${missing}' which is not available here.`;
    const { hint } = reader.use;
    return hint === undefined ? { ok: false, message } : { ok: false, message, hint };
  }
  reader.nodes.push({ kind: "sample", sample: parsed.sample, ...flags });
  reader.references.push(...parsed.references);
  reader.position = close + 1;
  return null;
}

/** What is gone when the log line is written. */
function missingInLogs(fetchName: string): string | null {
  const availability = FETCH_KEYWORDS.get(fetchName)?.availability;
  if (availability === undefined || availability[COLUMN.log] === "Y") return null;
  return missingData(availability);
}

/** A bracket inside parentheses or quotes belongs to the expression. */
function closingBracket(text: string, open: number): number {
  let depth = 0;
  let quote = "";
  for (let i = open + 1; i < text.length; i++) {
    const character = text[i]!;
    if (quote !== "") {
      if (character === quote) quote = "";
    } else if (character === '"' || character === "'") quote = character;
    else if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (character === "]" && depth <= 0) return i;
  }
  return -1;
}

interface FlagsResult {
  readonly flags: Flags;
  readonly argument: string | null;
  readonly isBinary: boolean;
}

/** `+Q,-E,anything`: flags and what is left over, which the alias may understand. HAProxy ignores flags it does not know. */
function parseFlags(text: string, inherited: Flags): FlagsResult {
  const flags = { ...inherited };
  let argument: string | null = null;
  let isBinary = false;
  for (const part of text === "" ? [] : text.split(",")) {
    const isOn = part[0] === "+";
    const name = isOn || part[0] === "-" ? part.slice(1) : "";
    if (name === "Q") flags.quote = isOn;
    else if (name === "E") flags.escape = isOn;
    else if (name === "X") flags.hex = isOn;
    else if (name === "bin") isBinary = isOn;
    else if (name === "json" || name === "cbor") {
      if (isOn) flags.encoding = name;
      else delete flags.encoding;
    } else argument = part;
  }
  return { flags, argument, isBinary };
}
