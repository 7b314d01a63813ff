// Converters that hash: crc32, crc32c, djb2, sdbm, wt6 with an optional avalanche, and the xxHash family with an optional seed.
// configuration.txt 7.3.1. None is fit for security; digests that are stand in digest.ts.

import { avalanche, crc32, crc32c, djb2, sdbm, wt6 } from "../hash.ts";
import { fillWords, setWords } from "../integer64.ts";
import { TYPE } from "../types.ts";
import { Words64 } from "../words64.ts";
import { xxh32, xxh64 } from "../xxh.ts";
import { Xxh3 } from "../xxh3.ts";
import { type Arguments, integerArgument } from "./arguments.ts";
import type { ConverterCompiler } from "./converter.ts";

const SINT = TYPE.sint;

type Hash32 = (bytes: Uint8Array, start: number, end: number) => number;

function hash32(hash: Hash32): ConverterCompiler {
  return (_, args) => {
    const isMixed = integerArgument(args, 0, 0) !== 0;
    return (value) => {
      const result = hash(value.bytes, value.start, value.end);
      value.int = (isMixed ? avalanche(result) : result) >>> 0;
      value.type = SINT;
      return true;
    };
  };
}

function seedArgument(args: Arguments): Words64 {
  const seed = { int: integerArgument(args, 0, 0), high: 0, low: 0 };
  fillWords(seed);
  return new Words64(seed.high, seed.low);
}

const xxh32Converter: ConverterCompiler = (_, args) => {
  const seed = seedArgument(args).low >>> 0;
  return (value) => {
    value.int = xxh32(value.bytes, value.start, value.end, seed);
    value.type = SINT;
    return true;
  };
};

const xxh64Converter: ConverterCompiler = (_, args) => {
  const seed = seedArgument(args);
  const hash = new Words64();
  return (value) => {
    xxh64(value.bytes, value.start, value.end, seed, hash);
    setWords(value, hash.high, hash.low);
    value.type = SINT;
    return true;
  };
};

const xxh3Converter: ConverterCompiler = (_, args) => {
  const hasher = new Xxh3(seedArgument(args));
  const hash = new Words64();
  return (value) => {
    hasher.digest(value.bytes, value.start, value.end, hash);
    setWords(value, hash.high, hash.low);
    value.type = SINT;
    return true;
  };
};

/** By name, see converters.table.ts. */
export const HASH_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  crc32: hash32(crc32),
  crc32c: hash32(crc32c),
  djb2: hash32(djb2),
  sdbm: hash32(sdbm),
  wt6: hash32(wt6),
  xxh3: xxh3Converter,
  xxh32: xxh32Converter,
  xxh64: xxh64Converter,
};
