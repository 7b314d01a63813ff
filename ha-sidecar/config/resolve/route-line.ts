// One line of `virtual_routes` or `static_routes`, in the words of `ip route` and keepalived's own (`gw`, `or`, `no_track`, `track_group`).

import type { IpAddressPlan, NextHopPlan, PrefixPlan, RoutePlan } from "../../plan/network.ts";
import { missingParameter } from "../keyword.ts";
import { keywordOf, placeOf, type Statement } from "../statement.ts";
import { parseInteger, parseIp, toAddress, UNSIGNED_MAX } from "../values.ts";
import { SCOPES } from "./address-line.ts";
import { locationOf, type Resolver } from "./resolver.ts";
import { METRICS, PROTOCOLS, parseTable, ROUTE_TYPES } from "./route-names.ts";

type Draft = { -readonly [Key in keyof RoutePlan]: RoutePlan[Key] };

export interface RouteLine {
  readonly plan: RoutePlan;
  readonly trackGroup: string | null;
}

export function readRouteLine(entry: Statement, isStatic: boolean, resolver: Resolver): RouteLine | null {
  return new RouteReader(entry, isStatic, resolver).run();
}

/** `ADDRESS[/BITS]`, `default`; null: it is neither. @param family of what was named before, for `default` */
export function parsePrefix(text: string, family: 4 | 6): PrefixPlan | null {
  if (text === "default" || text === "any" || text === "all") {
    return { address: toAddress(new Uint8Array(family === 4 ? 4 : 16)), prefixLength: 0 };
  }
  const [host, bits, more] = text.split("/");
  const address = parseIp(host!);
  if (address === null || more !== undefined) return null;
  const longest = address.bytes.length * 8;
  const prefixLength = bits === undefined ? longest : parseInteger(bits, { min: 0, max: longest });
  return prefixLength === null ? null : { address, prefixLength };
}

interface HopDraft {
  gateway: IpAddressPlan | null;
  interface: string | null;
  weight: number;
  onlink: boolean;
}

class RouteReader {
  readonly #entry: Statement;
  readonly #isStatic: boolean;
  readonly #resolver: Resolver;
  readonly #draft: Draft;
  readonly #hops: HopDraft[] = [];
  readonly #metrics: { attribute: number; value: number }[] = [];
  #locked = 0;
  #destination: PrefixPlan | null = null;
  #isDefault = false;
  #inet6 = false;
  #trackGroup: string | null = null;
  #index = 0;
  #usable = true;

