// `send-spoe-group <engine> <group>`.

import type { ActionPlan } from "../../../plan/rules.ts";
import type { SpoeMessagePlan } from "../../../plan/spoe.ts";
import type { ActionParser } from "../../keywords/action.ts";

/** Engine and group may stand below: they are looked up when everything has been read (../../check/spoe.ts). */
export const sendSpoeGroup: ActionParser = (reader) => {
  const { statement, proxy, configuration } = reader;
  const engine = reader.word;
  const group = statement.text(reader.at + 1);
  if (reader.isAtEnd || group === "" || group === "if" || group === "unless") {
    return reader.fault("expects 2 arguments: <engine> <group>.");
  }
  reader.at += 2;
  const action = { kind: "spoe", engine: -1, messages: [] as readonly SpoeMessagePlan[] };
  const found = (index: number, messages: readonly SpoeMessagePlan[]): void => {
    action.engine = index;
    action.messages = messages;
  };
  configuration.filters.groupUses.push({ ...{ engine, group, proxy, statement, found } });
  return action as ActionPlan;
};
