// The worker's access log: one line per stream, formatted as bytes straight into memory that the kernel sends from.
//
//   core ── log(stream) ──▶ is it worth a line? ──▶ per target: header, compiled format, "\n" ──▶ sink ──▶ Reactor.send / write
//
// Nothing is allocated per line and nothing waits: a target that does not keep up loses lines, which are counted (`DroppedLogs`
// of show info). The stream, its client's connection row and its request head must still be there when `log` is called.

import type { Reactor } from "../../shared/reactor/reactor.ts";
import { CONNECTION } from "../connection/table.ts";
import type { ListenerPlan } from "../plan/listener.ts";
import { LOG_STEPS } from "../plan/log.ts";
import type { LogTargetPlan, Plan, ProxyPlan } from "../plan/plan.ts";
import type { SampleContext } from "../sample/context.ts";
import { type SharedState, WORKER } from "../shared-state/layout.ts";
import { SILENT } from "../stream/settings.ts";
import { Stream } from "../stream/stream.ts";
import { CaptureVariables } from "./capture-variables.ts";
import { compileLogFormat, defaultLogFormat, type LogFormat } from "./compile.ts";
import { DateText } from "./date-text.ts";
import { ItemWriter } from "./item-writer.ts";
import { textBytes } from "./names.ts";
import { compileMaybe, compileProfile, type ProfileStep, sentLines } from "./profile.ts";
import { isRefusedRequest, RequestVariables } from "./request-variables.ts";
import { DatagramSink, type LogSink, SINK_SLOT_BITS, StreamSink, sinkBytes } from "./sinks.ts";
import { SEVERITY, SyslogHeader } from "./syslog-header.ts";
import { endpointIndices, endpointKey, type LogEndpoint, logTargets } from "./targets.ts";
import { type LogClock, TimeVariables } from "./time-variables.ts";
import { ORIGIN_CLOSE, Variables, type VariablesOptions } from "./variables.ts";

// Hot constants, as in stream/stream.ts and shared-state/layout.ts.
const HTTP = 1;
const LOGGED = 2048;
const REDISPATCHED = 64;
const FROM_CLIENT = 0;
const STREAM_BYTES_COLUMNS = 4;
const DASH = 45;
const LOCAL = 76; // `L`: the proxy itself answered, which is no error
const NEWLINE = 10;
/** Positions in LOG_ORIGINS. */
const ORIGIN = { error: 0, accept: 1, connect: 3, response: 4, close: ORIGIN_CLOSE } as const;
/** Structured data is cut here; a sink has room for it in front of each line. */
const STRUCTURED_BYTES_MAX = 1024;

/** When a frontend's lines are written, for whoever calls `log`. */
export const LOG_WHEN = {
  /** No `log` line: never. */
  never: 0,
  /** HAProxy's default format: as soon as the request (mode tcp: the connection) is accepted. */
  start: 1,
  /** `option logasap`: at the response's head (mode tcp: when the server is connected), or at the end if that comes first. */
  responseHead: 2,
  end: 3,
} as const;

export interface AccessLogOptions extends VariablesOptions {
  /** The worker's arena, and the offset of `accessLogBytes(plan)` bytes in it that are the log's alone. */
  readonly arena: Uint8Array;
  readonly arenaOffset: number;
  readonly reactor: Pick<Reactor, "send" | "write">;
  /** The number for completions that go to `onCompletion`. */
  readonly op: number;
  readonly shared: SharedState;
  /** The worker's row in the shared state. */
  readonly worker: number;
  readonly clock: LogClock;
  /** WorkerTask.logFds. */
  readonly logFds: readonly number[];
  readonly samples: SampleContext;
}

/** What one `log` line of a frontend does with a line. */
interface Target {
  /** `sample`: the word that counts lines, and 1 for each line of a round that is sent; null: all are. */
  readonly countAt: number;
  readonly isSent: Uint8Array | null;
  readonly sink: LogSink;
  readonly header: SyslogHeader;
  /** `profile`: by origin, what it does with lines; null: nothing. */
  readonly profile: readonly (ProfileStep | null)[] | null;
  readonly level: number;
  readonly minLevel: number;
  readonly maxBytes: number;
}

interface FrontendLog {
  readonly targets: readonly Target[];
  readonly format: LogFormat;
  /** `log-format-sd`, `error-log-format`; null: none. */
  readonly structured: LogFormat | null;
  readonly errorFormat: LogFormat | null;
  readonly dontLogNull: boolean;
  readonly dontLogNormal: boolean;
  readonly separateErrors: boolean;
  /** HAProxy's default format says nothing about requests that it refused. */
  readonly requestsOnly: boolean;
}