  constructor(entry: Statement, isStatic: boolean, resolver: Resolver) {
    this.#entry = entry;
    this.#isStatic = isStatic;
    this.#resolver = resolver;
    this.#draft = {
      family: 4,
      destination: { address: toAddress(new Uint8Array(4)), prefixLength: 0 },
      type: ROUTE_TYPES["unicast"]!,
      gateway: null,
      source: null,
      from: null,
      interface: null,
      nextHops: this.#hops,
      table: 254,
      scope: null,
      protocol: PROTOCOLS["keepalived"]!,
      metric: null,
      tos: 0,
      onlink: false,
      order: "prepend",
      metrics: this.#metrics,
      noTrack: false,
      trackedBy: [],
      at: locationOf(placeOf(entry)),
    };
  }

  run(): RouteLine | null {
    const { words } = this.#entry;
    while (this.#usable && this.#index < words.length) {
      this.#word(words[this.#index]!.text);
      this.#index++;
    }
    if (!this.#usable) return null;
    return this.#finish();
  }

  #word(word: string): void {
    const draft = this.#draft;
    if (ROUTE_TYPES[word] !== undefined) draft.type = ROUTE_TYPES[word];
    else if (word === "inet" || word === "inet6") this.#inet6 = word === "inet6";
    else if (word === "onlink") this.#current().onlink = true;
    else if (word === "append" || word === "prepend" || word === "add") draft.order = word;
    else if (word === "no_track" && !this.#isStatic) draft.noTrack = true;
    else if (word === "nexthop") this.#hops.push({ gateway: null, interface: null, weight: 1, onlink: false });
    else if (METRICS[word] !== undefined) this.#metric(word, METRICS[word]);
    else if (!this.#valued(word)) this.#destinationWord(word);
  }

  /** Where `via`, `dev` and `onlink` go: the last next hop, or the route itself. */
  #current(): Draft | HopDraft {
    return this.#hops.at(-1) ?? this.#draft;
  }

  #valued(word: string): boolean {
    switch (word) {
      case "to":
        this.#with((value) => this.#destinationWord(value));
        return true;
      case "via":
      case "gw":
        if (word === "gw") this.#fault("deprecated", '"gw" for routes is deprecated. Please use "via"');
        this.#with((value) => this.#via(value));
        return true;
      case "or":
        this.#fault("deprecated", '"or" for routes is deprecated. Please use "nexthop"');
        this.#with((value) => this.#alternative(value));
        return true;
      case "src":
        this.#with((value) => {
          this.#draft.source = this.#address(value, "src");
        });
        return true;
      case "from":
        this.#with((value) => {
          this.#draft.from = parsePrefix(value, 6) ?? this.#invalid(`invalid route from address ${value}`);
        });
        return true;
      case "dev":
      case "oif":
        this.#with((value) => this.#interface(value));
        return true;
      case "weight":
        this.#number(1, 256, (value) => {
          const hop = this.#hops.at(-1);
          if (hop !== undefined) hop.weight = value;
        });
        return true;
      default:
        return this.#setting(word);
    }
  }

  #setting(word: string): boolean {
    switch (word) {
      case "table":
        this.#with((value) => this.#table(value));
        return true;
      case "scope":
        this.#with((value) => {
          const scope = SCOPES[value] ?? parseInteger(value, { min: 0, max: 255 });
          this.#draft.scope = scope ?? this.#invalid(`Invalid scope ${value} for route`);
        });
        return true;
      case "protocol":
        this.#with((value) => {
          const protocol = PROTOCOLS[value] ?? parseInteger(value, { min: 0, max: 255 });
          this.#draft.protocol = protocol ?? this.#invalid(`Protocol ${value} not found or invalid for route`) ?? 18;
        });
        return true;
      case "metric":
      case "priority":
      case "preference":
        this.#number(0, UNSIGNED_MAX, (value) => {
          this.#draft.metric = value;
        });
        return true;
      case "tos":
      case "dsfield":
        this.#with((value) => {
          const tos = /^0x[0-9a-f]{1,2}$/i.test(value) ? Number(value) : parseInteger(value, { min: 0, max: 255 });
          this.#draft.tos = tos ?? this.#invalid(`TOS value ${value} is invalid`) ?? 0;
        });
        return true;
      case "track_group":
        if (!this.#isStatic) return false;
        this.#with((value) => {
          this.#trackGroup = value;
        });
        return true;
      case "realms":
      case "encap":
      case "pref":
      case "congctl":
      case "features":
        this.#ignored(word);
        return true;
      default:
        return false;
    }
  }

  #ignored(word: string): void {
    const message = `'${word}' of routes has no effect here`;
    this.#resolver.report.warning("ignored-option", placeOf(this.#entry, this.#index), message);
    this.#with(() => {});
  }

  #with(read: (value: string) => void): void {
    const value = this.#entry.words[++this.#index]?.text;
    if (value !== undefined) read(value);
    else {
      missingParameter(this.#entry, this.#index, this.#resolver.report);
      this.#usable = false;
    }
  }

  #number(min: number, max: number, set: (value: number) => void): void {
    this.#with((text) => {
      const value = parseInteger(text, { min, max });
      if (value !== null) set(value);
      else this.#fault("invalid-number", `invalid number '${text}' for route`, `a number from ${min} to ${max}`);
    });
  }

  /** `mtu [lock] 1400`; times may end in ms. */
  #metric(word: string, attribute: number): void {
    if (this.#entry.words[this.#index + 1]?.text === "lock") {
      this.#index++;
      this.#locked |= 1 << attribute;
    }
    this.#with((text) => {
      const isTime = word === "rtt" || word === "rttvar" || word === "rto_min";
      const match = isTime ? /^(\d{1,9})(ms|s)?$/.exec(text) : /^(\d{1,10})$/.exec(text);
      if (match === null) {
        this.#fault("invalid-number", `${word} value '${text}' is invalid for route`);
        return;
      }
      // The kernel counts rtt in eighths and rttvar in quarters of a millisecond.
      const scale = match[2] === undefined && isTime ? 1 : word === "rtt" ? 8 : word === "rttvar" ? 4 : 1;
      const ms = match[2] === "s" ? 1000 : 1;
      this.#metrics.push({ attribute, value: Number(match[1]) * ms * scale });
    });
  }

  #destinationWord(word: string): void {
    const prefix = parsePrefix(word, this.#inet6 ? 6 : 4);
    if (this.#destination === null && prefix !== null) {
      this.#destination = prefix;
      this.#isDefault = word === "default";
      return;
    }
    const [host, bits] = word.split("/");
    const address = this.#destination === null && bits !== undefined ? parseIp(host!) : null;
    if (address === null) {
      this.#skip("unknown-option", `unknown route keyword ${word}`);
      return;
    }
    const longest = address.bytes.length * 8;
    this.#fault("invalid-number", `Invalid address prefix len ${bits} for address ${word} - using ${longest}`);
    this.#destination = { address, prefixLength: longest };
  }

  #via(value: string): void {
    // `via inet6 ADDRESS` names the family first.
    const next = this.#entry.words[this.#index + 1]?.text;
    const isFamily = value === "inet" || value === "inet6";
    if (isFamily && next !== undefined) this.#index++;
    const text = isFamily && next !== undefined ? next : value;
    this.#current().gateway = this.#address(text, "via");
  }

  /** `via A or B`: keepalived's old way to write two next hops. */
  #alternative(value: string): void {
    const gateway = this.#address(value, "or");
    if (this.#hops.length === 0) {
      this.#hops.push({ gateway: this.#draft.gateway, interface: this.#draft.interface, weight: 1, onlink: false });
      this.#draft.gateway = null;
    }
    this.#hops.push({ gateway, interface: this.#hops[0]!.interface, weight: 1, onlink: false });
  }

  #address(text: string, what: string): IpAddressPlan | null {
    const address = parseIp(text);
    if (address === null) this.#skip("invalid-address", `invalid route ${what} address ${text}`);
    return address;
  }

  #interface(name: string): void {
    const place = placeOf(this.#entry, this.#index);
    this.#resolver.checkInterface(name, place, `WARNING - interface ${name} for VROUTE nexthop doesn't exist`);
    this.#current().interface = name;
  }

  #table(value: string): void {
    const table = parseTable(value);
    if (table !== null) this.#draft.table = table;
    else this.#skip("invalid-value", `Routing table ${value} not found for route`);
  }

  #finish(): RouteLine | null {
    const draft = this.#draft;
    if (this.#destination === null) {
      this.#resolver.report.fault("missing-destination", placeOf(this.#entry), "Route must have a destination");
      return null;
    }
    const gateway = draft.gateway ?? this.#hops[0]?.gateway ?? null;
    const isV6 = this.#inet6 || (this.#isDefault && gateway?.family === 6) || this.#destination.address.family === 6;
    draft.family = isV6 ? 6 : 4;
    draft.destination = this.#isDefault ? parsePrefix("default", draft.family)! : this.#destination;
    const addresses = [draft.source, draft.gateway, ...this.#hops.map((hop) => hop.gateway)];
    if (addresses.some((address) => address !== null && address.family !== draft.family)) {
      this.#resolver.report.fault(
        "mixed-families",
        placeOf(this.#entry),
        "Cannot mix IPv4 and IPv6 addresses for route",
      );
      return null;
    }
    if (this.#locked !== 0) this.#metrics.unshift({ attribute: 1, value: this.#locked });
    const hops: readonly NextHopPlan[] = this.#hops;
    const named = draft.interface !== null || (hops.length > 0 && hops.every((hop) => hop.interface !== null));
    if (!this.#isStatic && !draft.noTrack && !named) {
      draft.noTrack = true;
      const message = `Warning - cannot track route ${this.#destinationText()} with no interface specified, not tracking`;
      this.#resolver.report.fault("untracked-route", placeOf(this.#entry), message, { hint: "Add dev, or no_track." });
    }
    return { plan: draft, trackGroup: this.#trackGroup };
  }

  #destinationText(): string {
    const written = this.#entry.words.find((word) => parsePrefix(word.text, 4) !== null || word.text.includes("/"));
    return written?.text ?? keywordOf(this.#entry);
  }

  #invalid(message: string): null {
    this.#fault("invalid-value", message);
    return null;
  }

  #fault(code: string, message: string, expected?: string): void {
    this.#resolver.report.fault(code, placeOf(this.#entry, this.#index), message, { expected });
  }

  #skip(code: string, message: string): void {
    this.#fault(code, message);
    this.#usable = false;
  }
}
