// The shape of the keyword table, and the walk that applies it to statements. The tables in keywords/ are the only registry: what is
// accepted, what is suggested for a misspelt word and the reference page all come from them.
//
// A section collects what it reads in a draft, a plain object with defaults (drafts.ts); resolve/ makes the plan of the drafts.

import type { Place } from "../../shared/diagnostic/diagnostic.ts";
import { suggest } from "../../shared/diagnostic/suggest.ts";
import type { ConfigurationDraft } from "./drafts.ts";
import type { Host } from "./host.ts";
import type { Report } from "./report.ts";
import { keywordOf, placeOf, type Statement } from "./statement.ts";

export interface Context {
  readonly report: Report;
  readonly host: Host;
  /** All that has been read so far. References go upwards only: keepalived reads from top to bottom. */
  readonly configuration: ConfigurationDraft;
  /** All sections by name, to tell where a misplaced keyword belongs. */
  readonly top: SectionInfo;
}

/** What the reference page says of a keyword. */
export interface KeywordInfo {
  readonly name: string;
  /** What follows it, in the manual's notation: `<1..255>`, `[<BOOL>]`; "" for nothing. */
  readonly syntax: string;
  /** One or two sentences for the reference. */
  readonly text: string;
  /** `ignored`: it is read, and a warning says that it has no effect here. */
  readonly effect: "served" | "ignored";
  /** First version of keepalived that knows it when that is newer than 2.2.7, or `ringway`. */
  readonly since?: string;
  /** The keywords between its braces; null: it has none, or lines without keywords (`takesList`). */
  readonly section: SectionInfo | null;
  /** Its braces enclose lines that do not begin with keywords, such as addresses. */
  readonly takesList: boolean;
}

export interface SectionInfo {
  readonly name: string;
  readonly keywords: readonly KeywordInfo[];
}

export interface Keyword<Draft> extends KeywordInfo {
  /** Reads a statement that begins with it into the draft. A method, so that keywords of different drafts fit one table type. */
  read(draft: Draft, statement: Statement, context: Context): void;
}

export interface Section<Draft> extends SectionInfo {
  readonly keywords: readonly Keyword<Draft>[];
}

/** Applies a section's keywords to the statements of a block. */
export function readSection<Draft>(
  section: Section<Draft>,
  draft: Draft,
  statements: readonly Statement[],
  context: Context,
): void {
  for (const statement of statements) {
    const name = keywordOf(statement);
    const keyword = section.keywords.find((candidate) => candidate.name === name);
    if (keyword === undefined) reportUnknown(section, statement, context);
    else readKeyword(section, keyword, draft, statement, context);
  }
}

function readKeyword<Draft>(
  section: Section<Draft>,
  keyword: Keyword<Draft>,
  draft: Draft,
  statement: Statement,
  context: Context,
): void {
  const hasBraces = keyword.section !== null || keyword.takesList;
  if (keyword.effect === "ignored") {
    const message = `${keyword.name} has no effect here`;
    context.report.warning("ignored-keyword", placeOf(statement), message, { hint: keyword.text });
  }
  if (hasBraces && statement.block === null && keyword.effect === "served") {
    const at = placeOf(statement, statement.words.length);
    context.report.fault("missing-brace", at, "Missing '{' at beginning of configuration block", {
      hint: `The lines of '${keyword.name}' stand between braces.`,
    });
    return;
  }
  keyword.read(draft, statement, context);
  if (!hasBraces && statement.block !== null && keyword.effect === "served") {
    unexpectedBlock(statement, context.report);
    // keepalived goes on with the lines inside as if the brace were not there.
    if (parameterHint(statement) === null) readSection(section, draft, statement.block, context);
  }
}

function unexpectedBlock(statement: Statement, report: Report): void {
  report.fault("unexpected-brace", statement.openedAt!, "Unexpected '{' - ignoring", {
    hint: parameterHint(statement) ?? `'${keywordOf(statement)}' has no block.`,
  });
}

