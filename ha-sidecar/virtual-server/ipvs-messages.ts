// What IPVS is told of a virtual server and of a real one: the attributes of generic netlink's messages (shared/abi/ipvs.ts).
//
// A service is named by its family, protocol, address and port, or by its family and mark; a destination by its address and port. `identity…` are
// these names as text, `…Settings` everything else, so that a change is seen.

import { GENLMSGHDR, IPVS } from "../../shared/abi/ipvs.ts";
import { Request } from "../address/netlink.ts";
import type { IpAddressPlan } from "../plan/network.ts";
import type { ForwardingPlan, ServiceRangePlan, VirtualServerPlan } from "../plan/virtual-server.ts";
import type { Destination, Service } from "./forwarder.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const NLA_F_NESTED = 0x8000;
const ADDRESS_BYTES = 16;
const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 } as const;
/** The flags that we set or take back. */
const FLAGS_MASK = 0xffff_ffff;

/** One thing that IPVS listens on. */
export interface IpvsService {
  readonly plan: VirtualServerPlan;
  readonly family: 4 | 6;
  /** null: all packets with the mark. */
  readonly listens: { readonly address: Uint8Array; readonly port: number } | null;
  readonly mark: number;
  readonly destinations: readonly Destination[];
}

/** Ranges of addresses are one service each. */
export function servicesOf(services: readonly Service[]): IpvsService[] {
  return services.flatMap(({ plan, entries, destinations }) =>
    entries.flatMap((entry): IpvsService[] => {
      const common = { plan, destinations };
      if (entry.kind === "fwmark") return [{ ...common, family: entry.family, listens: null, mark: entry.mark }];
      const { port } = entry;
      return addressesOf(entry).map((address) => {
        return { ...common, family: entry.first.family, listens: { address, port }, mark: 0 };
      });
    }),
  );
}

function addressesOf({ first, last }: Extract<ServiceRangePlan, { kind: "range" }>): Uint8Array[] {
  const addresses: Uint8Array[] = [];
  const next = Uint8Array.from(first.bytes);
  for (;;) {
    addresses.push(next.slice());
    if (Buffer.compare(next, last.bytes) >= 0) return addresses;
    for (let at = next.length - 1; at >= 0; at--) {
      next[at] = (next[at]! + 1) & 255;
      if (next[at] !== 0) break;
    }
  }
}

export function identityOfService({ plan, family, listens, mark }: IpvsService): string {
  if (listens === null) return `${family} mark ${mark}`;
  return `${family} ${plan.protocol} ${Buffer.from(listens.address).toString("hex")} ${listens.port}`;
}

export function identityOfDestination(service: IpvsService, destination: Destination): string {
  return `${Buffer.from(destination.address.bytes).toString("hex")} ${portOf(service, destination)}`;
}

/** Direct routing and tunnels leave the port as it is. */
function portOf({ listens }: IpvsService, { port }: Destination): number {
  return port === 0 ? (listens?.port ?? 0) : port;
}

/** A message with the service alone: `isFull` with its settings, otherwise only its name. */
export function serviceMessage(familyId: number, command: number, service: IpvsService, isFull: boolean): Request {
  const request = begin(familyId, command);
  appendService(request, service, isFull);
  return request;
}

/** A message about one destination of a service. */
export function destinationMessage(
  familyId: number,
  command: number,
  service: IpvsService,
  destination: Destination,
  isFull: boolean,
): Request {
  const request = begin(familyId, command);
  appendService(request, service, false);
  const at = request.nest(IPVS.IPVS_CMD_ATTR_DEST | NLA_F_NESTED);
  const { address, weight, forwarding, connectionsMax, connectionsMin } = destination;
  request.attribute(IPVS.IPVS_DEST_ATTR_ADDR, padded(address.bytes));
  request.attribute(IPVS.IPVS_DEST_ATTR_PORT, bigEndian(portOf(service, destination)));
  request.attribute(IPVS.IPVS_DEST_ATTR_ADDR_FAMILY, u16(familyOf(address)));
  if (isFull) {
    request.attributeU32(IPVS.IPVS_DEST_ATTR_FWD_METHOD, methodOf(forwarding));
    request.attributeU32(IPVS.IPVS_DEST_ATTR_WEIGHT, weight);
    request.attributeU32(IPVS.IPVS_DEST_ATTR_U_THRESH, connectionsMax);
    request.attributeU32(IPVS.IPVS_DEST_ATTR_L_THRESH, connectionsMin);
    if (forwarding.method === "TUN") appendTunnel(request, forwarding);
  }
  request.unnest(at);
  return request;
}

