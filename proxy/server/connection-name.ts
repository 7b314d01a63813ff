// What distinguishes connections to one server from each other, so that an idle one is only given to a request that would have made the
// same: the PROXY header that was sent on it, the address it comes from and goes to, and `pool-conn-name` or, without one, the name of
// the server that TLS asks for and checks (`sni`). Servers for which
// none of this varies have no names, and cost nothing.
//
// A name is 64 bits of hash under a seed of this worker that nobody knows, as HAProxy's: a peer cannot make two names meet.

import { randomBytes } from "node:crypto";
import type { SamplePlan } from "../plan/expression.ts";
import type { ServerPlan } from "../plan/plan.ts";
import type { SampleContext } from "../sample/context.ts";
import { type CompiledSample, compileSample } from "../sample/expression.ts";
import { Words64 } from "../sample/words64.ts";
import { xxh64 } from "../sample/xxh.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { ClientEnds } from "./send-proxy.ts";

const PASS = 2;
/** Two ends and the hashes of two expressions, with their tags. */
const NAME_BYTES_MAX = 64;

/** Bits of what varies, per server. */
const BY_PROXY_HEADER = 1;
const BY_DESTINATION = 2;
const BY_SOURCE = 4;
const BY_EXPRESSION = 8;
const BY_WHOLE_HEADER = 16;

export class ConnectionNames {
  /** Per server: bits of what varies, 0: connections have no names. */
  readonly varies: Uint8Array;
  high = 0;
  low = 0;
  readonly #expressions: readonly (readonly CompiledSample[])[];
  readonly #ctx: WorkerContext;
  readonly #samples: SampleContext;
  readonly #ends: ClientEnds;
  readonly #bytes = new Uint8Array(NAME_BYTES_MAX);
  readonly #seed: Words64;
  readonly #hash = new Words64();
  #at = 0;

  constructor(ctx: WorkerContext, samples: SampleContext) {
    this.#ctx = ctx;
    this.#samples = samples;
    this.#ends = new ClientEnds(ctx);
    const seed = randomBytes(8);
    this.#seed = new Words64(seed.readInt32LE(0), seed.readInt32LE(4));
    this.varies = Uint8Array.from(ctx.plan.servers, variesBy);
    this.#expressions = ctx.plan.servers.map((server) =>
      expressionsOf(server).map((sample) => compileSample(sample, samples, false, "bin")),
    );
  }

  /** Sets `high` and `low` to the name of the connection that the stream would get. */
  compute(stream: Stream, server: number): void {
    const varies = this.varies[server]!;
    this.#at = 0;
    if ((varies & (BY_PROXY_HEADER | BY_DESTINATION | BY_SOURCE)) !== 0) this.#addEnds(stream, varies);
    if ((varies & BY_WHOLE_HEADER) !== 0) this.#addHeader(stream, server);
    if ((varies & BY_EXPRESSION) !== 0)
      for (const expression of this.#expressions[server]!) this.#addExpression(stream, expression);
    xxh64(this.#bytes, 0, this.#at, this.#seed, this.#hash);
    this.high = this.#hash.high;
    this.low = this.#hash.low;
  }

  /** TLVs may differ between two requests of one client: the header as it would be sent. */
  #addHeader(stream: Stream, server: number): void {
    const { bytes, pool, sendProxy } = this.#ctx;
    const buffer = sendProxy.write(stream, server);
    if (buffer < 0) return;
    xxh64(bytes, pool.start[buffer]!, pool.end[buffer]!, this.#seed, this.#hash);
    pool.free(buffer);
    this.#addHash();
  }

  #addEnds(stream: Stream, varies: number): void {
    const ends = this.#ends;
    ends.read(stream);
    const length = ends.addressBytes;
    this.#add(length);
    if ((varies & (BY_PROXY_HEADER | BY_SOURCE)) !== 0) this.#addEnd(ends.source, length, ends.sourcePort);
    if ((varies & (BY_PROXY_HEADER | BY_DESTINATION)) !== 0)
      this.#addEnd(ends.destination, length, ends.destinationPort);
  }

  #addEnd(address: Uint8Array, length: number, port: number): void {
    for (let i = 0; i < length; i++) this.#add(address[i]!);
    this.#add(port >> 8);
    this.#add(port & 255);
  }

  /** A name that is not there is another than an empty one. */
  #addExpression(stream: Stream, name: CompiledSample): void {
    const { value } = this.#samples;
    const found = name.first(stream) === PASS;
    this.#add(found ? 1 : 0);
    if (!found) return;
    xxh64(value.bytes, value.start, value.end, this.#seed, this.#hash);
    this.#addHash();
  }

  #addHash(): void {
    const { high, low } = this.#hash;
    for (let shift = 0; shift < 32; shift += 8) {
      this.#add((high >>> shift) & 255);
      this.#add((low >>> shift) & 255);
    }
  }

  #add(byte: number): void {
    this.#bytes[this.#at++] = byte;
  }
}

/** Expressions that have a part in the name. */
function expressionsOf({ connection }: ServerPlan): SamplePlan[] {
  const shown = connection.source?.shown ?? null;
  const samples = shown !== null && shown.kind === "header" ? [shown.sample] : [];
  const name = nameOf(connection);
  return name === null ? samples : [...samples, name];
}

/** `pool-conn-name`, else `sni` unless it is a constant. */
function nameOf({ poolConnName, tls }: ServerPlan["connection"]): SamplePlan | null {
  if (poolConnName !== null) return poolConnName;
  const sni = tls?.sni ?? null;
  return sni === null || sni.fetch === "str" ? null : sni;
}

function variesBy({ connection, portOffset, address }: ServerPlan): number {
  let varies = connection.sendProxy === null ? 0 : BY_PROXY_HEADER;
  const { tlvs = [], options = [] } = connection.sendProxy ?? {};
  if (tlvs.length > 0 || options.some((option) => option !== "crc32c")) varies |= BY_WHOLE_HEADER;
  const isWildcard =
    (address.kind === "ipv4" && address.host === "0.0.0.0") || (address.kind === "ipv6" && address.host === "::");
  if (portOffset !== null || isWildcard) varies |= BY_DESTINATION;
  const shown = connection.source?.shown ?? null;
  if (shown !== null && shown.kind !== "address") varies |= shown.kind === "header" ? BY_EXPRESSION : BY_SOURCE;
  if (nameOf(connection) !== null) varies |= BY_EXPRESSION;
  return varies;
}
