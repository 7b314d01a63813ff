// For tests and micro-benchmarks of sample/, acl/ and balance/: a plan with defaults, and a stream with a request in
// the arena. Nothing of the proxy itself imports this file.

import { readAddress } from "../../shared/ip/address.ts";
import { compileCondition } from "../acl/condition.ts";
import { CONNECTION, Connections } from "../connection/table.ts";
import { frameRequest } from "../http1/framing.ts";
import type { Message } from "../http1/message.ts";
import { PARSE, parseRequest } from "../http1/parser.ts";
import { CONNECT_CHECK } from "../plan/check.ts";
import type { PatternListPlan } from "../plan/expression.ts";
import type { ListenerPlan } from "../plan/listener.ts";
import { NO_PERSISTENCE } from "../plan/persistence.ts";
import type { BackendPlan, Plan, ProxyPlan, ServerPlan } from "../plan/plan.ts";
import { NO_RULES } from "../plan/rules.ts";
import { PLAIN_CONNECTION } from "../plan/server-connection.ts";
import { NO_VARIABLES } from "../plan/variables.ts";
import { SharedState } from "../shared-state/layout.ts";
import { STREAM, Stream } from "../stream/stream.ts";
import { SampleContext } from "./context.ts";
import { textBytes } from "./value.ts";

const AT = { file: "test.cfg", line: 1 };
const ARENA_BYTES = 65536;
const HEAD_AT = 16;

/** What a test says of a server; the rest has HAProxy's defaults. */
export type ServerSettings = Partial<ServerPlan>;
export type BackendSettings = Partial<BackendPlan> & { readonly serverSettings?: readonly ServerSettings[] };

const NO_TIMEOUTS = {
  requestInspect: 0,
  responseInspect: 0,
  client: 0,
  clientFin: 0,
  clientHandshake: 0,
  connect: 0,
  server: 0,
  serverFin: 0,
  httpRequest: 0,
  httpKeepAlive: 0,
  queue: 0,
  tunnel: 0,
  check: 0,
  tarpit: 0,
};

function makeServer(index: number, proxy: number, id: number, settings: ServerSettings): ServerPlan {
  return {
    index,
    proxy,
    name: `s${id}`,
    id,
    address: { kind: "ipv4", host: "127.0.0.1", port: 8000 + id },
    portOffset: null,
    fqdn: null,
    weight: 1,
    backup: false,
    disabled: false,
    maxconn: 0,
    minconn: 0,
    maxqueue: 0,
    cookie: null,
    connection: PLAIN_CONNECTION,
    nonStick: false,
    onMarkedDown: "none",
    onMarkedUp: "none",
    poolMaxConn: -1,
    poolPurgeDelayMs: 5000,
    maxReuse: -1,

    slowstartMs: 0,
    check: null,
    agent: null,
    at: AT,
    ...settings,
  };
}

function makeBackend(servers: readonly number[], settings: Partial<BackendPlan>): BackendPlan {
  return {
    servers,
    balance: {
      algorithm: "roundrobin",
      arguments: [],
      hashType: "map-based",
      hashFunction: "sdbm",
      avalanche: false,
    },
    connectionMode: "keep-alive",
    httpReuse: "safe",
    preferLastServer: false,
    forwardFor: null,
    originalTo: null,
    forwarded: null,
    unpublished: false,
    retries: 3,
    redispatch: 0,
    retryOn: 1,
    allBackups: false,
    abortOnClose: false,
    acceptInvalidHttpResponse: false,
    httpPretendKeepalive: false,
    noLinger: false,
    serverTcpKeepAlive: false,
    fullconn: 0,
    stats: null,
    check: CONNECT_CHECK,
    logHealthChecks: false,
    persistence: NO_PERSISTENCE,
    defaultServers: [],
    useServer: [],
    ...settings,
  };
}

/** A plan with one backend proxy per element, and nothing else but `listeners`. */
export function makePlan(
  backends: readonly BackendSettings[],
  nbthread = 1,
  listeners: readonly Partial<ListenerPlan>[] = [],
): Plan {
  const servers: ServerPlan[] = [];
  const proxies = backends.map(({ serverSettings = [], ...settings }, index): ProxyPlan => {
    const own = serverSettings.map((server, i) => makeServer(servers.length + i, index, i + 1, server));
    servers.push(...own);
    const backend = makeBackend(
      own.map((server) => server.index),
      settings,
    );
    return {
      index,
      name: `be${index}`,
      kind: "backend",
      id: index + 2,
      mode: "http",
      disabled: false,
      description: null,
      at: AT,
      timeouts: NO_TIMEOUTS,
      log: [],
      logTag: null,
      logOptions: { dontLogNull: false, dontLogNormal: false, asap: false, separateErrors: false },
      errorFiles: [],
      errorReplies: [],
      rules: NO_RULES,
      headerNames: "preserve",
      bufferRequest: false,
      useProxyHeader: false,
      compression: null,
      frontend: null,
      backend,
    };
  });
  const global: Pick<Plan["global"], "nbthread" | "bufsizeBytes" | "maxHeaders"> = {
    nbthread,
    bufsizeBytes: 16384,
    maxHeaders: 101,
  };
  return {
    global: global as Plan["global"],
    proxies,
    servers,
    listeners: listeners.map((listener) => listener as ListenerPlan),
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

/** A context of worker 0 with an arena, and one stream on client connection 0. */
export function makeContext(plan: Plan, shared = new SharedState(plan), worker = 0): SampleContext {
  const bytes = new Uint8Array(ARENA_BYTES);
  const ctx = new SampleContext(plan, shared, worker, bytes, new Connections(4), () => 0);
  ctx.compileCondition = compileCondition;
  return ctx;
}

/** One more list of patterns; its index. */
export function addPatterns(
  ctx: SampleContext,
  keys: readonly string[],
  values: readonly string[] | null = null,
): number {
  const isMap = values !== null;
  const list: PatternListPlan = { id: 0, name: null, description: "", isAcl: !isMap, isMap, keys, values, uses: [] };
  return ctx.patterns.load(list);
}

/** Gives client connection 0 an address. */
export function setClient(ctx: SampleContext, address: string, port = 40000): void {
  const text = textBytes(address);
  const bytes = new Uint8Array(16);
  const length = readAddress(text, 0, text.length, bytes);
  ctx.connections.address.set(bytes, 0);
  ctx.connections.port[0] = port;
  ctx.connections.flags[0] = length === 16 ? CONNECTION.ipv6 : 0;
}

/** A stream with this request head, as text with \r\n; no head: a stream of mode tcp. */
export function makeStream(ctx: SampleContext, head: string | null): Stream {
  const stream = new Stream(0, ctx.plan.global.maxHeaders);
  stream.client = 0;
  if (head !== null) {
    stream.flags |= STREAM.http;
    readHead(ctx, stream.request, head);
  }
  return stream;
}

/** Parses a request head into the arena, where it replaces the one before; a head that the parser refuses is a mistake of the test. */
export function readHead(ctx: SampleContext, message: Message, head: string): void {
  const bytes = Buffer.from(head, "latin1");
  ctx.bytes.set(bytes, HEAD_AT);
  const result = parseRequest(ctx.bytes, HEAD_AT, HEAD_AT + bytes.length, message);
  if (result !== PARSE.done) throw new Error(`the parser says ${result} to ${JSON.stringify(head)}`);
  frameRequest(ctx.bytes, message);
}
