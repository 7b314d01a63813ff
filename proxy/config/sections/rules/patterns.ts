// `set-map(<file>) <key fmt> <value fmt>`, `del-map(<file>) <key fmt>`, `add-acl(<file>) <key fmt>`, `del-acl(<file>) <key fmt>`.

import { splitArguments } from "../../argument-list.ts";
import type { ConfigurationDraft } from "../../draft.ts";
import type { ActionParser } from "../../keywords/action.ts";

/** A rule that changes a list: which one is known when all have been read. */
export interface PatternEditUse {
  readonly name: string;
  readonly isMap: boolean;
  readonly found: (list: number) => void;
}

export function editPatterns(edit: "set" | "add" | "remove", isMap: boolean): ActionParser {
  const count = edit === "set" ? 2 : 1;
  return (reader) => {
    const word = reader.actionWord;
    const at = reader.at - 1;
    const opening = word.indexOf("(");
    const split = opening < 0 ? null : splitArguments(word, opening);
    const name = split?.ok && split.value.end === word.length ? (split.value.arguments[0] ?? "") : "";
    if (name === "") return reader.fault("missing map/acl file name.", { at });
    const words = [0, 1].map((offset) => reader.statement.text(reader.at + offset));
    const given = words.findIndex((text) => text === "" || text === "if" || text === "unless");
    if (given >= 0 && given < count) return reader.fault(`expects exactly ${count} arguments.`);
    const key = reader.nextFormat();
    if (key === null) return null;
    const value = edit === "set" ? reader.nextFormat() : null;
    if (edit === "set" && value === null) return null;
    const action = { kind: "edit-patterns" as const, edit, list: -1, key, value };
    const found = (list: number): void => {
      action.list = list;
    };
    reader.configuration.patternEdits.push({ name: name.replace(/^(file|opt)@/, ""), isMap, found });
    return action;
  };
}

/** Finds the lists; one that nothing else names begins empty. */
export function resolvePatternEdits({ patternEdits, patternLists: lists }: ConfigurationDraft): void {
  for (const { name, isMap, found } of patternEdits) {
    let index = lists.findIndex(({ source }) => source.name === name);
    if (index < 0) {
      const source = { name, written: name, id: null, keys: [], values: isMap ? [] : null };
      index = lists.push({ source, uses: [], users: [], isAcl: !isMap, isMap }) - 1;
    }
    found(index);
  }
}
