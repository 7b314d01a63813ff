// One running instance: the virtual router and its world, made of the kernel's sockets and tables.

import { errnoMeaning } from "../../shared/abi/errno.ts";
import { formatAddress } from "../../shared/ip/text.ts";
import { gratuitousArp, unsolicitedAdvertisement } from "../address/announcement.ts";
import { deviceOf, trackedDevices } from "../address/devices.ts";
import type { Link, LocalAddress } from "../address/interfaces.ts";
import { addRoute, removeRoute } from "../address/routes.ts";
import { addRule, removeRule } from "../address/rules.ts";
import { addAddress, removeAddress } from "../address/virtual-addresses.ts";
import type { VrrpSocket } from "../address/vrrp-socket.ts";
import type { IpAddressPlan, RoutePlan, RulePlan, VirtualAddressPlan } from "../plan/network.ts";
import type { InstancePlan } from "../plan/vrrp.ts";
import { VirtualRouter } from "../vrrp/instance.ts";
import { type AdvertWriter, checkPacket, type Expectation, type Packet } from "../vrrp/packet.ts";
import { REJECTION, REJECTION_TEXTS } from "../vrrp/rejection.ts";
import { advertWriterOf, expectationOf, type Signatures, signaturesOf } from "../vrrp/wire-format.ts";
import type { Transition, World } from "../vrrp/world.ts";
import type { InstanceState } from "./messages.ts";
import { Rejections } from "./rejections.ts";
import type { Surroundings } from "./surroundings.ts";

export class InstanceRuntime implements World {
  readonly plan: InstancePlan;
  readonly router: VirtualRouter;
  readonly expectation: Expectation;
  /** Opened by the engine when the interface is there. */
  socket: VrrpSocket | null = null;
  /** Where adverts go out: the same, or the macvlan's. */
  sendSocket: VrrpSocket | null = null;
  link: Link | null = null;
  /** use_vmac: where addresses go. */
  macvlan: Link | null = null;
  /** Where adverts come from, of the interface or configured. */
  sourceBytes: Uint8Array | null = null;
  /** Interfaces besides its own that must be up. */
  readonly trackedDevices: readonly string[];
  /** Reasons of the network that are set at present. */
  networkFaults: readonly string[] = [];
  trackerFaults: readonly string[] = [];
  readonly #surroundings: Surroundings;
  readonly #signatures: Signatures;
  readonly #writer: AdvertWriter;
  readonly #rejections = new Rejections();
  readonly #otherAddresses = new Rejections();
  readonly #heardFrom = new Uint8Array(16);
  #heardPriority = 0;
  #sendErrno = 0;

