// One line of `virtual_ipaddress`, `virtual_ipaddress_excluded` or `static_ipaddress`.
//
//   <ADDRESS>[/<MASK>] [brd <ADDRESS>|+|-] [dev <INTERFACE>] [scope <SCOPE>] [label <LABEL>] [peer <ADDRESS>] [use_vmac]
//                      [home] [-nodad] [mngtmpaddr] [noprefixroute] [autojoin] [no_track|track_group <NAME>] [preferred_lft <S>|forever]

import { maskOf } from "../../../shared/ip/text.ts";
import type { IpAddressPlan, VirtualAddressPlan } from "../../plan/network.ts";
import { keywordOf, placeOf, type Statement } from "../statement.ts";
import { parseInteger, parseIp, parseIpOf, toAddress, UNSIGNED_MAX } from "../values.ts";
import { locationOf, type Resolver } from "./resolver.ts";

/** rtnetlink's numbers for the words of `ip address`. */
export const SCOPES: Readonly<Record<string, number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 };

const LABEL_LENGTH_MAX = 15;

type Draft = { -readonly [Key in keyof VirtualAddressPlan]: VirtualAddressPlan[Key] };

export interface AddressLine {
  readonly plan: VirtualAddressPlan;
  /** `track_group NAME`; of static addresses only. */
  readonly trackGroup: string | null;
}

/** The address, or null: there is none to use, which has been reported. */
export function readAddressLine(entry: Statement, isStatic: boolean, resolver: Resolver): AddressLine | null {
  const written = keywordOf(entry);
  const slash = written.indexOf("/");
  const address = parseIp(slash < 0 ? written : written.slice(0, slash));
  if (address === null) {
    resolver.report.fault("invalid-address", placeOf(entry), `VRRP parsed invalid IP ${written}. skipping IP...`, {
      expected: "an IPv4 or IPv6 address, with or without a mask: 192.0.2.10/24",
    });
    return null;
  }
  const longest = address.bytes.length * 8;
  const prefix =
    slash < 0 || written.endsWith("/") ? longest : parseInteger(written.slice(slash + 1), { min: 0, max: longest });
  if (prefix === null) {
    const message = `Invalid address prefix len ${written.slice(slash + 1)} for address ${written} - using ${longest}`;
    resolver.report.fault("invalid-number", placeOf(entry), message, {
      expected: `a number of bits from 0 to ${longest}`,
    });
  }
  const draft = newDraft(address, prefix ?? longest, entry);
  const options = new AddressOptions(draft, entry, written, isStatic, resolver);
  return options.read() ? { plan: draft, trackGroup: options.trackGroup } : null;
}

function newDraft(address: IpAddressPlan, prefixLength: number, entry: Statement): Draft {
  return {
    address,
    prefixLength,
    interface: null,
    useVmac: false,
    broadcast: null,
    scope: 0,
    label: null,
    peer: null,
    preferredLifetimeS: address.family === 6 && prefixLength === 128 ? 0 : null,
    noDad: address.family === 6,
    home: false,
    mngtmpaddr: false,
    noPrefixRoute: false,
    autojoin: false,
    noTrack: false,
    at: locationOf(placeOf(entry)),
  };
}

/** The options of one line. Those with a value advance over it. */
class AddressOptions {
  trackGroup: string | null = null;
  readonly #draft: Draft;
  readonly #entry: Statement;
  /** The address as written, for messages. */
  readonly #written: string;
  readonly #isStatic: boolean;
  readonly #resolver: Resolver;
  #index = 1;
  #usable = true;

  constructor(draft: Draft, entry: Statement, written: string, isStatic: boolean, resolver: Resolver) {
    this.#draft = draft;
    this.#entry = entry;
    this.#written = written;
    this.#isStatic = isStatic;
    this.#resolver = resolver;
  }

  /** false: the address is not to be used. */
  read(): boolean {
    const { words } = this.#entry;
    while (this.#usable && this.#index < words.length) {
      const option = words[this.#index]!.text;
      if (!this.#flag(option) && !this.#valued(option)) {
        this.#fault("unknown-option", `Unknown configuration entry '${option}' for ip address - ignoring`);
      }
      this.#index++;
    }
    return this.#usable;
  }

  #flag(option: string): boolean {
    const draft = this.#draft;
    if (option === "home") draft.home = true;
    else if (option === "-nodad") draft.noDad = true;
    else if (option === "mngtmpaddr") draft.mngtmpaddr = true;
    else if (option === "noprefixroute") draft.noPrefixRoute = true;
    else if (option === "autojoin") draft.autojoin = true;
    else if (option === "use_vmac" && !this.#isStatic) draft.useVmac = true;
    else if (option === "no_track" && !this.#isStatic) draft.noTrack = true;
    else return false;
    return true;
  }

  #valued(option: string): boolean {
    switch (option) {
      case "dev":
        this.#with(option, (value) => this.#interface(value));
        return true;
      case "brd":
      case "broadcast":
        this.#with(option, (value) => this.#broadcast(value));
        return true;
      case "scope":
        this.#with(option, (value) => this.#scope(value));
        return true;
      case "label":
        this.#with(option, (value) => this.#label(value));
        return true;
      case "peer":
        this.#with(option, (value) => this.#peer(value));
        return true;
      case "preferred_lft":
        this.#with(option, (value) => this.#preferredLifetime(value));
        return true;
      case "track_group":
        if (!this.#isStatic) return false;
        this.#with(option, (value) => {
          this.trackGroup = value;
        });
        return true;
      default:
        return false;
    }
  }

