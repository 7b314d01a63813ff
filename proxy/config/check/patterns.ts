// Lists of patterns: expressions that name the same file share one list; every list gets its index in the plan, and its number.

import type { PatternListPlan } from "../../plan/expression.ts";
import type { ConfigurationDraft, PatternListDraft } from "../draft.ts";
import type { PatternReference } from "../expression/pattern-source.ts";
import type { Statement } from "../statement.ts";

/** Finds or makes the list of an expression. */
export function resolvePatterns(
  { source, use, found }: PatternReference,
  statement: Statement,
  configuration: ConfigurationDraft,
): void {
  const lists = configuration.patternLists;
  let index = source.name === null ? -1 : lists.findIndex((list) => list.source.name === source.name);
  if (index < 0) {
    if (source.id !== null && lists.some((list) => list.source.id === source.id)) {
      statement.alert("duplicate-id", "the id is already used.");
      return;
    }
    index = lists.push({ source, uses: [], users: [], isAcl: false, isMap: false }) - 1;
  }
  const list = lists[index]!;
  const isKeyed = source.values !== null;
  if (isKeyed && list.source.values === null) {
    const message = `The file "${source.name}" is already used as one column file and cannot be used by as two column file.`;
    statement.alert("pattern-columns", message);
    return;
  }
  const { file, line } = statement.location;
  list.users.push(`by ${isKeyed ? "map" : "acl"} at file '${file}' line ${line}`);
  list.uses.push(use);
  if (use.output === null) list.isAcl = true;
  if (isKeyed) list.isMap = true;
  found(index);
}

/** What `show acl` says: HAProxy's words. */
function describe({ source, users }: PatternListDraft): string {
  if (source.name !== null) return `pattern loaded from file '${source.written}' used ${users.join(", ")}`;
  return `acl '${source.written}' ${users[0]!.replace("by acl at ", "")}`;
}

/** Lists without a number of their own get the smallest ones that are free, in the order of the configuration. */
export function buildPatternLists(lists: readonly PatternListDraft[]): PatternListPlan[] {
  const taken = new Set(lists.map(({ source }) => source.id));
  let next = 0;
  return lists.map((list) => {
    const { source, uses, isAcl, isMap } = list;
    while (source.id === null && taken.has(next)) next++;
    const id = source.id ?? next++;
    const { name, keys, values } = source;
    return { id, name, description: describe(list), isAcl, isMap, keys, values, uses };
  });
}
