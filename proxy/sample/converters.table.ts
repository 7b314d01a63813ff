// The registry of converters: names, types, arguments. Data only, for the same reason as fetches.table.ts; the workers'
// implementations stand in convert/. Semantics: configuration.txt 7.3.1.

import type { SampleType } from "../plan/expression.ts";
import {
  type ArgumentCheck,
  checkAddItem,
  checkBytes,
  checkConcat,
  checkDecimalChunks,
  checkDigest,
  checkField,
  checkHexChunks,
  checkHmac,
  checkJson,
  checkJsonQuery,
  checkOperand,
  checkParam,
  checkRegsub,
  checkSetVariable,
  checkSha2,
  checkTimeUnit,
  checkUrlEncode,
  checkVariable,
} from "./convert/arguments.ts";
import { checkCipher, checkCipherTag } from "./convert/cipher.ts";
import { checkControls } from "./convert/compare.ts";
import { checkDebug } from "./convert/debug.ts";
import { checkFixTag } from "./convert/fix.ts";
import { checkForwardedField } from "./convert/forwarded.ts";
import { checkJwtQuery, checkJwtVerify } from "./convert/jwt.ts";
import { MAP_KINDS, type MapKind } from "./convert/map.ts";
import { checkMqttField } from "./convert/mqtt.ts";
import { checkProtobuf } from "./convert/protobuf.ts";
import { checkWhen } from "./convert/when.ts";
import type { ArgumentSpec } from "./fetches.table.ts";
import { STICK_READINGS } from "./stick.table.ts";

export interface ConverterSignature {
  readonly name: string;
  readonly input: SampleType;
  /** `same`: what came in. */
  readonly output: SampleType | "same";
  readonly arguments: readonly ArgumentSpec[];
  /** Looks at arguments whose kinds are right; null: any do. */
  readonly check: ArgumentCheck | null;
  /** map_*: what it looks up and gives; config/ makes its first argument the list's index. */
  readonly map: MapKind | null;
}

const STRING: ArgumentSpec = { kind: "string", optional: false };
const STRING_MAYBE: ArgumentSpec = { kind: "string", optional: true };
const INTEGER: ArgumentSpec = { kind: "integer", optional: false };
const INTEGER_MAYBE: ArgumentSpec = { kind: "integer", optional: true };

/** Numbers of 64 bits, which the kind `integer` does not hold; left out they are 0. */
const OPERAND = [STRING_MAYBE];
const AVALANCHE = [INTEGER_MAYBE];
const CHUNKS = [STRING_MAYBE, INTEGER_MAYBE, INTEGER_MAYBE];
const TIME = [STRING, INTEGER_MAYBE];
const PARTS = [INTEGER, STRING, INTEGER_MAYBE];

type Row = readonly [
  name: string,
  input: SampleType,
  output: SampleType | "same",
  args?: readonly ArgumentSpec[],
  check?: ArgumentCheck,
];