  /** Reads the option's value; without one the address is lost. */
  #with(option: string, read: (value: string) => void): void {
    const value = this.#entry.words[++this.#index]?.text;
    if (value !== undefined) read(value);
    else this.#skip("missing-parameter", `No ${option} parameter specified for ${this.#written}`);
  }

  #interface(name: string): void {
    if (this.#draft.interface !== null) {
      this.#skip("already-specified", `Cannot specify ipaddress device more than once for ${this.#written}`);
      return;
    }
    this.#draft.interface = name;
    const place = placeOf(this.#entry, this.#index);
    this.#resolver.checkInterface(
      name,
      place,
      `WARNING - interface ${name} for ip address ${this.#written} doesn't exist`,
    );
  }

  #broadcast(value: string): void {
    const { address, prefixLength } = this.#draft;
    if (address.family === 6) {
      this.#skip(
        "invalid-address",
        `VRRP is trying to assign a broadcast ${value} to the IPv6 address ${this.#written} !!?? WTF... skipping VIP...`,
      );
    } else if (value === "+" || value === "-") {
      if (prefixLength > 30) {
        this.#fault("invalid-address", `Address prefix length ${prefixLength} too long for broadcast`);
        return;
      }
      const mask = maskOf(prefixLength, 4);
      this.#draft.broadcast = toAddress(
        address.bytes.map((byte, i) => (value === "+" ? byte | (~mask[i]! & 255) : byte & mask[i]!)),
      );
    } else {
      this.#draft.broadcast = parseIpOf(4, value);
      if (this.#draft.broadcast === null) {
        this.#skip("invalid-address", `VRRP is trying to assign invalid broadcast ${value}. skipping VIP...`);
      }
    }
  }

  #scope(value: string): void {
    const scope = SCOPES[value] ?? parseInteger(value, { min: 0, max: 255 });
    if (scope !== null) this.#draft.scope = scope;
    else {
      const message = `Invalid scope '${value}' specified for ${this.#written} - ignoring`;
      this.#fault("invalid-value", message, `${Object.keys(SCOPES).join(", ")} or a number`);
    }
  }

  #label(value: string): void {
    if (this.#draft.address.family === 6) {
      this.#fault("invalid-value", `Cannot specify label for IPv6 addresses (${this.#written}) - ignoring label`);
    } else if (value.length > LABEL_LENGTH_MAX) {
      this.#skip(
        "invalid-value",
        `Address label ${value} is longer than maximum length ${LABEL_LENGTH_MAX} - removing address`,
      );
    } else this.#draft.label = value;
  }

  #peer(value: string): void {
    const { address } = this.#draft;
    const [host, mask] = value.split("/");
    const peer = parseIp(host!);
    const longest = address.bytes.length * 8;
    const prefixLength = mask === undefined ? longest : parseInteger(mask, { min: 0, max: longest });
    if (peer !== null && peer.family !== address.family) {
      this.#fault("invalid-address", `Peer address ${value} does not match address family`);
    } else if (peer === null || prefixLength === null || mask !== undefined) {
      this.#fault("invalid-address", `Invalid peer address ${value}`, "an address without a mask");
    } else {
      if (this.#draft.prefixLength !== longest) {
        this.#fault("invalid-value", "Cannot specify address prefix when specifying peer address - ignoring");
        this.#draft.prefixLength = longest;
      }
      this.#draft.peer = { address: peer, prefixLength };
    }
  }

  #preferredLifetime(value: string): void {
    const seconds = parseInteger(value, { min: 0, max: UNSIGNED_MAX - 1 });
    if (value === "forever") this.#draft.preferredLifetimeS = null;
    else if (seconds !== null) this.#draft.preferredLifetimeS = seconds;
    else this.#fault("invalid-number", `preferred_lft ${value} is invalid`, "a number of seconds, or forever");
  }

  #fault(code: string, message: string, expected?: string): void {
    this.#resolver.report.fault(code, placeOf(this.#entry, this.#index), message, { expected });
  }

  /** A fault that leaves the whole address out. */
  #skip(code: string, message: string): void {
    this.#fault(code, message);
    this.#usable = false;
  }
}
