// Casts: turning the context's value into another type, in place. Which casts exist at all is types.ts's matrix; here stands what they
// do to a value. Text that a cast makes is written to a scratch area.

import { readIpv6, writeIpv4, writeIpv6 } from "../../shared/ip/address.ts";
import { METHOD_NAMES } from "../http1/message.ts";
import type { SampleType } from "../plan/expression.ts";
import { fillWords, readInteger64, writeInteger64 } from "./integer64.ts";
import { canCast, TYPE } from "./types.ts";
import type { SampleValue } from "./value.ts";

const BOOL = TYPE.bool;
const SINT = TYPE.sint;
const IPV4 = TYPE.ipv4;
const IPV6 = TYPE.ipv6;
const STR = TYPE.str;
const BIN = TYPE.bin;
const METH = TYPE.meth;
const DOT = 46;
const ZERO = 48;
const NINE = 57;

/** Casts the value; false: this value cannot be cast, the sample counts as not found. */
export type Cast = (value: SampleValue) => boolean;

function setText(value: SampleValue, bytes: Uint8Array, end: number): boolean {
  value.type = STR;
  value.bytes = bytes;
  value.start = 0;
  value.end = end;
  return true;
}

/** To text, whatever it is. */
export function toStr(value: SampleValue): boolean {
  switch (value.type) {
    case STR:
      return true;
    case BIN:
      cutAtNul(value);
      return true;
    case METH:
      value.type = STR;
      return true;
    case IPV4: {
      const scratch = value.scratch();
      return setText(value, scratch, writeIpv4(scratch, 0, value.address, 0));
    }
    case IPV6: {
      const scratch = value.scratch();
      return setText(value, scratch, writeIpv6(scratch, 0, value.address, 0));
    }
    default: {
      const scratch = value.scratch();
      return setText(value, scratch, writeInteger64(scratch, 0, value));
    }
  }
}

/** A block of bytes becomes text, which ends before its first NUL. */
function cutAtNul(value: SampleValue): boolean {
  const { bytes, end } = value;
  let at = value.start;
  while (at < end && bytes[at] !== 0) at++;
  value.end = at;
  value.type = STR;
  return true;
}

function toSint(value: SampleValue): boolean {
  switch (value.type) {
    case STR:
      if (value.start === value.end) return false;
      readInteger64(value, value.bytes, value.start, value.end);
      break;
    case IPV4: {
      const a = value.address;
      value.int = ((a[0]! << 24) | (a[1]! << 16) | (a[2]! << 8) | a[3]!) >>> 0;
      break;
    }
    case BOOL:
    case SINT:
      break;
    default:
      return false;
  }
  value.type = SINT;
  return true;
}

function toBool(value: SampleValue): boolean {
  if (!toSint(value)) return false;
  value.type = BOOL;
  value.int = value.int === 0 ? 0 : 1;
  return true;
}

/** To an address of either family, whichever it is. */
function toAddr(value: SampleValue): boolean {
  switch (value.type) {
    case IPV4:
    case IPV6:
      return true;
    case STR: {
      if (readIpv4Prefix(value.bytes, value.start, value.end, value.address)) value.type = IPV4;
      else if (readIpv6(value.bytes, value.start, value.end, value.address, 0)) value.type = IPV6;
      else return false;
      return true;
    }
    case SINT: {
      const int = value.int >>> 0;
      value.address[0] = int >>> 24;
      value.address[1] = int >>> 16;
      value.address[2] = int >>> 8;
      value.address[3] = int;
      value.type = IPV4;
      return true;
    }
    default:
      return false;
  }
}

/**
 * Reads a dotted address at the beginning of a string. As HAProxy's cast does, it takes leading zeros, and whatever follows the fourth
 * number but a dot: `10.0.0.1:8080`, `10.0.0.1 via x`.
 */
function readIpv4Prefix(bytes: Uint8Array, start: number, end: number, address: Uint8Array): boolean {
  let at = start;
  for (let part = 0; part < 4; part++) {
    const first = at;
    let number = 0;
    for (; at < end && bytes[at]! >= ZERO && bytes[at]! <= NINE; at++) number = number * 10 + bytes[at]! - ZERO;
    if (at === first || number > 255) return false;
    address[part] = number;
    const isDot = at < end && bytes[at] === DOT;
    if (isDot !== part < 3) return false;
    at++;
  }
  return true;
}

