// What a client says it is: `http_auth`, `http_auth_group` against a userlist, and the parts of the Authorization header. They make
// strings, but only of requests that carry one.

import { readBasic } from "../../auth/userlists.ts";
import { HEADER_INTS } from "../../http1/message.ts";
import type { Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { TYPE } from "../types.ts";
import { latin1, textBytes } from "../value.ts";
import { type FetchCompiler, type FetchFunction, integerArgument, single, stringArgument } from "./fetch.ts";
import { requestReady } from "./request-line.ts";

const FAIL = 0;
const PASS = 2;
const NAME = textBytes("authorization");
const SPACE = 32;

/** The value of a header, null: there is none of that name. */
function headerValue({ bytes }: SampleContext, { request }: Stream, name: Uint8Array): string | null {
  for (let row = 0; row < request.headerCount * HEADER_INTS; row += HEADER_INTS) {
    const start = request.headers[row]!;
    if (request.headers[row + 1]! - start !== name.length) continue;
    let i = 0;
    while (i < name.length && bytes[start + i] === name[i]) i++;
    if (i === name.length) return latin1(bytes, request.headers[row + 2]!, request.headers[row + 3]!);
  }
  return null;
}

function giveText(ctx: SampleContext, text: string): 2 {
  ctx.value.type = TYPE.str;
  ctx.value.bytes = textBytes(text);
  ctx.value.start = 0;
  ctx.value.end = text.length;
  return PASS;
}

const httpAuth: FetchCompiler = (ctx, plan) => {
  const list = integerArgument(plan, 0, 0);
  return single((stream) => {
    const ready = requestReady(stream);
    if (ready !== PASS) return ready;
    const basic = readBasic(headerValue(ctx, stream, NAME) ?? "");
    ctx.value.type = TYPE.bool;
    ctx.value.int = basic !== null && ctx.userlists.authenticate(list, basic.user, basic.password) !== null ? 1 : 0;
    return PASS;
  });
};

/** In an ACL, the groups of the authenticated user one after the other; else the user's name. */
const httpAuthGroup: FetchCompiler = (ctx, plan, iterate) => {
  const list = integerArgument(plan, 0, 0);
  let groups: readonly string[] = [];
  let at = 0;
  const next: FetchFunction = () => (at < groups.length ? giveText(ctx, groups[at++]!) : FAIL);
  const first: FetchFunction = (stream) => {
    const ready = requestReady(stream);
    if (ready !== PASS) return ready;
    const basic = readBasic(headerValue(ctx, stream, NAME) ?? "");
    const user = basic === null ? null : ctx.userlists.authenticate(list, basic.user, basic.password);
    if (user === null) return FAIL;
    if (!iterate) return giveText(ctx, user.name);
    groups = user.groups;
    at = 0;
    return next(stream);
  };
  return { first, next: iterate ? next : null };
};

function part(of: (header: string) => string | null): FetchCompiler {
  return (ctx) =>
    single((stream) => {
      const ready = requestReady(stream);
      if (ready !== PASS) return ready;
      const header = headerValue(ctx, stream, NAME);
      const text = header === null ? null : of(header);
      return text === null ? FAIL : giveText(ctx, text);
    });
}

/** `http_auth_bearer([<header>])`: the token behind the scheme. */
const bearer: FetchCompiler = (ctx, plan) => {
  const name = textBytes(stringArgument(plan, 0).toLowerCase());
  return single((stream) => {
    const ready = requestReady(stream);
    if (ready !== PASS) return ready;
    const header = headerValue(ctx, stream, name.length === 0 ? NAME : name);
    const token = header === null ? undefined : /^bearer +(.+)$/is.exec(header)?.[1];
    return token === undefined ? FAIL : giveText(ctx, token);
  });
};

const scheme = (header: string): string | null => {
  const blank = header.indexOf(String.fromCharCode(SPACE));
  return blank <= 0 ? null : header.slice(0, blank);
};

/** By canonical name, see fetches.table.ts. */
export const AUTH_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  http_auth: httpAuth,
  http_auth_bearer: bearer,
  http_auth_group: httpAuthGroup,
  http_auth_pass: part((header) => readBasic(header)?.password ?? null),
  http_auth_type: part(scheme),
  http_auth_user: part((header) => readBasic(header)?.user ?? null),
};
