// Translates the regular expressions of haproxy.cfg (PCRE2 over bytes) to JavaScript's (over a string of one code unit per byte).
// Pure text handling: config/ uses it to check patterns and to point at mistakes, the workers to compile them.
//
// Every byte set ([...], \d, ., a letter under -i) is computed as 256 bits and written as a class of \xHH ranges. So nothing
// depends on JavaScript's own idea of classes, blanks or case, and the `i` flag is never needed, which V8's linear-time engine lacks.
//
// Served: alternation, groups (capturing, named, non-capturing), lookaround, back references, greedy and lazy quantifiers, POSIX classes,
// \Q..\E, \A \z \Z, (?i) (?s) (?-i) and (?i:...). Not served, and reported: possessive quantifiers, atomic groups, recursion, conditions,
// \p \X \K \G \R, (?m) (?x). `$` does not match before a final line feed: no sample of a head has one.

import { compileBounded } from "./bounded-regex.ts";

export type Translation =
  | {
      readonly ok: true;
      /** Source for `new RegExp(source)`, without flags. */
      readonly source: string;
      /** A quantified group repeats something itself: without a linear-time engine such an expression may take exponential time. */
      readonly nestedRepetition: boolean;
    }
  | { readonly ok: false; readonly error: string /** Byte offset in the pattern. */; readonly at: number };

type ByteBits = Uint8Array;

/** A set of the bytes for which `test` holds. */
function bitsWhere(test: (c: number) => boolean): ByteBits {
  return new Uint8Array(256).map((_, c) => (test(c) ? 1 : 0));
}
const inverted = (bits: ByteBits): ByteBits => bits.map((bit) => bit ^ 1);
const between = (low: string, high: string) => (c: number) => c >= low.charCodeAt(0) && c <= high.charCodeAt(0);

const isDigit = between("0", "9");
const isLower = between("a", "z");
const isUpper = between("A", "Z");
const isAlpha = (c: number) => isLower(c) || isUpper(c);
const isSpace = (c: number) => c === 32 || (c >= 9 && c <= 13);
const isGraph = (c: number) => c > 32 && c < 127;

const DIGIT = bitsWhere(isDigit);
const WORD = bitsWhere((c) => isAlpha(c) || isDigit(c) || c === 95);
const SPACE = bitsWhere(isSpace);
const HORIZONTAL = bitsWhere((c) => c === 9 || c === 32 || c === 0xa0);
const VERTICAL = bitsWhere((c) => (c >= 10 && c <= 13) || c === 0x85);
const ANY = bitsWhere(() => true);
const NOT_NEWLINE = bitsWhere((c) => c !== 10);

/** Escapes that stand for a set, inside and outside of brackets. */
const SET_ESCAPES: Readonly<Record<string, ByteBits>> = {
  d: DIGIT,
  D: inverted(DIGIT),
  w: WORD,
  W: inverted(WORD),
  s: SPACE,
  S: inverted(SPACE),
  h: HORIZONTAL,
  H: inverted(HORIZONTAL),
  v: VERTICAL,
  V: inverted(VERTICAL),
  N: NOT_NEWLINE,
};

const POSIX: Readonly<Record<string, ByteBits>> = {
  alnum: bitsWhere((c) => isAlpha(c) || isDigit(c)),
  alpha: bitsWhere(isAlpha),
  ascii: bitsWhere((c) => c < 128),
  blank: bitsWhere((c) => c === 9 || c === 32),
  cntrl: bitsWhere((c) => c < 32 || c === 127),
  digit: DIGIT,
  graph: bitsWhere(isGraph),
  lower: bitsWhere(isLower),
  print: bitsWhere((c) => isGraph(c) || c === 32),
  punct: bitsWhere((c) => isGraph(c) && !isAlpha(c) && !isDigit(c)),
  space: SPACE,
  upper: bitsWhere(isUpper),
  word: WORD,
  xdigit: bitsWhere((c) => isDigit(c) || between("a", "f")(c | 32)),
};

