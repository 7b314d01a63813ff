// `show schema json`.

import { schemaText } from "../../stats/schema.ts";
import type { Command } from "./command.ts";

export const showSchema: Command = {
  words: ["show", "schema", "json"],
  usage: "show schema json",
  description: "report schema used for stats",
  level: "user",
  run: () => ({ text: schemaText() }),
};
