// A log-format, compiled once per frontend to one straight function: a call per item, with its flags as a constant.
//
//   "%ci:%cp [%tr] %ft"  →  (stream) => { variables.clientIp(stream, 0); writer.byte(58); variables.clientPort(stream, 0);
//                                         writer.separator(); writer.byte(91); times.requestDate(stream, 0); … }
//
// Generated, not interpreted: a list of closures costs about 10 ns an item in dispatch alone, and httplog has 38 of them. The
// source is made from the names in the table below and from numbers only; texts of the configuration reach it as byte arrays.

import type { LogItemPlan, LogNodePlan } from "../plan/log.ts";
import type { ProxyMode } from "../plan/plan.ts";
import type { SampleContext } from "../sample/context.ts";
import { type CompiledSample, compileSample } from "../sample/expression.ts";
import { RESULT, type Result, type SampleValue, textBytes } from "../sample/value.ts";
import type { Stream } from "../stream/stream.ts";
import type { CaptureVariables } from "./capture-variables.ts";
import { type Encoding, ItemEncoder } from "./encoding.ts";
import { ESCAPE, HEX, type ItemWriter, PLUS, QUOTE } from "./item-writer.ts";
import type { RequestVariables } from "./request-variables.ts";
import type { TimeVariables } from "./time-variables.ts";
import type { Variables } from "./variables.ts";

const PASS = RESULT.pass;
const DOUBLE_QUOTE = 34;

/** What a format function writes with. */
export interface LogWriters {
  readonly writer: ItemWriter;
  readonly variables: Variables;
  readonly times: TimeVariables;
  readonly request: RequestVariables;
  readonly captures: CaptureVariables;
  readonly samples: SampleContext;
}

/** Writes the line of a stream at the writer's position. */
export type LogFormat = (stream: Stream) => void;

type Methods<T> = { [K in keyof T]: T[K] extends (stream: Stream, flags: number) => void ? K : never }[keyof T];
type Entry =
  | readonly ["variables", Methods<Variables>]
  | readonly ["times", Methods<TimeVariables>]
  | readonly ["captures", Methods<CaptureVariables>]
  | readonly ["request", Methods<RequestVariables>];

/** Every variable that is served: its name in log-format, who writes it and how. `%o` and `%%` are dissolved by config/. */
// biome-ignore format: a table
const LOG_VARIABLES: Readonly<Record<string, Entry>> = {
  ci:   ["variables", "clientIp"],           cp:   ["variables", "clientPort"],
  fi:   ["variables", "frontendIp"],         fp:   ["variables", "frontendPort"],
  bi:   ["variables", "backendSourceIp"],    bp:   ["variables", "backendSourcePort"],
  si:   ["variables", "serverIp"],           sp:   ["variables", "serverPort"],
  f:    ["variables", "frontendName"],       ft:   ["variables", "frontendTransport"],
  b:    ["variables", "backendName"],        s:    ["variables", "serverName"],
  H:    ["variables", "hostname"],           OG:   ["variables", "origin"],
  CC:   ["captures", "requestCookie"],       CS:   ["captures", "responseCookie"],
  ID:   ["variables", "nothing"],            sslc: ["variables", "tlsCipher"],
  sslv: ["variables", "tlsVersion"],         hr:   ["captures", "requestHeaders"],
  hs:   ["captures", "responseHeaders"],              hrl:  ["captures", "requestHeaderList"],
  hsl:  ["captures", "responseHeaderList"],
  t:    ["times", "acceptDate"],             T:    ["times", "acceptDateUtc"],
  Tl:   ["times", "acceptDateLocal"],        Ts:   ["times", "acceptSeconds"],
  ms:   ["times", "acceptMilliseconds"],     tr:   ["times", "requestDate"],
  trg:  ["times", "requestDateUtc"],         trl:  ["times", "requestDateLocal"],
  Th:   ["times", "handshakeTime"],          Ti:   ["times", "idleTime"],
  TR:   ["times", "requestTime"],            Tq:   ["times", "requestTotalTime"],
  Tw:   ["times", "queueTime"],              Tc:   ["times", "connectTime"],
  Tr:   ["times", "responseTime"],           Td:   ["times", "dataTime"],
  Ta:   ["times", "activeTime"],             Tt:   ["times", "totalTime"],
  Tu:   ["times", "userTime"],
  B:    ["variables", "bytesRead"],          U:    ["variables", "bytesUploaded"],
  ST:   ["variables", "status"],             ac:   ["variables", "activeConnections"],
  fc:   ["variables", "frontendConnections"], bc:  ["variables", "backendConnections"],
  sc:   ["variables", "serverConnections"],  rc:   ["variables", "retries"],
  bq:   ["variables", "backendQueue"],       sq:   ["variables", "serverQueue"],
  lc:   ["variables", "frontendLogCounter"], rt:   ["variables", "requestCounter"],
  pid:  ["variables", "processId"],          ts:   ["variables", "terminationState"],
  tsc:  ["variables", "terminationStateWithCookie"],
  r:    ["request", "requestLine"],          HM:   ["request", "method"],
  HU:   ["request", "uri"],                  HP:   ["request", "uriWithoutQuery"],
  HPO:  ["request", "path"],                 HQ:   ["request", "query"],
  HV:   ["request", "version"],
};

