// Addresses as `bind`, `server`, `log`, `source`, `addr` and the stats socket take them (configuration.txt §2.9):
//
//   [prefix@]host[:port]   host: *, "" (all), IPv4, IPv6 with or without brackets, a name      port: N, N-M, +N, -N
//   [unix@]/path           abns@name    abnsz@name    fd@N
//
// The port stands behind the last colon outside of brackets, whatever comes before it: `::1:80` is port 80 of `::1`.
// Names are not resolved here: that takes a resolver and time; `host` says what is left to do.
// Variables (`${NAME}`, `$NAME`) are expanded here once more, also where no quotes stood around them, because HAProxy does so.
// The wording of faults is HAProxy's, without the keyword in front.

import { formatAddress, parseIpv4Loosely, parseIpv6 } from "../../shared/ip/text.ts";
import type { SocketAddressPlan } from "../plan/plan.ts";
import type { Parsed } from "./arguments.ts";
import type { Environment } from "./environment.ts";

/** What the place that the address stands in allows. */
export interface AddressRules {
  /** `required`: one port at least. */
  readonly port: "forbidden" | "optional" | "required";
  /** `1000-1010`. */
  readonly portRange: boolean;
  /** `+N` and `-N`. */
  readonly portOffset: boolean;
  /** Whether port 0 can be written; for `bind` it cannot. */
  readonly portZero: boolean;
  /** What it is used for, and whether a prefix may ask for the other kind of socket. */
  readonly socket: "stream" | "datagram" | "either-stream" | "either-datagram";
  /** `fd@N`. */
  readonly descriptor: boolean;
  /** Longest path of a UNIX socket: 107 bytes, 97 where HAProxy binds to a temporary name first. */
  readonly pathBytesMax: number;
}

/** The rules of `bind` and `stats socket`. */
export const BIND_RULES: AddressRules = {
  port: "required",
  portRange: true,
  portOffset: false,
  portZero: false,
  socket: "stream",
  descriptor: true,
  pathBytesMax: 97,
};

/** The rules of `server`. */
export const SERVER_RULES: AddressRules = {
  port: "optional",
  portRange: false,
  portOffset: true,
  portZero: true,
  socket: "either-stream",
  descriptor: false,
  pathBytesMax: 107,
};

/** The rules of `log`. */
export const LOG_RULES: AddressRules = {
  ...SERVER_RULES,
  portOffset: false,
  socket: "either-datagram",
  descriptor: true,
};

/** The rules of `source` and a server's `addr`: where to connect from or to, without a range. */
export const PEER_RULES: AddressRules = { ...SERVER_RULES, portOffset: false, socket: "stream" };

export type AddressFamily = "ip" | "ipv4" | "ipv6" | "unix" | "abns" | "fd";

export interface AddressArgument {
  /** Null while `host` has to be resolved. Its port is `ports.first` or 0. */
  readonly address: SocketAddressPlan | null;
  /** A name that has to be resolved, or null. */
  readonly host: string | null;
  /** What a resolved name may be: `ip` either, otherwise only that family. */
  readonly family: AddressFamily;
  readonly socket: "stream" | "datagram";
  /** The ports written, both ends included; null: none. */
  readonly ports: { readonly first: number; readonly last: number } | null;
  /** `+N`/`-N`: to be added to the client's port; null: none was written. */
  readonly portOffset: number | null;
}

export interface AddressProblem {
  readonly code: string;
  /** HAProxy's wording. */
  readonly message: string;
  readonly expected?: string;
  readonly hint?: string;
}

interface Prefix {
  readonly family: AddressFamily;
  readonly socket?: "stream" | "datagram";
  readonly zeroTerminated?: boolean;
  /** Known to HAProxy, not served here. */
  readonly unserved?: boolean;
}

