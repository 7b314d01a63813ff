// Health checks of all servers: when they run, what their outcomes do to a server's health, and what is logged about them.
//
// Health is HAProxy's counter from 0 to rise + fall - 1; a server is up from `rise` on:
//
//        DOWN                  │                UP                       rise 2, fall 3
//   0 ──passed──► 1 ──passed──►│──────────────────────────────► 4        one passed check restores full health,
//   ▲             │            │  2 ◄──failed── 3 ◄──failed── 4          one failed below `rise` loses all of it
//   └───failed────┴────────────┴──failed── 2
//
// Intervals: `inter` in full health, `downinter` at 0, `fastinter` between, each spread by `spread-checks`; the next attempt starts so long
// after the last one has ended. The first attempts of all servers are spread evenly over their first interval, as HAProxy does, so that
// a start is not a stampede; a server that fails is therefore out within fall × inter (plus the time that a hanging check may take).

import type { ServerCheckPlan } from "../../plan/check.ts";
import type { Plan, ServerPlan } from "../../plan/plan.ts";
import { OBSERVED_TEXT } from "../../server/observation.ts";
import { OP_STATE, SERVER, type SharedState } from "../../shared-state/layout.ts";
import { type Announcer, SEVERITY } from "../server-state/announcer.ts";
import { type CheckOutcome, healthCheckText, type Reason } from "../server-state/event-text.ts";
import type { ServerStates } from "../server-state/server-states.ts";
import { AgentChecks } from "./agents.ts";
import { Attempts, type CheckTlsFiles } from "./attempts.ts";
import { CHECK_RESULT, CHECK_STATUS, type CheckResult, checkResult } from "./check-status.ts";
import { CheckSchedule } from "./schedule.ts";

export interface HealthChecksOptions {
  readonly plan: Plan;
  readonly states: ServerStates;
  readonly announcer: Announcer;
  /** Certificates and authorities that the runtime API changes. */
  readonly tlsFiles?: CheckTlsFiles;
  /** 0 … 1, for `spread-checks`. */
  readonly random?: () => number;
}

/** What is known about a server's checks beside the words of the shared state. */
interface CheckDetail {
  result: CheckResult;
  info: string;
  attempt: { cancel(): void } | null;
  /** The next check comes after `fastinter`: traffic failed while one was under way. */
  hurries: boolean;
}

/** A check of the process at the moment: `show activity`. */
export interface CheckActivity {
  readonly started: number;
  readonly running: number;
}

export class HealthChecks {
  readonly agents: AgentChecks;
  readonly #plan: Plan;
  readonly #shared: SharedState;
  readonly #states: ServerStates;
  readonly #announcer: Announcer;
  readonly #random: () => number;
  readonly #details: CheckDetail[];
  readonly #attempts: Attempts;
  readonly #schedule: CheckSchedule;
  #started = 0;
  #running = 0;