/** `${NAME}` that is not defined looks like a block. */
function parameterHint(statement: Statement): string | null {
  const [first] = statement.block ?? [];
  if (first === undefined || !statement.words.at(-1)!.text.endsWith("$")) return null;
  return `The parameter \${${first.text.text}} is not defined; a line '$${first.text.text}=…' above would define it.`;
}

/** Words of old versions that are still copied from file to file. */
const OBSOLETE: Readonly<Record<string, string>> = {
  nat_mask: "keepalived no longer has it: NAT needs no mask.",
  lvs_id: "keepalived no longer has it: router_id took its place.",
  virtual_routes_excluded: "keepalived has no such block: virtual_routes are never in adverts.",
  auth_password: "It is called auth_pass.",
  vrrp_track_script: "It is called track_script inside of an instance, vrrp_script outside.",
};

/** keepalived ignores the word and a `{` behind it, and then takes the lines inside for the enclosing block's; we leave them out. */
function reportUnknown(section: SectionInfo, statement: Statement, context: Context): void {
  const name = keywordOf(statement);
  const obsolete = OBSOLETE[name];
  const suggestions = suggest(
    name,
    section.keywords.map((keyword) => keyword.name),
  );
  const owner = suggestions.length > 0 ? null : findOwner(context.top, name);
  const notes: string[] = obsolete === undefined ? [] : [obsolete];
  if (owner === context.top) {
    notes.push(`'${name}' does not belong inside of '${section.name}'; is a '}' missing above?`);
  } else if (owner !== null) notes.push(`'${name}' belongs in '${owner.name}'.`);
  const parameter = parameterHint(statement);
  if (parameter !== null) notes.push(parameter);
  else if (statement.block !== null) notes.push("Its block is left out.");
  context.report.fault("unknown-keyword", placeOf(statement), `Unknown keyword '${name}'`, {
    suggestions: obsolete === undefined ? suggestions : [],
    hint: notes.length > 0 ? notes.join(" ") : undefined,
  });
}

/** The section that has the keyword, searched from the top; null: none has. */
function findOwner(section: SectionInfo, name: string, seen = new Set<SectionInfo>()): SectionInfo | null {
  if (section.keywords.some((keyword) => keyword.name === name)) return section;
  seen.add(section);
  for (const keyword of section.keywords) {
    if (keyword.section === null || seen.has(keyword.section)) continue;
    const owner = findOwner(keyword.section, name, seen);
    if (owner !== null) return owner;
  }
  return null;
}

/** The lines of a list. One that has a block of its own is no line of a list: as a rule a closing brace is missing above it. */
export function listLines(statement: Statement, context: Context): Statement[] {
  return statement.block!.filter((entry) => {
    if (entry.block === null) return true;
    const name = keywordOf(entry);
    const isTop = context.top.keywords.some((keyword) => keyword.name === name);
    const hint = isTop
      ? `'${name}' does not belong inside of '${keywordOf(statement)}'; is a '}' missing above? Its block is left out.`
      : (parameterHint(entry) ?? "A line of a list has no block.");
    context.report.fault("unexpected-brace", entry.openedAt!, "Unexpected '{' - ignoring", { hint });
    return false;
  });
}

/** Words behind a keyword that has a block but no parameters. */
export function reportExtraWords(statement: Statement, context: Context): void {
  if (statement.words.length < 2) return;
  const message = `Block ${keywordOf(statement)} has extra parameters ${statement.words[1]!.text} ...`;
  context.report.fault("extra-parameters", placeOf(statement, 1), message);
}

/** keepalived stops at a statement that lacks a word it needs. */
export function missingParameter(statement: Statement, index: number, report: Report): void {
  const keyword = keywordOf(statement);
  const place: Place = placeOf(statement, index);
  const message =
    `*** Configuration line starting \`${keyword}\` is missing a parameter ` +
    `after keyword \`${statement.words[index - 1]!.text}\` at word position ${index + 1}`;
  const parameter = parameterHint(statement);
  report.fatal("missing-parameter", place, message, parameter === null ? {} : { hint: parameter });
}
