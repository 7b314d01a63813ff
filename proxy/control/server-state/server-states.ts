// The single writer of server states. Health checks, the runtime API and the statistics page ask it for changes; it keeps HAProxy's
// rules about them, writes the words that the workers read, counts, says what happened and wakes the workers.
//
//                 fall failed checks, health down
//        ┌──────────────────────────────────────────────┐
//        │                 404, health stopping          ▼
//   STARTING ──slowstart──► RUNNING ◄──────────► STOPPING ──► STOPPED
//        ▲                                                      │
//        └───────────── rise passed checks, health up ──────────┘
//
// On top of that lie the administrator's bits: maintenance stops a server and pauses its checks, drain takes it out of balancing
// only. Leaving maintenance makes a server run at once with a health of `rise`: its next check decides.
//
// Who tracks a server (`track`) follows it in all of that, chains as well.
//
// Not here: when checks run and how they end (health/), how a server is picked (balance/).
//
// Longer than 400 lines because every change of a server's state, and what it does to others, has to be seen in one place.

import type { Plan, ProxyPlan, ServerPlan } from "../../plan/plan.ts";
import {
  ADMIN_DRAIN,
  ADMIN_MAINT,
  ADMIN_STATE,
  OP_STATE,
  PROXY,
  SERVER,
  type SharedState,
} from "../../shared-state/layout.ts";
import type { ToWorker } from "../../worker/task.ts";
import { type Announcer, SEVERITY } from "./announcer.ts";
import { BackendSummaries } from "./backend-summary.ts";
import { DynamicCookies } from "./dynamic-cookies.ts";
import {
  type BackendCounts,
  downText,
  enterDrainText,
  enterMaintenanceText,
  leaveDrainText,
  leaveMaintenanceText,
  noServerText,
  type Reason,
  remainInDrainText,
  resolvesAgainText,
  stoppingText,
  upText,
} from "./event-text.ts";
import { beginsDown, initialHealth } from "./initial-health.ts";
import { ServerAddresses } from "./server-addresses.ts";
import { slowStartStepMs } from "./slow-start.ts";
import { alignTrackers, trackersOf } from "./tracking.ts";
import { BundledPublisher, type WeightsPublisher } from "./weights-publisher.ts";

/** Publishing a backend may take a twentieth of the time. */
const PUBLISH_PAUSE_FACTOR = 20;

/** HAProxy's `rise` and `fall`, which a server without checks has as well. */
const CHECK_DEFAULTS = { rise: 2, fall: 3 };

export interface ServerStatesOptions {
  readonly plan: Plan;
  readonly shared: SharedState;
  readonly announcer: Announcer;
  readonly publishWeights: WeightsPublisher;
  /** Posts to every worker and wakes it. */
  readonly broadcast: (message: ToWorker) => void;
  /** How many times what a publication took passes before the next one of that backend. */
  readonly publishPauseFactor?: number;
  /** Milliseconds since the epoch; tests bring their own clock. */
  readonly nowMs?: () => number;
}

/** HAProxy's three words of `set server … state`. */
export type AdministrativeState = "ready" | "drain" | "maint";
/** HAProxy's three words of `set server … health`. */
export type ForcedHealth = "up" | "stopping" | "down";

export class ServerStates {
  readonly plan: Plan;
  readonly shared: SharedState;
  readonly summaries: BackendSummaries;
  readonly addresses: ServerAddresses;
  readonly cookies: DynamicCookies;
  /** Told of every change of a state or weight, before backends are counted anew. */
  onChanged: (server: ServerPlan) => void = () => {};
  readonly #announcer: Announcer;
  readonly #broadcast: (message: ToWorker) => void;
  readonly #nowMs: () => number;
  readonly #publisher: BundledPublisher;
  readonly #ramps = new Map<number, NodeJS.Timeout>();
  /** By server: those that track it. */
  readonly #trackers: readonly (readonly ServerPlan[])[];
  #lookPending = false;