const SINGLE_ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, f: 12, e: 27, a: 7 };

const hex = (c: number) => `\\x${c.toString(16).padStart(2, "0")}`;

/** A set as a JavaScript class (or a single escaped byte). */
function writeSet(bits: ByteBits): string {
  const parts: string[] = [];
  let count = 0;
  for (let c = 0; c < 256; c++) {
    if (bits[c] === 0) continue;
    const first = c;
    while (c < 255 && bits[c + 1] === 1) c++;
    count += c - first + 1;
    parts.push(first === c ? hex(first) : `${hex(first)}-${hex(c)}`);
  }
  return count === 1 ? parts[0]! : `[${parts.join("")}]`;
}

class PatternError extends Error {
  readonly at: number;
  constructor(error: string, at: number) {
    super(error);
    this.at = at;
  }
}

interface Group {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
  /** Something inside repeats without a small bound. */
  repeats: boolean;
}

/** One pass over the pattern's bytes; each `#read…` method consumes what it names and returns JavaScript source. */
class Translator {
  readonly #pattern: string;
  #at = 0;
  #ignoreCase: boolean;
  #dotAll = false;
  readonly #groups: Group[] = [];
  /** The last atom repeats inside itself (a group that holds a repetition). */
  #atomRepeats = false;
  #top: Group = { ignoreCase: false, dotAll: false, repeats: false };
  nestedRepetition = false;

  constructor(pattern: string, ignoreCase: boolean) {
    this.#pattern = pattern;
    this.#ignoreCase = ignoreCase;
  }

