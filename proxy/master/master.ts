// The master: holds the listening sockets, keeps one generation of the proxy serving, and puts the next in its place.
//
//   reload:  load the configuration ─▶ bind what is new ─▶ start a generation ─▶ "prepared"
//               │ faults                │ taken                 │ dies                │
//               ▼                       ▼                       ▼                     ▼
//            everything stays as it was, and every channel says why      state of the old one ─▶ go ─▶ "serving"
//                                                                                                      │
//                                        old one retires: accepts nothing, finishes, ends  ◀──────────┘
//
// A generation that dies is replaced at once: a standby with the same plan and sockets has everything loaded and waits for "go", so that
// what connects in the meantime waits in the backlog for milliseconds. What the dead one knew was asked for a few seconds ago.
//
// No traffic passes through this process, and no request can reach it: what its clients send are lines on the master CLI (cli/).

import { performance } from "node:perf_hooks";
import type { CommandLine } from "../control/command-line.ts";
import { type Configuration, listens, load, report } from "../control/configuration.ts";
import { CrashLoop } from "../control/crash-loop.ts";
import type { HandoverState } from "../control/handover.ts";
import { ProcessLog } from "../control/process-log.ts";
import { sharesSockets } from "../control/shares-sockets.ts";
import { ListeningSockets } from "../listener/listening-sockets.ts";
import type { Plan } from "../plan/plan.ts";
import { type Ending, Generation } from "./generation.ts";
import type { GenerationVoice } from "./messages.ts";
import type { SystemdNotifier } from "./notify.ts";

/** After a generation serves, so long until its standby starts: a reload that follows at once would only throw it away. */
const STANDBY_DELAY_MS = 1_000;
/** How often the serving generation is asked what a successor should know. */
const REMEMBER_EVERY_MS = 5_000;
/** A generation that does not serve after so long never will. */
const START_MS = 60_000;
/** How long generations may take to end after "stop". */
const STOP_MS = 6_000;

export interface MasterOptions {
  readonly options: CommandLine;
  readonly processLog: ProcessLog;
  readonly voice: GenerationVoice;
  readonly notifier: SystemdNotifier;
}

export interface ReloadResult {
  readonly success: boolean;
  /** Everything that was said on the way. */
  readonly log: string;
}

export class Master {
  /** Settles with the exit status when no generation is left and none is wanted. */
  readonly ended: Promise<number>;
  reloads = 0;
  failedReloads = 0;
  lastReloadFailed = false;
  /** What the last start or reload said. */
  startupLog = "";
  readonly startedAtMs = Date.now();
  readonly #options: MasterOptions;
  readonly #crashLoop = new CrashLoop();
  #current: Generation | null = null;
  #standby: Generation | null = null;
  /** On its way to be the current one. */
  #rising: Generation | null = null;
  readonly #retired = new Set<Generation>();
  #sockets: ListeningSockets | null = null;
  #known: HandoverState = {};
  #reloading: Promise<unknown> = Promise.resolve();
  #ending: "no" | "drain" | "stop" = "no";
  #status = 0;
  #standbyTimer: NodeJS.Timeout | undefined;
  readonly #memory: NodeJS.Timeout;
  #onEnded: (status: number) => void = () => {};

  constructor(options: MasterOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
    this.#memory = setInterval(() => void this.#remember(), REMEMBER_EVERY_MS);
    this.#memory.unref();
  }

  get current(): Generation | null {
    return this.#current;
  }

  /** Has everything loaded and waits for the current generation's death; null: none is there yet. */
  get standby(): Generation | null {
    return this.#standby;
  }