// biome-ignore format: a table
const ROWS: readonly Row[] = [
  // Captures
  ["capture-req",  "str",  "str",  [INTEGER]],
  ["capture-res",  "str",  "str",  [INTEGER]],
  // Variables
  ["set-var",      "any",  "same", [STRING, STRING_MAYBE, STRING_MAYBE, STRING_MAYBE, STRING_MAYBE], checkSetVariable],
  ["unset-var",    "any",  "same", [STRING], checkVariable],
  // Numbers
  ["add",          "sint", "sint", OPERAND, checkOperand],
  ["and",          "sint", "sint", OPERAND, checkOperand],
  ["bool",         "sint", "bool"],
  ["cpl",          "sint", "sint"],
  ["div",          "sint", "sint", OPERAND, checkOperand],
  ["even",         "sint", "bool"],
  ["htonl",        "sint", "bin"],
  ["mod",          "sint", "sint", OPERAND, checkOperand],
  ["mul",          "sint", "sint", OPERAND, checkOperand],
  ["neg",          "sint", "sint"],
  ["not",          "sint", "bool"],
  ["odd",          "sint", "bool"],
  ["or",           "sint", "sint", OPERAND, checkOperand],
  ["sub",          "sint", "sint", OPERAND, checkOperand],
  ["xor",          "sint", "sint", OPERAND, checkOperand],
  // Text
  ["add_item",     "str",  "str",  [STRING, STRING, STRING_MAYBE], checkAddItem],
  ["bytes",        "bin",  "bin",  [STRING, STRING_MAYBE], checkBytes],
  ["concat",       "str",  "str",  [STRING_MAYBE, STRING_MAYBE, STRING_MAYBE], checkConcat],
  ["cut_crlf",     "str",  "str"],
  ["field",        "str",  "str",  PARTS, checkField],
  ["host_only",    "str",  "str"],
  ["iif",          "bool", "str",  [STRING, STRING]],
  ["json_query",   "str",  "any",  [STRING, STRING_MAYBE], checkJsonQuery],
  ["language",     "str",  "str",  [STRING, STRING_MAYBE]],
  ["length",       "str",  "sint"],
  ["lower",        "str",  "str"],
  ["ltrim",        "str",  "str",  [STRING]],
  ["param",        "str",  "str",  [STRING, STRING_MAYBE], checkParam],
  ["port_only",    "str",  "sint"],
  ["reverse",      "str",  "str"],
  ["reverse_dom",  "str",  "str"],
  ["regsub",       "str",  "str",  [STRING, STRING, STRING_MAYBE], checkRegsub],
  ["rtrim",        "str",  "str",  [STRING]],
  ["upper",        "str",  "str"],
  ["word",         "str",  "str",  PARTS, checkField],
  // Encodings
  ["b64dec",       "str",  "bin"],
  ["base2",        "bin",  "str"],
  ["base64",       "bin",  "str"],
  ["be2dec",       "bin",  "str",  [STRING, INTEGER_MAYBE, INTEGER_MAYBE], checkDecimalChunks],
  ["be2hex",       "bin",  "str",  CHUNKS, checkHexChunks],
  ["hex",          "bin",  "str"],
  ["hex2i",        "str",  "sint"],
  ["json",         "str",  "str",  [STRING_MAYBE], checkJson],
  ["le2dec",       "bin",  "str",  [STRING, INTEGER_MAYBE, INTEGER_MAYBE], checkDecimalChunks],
  ["ub64dec",      "str",  "bin"],
  ["ub64enc",      "bin",  "str"],
  ["url_dec",      "str",  "str",  [INTEGER_MAYBE]],
  ["url_enc",      "str",  "str",  [STRING_MAYBE], checkUrlEncode],
  // Hashes
  ["crc32",        "bin",  "sint", AVALANCHE],
  ["crc32c",       "bin",  "sint", AVALANCHE],
  ["djb2",         "bin",  "sint", AVALANCHE],
  ["sdbm",         "bin",  "sint", AVALANCHE],
  ["wt6",          "bin",  "sint", AVALANCHE],
  ["xxh3",         "bin",  "sint", [INTEGER_MAYBE]],
  ["xxh32",        "bin",  "sint", [INTEGER_MAYBE]],
  ["xxh64",        "bin",  "sint", [INTEGER_MAYBE]],
  ["digest",       "bin",  "bin",  [STRING], checkDigest],
  ["hmac",         "bin",  "bin",  [STRING, STRING], checkHmac],
  ["sha1",         "bin",  "bin"],
  ["sha2",         "bin",  "bin",  [INTEGER_MAYBE], checkSha2],
  // Dates
  ["date",         "str",  "sint"],
  ["http_date",    "sint", "str",  [INTEGER_MAYBE, STRING_MAYBE], checkTimeUnit],
  ["ltime",        "sint", "str",  TIME],
  ["ms_ltime",     "sint", "str",  TIME],
  ["ms_utime",     "sint", "str",  TIME],
  ["us_ltime",     "sint", "str",  TIME],
  ["us_utime",     "sint", "str",  TIME],
  ["utime",        "sint", "str",  TIME],
  // Comparisons, ciphers
  ["has_ctl",      "bin",  "bool", [STRING_MAYBE], checkControls],
  ["secure_memcmp", "bin", "bool", [STRING], checkVariable],
  ["strcmp",       "str",  "sint", [STRING], checkVariable],
  ["aes_cbc_dec",  "bin",  "bin",  [INTEGER, STRING, STRING, STRING_MAYBE], checkCipher],
  ["aes_cbc_enc",  "bin",  "bin",  [INTEGER, STRING, STRING, STRING_MAYBE], checkCipher],
  ["aes_gcm_dec",  "bin",  "bin",  [INTEGER, STRING, STRING, STRING, STRING_MAYBE], checkCipher],
  ["aes_gcm_enc",  "bin",  "bin",  [INTEGER, STRING, STRING, STRING, STRING_MAYBE], checkCipherTag],
  // Other formats
  ["fix_is_valid", "bin",  "bool"],
  ["fix_tag_value", "bin", "bin",  [STRING], checkFixTag],
  ["mqtt_field_value", "bin", "str", [STRING, STRING], checkMqttField],
  ["mqtt_is_valid", "bin", "bool"],
  ["protobuf",     "bin",  "any",  [STRING, STRING_MAYBE], checkProtobuf],
  ["ungrpc",       "bin",  "any",  [STRING, STRING_MAYBE], checkProtobuf],
  ["rfc7239_field", "str", "str",  [STRING], checkForwardedField],
  ["rfc7239_is_valid", "str", "bool"],
  ["rfc7239_n2nn", "str",  "any"],
  ["rfc7239_n2np", "str",  "any"],
  ["rfc7239_nn",   "any",  "str"],
  ["rfc7239_np",   "any",  "str"],
  ["debug",        "any",  "same", [STRING_MAYBE, STRING_MAYBE], checkDebug],
  ["when",         "any",  "same", [STRING, STRING_MAYBE, STRING_MAYBE], checkWhen],
  // Tokens, certificates
  ["jwt_header_query", "bin", "any", [STRING_MAYBE, STRING_MAYBE], checkJwtQuery],
  ["jwt_payload_query", "bin", "any", [STRING_MAYBE, STRING_MAYBE], checkJwtQuery],
  ["jwt_verify",   "bin",  "sint", [STRING, STRING], checkJwtVerify],
  ["x509_v_err_str", "sint", "str"],
  // Addresses, names
  ["ipmask",       "addr", "addr", [{ kind: "mask4", optional: false }, { kind: "mask6", optional: true }]],
  ["fe_exists",    "str",  "bool"],
  ["nbsrv",        "str",  "sint"],
  ["srv_is_up",    "str",  "bool"],
  ["srv_queue",    "str",  "sint"],
];

