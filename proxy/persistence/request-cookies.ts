// The persistence cookie in requests: finds the server that it names, and takes out of the request what the server must not see.
//
//   insert indirect   Cookie: a=1; SRV=web1; b=2   ─▶  Cookie: a=1; b=2
//   prefix            Cookie: SID=web1~xyz         ─▶  Cookie: SID=xyz
//
// Lines only ever get shorter here, so they are edited where they stand: nothing can fail and nothing has to be given back.

import { dropHeader } from "../http1/framing.ts";
import { HEADER_INTS as INTS, type Message } from "../http1/message.ts";
import { OP_STATE, SERVER } from "../shared-state/layout.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import type { BackendCookie } from "./backend-cookie.ts";
import { DATE_BYTES, DATE_DELIMITER, laterBy, readDate } from "./cookie-date.ts";
import { CookieLine, isBlank } from "./cookie-line.ts";
import { REQUEST_COOKIE } from "./states.ts";

const HEADER_INTS = INTS;
const SPACE = 32;
const DOLLAR = 36;
const PREFIX_DELIMITER = 126; // ~
const COOKIE = Uint8Array.from(Buffer.from("cookie"));
const STOPPED = OP_STATE.stopped;
const { none, invalid, down, valid, expired, old, unused } = REQUEST_COOKIE;
/** A date further ahead than this is a clock gone wrong, not a date. */
const FUTURE_SECONDS_MAX = 86400;