  /** Generations that finish what they have, the oldest first. */
  get retired(): readonly Generation[] {
    return [...this.#retired];
  }

  /** The first generation. False: it has been said why there is none. */
  async start(configuration: Configuration, plan: Plan): Promise<boolean> {
    const log = new Recorder(this.#options);
    const raising = this.#raise(configuration, plan, log);
    // A reload that is asked for already (the CLI is open) comes after it.
    this.#reloading = raising;
    const started = await raising;
    this.startupLog = log.text;
    if (started) this.#options.processLog.notice("Loading success.", { event: "loaded" });
    return started;
  }

  /** One after the other: a reload that is asked for while one is under way comes after it. `hard` does not let the old one finish. */
  reload(hard: boolean): Promise<ReloadResult> {
    const reload = this.#reloading.then(() => this.#reload(hard));
    this.#reloading = reload;
    return reload;
  }

  /** SIGUSR1: everything that serves finishes, then the master ends. */
  drain(): void {
    if (this.#ending !== "no") return;
    this.#ending = "drain";
    this.#options.notifier.stopping();
    this.#dismissStandby();
    this.#current?.drain();
    this.#endIfDone();
  }

  /** SIGTERM, SIGINT. @param status what the master ends with */
  stop(status: number): void {
    if (this.#ending === "stop") return;
    this.#ending = "stop";
    this.#status = status;
    this.#options.notifier.stopping();
    this.#dismissStandby();
    this.#rising?.kill();
    const all = this.#all();
    for (const generation of all) generation.stop();
    setTimeout(() => {
      for (const generation of all) if (generation.state !== "gone") generation.kill();
    }, STOP_MS).unref();
    this.#endIfDone();
  }

  async #reload(hard: boolean): Promise<ReloadResult> {
    const { options, processLog, notifier } = this.#options;
    const log = new Recorder(this.#options);
    if (this.#ending !== "no") return { success: false, log: "The master is stopping.\n" };
    notifier.reloading();
    processLog.warning("Reloading ringway", { event: "reload" });
    this.#dismissStandby();
    const configuration = await load(options);
    const { plan } = configuration;
    let success = report(configuration, options, log.processLog) === 0 && plan !== null;
    if (success && !listens(configuration)) {
      log.processLog.alert("No enabled listener found (check for 'bind' directives) !");
      success = false;
    }
    success = success && plan !== null && (await this.#raise(configuration, plan, log, hard));
    this.lastReloadFailed = !success;
    if (success) this.reloads++;
    else this.failedReloads++;
    this.startupLog = log.text;
    if (success) {
      processLog.notice("Loading success.", { event: "loaded" });
      notifier.ready();
    } else {
      const text = "Loading failure! The generation that serves goes on.";
      processLog.warning(text, { event: "reload-failed" });
      notifier.reloadFailed();
      this.#awaitStandby();
    }
    return { success, log: log.text };
  }

  /** Brings a generation up and lets it take over. */
  async #raise(configuration: Configuration, plan: Plan, log: Recorder, hard = false): Promise<boolean> {
    const { options } = this.#options;
    const before = this.#sockets;
    const sockets = new ListeningSockets(plan, sharesSockets(plan, options.noReusePort), before?.byKey);
    if (!sockets.failed) sockets.publish();
    for (const { loudness, text } of sockets.problems) log.processLog[loudness](text);
    const fail = (): false => {
      if (before === null) sockets.closeAll();
      else sockets.yieldTo(before);
      return false;
    };
    if (sockets.failed) {
      log.processLog.alert("[ringway.main()] Some protocols failed to start their listeners!");
      return fail();
    }
    const generation = this.#spawn(configuration, plan, sockets, this.reloads + (before === null ? 0 : 1));
    log.listen(generation);
    this.#rising = generation;
    const patience = setTimeout(() => generation.kill(), START_MS);
    const serves = await this.#bringUp(generation);
    clearTimeout(patience);
    this.#rising = null;
    if (!serves) return fail();
    // Looked up only now: the one that served may have died in the meantime and been replaced.
    const old = this.#current;
    this.#sockets = sockets;
    this.#current = generation;
    if (old !== null) this.#retire(old, hard);
    before?.yieldTo(sockets);
    this.#awaitStandby();
    return true;
  }

  /** @returns whether it serves, with what the present generation knew */
  async #bringUp(generation: Generation): Promise<boolean> {
    if (!(await generation.prepared)) return false;
    const state = await this.#current?.take();
    if (state !== undefined && Object.keys(state).length > 0) this.#known = state;
    generation.go(this.#known);
    return generation.serving;
  }

  #spawn(configuration: Configuration, plan: Plan, sockets: ListeningSockets, reloads: number): Generation {
    const { options, processLog, voice } = this.#options;
    const generation = new Generation({
      plan,
      configurationFiles: configuration.files,
      warnings: configuration.diagnostics.counts.warning,
      noReusePort: options.noReusePort,
      voice,
      sockets: sockets.byKey,
      reloads,
    });
    processLog.notice(`Initializing new worker (${generation.pid})`, { event: "generation", pid: generation.pid });
    void generation.ended.then((ending) => this.#gone(generation, ending));
    return generation;
  }

  #retire(old: Generation, hard: boolean): void {
    if (old.state === "gone") return;
    this.#retired.add(old);
    if (hard) old.stop();
    else old.retire();
    const most = this.#current?.options.plan.global.mworkerMaxReloads ?? 0;
    const [oldest] = this.#retired;
    if (oldest === undefined || most === 0 || this.#retired.size <= most) return;
    const text = `Former worker (${oldest.pid}) has outlived ${most} reloads (mworker-max-reloads): stopping it.`;
    this.#options.processLog.warning(text, { event: "generation-too-old", pid: oldest.pid });
    oldest.stop();
  }

  #gone(generation: Generation, ending: Ending): void {
    const { processLog } = this.#options;
    const how = describe(ending);
    const fields = { event: "generation-gone", pid: generation.pid, status: ending.status, signal: ending.signal };
    if (generation === this.#current) {
      this.#current = null;
      if (this.#ending === "no") {
        processLog.alert(`Current worker (${generation.pid}) exited with ${how}`, fields);
        this.#replace(generation);
      }
    } else if (generation === this.#standby) {
      this.#standby = null;
      if (this.#ending === "no") {
        processLog.warning(`Standby worker (${generation.pid}) exited with ${how}`, fields);
        this.#awaitStandby();
      }
    } else if (this.#retired.delete(generation)) {
      processLog.notice(`Former worker (${generation.pid}) exited with ${how}`, fields);
    }
    this.#endIfDone();
  }

  /** The serving generation died: its standby takes over, or one is started with what the dead one had. */
  #replace(dead: Generation): void {
    const { processLog } = this.#options;
    const delayMs = this.#crashLoop.died(performance.now());
    if (delayMs < 0) {
      processLog.alert(`${this.#crashLoop.summary}: giving up. Exiting.`, { event: "generations-give-up" });
      this.stop(1);
      return;
    }
    setTimeout(() => void this.#succeed(dead), delayMs);
  }

  async #succeed(dead: Generation): Promise<void> {
    if (this.#ending !== "no" || this.#current !== null || this.#sockets === null) return;
    const standby = this.#standby;
    this.#standby = null;
    const generation = standby ?? this.#respawn(dead);
    this.#current = generation;
    const text = `Worker (${generation.pid}) takes over from the dead one (${dead.pid}).`;
    this.#options.processLog.notice(text, { event: "generation-takes-over", pid: generation.pid });
    if (!(await generation.prepared)) return; // Its end is told to #gone, which tries again.
    generation.go(this.#known);
    if (await generation.serving) this.#awaitStandby();
  }

  #respawn(model: Generation): Generation {
    const generation = new Generation({ ...model.options, sockets: this.#sockets!.byKey });
    void generation.ended.then((ending) => this.#gone(generation, ending));
    return generation;
  }

  #awaitStandby(): void {
    clearTimeout(this.#standbyTimer);
    if (this.#ending !== "no" || this.#standby !== null) return;
    this.#standbyTimer = setTimeout(() => {
      const model = this.#current;
      if (this.#ending === "no" && model !== null && this.#standby === null) this.#standby = this.#respawn(model);
    }, STANDBY_DELAY_MS);
  }

  #dismissStandby(): void {
    clearTimeout(this.#standbyTimer);
    const standby = this.#standby;
    this.#standby = null;
    standby?.kill();
  }

  async #remember(): Promise<void> {
    const generation = this.#current;
    if (generation?.state !== "serving") return;
    const state = await generation.take();
    if (generation === this.#current && Object.keys(state).length > 0) this.#known = state;
  }

  #all(): Generation[] {
    return [...(this.#current === null ? [] : [this.#current]), ...this.#retired];
  }

  #endIfDone(): void {
    if (this.#ending === "no" || this.#all().length > 0) return;
    clearInterval(this.#memory);
    this.#sockets?.closeAll();
    this.#onEnded(this.#status);
  }
}

/** Says what the master's process log says, and remembers it: for `show startup-logs` and the answer to `reload`. */
class Recorder {
  readonly processLog: ProcessLog;
  readonly #lines: string[] = [];
  #generation: Generation | null = null;

  constructor({ voice }: MasterOptions) {
    this.processLog = new ProcessLog({
      ...voice,
      plain: true,
      write: (line) => {
        this.#lines.push(line);
        process.stderr.write(line);
      },
    });
  }

  /** The generation writes to the same stderr by itself; here its lines are only remembered. */
  listen(generation: Generation): void {
    this.#generation = generation;
  }

  get text(): string {
    return [...this.#lines, ...(this.#generation?.said ?? [])].join("");
  }
}

/** HAProxy's words: `code 0 (Exit)`, `code 137 (Killed)`. */
function describe({ status, signal }: Ending): string {
  if (signal === null) return `code ${status ?? 0} (Exit)`;
  return `code ${SIGNAL_STATUS + (SIGNALS[signal]?.number ?? 0)} (${SIGNALS[signal]?.text ?? signal})`;
}

const SIGNAL_STATUS = 128;
const SIGNALS: Partial<Record<NodeJS.Signals, { readonly number: number; readonly text: string }>> = {
  SIGINT: { number: 2, text: "Interrupt" },
  SIGABRT: { number: 6, text: "Aborted" },
  SIGBUS: { number: 7, text: "Bus error" },
  SIGKILL: { number: 9, text: "Killed" },
  SIGSEGV: { number: 11, text: "Segmentation fault" },
  SIGTERM: { number: 15, text: "Terminated" },
};