  constructor(options: HealthChecksOptions) {
    this.#plan = options.plan;
    this.#shared = options.states.shared;
    this.#states = options.states;
    this.#announcer = options.announcer;
    this.#random = options.random ?? Math.random;
    this.#attempts = new Attempts(this.#plan, this.#states, options.tlsFiles ?? null);
    this.#details = this.#plan.servers.map(() => ({
      result: CHECK_RESULT.unknown,
      info: "",
      attempt: null,
      hurries: false,
    }));
    this.agents = new AgentChecks(this.#plan, this.#states, this.#announcer, (server) => this.#allows(server));
    this.#schedule = new CheckSchedule((server) => this.#due(this.#plan.servers[server]));
  }

  /** Plans every server's first check. */
  start(): void {
    const checked = this.#plan.servers.filter((server) => server.check !== null);
    const { maxSpreadChecksMs } = this.#plan.global;
    checked.forEach((server, position) => {
      const intervalMs = this.#intervalMs(server);
      const spreadMs = maxSpreadChecksMs === 0 ? intervalMs : Math.min(intervalMs, maxSpreadChecksMs);
      this.#schedule.add(server.index, (spreadMs * position) / checked.length);
    });
    this.agents.start();
  }

  close(): void {
    this.agents.close();
    this.#schedule.close();
    for (const detail of this.#details) detail.attempt?.cancel();
  }

  /** HAProxy's srv_check_result. */
  result(server: ServerPlan): CheckResult {
    return this.#details[server.index].result;
  }

  /** What the last check had to say: `last_chk` of show stat. */
  info(server: ServerPlan): string {
    return this.#details[server.index].info;
  }

  isRunning(server: ServerPlan): boolean {
    return this.#details[server.index].attempt !== null;
  }

  activity(): CheckActivity {
    return { started: this.#started, running: this.#running };
  }

  #due(server: ServerPlan): void {
    const check = this.#checkOf(server);
    const enabled = this.#word(server, SERVER.checkEnabled) === 1 && !this.#states.inMaintenance(server);
    if (!enabled) {
      this.#scheduleNext(server);
      return;
    }
    this.#started++;
    this.#running++;
    const done = (outcome: CheckOutcome): void => this.#ended(server, outcome);
    const detail = this.#details[server.index];
    detail.attempt = this.#attempts.begin(server, check, this.#timeouts(server), done);
  }

  /** `error-limit` failures in a row were seen in traffic (`observe`), once or more since the last message. */
  observed(server: ServerPlan): void {
    const { observe } = server;
    const detail = this.#details[server.index];
    const { words } = this.#shared;
    const at = this.#shared.serverAt(server.index);
    const times = Atomics.exchange(words, at + SERVER.errorLimitsReached, 0);
    if (observe === undefined || words[at + SERVER.checkEnabled] !== 1 || this.#states.inMaintenance(server)) return;
    const info = `Detected ${observe.errorLimit} consecutive errors, last one was: ${OBSERVED_TEXT[words[at + SERVER.lastError]]}`;
    const outcome = { status: CHECK_STATUS.HANA, code: 0, info, durationMs: words[at + SERVER.checkDurationMs] };
    for (let time = 0; time < times; time++) {
      this.#write(server, SERVER.observedFailures, words[at + SERVER.observedFailures] + 1);
      if (observe.onError === "fastinter") continue;
      const { rise } = this.#checkOf(server);
      const health = words[at + SERVER.checkHealth];
      if (observe.onError === "mark-down" && health > rise) this.#write(server, SERVER.checkHealth, rise);
      else if (observe.onError === "sudden-death" && health > rise) this.#write(server, SERVER.checkHealth, rise + 1);
      this.#apply(server, detail, outcome);
    }
    this.#hurry(server, detail);
  }

  /** `fastinter` from now on to the next check, however long that would have taken. */
  #hurry(server: ServerPlan, detail: CheckDetail): void {
    const { fastinterMs } = this.#checkOf(server);
    if (fastinterMs === 0 || this.#word(server, SERVER.checkHealth) === 0) return;
    if (detail.attempt !== null) detail.hurries = true;
    else this.#schedule.advance(server.index, fastinterMs);
  }

  #ended(server: ServerPlan, outcome: CheckOutcome): void {
    const detail = this.#details[server.index];
    detail.attempt = null;
    this.#running--;
    // Maintenance began, or checks were disabled, while this one was under way: its outcome means nothing any more.
    if (this.#word(server, SERVER.checkEnabled) === 1 && !this.#states.inMaintenance(server)) {
      this.#apply(server, detail, outcome);
    }
    this.#scheduleNext(server);
  }

  #apply(server: ServerPlan, detail: CheckDetail, outcome: CheckOutcome): void {
    const result = checkResult(outcome.status);
    const statusChanged = this.#word(server, SERVER.checkStatus) !== outcome.status;
    detail.result = result;
    detail.info = outcome.info;
    this.#write(server, SERVER.checkStatus, outcome.status);
    this.#write(server, SERVER.checkCode, outcome.code);
    this.#write(server, SERVER.checkDurationMs, outcome.durationMs);
    const healthChanged = this.#moveHealth(server, result);
    const { logHealthChecks } = this.#backend(server);
    if (logHealthChecks && (statusChanged || healthChanged)) this.#log(server, result, outcome);
    this.#decide(server, result, logHealthChecks ? "unsaid" : { check: outcome });
  }

  /** Returns whether the counter moved: that is news for `log-health-checks`. */
  #moveHealth(server: ServerPlan, result: CheckResult): boolean {
    const { rise, fall } = this.#checkOf(server);
    const health = this.#word(server, SERVER.checkHealth);
    const full = rise + fall - 1;
    if (result === CHECK_RESULT.failed) {
      if (health === 0) return false;
      this.#write(server, SERVER.failedChecks, this.#word(server, SERVER.failedChecks) + 1);
      this.#write(server, SERVER.checkHealth, health - 1 < rise ? 0 : health - 1);
      return true;
    }
    if (health >= full) return false;
    this.#write(server, SERVER.checkHealth, health + 1 >= rise ? full : health + 1);
    return true;
  }

  #decide(server: ServerPlan, result: CheckResult, reason: Reason): void {
    const health = this.#word(server, SERVER.checkHealth);
    if (health === 0) this.#states.goDown(server, reason);
    else if (health < this.#checkOf(server).rise || !this.agents.allows(server)) return;
    else if (result === CHECK_RESULT.conditionallyPassed) this.#states.goStopping(server, reason);
    else if (result === CHECK_RESULT.passed) this.#states.goUp(server, reason);
  }

  /** Whether the checks, if there are any, let the server be up. */
  #allows(server: ServerPlan): boolean {
    const { check } = server;
    if (check === null || this.#word(server, SERVER.checkEnabled) !== 1) return true;
    return this.#word(server, SERVER.checkHealth) >= check.rise;
  }

  #log(server: ServerPlan, result: CheckResult, outcome: CheckOutcome): void {
    const proxy = this.#plan.proxies[server.proxy];
    const verdict =
      result === CHECK_RESULT.failed
        ? "failed"
        : result === CHECK_RESULT.conditionallyPassed
          ? "conditionally succeeded"
          : "succeeded";
    const text = healthCheckText(server, proxy.name, verdict, outcome, this.#word(server, SERVER.checkHealth));
    this.#announcer.say(proxy, SEVERITY.notice, "health-check", text);
  }

  #scheduleNext(server: ServerPlan): void {
    const detail = this.#details[server.index];
    const intervalMs = detail.hurries ? this.#checkOf(server).fastinterMs : this.#intervalMs(server);
    detail.hurries = false;
    const spread = (intervalMs * this.#plan.global.spreadChecksPercent) / 100;
    this.#schedule.add(server.index, intervalMs + spread * (2 * this.#random() - 1));
  }

  #intervalMs(server: ServerPlan): number {
    const { interMs, fastinterMs, downinterMs, rise, fall } = this.#checkOf(server);
    const health = this.#word(server, SERVER.checkHealth);
    if (health === rise + fall - 1) return interMs;
    if (health === 0 && this.#states.opState(server) === OP_STATE.stopped) return downinterMs || interMs;
    return fastinterMs || interMs;
  }

  /**
   * `timeout check` gives the answer its own time, and `timeout connect` (at most the interval) bounds the connection; without it
   * the interval bounds both (configuration.txt, `timeout check`).
   */
  #timeouts(server: ServerPlan): { connectMs: number; answerMs: number | null } {
    const { connect, check } = this.#plan.proxies[server.proxy].timeouts;
    const intervalMs = this.#intervalMs(server);
    if (check === 0) return { connectMs: intervalMs, answerMs: null };
    return { connectMs: connect === 0 ? intervalMs : Math.min(connect, intervalMs), answerMs: check };
  }

  #checkOf(server: ServerPlan): ServerCheckPlan {
    if (server.check === null) throw new Error(`server ${server.name} has no checks`);
    return server.check;
  }

  #backend(server: ServerPlan) {
    return this.#backendOf(server.proxy);
  }

  #backendOf(proxy: number) {
    const { backend, name } = this.#plan.proxies[proxy];
    if (backend === null) throw new Error(`proxy ${name} has no servers`);
    return backend;
  }

  #word(server: ServerPlan, word: number): number {
    return Atomics.load(this.#shared.words, this.#shared.serverAt(server.index) + word);
  }

  #write(server: ServerPlan, word: number, value: number): void {
    Atomics.store(this.#shared.words, this.#shared.serverAt(server.index) + word, value);
  }
}
