// Compiles a sample expression of the plan (a fetch and its converters) to functions of one worker.
//
//   SamplePlan {fetch, converters} ── tables ──> types ── fetch/, cast.ts, convert/ ──> CompiledSample {first, next, type}
//
// Mistakes in here are bugs: config/ has checked names, arguments and types against the same tables.

import type { SamplePlan, SampleType } from "../plan/expression.ts";
import type { Stream } from "../stream/stream.ts";
import { castBetween } from "./cast.ts";
import type { SampleContext } from "./context.ts";
import { ADDRESS_CONVERTERS } from "./convert/address.ts";
import { BASE64_CONVERTERS } from "./convert/base64.ts";
import { CAPTURE_CONVERTERS } from "./convert/capture.ts";
import { CIPHER_CONVERTERS } from "./convert/cipher.ts";
import { COMPARE_CONVERTERS } from "./convert/compare.ts";
import type { Converter, ConverterCompiler } from "./convert/converter.ts";
import { DATE_CONVERTERS } from "./convert/date.ts";
import { DEBUG_CONVERTERS } from "./convert/debug.ts";
import { DIGEST_CONVERTERS } from "./convert/digest.ts";
import { FIX_CONVERTERS } from "./convert/fix.ts";
import { FORWARDED_CONVERTERS } from "./convert/forwarded.ts";
import { HASH_CONVERTERS } from "./convert/hash.ts";
import { HEX_CONVERTERS } from "./convert/hex.ts";
import { JSON_CONVERTERS } from "./convert/json.ts";
import { JSON_QUERY_CONVERTERS } from "./convert/json-query.ts";
import { JWT_CONVERTERS } from "./convert/jwt.ts";
import { LANGUAGE_CONVERTERS } from "./convert/language.ts";
import { LOOKUP_CONVERTERS } from "./convert/lookup.ts";
import { MAP_CONVERTERS } from "./convert/map.ts";
import { MQTT_CONVERTERS } from "./convert/mqtt.ts";
import { NUMBER_CONVERTERS } from "./convert/number.ts";
import { PROTOBUF_CONVERTERS } from "./convert/protobuf.ts";
import { REGSUB_CONVERTERS } from "./convert/regsub.ts";
import { REVERSE_CONVERTERS } from "./convert/reverse.ts";
import { STICK_CONVERTERS } from "./convert/stick.ts";
import { STRING_CONVERTERS } from "./convert/string.ts";
import { URL_CONVERTERS } from "./convert/url.ts";
import { VARIABLE_CONVERTERS } from "./convert/variable.ts";
import { VERIFY_ERROR_CONVERTERS } from "./convert/verify-error.ts";
import { WHEN_CONVERTERS } from "./convert/when.ts";
import { WORD_CONVERTERS } from "./convert/words.ts";
import { CONVERTERS } from "./converters.table.ts";
import { AUTH_FETCHES } from "./fetch/auth.ts";
import { BODY_FETCHES } from "./fetch/body.ts";
import { CACHE_FETCHES } from "./fetch/cache.ts";
import { CAPTURE_FETCHES } from "./fetch/capture.ts";
import { CERTIFICATE_FETCHES } from "./fetch/certificate.ts";
import { CLIENT_FETCHES } from "./fetch/client.ts";
import { CONNECTION_FETCHES } from "./fetch/connection.ts";
import { COOKIE_FETCHES } from "./fetch/cookie.ts";
import type { FetchCompiler, FetchFunction } from "./fetch/fetch.ts";
import { HEADER_FETCHES } from "./fetch/header.ts";
import { HELLO_FETCHES } from "./fetch/hello.ts";
import { INTERNAL_FETCHES } from "./fetch/internal.ts";
import { LAST_RULE_FETCHES } from "./fetch/last-rule.ts";
import { NAME_FETCHES } from "./fetch/names.ts";
import { PAYLOAD_FETCHES } from "./fetch/payload.ts";
import { PROCESS_FETCHES } from "./fetch/process.ts";
import { PROXY_PROTOCOL_FETCHES } from "./fetch/proxy-protocol.ts";
import { RATE_FETCHES } from "./fetch/rate.ts";
import { REQUEST_LINE_FETCHES } from "./fetch/request-line.ts";
import { RULE_FETCHES } from "./fetch/rules.ts";
import { STICK_FETCHES } from "./fetch/stick.ts";
import { TIMING_FETCHES } from "./fetch/timing.ts";
import { TLS_FETCHES } from "./fetch/tls.ts";
import { URL_HOST_FETCHES } from "./fetch/url-host.ts";
import { PARAMETER_FETCHES } from "./fetch/url-param.ts";
import { VARIABLE_FETCHES } from "./fetch/variable.ts";
import { FETCHES, VOLATILE_FETCHES } from "./fetches.table.ts";

const FAIL = 0;
const MISS = 1;
const PASS = 2;

/** The workers' fetches by canonical name. */
export const FETCH_COMPILERS: Readonly<Record<string, FetchCompiler>> = {
  ...BODY_FETCHES,
  ...CONNECTION_FETCHES,
  ...LAST_RULE_FETCHES,
  ...PAYLOAD_FETCHES,
  ...RATE_FETCHES,
  ...TIMING_FETCHES,
  ...URL_HOST_FETCHES,
  ...INTERNAL_FETCHES,
  ...PROCESS_FETCHES,
  ...NAME_FETCHES,
  ...CACHE_FETCHES,
  ...CLIENT_FETCHES,
  ...PROXY_PROTOCOL_FETCHES,
  ...TLS_FETCHES,
  ...CERTIFICATE_FETCHES,
  ...HELLO_FETCHES,
  ...REQUEST_LINE_FETCHES,
  ...HEADER_FETCHES,
  ...COOKIE_FETCHES,
  ...PARAMETER_FETCHES,
  ...CAPTURE_FETCHES,
  ...RULE_FETCHES,
  ...AUTH_FETCHES,
  ...VARIABLE_FETCHES,
  ...STICK_FETCHES,
};