/** Those that are numbers. */
const NUMBERS: ReadonlySet<string> = new Set([
  ...["cp", "fp", "bp", "sp", "Ts", "ms", "Th", "Ti", "TR", "Tq", "Tw", "Tc", "Tr", "Td", "Ta", "Tt", "Tu", "B", "U"],
  ...["ST", "ac", "fc", "bc", "sc", "rc", "bq", "sq", "lc", "rt", "pid"],
]);

/** The names of all variables that are served, without `%`. */
export const LOG_VARIABLE_NAMES: readonly string[] = Object.keys(LOG_VARIABLES);

/** HAProxy's line without any format option: "Connect from …" (8.2.1). */
export function defaultLogFormat(mode: ProxyMode): LogNodePlan[] {
  const text = (value: string): LogNodePlan => ({ kind: "text", text: value });
  const variable = (name: string): LogNodePlan => {
    return { kind: "variable", name, quote: false, escape: false, hex: false, argument: null };
  };
  return [
    ...[text("Connect from "), variable("ci"), text(":"), variable("cp"), text(" to "), variable("fi"), text(":")],
    ...[variable("fp"), text(" ("), variable("f"), text(`/${mode === "http" ? "HTTP" : "TCP"})`)],
  ];
}

/**
 * Compiles a format.
 * @param asap `option logasap`: what will still grow gets a `+`
 * @param as a log line, or a value that a rule makes (rules/value.ts): its blanks stay as they were written
 */
export function compileLogFormat(
  nodes: readonly LogNodePlan[],
  writers: LogWriters,
  asap: boolean,
  as: "line" | "value" = "line",
): LogFormat {
  const literals: Uint8Array[] = [];
  const samples: CompiledSample["first"][] = [];
  const calls: string[] = [];
  const encoder = new ItemEncoder(writers.writer);
  const encoded: ((stream: Stream) => void)[] = [];
  const encode = (node: LogItemPlan, encoding: Encoding, isRaw: boolean): string => {
    encoded.push(encodedItem(node, encoding, isRaw, writers, encoder));
    return `encoded[${encoded.length - 1}](stream);`;
  };
  for (const written of nodes) {
    const node = written.kind === "variable" && written.name === "ID" ? uniqueIdOf(written) : written;
    if (node.kind === "object") {
      const { encoding, binary: isRaw } = node;
      encoded.push(() => encoder.open(encoding, isRaw));
      calls.push(`encoded[${encoded.length - 1}]();`);
      node.members.forEach((written, i) => {
        const isId = written.kind === "variable" && written.name === "ID";
        const member = isId ? uniqueIdOf(written) : written;
        const key = textBytes(member.key ?? "");
        encoded.push(() => encoder.key(key, i === 0, encoding, isRaw));
        calls.push(`encoded[${encoded.length - 1}]();`, encode(member, member.encoding ?? encoding, isRaw));
      });
      encoded.push(() => encoder.close(encoding, isRaw));
      calls.push(`encoded[${encoded.length - 1}]();`);
      continue;
    }
    if (node.kind !== "text" && node.encoding !== undefined) {
      calls.push(encode(node, node.encoding, false));
      continue;
    }
    if (node.kind === "text") {
      if (as === "line") calls.push(...textCalls(node.text, literals));
      else calls.push(`writer.literal(literals[${literals.push(textBytes(node.text)) - 1}]);`);
      continue;
    }
    const flags = (node.quote ? QUOTE : 0) | (node.escape ? ESCAPE : 0) | (node.hex ? HEX : 0) | (asap ? PLUS : 0);
    if (node.kind === "sample") {
      calls.push(`writeSample(writer, value, samples[${samples.length}](stream), ${flags});`);
      samples.push(compileSample(node.sample, writers.samples, false, "str").first);
      continue;
    }
    const entry = LOG_VARIABLES[node.name];
    if (entry === undefined) throw new Error(`log-format: config/ let the unknown variable %${node.name} pass`);
    calls.push(`${entry[0]}.${entry[1]}(stream, ${flags});`);
  }
  const body = `"use strict"; return (stream) => {\n${calls.join("\n")}\n};`;
  const make = new Function(
    "writer",
    "variables",
    "times",
    "request",
    "captures",
    "literals",
    "samples",
    "value",
    "writeSample",
    "encoded",
    body,
  );
  const { writer, variables, times, request, captures } = writers;
  const { value } = writers.samples;
  return make(writer, variables, times, request, captures, literals, samples, value, writeSample, encoded);
}

