// The reference page: every keyword of keepalived.conf and what ringway-ha does with it, as Markdown. Written to ../REFERENCE.md by
// `npm run reference`; a test checks that the page is what the table says.

import type { KeywordInfo, SectionInfo } from "../keyword.ts";
import { TOP_LEVEL } from "./top-level.ts";

const INTRODUCTION = `# Keywords of keepalived.conf

Generated from the keyword table in \`keywords/\` by \`npm run reference\`; do not edit by hand. Many texts are shorter than
keepalived.conf(5), which holds where they say nothing.

- **read**: it has the effect that is described.
- **no effect**: it is accepted, and a warning says that it has no effect here and why.
- A version behind a keyword is the first keepalived that knows it; **ours** are those that keepalived does not have.

What the daemon cannot do yet it refuses at the start by name; nothing is silently left out. Unknown keywords are treated as keepalived does:
they are reported and left out, and \`-t\` fails.
`;

/** The whole page. */
export function renderReference(): string {
  const sections = new Map<SectionInfo, string>();
  collect(TOP_LEVEL, "The top level", sections);
  return [INTRODUCTION, ...[...sections].map(([section, title]) => renderSection(section, title))].join("\n");
}

/** Sections in the order in which a reader comes to them, each once. */
function collect(section: SectionInfo, title: string, sections: Map<SectionInfo, string>): void {
  if (sections.has(section)) return;
  sections.set(section, title);
  const path = section === TOP_LEVEL ? "" : `${title} / `;
  for (const keyword of section.keywords) {
    if (keyword.section !== null) collect(keyword.section, `${path}${keyword.name}`, sections);
  }
}

function renderSection(section: SectionInfo, title: string): string {
  const rows = section.keywords.map(renderRow).join("");
  return `## ${title}\n\n| keyword | | |\n| --- | --- | --- |\n${rows}`;
}

function renderRow(keyword: KeywordInfo): string {
  const name = `\`${escapeCell(`${keyword.name} ${keyword.syntax}`.trim())}\``;
  return `| ${name}${sinceOf(keyword)} | ${keyword.effect === "served" ? "read" : "no effect"} | ${escapeCell(keyword.text)} |\n`;
}

function sinceOf({ since }: KeywordInfo): string {
  if (since === undefined) return "";
  return since === "ringway" ? " **ours**" : ` ${since}`;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
