// Fetches of TLS hellos that pass through undecrypted, configuration.txt 7.3.5: req.ssl_sni, req.ssl_hello_type and the like, on what has come of a
// connection of mode tcp (or before HTTP is spoken). What is not there yet may still come: then they miss data.

import type { Stream } from "../../stream/stream.ts";
import { STREAM } from "../../stream/stream.ts";
import { ClientHello, EXTENSION, HELLO } from "../../tls/client-hello.ts";
import type { SampleContext } from "../context.ts";
import { TYPE } from "../types.ts";
import type { Result } from "../value.ts";
import { type FetchCompiler, type FetchFunction, single } from "./fetch.ts";

const FAIL = 0;
const MISS = 1;
const PASS = 2;
const WHOLE = HELLO.whole;
const INCOMPLETE = HELLO.incomplete;

const hello = new ClientHello();

function inputOf(ctx: SampleContext, stream: Stream, side: "request" | "response"): SampleContext["input"] {
  const { input } = ctx;
  if (input === null || (stream.flags & STREAM.http) !== 0) return null;
  if (side === "request") input.request(stream);
  else input.response(stream);
  return input;
}

/** Reads the client's hello, and what of it is wanted. */
function ofHello(take: (ctx: SampleContext, stream: Stream) => Result): FetchCompiler {
  return (ctx) =>
    single((stream) => {
      const input = inputOf(ctx, stream, "request");
      if (input === null) return FAIL;
      const verdict = hello.read(ctx.bytes, input.start, input.end);
      if (verdict === WHOLE) return take(ctx, stream);
      return verdict === INCOMPLETE && !input.isComplete ? MISS : FAIL;
    });
}

function setRange({ value, bytes }: SampleContext, type: number, start: number, end: number): Result {
  value.type = type;
  value.bytes = bytes;
  value.start = start;
  value.end = end;
  return PASS;
}

function setInteger({ value }: SampleContext, type: number, int: number): Result {
  value.type = type;
  value.int = int;
  return PASS;
}

const list = (extension: number): FetchCompiler =>
  ofHello((ctx) => (hello.findList(extension) ? setRange(ctx, TYPE.bin, hello.start, hello.end) : FAIL));

/** All groups for which a key share came. */
const keyShareGroups = ofHello((ctx) => {
  if (!hello.findList(EXTENSION.keyShare)) return FAIL;
  const { value, bytes } = ctx;
  const out = value.scratch();
  let length = 0;
  for (let at = hello.start; at + 4 <= hello.end && length + 2 <= out.length; ) {
    out[length++] = bytes[at]!;
    out[length++] = bytes[at + 1]!;
    at += 4 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
  }
  value.type = TYPE.bin;
  value.bytes = out;
  value.start = 0;
  value.end = length;
  return PASS;
});

/** The protocols that the client offers, one after the other. */
const alpn: FetchCompiler = (ctx) => {
  let at = 0;
  let end = 0;
  const next: FetchFunction = () => {
    if (at >= end) return FAIL;
    const length = ctx.bytes[at]!;
    const start = at + 1;
    at = start + length;
    return at > end ? FAIL : setRange(ctx, TYPE.str, start, at);
  };
  const first = ofHello((_, stream) => {
    at = end = 0;
    if (!hello.findList(EXTENSION.alpn)) return FAIL;
    at = hello.start;
    end = hello.end;
    return next(stream);
  });
  return { first: first(ctx, { fetch: "", arguments: [], converters: [] }, true).first, next };
};

/** Types of records that SSLv3 and its successors have, and 0xff. */
const isRecord = (type: number): boolean => (type >= 0x14 && type <= 0x17) || type === 0xff;