const PREFIXES: Readonly<Record<string, Prefix>> = {
  ip: { family: "ip" },
  ipv4: { family: "ipv4" },
  ipv6: { family: "ipv6" },
  unix: { family: "unix" },
  abns: { family: "abns" },
  abnsz: { family: "abns", zeroTerminated: true },
  fd: { family: "fd" },
  tcp: { family: "ip", socket: "stream" },
  tcp4: { family: "ipv4", socket: "stream" },
  tcp6: { family: "ipv6", socket: "stream" },
  udp: { family: "ip", socket: "datagram" },
  udp4: { family: "ipv4", socket: "datagram" },
  udp6: { family: "ipv6", socket: "datagram" },
  uxst: { family: "unix", socket: "stream" },
  uxdg: { family: "unix", socket: "datagram" },
  sockpair: { family: "fd", unserved: true },
  mptcp: { family: "ip", unserved: true },
  mptcp4: { family: "ipv4", unserved: true },
  mptcp6: { family: "ipv6", unserved: true },
  quic: { family: "ip", unserved: true },
  quic4: { family: "ipv4", unserved: true },
  quic6: { family: "ipv6", unserved: true },
  rhttp: { family: "ip", unserved: true },
};

const SERVED_PREFIXES = "ipv4@, ipv6@, unix@, abns@, fd@, tcp@, udp@";

/**
 * Cuts the list of a `bind` line at its commas. A comma at the very end is let pass, as HAProxy does; an empty part elsewhere is left in
 * for `parseAddress` to refuse.
 */
export function splitAddresses(text: string): string[] {
  const parts = text.split(",");
  if (parts.length > 1 && parts[parts.length - 1] === "") parts.pop();
  return parts;
}

/** Parses one address. */
export function parseAddress(
  text: string,
  rules: AddressRules,
  environment: Environment,
): Parsed<AddressArgument, AddressProblem> {
  const expanded = expand(text, environment);
  if (expanded === "") {
    const message = `'${text}' resolves to an empty address (environment variable missing?)`;
    return fail("empty-address", message, { expected: "an address" });
  }
  const { prefix, socket, rest } = splitPrefix(expanded, rules);
  if (prefix?.unserved) {
    const message = `address '${text}' is of a kind that ringway does not serve yet`;
    return fail("unserved-address", message, { expected: `one of ${SERVED_PREFIXES}` });
  }
  const refused = refuseSocket(socket, rules, text);
  if (refused !== null) return refused;
  const family = prefix?.family ?? (rest.startsWith("/") ? "unix" : "ip");
  if (family === "fd") return descriptor(rest, socket, rules, text);
  if (family === "unix" || family === "abns") return path(rest, family, prefix, socket, rules, text, expanded);
  return internet(rest, family, socket, rules, text);
}

/** HAProxy expands variables in addresses even without quotes; `$PORT` and `${PORT}`, a missing one is empty. */
function expand(text: string, environment: Environment): string {
  return text.replace(/\$(?:\{([A-Za-z0-9_]*)\}?|([A-Za-z0-9_]+))/g, (_, braced?: string, plain?: string) => {
    return environment.get(braced ?? plain ?? "") ?? "";
  });
}

function splitPrefix(text: string, rules: AddressRules) {
  const transport = /^(stream|dgram|quic)\+/.exec(text)?.[1];
  const withoutTransport = transport === undefined ? text : text.slice(transport.length + 1);
  const name = /^([a-z0-9]+)@/.exec(withoutTransport)?.[1];
  const known = name !== undefined && Object.hasOwn(PREFIXES, name) ? PREFIXES[name]! : null;
  const rest = known === null ? withoutTransport : withoutTransport.slice(name!.length + 1);
  const prefix: Prefix | null = transport === "quic" ? PREFIXES.quic! : known;
  const usual = rules.socket === "datagram" || rules.socket === "either-datagram" ? "datagram" : "stream";
  const asked = transport === "stream" ? "stream" : transport === "dgram" ? "datagram" : prefix?.socket;
  return { prefix, socket: asked ?? usual, rest } as const;
}

