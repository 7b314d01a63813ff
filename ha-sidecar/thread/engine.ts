// All instances of a plan at work: opens sockets, hands packets to virtual routers, follows the kernel's reports of interfaces and
// addresses, applies trackers. It never waits; loop.ts does.
//
// One turn:   packets → kernel's reports → messages of the main thread → timers
//
// In this order, because a timer that is due is believed only when everything that had arrived before has been read.

import { readFileSync } from "node:fs";
import { errnoMeaning } from "../../shared/abi/errno.ts";
import { RTNETLINK } from "../../shared/abi/rtnetlink.ts";
import { close } from "../../shared/ffi/file.ts";
import { formatAddress } from "../../shared/ip/text.ts";
import { openAnnouncementSocket } from "../address/announcement.ts";
import { Interfaces, type LocalAddress } from "../address/interfaces.ts";
import { Netlink, openWatch } from "../address/netlink.ts";
import { ownsPath, pathGroups, type RemovedPath } from "../address/removed-path.ts";
import { PACKET_BYTES, ReceiveMemory, type VrrpSocket } from "../address/vrrp-socket.ts";
import { BfdEngine } from "../bfd/engine.ts";
import type { HaPlan } from "../plan/plan.ts";
import type { InstancePlan } from "../plan/vrrp.ts";
import { Packet, packetVirtualRouterId } from "../vrrp/packet.ts";
import { SyncGroup } from "../vrrp/sync-group.ts";
import type { Transition } from "../vrrp/world.ts";
import { Announcer } from "./announcer.ts";
import { Attachments } from "./attachments.ts";
import { Fence } from "./fence.ts";
import type { FromThread, ToThread, TrackerKind } from "./messages.ts";
import { InstanceRuntime } from "./runtime.ts";
import type { Surroundings } from "./surroundings.ts";
import { effectOf, type TrackerState, trackedName } from "./trackers.ts";

/** Packets that one socket may deliver in a turn: a flood must not keep timers waiting. */
const PACKETS_PER_TURN = 256;
/** The same unknown virtual router is named again after this. */
const UNKNOWN_SILENCE_MS = 60_000;
/** An address's lifetime is extended so often within it. */
const REFRESHES_PER_LIFETIME = 3;

export class Engine implements Surroundings {
  readonly plan: HaPlan;
  readonly netlink: Netlink;
  readonly interfaces: Interfaces;
  readonly announcer: Announcer;
  readonly fence: Fence;
  readonly tell: (message: FromThread) => void;
  readonly #runtimes: readonly InstanceRuntime[];
  readonly #groups: readonly SyncGroup[];
  readonly #announceFd: number;
  #bfd: BfdEngine | null = null;
  readonly #attachments: Attachments;
  readonly #memory = new ReceiveMemory();
  readonly #packet: Packet;
  readonly #trackers = new Map<string, TrackerState>();
  readonly #unknownRouters = new Map<number, number>();
  /** The plan that goes on after a reload. */
  #heir: HaPlan | null = null;
  #startAtMs: number;
  #stopping: "no" | "handing-over" | "now" = "no";
  #refreshAtMs: number;

