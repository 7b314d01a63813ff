// Converters of the Forwarded header (RFC 7239): rfc7239_is_valid, rfc7239_field, rfc7239_n2nn, rfc7239_n2np, rfc7239_nn, rfc7239_np.
//
//   for="[2001:db8::1]:8080";proto=https;host=example.org;by=_hidden
//   └ a node: name, and after a colon a port                           several elements of a list: the first one counts
//
// Parsed by hand and without garbage where the value stays what it is; nodes are short.

import { readIpv4, readIpv6 } from "../../../shared/ip/address.ts";
import { toStr } from "../cast.ts";
import { TYPE } from "../types.ts";
import { latin1, type SampleValue, textBytes } from "../value.ts";
import { type ArgumentCheck, textArgument } from "./arguments.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";
import { setBool, setCopy, setInteger, setRange } from "./result.ts";

const STR = TYPE.str;
const IPV4 = TYPE.ipv4;
const IPV6 = TYPE.ipv6;
const PORT_MAX = 65535;

const FIELDS: readonly string[] = ["proto", "host", "for", "by"];
/** RFC 7239 §6.3: letters, digits, dot, underscore, hyphen. */
const OBFUSCATED = /^_[A-Za-z0-9._-]+$/;
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::\d{1,5})?$/;
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+/;

interface Node {
  readonly name: string;
  /** null: none. */
  readonly port: string | null;
}

/** Cuts a node into name and port; null: it is none. */
function parseNode(text: string): Node | null {
  const [, bracketed, bare, port] = /^(?:\[([^\]]*)\]|([^:[\]]+))(?::(.+))?$/.exec(text) ?? [];
  if (bracketed === undefined && bare === undefined) return null;
  if (port !== undefined && !OBFUSCATED.test(port) && !(/^\d{1,5}$/.test(port) && Number(port) <= PORT_MAX))
    return null;
  const name = bracketed ?? bare!;
  const bytes = textBytes(name);
  const address = new Uint8Array(16);
  const isRight =
    bracketed !== undefined
      ? readIpv6(bytes, 0, bytes.length, address, 0)
      : name === "unknown" || OBFUSCATED.test(name) || readIpv4(bytes, 0, bytes.length, address, 0);
  return isRight ? { name, port: port ?? null } : null;
}

/** Whether a parameter's value is right for it. */
function isParameter(name: string, value: string, isQuoted: boolean): boolean {
  switch (name) {
    case "proto":
      return value === "http" || value === "https";
    case "host":
      return HOST.test(value) && (isQuoted || !/[:[\]]/.test(value));
    case "for":
    case "by":
      return parseNode(value) !== null && (isQuoted || !/[:[\]]/.test(value));
    default:
      return false;
  }
}

/** The parameters of a header's first element; null: it is not valid. */
function parseForwarded(text: string): Map<string, string> | null {
  const found = new Map<string, string>();
  let rest = text;
  for (;;) {
    // Names are in lower case, as HAProxy wants them.
    const name = TOKEN.exec(rest)?.[0] ?? "";
    rest = rest.slice(name.length);
    if (name === "" || rest[0] !== "=" || found.has(name)) return null;
    const quoted = /^="((?:[^"\\]|\\.)*)"/s.exec(rest);
    const value = quoted?.[1] ?? TOKEN.exec(rest.slice(1))?.[0] ?? "";
    if (!isParameter(name, value, quoted !== null)) return null;
    found.set(name, value);
    rest = rest.slice(quoted === null ? value.length + 1 : quoted[0].length);
    if (rest === "") return found;
    if (rest[0] !== ";") return null;
    rest = rest.slice(1);
  }
}

/** Whether a header's value is a valid Forwarded, all of its elements. */
export function isForwarded(value: string): boolean {
  return parseForwarded(value) !== null;
}

/** The node `name` as it stands in the header, with `port` where it has one and is good; an address of IPv6 in its brackets. Else "unknown". */
export function nodeText(name: string, port: string | null): string {
  const bytes = textBytes(name);
  const isIpv6 = readIpv6(bytes, 0, bytes.length, new Uint8Array(16), 0);
  const shown = isIpv6
    ? `[${name}]`
    : parseNode(name) !== null
      ? name
      : OBFUSCATED.test(`_${name}`)
        ? `_${name}`
        : "unknown";
  if (port === null) return shown.startsWith("[") ? `"${shown}"` : shown;
  const isPort = (/^\d{1,5}$/.test(port) && Number(port) <= PORT_MAX) || OBFUSCATED.test(port);
  const shownPort = isPort ? `:${port}` : OBFUSCATED.test(`_${port}`) ? `:_${port}` : "";
  return `"${shown}${shownPort}"`;
}

/** The host as it may stand between quotes, "" where it may not. */
export function hostText(host: string): string {
  return HOST.test(host) ? host : "";
}

const text = (value: SampleValue): string => latin1(value.bytes, value.start, value.end);

const isValid: Converter = (value) => setBool(value, parseForwarded(text(value)) !== null);

const field: ConverterCompiler = (_, args) => {
  const name = textArgument(args, 0).toLowerCase();
  return (value) => {
    const found = parseForwarded(text(value))?.get(name);
    return found !== undefined && setCopy(value, textBytes(found), STR);
  };
};

const nodeName: Converter = (value) => {
  const node = parseNode(text(value));
  if (node === null) return false;
  const bytes = textBytes(node.name);
  if (readIpv4(bytes, 0, bytes.length, value.address, 0)) value.type = IPV4;
  else if (readIpv6(bytes, 0, bytes.length, value.address, 0)) value.type = IPV6;
  else return setCopy(value, bytes, STR);
  return true;
};

const nodePort: Converter = (value) => {
  const port = parseNode(text(value))?.port ?? null;
  if (port === null) return false;
  return /^\d/.test(port) ? setInteger(value, Number(port)) : setCopy(value, textBytes(port), STR);
};

/** `_` in front of a text that may stand behind it; false: it may not. */
function obfuscate(value: SampleValue): boolean {
  const name = `_${text(value)}`;
  return OBFUSCATED.test(name) && setCopy(value, textBytes(name), STR);
}

const toNodeName: Converter = (value) => {
  if (value.type === IPV6) {
    toStr(value);
    return setCopy(value, textBytes(`[${text(value)}]`), STR);
  }
  if (value.type === IPV4) return toStr(value);
  if (!toStr(value)) return false;
  return value.end === value.start ? setCopy(value, textBytes("unknown"), STR) : obfuscate(value);
};

const toNodePort: Converter = (value) => {
  if (value.type !== TYPE.sint) return toStr(value) && obfuscate(value);
  return value.int >= 0 && value.int <= PORT_MAX && toStr(value) && setRange(value, value.start, value.end, STR);
};

/** `rfc7239_field(field)`. */
export const checkForwardedField: ArgumentCheck = (args) => {
  const name = textArgument(args, 0);
  return FIELDS.includes(name.toLowerCase()) ? null : `unknown 'rfc7239_field' param '${name}'`;
};

/** By name, see converters.table.ts. */
export const FORWARDED_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  rfc7239_field: field,
  rfc7239_is_valid: () => isValid,
  rfc7239_n2nn: () => nodeName,
  rfc7239_n2np: () => nodePort,
  rfc7239_nn: () => toNodeName,
  rfc7239_np: () => toNodePort,
};
