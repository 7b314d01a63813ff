// What a killed daemon leaves in the kernel, as the words of ip(8) that remove it: the crash supervisor has nothing but a shell and ip.

import type { RoutePlan, RulePlan, VirtualAddressPlan } from "../plan/network.ts";
import type { InstancePlan } from "../plan/vrrp.ts";
import { deviceOf, macvlanNamesOf } from "./devices.ts";

/** By number of the type, from 1 (unicast, which goes without saying). */
const ROUTE_TYPES = ["", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw"];
const ACTION_TO_TABLE = 1;

/** Of an instance that holds its addresses: rules, routes and addresses, in the order in which a master gives them up. */
export function cleanupOfMaster(plan: InstancePlan): string[] {
  const own = plan.vmac?.interface ?? plan.interface;
  return [
    ...plan.rules.map(ruleWords),
    ...plan.routes.map((route) => routeWords(route, own)),
    ...[...plan.addresses, ...plan.excludedAddresses].flatMap((address) => {
      const device = deviceOf(plan, address);
      return device === null ? [] : [addressWords(address, device)];
    }),
  ];
}

/** Of an instance in any state: its macvlans, which a backup has too. */
export function cleanupOfAny(plan: InstancePlan): string[] {
  return macvlanNamesOf(plan).map((name) => `link del ${name}`);
}

function addressWords({ address, prefixLength, peer }: VirtualAddressPlan, device: string): string {
  if (peer === null) return `address del ${address.text}/${prefixLength} dev ${device}`;
  return `address del ${address.text} peer ${peer.address.text}/${peer.prefixLength} dev ${device}`;
}

/** What is not said matches anything, so that only what tells routes to one destination apart has to be. */
function routeWords(plan: RoutePlan, own: string | null): string {
  const { family, type, destination, gateway, nextHops, table, protocol, metric, tos } = plan;
  const discards = ROUTE_TYPES.indexOf("blackhole");
  const device = plan.interface ?? (gateway === null && nextHops.length === 0 && type < discards ? own : null);
  return [
    `-${family} route del ${ROUTE_TYPES[type - 1] ?? ""} ${destination.address.text}/${destination.prefixLength}`,
    gateway === null ? "" : `via ${gateway.text}`,
    device === null ? "" : `dev ${device}`,
    metric === null ? "" : `metric ${metric}`,
    tos === 0 ? "" : `tos ${tos}`,
    `table ${table} proto ${protocol}`,
  ].join(" ");
}

function ruleWords(plan: RulePlan): string {
  const { family, invert, from, to, fwmark, inputInterface, outputInterface, action, table, l3mdev, protocol } = plan;
  return [
    `-${family} rule del ${invert ? "not" : ""} priority ${plan.preference}`,
    from === null ? "" : `from ${from.address.text}/${from.prefixLength}`,
    to === null ? "" : `to ${to.address.text}/${to.prefixLength}`,
    fwmark === null ? "" : `fwmark ${fwmark.mark}/${fwmark.mask}`,
    inputInterface === null ? "" : `iif ${inputInterface}`,
    outputInterface === null ? "" : `oif ${outputInterface}`,
    action === ACTION_TO_TABLE && !l3mdev ? `table ${table}` : "",
    `protocol ${protocol}`,
  ].join(" ");
}
