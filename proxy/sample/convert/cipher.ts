// Converters that encrypt and decrypt: aes_gcm_enc, aes_gcm_dec, aes_cbc_enc, aes_cbc_dec. configuration.txt 7.3.1.
//
// OpenSSL does it, through node:crypto. Keys, nonces, tags and additional data are base64, in the configuration or in variables; one that does
// not fit makes that nothing is found. Like the digests these make garbage: a cipher object and its results per evaluation.

import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { TYPE } from "../types.ts";
import type { SampleValue } from "../value.ts";
import { type ArgumentCheck, type Arguments, integerArgument, isBase64, textArgument } from "./arguments.ts";
import type { ConverterCompiler } from "./converter.ts";
import { setCopy } from "./result.ts";
import { base64Operand, isVariable, storeBytes } from "./variable-operand.ts";

const BIN = TYPE.bin;
const TAG_BYTES = 16;
const CBC_NONCE_BYTES = 16;

interface Parameters {
  readonly nonce: Uint8Array;
  readonly key: Uint8Array;
  readonly aad: Uint8Array;
}

type ParameterReader = (stream: Stream) => Parameters | null;

/** @param aadAt position of the additional data, which may be left out */
function parameters(ctx: SampleContext, args: Arguments, aadAt: number): ParameterReader {
  const bytes = integerArgument(args, 0, 0) / 8;
  const readNonce = base64Operand(ctx, textArgument(args, 1));
  const readKey = base64Operand(ctx, textArgument(args, 2));
  const aadText = textArgument(args, aadAt);
  const readAad = base64Operand(ctx, aadText);
  return (stream) => {
    const nonce = readNonce(stream);
    const key = readKey(stream);
    const aad = readAad(stream);
    if (nonce === null || key === null || aad === null || key.length !== bytes) return null;
    return { nonce, key, aad };
  };
}

function gcmName(args: Arguments): "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm" {
  return `aes-${integerArgument(args, 0, 128) as 128 | 192 | 256}-gcm`;
}

/** What node:crypto throws is a peer's doing: a wrong tag, a nonce of no use. */
function attempt(value: SampleValue, make: () => Uint8Array | null): boolean {
  let made: Uint8Array | null;
  try {
    made = make();
  } catch {
    return false;
  }
  return made !== null && setCopy(value, made, BIN);
}

function input(value: SampleValue): Uint8Array {
  return value.bytes.subarray(value.start, value.end);
}

const gcmEncrypt: ConverterCompiler = (ctx, args) => {
  const name = gcmName(args);
  const read = parameters(ctx, args, 4);
  const storeTag = storeBytes(ctx, textArgument(args, 3));
  return (value, stream) => {
    const given = read(stream);
    if (given === null) return false;
    return attempt(value, () => {
      const cipher = createCipheriv(name, given.key, given.nonce);
      if (given.aad.length > 0) cipher.setAAD(given.aad);
      const made = Buffer.concat([cipher.update(input(value)), cipher.final()]);
      storeTag(new Uint8Array(Buffer.from(cipher.getAuthTag().toString("base64"), "latin1")), stream);
      return made;
    });
  };
};

const gcmDecrypt: ConverterCompiler = (ctx, args) => {
  const name = gcmName(args);
  const read = parameters(ctx, args, 4);
  const readTag = base64Operand(ctx, textArgument(args, 3));
  return (value, stream) => {
    const given = read(stream);
    const tag = readTag(stream);
    if (given === null || tag === null || tag.length > TAG_BYTES) return false;
    return attempt(value, () => {
      const cipher = createDecipheriv(name, given.key, given.nonce, { authTagLength: tag.length });
      if (given.aad.length > 0) cipher.setAAD(given.aad);
      cipher.setAuthTag(tag);
      return Buffer.concat([cipher.update(input(value)), cipher.final()]);
    });
  };
};

/** A nonce that is too short is filled with zeros, one that is too long is cut, as HAProxy does. */
function cbcNonce(nonce: Uint8Array): Uint8Array {
  const fitted = new Uint8Array(CBC_NONCE_BYTES);
  fitted.set(nonce.subarray(0, CBC_NONCE_BYTES));
  return fitted;
}

function cbc(create: typeof createCipheriv | typeof createDecipheriv): ConverterCompiler {
  return (ctx, args) => {
    const name = `aes-${integerArgument(args, 0, 128)}-cbc`;
    const read = parameters(ctx, args, 3);
    return (value, stream) => {
      const given = read(stream);
      if (given === null) return false;
      return attempt(value, () => {
        const cipher = create(name, given.key, cbcNonce(given.nonce));
        return Buffer.concat([cipher.update(input(value)), cipher.final()]);
      });
    };
  };
}

/** `aes_gcm_enc(bits,nonce,key,…)` and its kin. */
export const checkCipher: ArgumentCheck = (args) => {
  const bits = integerArgument(args, 0, 0);
  if (bits !== 128 && bits !== 192 && bits !== 256) return "key size must be 128, 192 or 256 (bits).";
  const names = ["", "nonce", "key", args.length > 4 ? "aead_tag" : "aad", "aad"];
  for (let at = 1; at < args.length; at++) {
    const text = textArgument(args, at);
    if (isVariable(text) || isBase64(text)) continue;
    return `failed to parse ${names[at]} : argument needs to be base64 encoded`;
  }
  return null;
};

/** The same where the tag is an output, hence a variable. */
export const checkCipherTag: ArgumentCheck = (args) => {
  const tag = textArgument(args, 3);
  return isVariable(tag) ? checkCipher(args) : `failed to parse aead_tag : '${tag}' is not a variable`;
};

/** By name, see converters.table.ts. */
export const CIPHER_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  aes_cbc_dec: cbc(createDecipheriv),
  aes_cbc_enc: cbc(createCipheriv),
  aes_gcm_dec: gcmDecrypt,
  aes_gcm_enc: gcmEncrypt,
};
