// Dates in persistence cookies (`maxidle`, `maxlife`): seconds since the epoch in steps of four, 30 bits, as five base64 characters.
//
//   SRV=web1|ZpP2k|ZpO9a      last seen | first seen

const ALPHABET = Uint8Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", (letter) =>
  letter.charCodeAt(0),
);
const VALUES = new Int8Array(256).fill(-1);
ALPHABET.forEach((letter, value) => {
  VALUES[letter] = value;
});

export const DATE_BYTES = 5;
export const DATE_DELIMITER = 124; // |

/** Seconds since the epoch modulo 2^32, as an int32, of the five characters at `at`; 0: they are no date. Compare by `laterBy`. */
export function readDate(bytes: Uint8Array, at: number): number {
  let quarter = 0;
  for (let i = 0; i < DATE_BYTES; i++) {
    const value = VALUES[bytes[at + i]!]!;
    if (value < 0) return 0;
    quarter = (quarter << 6) | value;
  }
  return (quarter << 2) | 0;
}

/** Seconds from `then` to `now`, negative when it lies ahead; exact within 68 years. */
export function laterBy(now: number, then: number): number {
  return (now - then) | 0;
}

/** Writes a time in five characters, rounded up to the step. */
export function writeDate(bytes: Uint8Array, at: number, seconds: number): void {
  let quarter = Math.ceil(seconds / 4);
  for (let i = DATE_BYTES - 1; i >= 0; i--) {
    bytes[at + i] = ALPHABET[quarter & 63]!;
    quarter = Math.floor(quarter / 64);
  }
}
