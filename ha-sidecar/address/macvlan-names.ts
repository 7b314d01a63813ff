// Which macvlans an instance has (use_vmac) and how they are called.

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