  translate(): string {
    let source = "";
    let atom = "";
    while (this.#at < this.#pattern.length) {
      const quantifier = atom === "" ? null : this.#readQuantifier();
      if (quantifier !== null) {
        source += atom + quantifier;
        atom = "";
        continue;
      }
      source += atom;
      atom = this.#readAtom();
      // What is no atom (an anchor, a bar, an opening or an option) must not be quantified.
      if (/^(?:[|^$]|\\[bB]|\((?:\?(?:[:=!]|<[=!]|<\w+>))?)?$/.test(atom)) {
        source += atom;
        atom = "";
      }
    }
    if (this.#groups.length > 0) throw new PatternError("missing closing parenthesis", this.#pattern.length);
    return source + atom;
  }

  #peek(text: string): boolean {
    return this.#pattern.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += text.length;
    return true;
  }

  #fail(error: string): never {
    throw new PatternError(error, this.#at);
  }

  #readQuantifier(): string | null {
    const match = /^(?:[*+?]|\{\d+(?:,\d*)?\})/.exec(this.#pattern.slice(this.#at, this.#at + 32));
    if (match === null) return null;
    const [text] = match;
    this.#at += text.length;
    if (this.#peek("+")) this.#fail("possessive quantifiers are not served");
    const repeats = text !== "?" && text !== "{1}" && text !== "{0,1}";
    if (repeats) {
      if (this.#atomRepeats) this.nestedRepetition = true;
      this.#top.repeats = true;
    }
    return this.#take("?") ? `${text}?` : text;
  }

  #readAtom(): string {
    const c = this.#pattern[this.#at]!;
    this.#atomRepeats = false;
    switch (c) {
      case "\\":
        return this.#readEscape();
      case "[":
        return this.#readClass();
      case "(":
        return this.#readGroupStart();
      case ")":
        return this.#readGroupEnd();
      case "*":
      case "+":
      case "?":
        return this.#fail("quantifier does not follow a repeatable item");
      case ".":
        this.#at++;
        return writeSet(this.#dotAll ? ANY : NOT_NEWLINE);
      case "|":
      case "^":
      case "$":
        this.#at++;
        return c;
      default:
        this.#at++;
        return this.#literal(c.charCodeAt(0));
    }
  }

  #literal(c: number): string {
    return writeSet(this.#folded(bitsWhere((other) => other === c)));
  }

  #folded(bits: ByteBits): ByteBits {
    if (!this.#ignoreCase) return bits;
    return bits.map((bit, c) => (isAlpha(c) ? bit | bits[c ^ 32]! : bit));
  }

  #readGroupStart(): string {
    this.#at++;
    let opening = "(";
    if (this.#take("?#")) {
      const close = this.#pattern.indexOf(")", this.#at);
      if (close < 0) this.#fail("missing ) after (?# comment");
      this.#at = close + 1;
      return "";
    }
    const outer = { ignoreCase: this.#ignoreCase, dotAll: this.#dotAll, repeats: this.#top.repeats };
    if (this.#take("?")) {
      const rest = this.#pattern.slice(this.#at);
      const name = /^P?<([A-Za-z_]\w*)>/.exec(rest);
      const look = /^(?::|=|!|<=|<!)/.exec(rest);
      const reference = /^P=([A-Za-z_]\w*)\)/.exec(rest);
      const options = /^([is]*)(?:-([is]*))?([:)])/.exec(rest);
      if (reference !== null) {
        this.#at += reference[0].length;
        return `\\k<${reference[1]}>`;
      }
      if (name !== null) {
        opening = `(?<${name[1]}>`;
        this.#at += name[0].length;
      } else if (look !== null) {
        opening = `(?${look[0]}`;
        this.#at += look[0].length;
      } else if (options !== null) {
        this.#at += options[0].length;
        this.#setOptions(options[1]!, true);
        this.#setOptions(options[2] ?? "", false);
        if (options[3] === ")") return "";
        opening = "(?:";
      } else this.#fail("this kind of group is not served");
    } else if (this.#peek("*")) this.#fail("verbs are not served");
    this.#groups.push(outer);
    this.#top = { ...outer, repeats: false };
    return opening;
  }

  #setOptions(letters: string, on: boolean): void {
    if (letters.includes("i")) this.#ignoreCase = on;
    if (letters.includes("s")) this.#dotAll = on;
  }

  #readGroupEnd(): string {
    const outer = this.#groups.pop();
    if (outer === undefined) return this.#fail("unmatched closing parenthesis");
    this.#at++;
    this.#ignoreCase = outer.ignoreCase;
    this.#dotAll = outer.dotAll;
    const repeats = this.#top.repeats;
    this.#top = { ...outer, repeats: outer.repeats || repeats };
    this.#atomRepeats = repeats;
    return ")";
  }

