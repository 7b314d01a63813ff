// A LAN in which time is a number: nodes with virtual routers, a wire between them that loses what it is told to lose, and a clock that
// jumps from deadline to deadline. Real messages are written and checked; everything below them is simulated. Deterministic: the only
// randomness is a seeded generator.

import { address } from "../plan/fixture.ts";
import type { InstancePlan } from "../plan/vrrp.ts";
import { VirtualRouter } from "./instance.ts";
import { type AdvertWriter, checkPacket, compareAddresses, type Expectation, Packet, readPacket4 } from "./packet.ts";
import { REJECTION } from "./rejection.ts";
import { advertWriterOf, expectationOf, signaturesOf } from "./wire-format.ts";
import type { RouterOptions, Transition, World } from "./world.ts";

const GROUP = address("224.0.0.18").bytes;
const DELAY_MS = 0.2;
export const OPTIONS: RouterOptions = { adoptAddresses: true, handoverTimeoutMs: null };

interface InFlight {
  readonly atMs: number;
  readonly to: Node;
  readonly bytes: Uint8Array;
}

export class Simulation {
  nowMs = 1000;
  readonly nodes: Node[] = [];
  /** Whether a packet gets through. Replaced by tests. */
  reaches: (from: Node, to: Node) => boolean = () => true;
  /** Every change of state, `a:BACKUP>MASTER`. */
  readonly journal: {
    readonly atMs: number;
    readonly node: string;
    readonly router: string;
    readonly transition: Transition;
  }[] = [];
  #inFlight: InFlight[] = [];
  #seed = 42;

  random(): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return this.#seed / 2 ** 32;
  }

  addNode(name: string, source: string): Node {
    const node = new Node(this, name, address(source).bytes);
    this.nodes.push(node);
    return node;
  }

  /** `destination`: null is the group. */
  transmit(from: Node, message: Uint8Array, destination: Node | null): void {
    const bytes = new Uint8Array(20 + message.length);
    bytes.set([0x45, 0xc0, bytes.length >> 8, bytes.length, 0, 1, 0, 0, 255, 112]);
    bytes.set(from.source, 12);
    bytes.set(destination?.source ?? GROUP, 16);
    bytes.set(message, 20);
    for (const to of destination === null ? this.nodes : [destination]) {
      if (to !== from && !from.isDown && !to.isDown && this.reaches(from, to)) {
        this.#inFlight.push({ atMs: this.nowMs + DELAY_MS, to, bytes });
      }
    }
  }

  /** Lets `ms` pass. */
  run(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const live = this.nodes.filter((node) => !node.isFrozen && !node.isDown);
      const timers = live.flatMap((node) => node.routers.map((router) => router.nextDeadlineMs));
      const nextMs = Math.min(...timers, ...this.#inFlight.filter(({ to }) => !to.isFrozen).map(({ atMs }) => atMs));
      if (nextMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      const due = this.#inFlight.filter(({ atMs, to }) => atMs <= this.nowMs && !to.isFrozen);
      this.#inFlight = this.#inFlight.filter((packet) => !due.includes(packet));
      // As in the daemon: what has arrived is read before time is believed.
      for (const { to, bytes } of due) if (!to.isDown) to.receive(bytes);
      for (const node of live) for (const router of node.routers) router.tick();
    }
    this.nowMs = endMs;
  }

  /** Runs until the condition holds and returns the time that took; fails after `limitMs`. */
  runUntil(condition: () => boolean, limitMs = 60_000): number {
    const startMs = this.nowMs;
    while (!condition()) {
      if (this.nowMs - startMs > limitMs) throw new Error("the condition never held");
      this.run(0.5);
    }
    return this.nowMs - startMs;
  }

  /** Names of the nodes that are MASTER. */
  masters(router = 0): string {
    return this.nodes
      .filter((node) => !node.isDown && node.routers[router]?.state === "MASTER")
      .map((node) => node.name)
      .join();
  }

  /** Names of the nodes that have the addresses. */
  holders(router = 0): string {
    return this.nodes
      .filter((node) => node.worlds[router]!.isHolding)
      .map((node) => node.name)
      .join();
  }
}

export class Node {
  readonly simulation: Simulation;
  readonly name: string;
  readonly source: Uint8Array;
  readonly routers: VirtualRouter[] = [];
  readonly worlds: SimulatedWorld[] = [];
  /** Stopped as by SIGSTOP: packets wait, time passes. */
  isFrozen = false;
  /** Off: nothing arrives, nothing happens. */
  isDown = false;

  constructor(simulation: Simulation, name: string, source: Uint8Array) {
    this.simulation = simulation;
    this.name = name;
    this.source = source;
  }

  add(plan: InstancePlan, options: RouterOptions = OPTIONS): VirtualRouter {
    const world = new SimulatedWorld(this, plan);
    const router = new VirtualRouter(plan, world, options);
    this.routers.push(router);
    this.worlds.push(world);
    return router;
  }

  receive(bytes: Uint8Array): void {
    for (const [index, router] of this.routers.entries()) {
      const packet = new Packet(bytes);
      if (!readPacket4(packet, bytes.length)) continue;
      if (checkPacket(packet, this.worlds[index]!.expectation) === REJECTION.ACCEPTED) router.onAdvert(packet);
    }
  }
}

export class SimulatedWorld implements World {
  readonly node: Node;
  readonly plan: InstancePlan;
  readonly expectation: Expectation;
  readonly #writer: AdvertWriter;
  isHolding = false;
  /** `advert 100`, `claim`, `announce` …, in order. */
  readonly did: string[] = [];
  /** When announcements were sent. */
  readonly announcedMs: number[] = [];

  constructor(node: Node, plan: InstancePlan) {
    this.node = node;
    this.plan = plan;
    const signatures = signaturesOf(plan);
    this.expectation = expectationOf(plan, GROUP, signatures);
    this.#writer = advertWriterOf(plan, signatures);
  }

  nowMs(): number {
    return this.node.simulation.nowMs;
  }

  sendAdvert(priority: number): void {
    this.did.push(`advert ${priority}`);
    const { simulation, source } = this.node;
    if (this.plan.transport.mode === "multicast") {
      simulation.transmit(this.node, this.#writer.write(priority, source, GROUP), null);
      return;
    }
    for (const { address: peer } of this.plan.transport.peers) {
      const to = simulation.nodes.find((node) => compareAddresses(node.source, peer.bytes, 4) === 0)!;
      simulation.transmit(this.node, this.#writer.write(priority, source, to.source), to);
    }
  }

  source(): Uint8Array {
    return this.node.source;
  }

  holdsAddresses(): boolean {
    return this.isHolding;
  }

  claim(): void {
    this.did.push("claim");
    this.isHolding = true;
  }

  release(): void {
    this.did.push("release");
    this.isHolding = false;
  }

  announce(): void {
    this.did.push("announce");
    this.announcedMs.push(this.nowMs());
  }

  onTransition(transition: Transition): void {
    this.did.push(`${transition.from}>${transition.to}`);
    this.node.simulation.journal.push({ atMs: this.nowMs(), node: this.node.name, router: this.plan.name, transition });
  }

  onLowerPriority(): void {
    this.did.push("lower");
  }

  log(level: "info" | "warn", text: string): void {
    this.did.push(`${level}: ${text}`);
  }

  random(): number {
    return this.node.simulation.random();
  }
}
