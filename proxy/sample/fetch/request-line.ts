// Fetches of the request line: method, url, path, query, version, and base (Host and path together). configuration.txt 7.3.6.
//
// What HAProxy 3.2 was seen to answer where the text leaves it open: `*` and authority form have no path ("not found", base is the
// host alone); an absolute URI without a path has the path "/"; `query` is found, and empty, after a bare `?`; `url32` hashes baseq.

import { MESSAGE, METHOD, type Message, versionText } from "../../http1/message.ts";
import { STREAM, type Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { avalanche, sdbm } from "../hash.ts";
import { TYPE } from "../types.ts";
import { type Result, type SampleValue, textBytes } from "../value.ts";
import { CLIENT_FETCHES } from "./client.ts";
import { type FetchCompiler, type FetchFunction, single, stringArgument } from "./fetch.ts";

const FAIL = 0;
const MISS = 1;
const PASS = 2;
const HTTP = STREAM.http | STREAM.peeked;
const HEADER_INTS = 5;
const SLASH_BYTE = 47;

const SLASH = textBytes("/");
/** The number behind `HTTP/`. */
const VERSION_START = 5;
const VERSION_END = 8;

/** Pass when the stream has a complete request head, miss while it is still to come, fail where there never is one (mode tcp). */
export function requestReady(stream: Stream): Result {
  if ((stream.flags & HTTP) === 0) return FAIL;
  return stream.request.end === stream.request.start ? MISS : PASS;
}

function setBytes(value: SampleValue, bytes: Uint8Array, start: number, end: number): Result {
  value.type = TYPE.str;
  value.bytes = bytes;
  value.start = start;
  value.end = end;
  return PASS;
}

/** Sets the path, with the query or without; fails for `*` and authority form. */
function setPath(ctx: SampleContext, message: Message, withQuery: boolean): Result {
  const start = message.pathStart;
  if (start === message.pathEnd) {
    if ((message.flags & MESSAGE.absoluteForm) === 0) return FAIL;
    return setBytes(ctx.value, SLASH, 0, 1);
  }
  // `*`, and a query behind the authority.
  if (ctx.bytes[start] !== SLASH_BYTE) return FAIL;
  const end = withQuery || message.queryStart === 0 ? message.pathEnd : message.queryStart - 1;
  return setBytes(ctx.value, ctx.bytes, start, end);
}

function pathFetch(withQuery: boolean): FetchCompiler {
  return (ctx) =>
    single((stream) => {
      const ready = requestReady(stream);
      return ready === PASS ? setPath(ctx, stream.request, withQuery) : ready;
    });
}

/** Host and path, with the query or without, one after the other in a scratch area. */
function setHostAndPath(ctx: SampleContext, message: Message, withQuery: boolean): Result {
  const value = ctx.value;
  const scratch = value.scratch();
  let length = 0;
  if (message.hostIndex >= 0) {
    const host = message.hostIndex * HEADER_INTS;
    length = copy(scratch, 0, ctx.bytes, message.headers[host + 2]!, message.headers[host + 3]!);
  }
  if (setPath(ctx, message, withQuery) === PASS) {
    length = copy(scratch, length, value.bytes, value.start, value.end);
  } else if (length === 0) return FAIL;
  return setBytes(value, scratch, 0, length);
}

/** Copies as much as fits; heads are smaller than a buffer, and scratch areas are as big as one. */
function copy(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end && at < target.length; i++) target[at++] = source[i]!;
  return at;
}

function baseFetch(withQuery: boolean, hashed: boolean): FetchCompiler {
  return (ctx) => {
    const value = ctx.value;
    return single((stream) => {
      const ready = requestReady(stream);
      if (ready !== PASS) return ready;
      const result = setHostAndPath(ctx, stream.request, withQuery);
      if (result !== PASS || !hashed) return result;
      value.int = avalanche(sdbm(value.bytes, value.start, value.end)) >>> 0;
      value.type = TYPE.sint;
      return PASS;
    });
  };
}

