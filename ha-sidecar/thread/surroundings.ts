// What all instances of the thread share.

import type { Interfaces } from "../address/interfaces.ts";
import type { Netlink } from "../address/netlink.ts";
import type { HaPlan } from "../plan/plan.ts";
import type { Transition } from "../vrrp/world.ts";
import type { Announcer } from "./announcer.ts";
import type { Fence } from "./fence.ts";
import type { FromThread } from "./messages.ts";
import type { InstanceRuntime } from "./runtime.ts";

export interface Surroundings {
  readonly plan: HaPlan;
  readonly netlink: Netlink;
  readonly interfaces: Interfaces;
  /** Sends gratuitous ARP and neighbour advertisements. */
  readonly announcer: Announcer;
  readonly fence: Fence;
  /** Whether this machine forwards IPv6 packets of an interface, so that it is to call itself a router. */
  isForwarding6(interfaceName: string): boolean;
  onTransition(instance: InstanceRuntime, transition: Transition): void;
  tell(message: FromThread): void;
}