  private constructor(
    plan: HaPlan,
    netlink: Netlink,
    watchFd: number,
    announceFd: number,
    fence: Fence,
    tell: (message: FromThread) => void,
  ) {
    this.plan = plan;
    this.netlink = netlink;
    this.#announceFd = announceFd;
    this.announcer = new Announcer(announceFd, plan.garpGroups);
    this.fence = fence;
    this.tell = tell;
    this.interfaces = new Interfaces(netlink, watchFd, this);
    this.#attachments = new Attachments(plan, netlink, this.interfaces);
    this.#packet = new Packet(this.#memory.packet.subarray(0, PACKET_BYTES));
    this.#runtimes = plan.instances.map((instance) => new InstanceRuntime(instance, this));
    this.#groups = plan.syncGroups.map((group) => {
      const syncGroup = new SyncGroup(group.name);
      for (const index of group.members) syncGroup.add(this.#runtimes[index]!.router);
      return syncGroup;
    });
    this.#startAtMs = performance.now() + plan.global.startupDelayMs;
    this.#refreshAtMs = plan.global.sidecar.addressLifetimeMs > 0 ? this.#startAtMs : Number.POSITIVE_INFINITY;
  }

  /** Opens what the kernel must give; on `standby` nothing begins before `start`. A text says why it does not work. */
  static open(plan: HaPlan, standby: boolean, tell: (message: FromThread) => void): Engine | string {
    const needs = (what: string, errno: number, capability: string) =>
      `${what}: ${errnoMeaning(errno)}${errno === -1 ? ` (CAP_${capability} is needed)` : ""}`;
    const netlink = Netlink.open();
    if (typeof netlink === "number") return needs("netlink socket", netlink, "NET_ADMIN");
    const groups = RTNETLINK.RTMGRP_LINK | RTNETLINK.RTMGRP_IPV4_IFADDR | RTNETLINK.RTMGRP_IPV6_IFADDR;
    const watchFd = openWatch(groups | pathGroups(plan));
    if (watchFd < 0) return needs("netlink watch", watchFd, "NET_ADMIN");
    const announceFd = openAnnouncementSocket();
    if (announceFd < 0) return needs("packet socket for gratuitous ARP", announceFd, "NET_RAW");
    const fence = Fence.open(plan, (text) => tell({ kind: "log", level: "error", text }));
    if (typeof fence === "number") return needs("packet filter (nf_tables)", fence, "NET_ADMIN");
    const engine = new Engine(plan, netlink, watchFd, announceFd, fence, tell);
    if (standby) engine.#startAtMs = Number.POSITIVE_INFINITY;
    const log = (level: "info" | "warn" | "error", text: string) => tell({ kind: "log", level, text });
    const onBfdChanged = engine.#onBfdChanged.bind(engine);
    const bfd = BfdEngine.open(plan.bfds, engine.#memory, { log, onBfdChanged });
    if (typeof bfd === "string") return bfd;
    engine.#bfd = bfd;
    const refreshed = engine.interfaces.refresh();
    if (refreshed < 0) return needs("reading the interfaces", refreshed, "NET_ADMIN");
    return engine.#missingInterface() ?? engine;
  }

  /** Descriptors to wait for. Changes when interfaces come and go. */
  descriptors(): number[] {
    const sockets = [...this.#attachments.sockets].map(({ fd }) => fd);
    return [this.interfaces.watchFd, ...sockets, ...(this.#bfd?.descriptors ?? [])];
  }

  get nextDeadlineMs(): number {
    const bfdMs = this.#bfd?.nextDeadlineMs ?? Number.POSITIVE_INFINITY;
    let next = Math.min(bfdMs, this.#refreshAtMs, this.announcer.nextMs, this.fence.nextMs, this.#attachments.nextMs);
    for (let i = 0; i < this.#runtimes.length; i++) next = Math.min(next, this.#runtimes[i]!.router.nextDeadlineMs);
    return this.#hasStarted ? next : Math.min(next, this.#startAtMs);
  }

  /** True when all instances have ended after a stop. */
  get isDone(): boolean {
    return this.#stopping !== "no" && this.#runtimes.every(({ router }) => router.state === "STOPPED");
  }

  #hasStarted = false;

  /** Evaluates the network and begins, unless a start-up delay is configured. After a reload, `masters` go on as such, and `bfdsUp` were up. */
  start(masters: readonly number[] | null, bfdsUp: readonly string[] = []): void {
    this.#bfd?.start(bfdsUp);
    for (const index of this.plan.bfds.keys()) {
      const up = this.#bfd?.isUp(index) ?? false;
      this.#setTracker("bfd", index, up);
      if (up) this.tell({ kind: "bfd", index, up });
    }
    // Whatever happened while the thread was on standby is asked for anew.
    if (masters !== null) this.interfaces.refresh();
    const owners = (masters ?? []).map((index) => this.plan.instances[index]!);
    this.fence.install(owners, performance.now());
    this.onInterfacesChanged();
    for (const index of masters ?? []) this.#runtimes[index]!.router.resume();
    if (masters !== null) this.#startAtMs = performance.now();
    this.#startWhatCan();
  }

  /** Gives back what the kernel gave. */
  close(): void {
    this.#bfd?.close();
    this.#attachments.close(this.#heir);
    this.fence.close(this.#heir);
    close(this.interfaces.watchFd);
    close(this.#announceFd);
    this.netlink.close();
    this.#memory.free();
  }

  receivePackets(): void {
    this.#bfd?.receive();
    for (const socket of this.#attachments.sockets) {
      for (let count = 0; count < PACKETS_PER_TURN && socket.receive(this.#memory, this.#packet); count++) {
        this.#deliver(socket);
      }
    }
  }

  tick(): void {
    if (!this.#hasStarted) this.#startWhatCan();
    let isDue = false;
    this.#bfd?.tick();
    for (let i = 0; i < this.#runtimes.length; i++) isDue ||= this.#runtimes[i]!.router.downIsDue;
    if (isDue) this.receivePackets();
    for (let i = 0; i < this.#runtimes.length; i++) this.#runtimes[i]!.router.tick();
    const nowMs = performance.now();
    this.announcer.tick(nowMs);
    this.fence.tick(nowMs);
    if (nowMs >= this.#attachments.nextMs) this.onInterfacesChanged();
    if (nowMs < this.#refreshAtMs) return;
    const { addressLifetimeMs } = this.plan.global.sidecar;
    this.#refreshAtMs = nowMs + addressLifetimeMs / REFRESHES_PER_LIFETIME;
    for (const runtime of this.#runtimes) {
      const { state } = runtime.router;
      if (state === "MASTER" || state === "LEAVING" || state === "YIELDING")
        runtime.refreshLifetimes(addressLifetimeMs);
    }
  }

  onMessage(message: ToThread): void {
    switch (message.kind) {
      case "track":
        this.#trackers.set(`${message.tracker} ${message.index}`, message);
        this.#applyTrackers();
        this.#startWhatCan();
        break;
      case "stop":
        this.#stopping = message.now || this.#stopping !== "no" ? "now" : "handing-over";
        for (const { router } of this.#runtimes) router.stop(this.#stopping === "now");
        break;
      case "yield": {
        const { router } = this.#runtimes[message.instance]!;
        for (const member of router.group?.members ?? [router]) member.yield();
        break;
      }
      case "begin":
        this.start(message.masters, message.bfdsUp);
        break;
      case "hand-on":
        this.#handOn(message.plan);
        break;
      case "ask-state":
        this.tell({ kind: "state", id: message.id, instances: this.#runtimes.map((runtime) => runtime.state()) });
        break;
    }
  }

  isForwarding6(interfaceName: string): boolean {
    try {
      return readFileSync(`/proc/sys/net/ipv6/conf/${interfaceName}/forwarding`, "latin1").startsWith("1");
    } catch {
      // Without IPv6 in the kernel, or the interface gone: certainly no router.
      return false;
    }
  }

  onTransition(instance: InstanceRuntime, { from, to, event, reason, priority }: Transition): void {
    // To everybody else a reload is none.
    if (event === "resume" || event === "abandon") return;
    this.tell({ kind: "transition", instance: instance.plan.index, from, to, reason, priority });
    const group = this.#groups[instance.plan.syncGroup];
    if (group?.members.every(({ state }) => state === to)) {
      this.tell({ kind: "group", group: instance.plan.syncGroup, to });
    }
  }

  /** The kernel reported changes: sockets, sources and faults follow. */
  onInterfacesChanged(): void {
    for (const runtime of this.#runtimes) {
      this.#attachments.follow(runtime, this.#runtimes);
      const faults = this.#attachments.faultsOf(runtime);
      runtime.networkFaults = this.#setFaults(runtime, runtime.networkFaults, faults);
    }
    this.#applyTrackers();
  }

  onAddressRemoved(address: LocalAddress): void {
    for (const runtime of this.#runtimes) {
      // It may be back already: reports come late.
      const isGone = !this.interfaces.hasAddress(address.text, this.interfaces.linkAt(address.linkIndex));
      if (isGone && runtime.owns(address)) runtime.router.onAddressLost();
    }
  }

  onPathRemoved(path: RemovedPath): void {
    for (const runtime of this.#runtimes) {
      if (runtime.router.state !== "MASTER" || !ownsPath(runtime.plan, path)) continue;
      runtime.log("warn", `a ${path.kind} was removed by others and is put back`);
      runtime.router.onAddressLost();
    }
  }

  #setTracker(tracker: TrackerKind, index: number, up: boolean): void {
    this.#trackers.set(`${tracker} ${index}`, { up, value: 0 });
  }

  #onBfdChanged(index: number, isUp: boolean, isLost: boolean): void {
    this.#setTracker("bfd", index, isUp);
    this.tell({ kind: "bfd", index, up: isUp });
    this.#applyTrackers();
    if (!isLost) return;
    const neighbour = this.plan.bfds[index]!.neighborIp;
    for (const runtime of this.#runtimes)
      if (runtime.plan.peerBfd === index && runtime.isMaster(neighbour)) runtime.router.onPeerLost();
  }

  /** Lets go of what the new plan has too, gives up the rest. */
  #handOn(plan: HaPlan): void {
    const masters: number[] = [];
    for (const runtime of this.#runtimes) {
      const { router } = runtime;
      const heir = plan.instances.find((instance) => isSameRouter(instance, runtime.plan));
      if (heir === undefined) router.stop(true);
      else if (router.state === "MASTER") {
        masters.push(heir.index);
        runtime.releaseWhatIsNotIn(heir);
      }
      router.abandon();
    }
    this.#heir = plan;
    this.#stopping = "now";
    this.tell({ kind: "handed-on", masters, bfdsUp: this.#bfd?.up ?? [] });
  }

  #missingInterface(): string | null {
    if (this.plan.global.dynamicInterfaces) return null;
    const missing = this.plan.instances.filter(
      ({ interface: name }) => name !== null && this.interfaces.link(name) === null,
    );
    if (missing.length === 0) return null;
    const texts = missing.map(({ name, interface: wanted }) => `(${name}) interface ${wanted} doesn't exist`);
    return `${texts.join("; ")} (dynamic_interfaces waits for interfaces instead)`;
  }

  #startWhatCan(): void {
    if (performance.now() < this.#startAtMs || this.#stopping !== "no") return;
    this.#hasStarted = this.#runtimes.every((runtime) => {
      const { router } = runtime;
      if (router.counters.becameMaster > 0 || router.state !== "STOPPED") return true;
      if (this.#effectOf(runtime).isIncomplete) return false;
      router.start();
      return true;
    });
  }

  #deliver(socket: VrrpSocket): void {
    const virtualRouterId = packetVirtualRouterId(this.#packet);
    let isKnown = false;
    for (let i = 0; i < this.#runtimes.length; i++) {
      const runtime = this.#runtimes[i]!;
      if (runtime.socket !== socket || runtime.plan.virtualRouterId !== virtualRouterId) continue;
      isKnown = true;
      runtime.receive(this.#packet);
    }
    if (!isKnown && this.plan.global.logUnknownVrids && virtualRouterId >= 0) this.#logUnknown(virtualRouterId);
  }

  #logUnknown(virtualRouterId: number): void {
    const nowMs = performance.now();
    if (nowMs - (this.#unknownRouters.get(virtualRouterId) ?? -UNKNOWN_SILENCE_MS) < UNKNOWN_SILENCE_MS) return;
    this.#unknownRouters.set(virtualRouterId, nowMs);
    const from = formatAddress(this.#packet.source.subarray(0, this.#packet.addressBytes));
    this.tell({
      kind: "log",
      level: "info",
      text: `Unknown VRID(${virtualRouterId}) received from ${from}. Ignoring...`,
    });
  }

  /** Sets new reasons before it clears old ones, so that an exchange of reasons is no recovery. Returns `after`. */
  #setFaults(runtime: InstanceRuntime, before: readonly string[], after: readonly string[]): readonly string[] {
    for (const fault of after) if (!before.includes(fault)) runtime.router.setFault(fault, true);
    for (const fault of before) if (!after.includes(fault)) runtime.router.setFault(fault, false);
    return after;
  }

  #effectOf(runtime: InstanceRuntime) {
    const group = this.plan.syncGroups[runtime.plan.syncGroup];
    const plans = group === undefined ? [runtime.plan.tracking] : [runtime.plan.tracking, group.tracking];
    return effectOf(
      plans,
      (kind, index) => this.#trackers.get(`${kind} ${index}`) ?? null,
      (kind, index) => trackedName(this.plan, kind, index),
      (name) => this.#attachments.isUp(name),
    );
  }

  #applyTrackers(): void {
    for (const runtime of this.#runtimes) {
      const { router, plan } = runtime;
      const effect = this.#effectOf(runtime);
      runtime.trackerFaults = this.#setFaults(runtime, runtime.trackerFaults, effect.faults);
      const before = router.priority;
      router.setPriority(plan.priority + effect.weight);
      if (router.priority === before) continue;
      runtime.log("info", `changing effective priority from ${before} to ${router.priority}`);
      this.tell({ kind: "priority", instance: plan.index, state: router.state, priority: router.priority });
    }
  }
}

/** Peers know a virtual router by these. */
function isSameRouter(a: InstancePlan, b: InstancePlan): boolean {
  return a.interface === b.interface && a.virtualRouterId === b.virtualRouterId && a.family === b.family;
}