/** `%ID` is the fetch. */
function uniqueIdOf(item: LogItemPlan): LogItemPlan {
  return { ...item, kind: "sample", sample: { fetch: "unique-id", arguments: [], converters: [] } };
}

/** Aliases that are lists: null in JSON when there is none. */
const LISTS = new Set(["hr", "hrl", "hs", "hsl"]);

/** One item as JSON or CBOR; `+X` makes its text a string of digits, `+Q` and `+E` mean nothing here. */
function encodedItem(
  node: LogItemPlan,
  encoding: Encoding,
  isRaw: boolean,
  writers: LogWriters,
  encoder: ItemEncoder,
): (stream: Stream) => void {
  const { writer, samples } = writers;
  if (node.kind === "sample") {
    const { first } = compileSample(node.sample, samples, false);
    const { value } = samples;
    return (stream) => {
      if (first(stream) === PASS) encoder.sample(value, encoding, node.type, isRaw);
      else encoder.missing(encoding, isRaw);
    };
  }
  const entry = LOG_VARIABLES[node.name];
  if (entry === undefined) throw new Error(`log-format: config/ let the unknown variable %${node.name} pass`);
  const [part, method] = entry;
  const target = writers[part] as unknown as Record<string, (stream: Stream, flags: number) => void>;
  const type = node.type ?? (NUMBERS.has(node.name) && !node.hex ? "sint" : "str");
  return (stream) => {
    const start = writer.at;
    target[method]!(stream, node.hex ? HEX : 0);
    if (writer.at === start && LISTS.has(node.name)) encoder.nothing(encoding, isRaw);
    else encoder.alias(start, encoding, type, isRaw);
  };
}

/** Blanks are separators, which merge at run time; what stands between them is copied. */
function textCalls(text: string, literals: Uint8Array[]): string[] {
  const calls: string[] = [];
  for (const piece of text.split(/( +)/)) {
    if (piece === "") continue;
    const bytes = textBytes(piece);
    if (piece.startsWith(" ")) calls.push("writer.separator();");
    else if (bytes.length === 1) calls.push(`writer.byte(${bytes[0]});`);
    else calls.push(`writer.literal(literals[${literals.push(bytes) - 1}]);`);
  }
  return calls;
}

/** A sample's value as text, when there is one; +X has no effect on samples. */
function writeSample(writer: ItemWriter, value: SampleValue, result: Result, flags: number): void {
  if (result !== PASS) {
    writer.missing(flags);
    return;
  }
  if ((flags & QUOTE) !== 0) writer.byte(DOUBLE_QUOTE);
  writer.sample(value.bytes, value.start, value.end, (flags & ESCAPE) !== 0);
  if ((flags & QUOTE) !== 0) writer.byte(DOUBLE_QUOTE);
}
