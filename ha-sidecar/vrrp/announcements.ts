// When gratuitous ARPs and unsolicited neighbour advertisements are sent; what they look like is address/'s business.
//
// keepalived sends a burst of garp_master_repeat within a millisecond and another after garp_master_delay: what loses one of a burst
// (a switch that learns, a port that comes up) loses them all. Here a burst is spread: at 0, 20, 100, 400, 1000 ms, then every second.
//
//   0   20  100     400            1000     …     garp_master_delay: the same again     …     garp_master_refresh, for ever

import type { GarpPlan } from "../plan/vrrp.ts";

/** When the announcements of a burst follow its beginning. */
const SPREAD_MS: readonly number[] = [0, 20, 100, 400, 1000];
const SPREAD_LATER_MS = 1000;

/** The schedule of one instance while it is MASTER. Times are milliseconds of the monotonic clock, Infinity: never. */
export class Announcements {
  readonly #plan: GarpPlan;
  /** The burst that is running. */
  #burstAtMs = Number.POSITIVE_INFINITY;
  #sent = 0;
  #repeat = 0;
  /** The next burst: the second one of a new master, or one after an inferior advert. */
  #laterAtMs = Number.POSITIVE_INFINITY;
  #laterRepeat = 0;
  #refreshAtMs = Number.POSITIVE_INFINITY;

  constructor(plan: GarpPlan) {
    this.#plan = plan;
  }

  /** Having become master. The first announcement is due now. */
  startAsMaster(nowMs: number): void {
    const { masterRepeat, masterDelayMs, refreshMs } = this.#plan;
    this.#begin(nowMs, masterRepeat);
    this.#laterAtMs = masterDelayMs > 0 ? nowMs + masterDelayMs : Number.POSITIVE_INFINITY;
    this.#laterRepeat = masterRepeat;
    this.#refreshAtMs = refreshMs > 0 ? nowMs + refreshMs : Number.POSITIVE_INFINITY;
  }

  /** After an inferior advert: somebody may have believed its sender. One burst now (unless one runs), one later. */
  startAfterInferior(nowMs: number): void {
    const { lowerPriorityRepeat, lowerPriorityDelayMs } = this.#plan;
    if (lowerPriorityRepeat === 0) return;
    if (this.#burstAtMs === Number.POSITIVE_INFINITY) this.#begin(nowMs, lowerPriorityRepeat);
    if (this.#laterAtMs === Number.POSITIVE_INFINITY && lowerPriorityDelayMs > 0) {
      this.#laterAtMs = nowMs + lowerPriorityDelayMs;
      this.#laterRepeat = lowerPriorityRepeat;
    }
  }

  stop(): void {
    this.#burstAtMs = Number.POSITIVE_INFINITY;
    this.#laterAtMs = Number.POSITIVE_INFINITY;
    this.#refreshAtMs = Number.POSITIVE_INFINITY;
  }

  /** When `takeDue` has something to say next. */
  get nextMs(): number {
    return Math.min(this.#burstNextMs, this.#laterAtMs, this.#refreshAtMs);
  }

  /** How many announcements of every address are to be sent now: 0, 1, or more when refreshes repeat. */
  takeDue(nowMs: number): number {
    if (nowMs >= this.#laterAtMs) {
      this.#laterAtMs = Number.POSITIVE_INFINITY;
      this.#begin(nowMs, this.#laterRepeat);
    }
    let due = 0;
    if (nowMs >= this.#burstNextMs) {
      due = 1;
      this.#sent++;
      if (this.#sent >= this.#repeat) this.#burstAtMs = Number.POSITIVE_INFINITY;
    }
    if (nowMs >= this.#refreshAtMs) {
      this.#refreshAtMs = nowMs + this.#plan.refreshMs;
      due = Math.max(due, this.#plan.refreshRepeat);
    }
    return due;
  }

  get #burstNextMs(): number {
    const spread = SPREAD_MS[this.#sent] ?? SPREAD_MS.at(-1)! + (this.#sent - SPREAD_MS.length + 1) * SPREAD_LATER_MS;
    return this.#burstAtMs + spread;
  }

  #begin(nowMs: number, repeat: number): void {
    this.#burstAtMs = repeat > 0 ? nowMs : Number.POSITIVE_INFINITY;
    this.#sent = 0;
    this.#repeat = repeat;
  }
}
