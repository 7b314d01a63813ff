// Converters of JSON Web Tokens (RFC 7519, compact form of RFC 7515): jwt_header_query, jwt_payload_query, jwt_verify. configuration.txt 7.3.1.
//
// Only the signature is verified; what a token claims is the rules' to judge. OpenSSL does it, through node:crypto; like the digests it makes garbage.
// Public keys are read with the configuration (config/expression/sample.ts puts them behind the arguments), so that a worker touches no file; a key that
// a variable names must stand in some other jwt_verify.

import { constants, createHmac, createPublicKey, type KeyObject, timingSafeEqual, verify } from "node:crypto";
import type { SampleContext } from "../context.ts";
import { TYPE } from "../types.ts";
import { latin1, textBytes } from "../value.ts";
import { type ArgumentCheck, checkJsonQuery, textArgument } from "./arguments.ts";
import type { ConverterCompiler } from "./converter.ts";
import { JSON_QUERY_CONVERTERS } from "./json-query.ts";
import { setCopy, setInteger } from "./result.ts";
import { bytesOperand, isVariable } from "./variable-operand.ts";

/** What jwt_verify gives. */
const OK = 1;
const WRONG = 0;
const UNKNOWN_ALGORITHM = -1;
const INVALID_TOKEN = -3;
const UNKNOWN_KEY = -5;

const ALGORITHM = /^(HS|RS|ES|PS)(256|384|512)$/;
const BASE64URL = /^[A-Za-z0-9_-]*$/;
const NONE = "none";

/** Which key a literal algorithm needs: null where it is in a variable and may be any. */
export type JwtKeyNeed = "secret" | "public" | "none" | null;

export function jwtKeyNeed(algorithm: string): JwtKeyNeed {
  if (isVariable(algorithm)) return null;
  if (algorithm === NONE) return "none";
  return algorithm.startsWith("HS") ? "secret" : "public";
}

/** `jwt_verify(alg,key)`. */
export const checkJwtVerify: ArgumentCheck = (args) => {
  const algorithm = textArgument(args, 0);
  if (isVariable(algorithm) || algorithm === NONE || ALGORITHM.test(algorithm)) return null;
  return `unknown JWT algorithm : ${algorithm}`;
};

/** `jwt_header_query(json_path,output_type)`: the path may be left out. */
export const checkJwtQuery: ArgumentCheck = (args) => (textArgument(args, 0) === "" ? null : checkJsonQuery(args));

/** Base64url without padding; null: it is none. */
function decode(text: string): Buffer | null {
  return BASE64URL.test(text) && text.length % 4 !== 1 ? Buffer.from(text, "base64url") : null;
}

/** One part of the token as JSON, or what a path finds in it. */
function partQuery(part: 0 | 1): ConverterCompiler {
  return (ctx, args) => {
    const query = textArgument(args, 0) === "" ? null : JSON_QUERY_CONVERTERS.json_query!(ctx, args);
    return (value, stream) => {
      const parts = latin1(value.bytes, value.start, value.end).split(".");
      const decoded = parts.length <= part + 1 ? null : decode(parts[part]!);
      if (decoded === null || !setCopy(value, decoded, TYPE.str)) return false;
      return query === null || query(value, stream);
    };
  };
}

/** Public keys that the worker's expressions named, by path. */
const keysOf = new WeakMap<SampleContext, Map<string, KeyObject>>();

function knownKeys(ctx: SampleContext): Map<string, KeyObject> {
  let keys = keysOf.get(ctx);
  if (keys === undefined) {
    keys = new Map();
    keysOf.set(ctx, keys);
  }
  return keys;
}

const jwtVerify: ConverterCompiler = (ctx, args) => {
  const algorithmOf = bytesOperand(ctx, textArgument(args, 0));
  const keyText = textArgument(args, 1);
  const keyOf = bytesOperand(ctx, keyText);
  const pem = textArgument(args, 2);
  const keys = knownKeys(ctx);
  if (pem !== "") keys.set(keyText, createPublicKey(pem));
  return (value, stream) => {
    const algorithm = algorithmOf(stream);
    const key = keyOf(stream);
    if (algorithm === null || key === null) return false;
    const token = latin1(value.bytes, value.start, value.end);
    return setInteger(value, judge(token, Buffer.from(algorithm).toString("latin1"), key, keys));
  };
};

function judge(token: string, algorithm: string, key: Uint8Array, keys: ReadonlyMap<string, KeyObject>): number {
  if (algorithm !== NONE && !ALGORITHM.test(algorithm)) return UNKNOWN_ALGORITHM;
  const parts = token.split(".");
  if (parts.length !== 3) return INVALID_TOKEN;
  const [header, payload, written] = parts as [string, string, string];
  if (algorithm === NONE) return written === "" ? OK : WRONG;
  const signature = decode(written);
  if (signature === null) return INVALID_TOKEN;
  const [, family, bits] = ALGORITHM.exec(algorithm)!;
  const signed = textBytes(`${header}.${payload}`);
  if (family === "HS") {
    const expected = createHmac(`sha${bits}`, key).update(signed).digest();
    return expected.length === signature.length && timingSafeEqual(expected, signature) ? OK : WRONG;
  }
  if (family === "ES" && signature.length % 2 !== 0) return INVALID_TOKEN;
  const known = keys.get(Buffer.from(key).toString("latin1"));
  if (known === undefined) return UNKNOWN_KEY;
  return isSigned(signed, signature, known, family!, bits!) ? OK : WRONG;
}

function isSigned(signed: Uint8Array, signature: Buffer, key: KeyObject, family: string, bits: string): boolean {
  // A token chooses its algorithm, never the kind of key.
  if (key.asymmetricKeyType !== (family === "ES" ? "ec" : "rsa")) return false;
  try {
    if (family === "ES") return verify(`sha${bits}`, signed, { key, dsaEncoding: "ieee-p1363" }, signature);
    const padding = family === "PS" ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
    return verify(`sha${bits}`, signed, { key, padding }, signature);
  } catch {
    return false;
  }
}

/** By name, see converters.table.ts. */
export const JWT_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  jwt_header_query: partQuery(0),
  jwt_payload_query: partQuery(1),
  jwt_verify: jwtVerify,
};
