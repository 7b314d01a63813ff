// PCRE2 patterns as JavaScript understands them. keepalived matches bytes with PCRE2; what both languages have is translated where they write it
// differently, and what JavaScript has not is named, so that nobody's check means something else than it says.
//
// The result is for the flags that come with it and never for `u` or `v`, which refuse what PCRE takes for literal.

export interface TranslatedPattern {
  readonly source: string;
  readonly flags: string;
}

interface Options {
  readonly caseless: boolean;
  readonly multiline: boolean;
  readonly dotall: boolean;
  readonly extended: boolean;
  readonly ungreedy: boolean;
  readonly dollarEndonly: boolean;
  readonly noAutoCapture: boolean;
}

const END = "(?![\\s\\S])";
const START = "(?<![\\s\\S])";
/** Escapes outside of classes. */
const ESCAPES: Readonly<Record<string, string>> = {
  A: START,
  z: END,
  Z: `(?=\\n?${END})`,
  h: "[\\t \\xa0]",
  H: "[^\\t \\xa0]",
  N: "[^\\n]",
  R: "(?:\\r\\n|[\\n\\v\\f\\r\\x85])",
  V: "[^\\n\\v\\f\\r\\x85]",
  v: "[\\n\\v\\f\\r\\x85]",
  a: "\\x07",
  e: "\\x1b",
};
const CLASS_ESCAPES: Readonly<Record<string, string>> = {
  ...{ h: "\\t \\xa0", v: "\\n\\v\\f\\r\\x85", a: "\\x07", e: "\\x1b" },
};
const POSIX: Readonly<Record<string, string>> = {
  ...{ alpha: "A-Za-z", digit: "0-9", alnum: "A-Za-z0-9", upper: "A-Z", lower: "a-z", space: "\\s", blank: " \\t" },
  ...{ punct: "!-\\/:-@\\[-`{-~", xdigit: "0-9A-Fa-f", word: "\\w", cntrl: "\\x00-\\x1f\\x7f" },
  ...{ print: " -~", graph: "!-~", ascii: "\\x00-\\x7f" },
};
const INLINE = { i: "caseless", m: "multiline", s: "dotall", x: "extended", U: "ungreedy" } as const;

/** `options`: PCRE2's names. A text: what the pattern has that JavaScript has not, or why it is none. */
export function translatePattern(pattern: string, options: readonly string[]): TranslatedPattern | string {
  const has = (name: string) => options.includes(name);
  let chosen: Options = {
    ...{ caseless: has("caseless"), multiline: has("multiline"), dotall: has("dotall"), extended: has("extended") },
    ...{ ungreedy: has("ungreedy"), dollarEndonly: has("dollar_endonly"), noAutoCapture: has("no_auto_capture") },
  };
  let text = pattern;
  for (let inline = leading(text); inline !== null; inline = leading(text)) {
    for (const letter of inline[1]!) chosen = { ...chosen, [INLINE[letter as keyof typeof INLINE]]: true };
    text = text.slice(inline[0].length);
  }
  const reader = new PatternReader(text, chosen);
  const problem = reader.run();
  if (problem !== null) return problem;
  const flags = chosen.caseless ? "i" : "";
  try {
    new RegExp(reader.output, flags);
  } catch (error) {
    return (error as Error).message.replace(/^Invalid regular expression: .*\/[a-z]*: /, "");
  }
  return { source: reader.output, flags };
}

const leading = (text: string) => /^\(\?([imsxU]+)\)/.exec(text);

class PatternReader {
  output = "";
  readonly #text: string;
  readonly #options: Options;
  #at = 0;

  constructor(text: string, options: Options) {
    this.#text = text;
    this.#options = options;
  }

  /** What cannot be said; null: all could. */
  run(): string | null {
    while (this.#at < this.#text.length) {
      const problem = this.#step();
      if (problem !== null) return problem;
    }
    return null;
  }

