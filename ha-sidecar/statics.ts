// static_ipaddress, static_routes, static_rules: what is there as long as the daemon runs, whoever is master. Put in place before the first
// instance starts, taken away at the end; a reload changes what differs. All of it is rtnetlink, some microseconds each.

import { readFileSync } from "node:fs";
import { errnoMeaning } from "../shared/abi/errno.ts";
import { Netlink } from "./address/netlink.ts";
import { addRoute, removeRoute } from "./address/routes.ts";
import { addRule, removeRule } from "./address/rules.ts";
import { addAddress, removeAddress } from "./address/virtual-addresses.ts";
import type { Log } from "./log.ts";
import type { HaPlan } from "./plan/plan.ts";

type Statics = Pick<HaPlan, "staticAddresses" | "staticRoutes" | "staticRules">;

const NONE: Statics = { staticAddresses: [], staticRoutes: [], staticRules: [] };

/** Goes from what `before` has to what `after` has; null: nothing. */
export function changeStatics(before: Statics | null, after: Statics | null, log: Log): void {
  const [old, next] = [before ?? NONE, after ?? NONE];
  const isEmpty = ({ staticAddresses, staticRoutes, staticRules }: Statics) =>
    staticAddresses.length + staticRoutes.length + staticRules.length === 0;
  if (isEmpty(old) && isEmpty(next)) return;
  const netlink = Netlink.open();
  if (typeof netlink === "number") {
    log("error", `static addresses: netlink socket: ${errnoMeaning(netlink)} (CAP_NET_ADMIN is needed)`);
    return;
  }
  const verdict = (what: string, at: { file: string; line: number }, result: number) => {
    if (result < 0) log("error", `${at.file}:${at.line}: ${what}: ${errnoMeaning(result)}`);
  };
  for (const rule of without(old.staticRules, next.staticRules)) {
    verdict("removing a static rule", rule.at, removeRule(netlink, rule));
  }
  for (const route of without(old.staticRoutes, next.staticRoutes)) {
    verdict("removing a static route", route.at, removeRoute(netlink, route, linkIndex));
  }
  for (const address of without(old.staticAddresses, next.staticAddresses)) {
    verdict(
      `removing ${address.address.text}`,
      address.at,
      removeAddress(netlink, address, linkIndex(address.interface)),
    );
  }
  for (const address of without(next.staticAddresses, old.staticAddresses)) {
    verdict(
      `adding ${address.address.text}`,
      address.at,
      addAddress(netlink, address, linkIndex(address.interface), 0),
    );
  }
  for (const route of without(next.staticRoutes, old.staticRoutes)) {
    verdict("adding a static route", route.at, addRoute(netlink, route, linkIndex));
  }
  for (const rule of without(next.staticRules, old.staticRules)) {
    verdict("adding a static rule", rule.at, addRule(netlink, rule));
  }
  netlink.close();
}

/** What of `list` is not in `other`, wherever it is written. */
function without<Item extends { readonly at: unknown }>(list: readonly Item[], other: readonly Item[]): Item[] {
  const key = (item: Item) => JSON.stringify({ ...item, at: null });
  const known = new Set(other.map(key));
  return list.filter((item) => !known.has(key(item)));
}

/** 0: there is none of that name. */
function linkIndex(name: string | null): number {
  try {
    return name === null ? 0 : Number(readFileSync(`/sys/class/net/${name}/ifindex`, "latin1"));
  } catch {
    return 0;
  }
}
