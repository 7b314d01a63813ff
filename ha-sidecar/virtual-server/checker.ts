// Repeats a check and judges: a server that lives is down when an attempt and its retries have failed, a server that is down is up with one
// success. As keepalived has it, a server lives until it is shown not to, unless `alpha` says the opposite.
//
//   delay_loop ── attempt ── ok ─▶ up, delay_loop …
//                    └─ failed ─▶ delay_before_retry, attempt … (retry times) ─▶ down, delay_loop …
//
// BFD_CHECK makes no attempts: it is told.

import type { CheckTiming } from "../plan/virtual-server.ts";
import type { Attempt, Result } from "./attempt.ts";

export interface CheckerListener {
  /** Every change of `up`, and every new weight. */
  onChecked(checker: Checker, reason: string): void;
  onFailedAttempt(checker: Checker, reason: string): void;
}

export class Checker {
  /** `TCP_CHECK`, for people. */
  readonly name: string;
  readonly #timing: CheckTiming;
  readonly #attempt: Attempt | null;
  readonly #listener: CheckerListener;
  readonly #limitMs: number;
  #up: boolean;
  #weight: number | null = null;
  #failures = 0;
  #timer: NodeJS.Timeout | null = null;
  #cancel: (() => void) | null = null;
  /** Whoever hears of a change may stop the checker. */
  #isRunning = false;

  /** `attempt`: null: it waits for `tell`. `limitMs`: an attempt that takes longer has failed. */
  constructor(name: string, timing: CheckTiming, attempt: Attempt | null, limitMs: number, listener: CheckerListener) {
    this.name = name;
    this.#timing = timing;
    this.#attempt = attempt;
    this.#limitMs = limitMs;
    this.#listener = listener;
    this.#up = !timing.alpha;
  }

  get up(): boolean {
    return this.#up;
  }

  /** null: the configured one counts. */
  get weight(): number | null {
    return this.#weight;
  }

  /** What another checker of the same kind knew before a reload. */
  adopt(other: Checker): void {
    this.#up = other.#up;
    this.#weight = other.#weight;
  }

  /** Starts, or goes on after a suspension. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#later(Math.random() * this.#timing.warmupMs);
  }

  stop(): void {
    this.#isRunning = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#cancel?.();
    this.#cancel = null;
  }

  /** What others found out; while it is suspended too. */
  tell(result: Result): void {
    this.#take(result);
  }

  #later(delayMs: number): void {
    const attempt = this.#attempt;
    if (this.#isRunning && attempt !== null) this.#timer = setTimeout(() => this.#run(attempt), delayMs);
  }

  #run(attempt: Attempt): void {
    let isOver = false;
    const end = (result: Result) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(limit);
      this.#cancel = null;
      this.#take(result);
    };
    const limit = setTimeout(() => {
      this.#cancel?.();
      end({ failure: `no answer within ${this.#limitMs} ms` });
    }, this.#limitMs);
    this.#timer = null;
    let giveUp = () => {};
    this.#cancel = () => {
      clearTimeout(limit);
      giveUp();
    };
    giveUp = attempt(end);
  }

  #take({ failure, weight }: Result): void {
    const { retry, delayBeforeRetryMs, delayLoopMs, logAllFailures } = this.#timing;
    if (failure === null) {
      this.#failures = 0;
      const isNewWeight = weight !== undefined && weight !== this.#weight;
      const isNew = !this.#up;
      this.#up = true;
      if (weight !== undefined) this.#weight = weight;
      if (isNew || isNewWeight) this.#listener.onChecked(this, "succeeded");
      this.#later(delayLoopMs);
      return;
    }
    if (this.#up && this.#failures < retry) {
      this.#failures++;
      if (logAllFailures) this.#listener.onFailedAttempt(this, failure);
      this.#later(delayBeforeRetryMs);
      return;
    }
    this.#failures = 0;
    if (this.#up) {
      this.#up = false;
      this.#listener.onChecked(this, failure);
    } else if (logAllFailures) this.#listener.onFailedAttempt(this, failure);
    this.#later(delayLoopMs);
  }
}