function refuseSocket(socket: "stream" | "datagram", rules: AddressRules, text: string) {
  if (rules.socket === "stream" && socket === "datagram") {
    return fail("socket-type", `dgram-type address not acceptable in '${text}'`, { expected: "a stream address" });
  }
  if (rules.socket === "datagram" && socket === "stream") {
    return fail("socket-type", `stream-type address not acceptable in '${text}'`, { expected: "a datagram address" });
  }
  return null;
}

function descriptor(
  rest: string,
  socket: "stream" | "datagram",
  rules: AddressRules,
  text: string,
): Parsed<AddressArgument, AddressProblem> {
  if (!/^\+?[0-9]+$/.test(rest) || Number(rest) > 0x7fffffff) {
    const message = `file descriptor '${rest}' is not a valid integer in '${text}'`;
    return fail("invalid-descriptor", message, { expected: "the number of an open descriptor" });
  }
  if (!rules.descriptor) {
    return fail("descriptor-not-allowed", `a file descriptor is not acceptable here in '${text}'`);
  }
  return done({ kind: "fd", fd: Number(rest) }, "fd", socket);
}

function path(
  rest: string,
  family: "unix" | "abns",
  prefix: Prefix | null,
  socket: "stream" | "datagram",
  rules: AddressRules,
  text: string,
  expanded: string,
): Parsed<AddressArgument, AddressProblem> {
  const bytesMax = family === "abns" ? 107 : rules.pathBytesMax;
  if (rest.length > bytesMax) {
    const shown = family === "abns" ? text : expanded;
    return fail("path-too-long", `socket path '${shown}' too long (max ${bytesMax})`);
  }
  if (family === "unix") return done({ kind: "unix", path: rest }, family, socket);
  const address: SocketAddressPlan = prefix?.zeroTerminated
    ? { kind: "abns", name: rest, zeroTerminated: true }
    : { kind: "abns", name: rest };
  return done(address, family, socket);
}

function internet(
  rest: string,
  family: "ip" | "ipv4" | "ipv6",
  socket: "stream" | "datagram",
  rules: AddressRules,
  text: string,
): Parsed<AddressArgument, AddressProblem> {
  const colon = portColon(rest);
  const host = colon < 0 ? rest : rest.slice(0, colon);
  const ports = parsePorts(colon < 0 ? "" : rest.slice(colon + 1), rules, text);
  if (!ports.ok) return ports;
  const { first, last, offset } = ports.value;
  const literal = literalHost(host, family, first ?? 0);
  if (literal === null && !isHostName(host)) {
    return fail("invalid-address", `invalid address: '${host}' in '${text}'`, {
      expected:
        family === "ip"
          ? "an IPv4 or IPv6 address or a host name"
          : `an ${family === "ipv4" ? "IPv4" : "IPv6"} address`,
      hint: invalidHostHint(host, text),
    });
  }
  return {
    ok: true,
    value: {
      address: literal,
      host: literal === null ? withoutBrackets(host) : null,
      family,
      socket,
      ports: first === null ? null : { first, last: last ?? first },
      portOffset: offset,
    },
  };
}

/** Index of the colon in front of the port, or -1: the last one, unless a bracket closes behind it. */
function portColon(text: string): number {
  const colon = text.lastIndexOf(":");
  return text.lastIndexOf("]") > colon ? -1 : colon;
}

interface Ports {
  readonly first: number | null;
  readonly last: number | null;
  readonly offset: number | null;
}

