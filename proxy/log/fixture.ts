// For the tests of log/: a plan with one frontend, and the worker's surroundings of an AccessLog without a kernel.
//
// `TestLog.reactor` records what is submitted and completes it only when the test says so. Its arena is a plain array, requests
// stand at REQUEST_AT.

import type { Reactor } from "../../shared/reactor/reactor.ts";
import { Connections } from "../connection/table.ts";
import { MESSAGE, type Message } from "../http1/message.ts";
import { NO_CAPTURES } from "../plan/capture.ts";
import { GLOBAL } from "../plan/fixture.ts";
import type { LogNodePlan } from "../plan/log.ts";
import type { LogTargetPlan, Plan, ProxyPlan, ServerPlan } from "../plan/plan.ts";
import { NO_RULES } from "../plan/rules.ts";
import { PLAIN_CONNECTION } from "../plan/server-connection.ts";
import { NO_VARIABLES } from "../plan/variables.ts";
import { SampleContext } from "../sample/context.ts";
import { SharedState } from "../shared-state/layout.ts";
import { STREAM, STREAM_BYTES, type Stream, Streams } from "../stream/stream.ts";
import { AccessLog, accessLogBytes } from "./access-log.ts";

export const HTTPLOG =
  "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";
export const TCPLOG = "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq";

const REQUEST_AT = 0;
const REQUEST_BYTES = 16384;

/** A reader of log-format that knows what the tests write: text, `%name`, `%{+Q,-E}name`, and `%{+Q}o` for all that follows. */
export function logFormat(text: string): LogNodePlan[] {
  const nodes: LogNodePlan[] = [];
  const all = { quote: false, escape: false, hex: false };
  const flagOf = { Q: "quote", E: "escape", X: "hex" } as const;
  for (const piece of text.split(/(%(?:\{[^}]*\})?[A-Za-z]+)/)) {
    const match = /^%(?:\{([^}]*)\})?([A-Za-z]+)$/.exec(piece);
    if (match === null) {
      if (piece !== "") nodes.push({ kind: "text", text: piece });
      continue;
    }
    const flags = match[2] === "o" ? all : { ...all };
    for (const [, sign, letter] of (match[1] ?? "").matchAll(/([+-]?)([QEX])/g)) {
      flags[flagOf[letter as "Q" | "E" | "X"]] = sign !== "-";
    }
    if (match[2] !== "o") nodes.push({ kind: "variable", name: match[2]!, argument: null, ...flags });
  }
  return nodes;
}

export function udpTarget(changes: Partial<LogTargetPlan> = {}): LogTargetPlan {
  return {
    address: { kind: "ipv4", host: "127.0.0.1", port: 514 },
    ...{ facility: 16, level: 7, minLevel: 0, format: "local", maxBytes: 1024 },
    ...changes,
  };
}

const AT = { file: "test", line: 1 };
const NO_TIMEOUTS = {
  ...{
    client: 0,
    clientFin: 0,
    clientHandshake: 0,
    connect: 0,
    server: 0,
    serverFin: 0,
    httpRequest: 0,
    httpKeepAlive: 0,
    queue: 0,
  },
  ...{ tunnel: 0, check: 0, tarpit: 0, requestInspect: 0, responseInspect: 0 },
};

export interface PlanChanges {
  readonly format?: readonly LogNodePlan[] | null;
  readonly mode?: "http" | "tcp";
  readonly targets?: readonly LogTargetPlan[];
  readonly logOptions?: Partial<ProxyPlan["logOptions"]>;
  readonly logTag?: string;
  readonly logSendHostname?: string;
}