/** Bytes of arena that the access log of this plan needs. */
export function accessLogBytes(plan: Plan): number {
  const lineBytes = lineBytesMax(plan);
  return logTargets(plan).reduce((sum, endpoint, i) => sum + sinkBytes(sinkKind(endpoint), lineBytes[i]!), 0);
}

export class AccessLog {
  /** LOG_WHEN of each proxy. */
  readonly when: Uint8Array;
  /** `log-steps` of each proxy: bits of LOG_STEPS, 0: none. */
  readonly steps: Uint8Array;
  readonly #writer: ItemWriter;
  readonly #variables: Variables;
  readonly #options: AccessLogOptions;
  readonly #date = new DateText("log", true);
  readonly #streamBytes: Float64Array;
  readonly #clock: LogClock;
  readonly #sinks: readonly LogSink[];
  readonly #frontends: readonly (FrontendLog | null)[];
  readonly #words: Int32Array;
  readonly #droppedAt: number;
  readonly #refusedAt: number;
  /** What the counters said when this worker took its seat: its predecessor's lines are not forgotten. */
  readonly #droppedBefore: number;
  readonly #refusedBefore: number;
  /** Stands for the stream of a connection that has none. */
  readonly #bare = new Stream(-1, 1);
  #sdFormat: LogFormat | null = null;
  #sdStream: Stream | null = null;
  readonly #writeStructured = (at: number): number => {
    const writer = this.#writer;
    writer.start(at, at + STRUCTURED_BYTES_MAX);
    this.#sdFormat!(this.#sdStream!);
    return writer.end();
  };

  constructor(options: AccessLogOptions) {
    const { plan, clock, shared } = options;
    const writer = new ItemWriter(options.arena);
    const variables = new Variables(writer, options);
    this.#writer = writer;
    this.#options = options;
    this.#variables = variables;
    this.#streamBytes = options.streamBytes;
    this.#clock = clock;
    this.#words = shared.words;
    this.#droppedAt = shared.workerAt(options.worker) + WORKER.droppedLogs;
    this.#refusedAt = shared.workerAt(options.worker) + WORKER.refusedLogs;
    this.#droppedBefore = shared.words[this.#droppedAt]!;
    this.#refusedBefore = shared.words[this.#refusedAt]!;
    const endpoints = logTargets(plan);
    this.#sinks = makeSinks(plan, endpoints, options);
    const indices = endpointIndices(endpoints);
    const times = new TimeVariables(writer, clock);
    const writers = {
      ...{ writer, variables, times, request: new RequestVariables(writer, options.arena, plan.global.logUriBytes) },
      captures: new CaptureVariables(writer, options.samples.captures),
      samples: options.samples,
    };
    this.#frontends = plan.proxies.map((proxy) => {
      if (proxy.frontend === null || proxy.log.length === 0) return null;
      const format = proxy.frontend.logFormat ?? defaultLogFormat(proxy.mode);
      return {
        ...proxy.logOptions,
        targets: proxy.log.map((target, i) => ({
          countAt: shared.logLineAt(proxy.index, i),
          isSent: sentLines(target),
          sink: this.#sinks[indices.get(endpointKey(target.address))!]!,
          header: headerOf(target, proxy, plan, options.pid),
          profile: compileProfile(target, plan, writers, proxy.logOptions.asap),
          ...{ level: target.level, minLevel: target.minLevel, maxBytes: target.maxBytes },
        })),
        format: compileLogFormat(format, writers, proxy.logOptions.asap),
        structured: compileMaybe(proxy.frontend.logFormatSd, writers),
        errorFormat: compileMaybe(proxy.frontend.errorLogFormat, writers),
        requestsOnly: proxy.frontend.logFormat === null && proxy.mode === "http",
      };
    });
    this.when = Uint8Array.from(plan.proxies, whenToLog);
    this.steps = Uint8Array.from(plan.proxies, ({ frontend }) => frontend?.logSteps ?? 0);
  }

  /**
   * Writes the stream's line, unless it was written before or the frontend's options spare it. Called at the moment that
   * `when[stream.frontend]` names and, in any case, at the end of the stream.
   */
  log(stream: Stream): void {
    if ((stream.flags & LOGGED) !== 0) return;
    stream.flags |= LOGGED;
    const frontend = this.#frontends[stream.frontend]!;
    if (frontend === null) return;
    const isError = hasError(stream);
    if (frontend.dontLogNormal && !isError) return;
    if (frontend.dontLogNull && this.#streamBytes[stream.slot * STREAM_BYTES_COLUMNS + FROM_CLIENT] === 0) return;
    const isRefused = isRefusedRequest(stream);
    if (frontend.requestsOnly && isRefused) return;
    const steps = this.steps[stream.frontend]!;
    if (steps !== 0 && (steps & LOG_STEPS.close) === 0 && !isRefused) return;
    const when = this.when[stream.frontend]!;
    const origin = isRefused ? ORIGIN.error : when === LOG_WHEN.end ? ORIGIN.close : this.#earlyOrigin(stream, when);
    const set = stream.settings === null ? -1 : stream.settings.logLevel;
    if (set === SILENT) return;
    const severity = set >= 0 ? set : isError && frontend.separateErrors ? SEVERITY.err : SEVERITY.info;
    this.#write(stream, frontend, severity, origin);
  }

  /** Where a line comes from that is written before the end. */
  #earlyOrigin(stream: Stream, when: number): number {
    if (when === LOG_WHEN.start) return ORIGIN.accept;
    if (stream.endBy !== DASH && stream.responseHeadMs === -1 && stream.connectDoneMs === -1) return ORIGIN.close;
    return (stream.flags & HTTP) === 0 ? ORIGIN.connect : ORIGIN.response;
  }

  /** A line of `log-steps`, or of the action `do-log`. @param origin position in LOG_ORIGINS */
  step(stream: Stream, origin: number): void {
    const frontend = this.#frontends[stream.frontend]!;
    if (frontend !== null) this.#write(stream, frontend, SEVERITY.info, origin);
  }

  #write(stream: Stream, frontend: FrontendLog, severity: number, origin: number): void {
    this.#variables.currentOrigin = origin;
    const { targets, errorFormat, structured } = frontend;
    const format = origin === ORIGIN.error && errorFormat !== null ? errorFormat : frontend.format;
    for (let i = 0; i < targets.length; i++) {
      const target = targets[i]!;
      const step = target.profile === null ? null : target.profile[origin]!;
      if (step?.drop) continue;
      if (severity > target.level || !this.#isSampled(target)) continue;
      if (step === null) this.#send(target, severity, stream, format, structured);
      else this.#send(target, severity, stream, step.format ?? format, step.structured ?? structured);
    }
    this.#variables.lines[stream.frontend]++;
  }

  /** Whether it is this line's turn at a target that does not want all. */
  #isSampled({ isSent, countAt }: Target): boolean {
    return isSent === null || isSent[(Atomics.add(this.#words, countAt, 1) >>> 0) % isSent.length] === 1;
  }

  /** Writes what became of a connection that ended before it was a stream, as HAProxy does: `127.0.0.1:4711 [date] fe/1: text`. */
  connection(slot: number, listener: ListenerPlan, text: string): void {
    const frontend = this.#frontends[listener.proxy]!;
    if (frontend === null) return;
    const severity = frontend.separateErrors ? SEVERITY.err : SEVERITY.info;
    const isProfiled = frontend.targets.some(({ profile }) => profile !== null);
    if (frontend.errorFormat !== null || isProfiled) {
      this.#write(this.#connectionStream(slot, listener), frontend, severity, ORIGIN.error);
      this.#variables.lines[listener.proxy]!++;
      return;
    }
    const format = (): void => this.#connectionLine(slot, listener, text);
    for (const target of frontend.targets)
      if (this.#isSampled(target) && severity <= target.level) this.#send(target, severity, null, format);
    this.#variables.lines[listener.proxy]!++;
  }

  /** A connection without a request, as formats want it. */
  #connectionStream(slot: number, listener: ListenerPlan): Stream {
    const { connections } = this.#options;
    const stream = this.#bare;
    stream.client = slot;
    stream.listener = listener.index;
    stream.frontend = listener.proxy;
    stream.acceptMs = stream.requestStartMs = connections.sinceMs[slot]!;
    const clock = this.#clock;
    const acceptMs = clock.wallSeconds() * 1000 + clock.wallMilliseconds() - ((clock.nowMs - stream.acceptMs) | 0);
    stream.acceptSeconds = stream.requestSeconds = Math.floor(acceptMs / 1000);
    stream.acceptMilliseconds = stream.requestMilliseconds = acceptMs % 1000;
    return stream;
  }

  #connectionLine(slot: number, listener: ListenerPlan, text: string): void {
    const { connections, plan } = this.#options;
    const writer = this.#writer;
    const flags = connections.flags[slot]!;
    const isUnix = (flags & CONNECTION.unix) !== 0;
    if (isUnix) writer.literal(textBytes("unix"));
    else writer.address(connections.address, slot * 16, (flags & CONNECTION.ipv6) !== 0 ? 16 : 4, 0);
    writer.literal(textBytes(`:${isUnix ? listener.id : connections.port[slot]!} [`));
    const clock = this.#clock;
    const sinceMs = (clock.nowMs - connections.sinceMs[slot]!) | 0;
    const acceptMs = clock.wallSeconds() * 1000 + clock.wallMilliseconds() - sinceMs;
    writer.literal(this.#date.at(Math.floor(acceptMs / 1000)));
    writer.byte(46);
    writer.threeDigits(acceptMs % 1000);
    const name = listener.isNamed ? listener.name : String(listener.id);
    writer.literal(textBytes(`] ${plan.proxies[listener.proxy]!.name}/${name}: ${text}`));
  }

  /** A line's submission completed: its memory is free again. */
  onCompletion(slot: number, res: number): void {
    const sink = this.#sinks[slot >> SINK_SLOT_BITS]!;
    sink.complete(slot, res);
    if (res < 0) this.#publish();
  }

  #send<S extends Stream | null>(
    target: Target,
    severity: number,
    stream: S,
    format: (stream: S) => void,
    structured: LogFormat | null = null,
  ): void {
    const { sink, header } = target;
    const start = sink.begin();
    if (start === -1) {
      this.#publish();
      return;
    }
    const writer = this.#writer;
    const shown = severity < target.minLevel ? target.minLevel : severity;
    const clock = this.#clock;
    this.#sdFormat = structured;
    this.#sdStream = stream;
    const data = structured === null || stream === null ? null : this.#writeStructured;
    const lineStart = header.write(writer.bytes, start, shown, clock.wallSeconds(), clock.wallMilliseconds(), data);
    writer.start(lineStart, Math.max(lineStart, start + target.maxBytes - 1));
    format(stream);
    const end = writer.end();
    writer.bytes[end] = NEWLINE;
    sink.commit(end + 1 - start);
  }

  /** Puts the counters where the control plane reads them; rare, so they are added up anew. */
  #publish(): void {
    let dropped = this.#droppedBefore;
    let refused = this.#refusedBefore;
    for (const sink of this.#sinks) {
      dropped += sink.dropped;
      refused += sink.refused;
    }
    this.#words[this.#droppedAt] = dropped;
    this.#words[this.#refusedAt] = refused;
  }
}