const TABLE: ArgumentSpec = { kind: "table", optional: false };

const STICK_ROWS: readonly Row[] = [
  ...STICK_READINGS.filter(({ converter }) => converter !== null).map(
    ({ converter, element }): Row => [converter!, "any", "sint", element ? [INTEGER, TABLE] : [TABLE]],
  ),
  ["in_table", "any", "bool", [TABLE]],
  ["table_expire", "any", "sint", [TABLE, INTEGER_MAYBE]],
  ["table_idle", "any", "sint", [TABLE, INTEGER_MAYBE]],
  ["table_server_id", "any", "sint", [TABLE]],
];

function maps(): ConverterSignature[] {
  return [...MAP_KINDS].map(([name, map]) => {
    const fallback = map.output === "int" ? [INTEGER_MAYBE] : map.output === "key" ? [] : [STRING_MAYBE];
    return { name, input: map.input, output: map.type, arguments: [STRING, ...fallback], check: null, map };
  });
}

function build(): ReadonlyMap<string, ConverterSignature> {
  const rows = [...ROWS, ...STICK_ROWS].map(([name, input, output, args = [], check = null]) => {
    return { name, input, output, arguments: args, check, map: null };
  });
  return new Map([...rows, ...maps()].map((signature) => [signature.name, signature]));
}

/** Every converter by name. */
export const CONVERTERS: ReadonlyMap<string, ConverterSignature> = build();
