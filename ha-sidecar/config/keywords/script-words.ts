// Commands in keywords: `KEYWORD COMMAND [USER [GROUP]]`. The command is one word, quoted when it has arguments.

import type { ScriptDraft } from "../drafts.ts";
import { type Context, missingParameter } from "../keyword.ts";
import type { Statement } from "../statement.ts";
import { commandWords, splitArguments } from "../words.ts";

/** The command of a statement, or null: it has none, or a quote in it is not closed. Both are reported. */
export function readScript(statement: Statement, context: Context): ScriptDraft | null {
  const { words, fault } = commandWords(statement.text);
  const [, command, user, group] = words;
  if (fault !== null) {
    context.report.fault("unmatched-quote", fault.place, fault.message, {
      hint: "A quote must be closed on its own line.",
    });
    return null;
  }
  if (command === undefined) {
    missingParameter(statement, 1, context.report);
    return null;
  }
  const argv = splitArguments(command.text);
  if (argv === null) {
    context.report.fault("unmatched-quote", command.place, `Unmatched quote: '${command.text}'`);
    return null;
  }
  return { argv, text: command.text, user: user?.text ?? null, group: group?.text ?? null, place: command.place };
}

/** For `script`, which takes no user behind its command: words there are lost, as a rule because the quotes were forgotten. */
export function warnOfLostArguments(statement: Statement, context: Context): void {
  const { words } = commandWords(statement.text);
  const lost = words.slice(2);
  if (lost.length === 0) return;
  const written = words
    .slice(1)
    .map((word) => word.text)
    .join(" ");
  context.report.warning("lost-arguments", lost[0]!.place, `'${lost[0]!.text}' is not passed to ${words[1]!.text}`, {
    hint: `A command with arguments needs quotes: "${written}".`,
  });
}
