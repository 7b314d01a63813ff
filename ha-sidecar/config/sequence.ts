// `~SEQ(VAR, start, step, end)`, `~SEQx(…)` (hexadecimal) and `~LST(VAR, a, b)`, `~LST({A, B}, {1, 2}, {3, 4})` at the beginning of a
// line: the rest of the line is used once per value. Nesting comes by itself, because the rest may begin in the same way.

/** One use of the rest of the line: names and values to define before it. */
export type Round = readonly { readonly name: string; readonly value: string }[];

export interface Sequence {
  /** Made one by one: there may be a million. */
  readonly rounds: Iterable<Round>;
  /** Where the rest of the line begins. */
  readonly end: number;
}

/** More rounds than any sensible configuration has; `~SEQ(A, 1, 999999999)` would take all memory. */
const ROUNDS_MAX = 1_000_000;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * What a line begins with: null: neither ~SEQ nor ~LST; a string: keepalived's words for what is wrong with it.
 * @param line without leading blanks
 */
export function readSequence(line: string): Sequence | string | null {
  const opening = /^~(SEQx?|LST)[ \t]*\(/.exec(line);
  if (opening === null) return null;
  const closing = line.indexOf(")", opening[0].length);
  const kind = opening[1]!;
  if (closing < 0) return `Invalid ~${kind.slice(0, 3)} definition '${line}'`;
  const inside = line.slice(opening[0].length, closing);
  const end = closing + 1;
  if (kind === "LST") {
    const rounds = listRounds(inside);
    return rounds === null ? `Invalid ~LST definition '${line}'` : { rounds, end };
  }
  const rounds = numberRounds(inside, kind === "SEQx");
  return typeof rounds === "string" ? `${rounds} '${line}'` : { rounds, end };
}

/** The rounds of ~SEQ, or what is wrong. */
function numberRounds(inside: string, hexadecimal: boolean): Iterable<Round> | string {
  const [name, ...words] = inside.split(",").map((word) => word.trim());
  const numbers = words.map(parseNumber);
  const valid = NAME.test(name!) && numbers.length >= 1 && numbers.length <= 3;
  if (!valid || numbers.includes(null)) return "Invalid ~SEQ definition";
  const values = numbers as number[];
  const last = values.at(-1)!;
  const start = values.length > 1 ? values[0]! : last < 0 ? -1 : 1;
  const step = values.length === 3 ? values[1]! : last >= start ? 1 : -1;
  const isEndless = step === 0 || (last > start && step < 0) || (last < start && step > 0);
  const count = isEndless ? 0 : Math.floor((last - start) / step) + 1;
  if (isEndless || count > ROUNDS_MAX) return "Invalid ~SEQ values";
  return countedRounds(name!, start, step, count, hexadecimal ? 16 : 10);
}

function* countedRounds(name: string, start: number, step: number, count: number, radix: number): Generator<Round> {
  for (let i = 0; i < count; i++) yield [{ name, value: (start + i * step).toString(radix) }];
}

function parseNumber(word: string): number | null {
  if (/^[+-]?0[xX][0-9a-fA-F]{1,8}$/.test(word)) {
    const digits = Number.parseInt(word.replace(/^[+-]/, ""), 16);
    return word.startsWith("-") ? -digits : digits;
  }
  return /^[+-]?\d{1,10}$/.test(word) ? Number(word) : null;
}

/** The rounds of ~LST, or null. */
function listRounds(inside: string): Round[] | null {
  const elements = splitElements(inside);
  if (elements === null || elements.length < 2) return null;
  const [names, ...values] = elements;
  if (!names!.every((name) => NAME.test(name)) || values.some((value) => value.length !== names!.length)) return null;
  return values.map((value) => names!.map((name, i) => ({ name, value: value[i]! })));
}

/** `a, {b, c}` as [[a], [b, c]]; null: braces do not match. */
function splitElements(inside: string): string[][] | null {
  const elements: string[][] = [];
  const pattern = /[ \t]*(?:\{([^{}]*)\}|([^,{}]*))[ \t]*(,|$)/y;
  let at = 0;
  for (;;) {
    pattern.lastIndex = at;
    const match = pattern.exec(inside);
    if (match === null) return null;
    elements.push(match[1] === undefined ? [match[2]!.trim()] : match[1].split(",").map((word) => word.trim()));
    at = pattern.lastIndex;
    if (match[3] === "") return elements;
  }
}
