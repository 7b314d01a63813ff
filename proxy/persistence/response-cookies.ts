// The persistence cookie in responses: what becomes of the server's own Set-Cookie of that name, and the one that is inserted.
//
//   insert     the server's is taken out; Set-Cookie: SRV=web1; path=/ is added unless the client came with it
//   rewrite    Set-Cookie: SRV=whatever ─▶ Set-Cookie: SRV=web1
//   prefix     Set-Cookie: SID=xyz      ─▶ Set-Cookie: SID=web1~xyz
//
// New text goes to an area of the worker's own, one head at a time, as the edits of rules do (rules/head-edits.ts).

import { dropHeader } from "../http1/framing.ts";
import { HEADER_INTS as INTS, METHOD, type Message } from "../http1/message.ts";
import { ResponseEdits } from "../rules/head-edits.ts";
import { textBytes } from "../sample/value.ts";
import { COUNTER } from "../shared-state/layout.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import type { BackendCookie } from "./backend-cookie.ts";
import { isCacheable } from "./cacheability.ts";
import { DATE_BYTES, DATE_DELIMITER, writeDate } from "./cookie-date.ts";
import { CookieLine } from "./cookie-line.ts";
import { RESPONSE_COOKIE } from "./states.ts";

const HEADER_INTS = INTS;
const PREFIX_DELIMITER = 126; // ~
const NAME_SET_COOKIE = textBytes("set-cookie");
const SET_COOKIE = textBytes("set-cookie: ");
const CACHE_CONTROL = textBytes("cache-control: ");
const PRIVATE = textBytes("private");
const { found, deleted, inserted, replaced, updated } = RESPONSE_COOKIE;

export class ResponseCookies {
  readonly #ctx: WorkerContext;
  readonly #edits: ResponseEdits;
  readonly #line: CookieLine;
  /** Where a cookie that is inserted is put together. */
  readonly #text: Uint8Array;

  /** @param area arena offset of a buffer's size of bytes that are this object's alone */
  constructor(ctx: WorkerContext, area: number) {
    this.#ctx = ctx;
    this.#edits = new ResponseEdits(ctx.bytes, area, ctx.pool.size);
    this.#line = new CookieLine(ctx.bytes);
    this.#text = new Uint8Array(ctx.pool.size);
  }

  /** False: there is no room for what has to be said. */
  write(stream: Stream, cookie: BackendCookie): boolean {
    this.#edits.begin();
    if ((stream.flags & STREAM.ignorePersist) !== 0) return true;
    this.#readServers(stream, cookie);
    if (!cookie.isInsert || stream.serverIndex < 0 || !this.#mustInsert(stream, cookie)) return true;
    return this.#insert(stream, cookie);
  }

  #readServers(stream: Stream, cookie: BackendCookie): void {
    const { response } = stream;
    const edits = this.#edits;
    const line = this.#line;
    for (let index = 0; index < response.headerCount; index++) {
      const row = index * HEADER_INTS;
      if (!edits.isNamed(response, row, NAME_SET_COOKIE)) continue;
      line.begin(response.headers[row + 2]!, response.headers[row + 3]!, false);
      if (!line.advance() || !line.hasValue) continue;
      this.#tighten(response, row);
      if (line.isNamed(cookie.name)) this.#own(stream, response, index, cookie);
    }
  }