/** A frontend `f`, a backend `b` and its server `s1` at 127.0.0.1:8080. */
export function planWith(changes: PlanChanges): Plan {
  const mode = changes.mode ?? "http";
  const proxy: Omit<ProxyPlan, "index" | "name" | "kind" | "id"> = {
    ...{
      mode,
      disabled: false,
      description: null,
      at: AT,
      timeouts: NO_TIMEOUTS,
      log: [],
      errorFiles: [],
      errorReplies: [],
      rules: NO_RULES,
      headerNames: "preserve",
      bufferRequest: false,
      useProxyHeader: false,
      compression: null,
    },
    ...{ logTag: changes.logTag ?? null, frontend: null, backend: null },
    logOptions: { dontLogNull: false, dontLogNormal: false, asap: false, separateErrors: false, ...changes.logOptions },
  };
  const frontend: ProxyPlan["frontend"] = {
    captures: NO_CAPTURES,
    ...{ listeners: [0], maxconn: 0, backlog: 0, connectionMode: "keep-alive", forwardFor: null, originalTo: null },
    ...{ acceptInvalidHttpRequest: false, httpIgnoreProbes: false, socketStats: false, noLinger: false },
    ...{
      clientTcpKeepAlive: false,
      monitorUri: null,
      monitorFail: [],
      forceSwitch: [],
      stats: null,
      useBackend: [],
      defaultBackend: 1,
    },
    ...{
      logFormat: changes.format === undefined ? logFormat(HTTPLOG) : changes.format,
      rateLimitSessions: 0,
      errorLogFormat: null,
      logFormatSd: null,
      uniqueId: null,
      logSteps: 0,
    },
  };
  const server: ServerPlan = {
    ...{ index: 0, proxy: 1, name: "s1", id: 1, address: { kind: "ipv4", host: "127.0.0.1", port: 8080 }, weight: 1 },
    ...{ portOffset: null, fqdn: null, backup: false, disabled: false, maxconn: 0, minconn: 0, maxqueue: 0 },
    ...{
      cookie: null,
      connection: PLAIN_CONNECTION,
      nonStick: false,
      onMarkedDown: "none",
      onMarkedUp: "none",
      poolMaxConn: -1,
      poolPurgeDelayMs: 5000,
    },
    ...{ maxReuse: -1, slowstartMs: 0, check: null, agent: null, at: AT },
  };
  const listener: Plan["listeners"][number] = {
    ...{ index: 0, proxy: 0, name: "l", id: 3, address: { kind: "ipv4", host: "127.0.0.1", port: 80 }, maxconn: 0 },
    ...{ backlog: 0, interface: null, mode: null, uid: null, gid: null, transparent: false, deferAccept: false },
    ...{
      tcpFastOpen: false,
      tcpUserTimeoutMs: 0,
      mss: 0,
      acceptProxy: false,
      netscalerMagic: 0,
      proto: null,
      tls: null,
      isNamed: true,
      at: AT,
    },
  };
  const global: Plan["global"] = {
    ...GLOBAL,
    ...{ nbthread: 1, maxconn: 100, node: "n", localpeer: "n", statsTimeoutMs: 0 },
    logSendHostname: changes.logSendHostname ?? null,
  };
  return {
    global,
    proxies: [
      { ...proxy, index: 0, name: "f", kind: "frontend", id: 2, log: changes.targets ?? [udpTarget()], frontend },
      { ...proxy, index: 1, name: "b", kind: "backend", id: 3 },
    ],
    servers: [server],
    listeners: [listener],
    stickTables: [],
    caches: [],
    logHub: { backends: [], rings: [], forwards: [] },
    peers: [],
    resolvers: [],
    patternLists: [],
    logProfiles: [],
    variables: NO_VARIABLES,
    userlists: [],
    spoe: [],
    bandwidthLimits: [],
    caseAdjust: { names: [], clients: [], servers: [] },
  };
}

/** A submission that the recording reactor took. */
export interface Sent {
  readonly call: "send" | "write";
  readonly slot: number;
  readonly fd: number;
  readonly text: string;
}

/** What a test puts in the place of the recording reactor and its memory. */
export interface Surroundings {
  /** Memory whose first `bytes` bytes are the log's. Called before `reactor`. */
  readonly arena: (bytes: number) => Buffer;
  readonly reactor: () => Pick<Reactor, "send" | "write">;
  readonly logFds: readonly number[];
}

/** An AccessLog with its surroundings: the clock stands at 2026-11-23 01:49:42.650 UTC, worker time 10000. */
export class TestLog {
  readonly plan: Plan;
  readonly log: AccessLog;
  readonly shared: SharedState;
  readonly connections = new Connections(4);
  readonly streams = new Streams(4, 101);
  readonly arena: Buffer;
  readonly clock = { nowMs: 10000, wallSeconds: () => 1795398582, wallMilliseconds: () => 650 };
  readonly sent: Sent[] = [];
  #socketAddress = Uint8Array.from([127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 80]);

