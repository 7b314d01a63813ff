// The precomputed order of a weighted round robin, in the shared state: the control plane builds and publishes it, all workers walk it
// together by adding to one cursor. N requests with weights that sum to W visit every server exactly as often as its weight says,
// whichever workers they came to.
//
//   words of a backend       half 0  [ s1 s2 s1 s3 s1 s2 ]      length 6
//                            half 1  [ s1 s3 s1 s3 ]            length 4   ◄ current (sequenceHalf)
//   cursor                   … 17 ──Atomics.add──► 17 mod 4 = 1 ──► s3
//
// Publishing writes the other half, then swaps under a version that is odd meanwhile; a reader that saw the version change reads again.
// So readers never wait for a lock, only for the few stores of a swap, and never see half of each.
//
// The cursor wraps at 2^32; there the order jumps once.

import type { Plan, ProxyPlan } from "../plan/plan.ts";
import { PROXY, type SharedState } from "../shared-state/layout.ts";
import { roundRobinOrder, staticOrder } from "./order.ts";

const VERSION = PROXY.sequenceVersion;
const LENGTH = PROXY.sequenceLength;
const HALF = PROXY.sequenceHalf;
const CURSOR = PROXY.cursor;

/** Weights without their common divisor, scaled down where their sum exceeds `capacity`; a server that takes part keeps at least 1. */
function fitted(weights: readonly number[], capacity: number): number[] {
  const divisor = weights.reduce(greatestCommonDivisor, 0) || 1;
  const reduced = weights.map((weight) => weight / divisor);
  const sum = reduced.reduce((total, weight) => total + weight, 0);
  if (sum <= capacity) return reduced;
  const scale = (capacity - weights.length) / sum;
  return reduced.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.floor(weight * scale))));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * The order in which a backend's servers are visited, as positions in `weights`.
 * @param weights effective weights, 0: takes no part
 * @param kind `static`: the map of static-rr and of map-based hashing, else roundrobin's order
 */
export function buildSequence(weights: readonly number[], kind: "roundrobin" | "static", capacity: number): Int32Array {
  const shares = fitted(weights, capacity);
  return kind === "static" ? staticOrder(shares) : roundRobinOrder(shares);
}

/** Control plane: makes `sequence` (indices of servers in the plan) the current one. Only one thread publishes for a proxy. */
export function publishSequence(shared: SharedState, proxy: number, sequence: Int32Array): void {
  const { words } = shared;
  const row = shared.proxyAt(proxy);
  const capacity = shared.sequenceCapacity[proxy]!;
  if (sequence.length > capacity)
    throw new Error(`sequence of ${sequence.length} for proxy ${proxy} exceeds ${capacity}`);
  const half = 1 - Atomics.load(words, row + HALF);
  words.set(sequence, shared.sequenceAt[proxy]! + half * capacity);
  Atomics.add(words, row + VERSION, 1);
  Atomics.store(words, row + HALF, half);
  Atomics.store(words, row + LENGTH, sequence.length);
  Atomics.add(words, row + VERSION, 1);
}

/**
 * Control plane: the publisher that server states call with a backend's effective weights, in the order of `BackendPlan.servers`.
 * Static algorithms ignore weights set at run time (configuration.txt, `balance`): their servers take part with the configured ones.
 */
export function publishWeights(plan: Plan, shared: SharedState, proxy: ProxyPlan, weights: readonly number[]): void {
  const backend = proxy.backend;
  if (backend === null) throw new Error(`proxy ${proxy.name} has no servers to balance`);
  const { algorithm, hashType } = backend.balance;
  const isStatic = algorithm === "static-rr" || (HASHING.has(algorithm) && hashType === "map-based");
  const used = isStatic
    ? weights.map((weight, i) => (weight === 0 ? 0 : plan.servers[backend.servers[i]!]!.weight))
    : weights;
  const order = buildSequence(used, isStatic ? "static" : "roundrobin", shared.sequenceCapacity[proxy.index]!);
  publishSequence(
    shared,
    proxy.index,
    order.map((position) => backend.servers[position]!),
  );
}

const HASHING: ReadonlySet<string> = new Set(["source", "uri", "url_param", "hdr", "hash", "rdp-cookie"]);

/** A worker's view of one backend's sequence. */
export class Sequence {
  readonly #words: Int32Array;
  readonly #row: number;
  readonly #at: number;
  readonly #capacity: number;

  constructor(shared: SharedState, proxy: number) {
    this.#words = shared.words;
    this.#row = shared.proxyAt(proxy);
    this.#at = shared.sequenceAt[proxy]!;
    this.#capacity = shared.sequenceCapacity[proxy]!;
  }

  /** Takes the next position of the process-wide cursor; unsigned, to be used with `at`. */
  advance(): number {
    return Atomics.add(this.#words, this.#row + CURSOR, 1) >>> 0;
  }

  /** Positions in the current sequence; 0: no server takes part. */
  get length(): number {
    return Atomics.load(this.#words, this.#row + LENGTH);
  }

  /** The server at `position` modulo the current length, -1: the sequence is empty. Consistent whatever is published meanwhile. */
  at(position: number): number {
    const words = this.#words;
    const row = this.#row;
    for (;;) {
      const version = Atomics.load(words, row + VERSION);
      const length = Atomics.load(words, row + LENGTH);
      const half = Atomics.load(words, row + HALF);
      // Loaded atomically only for the order: a plain load might be done after the second look at the version.
      const server = length === 0 ? -1 : Atomics.load(words, this.#at + half * this.#capacity + (position % length));
      if ((version & 1) === 0 && Atomics.load(words, row + VERSION) === version) return server;
    }
  }
}