  /** The initial words must have been written (boot.ts). Publishes every backend's first weights. */
  constructor(options: ServerStatesOptions) {
    this.plan = options.plan;
    this.shared = options.shared;
    this.#announcer = options.announcer;
    this.#broadcast = options.broadcast;
    this.addresses = new ServerAddresses(options.shared, options.broadcast);
    this.cookies = new DynamicCookies(options.plan, this.addresses, options.broadcast);
    this.#nowMs = options.nowMs ?? Date.now;
    const pauseFactor = options.publishPauseFactor ?? PUBLISH_PAUSE_FACTOR;
    this.#publisher = new BundledPublisher(options.publishWeights, pauseFactor);
    this.summaries = new BackendSummaries(options.plan, options.shared, this.#publisher);
    this.#trackers = trackersOf(this.plan);
    alignTrackers(this.plan, this.shared);
    for (const proxy of this.plan.proxies) if (proxy.backend !== null) this.summaries.refresh(proxy, this.nowSeconds());
  }

  nowSeconds(): number {
    return Math.floor(this.#nowMs() / 1000);
  }

  /** Stops all timers. */
  close(): void {
    this.#publisher.close();
    for (const timer of this.#ramps.values()) clearInterval(timer);
    this.#ramps.clear();
  }

  opState(server: ServerPlan): number {
    return this.#word(server, SERVER.opState);
  }

  inMaintenance(server: ServerPlan): boolean {
    return (this.#word(server, SERVER.adminState) & ADMIN_MAINT) !== 0;
  }

  isDraining(server: ServerPlan): boolean {
    return (this.#word(server, SERVER.adminState) & ADMIN_DRAIN) !== 0;
  }

  /** The server failed: `fall` checks in a row, or an administrator says so. Nothing happens to one that is down already. */
  goDown(server: ServerPlan, reason: Reason): void {
    if (this.inMaintenance(server) || this.opState(server) === OP_STATE.stopped) return;
    const severity = this.#leaveSeverity(server);
    this.#stop(server);
    const lost = this.#refresh(server);
    const text = downText(server, this.#backend(server).name, reason, this.#counts(server));
    this.#say(server, severity, "server-down", text);
    if (lost) this.#cryNoServer(server);
    this.#shutdownSessions(server);
    this.#each(server, (tracker, via) => this.goDown(tracker, { via }));
  }

  /** Those that track the server, with its name. */
  #each(server: ServerPlan, change: (tracker: ServerPlan, via: string) => void): void {
    const via = `${this.#backend(server).name}/${server.name}`;
    for (const tracker of this.#trackers[server.index]!) change(tracker, via);
  }

  /** The server works (again). Nothing happens to one that is up already. */
  goUp(server: ServerPlan, reason: Reason): void {
    const state = this.opState(server);
    if (this.inMaintenance(server) || state === OP_STATE.running || state === OP_STATE.starting) return;
    this.#start(server);
    this.#refresh(server);
    const text = upText(server, this.#backend(server).name, reason, this.#counts(server));
    this.#say(server, SEVERITY.notice, "server-up", text);
    this.#shutdownBackupSessions(server);
    this.#each(server, (tracker, via) => this.goUp(tracker, { via }));
  }

  /** The server asks for no new visitors (`http-check disable-on-404`) or an administrator does. */
  goStopping(server: ServerPlan, reason: Reason): void {
    if (this.inMaintenance(server) || this.opState(server) === OP_STATE.stopping) return;
    if (this.opState(server) === OP_STATE.stopped) this.#addDowntime(server);
    this.#write(server, SERVER.opState, OP_STATE.stopping);
    this.#touch(server);
    const lost = this.#refresh(server);
    const text = stoppingText(server, this.#backend(server).name, reason, this.#counts(server));
    this.#say(server, SEVERITY.notice, "server-stopping", text);
    if (lost) this.#cryNoServer(server);
    this.#each(server, (tracker, via) => this.goStopping(tracker, { via }));
  }

  /** `set server … health`. Health counts from now on as if the checks had said it. */
  forceHealth(server: ServerPlan, health: ForcedHealth): void {
    const { rise, fall } = server.check ?? CHECK_DEFAULTS;
    if (health === "down") {
      this.#write(server, SERVER.checkHealth, 0);
      this.goDown(server, "cli");
      return;
    }
    this.#write(server, SERVER.checkHealth, rise + fall - 1);
    if (health === "up") this.goUp(server, "cli");
    else this.goStopping(server, "cli");
  }

  /** `set server … state`. */
  setAdministrativeState(server: ServerPlan, state: AdministrativeState): void {
    if (state === "maint") {
      this.#enterMaintenance(server, ADMIN_STATE.forcedDrain);
      if (!this.isDraining(server))
        this.#each(server, (tracker, via) => this.#leaveDrain(tracker, ADMIN_STATE.inheritedDrain, via));
    } else if (state === "drain") this.#setDrain(server);
    else this.#setReady(server);
  }

  /** `disable server`: maintenance, a drain stays behind it. */
  disable(server: ServerPlan): void {
    this.#enterMaintenance(server, 0);
  }

  /** `enable server`: out of maintenance, a drain stays. */
  enable(server: ServerPlan): void {
    if (this.inMaintenance(server)) this.#leaveMaintenance(server);
  }

  /** DNS gives the server no address (any more). @param reason as HAProxy words it */
  enterResolution(server: ServerPlan, reason: string): void {
    if ((this.#word(server, SERVER.adminState) & ADMIN_STATE.resolutionMaint) !== 0) return;
    this.#enterMaintenance(server, 0, ADMIN_STATE.resolutionMaint, { resolution: reason });
  }

  /** DNS gives the server an address (again). */
  leaveResolution(server: ServerPlan, hostname: string): void {
    if ((this.#word(server, SERVER.adminState) & ADMIN_STATE.resolutionMaint) === 0) return;
    this.#leaveMaintenance(server, ADMIN_STATE.resolutionMaint, hostname);
    const text = `Server ${this.#backend(server).name}/${server.name} administratively READY thanks to valid DNS answer.`;
    this.#say(server, SEVERITY.notice, "server-resolved", text);
  }

  /** The server's name is another one than the configuration's. */
  setHostnameChanged(server: ServerPlan): void {
    this.#write(server, SERVER.adminState, this.#word(server, SERVER.adminState) | ADMIN_STATE.hostnameChanged);
  }

  /** Its weight as it was set last. */
  userWeight(server: ServerPlan): number {
    return this.#word(server, SERVER.userWeight);
  }

  /** A weight between 0 and 256. */
  setWeight(server: ServerPlan, weight: number): void {
    this.#write(server, SERVER.userWeight, weight);
    if (this.#refresh(server)) this.#cryNoServer(server);
    this.look();
  }

  setMaxconn(server: ServerPlan, maxconn: number): void {
    this.#write(server, SERVER.maxconn, maxconn);
    this.look();
  }

  setCheckEnabled(server: ServerPlan, enabled: boolean): void {
    this.#write(server, SERVER.checkEnabled, enabled ? 1 : 0);
  }

  /** Closes what the workers hold open to a server. @param killed an administrator wants it: the log says `K` instead of `D` */
  shutdownSessions(server: ServerPlan, killed = false): void {
    const message = { type: "shutdown-server-sessions", server: server.index } as const;
    this.#broadcast(killed ? { ...message, killed } : message);
  }

  /** Wakes the workers: something that they read changed. One message for all changes of a turn of the event loop. */
  look(): void {
    if (this.#lookPending) return;
    this.#lookPending = true;
    queueMicrotask(() => {
      this.#lookPending = false;
      this.#broadcast({ type: "look" });
    });
  }

  /** What a sentence about this server counts. */
  #counts(server: ServerPlan): BackendCounts {
    const at = this.shared.proxyAt(server.proxy);
    return {
      active: this.shared.words[at + PROXY.activeServers],
      backup: this.shared.words[at + PROXY.backupServers],
      sessions: Atomics.load(this.shared.words, this.shared.serverAt(server.index) + SERVER.served),
      requeued: Atomics.load(this.shared.words, this.shared.serverAt(server.index) + SERVER.queued),
      queued: Atomics.load(this.shared.words, at + PROXY.queued),
    };
  }

  /** @param flag whose maintenance it is: the server's own, or that of the one that it tracks (`via`) */
  #enterMaintenance(
    server: ServerPlan,
    clearBits: number,
    flag: number = ADMIN_STATE.forcedMaint,
    cause: Parameters<typeof enterMaintenanceText>[4] = null,
  ): void {
    const bits = this.#word(server, SERVER.adminState);
    if ((bits & ADMIN_MAINT) !== 0) {
      this.#write(server, SERVER.adminState, (bits | flag) & ~clearBits);
      return;
    }
    const wasDown = this.opState(server) === OP_STATE.stopped;
    const severity = wasDown ? SEVERITY.notice : this.#leaveSeverity(server);
    this.#write(server, SERVER.adminState, (bits | flag) & ~clearBits);
    this.#write(server, SERVER.checkHealth, 0);
    if (!wasDown) this.#stop(server);
    else this.#touchDown(server);
    const lost = this.#refresh(server);
    const text = enterMaintenanceText(server, this.#backend(server).name, wasDown, this.#counts(server), cause);
    this.#say(server, severity, "server-maintenance", text);
    if (lost) this.#cryNoServer(server);
    if (!wasDown) this.#shutdownSessions(server);
    this.#each(server, (tracker, via) => this.#enterMaintenance(tracker, 0, ADMIN_STATE.inheritedMaint, { via }));
  }

  /** @param flag as in `#enterMaintenance`; with another's maintenance left, the server stays where it is */
  #leaveMaintenance(
    server: ServerPlan,
    flag: number = ADMIN_STATE.forcedMaint,
    via: string | null = null,
    entersDrain = false,
  ): void {
    const bits = this.#word(server, SERVER.adminState);
    if ((bits & flag) === 0) return;
    this.#write(server, SERVER.adminState, bits & ~flag);
    if (this.inMaintenance(server)) return;
    const isUp = this.#comesUp(server);
    if (server.check !== null) this.#write(server, SERVER.checkHealth, initialHealth(server.check, server.initState));
    if (isUp) this.#start(server);
    else this.#touchDown(server);
    this.#refresh(server);
    const isDraining = this.isDraining(server);
    const words = { isUp, isDraining, wasForced: flag === ADMIN_STATE.forcedMaint };
    const name = this.#backend(server).name;
    const text =
      flag === ADMIN_STATE.resolutionMaint
        ? resolvesAgainText(server, name, via ?? "", words)
        : leaveMaintenanceText(server, name, words);
    this.#say(server, SEVERITY.notice, "server-ready", text);
    const tracked = flag === ADMIN_STATE.inheritedMaint ? via : null;
    if (isDraining && (tracked !== null || entersDrain))
      this.#say(server, SEVERITY.notice, "server-drain", remainInDrainText(server, name, tracked));
    if (!isDraining && isUp) this.#shutdownBackupSessions(server);
    this.#each(server, (tracker, own) => this.#leaveMaintenance(tracker, ADMIN_STATE.inheritedMaint, own));
  }

  /** Out of maintenance: a server is up, unless it begins as one that is down (`init-state`), or the one that it tracks is. */
  #comesUp(server: ServerPlan): boolean {
    if (server.track !== undefined) return this.opState(this.plan.servers[server.track]!) !== OP_STATE.stopped;
    return !beginsDown(server);
  }

  #setDrain(server: ServerPlan): void {
    const bits = this.#word(server, SERVER.adminState);
    const wasDraining = (bits & ADMIN_DRAIN) !== 0;
    this.#write(server, SERVER.adminState, bits | ADMIN_STATE.forcedDrain);
    if ((bits & ADMIN_MAINT) !== 0) {
      this.#each(server, (tracker) => this.#inheritDrainInMaintenance(tracker));
      this.#leaveMaintenance(server, ADMIN_STATE.forcedMaint, null, true);
      return;
    }
    if (!wasDraining) this.#entersDrain(server, null);
  }

  #entersDrain(server: ServerPlan, via: string | null): void {
    const lost = this.#refresh(server);
    const text = enterDrainText(server, this.#backend(server).name, this.#counts(server), via);
    this.#say(server, SEVERITY.notice, "server-drain", text);
    if (lost) this.#cryNoServer(server);
    this.#each(server, (tracker, name) => {
      const bits = this.#word(tracker, SERVER.adminState);
      this.#write(tracker, SERVER.adminState, bits | ADMIN_STATE.inheritedDrain);
      if ((bits & (ADMIN_DRAIN | ADMIN_MAINT)) === 0) this.#entersDrain(tracker, name);
    });
  }

  /** Nothing is said of a drain that begins in maintenance: the way out tells. */
  #inheritDrainInMaintenance(server: ServerPlan): void {
    this.#write(server, SERVER.adminState, this.#word(server, SERVER.adminState) | ADMIN_STATE.inheritedDrain);
    this.#each(server, (tracker) => this.#inheritDrainInMaintenance(tracker));
  }

  #setReady(server: ServerPlan): void {
    this.#leaveDrain(server, ADMIN_STATE.forcedDrain, null);
    this.#leaveMaintenance(server);
  }

  #leaveDrain(server: ServerPlan, flag: number, via: string | null): void {
    const bits = this.#word(server, SERVER.adminState);
    if ((bits & flag) === 0) return;
    this.#write(server, SERVER.adminState, bits & ~flag);
    if (this.isDraining(server)) return;
    if ((bits & ADMIN_MAINT) === 0) {
      this.#refresh(server);
      const up = this.opState(server) !== OP_STATE.stopped;
      const text = leaveDrainText(server, this.#backend(server).name, up, via);
      this.#say(server, SEVERITY.notice, "server-ready", text);
    }
    this.#each(server, (tracker, name) => this.#leaveDrain(tracker, ADMIN_STATE.inheritedDrain, name));
  }

  #stop(server: ServerPlan): void {
    this.#cancelRamp(server);
    this.#write(server, SERVER.opState, OP_STATE.stopped);
    this.#write(server, SERVER.downTransitions, this.#word(server, SERVER.downTransitions) + 1);
    this.#touch(server);
  }

  #start(server: ServerPlan): void {
    if (this.opState(server) === OP_STATE.stopped) this.#addDowntime(server);
    this.#write(server, SERVER.opState, server.slowstartMs > 0 ? OP_STATE.starting : OP_STATE.running);
    this.#touch(server);
    if (server.slowstartMs > 0) this.#ramp(server);
  }

  /** Publishes the growing weight of a starting server until it runs. */
  #ramp(server: ServerPlan): void {
    this.#cancelRamp(server);
    const startedMs = this.#nowMs();
    const timer = setInterval(() => {
      if (this.#nowMs() - startedMs >= server.slowstartMs) {
        this.#cancelRamp(server);
        if (this.opState(server) === OP_STATE.starting) this.#write(server, SERVER.opState, OP_STATE.running);
      }
      this.#refresh(server);
    }, slowStartStepMs(server));
    timer.unref();
    this.#ramps.set(server.index, timer);
  }

  #cancelRamp(server: ServerPlan): void {
    clearInterval(this.#ramps.get(server.index));
    this.#ramps.delete(server.index);
  }

  #addDowntime(server: ServerPlan): void {
    const elapsed = this.nowSeconds() - this.#word(server, SERVER.lastChange);
    this.#write(server, SERVER.downtimeSeconds, this.#word(server, SERVER.downtimeSeconds) + elapsed);
  }

  /** The state word stays (stopped), its reason changes: the clock starts again, the seconds so far count as downtime. */
  #touchDown(server: ServerPlan): void {
    this.#addDowntime(server);
    this.#touch(server);
  }

  #touch(server: ServerPlan): void {
    this.#write(server, SERVER.lastChange, this.nowSeconds());
  }

