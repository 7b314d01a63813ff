// Servers whose address is what DNS says: who gets which of a name's addresses, what an answer that fails does to them, and SRV records, whose targets are
// names of servers themselves. Questions and their times are resolution.ts's.
//
//   SRV record ─▶ target, port, weight of a free server ─▶ its name's addresses ─▶ address of the server, out of maintenance
//   name ───────────────────────────────────────────────▶ one address for each server of the backend that has the name

import { networkHas } from "../../../shared/ip/address.ts";
import { parseAddress } from "../../../shared/ip/text.ts";
import type { NetworkPlan, Plan, ServerPlan, SocketAddressPlan } from "../../plan/plan.ts";
import type { ResolutionPlan } from "../../plan/resolvers.ts";
import { type Announcer, SEVERITY } from "../server-state/announcer.ts";
import type { ServerStates } from "../server-state/server-states.ts";
import { type DnsAnswer, isQueryable, RECORD, type ServiceRecord } from "./message.ts";
import { NAMESERVER_COUNTERS, Nameserver } from "./nameserver.ts";
import { addressTypes, Resolution, type ResolutionOutcome, type ResolutionStatus } from "./resolution.ts";

/** HAProxy's words in its sentence on maintenance. */
const REASONS: Readonly<Record<Exclude<ResolutionStatus, "valid">, string>> = {
  nx: "DNS NX status",
  refused: "DNS refused status",
  timeout: "DNS timeout status",
  other: "unspecified DNS error",
};
const NO_ADDRESS = "No IP for server ";
const NO_RECORD = "entry removed from SRV record";
const CACHED = "DNS cache";
/** Weights of SRV records have sixteen bits, ours go to 256. */
const WEIGHT_UNIT = 256;
const LABEL_COLUMN = 13;

interface Follower {
  readonly server: ServerPlan;
  readonly plan: ResolutionPlan;
  /** null: a SRV record has yet to name it. */
  hostname: string | null;
  /** null: it has none. */
  address: string | null;
  service: ServiceRecord | null;
}

interface Watched {
  readonly resolution: Resolution;
  readonly followers: Follower[];
}

/** What survives a reload, so that the next generation need not wait for an answer. */
export interface SavedAddress {
  readonly server: string;
  readonly hostname: string;
  readonly address: string;
  readonly port: number;
}

export class ServerResolutions {
  readonly #plan: Plan;
  readonly #states: ServerStates;
  readonly #announcer: Announcer;
  readonly #sections: readonly (readonly Nameserver[])[];
  readonly #followers = new Map<number, Follower>();
  /** By section, name, preferred family; SRV names by section and name. */
  readonly #watched = new Map<string, Watched>();
  readonly #startedMs = performance.now();

  constructor(plan: Plan, states: ServerStates, announcer: Announcer) {
    this.#plan = plan;
    this.#states = states;
    this.#announcer = announcer;
    this.#sections = plan.resolvers.map(({ nameservers, payloadBytes }) =>
      nameservers.map(
        (nameserver) => new Nameserver(nameserver, payloadBytes, (from, answer) => this.#take(from, answer)),
      ),
    );
    for (const server of plan.servers) {
      const { resolution } = server;
      if (resolution === undefined) continue;
      const address = resolution.isPending || !("host" in server.address) ? null : server.address.host;
      const hostname = resolution.isService || resolution.hostname === "" ? null : resolution.hostname;
      this.#followers.set(server.index, { server, plan: resolution, hostname, address, service: null });
    }
  }

  start(): void {
    for (const follower of this.#followers.values()) {
      if (follower.plan.isService)
        this.#watch(
          `srv ${follower.plan.resolvers} ${follower.plan.hostname}`,
          follower.plan.hostname,
          [RECORD.srv],
          follower,
        );
      else this.#watchAddresses(follower);
    }
    for (const { resolution } of this.#watched.values()) resolution.start();
  }

  close(): void {
    for (const { resolution } of this.#watched.values()) resolution.close();
    for (const section of this.#sections) for (const nameserver of section) nameserver.close();
  }

  #keyOf({ plan, hostname }: Follower): string {
    return `${plan.resolvers} ${plan.prefer} ${hostname}`;
  }

  #watchAddresses(follower: Follower): Resolution | null {
    const { hostname, plan } = follower;
    if (hostname === null || !isQueryable(hostname)) return null;
    return this.#watch(this.#keyOf(follower), hostname, addressTypes(plan.prefer), follower);
  }

