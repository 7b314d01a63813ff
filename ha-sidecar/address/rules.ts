// Virtual and static policy rules (`ip rule`) by rtnetlink. Adding what is there and removing what is gone are no failures.

import { ERRNO } from "../../shared/abi/errno.ts";
import { FIB_RULE_HDR, RTNETLINK } from "../../shared/abi/rtnetlink.ts";
import type { RulePlan } from "../plan/network.ts";
import { type Netlink, Request } from "./netlink.ts";

const { FRA_DPORT_RANGE, FRA_DST, FRA_FWMARK, FRA_FWMASK, FRA_GOTO, FRA_IIFNAME, FRA_IP_PROTO, FRA_L3MDEV } = RTNETLINK;
const { FRA_OIFNAME, FRA_PRIORITY, FRA_PROTOCOL, FRA_SPORT_RANGE, FRA_SRC, FRA_SUPPRESS_IFGROUP } = RTNETLINK;
const { FRA_SUPPRESS_PREFIXLEN, FRA_TABLE, FRA_UID_RANGE, FIB_RULE_INVERT } = RTNETLINK;
const { NLM_F_CREATE, NLM_F_EXCL, RTM_DELRULE, RTM_NEWRULE } = RTNETLINK;
const AF_INET = 2;
const AF_INET6 = 10;
const ACTION_TO_TABLE = 1;

/** 0 or -errno. */
export function addRule(netlink: Netlink, plan: RulePlan): number {
  const result = netlink.request(ruleRequest(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, plan));
  return result === -ERRNO["EEXIST"]! ? 0 : result;
}

/** 0 or -errno. */
export function removeRule(netlink: Netlink, plan: RulePlan): number {
  const result = netlink.request(ruleRequest(RTM_DELRULE, 0, plan));
  return result === -ERRNO["ENOENT"]! ? 0 : result;
}

function ruleRequest(type: number, flags: number, plan: RulePlan): Request {
  const header = new DataView(new ArrayBuffer(FIB_RULE_HDR.sizeof));
  header.setUint8(FIB_RULE_HDR.family, plan.family === 4 ? AF_INET : AF_INET6);
  header.setUint8(FIB_RULE_HDR.dst_len, plan.to?.prefixLength ?? 0);
  header.setUint8(FIB_RULE_HDR.src_len, plan.from?.prefixLength ?? 0);
  header.setUint8(FIB_RULE_HDR.tos, plan.tos);
  const looksUp = plan.action === ACTION_TO_TABLE && !plan.l3mdev;
  header.setUint8(FIB_RULE_HDR.table, looksUp && plan.table < 256 ? plan.table : 0);
  header.setUint8(FIB_RULE_HDR.action, plan.action);
  header.setUint32(FIB_RULE_HDR.flags, plan.invert ? FIB_RULE_INVERT : 0, true);
  const request = new Request(type, flags, new Uint8Array(header.buffer));
  if (plan.to !== null) request.attribute(FRA_DST, plan.to.address.bytes);
  if (plan.from !== null) request.attribute(FRA_SRC, plan.from.address.bytes);
  request.attributeU32(FRA_PRIORITY, plan.preference);
  if (looksUp) request.attributeU32(FRA_TABLE, plan.table);
  if (plan.fwmark !== null) {
    request.attributeU32(FRA_FWMARK, plan.fwmark.mark);
    request.attributeU32(FRA_FWMASK, plan.fwmark.mask);
  }
  if (plan.inputInterface !== null) request.attributeText(FRA_IIFNAME, plan.inputInterface);
  if (plan.outputInterface !== null) request.attributeText(FRA_OIFNAME, plan.outputInterface);
  if (plan.gotoTarget !== 0) request.attributeU32(FRA_GOTO, plan.gotoTarget);
  if (plan.suppressPrefixLength !== null) request.attributeU32(FRA_SUPPRESS_PREFIXLEN, plan.suppressPrefixLength);
  if (plan.suppressInterfaceGroup !== null) request.attributeU32(FRA_SUPPRESS_IFGROUP, plan.suppressInterfaceGroup);
  if (plan.uidRange !== null) request.attribute(FRA_UID_RANGE, words32(plan.uidRange));
  if (plan.l3mdev) request.attributeU8(FRA_L3MDEV, 1);
  if (plan.ipProtocol !== null) request.attributeU8(FRA_IP_PROTO, plan.ipProtocol);
  if (plan.sourcePorts !== null) request.attribute(FRA_SPORT_RANGE, words16(plan.sourcePorts));
  if (plan.destinationPorts !== null) request.attribute(FRA_DPORT_RANGE, words16(plan.destinationPorts));
  return request.attributeU8(FRA_PROTOCOL, plan.protocol);
}

type Range = { readonly first: number; readonly last: number };

function words32({ first, last }: Range): Uint8Array {
  return new Uint8Array(Uint32Array.of(first, last).buffer);
}

function words16({ first, last }: Range): Uint8Array {
  return new Uint8Array(Uint16Array.of(first, last).buffer);
}