/** HAProxy's idea of a stream that did not go well: ended by an error or a timeout, retried, redispatched, or answered with 5xx. */
function hasError(stream: Stream): boolean {
  if (stream.endBy !== DASH && stream.endBy !== LOCAL) return true;
  if (stream.retriesDone > 0 || (stream.flags & REDISPATCHED) !== 0) return true;
  return (stream.flags & HTTP) !== 0 && stream.status >= 500;
}

function whenToLog(proxy: ProxyPlan): number {
  if (proxy.frontend === null || proxy.log.length === 0) return LOG_WHEN.never;
  if (proxy.frontend.logFormat === null) return LOG_WHEN.start;
  if (proxy.frontend.logSteps !== 0) return LOG_WHEN.end;
  return proxy.logOptions.asap ? LOG_WHEN.responseHead : LOG_WHEN.end;
}

function sinkKind(endpoint: LogEndpoint): "datagram" | "stream" {
  return endpoint.address.kind === "fd" ? "stream" : "datagram";
}

function headerOf(target: LogTargetPlan, proxy: ProxyPlan, plan: Plan, pid: number): SyslogHeader {
  const profile = plan.logProfiles.find(({ name }) => name === target.profile);
  const tag = profile?.tag ?? proxy.logTag ?? plan.global.logTag;
  return new SyslogHeader(target, tag, pid, plan.global.logSendHostname);
}