/** The handshake message's type: 1 client's, 2 server's hello. */
function helloType(side: "request" | "response"): FetchCompiler {
  return (ctx) =>
    single((stream) => {
      const input = inputOf(ctx, stream, side);
      if (input === null) return FAIL;
      const { bytes } = ctx;
      const { start } = input;
      const there = input.end - start;
      const missing = input.isComplete ? FAIL : MISS;
      if (there < 1) return missing;
      if (!isRecord(bytes[start]!)) return FAIL;
      if (there < 9) return missing;
      if (bytes[start + 1]! < 3 || ((bytes[start + 3]! << 8) | bytes[start + 4]!) < 4) return FAIL;
      const length = (bytes[start + 6]! << 16) | (bytes[start + 7]! << 8) | bytes[start + 8]!;
      return there < 9 + length ? missing : setInteger(ctx, TYPE.sint, bytes[start + 5]!);
    });
}

const RECORD_BYTES_MAX = (1 << 14) + 2048;

/** The hello's version as major × 65536 + minor; also of SSLv2's format. */
const version: FetchCompiler = (ctx) =>
  single((stream) => {
    const input = inputOf(ctx, stream, "request");
    if (input === null) return FAIL;
    const { bytes } = ctx;
    const { start } = input;
    const there = input.end - start;
    const missing = input.isComplete ? FAIL : MISS;
    if (there < 1) return missing;
    if (!isRecord(bytes[start]!)) return version2(ctx, start, there, missing);
    if (there < 11) return missing;
    const length = (bytes[start + 3]! << 8) | bytes[start + 4]!;
    if (bytes[start + 1]! < 3 || length < 6 || length > RECORD_BYTES_MAX) return FAIL;
    const wanted = Math.min(length, ctx.plan.global.bufsizeBytes - 5);
    return there - 5 < wanted ? missing : setInteger(ctx, TYPE.sint, (bytes[start + 9]! << 16) | bytes[start + 10]!);
  });

/** SSLv2: two or three bytes of length, the message's type, version, and the lengths of ciphers, session id and challenge. */
function version2(ctx: SampleContext, start: number, there: number, missing: 0 | 1): Result {
  const { bytes } = ctx;
  const isShort = (bytes[start]! & 0x80) !== 0;
  const at = start + (isShort ? 2 : 3);
  if (there < (isShort ? 3 : 4)) return missing;
  if (bytes[at] !== 1) return FAIL;
  const head = at + 1;
  if (start + there < head + 8) return missing;
  const word = (offset: number): number => (bytes[offset]! << 8) | bytes[offset + 1]!;
  const record = isShort ? word(start) & 0x7fff : word(start) & 0x3fff;
  const [ciphers, id, challenge] = [word(head + 2), word(head + 4), word(head + 6)];
  if (ciphers % 3 !== 0 || (id !== 0 && id !== 16) || challenge < 16 || challenge > 32) return FAIL;
  if (record !== 9 + ciphers + id + challenge) return FAIL;
  const rest = ciphers + id + challenge + (isShort ? 0 : bytes[start + 2]!);
  if (start + there < head + 8 + rest) return missing;
  return setInteger(ctx, TYPE.sint, (bytes[head]! << 16) | bytes[head + 1]!);
}

/** By canonical name, see fetches.table.ts. */
export const HELLO_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  "req.ssl_alpn": alpn,
  "req.ssl_cipherlist": ofHello((ctx) => setRange(ctx, TYPE.bin, hello.cipherStart, hello.cipherEnd)),
  "req.ssl_ec_ext": ofHello((ctx) => (hello.find(EXTENSION.supportedGroups) ? setInteger(ctx, TYPE.bool, 1) : FAIL)),
  "req.ssl_hello_type": helloType("request"),
  "req.ssl_keyshare_groups": keyShareGroups,
  "req.ssl_sigalgs": list(EXTENSION.signatureAlgorithms),
  "req.ssl_sni": ofHello((ctx) => (hello.findServerName() ? setRange(ctx, TYPE.str, hello.start, hello.end) : FAIL)),
  "req.ssl_st_ext": ofHello((ctx) => {
    const state = !hello.find(EXTENSION.sessionTicket) ? 0 : hello.end > hello.start ? 2 : 1;
    return setInteger(ctx, TYPE.sint, state);
  }),
  "req.ssl_supported_groups": list(EXTENSION.supportedGroups),
  "req.ssl_ver": version,
  "res.ssl_hello_type": helloType("response"),
};
