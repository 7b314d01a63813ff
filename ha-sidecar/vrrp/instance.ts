// A virtual router: turns packets, time and faults into events, asks the table in states.ts, and carries its actions out on a `World`
// (sockets and the kernel's tables in the daemon, a simulation in the tests). It owns all its timers as plain deadlines; whoever runs it
// calls `tick` when `nextDeadlineMs` has come, after having read every packet that waits (an expired down timer is believed only then).
//
// Times are milliseconds of the monotonic clock with fractions; the wall clock plays no part.
//
// What differs from RFC 9568 and from keepalived, and why:
// - The interval that a backup takes over from a master is clamped: one forged advert of 40.95 s would park the instance.
// - A down timer that fires late by more than an interval was slept through by us, not by the master: it is armed once again.
// - A master that was frozen longer than a down time yields to whoever it hears then: the others have long elected somebody.
// - An instance that flaps (flaps.ts) waits a random time longer, so that two nodes do not flap in step.

import { assert } from "../../shared/assert.ts";
import type { InstancePlan } from "../plan/vrrp.ts";
import { Announcements } from "./announcements.ts";
import { Flaps } from "./flaps.ts";
import { Handover } from "./handover.ts";
import { compareAddresses, type Packet } from "./packet.ts";
import { type Action, type Event, type State, TABLE } from "./states.ts";
import { GROUP_FAULT, type SyncGroup } from "./sync-group.ts";
import { afterZeroMs, downMs, handoverMs, ZERO_REPEAT_MS } from "./timing.ts";
import { newCounters, type RouterOptions, type World } from "./world.ts";

const NEVER = Number.POSITIVE_INFINITY;
export class VirtualRouter {
  readonly plan: InstancePlan;
  readonly world: World;
  group: SyncGroup | null = null;
  state: State = "STOPPED";
  /** The down timer expired, only the sync group is missing. */
  wantsMaster = false;
  /** Effective: base and trackers. */
  priority: number;
  /** Interval of the master that is heard (version 3), otherwise our own. */
  masterIntervalMs: number;
  /** When the state was entered. */
  stateSinceMs: number;
  readonly counters = newCounters();

  readonly #options: RouterOptions;
  readonly #announcements: Announcements;
  readonly #faults = new Set<string>();
  #holdsStale = false;
  #downAtMs = NEVER;
  /** The down timer that runs is the second one after a sleep of ours. */
  #sleptOnce = false;
  /** The down timer runs because of an advert of priority 0. */
  #masterLeft = false;
  #advertAtMs = NEVER;
  #zeroAtMs = NEVER;
  readonly handover = new Handover();
  /** preempt_delay ends; NEVER: it has not begun. */
  #preemptAtMs = NEVER;
  #advertSentMs = 0;
  #heardIntervalMs = 0;
  #warnedIntervalMs = 0;
  readonly #flaps = new Flaps();

  constructor(plan: InstancePlan, world: World, options: RouterOptions) {
    this.plan = plan;
    this.world = world;
    this.#options = options;
    this.#announcements = new Announcements(plan.garp);
    this.priority = plan.priority;
    this.masterIntervalMs = plan.advertIntervalMs;
    this.stateSinceMs = world.nowMs();
  }

  // What happens outside.

