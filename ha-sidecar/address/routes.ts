// Virtual and static routes by rtnetlink. Adding what is there and removing what is gone are no failures.

import { ERRNO } from "../../shared/abi/errno.ts";
import { RTATTR, RTMSG, RTNETLINK, RTNEXTHOP } from "../../shared/abi/rtnetlink.ts";
import type { NextHopPlan, RoutePlan } from "../plan/network.ts";
import { type Netlink, Request } from "./netlink.ts";

const { RTA_DST, RTA_GATEWAY, RTA_METRICS, RTA_MULTIPATH, RTA_OIF, RTA_PREFSRC, RTA_PRIORITY, RTA_SRC, RTA_TABLE } =
  RTNETLINK;
const { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, RTM_DELROUTE, RTM_NEWROUTE } = RTNETLINK;
const { RT_SCOPE_UNIVERSE, RTNH_F_ONLINK } = RTNETLINK;
const AF_INET = 2;
const AF_INET6 = 10;
/** Types from here on discard packets: they have no interface. */
const TYPE_BLACKHOLE = 6;

/** Index of an interface by name; null: the instance's own. 0: it is not there. */
export type LinkIndex = (name: string | null) => number;

/** 0 or -errno. */
export function addRoute(netlink: Netlink, plan: RoutePlan, linkIndex: LinkIndex): number {
  const order = {
    prepend: NLM_F_CREATE | NLM_F_REPLACE,
    append: NLM_F_CREATE | NLM_F_APPEND,
    add: NLM_F_CREATE | NLM_F_EXCL,
  };
  const result = netlink.request(routeRequest(RTM_NEWROUTE, order[plan.order], plan, linkIndex));
  return result === -ERRNO["EEXIST"]! ? 0 : result;
}

/** 0 or -errno. */
export function removeRoute(netlink: Netlink, plan: RoutePlan, linkIndex: LinkIndex): number {
  const result = netlink.request(routeRequest(RTM_DELROUTE, 0, plan, linkIndex));
  return result === -ERRNO["ESRCH"]! ? 0 : result;
}

function routeRequest(type: number, flags: number, plan: RoutePlan, linkIndex: LinkIndex): Request {
  const header = new DataView(new ArrayBuffer(RTMSG.sizeof));
  const hasGateway = plan.gateway !== null || plan.nextHops.length > 0;
  header.setUint8(RTMSG.rtm_family, plan.family === 4 ? AF_INET : AF_INET6);
  header.setUint8(RTMSG.rtm_dst_len, plan.destination.prefixLength);
  header.setUint8(RTMSG.rtm_src_len, plan.from?.prefixLength ?? 0);
  header.setUint8(RTMSG.rtm_tos, plan.tos);
  header.setUint8(RTMSG.rtm_table, plan.table < 256 ? plan.table : 0);
  header.setUint8(RTMSG.rtm_protocol, plan.protocol);
  header.setUint8(RTMSG.rtm_scope, plan.scope ?? RT_SCOPE_UNIVERSE);
  header.setUint8(RTMSG.rtm_type, plan.type);
  header.setUint32(RTMSG.rtm_flags, plan.onlink ? RTNH_F_ONLINK : 0, true);
  const request = new Request(type, flags, new Uint8Array(header.buffer));
  if (plan.destination.prefixLength > 0) request.attribute(RTA_DST, plan.destination.address.bytes);
  if (plan.from !== null) request.attribute(RTA_SRC, plan.from.address.bytes);
  request.attributeU32(RTA_TABLE, plan.table);
  if (plan.gateway !== null) request.attribute(RTA_GATEWAY, plan.gateway.bytes);
  if (plan.source !== null) request.attribute(RTA_PREFSRC, plan.source.bytes);
  if (plan.metric !== null) request.attributeU32(RTA_PRIORITY, plan.metric);
  const needsInterface = plan.interface !== null || (!hasGateway && plan.type < TYPE_BLACKHOLE);
  if (needsInterface) request.attributeU32(RTA_OIF, linkIndex(plan.interface));
  if (plan.metrics.length > 0) {
    const at = request.nest(RTA_METRICS);
    for (const { attribute, value } of plan.metrics) request.attributeU32(attribute, value);
    request.unnest(at);
  }
  if (plan.nextHops.length > 0) {
    const at = request.nest(RTA_MULTIPATH);
    for (const hop of plan.nextHops) request.append(nextHop(hop, linkIndex));
    request.unnest(at);
  }
  return request;
}

function nextHop(plan: NextHopPlan, linkIndex: LinkIndex): Uint8Array {
  const gatewayBytes = plan.gateway === null ? 0 : RTATTR.sizeof + plan.gateway.bytes.length;
  const bytes = new Uint8Array(RTNEXTHOP.sizeof + gatewayBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(RTNEXTHOP.rtnh_len, bytes.length, true);
  view.setUint8(RTNEXTHOP.rtnh_flags, plan.onlink ? RTNH_F_ONLINK : 0);
  view.setUint8(RTNEXTHOP.rtnh_hops, plan.weight - 1);
  view.setInt32(RTNEXTHOP.rtnh_ifindex, plan.interface === null ? 0 : linkIndex(plan.interface), true);
  if (plan.gateway !== null) {
    view.setUint16(RTNEXTHOP.sizeof + RTATTR.rta_len, gatewayBytes, true);
    view.setUint16(RTNEXTHOP.sizeof + RTATTR.rta_type, RTA_GATEWAY, true);
    bytes.set(plan.gateway.bytes, RTNEXTHOP.sizeof + RTATTR.sizeof);
  }
  return bytes;
}
