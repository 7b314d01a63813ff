// What one connection to the runtime API has agreed on: its level, how it is prompted, how long it may be idle.

import type { Level } from "./command.ts";

/** `single`: one line, then the end. `interactive`: many lines. `prompt`: many lines, each answer ends with a prompt. */
export type SessionMode = "single" | "interactive" | "prompt";

export interface SessionSettings {
  level: Level;
  mode: SessionMode;
  /** The prompt tells how long the process has been running. */
  timedPrompt: boolean;
  severityOutput: "none" | "number" | "string";
  timeoutMs: number;
  expert: boolean;
  experimental: boolean;
  /** `quit`: nothing more is read. */
  quit: boolean;
}

export function newSessionSettings(level: Level, timeoutMs: number): SessionSettings {
  return {
    level,
    mode: "single",
    timedPrompt: false,
    severityOutput: "none",
    timeoutMs,
    expert: false,
    experimental: false,
    quit: false,
  };
}
