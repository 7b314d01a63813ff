// What ties instances to the network: raw sockets, macvlans, the source of adverts, and the reasons of the network not to take part. All of
// it follows the kernel's reports: interfaces come and go.

import { errnoMeaning } from "../../shared/abi/errno.ts";
import { RTNETLINK } from "../../shared/abi/rtnetlink.ts";
import { formatAddress } from "../../shared/ip/text.ts";
import { addressesWithMacvlan, macvlanNamesOf, macvlanOf } from "../address/devices.ts";
import type { Interfaces, Link, LocalAddress } from "../address/interfaces.ts";
import { ensureMacvlan, type MacvlanPlan, removeLink, Settings } from "../address/macvlan.ts";
import type { Netlink } from "../address/netlink.ts";
import { addAddress } from "../address/virtual-addresses.ts";
import { VrrpSocket } from "../address/vrrp-socket.ts";
import type { VirtualAddressPlan } from "../plan/network.ts";
import type { HaPlan } from "../plan/plan.ts";
import { LinkDelays } from "./link-delays.ts";
import type { InstanceRuntime } from "./runtime.ts";

export class Attachments {
  readonly interfaces: Interfaces;
  readonly #netlink: Netlink;
  readonly #sockets = new Map<string, VrrpSocket>();
  readonly #delays: LinkDelays;
  readonly #settings = new Settings();
  readonly #virtualTexts: ReadonlySet<string>;
  /** Names of the macvlans that the plan asks for. */
  readonly #macvlans: ReadonlySet<string>;
  /** By macvlan: what the log said last, so that it does not say it with every report. */
  readonly #macvlanErrno = new Map<string, number>();

  constructor(plan: HaPlan, netlink: Netlink, interfaces: Interfaces) {
    this.interfaces = interfaces;
    this.#netlink = netlink;
    this.#delays = new LinkDelays(plan.interfaceDelays);
    const addresses = plan.instances.flatMap((instance) => [...instance.addresses, ...instance.excludedAddresses]);
    this.#macvlans = new Set(plan.instances.flatMap(macvlanNamesOf));
    this.#virtualTexts = new Set(addresses.map(({ address }) => address.text));
  }

  get sockets(): Iterable<VrrpSocket> {
    return this.#sockets.values();
  }

  /** When an interface's delay ends. */
  get nextMs(): number {
    return this.#delays.nextMs;
  }

  /** Whether an interface counts as up; one that is not there does not. */
  isUp(name: string): boolean {
    const link = this.interfaces.link(name);
    return this.#delays.filter(name, link !== null && this.interfaces.isUp(link), performance.now());
  }

