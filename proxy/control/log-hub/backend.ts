// A backend of mode log: one of its servers gets each line, as `balance` says (configuration.txt 4.2, `mode log`). UDP servers get a datagram a
// line; streams have a ring of their own, so that what is written while they are away is not lost.

import { createSocket, type Socket as UdpSocket } from "node:dgram";
import type { Balance } from "../../balance/balance.ts";
import { compileBalance } from "../../balance/compile.ts";
import { type HashKey, KeyHash } from "../../balance/hash-key.ts";
import { MapBased } from "../../balance/map-based.ts";
import { Connections } from "../../connection/table.ts";
import type { LogBackendPlan, LogServerPlan } from "../../plan/log-hub.ts";
import type { BackendPlan, Plan, ProxyPlan } from "../../plan/plan.ts";
import { SampleContext } from "../../sample/context.ts";
import { compileConverters } from "../../sample/expression.ts";
import { TYPE } from "../../sample/types.ts";
import { ADMIN_DRAIN, ADMIN_MAINT, OP_STATE, SERVER, type SharedState } from "../../shared-state/layout.ts";
import { Stream } from "../../stream/stream.ts";
import { parseSyslog } from "./message.ts";
import { Ring } from "./ring.ts";

const PASS = 2;
const NO_SERVER = -1;
/** HAProxy's BUFSIZE, which `log-bufsize` changes. */
const RING_BYTES = 16384;
const LINE_BYTES_MAX = 65536;

export class LogBackend {
  readonly #plan: LogBackendPlan;
  readonly #shared: SharedState;
  readonly #servers: ReadonlyMap<number, LogServer>;
  readonly #pick: (line: string) => number;
  /** `sticky`: the usable servers, the one that gets everything first. */
  readonly #order: number[] = [];

  constructor(plan: Plan, backend: LogBackendPlan, shared: SharedState) {
    this.#plan = backend;
    this.#shared = shared;
    this.#servers = new Map(backend.servers.map((server) => [server.index, new LogServer(server)]));
    this.#pick = backend.balance === "sticky" ? () => this.#first() : balanced(plan, backend, shared);
  }

  /** A server came or went. */
  changed(server: number): void {
    if (!this.#servers.has(server)) return;
    const at = this.#order.indexOf(server);
    if (this.#isUsable(server) === at >= 0) return;
    if (at >= 0) this.#order.splice(at, 1);
    else this.#order.push(server);
  }

  /** Sends a line to the server whose turn it is; with none that is usable it is lost. */
  write(line: string): void {
    this.#servers.get(this.#pick(line))?.write(line);
  }

  close(): void {
    for (const server of this.#servers.values()) server.close();
  }

  #isUsable(server: number): boolean {
    const { words } = this.#shared;
    const at = this.#shared.serverAt(server);
    return words[at + SERVER.opState] !== OP_STATE.stopped && (words[at + SERVER.adminState]! & AWAY) === 0;
  }

  #first(): number {
    // At the first line nobody has come or gone.
    if (this.#order.length === 0) for (const { index } of this.#plan.servers) this.changed(index);
    const isBackup = (server: number): boolean => this.#plan.servers.some((one) => one.index === server && one.backup);
    return this.#order.find((server) => !isBackup(server)) ?? this.#order[0] ?? NO_SERVER;
  }
}

const AWAY = ADMIN_MAINT | ADMIN_DRAIN;

/** Chooses as the workers do: by the same classes on the same shared words. */
function balanced(plan: Plan, { proxy: index, balance, converters }: LogBackendPlan, shared: SharedState) {
  const proxy = plan.proxies[index]!;
  const ctx = new SampleContext(plan, shared, 0, new Uint8Array(64), new Connections(1), () => 0);
  const stream = new Stream(0, 1);
  const roundRobin = compileBalance(withAlgorithm(proxy, balance === "random" ? "random" : "roundrobin"), ctx);
  if (balance !== "log-hash") return (): number => roundRobin.pick(stream, NO_SERVER);
  const key = new LineKey(ctx, proxy.backend!, converters);
  const hashed: Balance = new MapBased(key, { pick: () => NO_SERVER } as Balance, shared, index);
  return (line: string): number => {
    key.line = Buffer.from(parseSyslog(line).text, "latin1");
    return hashed.pick(stream, NO_SERVER);
  };
}

function withAlgorithm(proxy: ProxyPlan, algorithm: "random" | "roundrobin"): ProxyPlan {
  const backend = proxy.backend!;
  return { ...proxy, backend: { ...backend, balance: { ...backend.balance, algorithm } } };
}

/** `log-hash`: what the converters make of a line's text. */
class LineKey implements HashKey {
  hash = 0;
  line: Uint8Array = new Uint8Array(0);
  readonly #ctx: SampleContext;
  readonly #keyHash: KeyHash;
  readonly #convert: (stream: Stream) => number;

  constructor(ctx: SampleContext, { balance }: BackendPlan, converters: LogBackendPlan["converters"]) {
    this.#ctx = ctx;
    this.#keyHash = new KeyHash(balance);
    this.#convert = compileConverters(converters, ctx, "str", "bin");
  }

  find(stream: Stream): boolean {
    const { value } = this.#ctx;
    value.type = TYPE.str;
    value.bytes = this.line;
    value.start = 0;
    value.end = this.line.length;
    if (this.#convert(stream) !== PASS) return false;
    this.hash = this.#keyHash.of(value.bytes, value.start, value.end);
    return true;
  }
}

/** Where lines go in the end. */
class LogServer {
  readonly #plan: LogServerPlan;
  readonly #ring: Ring | null;
  #socket: UdpSocket | null = null;

  constructor(plan: LogServerPlan) {
    this.#plan = plan;
    const { name, address, octetCount } = plan;
    this.#ring = plan.isDatagram
      ? null
      : new Ring({
          ...{ name, description: "", format: null, lineBytesMax: LINE_BYTES_MAX, connectTimeoutMs: 0 },
          ...{ bytesMax: plan.bufferBytes ?? RING_BYTES, servers: [{ name, address, octetCount }] },
        });
  }

  write(line: string): void {
    const { address } = this.#plan;
    if (this.#ring !== null) this.#ring.write(line);
    else if (address.kind === "ipv4" || address.kind === "ipv6") {
      this.#socket ??= openSocket(address.kind);
      this.#socket.send(Buffer.from(`${line}\n`, "latin1"), address.port, address.host, () => {});
    }
  }

  close(): void {
    this.#ring?.close();
    this.#socket?.close();
    this.#socket = null;
  }
}

function openSocket(kind: "ipv4" | "ipv6"): UdpSocket {
  const socket = createSocket(kind === "ipv4" ? "udp4" : "udp6");
  socket.on("error", () => {});
  return socket.unref();
}
