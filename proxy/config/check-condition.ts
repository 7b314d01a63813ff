// `-cc <condition>`: evaluates a condition as `.if` would, without any configuration (management.txt §3).

import { type ConditionContext, evaluateCondition } from "./condition.ts";
import { splitWords, WORDS_MAX } from "./lexer.ts";

export interface ConditionCheck {
  /** The exit status: 0 true, 1 false, 2 the condition is faulty. */
  readonly status: 0 | 1 | 2;
  /** What to report with status 2, in HAProxy's words where it has any; otherwise "". */
  readonly message: string;
}

/** HAProxy words the faults of the lexer differently here than in a file. */
const SYNTAX_MESSAGES: Readonly<Record<string, string>> = {
  "unmatched-quote": "Syntax Error in condition: Unmatched quote.",
  "invalid-escape": "Syntax Error in condition: Truncated or invalid hexadecimal sequence.",
};

export function checkCondition(text: string, context: ConditionContext): ConditionCheck {
  const variables = {
    get: (name: string) => context.environment.get(name),
    getPseudo: () => null,
  };
  const lexed = splitWords({ number: 1, raw: text }, variables);
  if (lexed.fault !== null) {
    const { code, message } = lexed.fault;
    const syntax = SYNTAX_MESSAGES[code] ?? `Syntax Error in condition: ${message.replace(/:$/, "")}.`;
    return { status: 2, message: syntax };
  }
  if (lexed.words.length > WORDS_MAX) return { status: 2, message: "Error in condition: Too many words." };
  const result = evaluateCondition(lexed.words.map((word) => word.text).join(" "), context);
  if (!result.ok) return { status: 2, message: `Failed to evaluate condition: ${result.problem.message}` };
  return { status: result.value ? 0 : 1, message: "" };
}
