// Manual pages in roff, from text that exists anyway: usage texts, lists of commands, and the reference pages that keyword tables render to.

export interface ManPage {
  readonly name: string;
  readonly section: number;
  /** One line behind the name. */
  readonly purpose: string;
  /** Title and roff of each part. */
  readonly parts: readonly (readonly [title: string, body: string])[];
}

export function renderManPage({ name, section, purpose, parts }: ManPage): string {
  const head = `.TH ${name.toUpperCase()} ${section} "" "ringway" "ringway manual"\n.SH NAME\n${escapeRoff(name)} \\- ${escapeRoff(purpose)}\n`;
  return head + parts.map(([title, body]) => `.SH ${title.toUpperCase()}\n${body}`).join("");
}

/** Preformatted text, as it is. */
export function literal(text: string): string {
  return `.nf\n${escapeRoff(text.trimEnd())}\n.fi\n`;
}

export function paragraph(text: string): string {
  return `.PP\n${escapeRoff(text)}\n`;
}

/** Terms with what they mean. */
export function definitions(items: readonly (readonly [term: string, meaning: string])[]): string {
  return items.map(([term, meaning]) => `.TP\n.B ${quoted(term)}\n${escapeRoff(meaning)}\n`).join("");
}

/** Headings, paragraphs, lists and tables of a Markdown page; the first column of a table becomes the term. */
export function fromMarkdown(page: string): string {
  const lines: string[] = [];
  const all = page.split("\n");
  for (const [i, line] of all.entries()) {
    // The head of a table, and the rule under it, say nothing that a list of terms needs.
    const isHead = /^\|[ |:-]+$/.test(line) || /^\|[ |:-]+$/.test(all[i + 1] ?? "");
    if (line.startsWith("# ") || isHead || line.trim() === "") continue;
    if (line.startsWith("## ")) lines.push(`.SH ${plain(line.slice(3)).toUpperCase()}`);
    else if (line.startsWith("- ")) lines.push(".IP \\(bu 2", escapeRoff(plain(line.slice(2))));
    else if (line.startsWith("|")) {
      const cells = line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => plain(cell.replaceAll("\\|", "|")).trim());
      const [term = "", ...rest] = cells;
      lines.push(".TP", `.B ${quoted(term)}`, escapeRoff(rest.filter((cell) => cell !== "").join(" \u2013 ")) || "\\&");
    } else lines.push(".PP", escapeRoff(plain(line)));
  }
  return `${lines.join("\n")}\n`;
}

/** Links and emphasis of Markdown as plain text. */
function plain(text: string): string {
  return text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\*\*([^*]+)\*\*/g, "$1")
    .replaceAll("`", "");
}

function quoted(text: string): string {
  return `"${escapeRoff(text).replaceAll('"', "\\(dq")}"`;
}

/** Backslashes, minus signs that are to be copied, and lines that would be requests. */
export function escapeRoff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/gm, "\\&$1")
    .replace(
      /[^ -~\n\t]/gu,
      (character) => `\\[u${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`,
    );
}
