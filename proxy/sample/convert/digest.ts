// Converters to cryptographic digests: sha1, sha2, digest, hmac. configuration.txt 7.3.1.
//
// OpenSSL computes them, through node:crypto. That is the one place of the converters that makes garbage: a hash object, a view of the input
// and a buffer of the result per evaluation, some hundred bytes whatever the input. What is hashed is at most a buffer long.

import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import { TYPE } from "../types.ts";
import { integerArgument, textArgument } from "./arguments.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";
import { base64Operand } from "./variable-operand.ts";

function digestBy(create: () => Hash | Hmac): Converter {
  return (value) => {
    const digest = create().update(value.bytes.subarray(value.start, value.end)).digest();
    const scratch = value.scratch();
    if (digest.length > scratch.length) return false;
    scratch.set(digest);
    value.bytes = scratch;
    value.start = 0;
    value.end = digest.length;
    value.type = TYPE.bin;
    return true;
  };
}

const hmac: ConverterCompiler = (ctx, args) => {
  const algorithm = textArgument(args, 0);
  const key = base64Operand(ctx, textArgument(args, 1));
  return (value, stream) => {
    const secret = key(stream);
    return secret !== null && digestBy(() => createHmac(algorithm, secret))(value, stream);
  };
};

/** By name, see converters.table.ts. */
export const DIGEST_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  digest: (_, args) => {
    const algorithm = textArgument(args, 0);
    return digestBy(() => createHash(algorithm));
  },
  hmac,
  sha1: () => digestBy(() => createHash("sha1")),
  sha2: (_, args) => {
    const algorithm = `sha${integerArgument(args, 0, 256)}`;
    return digestBy(() => createHash(algorithm));
  },
};
