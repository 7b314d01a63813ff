// The converters fix_is_valid and fix_tag_value, for FIX messages (Financial Information eXchange). configuration.txt 7.3.1.
//
//   8=FIX.4.4 ␁ 9=102 ␁ 35=A ␁ … 10=092 ␁        ␁ is SOH (0x01); BodyLength counts from behind its own ␁ to in front of `10=`,
//                                                  CheckSum is the sum of all bytes in front of `10=`, modulo 256

import { TYPE } from "../types.ts";
import { latin1, type SampleValue } from "../value.ts";
import { type ArgumentCheck, textArgument } from "./arguments.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";
import { setBool, setRange } from "./result.ts";

const SOH = 1;
const EQUALS = 61;
const BEGIN_STRING = 8;
const BODY_LENGTH = 9;
const CHECK_SUM = 10;
const MSG_TYPE = 35;

/** The shortest message that there can be is longer; HAProxy waits for as much before it judges. */
const MESSAGE_BYTES_MIN = 26;

const NAMES: Readonly<Record<string, number>> = {
  beginstring: BEGIN_STRING,
  bodylength: BODY_LENGTH,
  checksum: CHECK_SUM,
  msgtype: MSG_TYPE,
  sendercompid: 49,
  targetcompid: 56,
};

const VERSIONS = new Set(["FIX.4.0", "FIX.4.1", "FIX.4.2", "FIX.4.3", "FIX.4.4", "FIXT.1.1"]);

/** What a check says. An incomplete message may still become a valid one: the sample is not found. */
const INCOMPLETE = -1;
const INVALID = 0;
const VALID = 1;

/** The field read last: its number, and where its value stands; `next` is behind its SOH. */
const field = { tag: 0, start: 0, end: 0, next: 0 };

function readField(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  let tag = 0;
  for (; at < end && bytes[at] !== EQUALS; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9 || tag > 1e8) return false;
    tag = tag * 10 + digit;
  }
  if (at === start || at >= end) return false;
  field.tag = tag;
  field.start = ++at;
  while (at < end && bytes[at] !== SOH) at++;
  if (at >= end) return false;
  field.end = at;
  field.next = at + 1;
  return true;
}

function check({ bytes, start, end }: SampleValue): number {
  if (end - start < MESSAGE_BYTES_MIN) return INCOMPLETE;
  let bodyLength = -1;
  let bodyStart = 0;
  let at = start;
  for (let position = 0; at < end; position++, at = field.next) {
    if (!readField(bytes, at, end))
      return bytes.indexOf(SOH, at) < 0 || bytes.indexOf(SOH, at) >= end ? INCOMPLETE : INVALID;
    if (field.start === field.end) return INVALID;
    const text = position < 3 || field.tag === CHECK_SUM ? latin1(bytes, field.start, field.end) : "";
    if (position === 0) {
      if (field.tag !== BEGIN_STRING || !VERSIONS.has(text)) return INVALID;
    } else if (position === 1) {
      if (field.tag !== BODY_LENGTH || !/^\d{1,9}$/.test(text)) return INVALID;
      bodyLength = Number(text);
      bodyStart = field.next;
    } else if (position === 2) {
      if (field.tag !== MSG_TYPE) return INVALID;
    } else if (field.tag === CHECK_SUM) {
      let sum = 0;
      for (let i = start; i < at; i++) sum += bytes[i]!;
      const isRight = /^\d{3}$/.test(text) && Number(text) === sum % 256 && at - bodyStart === bodyLength;
      // What follows is the next message.
      return isRight ? VALID : INVALID;
    }
  }
  return INCOMPLETE;
}

/** The number of a tag that is named or written as one, -1: neither. */
function tagOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  return NAMES[text.toLowerCase()] ?? -1;
}

const fixTagValue: ConverterCompiler = (_, args): Converter => {
  const wanted = tagOf(textArgument(args, 0));
  return (value) => {
    for (let at = value.start; at < value.end; at = field.next) {
      if (!readField(value.bytes, at, value.end)) return false;
      if (field.tag === wanted) return setRange(value, field.start, field.end, TYPE.bin);
    }
    return false;
  };
};

/** `fix_tag_value(tag)`. */
export const checkFixTag: ArgumentCheck = (args) => {
  const text = textArgument(args, 0);
  if (text === "") return "Missing FIX Tag ID or name";
  return tagOf(text) < 0 ? `Unknown FIX tag name '${text}'` : null;
};

/** By name, see converters.table.ts. */
export const FIX_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  fix_is_valid: () => (value) => {
    const verdict = check(value);
    return verdict !== INCOMPLETE && setBool(value, verdict === VALID);
  },
  fix_tag_value: fixTagValue,
};
