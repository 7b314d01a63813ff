// The arguments of converters, and of a few fetches: what is right (config/ asks, with HAProxy's words for what is wrong) and how they are read (the workers).
// Both stand here together, so that they cannot disagree. No worker state, no allocation limits: this runs when configurations are read.

import { createHash } from "node:crypto";
import { translatePcre } from "../../acl/pcre.ts";
import { conditionProblem, parseVariableName } from "../../variables/name.ts";
import { type Integer, readInteger64 } from "../integer64.ts";
import { textBytes } from "../value.ts";

/** Arguments as they stand in a plan, see ArgumentKind in fetches.table.ts. */
export type Arguments = readonly (string | number)[];

/** Gives what is wrong with the arguments, in HAProxy's words; null: nothing. */
export type ArgumentCheck = (args: Arguments) => string | null;

const VARIABLE = /^(proc|p?(sess|txn|req|res)|check)\./;

/** Text of an argument, empty when it was left out. */
export function textArgument(args: Arguments, index: number): string {
  const argument = args[index];
  return argument === undefined ? "" : String(argument);
}

/** Integer of an argument, `missing` when it was left out. */
export function integerArgument(args: Arguments, index: number, missing: number): number {
  const argument = args[index];
  return argument === undefined || argument === "" ? missing : Number(argument);
}

/** An operand of arithmetic: 64 bits, the nearest that exist. */
export function operand(args: Arguments, index: number): Integer {
  const integer: Integer = { int: 0, high: 0, low: 0 };
  const bytes = textBytes(textArgument(args, index));
  readInteger64(integer, bytes, 0, bytes.length);
  return integer;
}

function integerOrVariable(args: Arguments, index: number): string | null {
  const text = textArgument(args, index);
  if (VARIABLE.test(text)) return variableProblem(text);
  return /^([+-]?\d+)?$/.test(text) ? null : "expects an integer or a variable name";
}

/** `add(value)` and its kin. */
export const checkOperand: ArgumentCheck = (args) => integerOrVariable(args, 0);

/** `bytes(offset[,length])`. */
export const checkBytes: ArgumentCheck = (args) => {
  const problem = integerOrVariable(args, 0) ?? integerOrVariable(args, 1);
  if (problem !== null) return problem;
  if (integerArgument(args, 0, 0) < 0) return "expects a non-negative integer";
  return integerArgument(args, 1, 1) <= 0 ? "expects a positive integer" : null;
};

/** `field(index,delimiters)` and `word(index,delimiters)`. */
export const checkField: ArgumentCheck = (args) => {
  if (integerArgument(args, 0, 1) === 0) return "Unexpected value 0 for index";
  return textArgument(args, 1) === "" ? "Empty separators list" : null;
};

/** A variable's name, or nothing. */
function variableMaybe(args: Arguments, index: number): string | null {
  const name = textArgument(args, index);
  return name === "" ? null : variableProblem(name);
}

/** What is wrong with a variable's name. */
function variableProblem(name: string): string | null {
  const parsed = parseVariableName(name);
  return typeof parsed === "string" ? parsed : null;
}

/** `concat(start,var,end)`. */
export const checkConcat: ArgumentCheck = (args) => variableMaybe(args, 1);

/** `add_item(delimiter,var,suffix)`. */
export const checkAddItem: ArgumentCheck = (args) =>
  variableMaybe(args, 1) ??
  (textArgument(args, 1) === "" && textArgument(args, 2) === ""
    ? "one of the optional arguments has to be nonempty"
    : null);

/** `param(name,delimiter)`. */
export const checkParam: ArgumentCheck = (args) =>
  args.length > 1 && paramDelimiter(args) === null ? "Delimiter must be exactly 1 character." : null;

/** A character, or its code as `0x26`; null: neither. */
export function paramDelimiter(args: Arguments): number | null {
  const text = textArgument(args, 1);
  const code = /^0x([0-9A-Fa-f]{2})$/.exec(text)?.[1];
  if (code !== undefined) return Number.parseInt(code, 16);
  return text.length === 1 ? text.charCodeAt(0) : null;
}

/** `url_enc(type)`. */
export const checkUrlEncode: ArgumentCheck = (args) => {
  const type = textArgument(args, 0);
  return type === "" || type === "query" ? null : "Unexpected encode type. Allowed value is 'query'";
};

export const JSON_INPUT_CODES: readonly string[] = ["ascii", "utf8", "utf8s", "utf8p", "utf8ps"];

