// Which engine the workers' reactors are asked for. RINGWAY_ENGINE says it, so that daemon and generations, which are processes of their own,
// hear of it too; --engine sets it.

import type { EngineChoice } from "../../shared/reactor/create.ts";

const VARIABLE = "RINGWAY_ENGINE";
const ENGINES: readonly string[] = ["auto", "io_uring", "epoll"] satisfies readonly EngineChoice[];

export function isEngine(word: string): word is EngineChoice {
  return ENGINES.includes(word);
}

/** What does not name an engine asks for the best that can be had. */
export function wantedEngine(): EngineChoice {
  const word = process.env[VARIABLE] ?? "";
  return isEngine(word) ? word : "auto";
}

export function wantEngine(engine: EngineChoice): void {
  process.env[VARIABLE] = engine;
}
