// Which interfaces an instance uses: where its addresses stand, what its macvlans (use_vmac) are called, and what must be up.

import type { VirtualAddressPlan } from "../plan/network.ts";
import type { InstancePlan } from "../plan/vrrp.ts";
import type { MacvlanPlan } from "./macvlan.ts";

/** Longest name of an interface. */
const NAME_BYTES_MAX = 15;

/** `dev NAME use_vmac`: a macvlan of its own, named after the virtual router and the interface. */
export function macvlanOf(plan: InstancePlan, address: VirtualAddressPlan): MacvlanPlan {
  const id = plan.virtualRouterId;
  // The instance's own one serves: an interface has room for one macvlan with a MAC address.
  if (plan.vmac !== null && address.interface === plan.interface && address.address.family === plan.family)
    return plan.vmac;
  const family = address.address.family;
  return {
    interface: `vrrp${family === 6 ? "6" : ""}.${id}.${address.interface}`.slice(0, NAME_BYTES_MAX),
    mac: Uint8Array.of(0x00, 0x00, 0x5e, 0x00, family === 4 ? 0x01 : 0x02, id),
  };
}

export function addressesWithMacvlan(plan: InstancePlan): VirtualAddressPlan[] {
  const isOwn = ({ useVmac, interface: name }: VirtualAddressPlan) => useVmac && name !== null;
  return [...plan.addresses, ...plan.excludedAddresses].filter(isOwn);
}

export function macvlanNamesOf(plan: InstancePlan): string[] {
  const names = addressesWithMacvlan(plan).map((address) => macvlanOf(plan, address).interface);
  return plan.vmac === null ? names : [plan.vmac.interface, ...names];
}

/** Where an address stands; null: the instance has no interface and the address names none. */
export function deviceOf(plan: InstancePlan, address: VirtualAddressPlan): string | null {
  const isOnOwn = address.interface === null || address.interface === plan.interface;
  // The MAC address of a virtual router is of one family: what is of the other one stands on the interface itself.
  if (plan.vmac !== null && isOnOwn && address.address.family === plan.family) return plan.vmac.interface;
  if (address.useVmac && address.interface !== null) return macvlanOf(plan, address).interface;
  return address.interface ?? plan.interface;
}

/** Interfaces besides the instance's own whose failure is its own: of addresses, routes and rules, without `no_track`. */
export function trackedDevices(plan: InstancePlan): string[] {
  const isTracked = ({ noTrack }: { readonly noTrack: boolean }) => !noTrack;
  const names = [
    ...[...plan.addresses, ...plan.excludedAddresses].filter(isTracked).map((address) => deviceOf(plan, address)),
    ...plan.routes.filter(isTracked).map((route) => route.interface),
    ...plan.rules.filter(isTracked).flatMap((rule) => [rule.inputInterface, rule.outputInterface]),
  ];
  const own = [plan.interface, plan.vmac?.interface, "lo"];
  return [...new Set(names)].filter((name): name is string => name !== null && !own.includes(name));
}
