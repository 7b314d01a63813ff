// The macvlan of a virtual router (use_vmac): an interface with the virtual router's MAC address beside the real one, which carries the
// addresses, so that the MAC address moves together with them and no neighbour has to learn anything.
//
// Mode private: it hears what comes for its MAC address, and nothing of other macvlans of this machine. The real interface must not
// answer ARP for addresses of the macvlan, so that its settings of ARP are changed, and put back at the end.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { ERRNO } from "../../shared/abi/errno.ts";
import { IFINFOMSG, RTNETLINK } from "../../shared/abi/rtnetlink.ts";
import type { Interfaces, Link } from "./interfaces.ts";
import { type Netlink, Request } from "./netlink.ts";

const { IFLA_ADDRESS, IFLA_IFNAME, IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_LINK, IFLA_LINKINFO, IFLA_MACVLAN_MODE } =
  RTNETLINK;
const { NLM_F_CREATE, NLM_F_EXCL, RTM_DELLINK, RTM_NEWLINK } = RTNETLINK;

/** What a macvlan is to be. */
export interface MacvlanPlan {
  readonly interface: string;
  readonly mac: Uint8Array;
}

const OF_MACVLAN: readonly (readonly [path: string, value: string])[] = [
  ["ipv4/conf/*/arp_ignore", "1"],
  ["ipv4/conf/*/accept_local", "1"],
  ["ipv4/conf/*/rp_filter", "0"],
  ["ipv4/conf/*/promote_secondaries", "1"],
  // No address of its own making: two machines have the same MAC address.
  ["ipv6/conf/*/addr_gen_mode", "1"],
  ["ipv6/conf/*/autoconf", "0"],
  ["ipv6/conf/*/accept_ra", "0"],
];
const OF_PARENT: readonly (readonly [path: string, value: string])[] = [
  ["ipv4/conf/*/arp_ignore", "1"],
  ["ipv4/conf/*/arp_filter", "1"],
  // Answers go out through the parent: its questions for neighbours must not say that the virtual address is at its own MAC address.
  ["ipv4/conf/*/arp_announce", "2"],
];

/**
 * Settings of interfaces below /proc/sys/net, with what they were before. A setting that is not there (no IPv6 in the kernel, a file
 * system that is read-only in a container) is left out.
 */
export class Settings {
  readonly #before = new Map<string, string>();

  /** `path` with the interface's name for `*`. Remembers the first value that it finds. */
  set(path: string, name: string, value: string): boolean {
    const file = `/proc/sys/net/${path.replace("*", name)}`;
    try {
      const before = readFileSync(file, "latin1").trim();
      if (before === value) return true;
      if (!this.#before.has(file)) this.#before.set(file, before);
      writeFileSync(file, value);
      return true;
    } catch {
      return false;
    }
  }

  /** Puts everything back that is still there. */
  restore(): void {
    for (const [file, value] of this.#before) {
      try {
        writeFileSync(file, value);
      } catch {
        // Its interface is gone.
      }
    }
    this.#before.clear();
  }
}

/**
 * Makes the macvlan on `parent`, or adopts one that an earlier run left; another one with the same MAC address is in the way and goes.
 * 0 or -errno. `interfaces` is current afterwards. `ours`: names of macvlans that stay whatever their MAC address is.
 */
export function ensureMacvlan(
  netlink: Netlink,
  interfaces: Interfaces,
  parent: Link,
  plan: MacvlanPlan,
  settings: Settings,
  ours: ReadonlySet<string>,
): number {
  const there = interfaces.link(plan.interface);
  if (there === null || !isSame(there, parent, plan)) {
    const inTheWay = interfaces
      .all()
      .filter((link) => link === there || (isSame(link, parent, plan) && !ours.has(link.name)));
    for (const link of inTheWay) removeLink(netlink, link.index);
    const made = netlink.request(macvlanRequest(parent, plan));
    if (made < 0) return made;
    interfaces.refresh();
  }
  const link = interfaces.link(plan.interface);
  if (link === null) return -ERRNO["ENODEV"]!;
  pushDownReversePathFilter();
  for (const [path, value] of OF_PARENT) settings.set(path, parent.name, value);
  // They end with the macvlan: nothing to put back.
  const ofMacvlan = new Settings();
  for (const [path, value] of OF_MACVLAN) ofMacvlan.set(path, link.name, value);
  if ((link.flags & RTNETLINK.IFF_UP) !== 0) return 0;
  const result = netlink.request(new Request(RTM_NEWLINK, 0, header(link.index, RTNETLINK.IFF_UP)));
  interfaces.refresh();
  return result;
}

/** 0 or -errno. */
export function removeLink(netlink: Netlink, index: number): number {
  const result = netlink.request(new Request(RTM_DELLINK, 0, header(index, 0)));
  return result === -ERRNO["ENODEV"]! ? 0 : result;
}

function isSame(link: Link, parent: Link, plan: MacvlanPlan): boolean {
  return link.kind === "macvlan" && link.parent === parent.index && Buffer.compare(link.mac, plan.mac) === 0;
}

function macvlanRequest(parent: Link, plan: MacvlanPlan): Request {
  const request = new Request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, header(0, 0));
  request.attributeText(IFLA_IFNAME, plan.interface);
  request.attributeU32(IFLA_LINK, parent.index).attribute(IFLA_ADDRESS, plan.mac);
  const info = request.nest(IFLA_LINKINFO);
  request.attribute(IFLA_INFO_KIND, Buffer.from("macvlan"));
  const data = request.nest(IFLA_INFO_DATA);
  request.attributeU32(IFLA_MACVLAN_MODE, RTNETLINK.MACVLAN_MODE_PRIVATE);
  return request.unnest(data).unnest(info);
}

function header(index: number, flags: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(IFINFOMSG.sizeof));
  view.setInt32(IFINFOMSG.ifi_index, index, true);
  view.setUint32(IFINFOMSG.ifi_flags, flags, true);
  view.setUint32(IFINFOMSG.ifi_change, flags, true);
  return new Uint8Array(view.buffer);
}

/**
 * The stricter of `all` and an interface's own rp_filter counts, and a macvlan needs none: what `all` demands is given to every interface
 * of its own.
 */
function pushDownReversePathFilter(): void {
  const folder = "/proc/sys/net/ipv4/conf";
  try {
    const read = (name: string) => Number(readFileSync(`${folder}/${name}/rp_filter`, "latin1"));
    const all = read("all");
    if (all === 0) return;
    for (const name of readdirSync(folder)) {
      if (name !== "all" && read(name) < all) writeFileSync(`${folder}/${name}/rp_filter`, String(all));
    }
    writeFileSync(`${folder}/all/rp_filter`, "0");
  } catch {
    // Read-only, or an interface went meanwhile: the kernel then drops what it must, as before.
  }
}
