// Schedulers as nftables can do them: a table of slots, and an expression that picks a slot for a new connection.
//
//   rr, wrr                     numgen inc: exact turns, spread as smooth weighted round robin does
//   sh, dh, mh                  jhash of the source or destination address (mh: Maglev's table, so that little moves when a server goes)
//   fo, ovf                     the heaviest server alone
//   lc, wlc, lblc, lblcr, sed, nq, twos   need counts of connections, which nftables has not: random by weight comes closest

import type { VirtualServerPlan } from "../plan/virtual-server.ts";
import type { Destination } from "./forwarder.ts";

/** Maglev's table: prime, some hundred times the usual number of servers. */
const MAGLEV_SLOTS = 1021;
/** Beyond this, turns are approximated. */
const SLOTS_MAX = 1024;
/** IPVS's flags sh-port and mh-port: the source's port counts too. */
const FLAG_PORT = 2;

export interface Schedule {
  /** nft's expression, with `mod` already in it. */
  readonly pick: string;
  /** Index of the destination for every slot. */
  readonly slots: readonly number[];
}

/** Schedulers that are served as random by weight. */
export const APPROXIMATED: readonly string[] = ["lc", "wlc", "lblc", "lblcr", "sed", "nq", "twos", "ovf"];

/**
 * `isStateless`: every packet is scheduled anew (direct routing), so turns are not possible, and as few connections as can be shall move when a
 * server comes or goes. null: no destination takes connections.
 */
export function scheduleOf(
  plan: VirtualServerPlan,
  destinations: readonly Destination[],
  isStateless: boolean,
): Schedule | null {
  const { scheduler, schedulerFlags, family, protocol } = plan;
  const weights = destinations.map(({ weight }) => (scheduler === "rr" ? Math.min(weight, 1) : weight));
  if (weights.every((weight) => weight <= 0)) return null;
  const ip = family === 4 ? "ip" : "ip6";
  const hash = (fields: string, slots: readonly number[]) => ({
    pick: `jhash ${fields} mod ${slots.length} seed 0x72776861`,
    slots,
  });
  if (scheduler === "fo" || scheduler === "ovf") {
    const heaviest = weights.indexOf(Math.max(...weights));
    return { pick: "numgen inc mod 1", slots: [heaviest] };
  }
  const port = protocol === "tcp" || protocol === "udp" || protocol === "sctp" ? `${protocol} sport` : "th sport";
  const source = (schedulerFlags & FLAG_PORT) === 0 ? `${ip} saddr` : `${ip} saddr . ${port}`;
  if (scheduler === "sh") return hash(source, smoothTurns(weights));
  if (scheduler === "dh") return hash(`${ip} daddr`, smoothTurns(weights));
  if (scheduler === "mh") return hash(source, maglevTable(destinations.map(nameOf), weights));
  if (isStateless) {
    const fields = plan.persistenceTimeoutMs > 0 ? clientOf(plan) : `${ip} saddr . ${port}`;
    return hash(fields, maglevTable(destinations.map(nameOf), weights));
  }
  const slots = smoothTurns(weights);
  const generator = APPROXIMATED.includes(scheduler) ? "random" : "inc";
  return { pick: `numgen ${generator} mod ${slots.length}`, slots };
}

/** The client, as far as persistence tells it from others (persistence_granularity). */
export function clientOf({ family, persistencePrefixLength: prefixLength }: VirtualServerPlan): string {
  const ip = family === 4 ? "ip" : "ip6";
  const bits = family === 4 ? 32 : 128;
  if (prefixLength >= bits) return `${ip} saddr`;
  const groups = family === 4 ? 8 : 16;
  const parts = Array.from({ length: bits / groups }, (_, i) => {
    const ones = Math.max(0, Math.min(groups, prefixLength - i * groups));
    const value = (2 ** groups - 1) ^ (2 ** (groups - ones) - 1);
    return family === 4 ? String(value) : value.toString(16);
  });
  return `${ip} saddr & ${parts.join(family === 4 ? "." : ":")}`;
}

function nameOf({ address, port }: Destination): string {
  return `${address.text} ${port}`;
}

/** Smooth weighted round robin: as many slots as the weights come to, divided by what they have in common. */
export function smoothTurns(weights: readonly number[]): number[] {
  const divisor = weights.reduce((a, b) => gcd(a, b), 0);
  let shares = weights.map((weight) => weight / Math.max(1, divisor));
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (total > SLOTS_MAX)
    shares = shares.map((share) => (share === 0 ? 0 : Math.max(1, Math.round((share * SLOTS_MAX) / total))));
  const sum = shares.reduce((all, share) => all + share, 0);
  const current = shares.map(() => 0);
  return Array.from({ length: sum }, () => {
    let best = -1;
    for (let i = 0; i < shares.length; i++) {
      current[i]! += shares[i]!;
      if (shares[i]! > 0 && (best < 0 || current[i]! > current[best]!)) best = i;
    }
    current[best]! -= sum;
    return best;
  });
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Maglev (Eisenbud et al., NSDI 2016, §3.4): every server fills slots in an order of its own, as often as its weight says. */
export function maglevTable(names: readonly string[], weights: readonly number[]): number[] {
  const table = new Array<number>(MAGLEV_SLOTS).fill(-1);
  const turns = smoothTurns(weights);
  const state = names.map((name) => ({
    at: hashOf(name, 0x811c9dc5) % MAGLEV_SLOTS,
    skip: (hashOf(name, 0x9747b28c) % (MAGLEV_SLOTS - 1)) + 1,
  }));
  for (let filled = 0; filled < MAGLEV_SLOTS; filled++) {
    const server = turns[filled % turns.length]!;
    const walk = state[server]!;
    while (table[walk.at]! >= 0) walk.at = (walk.at + walk.skip) % MAGLEV_SLOTS;
    table[walk.at] = server;
  }
  return table;
}

/** FNV-1a. */
function hashOf(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
