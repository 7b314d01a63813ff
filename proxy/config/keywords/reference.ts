// The reference page: every keyword of HAProxy 3.2 and what ringway does with it, as Markdown. Written to ../REFERENCE.md by
// `npm run reference`; a test checks that the page is what the tables say.

import { ACTION_KEYWORDS } from "./action.ts";
import { BALANCE_ALGORITHMS } from "./balance.ts";
import { BIND_KEYWORDS } from "./bind.ts";
import { CONVERTER_KEYWORDS } from "./converter.ts";
import { ACL_KEYWORDS, FETCH_KEYWORDS } from "./fetches.ts";
import { type Keyword, manualUrl, type Standing } from "./keyword.ts";
import { LOG_ALIASES } from "./log-format.ts";
import { OTHER_SECTIONS } from "./sections.ts";
import { SERVER_KEYWORDS } from "./server.ts";
import { GLOBAL_KEYWORDS, PROXY_KEYWORDS } from "./tables.ts";

const INTRODUCTION = `# Configuration keywords

Generated from the keyword tables in \`keywords/\` by \`npm run reference\`; do not edit by hand.

Every keyword of HAProxy 3.2's configuration manual is here with what ringway does with it:

- **served**: it works as the manual says. Remarks name limits.
- **no effect**: it is accepted because ignoring it harms nothing; the remark says why.
- **not served**: it is an error that says so; the remark says what there is instead.
- **gone**: it left HAProxy; it is an error in HAProxy's words.

Nothing is ever silently ignored. The links lead to HAProxy's manual.
`;

const STANDINGS: Readonly<Record<Standing, string>> = {
  served: "served",
  inert: "no effect",
  unserved: "not served",
  gone: "gone",
};

/** The whole page. */
export function renderReference(): string {
  return [
    INTRODUCTION,
    summary(),
    keywordTable("global", GLOBAL_KEYWORDS.list, false),
    keywordTable("defaults, frontend, listen, backend", PROXY_KEYWORDS.list, true),
    keywordTable("Options of bind and stats socket", BIND_KEYWORDS.list, false),
    keywordTable("Parameters of server and default-server", SERVER_KEYWORDS.list, false),
    balanceTable(),
    actionTable(),
    fetchTable(),
    aclTable(),
    converterTable(),
    aliasTable(),
    sectionTable(),
  ].join("\n");
}

function summary(): string {
  const families: readonly (readonly [name: string, keywords: Iterable<{ readonly standing: Standing }>])[] = [
    ["global", GLOBAL_KEYWORDS.list],
    ["proxies", PROXY_KEYWORDS.list],
    ["bind", BIND_KEYWORDS.list],
    ["server", SERVER_KEYWORDS.list],
    ["balance", BALANCE_ALGORITHMS.values()],
    ["actions", ACTION_KEYWORDS.values()],
    ["sample fetches", FETCH_KEYWORDS.values()],
    ["converters", CONVERTER_KEYWORDS.values()],
    ["log-format aliases", LOG_ALIASES.values()],
    ["other sections", OTHER_SECTIONS.values()],
  ];
  const rows = families.map(([name, keywords]) => {
    const list = [...keywords];
    const count = (standing: Standing): number => list.filter((keyword) => keyword.standing === standing).length;
    return [name, count("served"), count("inert"), count("unserved"), count("gone"), list.length].map(String);
  });
  return table("Summary", ["family", "served", "no effect", "not served", "gone", "all"], rows);
}

function keywordTable<Parse>(title: string, keywords: readonly Keyword<Parse>[], hasSections: boolean): string {
  const rows = [...keywords].sort(byName).map((keyword) => {
    const cells = [link(keyword), code(keyword.usage), STANDINGS[keyword.standing], prose(keyword.remark)];
    return hasSections ? [...cells.slice(0, 2), sectionNames(keyword.sections), ...cells.slice(2)] : cells;
  });
  const heads = ["keyword", "arguments", ...(hasSections ? ["sections"] : []), "", "remark"];
  return table(title, heads, rows);
}

/** The letters stand for words that may be read on the page's own. */
function sectionNames(letters: string): string {
  const names: readonly (readonly [letter: string, name: string])[] = [
    ["D", "defaults"],
    ["d", "named defaults"],
    ["F", "frontend"],
    ["L", "listen"],
    ["B", "backend"],
  ];
  return names.flatMap(([letter, name]) => (letters.includes(letter) ? [name] : [])).join(", ");
}

function balanceTable(): string {
  const rows = [...BALANCE_ALGORITHMS.values()].map((one) => [
    code(one.name),
    code(one.usage),
    STANDINGS[one.standing],
    prose(one.remark),
  ]);
  return table("Algorithms of balance", ["algorithm", "arguments", "", "remark"], rows);
}

function actionTable(): string {
  const rows = [...ACTION_KEYWORDS.values()].map((one) => [
    link({ name: one.name, manual: "4.4" }),
    code(one.usage),
    one.ruleSets.join(", "),
    STANDINGS[one.standing],
  ]);
  return table("Actions of rules", ["action", "arguments", "rule sets", ""], rows);
}

function fetchTable(): string {
  const rows = [...FETCH_KEYWORDS.values()]
    .sort(byName)
    .map((one) => [link(one), code(one.arguments), one.type, STANDINGS[one.standing]]);
  return table("Sample fetches", ["fetch", "arguments", "type", ""], rows);
}

function aclTable(): string {
  const rows = [...ACL_KEYWORDS.values()].map(({ name, fetch, match }) => {
    const standing = FETCH_KEYWORDS.get(fetch)?.standing ?? "unserved";
    return [code(name), code(`${fetch} -m ${match}`), STANDINGS[standing]];
  });
  return table("ACL keywords", ["keyword", "stands for", ""], rows);
}

function converterTable(): string {
  const rows = [...CONVERTER_KEYWORDS.values()].map((one) => [
    link(one),
    code(one.arguments),
    one.input,
    one.output,
    STANDINGS[one.standing],
  ]);
  return table("Converters", ["converter", "arguments", "in", "out", ""], rows);
}

function aliasTable(): string {
  const rows = [...LOG_ALIASES.values()].map((one) => [
    code(`%${one.name}`),
    one.meaning,
    one.restriction,
    STANDINGS[one.standing],
    prose(one.remark),
  ]);
  return table("Log-format aliases", ["alias", "meaning", "only", "", "remark"], rows);
}

function sectionTable(): string {
  const rows = [...OTHER_SECTIONS.values()].map((one) => [
    code(one.name),
    one.keywords.map(code).join(" "),
    STANDINGS[one.standing],
    prose(one.remark),
  ]);
  return table("Other sections", ["section", "keywords", "", "remark"], rows);
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function link(keyword: { readonly name: string; readonly manual: string }): string {
  return `[${code(keyword.name)}](${manualUrl(keyword).replaceAll("(", "%28").replaceAll(")", "%29")})`;
}

function code(text: string): string {
  return text === "" ? "" : `\`${text.replaceAll("|", "\\|")}\``;
}

/** Remarks are sentences; their angle brackets are not tags. */
function prose(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

function table(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  return `## ${title}\n\n${line(heads)}${line(heads.map(() => "---"))}${rows.map(line).join("")}`;
}