/** `json(input-code)`. */
export const checkJson: ArgumentCheck = (args) => {
  const code = textArgument(args, 0);
  if (code === "" || JSON_INPUT_CODES.includes(code)) return null;
  return "Unexpected input code type. Allowed value are 'ascii', 'utf8', 'utf8s', 'utf8p' and 'utf8ps'";
};

/** `http_date(offset,unit)`. */
export const checkTimeUnit: ArgumentCheck = (args) => {
  const unit = textArgument(args, 1);
  return unit === "" || unit === "s" || unit === "ms" || unit === "us"
    ? null
    : `expects 's', 'ms' or 'us', got '${unit}'`;
};

/** `accept_date(unit)`. */
export const checkDateUnit: ArgumentCheck = (args) => checkTimeUnit(["", ...args]);

function checkChunk(args: Arguments, size: number): string | null {
  const truncate = integerArgument(args, 2, 0);
  if (size <= 0) return `chunk_size needs to be positive (${size})`;
  return truncate === 0 || truncate === 1 ? null : `Unsupported truncate value (${truncate})`;
}

/** `be2hex(separator,chunk_size,truncate)`: a separator needs a chunk size. */
export const checkHexChunks: ArgumentCheck = (args) =>
  args.length === 0 ? null : checkChunk(args, integerArgument(args, 1, textArgument(args, 0) === "" ? 1 : 0));

/** `be2dec(separator,chunk_size,truncate)`. */
export const checkDecimalChunks: ArgumentCheck = (args) => {
  const size = integerArgument(args, 1, 0);
  if (size < 1 || size > 8) return `chunk_size out of [1..8] range (${size})`;
  return checkChunk(args, size);
};

const SHA2_BITS: readonly number[] = [224, 256, 384, 512];

/** `sha2(bits)`. */
export const checkSha2: ArgumentCheck = (args) => {
  const bits = integerArgument(args, 0, 256);
  return SHA2_BITS.includes(bits) ? null : `Unsupported number of bits: '${bits}'`;
};

/** Whether OpenSSL has the digest; it knows more names than it lists. */
function isDigest(name: string): boolean {
  try {
    createHash(name);
    return true;
  } catch {
    return false;
  }
}

/** `digest(algorithm)`. */
export const checkDigest: ArgumentCheck = (args) =>
  isDigest(textArgument(args, 0)) ? null : "algorithm must be a valid OpenSSL message digest name.";

/** `hmac(algorithm,key)`. */
export const checkHmac: ArgumentCheck = (args) => {
  const key = textArgument(args, 1);
  const problem = checkDigest(args);
  if (problem !== null) return problem;
  if (VARIABLE.test(key)) return variableProblem(key);
  return isBase64(key) ? null : "failed to parse key : argument needs to be base64 encoded";
};

/** Whole groups of four, padded. */
export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** `json_query(json_path,output_type)`. */
export const checkJsonQuery: ArgumentCheck = (args) => {
  if (textArgument(args, 0) === "") return "json_path must not be empty";
  const type = textArgument(args, 1);
  return type === "" || type === "int" ? null : 'output_type only supports "int" as argument';
};

/** `regsub(regex,subst,flags)`. */
export const checkRegsub: ArgumentCheck = (args) => {
  const flags = textArgument(args, 2);
  const wrong = /[^ig]/.exec(flags);
  if (wrong !== null) return `invalid regex flag '${wrong[0]}', only 'i' and 'g' are supported`;
  const regex = textArgument(args, 0);
  const translation = translatePcre(regex, flags.includes("i"));
  return translation.ok ? null : `error in regex '${regex}' : ${translation.error}`;
};

/** The fetch `bin(hex)`. */
export const checkBinary: ArgumentCheck = (args) =>
  /^(?:[0-9A-Fa-f]{2})+$/.test(textArgument(args, 0)) ? null : "expects pairs of hexadecimal digits";

/** The fetch `uuid(version)`. */
export const checkUuid: ArgumentCheck = (args) => {
  const version = integerArgument(args, 0, 4);
  return version === 4 || version === 7 ? null : `unsupported UUID version '${version}'`;
};

/** A variable's name and, of `set-var`, the conditions behind it. `var` has a default there, which may be anything. */
export const checkVariable: ArgumentCheck = (args) => {
  const parsed = parseVariableName(textArgument(args, 0));
  return typeof parsed === "string" ? parsed : null;
};
export const checkSetVariable: ArgumentCheck = (args) => {
  const [, ...conditions] = args;
  return checkVariable(args) ?? conditionProblem(conditions.map(String));
};
