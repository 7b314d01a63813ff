// The lists that `-dK<class>[,<class>…]` prints. Classes and forms are HAProxy's; unlike HAProxy's, the lists give what this program accepts
// (served, or harmless to ignore), and they are complete: HAProxy leaves out keywords older than its registry.

import { BIND_KEYWORDS } from "./bind.ts";
import { CONVERTER_KEYWORDS } from "./converter.ts";
import { FETCH_COLUMNS } from "./fetch.ts";
import { ACL_KEYWORDS, FETCH_KEYWORDS } from "./fetches.ts";
import type { Keyword } from "./keyword.ts";
import { OTHER_SECTIONS } from "./sections.ts";
import { SERVER_KEYWORDS } from "./server.ts";
import { GLOBAL_KEYWORDS, PROXY_KEYWORDS } from "./tables.ts";

const CLASSES: readonly (readonly [name: string, meaning: string])[] = [
  ["all", "list all keywords"],
  ["acl", "ACL keywords"],
  ["cfg", "configuration keywords"],
  ["cli", "CLI keywords"],
  ["cnv", "sample converter keywords"],
  ["flt", "filter names"],
  ["smp", "sample fetch functions"],
  ["svc", "service names"],
];

/**
 * What `-dK` prints for the classes named; a class that does not exist prints nothing.
 * @param wanted what stands behind `-dK`: `["all"]`, `["cfg", "smp"]`, `["help"]`
 * @param cli keywords of the runtime API, a line each
 */
export function listKeywords(wanted: readonly string[], cli: readonly string[] = []): string {
  const lists: readonly (readonly [name: string, lines: () => string[]])[] = [
    ["acl", aclLines],
    ["cfg", configurationLines],
    ["cli", () => ["# List of registered CLI keywords:", ...cli]],
    ["cnv", converterLines],
    ["flt", () => ["# List of registered filter names:"]],
    ["smp", fetchLines],
    ["svc", () => ["# List of registered service names:"]],
  ];
  const chosen = lists.filter(([name]) => wanted.includes("all") || wanted.includes(name));
  const text = chosen.flatMap(([, lines]) => lines().map((line) => `${line}\n`)).join("");
  return (wanted.includes("help") ? helpText() : "") + text;
}

function helpText(): string {
  const lines = CLASSES.map(([name, meaning]) => `${name}: ${meaning}\n`);
  return `# List of supported keyword classes:\n${lines.join("")}`;
}

function isAccepted(keyword: { readonly standing: string }): boolean {
  return keyword.standing === "served" || keyword.standing === "inert";
}

function aclLines(): string[] {
  const served = [...ACL_KEYWORDS.values()].filter(({ fetch }) => FETCH_KEYWORDS.get(fetch)?.standing === "served");
  const lines = served.map(({ name, fetch, match }) => `${name} = ${fetch} -m ${match}`);
  return ["# List of registered ACL keywords:", ...lines];
}

function configurationLines(): string[] {
  const proxy = PROXY_KEYWORDS.list.filter(isAccepted);
  const options = proxy.filter((keyword) => keyword.name.startsWith("option "));
  const others = proxy.filter((keyword) => !keyword.name.startsWith("option "));
  return [
    "# List of registered configuration keywords:",
    "global",
    ...names(GLOBAL_KEYWORDS.list.filter(isAccepted)).map((name) => `\t${name}`),
    "listen",
    ...names(others).map((name) => `\t${name}`),
    ...parameters("bind <addr>", BIND_KEYWORDS.list),
    ...parameters("server <name> <addr>", SERVER_KEYWORDS.list),
    ...options.map((option) => `\t${option.name} [ ${sides(option)} ]`).sort(),
    ...[...OTHER_SECTIONS.values()]
      .filter(isAccepted)
      .flatMap((section) => [section.name, ...section.keywords.map((word) => `\t${word}`)]),
  ];
}

function names<Parse>(keywords: readonly Keyword<Parse>[]): string[] {
  return keywords.map((keyword) => keyword.name).sort();
}

/** `bind <addr> maxconn +1`: with how many arguments follow. */
function parameters<Parse>(lead: string, keywords: readonly Keyword<Parse>[]): string[] {
  return keywords
    .filter(isAccepted)
    .map(({ name, takes }) => `\t${lead} ${name}${takes === 0 ? "" : ` +${takes}`}`)
    .sort();
}

function sides<Parse>(keyword: Keyword<Parse>): string {
  const front = keyword.sections.includes("F") ? "FE" : "";
  const back = keyword.sections.includes("B") ? "BE" : "";
  return [front, back].filter((side) => side !== "").join(" ");
}

function converterLines(): string[] {
  const served = [...CONVERTER_KEYWORDS.values()].filter(isAccepted);
  const lines = served.map(
    ({ name, arguments: args, output, input }) => `${name}${inParentheses(args)}: ${output} => ${input}`,
  );
  return ["# List of registered sample converter functions:", ...lines];
}

function fetchLines(): string[] {
  const served = [...FETCH_KEYWORDS.values()].filter(isAccepted).sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = served.map(
    (fetch) => `[ ${[...fetch.availability].join(" ")} ] ${fetch.name}${inParentheses(fetch.arguments)}: ${fetch.type}`,
  );
  return ["# List of registered sample fetch functions:", ...columnLegend(), ...lines];
}

function inParentheses(args: string): string {
  return args === "" ? "" : `(${args})`;
}

/** The picture above the columns: one slanted line for each. */
function columnLegend(): string[] {
  const count = FETCH_COLUMNS.length;
  const rows = FETCH_COLUMNS.map((meaning, index) => {
    const indent = " ".repeat(count + 1 - index);
    const slashes = "/ ".repeat(index);
    const dashes = "-".repeat(count - index);
    return `#${indent}${slashes}_.${dashes} ${meaning}`;
  });
  return [...rows, `# ${"/ ".repeat(count)} `, `# ${"| ".repeat(count)}`];
}
