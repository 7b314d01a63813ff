// Words that stand for numbers on one session: `server_key` names servers, and each name is sent once. Both sides keep as many as the protocol
// allows; a sender that has more takes the place of the one it used longest ago.

/** Numbers on the wire are 1 … 128. */
export const DICTIONARY_MAX = 128;

export class SentWords {
  readonly #numbers = new Map<number, number>();

  /** The word's number, negative: the other side does not know it yet and must be told the word with it. */
  numberOf(word: number): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) {
      this.#numbers.delete(word);
      this.#numbers.set(word, known);
      return known;
    }
    let number = this.#numbers.size + 1;
    if (number > DICTIONARY_MAX) {
      const [oldest, itsNumber] = this.#numbers.entries().next().value!;
      this.#numbers.delete(oldest);
      number = itsNumber;
    }
    this.#numbers.set(word, number);
    return -number;
  }
}