  /** Leaving is an alert, unless the server had no visitors to lose: HAProxy's distinction. */
  #leaveSeverity(server: ServerPlan): number {
    return this.opState(server) === OP_STATE.stopping || this.isDraining(server) ? SEVERITY.notice : SEVERITY.alert;
  }

  #shutdownSessions(server: ServerPlan): void {
    if (server.onMarkedDown === "shutdown-sessions") this.shutdownSessions(server);
    this.look();
  }

  #shutdownBackupSessions(server: ServerPlan): void {
    if (server.onMarkedUp === "shutdown-backup-sessions") {
      for (const index of this.#backend(server).backend?.servers ?? []) {
        if (this.plan.servers[index].backup) this.shutdownSessions(this.plan.servers[index]);
      }
    }
    this.look();
  }

  #refresh(server: ServerPlan): boolean {
    this.onChanged(server);
    return this.summaries.refresh(this.#backend(server), this.nowSeconds());
  }

  #cryNoServer(server: ServerPlan): void {
    const proxy = this.#backend(server);
    this.#announcer.cry(proxy, "backend-down", noServerText(proxy));
  }

  #say(server: ServerPlan, severity: number, event: string, text: string): void {
    this.#announcer.say(this.#backend(server), severity, event, text);
    this.look();
  }

  #backend(server: ServerPlan): ProxyPlan {
    return this.plan.proxies[server.proxy];
  }

  #word(server: ServerPlan, word: number): number {
    return Atomics.load(this.shared.words, this.shared.serverAt(server.index) + word);
  }

  #write(server: ServerPlan, word: number, value: number): void {
    Atomics.store(this.shared.words, this.shared.serverAt(server.index) + word, value);
  }
}