  #watch(key: string, name: string, types: readonly number[], follower: Follower): Resolution {
    let watched = this.#watched.get(key);
    if (watched === undefined) {
      const followers: Follower[] = [];
      const { resolvers, isService } = follower.plan;
      const isOfService = isService && types[0] === RECORD.srv;
      const onOutcome = (outcome: ResolutionOutcome): void => {
        for (const group of byBackend(followers)) {
          if (isOfService) this.#services(group, outcome);
          else this.#addresses(group, outcome);
        }
      };
      const resolution = new Resolution(
        name,
        types,
        this.#plan.resolvers[resolvers]!,
        this.#sections[resolvers]!,
        onOutcome,
      );
      watched = { resolution, followers };
      this.#watched.set(key, watched);
    }
    watched.followers.push(follower);
    return watched.resolution;
  }

  /** The follower has another name, or none: nobody asks for what nobody follows. */
  #unwatch(follower: Follower): void {
    const key = this.#keyOf(follower);
    const watched = this.#watched.get(key);
    if (follower.hostname === null || watched === undefined) return;
    watched.followers.splice(watched.followers.indexOf(follower), 1);
    if (watched.followers.length > 0) return;
    watched.resolution.close();
    this.#watched.delete(key);
  }

  #take(from: Nameserver, answer: DnsAnswer): void {
    for (const { resolution } of this.#watched.values()) if (resolution.take(from, answer)) return;
    from.counters.outdated++;
  }

  /** The addresses of a name, for the servers of one backend that have it. */
  #addresses(group: readonly Follower[], outcome: ResolutionOutcome): void {
    if (outcome.status !== "valid") {
      this.#fail(group, outcome.status, outcome.lastValidMs);
      return;
    }
    const [{ plan }] = group as [Follower];
    const offered = inOrder(outcome.addresses, plan.nets);
    const taken = new Set<string>();
    const free: Follower[] = [];
    for (const follower of group) {
      const { address } = follower;
      const keeps = address !== null && offered.includes(address) && (plan.allowsDuplicates || !taken.has(address));
      if (keeps) taken.add(address);
      else free.push(follower);
    }
    let isFirst = true;
    for (const follower of free) {
      const address = offered.find((each) => !taken.has(each)) ?? (plan.allowsDuplicates ? offered[0] : undefined);
      if (address === undefined) this.#loses(follower, NO_ADDRESS);
      else {
        taken.add(address);
        this.#moves(follower, address, isFirst ? outcome.by : CACHED);
        isFirst = false;
      }
    }
    // Those that kept theirs may have been out for another reason: an answer that failed.
    for (const follower of group)
      if (follower.address !== null) this.#states.leaveResolution(follower.server, follower.hostname!);
  }

  #moves(follower: Follower, address: string, by: string): void {
    const { server, service } = follower;
    const before = follower.address ?? "(none)";
    follower.address = address;
    const nameserver = this.#sections[follower.plan.resolvers]!.find(({ plan }) => by.endsWith(`/${plan.name}`));
    if (nameserver !== undefined) nameserver.counters.update++;
    const known = this.#states.addresses.address(server);
    const port = service?.port ?? ("port" in known ? known.port : 0);
    this.#states.addresses.set(server, addressPlan(address, port), this.#states.addresses.portOffset(server));
    this.#say(
      server,
      "server-address",
      `${this.#name(server)}: IP changed from '${before}' to '${address}' by '${by}'.`,
    );
  }

  /** What an answer that says nothing does to servers: they stay as they are for the time that its kind allows. */
  #fail(group: readonly Follower[], status: keyof typeof REASONS, lastValidMs: number): void {
    const holdMs = this.#plan.resolvers[group[0]!.plan.resolvers]!.holdMs[status];
    if (performance.now() - (lastValidMs || this.#startedMs) < holdMs) return;
    for (const follower of group) this.#loses(follower, REASONS[status]);
  }

  #loses(follower: Follower, reason: string): void {
    follower.address = null;
    this.#states.enterResolution(follower.server, reason);
  }

  /** The records of a service, for the servers of one backend that are its. */
  #services(group: readonly Follower[], outcome: ResolutionOutcome): void {
    if (outcome.status !== "valid") {
      const named = group.filter(({ service }) => service !== null);
      if (named.length > 0) this.#fail(named, outcome.status, outcome.lastValidMs);
      return;
    }
    const left = new Map(outcome.services.map((service) => [`${service.target}:${service.port}`, service]));
    const free: Follower[] = [];
    for (const follower of group) {
      const key = follower.service === null ? "" : `${follower.service.target}:${follower.service.port}`;
      const service = left.get(key);
      left.delete(key);
      if (service !== undefined) this.#weigh(follower, service);
      else {
        if (follower.service !== null) this.#releases(follower);
        free.push(follower);
      }
    }
    for (const service of left.values()) {
      const follower = free.shift();
      if (follower === undefined) return;
      this.#serves(follower, service);
    }
  }

  #releases(follower: Follower): void {
    this.#unwatch(follower);
    follower.service = null;
    follower.hostname = null;
    this.#loses(follower, NO_RECORD);
  }

  #serves(follower: Follower, service: ServiceRecord): void {
    const { server } = follower;
    follower.service = service;
    follower.hostname = service.target;
    this.#states.setHostnameChanged(server);
    this.#weigh(follower, service);
    this.#say(
      server,
      "server-name",
      `${this.#name(server)} changed its FQDN from (null) to ${service.target} by 'SRV record'`,
    );
    this.#watchAddresses(follower)?.start();
  }

  #weigh(follower: Follower, { weight }: ServiceRecord): void {
    if (follower.plan.ignoresWeight) return;
    const wanted = Math.ceil(weight / WEIGHT_UNIT);
    if (this.#states.userWeight(follower.server) !== wanted) this.#states.setWeight(follower.server, wanted);
  }

  #name(server: ServerPlan): string {
    return `${this.#plan.proxies[server.proxy]!.name}/${server.name}`;
  }

  #say(server: ServerPlan, event: string, text: string): void {
    this.#announcer.say(this.#plan.proxies[server.proxy]!, SEVERITY.notice, event, text);
  }

  // For the runtime API.

  /** The server's name for DNS, null: it has none. undefined: it follows none. */
  hostnameOf(server: ServerPlan): string | null | undefined {
    return this.#followers.get(server.index)?.hostname;
  }

  /** The SRV record that it belongs to, null: none. */
  serviceOf({ resolution }: ServerPlan): string | null {
    return resolution?.isService === true ? resolution.hostname : null;
  }

  hasAddress(server: ServerPlan): boolean {
    const follower = this.#followers.get(server.index);
    return follower === undefined || follower.address !== null;
  }

  /** `set server … fqdn`. The answer, or null: the server follows no name. */
  setHostname(server: ServerPlan, hostname: string): string | null {
    const follower = this.#followers.get(server.index);
    if (follower === undefined || follower.plan.isService) return null;
    const before = follower.hostname;
    if (before === hostname) return `no need to change the FDQN`;
    this.#unwatch(follower);
    follower.hostname = hostname;
    this.#states.setHostnameChanged(server);
    this.#watchAddresses(follower)?.start();
    return `${this.#name(server)} changed its FQDN from ${before ?? "(null)"} to ${hostname} by 'stats socket command'`;
  }

  /** `show resolvers`: null: there is no such section. */
  show(name: string | undefined): string | null {
    let text = "";
    this.#plan.resolvers.forEach((section, index) => {
      if (name !== undefined && section.name !== name) return;
      text += `Resolvers section ${section.name}\n`;
      for (const { plan, counters } of this.#sections[index]!) {
        text += ` nameserver ${plan.name}:\n`;
        for (const counter of NAMESERVER_COUNTERS)
          text += `  ${`${counter}:`.padEnd(LABEL_COLUMN)}${counters[counter]}\n`;
      }
    });
    return text === "" && name !== undefined ? null : text;
  }

  /** Per section and nameserver: its counters, for Prometheus. */
  get sections(): readonly { readonly name: string; readonly nameservers: readonly Nameserver[] }[] {
    return this.#plan.resolvers.map(({ name }, index) => ({ name, nameservers: this.#sections[index]! }));
  }

  take(): readonly SavedAddress[] {
    return [...this.#followers.values()].flatMap(({ server, hostname, address }) => {
      if (hostname === null || address === null) return [];
      const known = this.#states.addresses.address(server);
      return [{ server: this.#name(server), hostname, address, port: "port" in known ? known.port : 0 }];
    });
  }

  /** Before `start`: what the generation before knew of names that are still the same. */
  give(saved: readonly SavedAddress[]): void {
    const byName = new Map(saved.map((each) => [each.server, each]));
    for (const follower of this.#followers.values()) {
      const { server, plan } = follower;
      const known = byName.get(this.#name(server));
      if (known === undefined || parseAddress(known.address) === null) continue;
      if (plan.isService || follower.hostname !== known.hostname || follower.address !== null) continue;
      follower.address = known.address;
      this.#states.addresses.set(server, addressPlan(known.address, known.port), server.portOffset);
      this.#states.leaveResolution(server, known.hostname);
    }
  }
}

function byBackend(followers: readonly Follower[]): readonly (readonly Follower[])[] {
  const groups = new Map<number, Follower[]>();
  for (const follower of followers) {
    const group = groups.get(follower.server.proxy);
    if (group === undefined) groups.set(follower.server.proxy, [follower]);
    else group.push(follower);
  }
  return [...groups.values()];
}

/** `resolve-net`: addresses in these networks first. */
function inOrder(addresses: readonly string[], nets: readonly NetworkPlan[]): readonly string[] {
  if (nets.length === 0) return addresses;
  const isIn = (address: string): boolean => {
    const bytes = parseAddress(address);
    return bytes !== null && nets.some((net) => networkHas(net, bytes, 0, bytes.length));
  };
  return [...addresses.filter(isIn), ...addresses.filter((address) => !isIn(address))];
}

function addressPlan(host: string, port: number): SocketAddressPlan {
  return host.includes(":") ? { kind: "ipv6", host, port, v6only: false, v4v6: false } : { kind: "ipv4", host, port };
}
