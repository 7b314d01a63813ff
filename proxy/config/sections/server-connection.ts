// Parameters of server lines about how connections are made (section 5.2): `send-proxy` and its kin, `source` with `usesrc` and
// `interface`, `pool-conn-name`. Expressions and formats are read here; what they may ask for is checked in check/server.ts.

import {
  PROXY_V2_OPTIONS,
  type ProxyV2Option,
  type ShownSourcePlan,
  type SourcePlan,
} from "../../plan/server-connection.ts";
import { tlvType } from "../../sample/tlv-type.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { parseSample } from "../expression/sample.ts";
import type { Statement } from "../statement.ts";
import { literalAddress } from "../values.ts";
import type { ServerParser } from "./server-options.ts";

/** `send-proxy` (1) and `send-proxy-v2` (2), with what the -ssl forms ask for. */
export function sendProxy(version: 1 | 2, ...wanted: readonly ProxyV2Option[]): ServerParser {
  return (_statement, _at, options) => {
    options.proxyVersion = version;
    for (const option of wanted) options.proxyOptions.add(option);
    return null;
  };
}

export function noSendProxy(...unwanted: readonly ProxyV2Option[]): ServerParser {
  return (_statement, _at, options) => {
    if (unwanted.length === 0) options.proxyVersion = 0;
    for (const option of unwanted) options.proxyOptions.delete(option);
    return null;
  };
}

export const proxyV2Options: ServerParser = (statement, at, options) => {
  const value = statement.text(at + 1);
  if (value === "") return "'proxy-v2-options' expects <option>[,<option>]* as argument";
  for (const word of value.split(",")) {
    const option = PROXY_V2_OPTIONS.find((known) => known === word);
    if (option === undefined) return `'proxy-v2-options' : unknown proxy-v2 option '${word}'`;
    options.proxyOptions.add(option);
    if (option === "cert-cn" || option === "ssl-cipher" || option === "cert-sig" || option === "cert-key")
      options.proxyOptions.add("ssl");
  }
  return null;
};

const TLV_ARGUMENT = /^set-proxy-v2-tlv-fmt\(([^)]*)\)$/;

/** `set-proxy-v2-tlv-fmt(<id>) <fmt>`. A later one for the same id does not replace an earlier one: both are sent, as HAProxy does. */
export const proxyV2Tlv: ServerParser = (statement, at, options) => {
  const id = TLV_ARGUMENT.exec(statement.text(at))?.[1];
  if (id === undefined) return "'set-proxy-v2-tlv-fmt' : missing TLV type ID";
  const type = tlvType(id);
  if (type < 0) return `'set-proxy-v2-tlv-fmt' : invalid TLV type '${id}'. It must be a number or a name below 256`;
  options.proxyTlvs.push({ type, text: statement.text(at + 1), statement });
  return null;
};

export const poolConnName: ServerParser = (statement, at, options) => {
  const value = statement.text(at + 1);
  if (value === "") return "'pool-conn-name' expects <value> as argument.";
  options.texts.set("pool-conn-name", value);
  return null;
};

/** `source <addr>[:<port>[-<port>]] [usesrc …] [interface …]` on a server line. */
export const source: ServerParser = (statement, at, options, configuration) => {
  const read = readSource(statement, at, configuration);
  if (typeof read === "string") return read;
  options.source = read.source;
  return null;
};

/** The same as a line of a backend: for its servers that have none. */
export function proxySource(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const read = readSource(statement, 0, configuration);
  if (typeof read === "string") {
    statement.alert("bad-source", read, { at: 1 });
    return;
  }
  if (!statement.takesAtMost(read.taken)) return;
  proxy.source = read.source;
}

const EXPECTED =
  "'source' expects <addr>[:<port>[-<port>]], and optionally 'usesrc' <addr>, and 'interface' <name> as argument.";

function readSource(
  statement: Statement,
  at: number,
  configuration: ConfigurationDraft,
): { readonly source: SourcePlan; readonly taken: number } | string {
  const value = statement.text(at + 1);
  if (value === "") return EXPECTED;
  const parsed = literalAddress(value, configuration);
  if (!parsed.ok) return `'source ${value}' : ${parsed.problem.message}`;
  const { address, ports } = parsed.value;
  if (address === null) return `'source ${value}' : invalid address: '${parsed.value.host}' in '${value}'`;
  let shown: ShownSourcePlan | null = null;
  let device: string | null = null;
  let taken = 1;
  for (;;) {
    const word = statement.text(at + taken + 1);
    const argument = statement.text(at + taken + 2);
    if (word === "usesrc") {
      const read = readShown(argument, configuration);
      if (typeof read === "string") return read;
      shown = read;
    } else if (word === "interface") {
      if (argument === "") return "'interface' : missing interface name.";
      device = argument;
    } else break;
    taken += 2;
  }
  const range = ports !== null && ports.last > ports.first ? { first: ports.first, last: ports.last } : null;
  return { source: { address, ports: range, interface: device, shown }, taken };
}

const HEADER_IP = /^hdr_ip\(/;

function readShown(text: string, configuration: ConfigurationDraft): ShownSourcePlan | string {
  if (text === "") return "'usesrc' expects <addr>[:<port>], 'client', 'clientip', or 'hdr_ip(name,#)' as argument.";
  if (text === "client" || text === "clientip") return { kind: text };
  if (HEADER_IP.test(text)) {
    const parsed = parseSample(text);
    if (!parsed.ok) return `'usesrc ${text}' : ${parsed.message}`;
    return { kind: "header", sample: parsed.sample };
  }
  const parsed = literalAddress(text, configuration);
  if (!parsed.ok) return `'usesrc ${text}' : ${parsed.problem.message}`;
  if (parsed.value.address === null) return `'usesrc ${text}' : invalid address: '${parsed.value.host}' in '${text}'`;
  return { kind: "address", address: parsed.value.address };
}
