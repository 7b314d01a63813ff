// Sections that are known but not served, by name (../keywords/sections.ts): the header is accepted or refused, lines are only looked at for
// words that do not exist.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { ConfigurationDraft } from "../draft.ts";
import { REFERENCE_PAGE } from "../keywords/keyword.ts";
import type { OtherSection } from "../keywords/sections.ts";
import type { ConfigLine } from "../line.ts";
import { Statement } from "../statement.ts";

/** The line that opens the section. */
export function openOther(statement: Statement, section: OtherSection): void {
  if (section.isNamed && !statement.has(1)) {
    const isUserlist = section.name === "userlist";
    const message = isUserlist
      ? "'userlist' expects <name> as arguments."
      : `missing name for ${section.name} section.`;
    statement.alert("missing-name", message, { at: 1, introduction: isUserlist ? "tight" : "spaced" });
  }
  if (section.standing !== "unserved") return;
  const message = `the section '${section.name}' is known to HAProxy but not served by ringway yet`;
  statement.alert("unserved", message, { hint: `${section.remark} All keywords: ${REFERENCE_PAGE}.` });
}

export function otherLine(line: ConfigLine, section: OtherSection, configuration: ConfigurationDraft): void {
  const words = line.words.map((word) => word.text);
  const word = (words[0] === "no" || words[0] === "default" ? words[1] : words[0]) ?? "";
  if (section.keywords.includes(word)) return;
  const [best, ...suggestions] = suggest(word, section.keywords);
  const ending = best === undefined ? "" : `; did you mean '${best}' maybe ?`;
  const statement = new Statement(line, configuration.diagnostics);
  const message = `unknown keyword '${word}' in '${section.name}' section${ending}`;
  statement.alert("unknown-keyword", message, { suggestions });
}