function parsePorts(port: string, rules: AddressRules, text: string): Parsed<Ports, AddressProblem> {
  if (port === "") {
    if (rules.port === "required") {
      return fail("missing-port", `missing port specification in '${text}'`, { expected: "a port behind a colon" });
    }
    return { ok: true, value: { first: null, last: null, offset: null } };
  }
  if (rules.port === "forbidden") return fail("port-not-allowed", `port specification not permitted here in '${text}'`);
  if (port.startsWith("+") || port.startsWith("-")) return parseOffset(port, rules, text);
  const dash = port.indexOf("-");
  if (dash < 0) return onePort(port, rules, text);
  if (!rules.portRange) return fail("port-range-not-allowed", `port range not permitted here in '${text}'`);
  const first = onePort(port.slice(0, dash), rules, text);
  if (!first.ok) return first;
  const last = onePort(port.slice(dash + 1).replace(/^\+/, ""), rules, text);
  if (!last.ok) return last;
  if (first.value.first! > last.value.first!) {
    return fail("invalid-port-range", `invalid port range '${port}'`, { expected: "the lower port first" });
  }
  return { ok: true, value: { first: first.value.first, last: last.value.first, offset: null } };
}

function parseOffset(port: string, rules: AddressRules, text: string): Parsed<Ports, AddressProblem> {
  if (!rules.portOffset) return fail("port-offset-not-allowed", `port offset not permitted here in '${text}'`);
  const digits = port.slice(1);
  const stray = /[^0-9]/.exec(digits)?.[0];
  if (stray !== undefined) return fail("invalid-port", portCharacterMessage(stray, digits, text));
  return { ok: true, value: { first: null, last: null, offset: Number(port[0] + (digits === "" ? "0" : digits)) } };
}

function onePort(port: string, rules: AddressRules, text: string): Parsed<Ports, AddressProblem> {
  const stray = /[^0-9]/.exec(port)?.[0];
  if (stray !== undefined) return fail("invalid-port", portCharacterMessage(stray, port, text));
  const number = Number(port);
  if (port === "" || number > 65535 || (number === 0 && !rules.portZero)) {
    return fail("invalid-port", `invalid port '${port}'`, {
      expected: `a port from ${rules.portZero ? 0 : 1} to 65535`,
    });
  }
  return { ok: true, value: { first: number, last: number, offset: null } };
}

function portCharacterMessage(character: string, port: string, text: string): string {
  return `invalid character '${character}' in port number '${port}' in '${text}'`;
}

/** The address that `host` spells out, or null when it spells none (of that family). */
function literalHost(host: string, family: "ip" | "ipv4" | "ipv6", port: number): SocketAddressPlan | null {
  const bare = withoutBrackets(host);
  const isAny = bare === "" || bare === "*";
  if (isAny && family === "ipv6") return { kind: "ipv6", host: "::", port, v6only: false, v4v6: false };
  if (isAny) return { kind: "ipv4", host: "0.0.0.0", port };
  const ipv6 = family === "ipv4" ? null : parseIpv6(bare);
  if (ipv6 !== null) return { kind: "ipv6", host: formatAddress(ipv6), port, v6only: false, v4v6: false };
  const ipv4 = family === "ipv6" ? null : parseIpv4Loosely(bare);
  return ipv4 === null ? null : { kind: "ipv4", host: formatAddress(ipv4), port };
}

function withoutBrackets(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

/** What a resolver may be asked for: letters, digits, `-`, `_` and dots, but nothing that is made of numbers only. */
function isHostName(host: string): boolean {
  const bare = withoutBrackets(host);
  return /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?$/.test(bare) && !/^[0-9.]+$/.test(bare) && bare.length <= 255;
}

function invalidHostHint(host: string, text: string): string | undefined {
  if (host.includes("@")) return `Known prefixes are ${SERVED_PREFIXES}.`;
  if (host.endsWith(":"))
    return `The last colon of '${text}' stands in front of the port; put an IPv6 address in brackets.`;
  return undefined;
}

function done(
  address: SocketAddressPlan,
  family: AddressFamily,
  socket: "stream" | "datagram",
): { readonly ok: true; readonly value: AddressArgument } {
  return { ok: true, value: { address, host: null, family, socket, ports: null, portOffset: null } };
}

function fail(
  code: string,
  message: string,
  help: { readonly expected?: string; readonly hint?: string } = {},
): { readonly ok: false; readonly problem: AddressProblem } {
  return { ok: false, problem: { code, message, ...help } };
}