  constructor(changes: PlanChanges = {}, surroundings?: Surroundings) {
    this.plan = planWith(changes);
    this.shared = new SharedState(this.plan);
    const arenaOffset = REQUEST_AT + REQUEST_BYTES;
    const arenaBytes = arenaOffset + accessLogBytes(this.plan);
    this.arena = surroundings?.arena(arenaBytes) ?? Buffer.alloc(arenaBytes);
    const { arena, connections } = this;
    this.log = new AccessLog({
      ...{ plan: this.plan, arena: this.arena, arenaOffset, op: 7, shared: this.shared, worker: 0 },
      ...{ connections: this.connections, streamBytes: this.streams.bytes, clock: this.clock, pid: 4711 },
      ...{ hostname: "vm", logFds: surroundings?.logFds ?? [5, 6, 7] },
      reactor: surroundings?.reactor() ?? {
        send: (_op, slot, _generation, fd, offset, bytes) => this.#record("send", slot, fd, offset, bytes),
        write: (_op, slot, _generation, fd, offset, bytes) => this.#record("write", slot, fd, offset, bytes),
      },
      socketName: (_fd, into) => {
        into.set(this.#socketAddress);
        return 4;
      },
      samples: new SampleContext(this.plan, this.shared, 0, arena, connections, () => 0),
    });
  }

  #record(call: Sent["call"], slot: number, fd: number, offset: number, bytes: number): void {
    this.sent.push({ call, slot, fd, text: this.arena.toString("latin1", offset, offset + bytes) });
  }

  /** A finished request: `GET /a?b=c HTTP/1.1` from 127.0.0.1:4000, answered by b/s1 with 200 and 107 bytes. */
  stream(requestLine: string | null = "GET /a?b=c HTTP/1.1"): Stream {
    const stream = this.streams.take()!;
    this.connections.address.set([127, 0, 0, 1], 0);
    this.connections.port[0] = 4000;
    this.connections.flags[0] = 0;
    this.connections.fd[0] = 9;
    Object.assign(stream, {
      ...{ client: 0, frontend: 0, backend: 1, serverIndex: 0, flags: STREAM.http, status: 200, retriesDone: 0 },
      ...{ endBy: 45, endState: 45, acceptMs: 9990, requestStartMs: 9991, requestDoneMs: 9993, queueDoneMs: 9993 },
      ...{ connectDoneMs: 9994, responseHeadMs: 9999, activeConnections: 1, frontendConnections: 1 },
      ...{ acceptSeconds: 1795398582, acceptMilliseconds: 50, requestSeconds: 1795398582, requestMilliseconds: 650 },
    });
    this.streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.fromClient] = 51;
    this.streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.toClient] = 107;
    if (requestLine === null) stream.requestDoneMs = -1;
    else this.#parse(stream.request, requestLine);
    return stream;
  }

  /** The line that a stream gives, without the memory of what was sent before. */
  lineOf(stream: Stream): string | undefined {
    this.sent.length = 0;
    stream.flags &= ~STREAM.logged;
    this.log.log(stream);
    const line = this.sent[0];
    for (const { slot, text } of this.sent) this.log.onCompletion(slot, text.length);
    return line?.text;
  }

  #parse(request: Message, line: string): void {
    this.arena.write(`${line}\r\n`, REQUEST_AT, "latin1");
    const target = /^(\S+) (.*) HTTP\/1\.(\d)$/s.exec(line)!;
    request.methodStart = REQUEST_AT;
    request.methodEnd = REQUEST_AT + target[1]!.length;
    request.targetStart = request.methodEnd + 1;
    request.targetEnd = request.targetStart + target[2]!.length;
    const authority = /^http:\/\/[^/?]*/.exec(target[2]!)?.[0].length ?? 0;
    const isPath = target[1] !== "CONNECT";
    request.pathStart = isPath ? request.targetStart + authority : request.targetEnd;
    request.pathEnd = request.targetEnd;
    const question = target[2]!.indexOf("?");
    request.queryStart = question === -1 ? 0 : request.targetStart + question + 1;
    request.flags = target[3] === "1" ? MESSAGE.version11 : 0;
  }
}