  constructor(plan: InstancePlan, surroundings: Surroundings) {
    this.plan = plan;
    this.#surroundings = surroundings;
    this.trackedDevices = trackedDevices(plan);
    this.#signatures = signaturesOf(plan);
    this.expectation = expectationOf(plan, surroundings.plan.global.multicastGroup4.bytes, this.#signatures);
    this.#writer = advertWriterOf(plan, this.#signatures);
    this.router = new VirtualRouter(plan, this, surroundings.plan.global.sidecar);
  }

  get allAddresses(): readonly VirtualAddressPlan[] {
    return [...this.plan.addresses, ...this.plan.excludedAddresses];
  }

  /** A packet for this virtual router's number, from its interface. */
  receive(packet: Packet): void {
    const rejection = checkPacket(packet, this.expectation);
    if (rejection === REJECTION.ACCEPTED) {
      if (packet.hasOtherAddresses && !this.plan.skipCheckAdvertAddresses) this.#warnAboutAddresses(packet);
      this.#heardFrom.set(packet.source);
      this.#heardPriority = packet.priority;
      this.router.onAdvert(packet);
      return;
    }
    if (rejection === REJECTION.NOT_OURS) return;
    const count = this.#rejections.take(rejection, this.nowMs());
    if (count === 0) return;
    const from = formatAddress(packet.source.subarray(0, packet.addressBytes));
    this.log("warn", `${count} packet(s) dropped, the last one from ${from}: ${REJECTION_TEXTS[rejection]}`);
  }

  /** Whether the last advert came from there. Of IPv6, where adverts come from link-local addresses, nothing is known. */
  isMaster({ bytes }: IpAddressPlan): boolean {
    if (this.plan.family === 6 || bytes.length === 16) return true;
    return bytes.every((byte, index) => byte === this.#heardFrom[index]);
  }

  state(): InstanceState {
    const { plan, router } = this;
    return {
      name: plan.name,
      state: router.state,
      priority: router.priority,
      basePriority: plan.priority,
      interface: plan.interface,
      virtualRouterId: plan.virtualRouterId,
      version: plan.version,
      source: this.sourceBytes === null ? "" : formatAddress(this.sourceBytes),
      master: this.#heardPriority === 0 ? "" : this.#heard,
      masterPriority: this.#heardPriority,
      addresses: this.allAddresses.map(({ address }) => address.text),
      faults: router.faultText(),
      stateForMs: this.nowMs() - router.stateSinceMs,
      advertIntervalMs: plan.advertIntervalMs,
      masterIntervalMs: router.masterIntervalMs,
      ...router.counters,
      rejected: this.#rejections.counts(),
    };
  }

  /** Whether an address that the kernel reports as removed is one that this instance should have. */
  owns({ text, linkIndex }: LocalAddress): boolean {
    const plan = this.allAddresses.find(({ address }) => address.text === text);
    return plan !== undefined && !plan.noTrack && this.#linkOf(plan)?.index === linkIndex;
  }

  /** Takes off what another plan for the same virtual router does not have. What is compared is what `ip address` shows. */
  releaseWhatIsNotIn(plan: InstancePlan): void {
    const isElsewhere = plan.vmac?.interface !== this.plan.vmac?.interface;
    const kept = new Set(isElsewhere ? [] : [...plan.addresses, ...plan.excludedAddresses].map(addressKey));
    for (const address of this.allAddresses) {
      const link = this.#linkOf(address);
      if (link !== null && !kept.has(addressKey(address)))
        removeAddress(this.#surroundings.netlink, address, link.index);
    }
    const { netlink } = this.#surroundings;
    const keptPaths = new Set([...plan.rules, ...plan.routes].map(pathKey));
    for (const rule of this.plan.rules) if (!keptPaths.has(pathKey(rule))) removeRule(netlink, rule);
    for (const route of this.plan.routes) {
      if (!keptPaths.has(pathKey(route))) removeRoute(netlink, route, (name) => this.#linkIndex(name));
    }
  }

  /** Extends the life of the addresses (address_lifetime). */
  refreshLifetimes(lifetimeMs: number): void {
    for (const address of this.allAddresses) {
      const link = this.#linkOf(address);
      if (link !== null) addAddress(this.#surroundings.netlink, address, link.index, lifetimeMs);
    }
  }

  // World.

  nowMs(): number {
    return performance.now();
  }

  sendAdvert(priority: number): void {
    const { sendSocket: socket, sourceBytes } = this;
    if (socket === null || sourceBytes === null) return;
    const { transport } = this.plan;
    const group = transport.multicastDestination;
    if (transport.mode === "multicast" && group !== null) {
      this.#send(socket, priority, sourceBytes, group.bytes, 255, group.bytes);
      return;
    }
    for (const peer of transport.peers) {
      const inPseudoHeader =
        transport.oldUnicastChecksum === "always"
          ? this.#surroundings.plan.global.multicastGroup4.bytes
          : peer.address.bytes;
      this.#send(socket, priority, sourceBytes, peer.address.bytes, transport.unicastTtl, inPseudoHeader);
    }
  }

  source(): Uint8Array | null {
    return this.sourceBytes;
  }

  holdsAddresses(): boolean {
    const holds = this.plan.addresses.some((plan) => {
      const link = this.#linkOf(plan);
      return link !== null && this.#surroundings.interfaces.hasAddress(plan.address.text, link);
    });
    if (holds) this.#tellHolds(true);
    return holds;
  }

  claim(): void {
    const { netlink, plan, fence } = this.#surroundings;
    this.#tellHolds(true);
    fence.onClaim(this.plan);
    for (const address of this.allAddresses) {
      const link = this.#linkOf(address);
      const result =
        link === null ? -19 : addAddress(netlink, address, link.index, plan.global.sidecar.addressLifetimeMs);
      if (result < 0) this.#failed(`adding ${address.address.text}`, result);
    }
    for (const route of this.plan.routes) {
      const result = addRoute(netlink, route, (name) => this.#linkIndex(name));
      if (result < 0) this.#failed(`adding the route of line ${route.at.line}`, result);
    }
    for (const rule of this.plan.rules) {
      const result = addRule(netlink, rule);
      if (result < 0) this.#failed(`adding the rule of line ${rule.at.line}`, result);
    }
  }

  release(): void {
    const { netlink } = this.#surroundings;
    for (const rule of this.plan.rules) removeRule(netlink, rule);
    for (const route of this.plan.routes) removeRoute(netlink, route, (name) => this.#linkIndex(name));
    for (const address of this.allAddresses) {
      const link = this.#linkOf(address);
      const result = link === null ? 0 : removeAddress(netlink, address, link.index);
      if (result < 0) this.#failed(`removing ${address.address.text}`, result);
    }
    this.#surroundings.fence.onRelease(this.plan);
    this.#tellHolds(false);
  }

  announce(): void {
    const { announcer, isForwarding6 } = this.#surroundings;
    for (const plan of this.allAddresses) {
      const link = this.#linkOf(plan);
      if (link === null || link.mac.length !== 6) continue;
      const { bytes, family, text } = plan.address;
      const frame =
        family === 4
          ? gratuitousArp(link.mac, bytes)
          : unsolicitedAdvertisement(link.mac, bytes, isForwarding6(link.name));
      const isWanted = () => this.router.state === "MASTER";
      const onFailed = (errno: number) => this.#failed(`announcing ${text}`, errno);
      announcer.send({ link, family, frame, key: `${link.index} ${text}`, isWanted, onFailed });
    }
  }

  onTransition(transition: Transition): void {
    this.#surroundings.onTransition(this, transition);
    if (transition.from !== "YIELDING") return;
    const { startedMs, heardMs } = this.router.handover;
    this.#surroundings.tell({
      ...{ kind: "yielded", instance: this.plan.index, releasedAfterMs: this.nowMs() - startedMs },
      heardAfterMs: heardMs === Number.POSITIVE_INFINITY ? null : heardMs - startedMs,
      successor: this.#heard,
      successorPriority: this.#heardPriority,
    });
  }

  onLowerPriority(): void {
    this.#surroundings.tell({ kind: "lower-priority", instance: this.plan.index, priority: this.router.priority });
  }

  log(level: "info" | "warn" | "error", text: string): void {
    this.#surroundings.tell({ kind: "log", level, text: `(${this.plan.name}) ${text}` });
  }

  random(): number {
    return Math.random();
  }

  /** Who sent the last advert. */
  get #heard(): string {
    return formatAddress(this.#heardFrom.subarray(0, this.plan.family === 4 ? 4 : 16));
  }

  #tellHolds(holds: boolean): void {
    this.#surroundings.tell({ kind: "holds", instance: this.plan.index, holds });
  }

  #linkIndex(name: string | null): number {
    return (name === null ? this.#ownLink : this.#surroundings.interfaces.link(name))?.index ?? 0;
  }

  get #ownLink(): Link | null {
    return this.plan.vmac === null ? this.link : this.macvlan;
  }

  #linkOf(plan: VirtualAddressPlan): Link | null {
    const name = deviceOf(this.plan, plan);
    return name === null ? null : this.#surroundings.interfaces.link(name);
  }

  #send(
    socket: VrrpSocket,
    priority: number,
    source: Uint8Array,
    destination: Uint8Array,
    ttl: number,
    inPseudoHeader: Uint8Array,
  ): void {
    const message = this.#writer.write(priority, source, inPseudoHeader);
    const sent = socket.send(message, source, destination, ttl, this.#signatures.authenticationHeader);
    const errno = sent < 0 ? sent : 0;
    // Only a change is worth a line: a network that is unreachable stays so for a while.
    if (errno !== this.#sendErrno && errno < 0)
      this.#failed(`sending an advert to ${formatAddress(destination)}`, errno);
    this.#sendErrno = errno;
  }

  #failed(what: string, errno: number): void {
    this.log("error", `${what}: ${errnoMeaning(errno)}`);
  }

  #warnAboutAddresses(packet: Packet): void {
    const count = this.#otherAddresses.take(REJECTION.ADDRESSES, this.nowMs());
    if (count === 0) return;
    const from = formatAddress(packet.source.subarray(0, packet.addressBytes));
    this.log("warn", `${count} advert(s) with other virtual addresses than ours, the last one from ${from}`);
  }
}

function addressKey({ address, prefixLength, interface: name }: VirtualAddressPlan): string {
  return `${address.text}/${prefixLength} ${name ?? ""}`;
}

/** A route or rule apart from the place where it is written. */
function pathKey(plan: RoutePlan | RulePlan): string {
  return JSON.stringify({ ...plan, at: null });
}