  #step(): string | null {
    const { multiline, dotall, extended, dollarEndonly } = this.#options;
    const character = this.#text[this.#at]!;
    switch (character) {
      case "\\":
        return this.#escape();
      case "[":
        return this.#class();
      case "(":
        return this.#group();
      case ".":
        return this.#put(1, dotall ? "[\\s\\S]" : "[^\\n]");
      case "^":
        return this.#put(1, multiline ? "(?<![^\\n])" : START);
      case "$":
        return this.#put(1, multiline ? "(?![^\\n])" : dollarEndonly ? END : `(?=\\n?${END})`);
      case "#":
        return extended ? this.#skip(/#[^\n]*\n?/y) : this.#put(1, "#");
      case " ":
      case "\t":
      case "\n":
        return this.#put(1, extended ? "" : character);
      case "*":
      case "+":
      case "?":
      case "{":
        return this.#quantifier();
      default:
        return this.#put(1, character === "/" ? "\\/" : character);
    }
  }

  #quantifier(): string | null {
    const found = this.#match(/([*+?]|\{\d+(?:,\d*)?\})([+?]?)/y);
    if (found === null) return this.#put(1, "\\{");
    if (found[2] === "+") return "possessive quantifiers (a++) are not served";
    const isLazy = (found[2] === "?") !== this.#options.ungreedy;
    return this.#put(found[0].length, `${found[1]}${isLazy ? "?" : ""}`);
  }

  #escape(): string | null {
    const quoted = this.#match(/\\Q([\s\S]*?)(?:\\E|$)/y);
    if (quoted !== null) return this.#put(quoted[0].length, quoted[1]!.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
    if (this.#match(/\\E/y) !== null) return this.#put(2, "");
    const code = this.#match(/\\x\{([0-9a-fA-F]{1,4})\}/y);
    if (code !== null) return this.#put(code[0].length, `\\u${code[1]!.padStart(4, "0")}`);
    const name = this.#match(/\\[kg](?:\{(\w+)\}|<(\w+)>|'(\w+)')/y);
    if (name !== null) {
      const reference = name[1] ?? name[2] ?? name[3]!;
      return this.#put(name[0].length, /^\d+$/.test(reference) ? `\\${reference}` : `\\k<${reference}>`);
    }
    const letter = this.#text[this.#at + 1];
    if (letter === undefined) return "it ends with a backslash";
    if ("KGXCpP".includes(letter)) return `\\${letter} is not served`;
    return this.#put(2, ESCAPES[letter] ?? `\\${letter}`);
  }

  /** A class, `]` first in it being a member. */
  #class(): string | null {
    const open = this.#match(/\[\^?\]?/y)![0];
    let inside = open.endsWith("]") ? `${open.slice(0, -1)}\\]` : open;
    this.#at += open.length;
    for (;;) {
      const posix = this.#match(/\[:(\^?)(\w+):\]/y);
      const character = this.#text[this.#at];
      if (character === undefined) return "a class is not closed";
      if (posix !== null) {
        const range = POSIX[posix[2]!];
        if (range === undefined || posix[1] === "^") return `${posix[0]} is not served`;
        inside += range;
        this.#at += posix[0].length;
      } else if (character === "]") break;
      else if (character === "\\") {
        const letter = this.#text[this.#at + 1] ?? "";
        if ("HVNRpP".includes(letter)) return `\\${letter} in a class is not served`;
        inside += CLASS_ESCAPES[letter] ?? `\\${letter}`;
        this.#at += 2;
      } else {
        inside += character === "[" ? "\\[" : character;
        this.#at++;
      }
    }
    return this.#put(1, `${inside}]`);
  }

  #group(): string | null {
    if (this.#match(/\(\*/y) !== null) return "verbs like (*ANY) are not served";
    if (this.#match(/\(\?#/y) !== null) return this.#skip(/\(\?#[^)]*\)/y);
    const named = this.#match(/\(\?(?:P?<(\w+)>|'(\w+)')/y);
    if (named !== null && !/^\(\?<[=!]/.test(named[0]))
      return this.#put(named[0].length, `(?<${named[1] ?? named[2]}>`);
    const reference = this.#match(/\(\?P=(\w+)\)/y);
    if (reference !== null) return this.#put(reference[0].length, `\\k<${reference[1]}>`);
    const known = this.#match(/\(\?(?::|=|!|<=|<!)/y);
    if (known !== null) return this.#put(known[0].length, known[0]);
    if (this.#match(/\(\?>/y) !== null) return "atomic groups (?>…) are not served";
    const other = this.#match(/\(\?[^)]{0,8}/y);
    if (other !== null) return `${other[0]}… is not served`;
    return this.#put(1, this.#options.noAutoCapture ? "(?:" : "(");
  }

  #match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    return expression.exec(this.#text);
  }

  #put(read: number, written: string): null {
    this.#at += read;
    this.output += written;
    return null;
  }

  #skip(expression: RegExp): null {
    return this.#put(this.#match(expression)![0].length, "");
  }
}
