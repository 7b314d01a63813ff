// Where the patterns of ACLs and maps come from: the words of an `acl` line, or a file (section 2.7).
//
//   file@NAME, NAME     the file has to be there                      list NAME
//   opt@NAME            a file that is not there is an empty one      list NAME, the same as above
//   virt@NAME           no file at all, filled at run time            list virt@NAME
//
// A list that several expressions name is one list. Which index it has is known when everything has been read: until then an expression
// holds a PatternReference, see ../check/references.ts.

import { readFileSync } from "node:fs";
import { patternProblem, valueProblem } from "../../acl/patterns/pattern-problem.ts";
import type { PatternUse } from "../../plan/expression.ts";

/** A list as one expression found it. */
export interface PatternSource {
  /** null: the patterns of one `acl` line. */
  readonly name: string | null;
  /** The file as written, or the ACL's criterion: for `show acl`. */
  readonly written: string;
  /** `-u`, null: counted. */
  readonly id: number | null;
  readonly keys: readonly string[];
  /** null: one column. */
  readonly values: readonly string[] | null;
}

export interface PatternReference {
  readonly kind: "patterns";
  readonly source: PatternSource;
  readonly use: PatternUse;
  /** Tells the expression its list's index. */
  readonly found: (list: number) => void;
}

type Opened = { readonly ok: true; readonly source: PatternSource } | { readonly ok: false; readonly message: string };

/**
 * Reads a list and checks that an expression can use it.
 * @param keyed the first column is the key, the rest the value (`-M`, maps)
 */
export function openPatterns(written: string, keyed: boolean, use: PatternUse): Opened {
  const [, kind = "", bare = ""] = /^(file@|opt@|virt@|)(.*)$/s.exec(written)!;
  const failed = { ok: false, message: `failed to open pattern file <${written}>` } as const;
  if (bare === "") return failed;
  const name = kind === "virt@" ? written : bare;
  if (kind === "virt@") return { ok: true, source: { name, written, id: null, keys: [], values: keyed ? [] : null } };
  let content: string;
  try {
    content = readFileSync(Buffer.from(bare, "latin1"), "latin1");
  } catch {
    if (kind !== "opt@") return failed;
    content = "";
  }
  const keys: string[] = [];
  const values: string[] = [];
  let line = 0;
  for (const raw of content.split("\n")) {
    line++;
    if (raw.startsWith("#")) continue;
    const text = raw.replace(/\r.*$/s, "").replace(/^[ \t]+/, "");
    if (text === "") continue;
    const [key, value] = keyed ? columns(text) : [text, ""];
    const problem = patternProblem(use, key) ?? valueProblem(use.output, value);
    if (problem !== null) return { ok: false, message: `${problem} at line ${line} of file '${name}'` };
    keys.push(key);
    values.push(value);
  }
  return { ok: true, source: { name, written, id: null, keys, values: keyed ? values : null } };
}

/** `key   the value, with blanks`. */
function columns(text: string): [key: string, value: string] {
  const [, key = "", value = ""] = /^([^ \t]*)[ \t]*(.*?)[ \t]*$/s.exec(text)!;
  return [key, value];
}
