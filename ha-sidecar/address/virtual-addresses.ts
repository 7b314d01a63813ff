// Adding and removing virtual addresses by rtnetlink. Adding what is there and removing what is gone are no failures.

import { ERRNO } from "../../shared/abi/errno.ts";
import { IFA_CACHEINFO_STRUCT, IFADDRMSG, RTNETLINK } from "../../shared/abi/rtnetlink.ts";
import type { VirtualAddressPlan } from "../plan/network.ts";
import { type Netlink, Request } from "./netlink.ts";

const { IFA_ADDRESS, IFA_BROADCAST, IFA_CACHEINFO, IFA_FLAGS, IFA_LABEL, IFA_LOCAL } = RTNETLINK;
const { IFA_F_HOMEADDRESS, IFA_F_MANAGETEMPADDR, IFA_F_MCAUTOJOIN, IFA_F_NODAD, IFA_F_NOPREFIXROUTE } = RTNETLINK;
const { NLM_F_CREATE, NLM_F_REPLACE, RTM_DELADDR, RTM_NEWADDR } = RTNETLINK;
const FOR_EVER = 0xffff_ffff;
const AF_INET = 2;
const AF_INET6 = 10;

/**
 * Puts the address on the interface, or refreshes its lifetime. `lifetimeMs` above 0: the kernel removes it by itself so long after the
 * last call (whole seconds, rounded up). 0 or -errno.
 */
export function addAddress(netlink: Netlink, plan: VirtualAddressPlan, linkIndex: number, lifetimeMs: number): number {
  const request = addressRequest(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, plan, linkIndex);
  if (plan.broadcast !== null) request.attribute(IFA_BROADCAST, plan.broadcast.bytes);
  if (plan.label !== null) request.attributeText(IFA_LABEL, plan.label);
  const flags =
    (plan.noDad ? IFA_F_NODAD : 0) |
    (plan.home ? IFA_F_HOMEADDRESS : 0) |
    (plan.mngtmpaddr ? IFA_F_MANAGETEMPADDR : 0) |
    (plan.noPrefixRoute ? IFA_F_NOPREFIXROUTE : 0) |
    (plan.autojoin ? IFA_F_MCAUTOJOIN : 0);
  request.attributeU32(IFA_FLAGS, flags);
  if (plan.preferredLifetimeS !== null || lifetimeMs > 0) {
    const valid = lifetimeMs > 0 ? Math.ceil(lifetimeMs / 1000) : FOR_EVER;
    const lifetimes = new DataView(new ArrayBuffer(IFA_CACHEINFO_STRUCT.sizeof));
    lifetimes.setUint32(IFA_CACHEINFO_STRUCT.ifa_prefered, Math.min(plan.preferredLifetimeS ?? valid, valid), true);
    lifetimes.setUint32(IFA_CACHEINFO_STRUCT.ifa_valid, valid, true);
    request.attribute(IFA_CACHEINFO, new Uint8Array(lifetimes.buffer));
  }
  const result = netlink.request(request);
  return result === -ERRNO["EEXIST"]! ? 0 : result;
}

/** Takes the address off the interface. 0 or -errno. */
export function removeAddress(netlink: Netlink, plan: VirtualAddressPlan, linkIndex: number): number {
  const result = netlink.request(addressRequest(RTM_DELADDR, 0, plan, linkIndex));
  return result === -ERRNO["EADDRNOTAVAIL"]! || result === -ERRNO["ENODEV"]! ? 0 : result;
}

function addressRequest(type: number, flags: number, plan: VirtualAddressPlan, linkIndex: number): Request {
  const header = new DataView(new ArrayBuffer(IFADDRMSG.sizeof));
  header.setUint8(IFADDRMSG.ifa_family, plan.address.family === 4 ? AF_INET : AF_INET6);
  header.setUint8(IFADDRMSG.ifa_prefixlen, plan.peer?.prefixLength ?? plan.prefixLength);
  header.setUint8(IFADDRMSG.ifa_scope, plan.scope);
  header.setUint32(IFADDRMSG.ifa_index, linkIndex, true);
  return new Request(type, flags, new Uint8Array(header.buffer))
    .attribute(IFA_LOCAL, plan.address.bytes)
    .attribute(IFA_ADDRESS, (plan.peer?.address ?? plan.address).bytes);
}