export class RequestCookies {
  readonly #ctx: WorkerContext;
  readonly #line: CookieLine;
  /** What stood before the present cookie has gone. */
  #hasGap = false;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#line = new CookieLine(ctx.bytes);
  }

  /** Looks at all Cookie lines of the request. */
  read(stream: Stream, cookie: BackendCookie): void {
    const { request } = stream;
    const { headers } = request;
    const { bytes } = this.#ctx;
    stream.cookieLastDate = stream.cookieFirstDate = 0;
    for (let index = 0; index < request.headerCount; index++) {
      const row = index * HEADER_INTS;
      const name = headers[row]!;
      if (headers[row + 1]! - name !== COOKIE.length || bytes[name] !== COOKIE[0] || bytes[name + 5] !== COOKIE[5])
        continue;
      if (isCookie(bytes, name)) this.#readLine(stream, request, index, cookie);
    }
  }

  /**
   * One line: every cookie is copied to where it belongs, which is where it is until one has gone. Attributes of a cookie (`$Path`) share its
   * fate, and a line whose last own cookie goes does so as a whole.
   */
  #readLine(stream: Stream, request: Message, index: number, cookie: BackendCookie): void {
    const { bytes } = this.#ctx;
    const line = this.#line;
    const row = index * HEADER_INTS;
    const start = request.headers[row + 2]!;
    const end = request.headers[row + 3]!;
    let to = start;
    let keepsOther = false;
    let isRemoving = false;
    this.#hasGap = false;
    line.begin(start, end, true);
    while (line.advance()) {
      if (line.nameStart < end && bytes[line.nameStart] === DOLLAR) {
        if (!isRemoving) to = this.#keep(to, start, line.start, line.next);
        continue;
      }
      isRemoving = false;
      if (!line.hasValue) {
        keepsOther = true;
        to = this.#keep(to, start, line.start, line.next);
        continue;
      }
      let valueFrom = line.valueStart;
      if (line.isNamed(cookie.name)) {
        const rest = this.#own(stream, cookie);
        if (cookie.isPrefix && rest < line.valueEnd) {
          valueFrom = rest + 1;
          keepsOther = true;
        } else isRemoving = cookie.isHidden;
      } else keepsOther = true;
      if (isRemoving) {
        this.#hasGap = true;
        continue;
      }
      to = this.#keep(to, start, line.start, line.nameEnd);
      to = this.#copy(to, line.equals, line.equals + 1);
      to = this.#copy(to, valueFrom, line.next);
    }
    if (to === start || (isRemoving && !keepsOther)) dropHeader(request, index);
    else request.headers[row + 3] = to;
  }

  /**
   * Keeps [from, end) of the line. What comes first loses its delimiter and the blanks behind it; what comes behind a cookie that has gone
   * is given one blank, whatever it had.
   */
  #keep(to: number, lineStart: number, from: number, end: number): number {
    const { bytes } = this.#ctx;
    if (!this.#hasGap) return this.#copy(to, from, end);
    this.#hasGap = false;
    let at = from + 1;
    while (at < end && isBlank(bytes[at]!)) at++;
    if (to > lineStart) {
      bytes[to++] = bytes[from]!;
      bytes[to++] = SPACE;
    }
    return this.#copy(to, at, end);
  }

  #copy(to: number, from: number, end: number): number {
    const { bytes } = this.#ctx;
    if (to === from) return end;
    for (let at = from; at < end; ) bytes[to++] = bytes[at++]!;
    return to;
  }

  /** The cookie at the line's place is ours: settles what it says. Returns where the server's name in it ends. */
  #own(stream: Stream, cookie: BackendCookie): number {
    const { bytes } = this.#ctx;
    const line = this.#line;
    const start = line.valueStart;
    let nameEnd = start;
    const delimiter = cookie.isPrefix ? PREFIX_DELIMITER : DATE_DELIMITER;
    while (nameEnd < line.valueEnd && bytes[nameEnd] !== delimiter) nameEnd++;
    if (!cookie.isPrefix && nameEnd < line.valueEnd) this.#readDates(stream, nameEnd + 1, line.valueEnd);
    const isFresh = this.#checkDates(stream, cookie);
    const mayChoose = isFresh && nameEnd > start && (stream.flags & (STREAM.ignorePersist | STREAM.persistent)) === 0;
    if (mayChoose && this.#choose(stream, cookie, start, nameEnd)) return nameEnd;
    if (stream.requestCookie === none) {
      stream.requestCookie = (stream.flags & (STREAM.ignorePersist | STREAM.persistent)) !== 0 ? unused : invalid;
    }
    return isFresh ? nameEnd : start;
  }

  /** `last|first`, each five characters. */
  #readDates(stream: Stream, from: number, end: number): void {
    const { bytes } = this.#ctx;
    if (end - from >= DATE_BYTES) {
      const last = readDate(bytes, from);
      if (last !== 0) stream.cookieLastDate = last;
    }
    let at = from;
    while (at < end && bytes[at] !== DATE_DELIMITER) at++;
    if (end - at <= DATE_BYTES) return;
    const first = readDate(bytes, at + 1);
    if (first !== 0) stream.cookieFirstDate = first;
  }

  /** False: the cookie is too old to count. */
  #checkDates(stream: Stream, cookie: BackendCookie): boolean {
    const { maxlifeSeconds, maxidleSeconds } = cookie;
    if (maxlifeSeconds === 0 && maxidleSeconds === 0) return true;
    const now = this.#ctx.clock.wallSeconds();
    if (isPast(stream.cookieFirstDate, maxlifeSeconds, now)) stream.requestCookie = old;
    else if (isPast(stream.cookieLastDate, maxidleSeconds, now)) stream.requestCookie = expired;
    else return true;
    stream.cookieFirstDate = stream.cookieLastDate = 0;
    return false;
  }

  /** The first server of that name that may be used becomes the stream's. */
  #choose(stream: Stream, cookie: BackendCookie, start: number, end: number): boolean {
    const { bytes, shared } = this.#ctx;
    const anyState = cookie.toDownServers || (stream.flags & STREAM.forcePersist) !== 0;
    for (let i = 0; i < cookie.servers.length; i++) {
      const value = cookie.values[i]!;
      if (value === null || value.length !== end - start || !equalsAt(bytes, start, value)) continue;
      const server = cookie.servers[i]!;
      const isUp = shared.words[shared.serverAt(server) + SERVER.opState] !== STOPPED;
      stream.requestCookie = isUp ? valid : down;
      if (!isUp && !anyState) continue;
      stream.flags |= STREAM.persistent;
      stream.persistentServer = server;
      return true;
    }
    return false;
  }
}

function isCookie(bytes: Uint8Array, at: number): boolean {
  return equalsAt(bytes, at, COOKIE);
}

function equalsAt(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

/** Whether a date lies further back than `limit` seconds, or so far ahead that it cannot be right. No date and no limit: it does not. */
function isPast(date: number, limit: number, now: number): boolean {
  if (date === 0 || limit === 0) return false;
  const age = laterBy(now, date);
  return age > limit || -age > FUTURE_SECONDS_MAX;
}