  start(): void {
    if (this.#faults.size > 0) this.#dispatch("start-faulty", this.faultText());
    else this.#dispatch("start", "started");
  }

  /** Goes on as MASTER after a reload; a reason not to take part still counts. */
  resume(): void {
    this.#dispatch("resume", "reloaded");
    if (this.#faults.size > 0) this.#dispatch("fault", this.faultText());
  }

  /** Ends without a word: another instance goes on in its place. */
  abandon(): void {
    this.#dispatch("abandon", "reloading");
    this.#zeroAtMs = NEVER;
  }

  /** Hands over, or with `now` (and where no hand-over is configured) leaves at once. Done when the state is STOPPED. */
  stop(now: boolean): void {
    const immediately = now || this.#options.handoverTimeoutMs === 0;
    this.#dispatch(immediately ? "stop-now" : "stop", "stopping");
  }

  /** A drill: a master hands over and goes on as BACKUP, or as MASTER when nobody takes over. */
  yield(): void {
    this.#dispatch("yield", "a drill");
  }

  /** Sets or clears a reason not to take part. */
  setFault(reason: string, isFaulty: boolean): void {
    if (this.#faults.has(reason) === isFaulty) return;
    const before = this.#faults.size;
    if (isFaulty) this.#faults.add(reason);
    else this.#faults.delete(reason);
    // An own reason tells the group first, so that all members leave before one of them could be elected again.
    if (before === 0 && this.#faults.size > 0) this.#dispatch("fault", reason);
    if (reason !== GROUP_FAULT) this.group?.onFaults();
    if (before > 0 && this.#faults.size === 0) this.#dispatch("recovered", `no longer: ${reason}`);
  }

  /** Own reasons not to take part, those of the sync group left out. */
  get ownFaults(): number {
    return this.#faults.size - (this.#faults.has(GROUP_FAULT) ? 1 : 0);
  }

  faultText(): string {
    return [...this.#faults].join(", ");
  }

  /** The effective priority; an owner keeps 255. */
  setPriority(priority: number): void {
    if (this.plan.priority === 255) return;
    this.priority = Math.max(1, Math.min(254, priority));
  }

  /** An advert that passed `checkPacket`. */
  onAdvert(packet: Packet): void {
    const source = this.world.source();
    const comparison = source === null ? 1 : compareAddresses(packet.source, source, packet.addressBytes);
    // Our own packet that came back (a loop, a mirror port): it says nothing about others.
    if (source !== null && comparison === 0) return;
    this.counters.advertsReceived++;
    this.#heardIntervalMs = packet.intervalMs;
    if (packet.priority === 0) {
      this.counters.zerosReceived++;
      this.#dispatch("advert-zero", "the master left");
      return;
    }
    if (this.handover.hasSuccessor) {
      this.#dispatch("handed-over", "the successor has settled");
      return;
    }
    const superior = packet.priority > this.priority || (packet.priority === this.priority && comparison > 0);
    if (superior) this.#dispatch("advert-superior", `an advert of priority ${packet.priority}`);
    else if (this.state === "MASTER" && this.#isSilentForLong())
      this.#dispatch("advert-superior", "another master was elected while this one was frozen");
    else this.#dispatch("advert-inferior", `an advert of priority ${packet.priority}`);
  }

  /** Somebody else removed one of the addresses. */
  onAddressLost(): void {
    this.#dispatch("address-lost", "an address was removed by others");
  }

  /** The peer is known to be gone (BFD): no need to wait for the down timer. */
  onPeerLost(): void {
    if (this.state === "BACKUP") this.#downTimerExpired("the peer's BFD session is down");
  }

  // For the sync group.

  promote(): void {
    this.#dispatch("down-timer", "the sync group becomes master");
  }

  onGroupBackup(): void {
    this.wantsMaster = false;
    this.#dispatch("group-backup", "the sync group is no master any more");
  }

  // Time.

  get nextDeadlineMs(): number {
    const announceAtMs = this.state === "MASTER" ? this.#announcements.nextMs : NEVER;
    return Math.min(this.#downAtMs, this.#advertAtMs, this.#zeroAtMs, this.handover.dueMs, announceAtMs);
  }

  /** Whether packets are to be read before time is believed: a down timer is due. */
  get downIsDue(): boolean {
    return this.world.nowMs() >= this.#downAtMs;
  }

  tick(): void {
    const nowMs = this.world.nowMs();
    if (nowMs >= this.#zeroAtMs) {
      this.#zeroAtMs = NEVER;
      this.#send(0);
    }
    if (nowMs >= this.#downAtMs) this.#onDownTimer(nowMs);
    if (nowMs >= this.#advertAtMs) {
      if (this.#hasOverslept(nowMs)) this.#dispatch("overslept", "an advert was so late that others may be master");
      else this.#dispatch("advert-timer", "an advert is due");
    }
    if (nowMs >= this.handover.dueMs) {
      if (this.handover.hasSuccessor) this.#dispatch("handed-over", "the successor was heard");
      else this.#dispatch("no-successor", "no successor was heard");
    }
    if (this.state === "MASTER") {
      for (let due = this.#announcements.takeDue(nowMs); due > 0; due--) this.world.announce();
    }
  }

  get downMs(): number {
    return downMs(this.plan, this.priority, this.masterIntervalMs);
  }

  #onDownTimer(nowMs: number): void {
    const lateMs = nowMs - this.#downAtMs;
    if (lateMs > Math.max(this.masterIntervalMs, 20) && !this.#sleptOnce) {
      this.world.log(
        "warn",
        `the down timer fired ${Math.round(lateMs)} ms late: this machine slept, waiting once more`,
      );
      this.#armDown();
      this.#sleptOnce = true;
      return;
    }
    this.#downTimerExpired(this.#masterLeft ? "the master left" : "the down timer expired");
  }

  #downTimerExpired(reason: string): void {
    if (this.group !== null && !this.group.mayBecomeMaster(this)) {
      this.wantsMaster = true;
      this.#armDown();
      return;
    }
    this.#dispatch("down-timer", reason);
    this.group?.onMaster(this);
  }

  // The table at work.

  #dispatch(event: Event, reason: string): void {
    const from = this.state;
    const cell = TABLE[from][event];
    if (cell === "ignored") return;
    assert(cell !== "impossible", "an event only comes when its timer is armed");
    this.state = cell.to;
    for (const action of cell.actions) this.#act(action);
    if (cell.to === from) return;
    this.#onEntered(from, cell.to);
    this.world.onTransition({ from, to: cell.to, event, reason, priority: this.priority });
    if (from === "MASTER" && cell.to === "BACKUP") this.group?.onBackup(this);
  }

  #onEntered(from: State, to: State): void {
    const nowMs = this.world.nowMs();
    this.wantsMaster = false;
    this.#preemptAtMs = NEVER;
    if (from === "MASTER") {
      this.counters.releasedMaster++;
      this.#flaps.onReignEnded(nowMs, nowMs - this.stateSinceMs, this.downMs);
    }
    if (to === "MASTER") this.counters.becameMaster++;
    this.stateSinceMs = nowMs;
  }

  #act(action: Action): void {
    const { world } = this;
    const nowMs = world.nowMs();
    switch (action) {
      case "inspect-addresses":
        this.#holdsStale = world.holdsAddresses();
        if (!this.#options.adoptAddresses) this.#releaseStale();
        else if (this.#holdsStale) world.log("info", "addresses of an earlier run are kept until a master is heard");
        break;
      case "claim":
        this.#holdsStale = false;
        world.claim();
        break;
      case "release":
        world.release();
        break;
      case "release-stale":
        this.#releaseStale();
        break;
      case "announce":
        this.#announcements.startAsMaster(nowMs);
        for (let due = this.#announcements.takeDue(nowMs); due > 0; due--) world.announce();
        break;
      case "stop-announcing":
        this.#announcements.stop();
        break;
      case "send-advert":
        this.#send(this.priority);
        break;
      case "send-zero":
        this.#send(0);
        this.#zeroAtMs = nowMs + ZERO_REPEAT_MS;
        break;
      case "send-last-advert":
        // After a sleep the others know better, and ours would beat them.
        if (this.plan.higherPrioritySendAdvert && !this.#isSilentForLong()) this.#send(this.priority);
        break;
      case "answer-inferior":
        this.#answerInferior(nowMs);
        break;
      case "weigh-preemption":
        this.#weighPreemption(nowMs);
        break;
      case "adopt-interval":
        this.#adoptInterval();
        break;
      case "own-interval":
        this.masterIntervalMs = this.plan.advertIntervalMs;
        break;
      case "arm-down":
        this.wantsMaster = false;
        this.#armDown();
        break;
      case "arm-skew":
        // Also when the zero is repeated: all backups must count from the same packet, or their order would be lost.
        this.#downAtMs = nowMs + afterZeroMs(this.plan, this.priority, this.masterIntervalMs);
        this.#masterLeft = true;
        break;
      case "arm-advert":
        this.#advertAtMs = nowMs + this.plan.advertIntervalMs;
        break;
      case "arm-handover":
        // With 0 a stop leaves at once, and a drill waits all the same.
        this.handover.start(nowMs, handoverMs(this.plan, this.#options.handoverTimeoutMs || null));
        break;
      case "arm-linger":
        this.handover.onHeard(nowMs);
        break;
      case "disarm":
        this.#downAtMs = NEVER;
        this.#advertAtMs = NEVER;
        this.handover.disarm();
        break;
    }
  }

  #send(priority: number): void {
    this.counters.advertsSent++;
    if (priority === 0) this.counters.zerosSent++;
    this.#advertSentMs = this.world.nowMs();
    this.world.sendAdvert(priority);
  }

  #releaseStale(): void {
    if (!this.#holdsStale) return;
    this.#holdsStale = false;
    this.world.release();
  }

  #armDown(): void {
    const nowMs = this.world.nowMs();
    this.#sleptOnce = false;
    this.#masterLeft = false;
    const isOwner = this.plan.priority === 255 && this.counters.becameMaster === 0;
    const extraMs = this.#flaps.isFlapping(nowMs) ? this.world.random() * this.downMs : 0;
    this.#downAtMs = isOwner && this.state === "BACKUP" ? nowMs : nowMs + this.downMs + extraMs;
  }

  #adoptInterval(): void {
    if (this.plan.version === 2) return;
    const { adoptedIntervalMinMs, adoptedIntervalMaxMs } = this.plan;
    const heardMs = this.#heardIntervalMs;
    this.masterIntervalMs = Math.max(adoptedIntervalMinMs, Math.min(adoptedIntervalMaxMs, heardMs));
    if (this.masterIntervalMs !== heardMs && this.#warnedIntervalMs !== heardMs) {
      this.#warnedIntervalMs = heardMs;
      this.world.log("warn", `the master's advert interval of ${heardMs} ms is taken as ${this.masterIntervalMs} ms`);
    }
  }

  /** An inferior master is there. Tolerating it arms the down timer; otherwise the timer runs on and we take over when it ends. */
  #weighPreemption(nowMs: number): void {
    const { preempt, delayMs } = this.plan.preemption;
    if (preempt && this.#preemptAtMs === NEVER) {
      this.#preemptAtMs = nowMs + delayMs;
      if (delayMs > 0) this.world.log("info", `preemption is delayed by ${delayMs} ms`);
    }
    if (preempt && nowMs >= this.#preemptAtMs) return;
    this.#act("adopt-interval");
    this.#act("arm-down");
  }

  #answerInferior(nowMs: number): void {
    if (!this.plan.lowerPriorityNoAdvert) {
      this.#act("send-advert");
      this.#act("arm-advert");
    }
    this.#announcements.startAfterInferior(nowMs);
    for (let due = this.#announcements.takeDue(nowMs); due > 0; due--) this.world.announce();
    this.world.onLowerPriority();
  }

  /** `timer_expired_backup`: the last advert is so long ago that the down timer of the strongest other may have expired. */
  #hasOverslept(nowMs: number): boolean {
    const { timerExpiredBackup: strongest, preemption, advertIntervalMs } = this.plan;
    if (strongest === null || preemption.preempt) return false;
    return nowMs - this.#advertSentMs > downMs(this.plan, strongest, advertIntervalMs);
  }

  /** Of a master, which was frozen then: it did not send for so long that the others' down timers must have expired. */
  #isSilentForLong(): boolean {
    return this.world.nowMs() - this.#advertSentMs > Math.max(this.downMs, 2 * this.plan.advertIntervalMs + 1000);
  }
}
