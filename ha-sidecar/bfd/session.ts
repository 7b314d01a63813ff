// One BFD session in asynchronous mode (RFC 5880 §6): packets and time in, packets and changes of state out. It owns its timers as deadlines, as a
// virtual router does; sockets are engine.ts's.
//
//            ┌───── Down, AdminDown ─────┐
//            ▼                           │
//          Down ── Down ──▶ Init ── Init, Up ──▶ Up          (what the neighbour says)
//            └────────────── Init ───────────────▲

import type { BfdPlan } from "../plan/track.ts";
import { type BfdPacket, type BfdState, DIAGNOSTIC, writeBfdPacket } from "./packet.ts";

const NEVER = Number.POSITIVE_INFINITY;
/** Until the neighbour has said what it can take: once a second (§6.8.1). */
const FIRST_REMOTE_MIN_RX_MS = 0.001;
/** How long a session that was up before a reload may take to be so again. */
const ASSUMED_MS = 5000;

export interface BfdWorld {
  nowMs(): number;
  send(bytes: Uint8Array): void;
  /** 0 … 1. */
  random(): number;
  /** `isLost`: the neighbour fell silent, without a word of its own that it would. */
  onChanged(isUp: boolean, isLost: boolean, reason: string): void;
}

export class BfdSession {
  readonly plan: BfdPlan;
  readonly discriminator: number;
  state: BfdState = "Down";
  /** Counts as up after a reload, until it is or until this time has come. */
  #assumedUntilMs = NEVER;
  readonly #world: BfdWorld;
  #diagnostic: number = DIAGNOSTIC.NONE;
  #remoteDiscriminator = 0;
  #remoteMinRxMs = FIRST_REMOTE_MIN_RX_MS;
  #remoteMinTxMs = 0;
  #remoteMultiplier = 0;
  /** A change of our intervals waits for the neighbour's word (§6.8.3). */
  #isPolling = false;
  #sendAtMs = NEVER;
  #expiresAtMs = NEVER;

  constructor(plan: BfdPlan, discriminator: number, world: BfdWorld) {
    this.plan = plan;
    this.discriminator = discriminator;
    this.#world = world;
  }

  /** `wasUp`: before a reload. */
  start(wasUp: boolean): void {
    const nowMs = this.#world.nowMs();
    if (!this.plan.passive) this.#sendAtMs = nowMs;
    if (wasUp) this.#assumedUntilMs = nowMs + ASSUMED_MS;
  }

