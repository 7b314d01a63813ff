// What is captured of a stream: headers, cookies and samples, cut to their slots' lengths and kept to its end. A stream gets an area for
// them when something is first captured, big enough for any frontend, and keeps it from life to life.

import { HEADER_INTS, type Message } from "../http1/message.ts";
import type { Plan } from "../plan/plan.ts";
import { TYPE } from "../sample/types.ts";
import { type SampleValue, textBytes } from "../sample/value.ts";
import type { Stream } from "./stream.ts";

const ROW = HEADER_INTS;
const SEMICOLON = 59;
const SPACE = 32;
const TAB = 9;
const COOKIE = textBytes("cookie");
const SET_COOKIE = textBytes("set-cookie");
/** Nothing was captured. */
const NOTHING = -1;

export class StreamCaptures {
  readonly bytes: Uint8Array;
  /** By slot; -1: nothing. */
  readonly lengths: Int32Array;

  constructor(bytes: number, slots: number) {
    this.bytes = new Uint8Array(bytes);
    this.lengths = new Int32Array(slots).fill(NOTHING);
  }
}

/** Slots of one frontend: those of requests, then those of responses, then the cookies of either. */
interface Slots {
  readonly requests: number;
  readonly responses: number;
  readonly headers: readonly (Uint8Array | null)[];
  readonly at: readonly number[];
  readonly max: readonly number[];
  readonly cookie: Uint8Array | null;
}

function layOut(plan: Plan["proxies"][number]): Slots {
  const { request, response, cookie } = plan.frontend?.captures ?? { request: [], response: [], cookie: null };
  const max = [...request, ...response].map(({ bytes }) => bytes);
  if (cookie !== null) max.push(cookie.bytes, cookie.bytes);
  let end = 0;
  const at = max.map((bytes) => {
    end += bytes;
    return end - bytes;
  });
  const headers = [...request, ...response].map(({ header }) => (header === null ? null : textBytes(header)));
  const name = cookie === null ? null : textBytes(cookie.name);
  return { requests: request.length, responses: response.length, headers, at, max, cookie: name };
}

export class Captures {
  readonly #slots: readonly Slots[];
  readonly #bytes: number;
  readonly #count: number;

  constructor(plan: Plan) {
    this.#slots = plan.proxies.map(layOut);
    this.#count = Math.max(0, ...this.#slots.map(({ max }) => max.length));
    this.#bytes = Math.max(0, ...this.#slots.map(({ max }) => max.reduce((sum, bytes) => sum + bytes, 0)));
  }

  /** Slots of requests and of responses in the frontend. */
  requestCount(frontend: number): number {
    return this.#slots[frontend]!.requests;
  }
  responseCount(frontend: number): number {
    return this.#slots[frontend]!.responses;
  }

  /** Keeps bytes[start, end) in request slot `index`, or with `isResponse` in that response slot. */
  store(stream: Stream, isResponse: boolean, index: number, bytes: Uint8Array, start: number, end: number): void {
    const slots = this.#slots[stream.frontend]!;
    const count = isResponse ? slots.responses : slots.requests;
    if (index < count) this.#keep(stream, slots, isResponse ? slots.requests + index : index, bytes, start, end);
  }

  #keep(stream: Stream, slots: Slots, slot: number, bytes: Uint8Array, start: number, end: number): void {
    stream.captures ??= new StreamCaptures(this.#bytes, this.#count);
    const at = slots.at[slot]!;
    const length = Math.min(end - start, slots.max[slot]!);
    for (let i = 0; i < length; i++) stream.captures.bytes[at + i] = bytes[start + i]!;
    stream.captures.lengths[slot] = length;
  }

  /** The length of what is in the slot, -1: nothing; its bytes begin at `offset` of `Stream.captures.bytes`. */
  length(stream: Stream, isResponse: boolean, index: number): number {
    const { requests } = this.#slots[stream.frontend]!;
    return stream.captures === null ? NOTHING : stream.captures.lengths[isResponse ? requests + index : index]!;
  }
  offset(stream: Stream, isResponse: boolean, index: number): number {
    const { requests, at } = this.#slots[stream.frontend]!;
    return at[isResponse ? requests + index : index]!;
  }

  /** The slot of the captured cookie among those of requests or responses, -1: none is captured. */
  cookieIndex(frontend: number, isResponse: boolean): number {
    const { cookie, requests, responses } = this.#slots[frontend]!;
    if (cookie === null) return -1;
    return isResponse ? responses + 1 : requests + responses;
  }

  /** Gives what is in the slot to `value`. False: nothing is. */
  get(stream: Stream, isResponse: boolean, index: number, value: SampleValue): boolean {
    const slots = this.#slots[stream.frontend]!;
    if (index >= (isResponse ? slots.responses : slots.requests)) return false;
    const length = this.length(stream, isResponse, index);
    if (length < 0) return false;
    value.type = TYPE.str;
    value.bytes = stream.captures!.bytes;
    value.start = this.offset(stream, isResponse, index);
    value.end = value.start + length;
    return true;
  }

  /** A request head has come. */
  request(stream: Stream, arena: Uint8Array): void {
    const slots = this.#slots[stream.frontend]!;
    if (slots.requests > 0) this.#headers(stream, slots, stream.request, 0, slots.requests, arena);
    if (slots.cookie !== null) this.#cookie(stream, slots, stream.request, COOKIE, slots.at.length - 2, arena);
  }

  /** The final response head of a server has come. */
  response(stream: Stream, arena: Uint8Array): void {
    const slots = this.#slots[stream.frontend]!;
    const end = slots.requests + slots.responses;
    if (slots.responses > 0) this.#headers(stream, slots, stream.response, slots.requests, end, arena);
    if (slots.cookie !== null) this.#cookie(stream, slots, stream.response, SET_COOKIE, slots.at.length - 1, arena);
  }

  /** The last line of each wanted name is the one that is kept. */
  #headers(stream: Stream, slots: Slots, message: Message, from: number, to: number, arena: Uint8Array): void {
    const { headers, headerCount } = message;
    for (let slot = from; slot < to; slot++) {
      const name = slots.headers[slot];
      if (name === null || name === undefined) continue;
      for (let row = (headerCount - 1) * ROW; row >= 0; row -= ROW) {
        if (!isNamed(message, row, name, arena)) continue;
        this.#keep(stream, slots, slot, arena, headers[row + 2]!, headers[row + 3]!);
        break;
      }
    }
  }

  /** The first cookie that begins with the name. */
  #cookie(stream: Stream, slots: Slots, message: Message, header: Uint8Array, slot: number, arena: Uint8Array): void {
    const name = slots.cookie!;
    const { headers, headerCount } = message;
    for (let row = 0; row < headerCount * ROW; row += ROW) {
      if (!isNamed(message, row, header, arena)) continue;
      const lineEnd = headers[row + 3]!;
      for (let at = headers[row + 2]!; at < lineEnd; ) {
        while (at < lineEnd && (arena[at] === SPACE || arena[at] === TAB)) at++;
        let end = at;
        while (end < lineEnd && arena[end] !== SEMICOLON) end++;
        if (startsWith(arena, at, end, name)) {
          this.#keep(stream, slots, slot, arena, at, end);
          return;
        }
        // Of Set-Cookie only the first part is a cookie.
        if (header === SET_COOKIE) break;
        at = end + 1;
      }
    }
  }
}

function isNamed(message: Message, row: number, name: Uint8Array, arena: Uint8Array): boolean {
  const start = message.headers[row]!;
  return message.headers[row + 1]! - start === name.length && startsWith(arena, start, start + name.length, name);
}

function startsWith(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
}
