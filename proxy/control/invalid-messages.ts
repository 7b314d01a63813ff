// The last head of each proxy that could not be understood, requests and responses apart: what `show errors` shows.

import type { FromWorker } from "../worker/task.ts";
import type { WorkerMessages } from "./worker-messages.ts";

export interface InvalidMessage extends Extract<FromWorker, { type: "invalid" }> {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Counts all of them, from 0. */
  readonly event: number;
}

export class InvalidMessages {
  readonly #requests = new Map<number, InvalidMessage>();
  readonly #responses = new Map<number, InvalidMessage>();
  /** All that ever came, shown or not. */
  total = 0;

  constructor(messages: WorkerMessages) {
    messages.hear("invalid", (_worker, message) => {
      this.total += message.count;
      const kept = { ...message, atMs: Date.now(), event: this.total - 1 };
      if (message.side === "request") this.#requests.set(message.frontend, kept);
      else this.#responses.set(message.backend, kept);
    });
  }

  /** By frontend. */
  request(proxy: number): InvalidMessage | undefined {
    return this.#requests.get(proxy);
  }

  /** By backend. */
  response(proxy: number): InvalidMessage | undefined {
    return this.#responses.get(proxy);
  }
}

const TOKEN = /[A-Za-z0-9!#$%&'*+.^_`|~-]/;

/** Position of the first byte that does not belong where it stands; the end when all of them do (something is missing, or too much). */
export function faultAt(bytes: Uint8Array, side: "request" | "response"): number {
  const text = Buffer.from(bytes).toString("latin1");
  const lineEnd = text.indexOf("\r\n");
  const first = lineEnd < 0 ? text : text.slice(0, lineEnd);
  const start = side === "request" ? requestLineFault(first) : statusLineFault(first);
  if (start >= 0) return start;
  let at = lineEnd < 0 ? text.length : lineEnd + 2;
  while (at < text.length && !text.startsWith("\r\n", at)) {
    const end = text.indexOf("\r\n", at);
    const line = text.slice(at, end < 0 ? text.length : end);
    const fault = headerLineFault(line);
    if (fault >= 0) return at + fault;
    at += line.length + 2;
  }
  return Math.min(at, text.length);
}

function requestLineFault(line: string): number {
  const shape = /^([^ ]*)( +)([^ ]*)( +|$)/.exec(line);
  if (shape === null) return firstNot(line, TOKEN);
  const method = firstNot(shape[1], TOKEN);
  if (method >= 0 || shape[1] === "") return Math.max(0, method);
  const targetAt = shape[1].length + shape[2].length;
  const target = firstNot(shape[3], /[!-~]/, /#/);
  if (target >= 0) return targetAt + target;
  const versionAt = targetAt + shape[3].length + shape[4].length;
  return /^HTTP\/\d\.\d$/.test(line.slice(versionAt)) ? -1 : Math.min(versionAt, line.length);
}

function statusLineFault(line: string): number {
  if (!/^HTTP\/\d\.\d /.test(line)) return 0;
  return /^HTTP\/\d\.\d \d{3}( |$)/.test(line) ? -1 : "HTTP/1.1 ".length;
}

function headerLineFault(line: string): number {
  const colon = line.indexOf(":");
  const name = firstNot(colon < 0 ? line : line.slice(0, colon), TOKEN);
  if (name >= 0) return name;
  if (colon <= 0) return colon < 0 ? line.length : 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const value = line.slice(colon + 1).search(/[\x00-\x08\x0a-\x1f\x7f]/);
  return value < 0 ? -1 : colon + 1 + value;
}

/** Index of the first character that is not allowed, -1: none. */
function firstNot(text: string, allowed: RegExp, forbidden?: RegExp): number {
  return [...text].findIndex((character) => !allowed.test(character) || forbidden?.test(character) === true);
}
