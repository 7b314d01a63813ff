// What is measured: the table of scenarios. README.md says why these.

/** Requests by a load generator: CPU per request, requests per second, latencies. */
export interface LoadScenario {
  readonly kind: "load";
  /** Who makes the load: `new` and `reuse` are `openssl s_time`, with full handshakes and with resumed ones. */
  readonly generator: "fast" | "autocannon" | "h2load" | "new" | "reuse";
  readonly path: string;
  readonly connections: number;
  readonly close: boolean;
  /** Requests that a client sends before it waits for their answers; with h2load, streams at a time. */
  readonly pipelined: number;
  /** Further clients that asked once and keep their connections meanwhile. */
  readonly idle: number;
}

/** One checked body of `bytes` each way: CPU per MiB, and how much the proxy grew. */
export interface TransferScenario {
  readonly kind: "transfer";
  readonly direction: "down" | "up";
  readonly bytes: number;
}

/** Idle keep-alive connections: resident bytes for each. */
export interface IdleScenario {
  readonly kind: "idle";
  readonly connections: number;
}

export type Scenario = (LoadScenario | TransferScenario | IdleScenario) & {
  /** As --scenario names it. */
  readonly name: string;
  readonly title: string;
  readonly mode: "http" | "tcp";
  /** Clients speak TLS, with an ECDSA P-256 certificate; towards servers it stays plain. */
  readonly tls: boolean;
  /** Clients may speak HTTP/2: by ALPN over TLS, by prior knowledge without. */
  readonly http2: boolean;
  readonly log: boolean;
  /** `http-request` rules of each kind that requests pass through; none of their conditions holds. */
  readonly rules: number;
  /** Servers of the backend, all the same origin, and how they are balanced; with a cookie and a stick-table. */
  readonly servers: number;
  readonly balance: string;
  readonly sticks: boolean;
  /** Seconds of warm-up, as a factor of --warm-up: what comes a few hundred times a second takes longer until it is compiled. */
  readonly warmUp: number;
  /** Rounds, as a factor of --rounds: the main claim gets more. */
  readonly weight: number;
};

const LOAD = {
  kind: "load",
  generator: "fast",
  path: "/",
  connections: 64,
  close: false,
  pipelined: 1,
  idle: 0,
  mode: "http",
  tls: false,
  http2: false,
  log: false,
  rules: 0,
  servers: 1,
  balance: "roundrobin",
  sticks: false,
  warmUp: 1,
  weight: 1,
} as const;
const HTTP = {
  ...({ mode: "http", tls: false, http2: false, log: false, rules: 0, warmUp: 1, weight: 1 } as const),
  ...({ servers: 1, balance: "roundrobin", sticks: false } as const),
} as const;
/** As many as a proxy with two descriptors per connection can promise below the usual limit of 20 000. */
const IDLE_CONNECTIONS = 9_900;
/** TLS ones: fewer, because the clients are Node programs that shake hands, too. */
const IDLE_TLS_CONNECTIONS = 2000;
const TRANSFER_BYTES = 100 << 20;

const HANDSHAKES = { ...LOAD, tls: true, close: true, warmUp: 8 } as const;
const HTTP2 = { ...LOAD, generator: "h2load", http2: true, connections: 10, pipelined: 100, warmUp: 2 } as const;

export const SCENARIOS: readonly Scenario[] = [
  { ...LOAD, name: "keep-alive", title: "keep-alive GET, 46-byte answer, 64 connections", weight: 5 / 3 },
  { ...LOAD, name: "keep-alive-512", title: "the same, 512 connections", connections: 512 },
  { ...LOAD, name: "keep-alive-1", title: "the same, one connection", connections: 1, weight: 2 / 3 },
  { ...LOAD, name: "keep-alive-8", title: "the same, 8 connections", connections: 8, weight: 2 / 3 },
  { ...LOAD, name: "keep-alive-5000", title: "the same, 5000 connections", connections: 5000, weight: 2 / 3 },
  {
    ...LOAD,
    name: "autocannon",
    title: "keep-alive GET, 64 connections, by autocannon",
    generator: "autocannon",
    weight: 2 / 3,
  },
  { ...LOAD, name: "idle-active", title: "keep-alive GET, 64 connections beside 9000 idle ones", idle: 9000 },
  { ...LOAD, name: "httplog", title: "keep-alive GET, 64 connections, a log line each over UDP", log: true },
  { ...LOAD, name: "rules-10", title: "keep-alive GET, 64 connections, 10 http-request rules", rules: 10 },
  { ...LOAD, name: "rules-100", title: "keep-alive GET, 64 connections, 100 http-request rules", rules: 100 },
  { ...LOAD, name: "servers-10", title: "10 servers, roundrobin", servers: 10 },
  { ...LOAD, name: "servers-1000", title: "1000 servers, roundrobin", servers: 1000 },
  { ...LOAD, name: "leastconn-1000", title: "1000 servers, leastconn", servers: 1000, balance: "leastconn" },
  { ...LOAD, name: "uri-1000", title: "1000 servers, balance uri", servers: 1000, balance: "uri" },
  { ...LOAD, name: "sticks", title: "cookie insert and a stick-table that counts each client's rate", sticks: true },
  { ...LOAD, name: "close", title: "a connection per request, 64 at a time", close: true },
  { ...LOAD, name: "pipelining", title: "keep-alive GET, 64 connections, 16 requests at once", pipelined: 16 },
  { ...LOAD, name: "tls", title: "TLS keep-alive GET, 64 connections", tls: true },
  { ...HANDSHAKES, name: "tls-handshakes", title: "a full TLS handshake per request, 64 at a time" },
  { ...HANDSHAKES, name: "tls-new", title: "the same, one at a time, by openssl", generator: "new", connections: 1 },
  { ...HANDSHAKES, name: "tls-reuse", title: "resumed TLS handshakes, by openssl", generator: "reuse", connections: 1 },
  { ...HTTP2, name: "http2", title: "HTTP/2 over TLS, 10 connections of 100 streams", tls: true },
  { ...HTTP2, name: "http2-clear", title: "HTTP/2 by prior knowledge, 10 connections of 100 streams" },
  { ...LOAD, name: "tcp", title: "mode tcp: the same GETs relayed blindly", mode: "tcp" },
  { ...LOAD, name: "10k", title: "10 KiB bodies, 64 connections", path: "/10k" },
  { ...LOAD, name: "1m", title: "1 MiB bodies, 16 connections", path: "/1m", connections: 16 },
  {
    ...HTTP,
    kind: "transfer",
    name: "100m-down",
    title: "one 100 MiB body to the client",
    direction: "down",
    bytes: TRANSFER_BYTES,
  },
  {
    ...HTTP,
    kind: "transfer",
    name: "100m-up",
    title: "one 100 MiB body to the server",
    direction: "up",
    bytes: TRANSFER_BYTES,
  },
  {
    ...HTTP,
    kind: "idle",
    name: "idle",
    title: "idle keep-alive connections",
    connections: IDLE_CONNECTIONS,
    weight: 1 / 3,
  },
  {
    ...HTTP,
    kind: "idle",
    name: "idle-tls",
    title: "idle keep-alive connections over TLS",
    tls: true,
    connections: IDLE_TLS_CONNECTIONS,
    weight: 1 / 3,
  },
];
