// Deletes the kernel's conntrack entries of UDP flows whose real server does not serve any more (ctnetlink). TCP connections end by
// themselves; a UDP client that goes on sending would be led to a dead server for ever.

import { errnoMeaning } from "../../shared/abi/errno.ts";
import { attributesOf, Netlink, Request } from "../address/netlink.ts";
import type { Log } from "../log.ts";
import type { Service } from "./forwarder.ts";

/** linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nfnetlink_conntrack.h */
const NETLINK_NETFILTER = 12;
const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ID = 12;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const IPPROTO_UDP = 17;
const AF_INET = 2;
const AF_INET6 = 10;
const NLA_F_NESTED = 0x8000;

/** A virtual UDP server and who serves it. */
export interface UdpService {
  readonly index: number;
  readonly family: 4 | 6;
  /** Hexadecimal. */
  readonly virtual: ReadonlySet<string>;
  readonly real: ReadonlySet<string>;
}

/** Deletes flows to servers that `before` had and `services` has not. The result is the next call's `before`. */
export function deleteFlows(before: readonly UdpService[], services: readonly Service[], log: Log): UdpService[] {
  const now = services.filter(({ plan }) => plan.protocol === "udp").map(udpServiceOf);
  for (const old of before) {
    const next = now.find(({ index }) => index === old.index);
    const gone = new Set([...old.real].filter((address) => next?.real.has(address) !== true));
    if (gone.size === 0) continue;
    const result = deleteMatching(old.family, old.virtual, gone);
    if (result < 0) log("warn", `virtual servers: deleting UDP flows: ${errnoMeaning(result)}`);
  }
  return now;
}

function udpServiceOf({ plan, entries, destinations }: Service): UdpService {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const virtual = entries.flatMap((entry) => (entry.kind === "range" ? [hex(entry.first.bytes)] : []));
  const real = destinations.filter(({ weight }) => weight > 0).map(({ address }) => hex(address.bytes));
  return { index: plan.index, family: plan.family, virtual: new Set(virtual), real: new Set(real) };
}

/** How many flows were deleted, or -errno. */
function deleteMatching(family: 4 | 6, virtual: ReadonlySet<string>, real: ReadonlySet<string>): number {
  const netlink = Netlink.open(NETLINK_NETFILTER);
  if (typeof netlink === "number") return netlink;
  const header = Uint8Array.of(family === 4 ? AF_INET : AF_INET6, 0, 0, 0);
  const messages = netlink.dump((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET, header);
  let deleted = 0;
  for (const message of typeof messages === "number" ? [] : messages) {
    const attributes = attributesOf(message, header.length);
    const original = attributes.get(CTA_TUPLE_ORIG);
    const reply = attributes.get(CTA_TUPLE_REPLY);
    if (original === undefined || reply === undefined) continue;
    const from = addressesOf(original, family);
    const back = addressesOf(reply, family);
    if (from.protocol !== IPPROTO_UDP || !virtual.has(from.destination) || !real.has(back.source)) continue;
    const request = new Request((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE, 0, header);
    request.attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, original);
    const id = attributes.get(CTA_ID);
    if (id !== undefined) request.attribute(CTA_ID, id);
    if (netlink.request(request) === 0) deleted++;
  }
  netlink.close();
  return typeof messages === "number" ? messages : deleted;
}

function addressesOf(tuple: Uint8Array, family: 4 | 6): { source: string; destination: string; protocol: number } {
  const parts = attributesOf({ type: 0, sequence: 0, bytes: tuple }, 0);
  const inside = (type: number) =>
    attributesOf({ type: 0, sequence: 0, bytes: parts.get(type) ?? new Uint8Array() }, 0);
  const addresses = inside(CTA_TUPLE_IP);
  const hex = (type: number) => Buffer.from(addresses.get(type) ?? []).toString("hex");
  return {
    source: hex(family === 4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC),
    destination: hex(family === 4 ? CTA_IP_V4_DST : CTA_IP_V6_DST),
    protocol: inside(CTA_TUPLE_PROTO).get(CTA_PROTO_NUM)?.[0] ?? 0,
  };
}