/** The workers' converters by name. */
export const CONVERTER_COMPILERS: Readonly<Record<string, ConverterCompiler>> = {
  ...BASE64_CONVERTERS,
  ...CIPHER_CONVERTERS,
  ...COMPARE_CONVERTERS,
  ...FIX_CONVERTERS,
  ...FORWARDED_CONVERTERS,
  ...MQTT_CONVERTERS,
  ...PROTOBUF_CONVERTERS,
  ...REVERSE_CONVERTERS,
  ...REGSUB_CONVERTERS,
  ...LOOKUP_CONVERTERS,
  ...MAP_CONVERTERS,
  ...JWT_CONVERTERS,
  ...VERIFY_ERROR_CONVERTERS,
  ...LANGUAGE_CONVERTERS,
  ...JSON_QUERY_CONVERTERS,
  ...DEBUG_CONVERTERS,
  ...DIGEST_CONVERTERS,
  ...DATE_CONVERTERS,
  ...ADDRESS_CONVERTERS,
  ...HASH_CONVERTERS,
  ...HEX_CONVERTERS,
  ...JSON_CONVERTERS,
  ...NUMBER_CONVERTERS,
  ...STRING_CONVERTERS,
  ...URL_CONVERTERS,
  ...WHEN_CONVERTERS,
  ...WORD_CONVERTERS,
  ...CAPTURE_CONVERTERS,
  ...VARIABLE_CONVERTERS,
  ...STICK_CONVERTERS,
};

export interface CompiledSample {
  /** Pass: the context's value holds the sample; fail: not found; miss: not yet. */
  readonly first: FetchFunction;
  /** The next value of an iterating fetch, null when there is only one. */
  readonly next: FetchFunction | null;
  /** The type that the value then has; `addr` means ipv4 or ipv6. */
  readonly type: SampleType;
}

/** Casts and converters in order, as one list of steps on the value. */
function compileSteps(
  plan: SamplePlan,
  ctx: SampleContext,
  from: SampleType,
): { steps: Converter[]; type: SampleType } {
  const steps: Converter[] = [];
  let type = from;
  for (const { name, arguments: args, condition } of plan.converters) {
    const signature = CONVERTERS.get(name);
    const compiler = CONVERTER_COMPILERS[name];
    if (signature === undefined || compiler === undefined) throw new Error(`converter ${name} is not served`);
    const cast = castBetween(type, signature.input);
    if (cast !== null) steps.push(cast);
    steps.push(compiler(ctx, args, condition));
    if (signature.output !== "same") type = signature.output;
  }
  return { steps, type };
}

/**
 * @param iterate true for ACLs, which try all values of fetches that have several
 * @param as the type wanted; the value is cast to it (null: as it comes)
 * @throws when config/ let pass what cannot be compiled (a bug)
 */
export function compileSample(
  plan: SamplePlan,
  ctx: SampleContext,
  iterate: boolean,
  as: SampleType | null = null,
): CompiledSample {
  const signature = FETCHES.get(plan.fetch);
  const compiler = FETCH_COMPILERS[signature?.aliasOf ?? plan.fetch];
  if (signature === undefined || compiler === undefined) throw new Error(`fetch ${plan.fetch} is not served`);
  const fetch = compiler(ctx, plan, iterate);
  const { steps, type } = compileSteps(plan, ctx, signature.type);
  const last = as === null ? null : castBetween(type, as);
  if (last !== null) steps.push(last);
  const result = as ?? type;
  if (steps.length === 0) return { first: fetch.first, next: fetch.next, type: result };
  if (VOLATILE_FETCHES.has(signature.aliasOf ?? plan.fetch)) {
    return { first: waiting(applied(fetch.first, fetch.next, steps, ctx), ctx), next: null, type: result };
  }
  const next = fetch.next;
  const first = applied(fetch.first, null, steps, ctx);
  return {
    first: next === null ? first : applied(fetch.first, next, steps, ctx),
    next: next && applied(next, next, steps, ctx),
    type: result,
  };
}

/** The converters alone: what the context's value holds, a `from`, becomes an `as`. */
export function compileConverters(
  converters: SamplePlan["converters"],
  ctx: SampleContext,
  from: SampleType,
  as: SampleType,
): FetchFunction {
  const { steps, type } = compileSteps({ fetch: "", arguments: [], converters }, ctx, from);
  const last = castBetween(type, as);
  if (last !== null) steps.push(last);
  return applied(() => PASS, null, steps, ctx);
}

/** What fails while the value may still grow misses data. */
function waiting(fetch: FetchFunction, ctx: SampleContext): FetchFunction {
  const { value } = ctx;
  return (stream: Stream) => {
    value.mayChange = false;
    const result = fetch(stream);
    return result === FAIL && value.mayChange ? MISS : result;
  };
}

/** A fetch function followed by steps; a value that a step refuses is passed over when there is a next one, else the sample is not found. */
function applied(
  fetch: FetchFunction,
  next: FetchFunction | null,
  steps: readonly Converter[],
  ctx: SampleContext,
): FetchFunction {
  const value = ctx.value;
  const count = steps.length;
  return (stream: Stream) => {
    let result = fetch(stream);
    while (result === PASS) {
      let i = 0;
      while (i < count && steps[i]!(value, stream)) i++;
      if (i === count) return PASS;
      if (next === null) return FAIL;
      result = next(stream);
    }
    return result;
  };
}
