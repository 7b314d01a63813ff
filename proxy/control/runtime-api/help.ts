// `help [<command>]`, and the answer to what is no command. Both are the same list: the commands that begin with the words given, else
// the ones that look alike, else all of them, and always the last three.
//
// HAProxy ranks look-alikes by letter transitions; we use the edit distance of shared/diagnostic. The layout and the first lines are its own.

import { editDistance } from "../../../shared/diagnostic/suggest.ts";
import { type Answer, type Command, failure, message } from "./command.ts";

/** What a list shows of a command: the master's own commands are listed here, too. */
export type Listed = Pick<Command, "words" | "usage" | "description">;

/** Shown below every list. */
const ALWAYS = new Set(["help", "prompt", "quit"]);
/** Width of the usage column. */
const USAGE_WIDTH = 40;
const SIMILAR_MAX = 5;
/** A word is similar to another when at most this share of its letters differs. */
const SIMILAR_SHARE = 0.5;

export function help(commands: () => readonly Listed[]): Command {
  return {
    words: ["help"],
    usage: "help [<command>]",
    description: "list matching or all commands",
    level: "user",
    run: ({ args }) => message(helpText(commands(), args)),
  };
}

export function helpText(commands: readonly Listed[], words: readonly string[]): string {
  return `The following commands are valid at this level:\n${list(commands, words)}`;
}

export function unknownCommand(commands: readonly Listed[], words: readonly string[]): Answer {
  const similar = matching(commands, words).length > 0;
  const intro = similar
    ? `Unknown command: '${words[0]}', but maybe one of the following ones is a better match:`
    : `Unknown command: '${words[0]}'. Please enter one of the following commands only:`;
  return failure(`${intro}\n${list(commands, words)}`);
}

function list(commands: readonly Listed[], words: readonly string[]): string {
  const matches = matching(commands, words);
  const shown = matches.length > 0 ? matches : commands.filter(({ words: [first] }) => !ALWAYS.has(first));
  const last = commands.filter(({ words: [first] }) => ALWAYS.has(first));
  return [...shown, ...last]
    .filter(({ usage }) => usage !== null)
    .map(({ usage, description }) => `  ${(usage ?? "").padEnd(USAGE_WIDTH)}: ${description}\n`)
    .join("");
}

function matching(commands: readonly Listed[], words: readonly string[]): Listed[] {
  const candidates = commands.filter((command) => command.usage !== null && !ALWAYS.has(command.words[0]));
  if (words.length === 0) return [];
  for (let count = words.length; count > 0; count--) {
    const given = words.slice(0, count);
    const beginAlike = candidates.filter((command) =>
      given.every((word, i) => (i === count - 1 ? command.words[i]?.startsWith(word) : command.words[i] === word)),
    );
    if (beginAlike.length > 0 && (count > 1 || words.length === 1)) return beginAlike;
    if (beginAlike.length > 0) return nearest(beginAlike, words);
  }
  return nearest(candidates, words);
}

function nearest(candidates: readonly Listed[], words: readonly string[]): Listed[] {
  const given = words.join(" ").toLowerCase();
  return candidates
    .map((command) => ({ command, distance: editDistance(given, command.words.slice(0, words.length).join(" ")) }))
    .filter(({ distance }) => distance <= Math.max(2, given.length * SIMILAR_SHARE))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, SIMILAR_MAX)
    .map(({ command }) => command);
}