  /** Says goodbye: the neighbour is not to take it for a failure. */
  stop(): void {
    this.state = "AdminDown";
    this.#diagnostic = DIAGNOSTIC.ADMIN_DOWN;
    if (this.#remoteDiscriminator !== 0) this.#send(false);
    this.#sendAtMs = NEVER;
    this.#expiresAtMs = NEVER;
    this.#assumedUntilMs = NEVER;
  }

  get isUp(): boolean {
    return this.state === "Up" || this.#assumedUntilMs !== NEVER;
  }

  get nextDeadlineMs(): number {
    return Math.min(this.#sendAtMs, this.#expiresAtMs, this.#assumedUntilMs);
  }

  tick(): void {
    const nowMs = this.#world.nowMs();
    if (nowMs >= this.#expiresAtMs) {
      this.#expiresAtMs = NEVER;
      this.#remoteDiscriminator = 0;
      this.#remoteMinRxMs = FIRST_REMOTE_MIN_RX_MS;
      this.#goDown(DIAGNOSTIC.EXPIRED, "nothing was heard for the detection time");
      // A passive session waits to be spoken to.
      if (this.plan.passive) this.#sendAtMs = NEVER;
    }
    if (nowMs >= this.#assumedUntilMs) {
      this.#assumedUntilMs = NEVER;
      if (this.state !== "Up") this.#world.onChanged(false, false, "it did not come up again after the reload");
    }
    if (nowMs < this.#sendAtMs) return;
    this.#send(false);
    this.#schedule(nowMs);
  }

  /** A packet that is this session's by its discriminator or its source. */
  receive(packet: BfdPacket): void {
    if (this.state === "AdminDown") return;
    if (packet.yourDiscriminator !== 0 && packet.yourDiscriminator !== this.discriminator) return;
    const nowMs = this.#world.nowMs();
    const wasSilent = this.#sendAtMs === NEVER;
    this.#remoteDiscriminator = packet.myDiscriminator;
    this.#remoteMinRxMs = packet.minRxMs;
    this.#remoteMinTxMs = packet.minTxMs;
    this.#remoteMultiplier = packet.multiplier;
    if (packet.final) this.#isPolling = false;
    this.#follow(packet.state);
    const detectionMs = this.#remoteMultiplier * Math.max(this.plan.minRxMs, this.#remoteMinTxMs);
    this.#expiresAtMs = this.state === "Down" ? NEVER : nowMs + detectionMs;
    if (packet.poll) this.#send(true);
    if (wasSilent) this.#sendAtMs = nowMs;
  }

  #follow(remote: BfdState): void {
    if (remote === "AdminDown") {
      if (this.state !== "Down") this.#goDown(DIAGNOSTIC.NEIGHBOUR_DOWN, "the neighbour was taken out of service");
    } else if (this.state === "Down") {
      if (remote === "Down") this.#become("Init");
      else if (remote === "Init") this.#become("Up");
    } else if (this.state === "Init") {
      if (remote !== "Down") this.#become("Up");
    } else if (remote === "Down") this.#goDown(DIAGNOSTIC.NEIGHBOUR_DOWN, "the neighbour says that it is down");
  }

  #become(state: "Init" | "Up"): void {
    this.state = state;
    this.#diagnostic = DIAGNOSTIC.NONE;
    if (state === "Up") {
      // From now on faster: the neighbour has to know before it counts on it.
      this.#isPolling = true;
      const wasAssumed = this.#assumedUntilMs !== NEVER;
      this.#assumedUntilMs = NEVER;
      if (!wasAssumed) this.#world.onChanged(true, false, "the session is up");
    }
    this.#sendAtMs = this.#world.nowMs();
  }

  #goDown(diagnostic: number, reason: string): void {
    const wasUp = this.state === "Up";
    this.state = "Down";
    this.#diagnostic = diagnostic;
    this.#isPolling = false;
    this.#sendAtMs = this.#world.nowMs();
    if (wasUp) this.#world.onChanged(false, diagnostic === DIAGNOSTIC.EXPIRED, reason);
  }

  /** What we say that we want to send at; not faster than idle_tx while nothing is up (§6.8.3). */
  get #minTxMs(): number {
    return this.state === "Up" ? this.plan.minTxMs : Math.max(this.plan.idleTxMs, this.plan.minTxMs);
  }

  #schedule(nowMs: number): void {
    // The neighbour wants no packets (§6.8.7).
    if (this.#remoteMinRxMs === 0) {
      this.#sendAtMs = NEVER;
      return;
    }
    const intervalMs = Math.max(this.#minTxMs, this.#remoteMinRxMs);
    // Between 75 and 100 per cent, so that nothing on the network falls into step; with a multiplier of 1 the last tenth is kept.
    const spread = this.plan.multiplier === 1 ? 0.15 : 0.25;
    this.#sendAtMs = nowMs + intervalMs * (0.75 + spread * this.#world.random());
  }

  #send(isFinal: boolean): void {
    this.#world.send(
      writeBfdPacket({
        diagnostic: this.#diagnostic,
        state: this.state,
        poll: this.#isPolling && !isFinal,
        final: isFinal,
        multiplier: this.plan.multiplier,
        myDiscriminator: this.discriminator,
        yourDiscriminator: this.#remoteDiscriminator,
        minTxMs: this.#minTxMs,
        minRxMs: this.plan.minRxMs,
      }),
    );
  }
}
