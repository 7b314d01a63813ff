// The ruleset of the virtual servers, as text for `nft -f -`: one transaction that goes from any earlier picture to this one.
//
//   table ip, ip6: NAT      prerouting, output ──▶ chain of the service ──▶ chain of a server: dnat
//   table netdev:  DR       ingress of the interface ──▶ other MAC address, out again. Stateless, so servers are chosen by hash.
//
// As with IPVS the client's address stays: answers of real servers must come back through this machine (NAT). Sets of clients that persist
// outlive a change of the ruleset; everything else is flushed and written anew.

import type { ServiceRangePlan } from "../plan/virtual-server.ts";
import type { Destination, Service } from "./forwarder.ts";
import { clientOf, type Schedule, scheduleOf } from "./schedule.ts";

const STICKY_SET_SIZE = 65_536;

/** Where packets for a real server go on the wire (direct routing). */
export interface Neighbour {
  readonly interface: string;
  /** Of the real server. */
  readonly mac: string;
  /** Of our interface: a switch must not learn the client's address at our port. */
  readonly ownMac: string;
}

/** null: not known (yet). */
export type NeighbourOf = (destination: Destination) => Neighbour | null;

export interface Ruleset {
  /** Everything that has to be there, in nft's words. */
  readonly commands: readonly string[];
  /** Names of chains and sets by table, to be removed when a later ruleset lacks them. */
  readonly objects: readonly string[];
}

/** The words that make sure that nothing of ours is there. */
export function removal(table: string): string[] {
  return ["ip", "ip6", "netdev"].flatMap((family) => [
    `add table ${family} ${table}`,
    `delete table ${family} ${table}`,
  ]);
}

/** `before`: objects of the ruleset in force. `ingress`: where packets for a service arrive (DR). */
export function rulesetOf(
  table: string,
  services: readonly Service[],
  before: readonly string[],
  neighbourOf: NeighbourOf,
  ingress: readonly string[],
): Ruleset {
  const draft = new Draft(table);
  for (const family of [4, 6] as const) natTable(draft, family, services);
  directTable(draft, services, neighbourOf, ingress);
  return draft.finish(before);
}

class Draft {
  readonly table: string;
  readonly #tables = new Set<string>();
  readonly #chains = new Map<string, string>();
  readonly #sets = new Map<string, string>();
  readonly #rules: string[] = [];

  constructor(table: string) {
    this.table = table;
  }

  /** `definition`: `{ type … }` of a base chain, "" of an ordinary one. */
  chain(family: string, name: string, definition = ""): void {
    this.#tables.add(family);
    this.#chains.set(`chain ${family} ${this.table} ${name}`, definition);
  }

  set(family: string, name: string, definition: string): void {
    this.#tables.add(family);
    this.#sets.set(`set ${family} ${this.table} ${name}`, definition);
  }

  rule(family: string, chain: string, text: string): void {
    this.#rules.push(`add rule ${family} ${this.table} ${chain} ${text}`);
  }