/** Per endpoint: the longest message, which is `len`, or a header that is longer still. */
function lineBytesMax(plan: Plan): number[] {
  const endpoints = logTargets(plan);
  const indices = endpointIndices(endpoints);
  const longest = endpoints.map((endpoint) => endpoint.maxBytes);
  for (const proxy of plan.proxies) {
    for (const target of proxy.log) {
      const index = indices.get(endpointKey(target.address))!;
      const header = headerOf(target, proxy, plan, 0x7fffffff).maxBytes;
      const hasData = (proxy.frontend?.logFormatSd ?? null) !== null || target.profile !== undefined;
      const data = hasData ? STRUCTURED_BYTES_MAX : 0;
      longest[index] = Math.max(longest[index]!, header + data + 1);
    }
  }
  return longest;
}

function makeSinks(plan: Plan, endpoints: readonly LogEndpoint[], options: AccessLogOptions): LogSink[] {
  const lineBytes = lineBytesMax(plan);
  let { arenaOffset } = options;
  return endpoints.map((endpoint, index) => {
    const kind = sinkKind(endpoint);
    const sinkOptions = {
      ...{ reactor: options.reactor, op: options.op, endpoint: index, fd: options.logFds[index] ?? -1 },
      ...{ lineBytesMax: lineBytes[index]!, arenaOffset },
    };
    arenaOffset += sinkBytes(kind, lineBytes[index]!);
    return kind === "datagram" ? new DatagramSink(sinkOptions) : new StreamSink(sinkOptions);
  });
}