  /** Takes out blanks around the equal sign, which most clients do not understand. */
  #tighten(response: Message, row: number): void {
    const { bytes } = this.#ctx;
    const line = this.#line;
    if (line.equals === line.nameEnd && line.valueStart === line.equals + 1) return;
    let to = line.nameEnd;
    bytes[to++] = bytes[line.equals]!;
    for (let at = line.valueStart; at < response.headers[row + 3]!; ) bytes[to++] = bytes[at++]!;
    response.headers[row + 3] = to;
    line.valueEnd -= line.valueStart - line.nameEnd - 1;
    line.equals = line.nameEnd;
    line.valueStart = line.nameEnd + 1;
  }

  /** The line at `index` is a cookie of our name that the server sets. */
  #own(stream: Stream, response: Message, index: number, cookie: BackendCookie): void {
    const server = stream.serverIndex;
    const isDirect = (stream.flags & STREAM.persistent) !== 0;
    stream.responseCookie = found;
    if (cookie.preserve) return;
    if ((server >= 0 && cookie.isInsert) || (isDirect && cookie.indirect)) {
      dropHeader(response, index);
      stream.responseCookie = deleted;
      return;
    }
    const value = server < 0 ? null : cookie.values[server - cookie.firstServer]!;
    if (value === null || !(cookie.isRewrite || cookie.isPrefix)) return;
    if (this.#replace(stream, response, index, value, cookie.isPrefix)) stream.responseCookie = replaced;
    else {
      const { lifecycle } = this.#ctx;
      lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.failedRewrites);
      lifecycle.count(lifecycle.frontendAt[stream.frontend]!, COUNTER.failedRewrites);
    }
  }

  /** Writes the line anew: `NAME=` and the server's value in place of the old one or, with a `~`, in front of it. */
  #replace(stream: Stream, response: Message, index: number, value: Uint8Array, isPrefix: boolean): boolean {
    const { bytes } = this.#ctx;
    const line = this.#line;
    const row = index * HEADER_INTS;
    const text = this.#text;
    const end = response.headers[row + 3]!;
    if (line.nameEnd - line.nameStart + value.length + 2 + end - line.valueStart > text.length) return false;
    let to = 0;
    for (let at = line.nameStart; at < line.nameEnd; ) text[to++] = bytes[at++]!;
    text[to++] = bytes[line.equals]!;
    for (let i = 0; i < value.length; ) text[to++] = value[i++]!;
    if (isPrefix) text[to++] = PREFIX_DELIMITER;
    for (let at = isPrefix ? line.valueStart : line.valueEnd; at < end; ) text[to++] = bytes[at++]!;
    return this.#edits.setValue(stream, row, text, to);
  }

  /** The client does not have the cookie yet, or its dates have to be renewed, set or taken out. */
  #mustInsert(stream: Stream, cookie: BackendCookie): boolean {
    if (stream.responseCookie === found && cookie.preserve) return false;
    if (cookie.postonly && stream.request.method !== METHOD.post) return false;
    if ((stream.flags & STREAM.persistent) === 0) return true;
    const knows = stream.requestCookie !== 0;
    const last = knows ? stream.cookieLastDate : 0;
    const first = knows ? stream.cookieFirstDate : 0;
    const isDated = cookie.maxidleSeconds > 0 || last !== 0;
    if (isDated && (last === 0 || last < this.#ctx.clock.wallSeconds())) return true;
    return cookie.maxlifeSeconds > 0 ? first === 0 : first !== 0;
  }

  #insert(stream: Stream, cookie: BackendCookie): boolean {
    const edits = this.#edits;
    const text = this.#text;
    const position = stream.serverIndex - cookie.firstServer;
    const beginning = cookie.inserted[position]!;
    const hasValue = cookie.values[position] !== null;
    if (beginning.length + cookie.ending.length + 2 * (DATE_BYTES + 1) > text.length) return false;
    let to = beginning.length;
    for (let i = 0; i < to; i++) text[i] = beginning[i]!;
    if (hasValue && (cookie.maxidleSeconds > 0 || cookie.maxlifeSeconds > 0)) to = this.#dates(stream, cookie, to);
    for (let i = 0; i < cookie.ending.length; ) text[to++] = cookie.ending[i++]!;
    if (!edits.add(stream, SET_COOKIE, text, to)) return false;
    stream.responseCookie = hasValue && (stream.flags & STREAM.persistent) !== 0 ? updated : inserted;
    // A shared cache must not give one client's cookie to all.
    if (cookie.nocache && isCacheable(this.#ctx.bytes, stream)) {
      return edits.add(stream, CACHE_CONTROL, PRIVATE, PRIVATE.length);
    }
    return true;
  }

  #dates(stream: Stream, cookie: BackendCookie, at: number): number {
    const text = this.#text;
    const now = this.#ctx.clock.wallSeconds();
    let to = at;
    text[to++] = DATE_DELIMITER;
    writeDate(text, to, now);
    to += DATE_BYTES;
    if (cookie.maxlifeSeconds === 0) return to;
    text[to++] = DATE_DELIMITER;
    const first = stream.requestCookie === 0 ? 0 : stream.cookieFirstDate;
    writeDate(text, to, first !== 0 ? first : now);
    return to + DATE_BYTES;
  }
}
