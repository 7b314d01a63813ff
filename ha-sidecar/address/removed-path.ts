// The kernel's report that a route or a rule is gone, and whose it was. What `no_track` stands behind is nobody's.

import { FIB_RULE_HDR, RTMSG, RTNETLINK } from "../../shared/abi/rtnetlink.ts";
import { formatAddress } from "../../shared/ip/text.ts";
import type { HaPlan } from "../plan/plan.ts";
import type { InstancePlan } from "../plan/vrrp.ts";
import { attributesOf, type Message } from "./netlink.ts";

const { FRA_PRIORITY, RTA_DST, RTA_PRIORITY, RTA_TABLE, RTM_DELROUTE, RTM_DELRULE } = RTNETLINK;
const { RTMGRP_IPV4_ROUTE, RTMGRP_IPV4_RULE, RTMGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE } = RTNETLINK;
const AF_INET = 2;
const AF_INET6 = 10;

export type RemovedPath =
  | {
      readonly kind: "route";
      readonly family: 4 | 6;
      /** `192.168.1.0/24`. */
      readonly destination: string;
      readonly table: number;
      readonly metric: number;
      readonly protocol: number;
    }
  | { readonly kind: "rule"; readonly family: 4 | 6; readonly preference: number };

/** Groups of reports that the plan's routes and rules need; a machine with a full table of routes has many of them. */
export function pathGroups({ instances }: HaPlan): number {
  const routes = instances.flatMap((instance) => instance.routes).filter(({ noTrack }) => !noTrack);
  const rules = instances.flatMap((instance) => instance.rules).filter(({ noTrack }) => !noTrack);
  const has = (list: readonly { readonly family: 4 | 6 }[], family: 4 | 6) => list.some((one) => one.family === family);
  return (
    (has(routes, 4) ? RTMGRP_IPV4_ROUTE : 0) |
    (has(routes, 6) ? RTMGRP_IPV6_ROUTE : 0) |
    (has(rules, 4) ? RTMGRP_IPV4_RULE : 0) |
    (has(rules, 6) ? 1 << (RTNLGRP_IPV6_RULE - 1) : 0)
  );
}

/** null: another kind of report. */
export function removedPathOf(message: Message): RemovedPath | null {
  const { bytes } = message;
  const family = bytes[0] === AF_INET ? 4 : bytes[0] === AF_INET6 ? 6 : null;
  if (family === null) return null;
  if (message.type === RTM_DELROUTE && bytes.length >= RTMSG.sizeof) {
    const attributes = attributesOf(message, RTMSG.sizeof);
    const destination = attributes.get(RTA_DST) ?? new Uint8Array(family === 4 ? 4 : 16);
    return {
      ...{ kind: "route", family },
      destination: `${formatAddress(Uint8Array.from(destination))}/${bytes[RTMSG.rtm_dst_len]}`,
      table: numberOf(attributes.get(RTA_TABLE), bytes[RTMSG.rtm_table]!),
      metric: numberOf(attributes.get(RTA_PRIORITY), 0),
      protocol: bytes[RTMSG.rtm_protocol]!,
    };
  }
  if (message.type !== RTM_DELRULE || bytes.length < FIB_RULE_HDR.sizeof) return null;
  return {
    kind: "rule",
    family,
    preference: numberOf(attributesOf(message, FIB_RULE_HDR.sizeof).get(FRA_PRIORITY), 0),
  };
}

/** Whether it is one that the instance has as MASTER. A metric that is not written is the kernel's choice. */
export function ownsPath({ routes, rules }: InstancePlan, path: RemovedPath): boolean {
  if (path.kind === "rule") {
    return rules.some((rule) => !rule.noTrack && rule.family === path.family && rule.preference === path.preference);
  }
  return routes.some(({ noTrack, family, destination, table, metric, protocol }) => {
    const text = `${destination.address.text}/${destination.prefixLength}`;
    if (noTrack || family !== path.family || text !== path.destination) return false;
    return table === path.table && protocol === path.protocol && (metric === null || metric === path.metric);
  });
}

function numberOf(bytes: Uint8Array | undefined, otherwise: number): number {
  return bytes === undefined ? otherwise : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}