function begin(familyId: number, command: number): Request {
  const header = new Uint8Array(GENLMSGHDR.sizeof);
  header[GENLMSGHDR.cmd] = command;
  header[GENLMSGHDR.version] = IPVS.IPVS_GENL_VERSION;
  return new Request(familyId, 0, header);
}

function appendService(request: Request, service: IpvsService, isFull: boolean): void {
  const { plan, family, listens, mark } = service;
  const at = request.nest(IPVS.IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED);
  request.attribute(IPVS.IPVS_SVC_ATTR_AF, u16(family === 4 ? AF_INET : AF_INET6));
  if (listens === null) request.attributeU32(IPVS.IPVS_SVC_ATTR_FWMARK, mark);
  else {
    request.attribute(IPVS.IPVS_SVC_ATTR_PROTOCOL, u16(PROTOCOLS[plan.protocol]));
    request.attribute(IPVS.IPVS_SVC_ATTR_ADDR, padded(listens.address));
    request.attribute(IPVS.IPVS_SVC_ATTR_PORT, bigEndian(listens.port));
  }
  if (isFull) appendSettings(request, plan, family);
  request.unnest(at);
}

function appendSettings(request: Request, plan: VirtualServerPlan, family: 4 | 6): void {
  const persists = plan.persistenceTimeoutMs > 0;
  const flags =
    (persists ? IPVS.IP_VS_SVC_F_PERSISTENT : 0) |
    (plan.onePacket ? IPVS.IP_VS_SVC_F_ONEPACKET : 0) |
    (plan.schedulerFlags * IPVS.IP_VS_SVC_F_SCHED1);
  request.attributeText(IPVS.IPVS_SVC_ATTR_SCHED_NAME, plan.scheduler);
  request.attribute(IPVS.IPVS_SVC_ATTR_FLAGS, new Uint8Array(Uint32Array.of(flags, FLAGS_MASK).buffer));
  request.attributeU32(IPVS.IPVS_SVC_ATTR_TIMEOUT, Math.round(plan.persistenceTimeoutMs / 1000));
  request.attribute(IPVS.IPVS_SVC_ATTR_NETMASK, netmaskOf(plan.persistencePrefixLength, family));
  if (plan.persistenceEngine !== null) request.attributeText(IPVS.IPVS_SVC_ATTR_PE_NAME, plan.persistenceEngine);
}

/** Of IPv4 a mask in network order, of IPv6 the number of bits. */
function netmaskOf(prefixLength: number, family: 4 | 6): Uint8Array {
  if (family === 6) return new Uint8Array(Uint32Array.of(prefixLength).buffer);
  const bytes = new Uint8Array(4);
  const mask = prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0;
  new DataView(bytes.buffer).setUint32(0, mask);
  return bytes;
}

function appendTunnel(request: Request, { tunnel, port, checksum }: Extract<ForwardingPlan, { method: "TUN" }>): void {
  const types = {
    ipip: IPVS.IP_VS_CONN_F_TUNNEL_TYPE_IPIP,
    gue: IPVS.IP_VS_CONN_F_TUNNEL_TYPE_GUE,
    gre: IPVS.IP_VS_CONN_F_TUNNEL_TYPE_GRE,
  };
  const checksums = {
    none: IPVS.IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM,
    csum: IPVS.IP_VS_TUNNEL_ENCAP_FLAG_CSUM,
    remcsum: IPVS.IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM,
  };
  request.attributeU8(IPVS.IPVS_DEST_ATTR_TUN_TYPE, types[tunnel]);
  if (tunnel === "gue") request.attribute(IPVS.IPVS_DEST_ATTR_TUN_PORT, bigEndian(port));
  if (tunnel !== "ipip") request.attribute(IPVS.IPVS_DEST_ATTR_TUN_FLAGS, u16(checksums[checksum]));
}

function methodOf({ method }: ForwardingPlan): number {
  if (method === "NAT") return IPVS.IP_VS_CONN_F_MASQ;
  return method === "DR" ? IPVS.IP_VS_CONN_F_DROUTE : IPVS.IP_VS_CONN_F_TUNNEL;
}

const familyOf = ({ family }: IpAddressPlan): number => (family === 4 ? AF_INET : AF_INET6);

function padded(address: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  bytes.set(address);
  return bytes;
}

const u16 = (value: number): Uint8Array => new Uint8Array(Uint16Array.of(value).buffer);
const bigEndian = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 255);