  #readEscape(): string {
    const from = this.#at;
    const c = this.#pattern[from + 1];
    if (c === undefined) return this.#fail("\\ at end of pattern");
    const set = SET_ESCAPES[c];
    if (set !== undefined) {
      this.#at += 2;
      return writeSet(set);
    }
    if (this.#take("\\Q")) {
      const close = this.#pattern.indexOf("\\E", this.#at);
      const text = this.#pattern.slice(this.#at, close < 0 ? undefined : close);
      this.#at = close < 0 ? this.#pattern.length : close + 2;
      // The last byte is the atom that a quantifier after \E binds to, hence its own group of one.
      return Array.from(text, (letter) => this.#literal(letter.charCodeAt(0))).join("");
    }
    if (this.#take("\\E")) return "";
    if (this.#take("\\b") || this.#take("\\B")) return `\\${c}`;
    if (this.#take("\\A")) return "^";
    if (this.#take("\\z") || this.#take("\\Z")) return "$";
    const back = /^\\(?:([1-9]\d?)|g\{?([1-9]\d?)\}?|k[<{']([A-Za-z_]\w*)[>}'])/.exec(this.#pattern.slice(from));
    if (back !== null) {
      this.#at += back[0].length;
      return back[3] !== undefined ? `\\k<${back[3]}>` : `(?:\\${back[1] ?? back[2]})`;
    }
    return this.#literal(this.#readSingleEscape());
  }

  /** An escape that stands for one byte; both inside and outside of brackets. */
  #readSingleEscape(): number {
    const rest = this.#pattern.slice(this.#at);
    const c = rest[1];
    if (c === undefined) return this.#fail("\\ at end of pattern");
    const code = /^\\x(?:\{([0-9a-fA-F]{1,2})\}|([0-9a-fA-F]{0,2}))/.exec(rest);
    if (code !== null) {
      this.#at += code[0].length;
      return Number.parseInt(code[1] ?? (code[2] || "0"), 16);
    }
    const octal = /^\\(?:0([0-7]{0,2})|o\{([0-7]{1,3})\})/.exec(rest);
    if (octal !== null) {
      this.#at += octal[0].length;
      return Number.parseInt(octal[1] ?? octal[2]!, 8) & 0xff || 0;
    }
    const control = /^\\c([\x20-\x7e])/.exec(rest);
    if (control !== null) {
      this.#at += 3;
      return control[1]!.toUpperCase().charCodeAt(0) ^ 64;
    }
    const single = SINGLE_ESCAPES[c];
    if (single === undefined && /[A-Za-z0-9]/.test(c)) return this.#fail(`the escape \\${c} is not served`);
    this.#at += 2;
    return single ?? c.charCodeAt(0);
  }

  #readClass(): string {
    this.#at++;
    const negated = this.#take("^");
    const bits = new Uint8Array(256);
    for (let first = true; ; first = false) {
      if (this.#at >= this.#pattern.length)
        throw new PatternError("missing terminating ] for character class", this.#pattern.length);
      if (!first && this.#take("]")) break;
      this.#readClassItem(bits);
    }
    const folded = this.#folded(bits);
    return writeSet(negated ? inverted(folded) : folded);
  }

  #readClassItem(bits: ByteBits): void {
    const posix = /^\[:(\^?)(\w+):\]/.exec(this.#pattern.slice(this.#at));
    const named = posix === null ? SET_ESCAPES[this.#peek("\\") ? this.#pattern[this.#at + 1]! : ""] : POSIX[posix[2]!];
    if (posix !== null && named === undefined) this.#fail("unknown POSIX class name");
    if (named !== undefined) {
      this.#at += posix === null ? 2 : posix[0].length;
      const wanted = posix !== null && posix[1] === "^" ? 0 : 1;
      for (let c = 0; c < 256; c++) if (named[c] === wanted) bits[c] = 1;
      return;
    }
    const low = this.#readClassByte();
    let high = low;
    if (this.#peek("-") && this.#pattern[this.#at + 1] !== "]" && this.#at + 1 < this.#pattern.length) {
      this.#at++;
      high = this.#readClassByte();
      if (high < low) this.#fail("range out of order in character class");
    }
    for (let c = low; c <= high; c++) bits[c] = 1;
  }

  #readClassByte(): number {
    if (this.#take("\\b")) return 8;
    if (this.#peek("\\")) return this.#readSingleEscape();
    return this.#pattern.charCodeAt(this.#at++);
  }
}

/**
 * @param pattern the configuration's text, one character per byte
 * @param ignoreCase `-i`
 */
export function translatePcre(pattern: string, ignoreCase: boolean): Translation {
  const translator = new Translator(pattern, ignoreCase);
  try {
    const source = translator.translate();
    new RegExp(source);
    return { ok: true, source, nestedRepetition: translator.nestedRepetition };
  } catch (error) {
    if (error instanceof PatternError) return { ok: false, error: error.message, at: error.at };
    if (error instanceof SyntaxError) return { ok: false, error: error.message, at: 0 };
    throw error;
  }
}

/** A pattern of the plan as a RegExp for strings of one character per byte. @throws when config/ let pass what cannot be translated (a bug) */
export function compilePcre(pattern: string, ignoreCase: boolean, flags = ""): RegExp {
  const translation = translatePcre(pattern, ignoreCase);
  if (!translation.ok) throw new Error(`config/ let the pattern "${pattern}" pass: ${translation.error}`);
  return compileBounded(translation.source, flags);
}