function toIpv4(value: SampleValue): boolean {
  if (value.type === STR) {
    value.type = IPV4;
    return readIpv4Prefix(value.bytes, value.start, value.end, value.address);
  }
  if (!toAddr(value)) return false;
  return value.type === IPV4 || mappedToIpv4(value);
}

/** An IPv6 address that holds an IPv4 one (::ffff:a.b.c.d, ::a.b.c.d, 2002:a.b.c.d::) becomes that; false: it holds none. */
export function mappedToIpv4(value: SampleValue): boolean {
  const at = embeddedIpv4At(value.address);
  if (at < 0) return false;
  value.address.copyWithin(0, at, at + 4);
  value.type = IPV4;
  return true;
}

/** Where in an IPv6 address an IPv4 one stands (configuration.txt 7.1.6), -1: nowhere. */
export function embeddedIpv4At(address: Uint8Array): number {
  if (address[0] === 0x20 && address[1] === 0x02) return 2;
  for (let i = 0; i < 10; i++) if (address[i] !== 0) return -1;
  const word = (address[10]! << 8) | address[11]!;
  return word === 0 || word === 0xffff ? 12 : -1;
}

function toIpv6(value: SampleValue): boolean {
  if (value.type === STR) {
    value.type = IPV6;
    return readIpv6(value.bytes, value.start, value.end, value.address, 0);
  }
  if (!toAddr(value)) return false;
  if (value.type === IPV6) return true;
  const a = value.address;
  a.copyWithin(12, 0, 4);
  a.fill(0, 0, 10);
  a[10] = a[11] = 0xff;
  value.type = IPV6;
  return true;
}

function toBin(value: SampleValue): boolean {
  switch (value.type) {
    case STR:
    case METH:
    case BIN:
      value.type = BIN;
      return true;
    case IPV4:
    case IPV6: {
      const scratch = value.scratch();
      const length = value.type === IPV4 ? 4 : 16;
      for (let i = 0; i < length; i++) scratch[i] = value.address[i]!;
      setText(value, scratch, length);
      value.type = BIN;
      return true;
    }
    default: {
      // 64 bits in network order.
      const scratch = value.scratch();
      fillWords(value);
      for (let i = 0; i < 4; i++) {
        scratch[i] = value.high >>> (24 - i * 8);
        scratch[4 + i] = value.low >>> (24 - i * 8);
      }
      setText(value, scratch, 8);
      value.type = BIN;
      return true;
    }
  }
}

const METHODS: readonly Uint8Array[] = METHOD_NAMES.map((name) => new Uint8Array(Buffer.from(name)));

function toMeth(value: SampleValue): boolean {
  if (value.type === METH) return true;
  if (!toStr(value)) return false;
  value.int = methodNumber(value.bytes, value.start, value.end);
  value.type = METH;
  return true;
}

/** METHOD number of a method's name; names are case sensitive (RFC 9110 section 9.1). */
export function methodNumber(bytes: Uint8Array, start: number, end: number): number {
  for (let number = 0; number < METHODS.length; number++) {
    const name = METHODS[number]!;
    if (name.length !== end - start) continue;
    let i = 0;
    while (i < name.length && bytes[start + i] === name[i]) i++;
    if (i === name.length) return number;
  }
  return METHODS.length;
}

const CASTS: Readonly<Record<SampleType, Cast>> = {
  bool: toBool,
  sint: toSint,
  ipv4: toIpv4,
  ipv6: toIpv6,
  addr: toAddr,
  str: toStr,
  bin: toBin,
  meth: toMeth,
  any: () => true,
};

/** The cast of a value whose type is known only when there is one. */
export function castAny(to: SampleType): Cast {
  return CASTS[to];
}

/** The cast between two types as declared by signatures; null: none is needed. Throws where config/ let an impossible one pass. */
export function castBetween(from: SampleType, to: SampleType): Cast | null {
  if (from === to || to === "any" || (to === "addr" && (from === "ipv4" || from === "ipv6"))) return null;
  if (!canCast(from, to)) throw new Error(`config/ let a cast from ${from} to ${to} pass`);
  // Text, blocks and methods are all byte ranges: looking at them as bytes needs no change, nor does a method as text.
  if (from === "meth" && to === "str") return null;
  if (from === "bin" && to === "str") return cutAtNul;
  if ((from === "meth" || from === "str") && to === "bin") return null;
  if (from === "bool" && to === "sint") return null;
  return CASTS[to];
}
