// What a case of oracle.test.ts is, and how its inputs are made. The cases stand in oracle-text.fixture.ts and oracle-values.fixture.ts.

export interface Case {
  readonly name: string;
  /** `@` is the input. */
  readonly expressions: readonly string[];
  /** Text of one character per byte. */
  readonly inputs: readonly string[];
  /** Older versions have bugs or other ideas here. */
  readonly since?: number;
}

/** Pseudo-random numbers 0 … below - 1, the same in every run (xorshift of 32 bits). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Texts of random pieces. */
export function texts(count: number, maxPieces: number, pieces: readonly string[], seed = 1): string[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () =>
    Array.from({ length: random(maxPieces + 1) }, () => pieces[random(pieces.length)]!).join(""),
  );
}

export const BYTES = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i));
export const PRINTABLE = BYTES.slice(32, 127);

/** Random bytes of these lengths. */
export function lengths(...list: number[]): string[] {
  const random = randomNumbers(7);
  return list.map((length) => Array.from({ length }, () => BYTES[random(256)]!).join(""));
}
