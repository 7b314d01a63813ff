// The main thread of the daemon: starts the VRRP thread, runs what may be slow beside it (scripts, notifications, the control socket),
// and ends in an orderly way.
//
//   main thread                                   VRRP thread (thread/)
//   scripts, probes ──── track ─────────────────▶ priorities, faults
//   notifications  ◀──── transition, group ────── state machine
//   signals        ───── stop ──────────────────▶ hand-over
//
// A VRRP thread that dies of a bug is started again: it finds its own addresses and adopts them.
//
// Reload: the thread of the new plan opens everything and waits; then the old one lets go of what the new plan still has (addresses stay, no
// advert of priority 0) and gives up the rest, and the new one begins, its masters as masters. Peers see one advert a little late.

import type { ControlSource, TrackedState } from "./control/control-source.ts";
import { Drill, type DrillReport, drillInstances } from "./drill.ts";
import { Guard } from "./guard.ts";
import type { Log } from "./log.ts";
import { Notifier } from "./notify/notifier.ts";
import { runScript } from "./notify/run-script.ts";
import type { OrphanedGuards } from "./orphaned-guards.ts";
import type { HaPlan } from "./plan/plan.ts";
import { changeStatics } from "./statics.ts";
import type { FromThread, InstanceState, ToThread, TrackerKind } from "./thread/messages.ts";
import { trackedName } from "./thread/trackers.ts";
import { encodeReport } from "./track/proxy-report.ts";
import { TrackRunner } from "./track/runner.ts";
import { forwarderFor } from "./virtual-server/choose-forwarder.ts";
import { type VirtualServerState, VirtualServers } from "./virtual-server/runner.ts";
import type { State } from "./vrrp/states.ts";
import { VrrpThread } from "./vrrp-thread.ts";

/** A thread that dies within this time after its start will not do better the next time. */
const RESPAWN_AFTER_MS = 1000;
const ANSWER_TIMEOUT_MS = 1000;
/** Proxies are told how we stand so often, and at every transition. */
const REPORT_MS = 1000;

type TrackMessage = Extract<ToThread, { kind: "track" }>;

export class Daemon implements ControlSource {
  readonly #log: Log;
  readonly #dontRespawn: boolean;
  readonly #asked = new Map<number, (states: readonly InstanceState[]) => void>();
  #plan: HaPlan;
  #notifier: Notifier;
  #trackers: TrackRunner;
  /** null: no configuration has had any so far. */
  #virtualServers: VirtualServers | null = null;
  readonly #guard: Guard;
  /** What trackers said last, for a thread that is started again. */
  #tracked = new Map<string, TrackMessage>();
  /** The last state of instances and groups, by kind and name. */
  readonly #states = new Map<string, State>();
  /** BFD sessions by index, as far as something was heard of them. */
  readonly #bfdsUp = new Map<number, boolean>();
  #nextId = 1;
  #thread: VrrpThread | null = null;
  /** A reload under way. */
  #next: { readonly thread: VrrpThread; readonly plan: HaPlan } | null = null;
  #drill: Drill | null = null;
  #reports: NodeJS.Timeout | null = null;
  #isStopping = false;
  #finish: (status: number) => void = () => {};

  /** `orphans`: supervisors of an earlier run, stopped; `dontRespawn`: end when the VRRP thread dies. */
  constructor(plan: HaPlan, log: Log, orphans: OrphanedGuards, dontRespawn = false) {
    this.#plan = plan;
    this.#log = log;
    this.#dontRespawn = dontRespawn;
    this.#notifier = new Notifier(plan, log);
    this.#guard = new Guard(plan, log, orphans);
    this.#trackers = this.#newTrackers(plan);
  }

  /** Runs until it is stopped. The exit status: 0, or 1 when it could not work. */
  run(): Promise<number> {
    return new Promise((resolve) => {
      this.#finish = (status) => void this.#end().then(() => resolve(status));
      void this.#begin();
      this.#reports = setInterval(() => void this.#report(), REPORT_MS);
    });
  }

  /** startup_script is waited for, at most as long as it may take; then everything starts. */
  async #begin(): Promise<void> {
    const { startupScript } = this.#plan.global;
    if (startupScript !== null) await runScript(startupScript.script, [], this.#log, startupScript.timeoutMs);
    if (this.#isStopping) {
      this.#finish(0);
      return;
    }
    changeStatics(null, this.#plan, this.#log);
    this.#guard.start();
    this.#thread = this.#newThread(this.#plan, false);
    this.#trackers.start();
    this.#startVirtualServers();
  }

  #startVirtualServers(): void {
    const plan = this.#plan;
    if (plan.virtualServers.length === 0) return;
    this.#virtualServers = new VirtualServers(plan, this.#notifier, forwarderFor(plan, this.#log), this.#log);
    this.#virtualServers.start();
  }

