// Fetches of the host in a request's target, where it has one: url_ip, url_port. configuration.txt 7.3.6.

import { readAddress } from "../../../shared/ip/address.ts";
import { MESSAGE, type Message } from "../../http1/message.ts";
import type { SampleContext } from "../context.ts";
import { TYPE } from "../types.ts";
import { type FetchCompiler, single } from "./fetch.ts";
import { requestReady } from "./request-line.ts";

const FAIL = 0;
const PASS = 2;
const COLON = 58;
const SLASH = 47;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const DEFAULT_PORT = 80;

/** What stands between `://` and the path; false: the target has no host. */
const authority = { start: 0, hostEnd: 0, port: 0 };

function findAuthority(bytes: Uint8Array, message: Message): boolean {
  let at = message.targetStart;
  const end = message.targetEnd;
  if ((message.flags & MESSAGE.authorityForm) === 0) {
    if ((message.flags & MESSAGE.absoluteForm) === 0) return false;
    while (at < end && bytes[at] !== COLON) at++;
    at += 3;
  }
  authority.start = at;
  let last = at;
  while (last < end && bytes[last] !== SLASH && bytes[last] !== 63) last++;
  let colon = last - 1;
  while (colon >= at && bytes[colon] !== COLON && bytes[colon] !== BRACKET_CLOSE) colon--;
  authority.port = DEFAULT_PORT;
  authority.hostEnd = last;
  if (colon < at || bytes[colon] !== COLON) return true;
  authority.hostEnd = colon;
  let port = 0;
  for (let i = colon + 1; i < last; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return true;
    port = port * 10 + digit;
  }
  if (port <= 65535) authority.port = port;
  return true;
}

const urlIp: FetchCompiler = (ctx: SampleContext) =>
  single((stream) => {
    const ready = requestReady(stream);
    if (ready !== PASS) return ready;
    if (!findAuthority(ctx.bytes, stream.request)) return FAIL;
    const isBracketed = ctx.bytes[authority.start] === BRACKET_OPEN;
    const start = authority.start + (isBracketed ? 1 : 0);
    const end = authority.hostEnd - (isBracketed ? 1 : 0);
    const length = readAddress(ctx.bytes, start, end, ctx.value.address);
    if (length === 0) return FAIL;
    ctx.value.type = length === 4 ? TYPE.ipv4 : TYPE.ipv6;
    return PASS;
  });

const urlPort: FetchCompiler = (ctx) =>
  single((stream) => {
    const ready = requestReady(stream);
    if (ready !== PASS) return ready;
    if (!findAuthority(ctx.bytes, stream.request)) return FAIL;
    ctx.value.type = TYPE.sint;
    ctx.value.int = authority.port;
    return PASS;
  });

/** By canonical name, see fetches.table.ts. */
export const URL_HOST_FETCHES: Readonly<Record<string, FetchCompiler>> = { url_ip: urlIp, url_port: urlPort };
