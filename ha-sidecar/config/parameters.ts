// `$NAME=value` and what becomes of `$NAME` and `${NAME}`: keepalived's parameters (keepalived.conf(5), "Parameter substitution").
//
// Replacement happens when a line is used, not when a value is defined, and again in what it put in. `$NAME` must be followed by a blank
// or the end of the line, `${NAME}` by anything. What is not defined stays as it is: scripts have dollar signs of their own. A value
// of several lines holds line feeds; the reader cuts the result into lines again.

import { basename } from "node:path";
import type { PlacedText } from "./text.ts";

/** More replacements than this in one line mean that a parameter contains itself. */
const REPLACEMENTS_MAX = 2000;
const LINE_BYTES_MAX = 4 * 1024 * 1024;

const DEFINITION = /^\$([A-Za-z_][A-Za-z0-9_]*)=/;
const REFERENCE = /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?: ([^{}]*))?\}|([A-Za-z_][A-Za-z0-9_]*)(?=[ \t\r\n]|$))/g;

export interface Definition {
  readonly name: string;
  /** The text behind the `=`, to be trimmed. */
  readonly value: PlacedText;
}

/** The definition that a line is, or null. The line has no leading blanks. */
export function readDefinition(line: PlacedText): Definition | null {
  const match = DEFINITION.exec(line.text);
  return match === null ? null : { name: match[1]!, value: line.slice(match[0].length) };
}

export class Parameters {
  readonly #values = new Map<string, string>();
  readonly #instance: string;
  readonly #environment: NodeJS.ProcessEnv;
  #random: () => number = Math.random;

  /** @param instance the configuration id (-i), for `${_INSTANCE}` */
  constructor(instance: string, environment: NodeJS.ProcessEnv) {
    this.#instance = instance;
    this.#environment = environment;
  }

  define(name: string, value: string): void {
    this.#values.set(name, value);
  }

  /** `random_seed`: from here on `${_RANDOM}` gives the same numbers in every run. */
  seed(seed: number): void {
    let state = seed >>> 0;
    this.#random = () => {
      // Numerical Recipes' generator: good enough to spread priorities, and the same everywhere.
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
  }

  /** Replaces everything that is defined, up to a value of several lines. `overflow`: it would never have ended, and was given up. */
  replace(line: PlacedText, directory: string): { text: PlacedText; overflow: boolean } {
    let text = line;
    let from = 0;
    for (let count = 0; count < REPLACEMENTS_MAX; count++) {
      REFERENCE.lastIndex = from;
      const match = REFERENCE.exec(text.text);
      if (match === null) return { text, overflow: false };
      const value = this.#value(match[1] ?? match[3]!, match[2] ?? "", directory);
      if (value === null) {
        from = match.index + 1;
        continue;
      }
      text = text.replace(match.index, match.index + match[0].length, value);
      // Lines of a value may define what the next ones use: they are replaced one by one, by the reader.
      if (value.includes("\n")) return { text, overflow: false };
      // What was put in is looked at again.
      from = value.includes("$") ? match.index : match.index + value.length;
      if (text.text.length > LINE_BYTES_MAX) break;
    }
    return { text: line, overflow: true };
  }

  #value(name: string, words: string, directory: string): string | null {
    const own = this.#values.get(name);
    if (own !== undefined) return own;
    switch (name) {
      case "_PWD":
        return directory;
      case "_INSTANCE":
        return this.#instance;
      case "_RANDOM":
        return this.#randomNumber(words);
      case "_HASH":
        return "#";
      case "_BANG":
        return "!";
      case "_ENV":
        return this.#environment[words.trim()] ?? "";
      default:
        return null;
    }
  }

  /** `${_RANDOM [MIN [MAX]]}` */
  #randomNumber(words: string): string | null {
    const numbers = words.split(/\s+/).filter((word) => word !== "");
    if (numbers.length > 2 || !numbers.every((word) => /^\d{1,9}$/.test(word))) return null;
    const minimum = Number(numbers[0] ?? 0);
    const maximum = Math.max(minimum, Number(numbers[1] ?? 32767));
    return String(minimum + Math.floor(this.#random() * (maximum - minimum + 1)));
  }
}

/** The default configuration id: the host's name without its domain. */
export function defaultConfigId(hostname: string): string {
  return basename(hostname).split(".")[0]!;
}
