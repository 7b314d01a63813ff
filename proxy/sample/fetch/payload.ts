// Fetches of bytes as they came, before HTTP is spoken or in mode tcp: req.len, req.payload, req.payload_lv, rdp_cookie, and the same of the
// server's side. configuration.txt 7.3.5.
//
// What is there may still grow: then a value carries `mayChange`, and a condition that does not hold yet misses data instead of failing.

import type { Stream } from "../../stream/stream.ts";
import { STREAM } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { TYPE } from "../types.ts";
import { type Result, textBytes } from "../value.ts";
import { type FetchCompiler, integerArgument, single, stringArgument } from "./fetch.ts";

const FAIL = 0;
const MISS = 1;
const PASS = 2;
const HTTP = STREAM.http;

type Side = "request" | "response";

/** Looks at one side's bytes; null: a context without connections (tests). */
function lookAt(ctx: SampleContext, side: Side, stream: Stream): NonNullable<SampleContext["input"]> | null {
  const { input } = ctx;
  if (input === null) return null;
  if (side === "request") input.request(stream);
  else input.response(stream);
  return input;
}

function length(side: Side): FetchCompiler {
  return (ctx) => {
    const { value } = ctx;
    return single((stream) => {
      const input = lookAt(ctx, side, stream);
      if (input === null || (stream.flags & HTTP) !== 0) return FAIL;
      value.type = TYPE.sint;
      value.int = input.end - input.start;
      value.mayChange = !input.isComplete;
      return PASS;
    });
  };
}

function setBlock(ctx: SampleContext, start: number, end: number, type: number): Result {
  const { value } = ctx;
  value.type = type;
  value.bytes = ctx.bytes;
  value.start = start;
  value.end = end;
  return PASS;
}

/** `req.payload(offset,length)`; length 0: all that is there. */
function payload(side: Side): FetchCompiler {
  return (ctx, plan) => {
    const offset = integerArgument(plan, 0, 0);
    const wanted = integerArgument(plan, 1, 0);
    return single((stream) => {
      const input = lookAt(ctx, side, stream);
      if (input === null) return FAIL;
      const start = input.start + offset;
      const missing = input.isComplete ? FAIL : MISS;
      if (start + wanted > input.end || (wanted === 0 && start >= input.end)) return missing;
      ctx.value.mayChange = wanted === 0 && !input.isComplete;
      return setBlock(ctx, start, wanted === 0 ? input.end : start + wanted, TYPE.bin);
    });
  };
}

/** `req.payload_lv(offset1,length[,offset2])`: a length of some bytes, and a block of that length behind it or somewhere else. */
function payloadBehindLength(side: Side): FetchCompiler {
  return (ctx, plan) => {
    const lengthAt = integerArgument(plan, 0, 0);
    const lengthBytes = integerArgument(plan, 1, 0);
    const given = stringArgument(plan, 2);
    const isRelative = given === "" || /^[+-]/.test(given);
    const offset = (isRelative ? lengthAt + lengthBytes : 0) + (given === "" ? 0 : Number(given));
    return single((stream) => {
      const input = lookAt(ctx, side, stream);
      if (input === null) return FAIL;
      const missing = input.isComplete ? FAIL : MISS;
      if (input.start + lengthAt + lengthBytes > input.end) return missing;
      let size = 0;
      for (let i = 0; i < lengthBytes; i++) size = size * 256 + ctx.bytes[input.start + lengthAt + i]!;
      if (size === 0) return FAIL;
      const start = input.start + offset;
      if (start + size > input.end) return missing;
      return setBlock(ctx, start, start + size, TYPE.bin);
    });
  };
}

const RDP_COOKIE = textBytes("cookie: ");
/** TPKT and X.224 headers in front of the cookie. */
const RDP_HEADER_BYTES = 11;
const CR = 13;
const EQUALS = 61;

function lower(c: number): number {
  return c >= 65 && c <= 90 ? c | 32 : c;
}

/** Finds the RDP cookie of that name (any, when it is empty) and makes its value the context's. */
function findRdpCookie(ctx: SampleContext, stream: Stream, name: Uint8Array): Result {
  const input = lookAt(ctx, "request", stream);
  if (input === null) return FAIL;
  const { bytes } = ctx;
  const missing = input.isComplete ? FAIL : MISS;
  const { start, end } = input;
  if (end - start <= RDP_HEADER_BYTES) return missing;
  // TPKT version 3; X.224 connection request; its length leaves out one byte itself.
  const size = bytes[start + 4]!;
  if (bytes[start] !== 3 || bytes[start + 5] !== 0xe0 || size < 6) return FAIL;
  const last = start + 5 + size;
  if (last > end) return missing;
  let at = start + RDP_HEADER_BYTES;
  for (let i = 0; i < RDP_COOKIE.length; i++) if (lower(bytes[at + i]!) !== RDP_COOKIE[i]) return FAIL;
  at += RDP_COOKIE.length;
  const nameStart = at;
  while (at < last && bytes[at] !== EQUALS) at++;
  if (at >= last) return FAIL;
  if (name.length > 0) {
    if (at - nameStart !== name.length) return FAIL;
    for (let i = 0; i < name.length; i++) if (lower(bytes[nameStart + i]!) !== name[i]) return FAIL;
  }
  const valueStart = ++at;
  while (at < last && bytes[at] !== CR) at++;
  return at < last ? setBlock(ctx, valueStart, at, TYPE.str) : FAIL;
}

const rdpCookie: FetchCompiler = (ctx, plan) => {
  const name = textBytes(stringArgument(plan, 0).toLowerCase());
  return single((stream) => findRdpCookie(ctx, stream, name));
};

const rdpCookieCount: FetchCompiler = (ctx, plan) => {
  const name = textBytes(stringArgument(plan, 0).toLowerCase());
  return single((stream) => {
    const result = findRdpCookie(ctx, stream, name);
    if (result === MISS) return MISS;
    ctx.value.type = TYPE.sint;
    ctx.value.int = result === PASS ? 1 : 0;
    return PASS;
  });
};

/** A request was parsed, or its head is on the way. In mode tcp rules look whether the client speaks HTTP (rules/http-peek.ts). */
const protoHttp: FetchCompiler = ({ value }) =>
  single((stream) => {
    const isHttp = (stream.flags & (HTTP | STREAM.peeked)) !== 0;
    if (isHttp && stream.request.end === stream.request.start) return MISS;
    value.type = TYPE.bool;
    value.int = isHttp ? 1 : 0;
    return PASS;
  });

/** True once nobody waits for more. */
const waitEnd: FetchCompiler = (ctx) =>
  single((stream) => {
    if (ctx.mayMiss && (stream.flags & STREAM.dataIsFinal) === 0) return MISS;
    ctx.value.type = TYPE.bool;
    ctx.value.int = 1;
    return PASS;
  });

/** By canonical name, see fetches.table.ts. */
export const PAYLOAD_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  "req.len": length("request"),
  "req.payload": payload("request"),
  "req.payload_lv": payloadBehindLength("request"),
  "req.proto_http": protoHttp,
  "req.rdp_cookie": rdpCookie,
  "req.rdp_cookie_cnt": rdpCookieCount,
  "res.len": length("response"),
  "res.payload": payload("response"),
  "res.payload_lv": payloadBehindLength("response"),
  wait_end: waitEnd,
};
