// One line of the runtime API: commands separated by `;`, words by blanks, `\` in front of either (or of itself) takes its meaning away.
//
//   set server be/s1 state maint; show stat \; x          two commands; the second one's last words are ";" and "x"
//   set ssl cert site.pem <<                              lines follow until an empty one
//   set ssl cert site.pem <<%EOF%                         lines follow until one that is `%EOF%`

/** A line cut into its commands. */
export interface CommandLine {
  readonly commands: readonly (readonly string[])[];
  /** The line that ends the payload of the last command; null: no payload follows. */
  readonly payloadEnd: string | null;
}

/** HAProxy allows 64 characters in the mark behind `<<`. */
const PAYLOAD_MARK = / ?<<([^\s;]{0,64})$/;

export function parseLine(line: string): CommandLine {
  const mark = PAYLOAD_MARK.exec(line);
  const text = mark === null ? line : line.slice(0, mark.index);
  return { commands: splitCommands(text).map(splitWords), payloadEnd: mark === null ? null : mark[1] };
}

/** Escapes stay: splitWords takes them away. */
function splitCommands(text: string): string[] {
  const commands: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === ";") {
      commands.push(text.slice(start, i));
      start = i + 1;
    }
  }
  commands.push(text.slice(start));
  return commands;
}

function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === " " || character === "\t") {
      if (word !== null) words.push(word);
      word = null;
      continue;
    }
    const isEscape = character === "\\" && /[\\; \t]/.test(text[i + 1] ?? "");
    word = (word ?? "") + (isEscape ? text[++i] : character);
  }
  if (word !== null) words.push(word);
  return words;
}