  finish(before: readonly string[]): Ruleset {
    const objects = [...this.#chains.keys(), ...this.#sets.keys()];
    const gone = before.filter((name) => !objects.includes(name));
    const oldChains = before.filter((name) => name.startsWith("chain "));
    return {
      objects,
      commands: [
        ...[...this.#tables].map((family) => `add table ${family} ${this.table}`),
        ...oldChains.map((name) => `flush ${name}`),
        ...[...this.#sets].map(([name, definition]) => `add ${name} ${definition}`),
        ...[...this.#chains].map(([name, definition]) => `add ${name} ${definition}`.trimEnd()),
        ...this.#rules,
        ...gone.filter((name) => name.startsWith("chain ")).map((name) => `delete ${name}`),
        ...gone.filter((name) => name.startsWith("set ")).map((name) => `delete ${name}`),
      ],
    };
  }
}

function natTable(draft: Draft, family: 4 | 6, services: readonly Service[]): void {
  const own = services.filter(({ plan }) => plan.family === family && !isDirect(plan.forwarding.method));
  if (own.length === 0) return;
  const ip = family === 4 ? "ip" : "ip6";
  draft.chain(ip, "prerouting", "{ type nat hook prerouting priority dstnat; }");
  draft.chain(ip, "output", "{ type nat hook output priority -100; }");
  for (const service of own) {
    const chain = `vs${service.plan.index}`;
    draft.chain(ip, chain);
    for (const entry of service.entries) {
      if (entry.kind === "fwmark" ? entry.family !== family : entry.first.family !== family) continue;
      for (const hook of ["prerouting", "output"]) draft.rule(ip, hook, `${matchOf(ip, service, entry)} goto ${chain}`);
    }
    natService(draft, ip, chain, service);
  }
}

function isDirect(method: string): boolean {
  return method === "DR";
}

function matchOf(ip: string, { plan }: Service, entry: ServiceRangePlan): string {
  if (entry.kind === "fwmark") return `meta mark ${entry.mark} meta l4proto ${plan.protocol}`;
  const { first, last, port } = entry;
  const range = first.text === last.text ? first.text : `${first.text}-${last.text}`;
  return `${ip} daddr ${range} ${port === 0 ? `meta l4proto ${plan.protocol}` : `${plan.protocol} dport ${port}`}`;
}

function natService(draft: Draft, ip: string, chain: string, service: Service): void {
  const { plan, destinations } = service;
  const schedule = scheduleOf(plan, destinations, false);
  const isPersistent = plan.persistenceTimeoutMs > 0;
  const client = clientOf(plan);
  for (const [i, destination] of destinations.entries()) {
    const own = `${chain}_${nameOf(destination)}`;
    draft.chain(ip, own);
    if (isPersistent) {
      const timeoutS = Math.max(1, Math.round(plan.persistenceTimeoutMs / 1000));
      const type = plan.family === 4 ? "ipv4_addr" : "ipv6_addr";
      const definition = `{ type ${type}; flags dynamic,timeout; timeout ${timeoutS}s; size ${STICKY_SET_SIZE}; }`;
      draft.set(ip, `${own}_clients`, definition);
      // A server without weight gets no new clients, but keeps the ones that it has.
      draft.rule(ip, chain, `${client} @${own}_clients goto ${own}`);
      draft.rule(ip, own, `update @${own}_clients { ${client} }`);
    }
    if (destination.connectionsMax > 0) {
      const limit = `${own}_limit`;
      draft.set(ip, limit, `{ type ${plan.family === 4 ? "ipv4_addr" : "ipv6_addr"}; flags dynamic; size 16; }`);
      draft.rule(ip, own, `add @${limit} { ${ip} daddr ct count over ${destination.connectionsMax} } drop`);
    }
    draft.rule(ip, own, `${natTo(ip, plan.protocol, destination)} comment "${i}"`);
  }
  if (schedule === null) draft.rule(ip, chain, "drop");
  else
    draft.rule(
      ip,
      chain,
      verdictMap(schedule, (i) => `goto ${chain}_${nameOf(destinations[i]!)}`),
    );
}

function natTo(ip: string, protocol: string, { address, port }: Destination): string {
  const isLocal = address.text.startsWith("127.") || address.text === "::1";
  if (isLocal) return `meta l4proto ${protocol} redirect${port === 0 ? "" : ` to :${port}`}`;
  const host = ip === "ip" ? address.text : `[${address.text}]`;
  return `meta l4proto ${protocol} dnat to ${port === 0 ? address.text : `${host}:${port}`}`;
}

/** A part of a chain's name that stays the server's, however many others come and go. */
function nameOf({ address, port }: Destination): string {
  return `${address.text.replaceAll(/[.:]/g, "_")}_${port}`;
}

function verdictMap({ pick, slots }: Schedule, verdict: (destination: number) => string): string {
  if (slots.length === 1) return verdict(slots[0]!);
  return `${pick} vmap { ${slots.map((destination, slot) => `${slot} : ${verdict(destination)}`).join(", ")} }`;
}

function directTable(
  draft: Draft,
  services: readonly Service[],
  neighbourOf: NeighbourOf,
  ingress: readonly string[],
): void {
  const own = services.filter(({ plan }) => isDirect(plan.forwarding.method));
  if (own.length === 0) return;
  for (const name of ingress) {
    const definition = `{ type filter hook ingress device "${name}" priority 0; }`;
    draft.chain("netdev", `in_${chainWord(name)}`, definition);
  }
  for (const service of own) {
    const ip = service.plan.family === 4 ? "ip" : "ip6";
    const chain = `vs${service.plan.index}`;
    const reachable = service.destinations.flatMap((destination) => {
      const neighbour = neighbourOf(destination);
      return neighbour === null ? [] : [{ destination, neighbour }];
    });
    const schedule = scheduleOf(
      service.plan,
      reachable.map(({ destination }) => destination),
      true,
    );
    draft.chain("netdev", chain);
    for (const entry of service.entries) {
      if (entry.kind === "fwmark") continue;
      for (const name of ingress) {
        draft.rule("netdev", `in_${chainWord(name)}`, `${matchOf(ip, service, entry)} goto ${chain}`);
      }
    }
    if (schedule === null) {
      draft.rule("netdev", chain, "drop");
      continue;
    }
    for (const { destination, neighbour } of reachable) {
      const name = `${chain}_${nameOf(destination)}`;
      draft.chain("netdev", name);
      draft.rule(
        "netdev",
        name,
        `ether saddr set ${neighbour.ownMac} ether daddr set ${neighbour.mac} fwd to "${neighbour.interface}"`,
      );
    }
    draft.rule(
      "netdev",
      chain,
      verdictMap(schedule, (i) => `goto ${chain}_${nameOf(reachable[i]!.destination)}`),
    );
  }
}

function chainWord(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, "_");
}
