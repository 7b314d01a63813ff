// The converters protobuf and ungrpc: one field out of a protocol-buffers message, which for ungrpc stands behind gRPC's five bytes (a flag and the length).
// configuration.txt 7.3.1; https://protobuf.dev/programming-guides/encoding/.
//
//   protobuf(48.59.1,int32)     field 48 is a message, its field 59 as well, whose field 1 is an integer
//
// Nothing is copied: a path is followed by moving the ends of the value. Whatever lies about its length ends the search.

import { TYPE } from "../types.ts";
import type { SampleValue } from "../value.ts";
import { type ArgumentCheck, type Arguments, textArgument } from "./arguments.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";
import { setInteger, setInteger64, setRange } from "./result.ts";

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
const VARINT_BYTES_MAX = 10;
const GRPC_HEADER_BYTES = 5;
const BIN = TYPE.bin;

/** Wire type of the fields that each type is read from. */
const TYPES: Readonly<Record<string, number>> = {
  int32: VARINT,
  int64: VARINT,
  uint32: VARINT,
  uint64: VARINT,
  sint32: VARINT,
  sint64: VARINT,
  bool: VARINT,
  enum: VARINT,
  fixed64: FIXED64,
  sfixed64: FIXED64,
  double: FIXED64,
  fixed32: FIXED32,
  sfixed32: FIXED32,
  float: FIXED32,
};

const floats = new DataView(new ArrayBuffer(8));

/** The varint last read: 64 bits, and the offset behind it. */
let high = 0;
let low = 0;
let behind = 0;

function readVarint(bytes: Uint8Array, start: number, end: number): boolean {
  high = 0;
  low = 0;
  const limit = Math.min(end, start + VARINT_BYTES_MAX);
  for (let at = start, shift = 0; at < limit; at++, shift += 7) {
    const bits = bytes[at]! & 0x7f;
    if (shift < 32) low |= bits << shift;
    if (shift === 28) high |= bits >> 4;
    else if (shift > 28) high |= bits << (shift - 32);
    if (bytes[at]! < 0x80) {
      behind = at + 1;
      return true;
    }
  }
  return false;
}

/** Where a field's content ends that begins at `start`, -1: it does not. For length-delimited ones `behind` is where the content begins. */
function contentEnd(bytes: Uint8Array, start: number, end: number, wire: number): number {
  let last = -1;
  if (wire === VARINT) last = readVarint(bytes, start, end) ? behind : -1;
  else if (wire === FIXED64) last = start + 8;
  else if (wire === FIXED32) last = start + 4;
  else if (wire === LENGTH_DELIMITED && readVarint(bytes, start, end) && high === 0) last = behind + (low >>> 0);
  return last <= end ? last : -1;
}

function readFixed(value: SampleValue, start: number, type: string): boolean {
  const { bytes } = value;
  const word = (at: number): number =>
    bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  const first = word(start);
  if (type === "fixed32") return setInteger(value, first >>> 0);
  if (type === "sfixed32") return setInteger(value, first);
  floats.setInt32(0, first, true);
  if (type === "float") return setTruncated(value, floats.getFloat32(0, true) || 0);
  const second = word(start + 4);
  floats.setInt32(4, second, true);
  if (type === "double") return setTruncated(value, floats.getFloat64(0, true));
  return setInteger64(value, second, first);
}

function setTruncated(value: SampleValue, number: number): boolean {
  // What is no integer of 64 bits is the least one, as on the machines that HAProxy runs on.
  if (!(Math.abs(number) < 2 ** 63)) return setInteger64(value, -0x80000000, 0);
  return setInteger(value, Math.trunc(number) + 0);
}

/** The varint last read. All types are 64 bits wide, as in HAProxy; the signed ones are zigzag-coded. */
function setVarint(value: SampleValue, type: string): boolean {
  if (type !== "sint32" && type !== "sint64") return setInteger64(value, high, low);
  const sign = -(low & 1);
  return setInteger64(value, (high >>> 1) ^ sign, ((low >>> 1) | (high << 31)) ^ sign);
}

/** Finds the field in [start, last) and makes it the value. `type` "": its bytes as they are. */
function lookUp(value: SampleValue, from: number, to: number, path: readonly number[], type: string): boolean {
  const { bytes } = value;
  let at = from;
  let end = to;
  let depth = 0;
  while (at < end) {
    if (!readVarint(bytes, at, end)) return false;
    const wire = low & 7;
    const number = (low >>> 3) + high * 2 ** 29;
    const start = behind;
    const last = contentEnd(bytes, start, end, wire);
    if (last < 0) return false;
    if (number !== path[depth]) {
      at = last;
      continue;
    }
    if (depth < path.length - 1) {
      if (wire !== LENGTH_DELIMITED) return false;
      depth++;
      at = behind;
      end = last;
      continue;
    }
    if (type === "") return setRange(value, wire === LENGTH_DELIMITED ? behind : start, last, BIN);
    if (TYPES[type] !== wire) return false;
    return wire === VARINT ? setVarint(value, type) : readFixed(value, start, type);
  }
  return false;
}

function compile(args: Arguments, isGrpc: boolean): Converter {
  const path = textArgument(args, 0).split(".").map(Number);
  const type = textArgument(args, 1);
  if (!isGrpc) return (value) => lookUp(value, value.start, value.end, path, type);
  return (value) => {
    const { bytes, end } = value;
    for (let at = value.start; end - at > GRPC_HEADER_BYTES; ) {
      const start = at + GRPC_HEADER_BYTES;
      const length = bytes[at + 1]! * 2 ** 24 + ((bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!);
      if (length > end - start) return false;
      if (lookUp(value, start, start + length, path, type)) return true;
      at = start + length;
    }
    return false;
  };
}

/** `protobuf(field_number,field_type)` and ungrpc's. */
export const checkProtobuf: ArgumentCheck = (args) => {
  const path = textArgument(args, 0);
  if (!/^[1-9]\d{0,8}(?:\.[1-9]\d{0,8})*$/.test(path)) {
    return `failed to parse '${path}' as type 'Protocol buffers fields' at position 1`;
  }
  const type = textArgument(args, 1);
  return type === "" || Object.hasOwn(TYPES, type) ? null : `invalid argument type '${type}' for protobuf field`;
};

/** By name, see converters.table.ts. */
export const PROTOBUF_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  protobuf: (_, args) => compile(args, false),
  ungrpc: (_, args) => compile(args, true),
};
