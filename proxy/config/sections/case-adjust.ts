// `h1-case-adjust <from> <to>` and `h1-case-adjust-file <file>`, of the global section.

import { readFileSync } from "node:fs";
import type { CaseAdjustPlan } from "../../plan/case-adjust.ts";
import type { ConfigurationDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";

/** What is wrong with a pair, in HAProxy's words; null: nothing. */
function problemOf(from: string, to: string, known: ReadonlyMap<string, string>): string | null {
  if (to === "") return "expect <to>";
  if (from !== from.toLowerCase() || from !== to.toLowerCase())
    return "<from> and <to> must not differ except the case";
  return known.has(from) ? `duplicate entry '${from}'` : null;
}

export function caseAdjust(statement: Statement, { global }: ConfigurationDraft): void {
  const [from, to] = [statement.text(1), statement.text(2)];
  const problem = from === "" ? "expects <from> and <to> as argument" : problemOf(from, to, global.caseAdjust);
  if (problem !== null) statement.alert("bad-name", `'h1-case-adjust' : ${problem}.`, { at: from === "" ? 1 : 2 });
  else if (statement.takesAtMost(2)) global.caseAdjust.set(from, to);
}

export function caseAdjustFile(statement: Statement, { global }: ConfigurationDraft): void {
  const file = statement.text(1);
  const names = new Map<string, string>();
  let text: string;
  try {
    text = readFileSync(Buffer.from(file, "latin1"), "latin1");
  } catch {
    statement.alert("unreadable", `'h1-case-adjust-file' : unable to open the file '${file}'.`, { at: 1 });
    return;
  }
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [from = "", to = ""] = line.split(/[ \t]+/);
    const problem = problemOf(from, to, names);
    if (problem !== null) {
      statement.alert("bad-name", `'h1-case-adjust-file' : ${problem} at line ${index + 1} of '${file}'.`, { at: 1 });
      return;
    }
    names.set(from, to);
  }
  global.caseAdjustFile = names;
}

/** Only where a proxy asks for it are the names of any use. */
export function buildCaseAdjust({ global, proxies }: ConfigurationDraft): CaseAdjustPlan {
  const withOption = (side: "client" | "server"): number[] =>
    proxies.flatMap(({ options }, index) => (options.get(`h1-case-adjust-bogus-${side}`) === true ? [index] : []));
  const names = new Map([...global.caseAdjustFile, ...global.caseAdjust]);
  return { names: [...names], clients: withOption("client"), servers: withOption("server") };
}