  async #end(): Promise<void> {
    this.#drill?.abort();
    this.#guard.end();
    if (this.#reports !== null) clearInterval(this.#reports);
    this.#trackers.stop();
    await this.#virtualServers?.stop();
    await this.#notifier.close();
    changeStatics(this.#plan, null, this.#log);
    const { shutdownScript } = this.#plan.global;
    if (shutdownScript !== null) await runScript(shutdownScript.script, [], this.#log, shutdownScript.timeoutMs);
  }

  /** Hands over and ends; a second call, or `now`, ends without waiting for a successor. */
  stop(now = false): void {
    this.#thread?.send({ kind: "stop", now: now || this.#isStopping });
    this.#isStopping = true;
  }

  /** Goes on with another plan. What runs is left alone when the new plan cannot. */
  reload(plan: HaPlan): void {
    if (this.#isStopping || this.#next !== null || this.#drill !== null) {
      this.#log("warn", "this is no time for a reload, it is left out");
      return;
    }
    this.#next = { thread: this.#newThread(plan, true), plan };
  }

  /** The state of every instance; empty when the thread does not answer in time. */
  states(): Promise<readonly InstanceState[]> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(id, []), ANSWER_TIMEOUT_MS);
      this.#asked.set(id, (states) => {
        clearTimeout(timer);
        resolve(states);
      });
      this.#thread?.send({ kind: "ask-state", id });
    });
  }

  /** What is in force. */
  get plan(): HaPlan {
    return this.#plan;
  }

  virtualServers(): VirtualServerState[] {
    return this.#virtualServers?.states() ?? [];
  }

  trackers(): TrackedState[] {
    const { bfds } = this.#plan;
    return [
      ...[...this.#tracked.values()].map(({ tracker, index, up }) => {
        return { kind: tracker, name: trackedName(this.#plan, tracker, index), up };
      }),
      ...bfds.map(({ name }, index) => ({ kind: "bfd" as const, name, up: this.#bfdsUp.get(index) ?? false })),
    ];
  }

  async drill(instance: string | null): Promise<DrillReport> {
    const failed = (text: string) => ({ ok: false, text: `${text}\n` });
    const states = await this.states();
    if (this.#isStopping || this.#next !== null || this.#drill !== null) return failed("this is no time for a drill");
    const instances = drillInstances(this.#plan, states, instance);
    if (typeof instances === "string") return failed(instances);
    const drill = new Drill(instances, this.#plan.global.sidecar.handoverTimeoutMs);
    this.#drill = drill;
    this.#log("info", `drill: handing over ${instances.map(({ name }) => name).join(", ")}`);
    this.#thread?.send({ kind: "yield", instance: instances[0]!.index });
    const report = await drill.report;
    this.#drill = null;
    for (const line of report.text.trimEnd().split("\n")) this.#log(report.ok ? "info" : "warn", `drill: ${line}`);
    return report;
  }

  /** For `show ha` and the statistics page of proxies that are tracked. */
  async #report(): Promise<void> {
    if (this.#plan.proxies.length === 0) return;
    const states = await this.states();
    this.#trackers.tell((verdict) => encodeReport(this.#plan.global.routerId, verdict, states));
  }

  #newTrackers(plan: HaPlan): TrackRunner {
    return new TrackRunner(plan, this.#log, (tracker, index, up, value) => this.#track(tracker, index, up, value));
  }

  #newThread(plan: HaPlan, standby: boolean): VrrpThread {
    return new VrrpThread(plan, standby, {
      onMessage: (thread, message) => this.#onMessage(thread, message),
      onDied: (thread, why) => this.#onDied(thread, why),
    });
  }

  #onDied(thread: VrrpThread, why: string): void {
    this.#log("error", `the VRRP thread died: ${why}`);
    if (thread === this.#next?.thread) this.#next = null;
    if (thread !== this.#thread) return;
    const isHopeless = this.#dontRespawn || performance.now() - thread.startedMs < RESPAWN_AFTER_MS;
    if (this.#isStopping || isHopeless) {
      this.#finish(1);
      return;
    }
    this.#log("warn", "starting the VRRP thread again");
    this.#next = null;
    this.#thread = this.#newThread(this.#plan, false);
    for (const message of this.#tracked.values()) this.#thread.send(message);
  }

  /** The old thread has let go: the new one begins. */
  #switch(masters: readonly number[], bfdsUp: readonly string[]): void {
    const next = this.#next;
    if (next === null) return;
    this.#next = null;
    const known = [...this.#tracked.values()].map((message) => ({
      message,
      name: trackedName(this.#plan, message.tracker, message.index),
    }));
    this.#trackers.stop();
    for (const gone of this.#plan.instances) {
      if (next.plan.instances.some(({ name }) => name === gone.name)) continue;
      this.#states.delete(`INSTANCE ${gone.name}`);
      this.#notifier.onDeleted("INSTANCE", gone.name, gone.notify, gone.priority);
    }
    for (const gone of this.#plan.syncGroups) {
      if (next.plan.syncGroups.some(({ name }) => name === gone.name)) continue;
      this.#states.delete(`GROUP ${gone.name}`);
      this.#notifier.onDeleted("GROUP", gone.name, gone.notify, 0);
    }
    void this.#notifier.close();
    changeStatics(this.#plan, next.plan, this.#log);
    this.#plan = next.plan;
    this.#guard.setPlan(next.plan, masters);
    this.#thread = next.thread;
    this.#notifier = new Notifier(next.plan, this.#log);
    this.#trackers = this.#newTrackers(next.plan);
    this.#tracked = new Map();
    this.#bfdsUp.clear();
    if (this.#virtualServers === null) this.#startVirtualServers();
    else this.#virtualServers.reload(next.plan, this.#notifier);
    // What trackers of the same name knew holds until they say something new: a reload is no reason for another priority.
    for (const { message, name } of known) {
      const index = indexOfTracked(next.plan, message.tracker, name);
      if (index >= 0) this.#track(message.tracker, index, message.up, message.value);
    }
    for (const { name } of next.plan.instances) {
      const state = this.#states.get(`INSTANCE ${name}`);
      if (state !== undefined) this.#notifier.onReloaded("INSTANCE", name, state);
    }
    for (const { name } of next.plan.syncGroups) {
      const state = this.#states.get(`GROUP ${name}`);
      if (state !== undefined) this.#notifier.onReloaded("GROUP", name, state);
    }
    for (const index of masters) this.#notifier.onResumed(index, next.plan.instances[index]!.priority);
    next.thread.send({ kind: "begin", masters, bfdsUp });
    this.#trackers.start();
    this.#log("info", "the new configuration is in force");
  }

  #onMessage(thread: VrrpThread, message: FromThread): void {
    switch (message.kind) {
      case "ready":
        if (thread === this.#next?.thread) this.#thread?.send({ kind: "hand-on", plan: this.#next.plan });
        break;
      case "handed-on":
        this.#switch(message.masters, message.bfdsUp);
        break;
      case "fatal":
        this.#log("error", message.text);
        if (thread === this.#thread) this.#finish(1);
        else this.#next = null;
        break;
      case "log":
        this.#log(message.level, message.text);
        break;
      case "transition": {
        // What a reload takes away is told of as such, by #switch.
        if (this.#next !== null && message.to === "STOPPED" && !this.#isStopping) break;
        const { name } = this.#plan.instances[message.instance]!;
        const state = message.to === "STOPPED" ? "stopped" : `${message.to} STATE`;
        this.#log("info", `(${name}) Entering ${state}: ${message.reason}, priority ${message.priority}`);
        this.#states.set(`INSTANCE ${name}`, message.to);
        this.#notifier.onInstance(message.instance, message.to, message.priority);
        if (message.to === "MASTER") this.#drill?.onMaster(message.instance);
        void this.#report();
        break;
      }
      case "bfd":
        this.#bfdsUp.set(message.index, message.up);
        this.#virtualServers?.onBfd(message.index, message.up, this.#plan.bfds[message.index]!.name);
        break;
      case "yielded":
        this.#drill?.onYielded(message.instance, message);
        break;
      case "holds":
        this.#guard.onHolds(message.instance, message.holds);
        break;
      case "group":
        if (this.#next !== null && message.to === "STOPPED" && !this.#isStopping) break;
        this.#states.set(`GROUP ${this.#plan.syncGroups[message.group]!.name}`, message.to);
        this.#notifier.onGroup(message.group, message.to);
        break;
      case "lower-priority":
        this.#notifier.onLowerPriority(message.instance, message.priority);
        break;
      case "priority":
        this.#notifier.onPriority(message.instance, message.state, message.priority);
        break;
      case "state":
        this.#answer(message.id, message.instances);
        break;
      case "stopped":
        if (thread === this.#thread) this.#finish(0);
        break;
    }
  }

  #answer(id: number, states: readonly InstanceState[]): void {
    this.#asked.get(id)?.(states);
    this.#asked.delete(id);
  }

  #track(tracker: TrackerKind, index: number, up: boolean, value: number): void {
    const message: TrackMessage = { kind: "track", tracker, index, up, value };
    this.#tracked.set(`${tracker} ${index}`, message);
    this.#thread?.send(message);
  }
}

/** -1: nothing of that name is in the plan. */
function indexOfTracked(plan: HaPlan, kind: TrackerKind, name: string): number {
  const { scripts, processes, files, bfds, proxies } = plan;
  const lists = { script: scripts, process: processes, file: files, bfd: bfds, proxy: proxies };
  return lists[kind].findIndex((tracked) => tracked.name === name);
}