/** The hash of base (or baseq) and the client's address, one behind the other: the key of stick tables that count clients by page. */
function hashAndSource(hash: FetchCompiler): FetchCompiler {
  return (ctx, plan, iterate) => {
    const { value } = ctx;
    const hashed = hash(ctx, plan, iterate).first;
    const source = CLIENT_FETCHES["src"]!(ctx, plan, iterate).first;
    return single((stream) => {
      const ready = hashed(stream);
      if (ready !== PASS) return ready;
      const scratch = value.scratch();
      const int = value.int;
      for (let i = 0; i < 4; i++) scratch[i] = int >>> (24 - i * 8);
      // Without an address (a UNIX socket) the hash stands alone.
      const length = source(stream) !== PASS ? 0 : value.type === TYPE.ipv6 ? 16 : 4;
      for (let i = 0; i < length; i++) scratch[4 + i] = value.address[i]!;
      setBytes(value, scratch, 0, 4 + length);
      value.type = TYPE.bin;
      return PASS;
    });
  };
}

/** The status of the answer, whoever made it. */
const transactionStatus: FetchCompiler = ({ value }) =>
  single((stream) => {
    if (stream.status < 0) return FAIL;
    value.type = TYPE.sint;
    value.int = stream.status;
    return PASS;
  });

const url: FetchCompiler = (ctx) =>
  single((stream) => {
    const ready = requestReady(stream);
    if (ready !== PASS) return ready;
    return setBytes(ctx.value, ctx.bytes, stream.request.targetStart, stream.request.targetEnd);
  });

const query: FetchCompiler = (ctx, plan) => {
  const withMark = stringArgument(plan, 0) === "with_qm";
  return single((stream) => {
    const ready = requestReady(stream);
    if (ready !== PASS) return ready;
    const message = stream.request;
    const start = message.queryStart;
    if (start === 0) return FAIL;
    const shown = withMark && message.pathEnd > start ? start - 1 : start;
    return setBytes(ctx.value, ctx.bytes, shown, message.pathEnd);
  });
};

const method: FetchCompiler = (ctx) => {
  const value = ctx.value;
  return single((stream) => {
    const ready = requestReady(stream);
    if (ready !== PASS) return ready;
    const message = stream.request;
    setBytes(value, ctx.bytes, message.methodStart, message.methodEnd);
    value.type = TYPE.meth;
    value.int = message.method <= METHOD.other ? message.method : METHOD.other;
    return PASS;
  });
};

function versionFetch(of: "request" | "response"): FetchCompiler {
  return (ctx) => {
    const first: FetchFunction = (stream) => {
      const message = of === "request" ? stream.request : stream.response;
      if ((stream.flags & HTTP) === 0) return FAIL;
      if (message.end === message.start) return MISS;
      return setBytes(ctx.value, versionText(message.flags), VERSION_START, VERSION_END);
    };
    return single(first);
  };
}

const status: FetchCompiler = (ctx) => {
  const value = ctx.value;
  return single((stream) => {
    if ((stream.flags & HTTP) === 0) return FAIL;
    if (stream.response.end === stream.response.start) return MISS;
    value.type = TYPE.sint;
    value.int = stream.response.shownStatus || stream.response.status;
    return PASS;
  });
};

/** By canonical name, see fetches.table.ts. */
export const REQUEST_LINE_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  base: baseFetch(false, false),
  base32: baseFetch(false, true),
  "base32+src": hashAndSource(baseFetch(false, true)),
  baseq: baseFetch(true, false),
  method,
  path: pathFetch(false),
  pathq: pathFetch(true),
  query,
  "req.ver": versionFetch("request"),
  "res.ver": versionFetch("response"),
  status,
  "txn.status": transactionStatus,
  url,
  url32: baseFetch(true, true),
  "url32+src": hashAndSource(baseFetch(true, true)),
};
