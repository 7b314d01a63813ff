// `set server … addr`, `… check-addr`, `… check-port`: where a server and its checks are.

import { formatAddress, parseAddress } from "../../../shared/ip/text.ts";
import type { Plan, ServerPlan, SocketAddressPlan } from "../../plan/plan.ts";
import { SEVERITY } from "../server-state/announcer.ts";
import { type Answer, failure, message, NOTHING, type RuntimeContext } from "./command.ts";

const PORT_MAX = 65_535;

interface Port {
  readonly port: number;
  readonly offset: number | null;
}

/** `addr <ip> [port <port>|+<n>|-<n>]` */
export function setAddress(server: ServerPlan, args: readonly string[], context: RuntimeContext): Answer {
  const [text, keyword, portText] = args;
  if (text === undefined) return failure("set server <b>/<s> addr requires an address and optionally a port.\n");
  const { addresses } = context.states;
  const before = addresses.address(server);
  const offsetBefore = addresses.portOffset(server);
  const host = parseAddress(text);
  if (host === null) return failure(`Invalid addr '${text}'\n`);
  let wanted: Port = { port: portOf(before), offset: offsetBefore };
  if (keyword === "port") {
    const parsed = parsePort(portText ?? "");
    if (parsed === null) return failure(`problem converting port '${portText ?? ""}' to an int\n`);
    wanted = parsed;
  }
  const address = addressPlan(host, wanted.port);
  const isWildcard = host.every((byte) => byte === 0);
  if ((wanted.offset !== null || isWildcard) && !mapsPorts(context.control.plan)) {
    return failure(
      "ports and addresses of clients can only be followed where the configuration has a server that does.\n",
    );
  }
  const changes: string[] = [];
  if (hostOf(before) !== hostOf(address)) changes.push(`IP changed from '${hostOf(before)}' to '${hostOf(address)}'`);
  const shown = (port: number, offset: number | null): string => (offset === null ? String(port) : signed(offset));
  const portBefore = shown(portOf(before), offsetBefore);
  const portAfter = shown(wanted.port, wanted.offset);
  if (portBefore !== portAfter) changes.push(`port changed from '${portBefore}' to '${portAfter}'`);
  if (changes.length === 0) return message("nothing changed\n");
  addresses.set(server, address, wanted.offset);
  const what = `${changes.join(", ")} by 'stats socket command'`;
  const proxy = context.control.plan.proxies[server.proxy]!;
  context.control.syslog.send(proxy, SEVERITY.notice, `${proxy.name}/${server.name} changed its ${what}`);
  return message(`${what}\n`);
}

/** `check-addr <ip> [port <port>]` */
export function setCheckAddress(server: ServerPlan, args: readonly string[], { states }: RuntimeContext): Answer {
  const [text, keyword, portText] = args;
  if (text === undefined) return failure("set server <b>/<s> check-addr requires an address and optionally a port.\n");
  if (server.check === null) return failure("health checks are not enabled on this server\n");
  const host = parseAddress(text);
  if (host === null) return failure(`invalid addr '${text}'\n`);
  let port: number | null = null;
  if (keyword === "port") {
    const parsed = checkPort(portText ?? "");
    if (typeof parsed === "string") return failure(parsed);
    port = parsed;
  }
  states.addresses.setCheckTarget(server, addressPlan(host, 0), port);
  return NOTHING;
}

/** `check-port <port>` */
export function setCheckPort(server: ServerPlan, args: readonly string[], { states }: RuntimeContext): Answer {
  const [text] = args;
  if (text === undefined) return failure("set server <b>/<s> check-port requires a port.\n");
  if (server.check === null) return failure("health checks are not enabled on this server\n");
  const port = checkPort(text);
  if (typeof port === "string") return failure(port);
  states.addresses.setCheckTarget(server, null, port);
  return NOTHING;
}

function checkPort(text: string): number | string {
  if (!/^\d+$/.test(text)) return "provided port is not an integer\n";
  return Number(text) > PORT_MAX ? "provided port is invalid\n" : Number(text);
}

function parsePort(text: string): Port | null {
  if (/^[+-]\d{1,5}$/.test(text)) return { port: 0, offset: Number(text) };
  return /^\d{1,5}$/.test(text) && Number(text) <= PORT_MAX ? { port: Number(text), offset: null } : null;
}

function addressPlan(host: Uint8Array, port: number): SocketAddressPlan {
  const text = formatAddress(host);
  return host.length === 4
    ? { kind: "ipv4", host: text, port }
    : { kind: "ipv6", host: text, port, v6only: false, v4v6: false };
}

function hostOf(address: SocketAddressPlan): string {
  return address.kind === "ipv4" || address.kind === "ipv6" ? address.host : "(unix)";
}

function portOf(address: SocketAddressPlan): number {
  return address.kind === "ipv4" || address.kind === "ipv6" ? address.port : 0;
}

const signed = (offset: number): string => (offset < 0 ? String(offset) : `+${offset}`);

/** Whether some server goes where its clients wanted to: only then have the workers room for addresses per connection. */
function mapsPorts({ servers }: Plan): boolean {
  return servers.some(({ portOffset, address }) => portOffset !== null || /^(0\.0\.0\.0|::)$/.test(hostOf(address)));
}