  /** Brings sockets, macvlans and source of an instance in line with the interfaces. */
  follow(runtime: InstanceRuntime, runtimes: readonly InstanceRuntime[]): void {
    const { plan } = runtime;
    const link = plan.interface === null ? null : this.interfaces.link(plan.interface);
    const isGone = plan.interface !== null && link === null;
    const hasMoved = runtime.link !== null && link?.index !== runtime.link.index;
    runtime.link = link;
    if (isGone || hasMoved) runtime.socket = null;
    if (!isGone && runtime.socket === null) runtime.socket = this.#socketFor(runtime, link);
    if (plan.promoteSecondaries && link !== null) this.#settings.set("ipv4/conf/*/promote_secondaries", link.name, "1");
    const configured = plan.transport.source;
    const addresses = link === null ? [] : this.interfaces.addressesOf(link, plan.family);
    runtime.sourceBytes = configured?.bytes ?? automaticSource(addresses, this.#virtualTexts);
    this.#followMacvlans(runtime);
    this.#closeUnused(runtimes);
  }

  /** Reasons not to take part. */
  faultsOf(runtime: InstanceRuntime): string[] {
    const { plan, link, sourceBytes } = runtime;
    const { transport } = plan;
    const faults: string[] = [];
    if (plan.interface !== null && link === null) faults.push(`interface ${plan.interface} does not exist`);
    else if (link !== null && !plan.dontTrackPrimary && !this.isUp(link.name))
      faults.push(`interface ${plan.interface} is down`);
    for (const name of runtime.trackedDevices) if (!this.isUp(name)) faults.push(`interface ${name} is down`);
    if (runtime.socket === null && (link !== null || plan.interface === null)) faults.push("no raw socket");
    if (plan.vmac !== null && link !== null && runtime.macvlan === null)
      faults.push(`macvlan ${plan.vmac.interface} cannot be made`);
    if (sourceBytes === null) faults.push(`no ${plan.family === 4 ? "IPv4" : "link-local IPv6"} address to send from`);
    if (
      transport.trackSource &&
      transport.source !== null &&
      !this.interfaces.hasAddress(transport.source.text, null)
    ) {
      faults.push(`source address ${transport.source.text} is not there`);
    }
    if (transport.mode === "unicast" && transport.faultWithoutPeers && transport.peers.length === 0)
      faults.push("no unicast peers");
    return faults;
  }

  /** Closes the sockets; removes macvlans except those that another plan (after a reload) goes on with. */
  close(heir: HaPlan | null): void {
    for (const socket of this.#sockets.values()) socket.close();
    const kept = new Set((heir?.instances ?? []).flatMap(macvlanNamesOf));
    for (const name of this.#macvlans) {
      const link = this.interfaces.link(name);
      if (link !== null && !kept.has(name)) removeLink(this.#netlink, link.index);
    }
    if (heir === null) this.#settings.restore();
  }

  #socketFor(runtime: InstanceRuntime, link: Link | null): VrrpSocket | null {
    const { plan } = runtime;
    const isAh = plan.authentication.type === "ah";
    const key = `${link?.index ?? 0} ${plan.family}${isAh ? " ah" : ""}`;
    let socket = this.#sockets.get(key);
    if (socket === undefined) {
      const { receiveBufferBytes } = plan.transport;
      const opened = VrrpSocket.open({ family: plan.family, link, receiveBufferBytes, isAh });
      if (typeof opened === "number") {
        runtime.log("error", `raw socket: ${errnoMeaning(opened)}${opened === -1 ? " (CAP_NET_RAW is needed)" : ""}`);
        return null;
      }
      socket = opened;
      this.#sockets.set(key, socket);
    }
    const group = plan.transport.multicastDestination;
    if (group !== null && link === runtime.link) {
      const joined = socket.join(group.bytes);
      if (joined < 0) runtime.log("error", `joining ${group.text}: ${errnoMeaning(joined)}`);
    }
    return socket;
  }

  #followMacvlans(runtime: InstanceRuntime): void {
    const { plan, link } = runtime;
    const before = runtime.macvlan?.index;
    if (plan.vmac !== null) runtime.macvlan = link === null ? null : this.#ensure(runtime, link, plan.vmac);
    for (const address of addressesWithMacvlan(plan)) {
      const parent = this.interfaces.link(address.interface ?? "");
      if (parent !== null) this.#ensure(runtime, parent, macvlanOf(plan, address));
    }
    const { macvlan } = runtime;
    runtime.sendSocket = runtime.socket;
    if (plan.vmac === null || macvlan === null) return;
    if (plan.vmac.transmitBase === false) {
      this.#addSource6(runtime, macvlan);
      runtime.sendSocket = this.#socketFor(runtime, macvlan);
    }
    // It was taken away, with the addresses on it, and made again.
    if (before !== undefined && before !== macvlan.index) runtime.router.onAddressLost();
  }

  #ensure(runtime: InstanceRuntime, parent: Link, plan: MacvlanPlan): Link | null {
    const result = ensureMacvlan(this.#netlink, this.interfaces, parent, plan, this.#settings, this.#macvlans);
    if (result < 0 && this.#macvlanErrno.get(plan.interface) !== result)
      runtime.log("error", `macvlan ${plan.interface} on ${parent.name}: ${errnoMeaning(result)}`);
    this.#macvlanErrno.set(plan.interface, result);
    return result < 0 ? null : this.interfaces.link(plan.interface);
  }

  /** IPv6 sends only from addresses of the interface that it sends through: the macvlan gets the link-local one of its parent. */
  #addSource6(runtime: InstanceRuntime, macvlan: Link): void {
    const { plan, sourceBytes } = runtime;
    if (plan.family === 4 || sourceBytes === null) return;
    const text = formatAddress(sourceBytes);
    if (this.interfaces.hasAddress(text, macvlan)) return;
    const address: VirtualAddressPlan = {
      address: { family: 6, bytes: sourceBytes, text },
      prefixLength: 64,
      interface: null,
      useVmac: false,
      broadcast: null,
      scope: RTNETLINK.RT_SCOPE_LINK,
      label: null,
      peer: null,
      preferredLifetimeS: null,
      noDad: true,
      home: false,
      mngtmpaddr: false,
      noPrefixRoute: true,
      autojoin: false,
      noTrack: true,
      at: plan.at,
    };
    const result = addAddress(this.#netlink, address, macvlan.index, 0);
    if (result < 0) runtime.log("error", `adding ${text} to ${macvlan.name}: ${errnoMeaning(result)}`);
  }

  #closeUnused(runtimes: readonly InstanceRuntime[]): void {
    for (const [key, socket] of this.#sockets) {
      if (runtimes.some((runtime) => runtime.socket === socket || runtime.sendSocket === socket)) continue;
      socket.close();
      this.#sockets.delete(key);
    }
  }
}

/** The address that adverts come from when none is configured: the first one that is not virtual; of IPv6 a link-local one that is ready. */
export function automaticSource(addresses: readonly LocalAddress[], virtual: ReadonlySet<string>): Uint8Array | null {
  const notReady = RTNETLINK.IFA_F_TENTATIVE | RTNETLINK.IFA_F_DADFAILED;
  const usable = addresses.filter(({ text, bytes, flags, scope }) => {
    if (virtual.has(text)) return false;
    return bytes.length === 4 || (scope === RTNETLINK.RT_SCOPE_LINK && (flags & notReady) === 0);
  });
  return usable[0]?.bytes ?? null;
}
