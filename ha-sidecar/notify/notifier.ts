// Tells others of transitions: scripts, FIFOs and mails. Nothing here makes the VRRP thread wait: it is the main thread's, and neither a slow
// script nor a full FIFO nor a dead mail server is waited for.
//
//   scripts   notify_master, notify_backup, notify_fault, notify_stop as they are written; then `notify` with four arguments appended:
//             INSTANCE|GROUP  name  MASTER|BACKUP|FAULT|STOP|DELETED  priority
//   FIFOs     INSTANCE "name" MASTER 100 and a line feed; of groups the priority is 0
//   mails     one for every new state, none for stopping
//
// Of virtual servers: notify_up, notify_down, quorum_up, quorum_down; `RS [10.0.0.1]:tcp:80 [10.0.0.9]:tcp:80 UP` and `VS [10.0.0.9]:tcp:80 DOWN`
// for the FIFOs of checkers; mails as their keywords ask for them.

import type { Log } from "../log.ts";
import type { HaPlan } from "../plan/plan.ts";
import type { ScriptPlan } from "../plan/track.ts";
import type { RealServerPlan, VirtualServerPlan } from "../plan/virtual-server.ts";
import type { NotifyPlan } from "../plan/vrrp.ts";
import type { State } from "../vrrp/states.ts";
import { Fifo } from "./fifo.ts";
import { Mailer } from "./mailer.ts";
import { runScript } from "./run-script.ts";

/** What is said of virtual and real servers. */
interface Named<Plan> {
  readonly name: string;
  readonly plan: Plan;
}

type Kind = "INSTANCE" | "GROUP";

/** The words of scripts and FIFOs; LEAVING and YIELDING are between MASTER and what follows and nobody's business. */
const WORDS: Readonly<Record<State, string | null>> = {
  STOPPED: "STOP",
  BACKUP: "BACKUP",
  MASTER: "MASTER",
  FAULT: "FAULT",
  LEAVING: null,
  YIELDING: null,
};

/** keepalived knows MASTER here and BACKUP for all else; who hands over has the addresses still. */
const PRIORITY_WORDS: Readonly<Record<State, string>> = {
  ...{ STOPPED: "BACKUP", BACKUP: "BACKUP", FAULT: "BACKUP" },
  ...{ MASTER: "MASTER", LEAVING: "MASTER", YIELDING: "MASTER" },
};

/** keepalived's sentences. */
const BODIES: Readonly<Record<Kind, (word: string) => string>> = {
  INSTANCE: (word) =>
    word === "MASTER"
      ? "=> VRRP Instance is now owning VRRP VIPs <="
      : "=> VRRP Instance is no longer owning VRRP VIPs <=",
  GROUP: (word) => `=> All VRRP group instances are now in ${word} state <=`,
};
const TITLES: Readonly<Record<Kind, string>> = { INSTANCE: "VRRP Instance", GROUP: "VRRP Group" };

export class Notifier {
  readonly #plan: HaPlan;
  readonly #log: Log;
  readonly #fifos: readonly Fifo[];
  readonly #checkerFifos: readonly Fifo[];
  readonly #mailer: Mailer;
  readonly #running = new Set<Promise<void>>();
  /** The state of the last mail, by kind and name. */
  readonly #mailed = new Map<string, string>();
  /** What everybody was told before a reload and has not changed since. */
  readonly #told = new Map<string, string>();

  constructor(plan: HaPlan, log: Log) {
    this.#plan = plan;
    this.#log = log;
    const { notifyFifos, checkerFifos } = plan.global;
    this.#fifos = notifyFifos.map((fifo) => new Fifo(fifo, log));
    this.#checkerFifos =
      plan.virtualServers.length === 0
        ? []
        : checkerFifos.map((fifo) => new Fifo(fifo, log, !notifyFifos.some(({ path }) => path === fifo.path)));
    this.#mailer = new Mailer(plan.global.mail, plan.global.routerId, log);
  }

  onInstance(index: number, state: State, priority: number): void {
    const { name, notify } = this.#plan.instances[index]!;
    this.#tell("INSTANCE", name, notify, state, priority);
  }

  onGroup(index: number, state: State): void {
    const { name, notify } = this.#plan.syncGroups[index]!;
    this.#tell("GROUP", name, notify, state, 0);
  }

  onLowerPriority(index: number, priority: number): void {
    const { name, notify } = this.#plan.instances[index]!;
    this.#run(notify.masterReceivedLowerPriority, []);
    this.#write(`INSTANCE "${name}" MASTER_RX_LOWER_PRI ${priority}`);
  }

  onPriority(index: number, state: State, priority: number): void {
    const { name, notify } = this.#plan.instances[index]!;
    if (notify.priorityChanges) this.#write(`INSTANCE "${name}" ${PRIORITY_WORDS[state]}_PRIORITY ${priority}`);
  }

  /**
   * A reload has removed them. Who did not ask for notify_deleted hears of a FAULT, as with keepalived: FIFOs and `notify` do, notify_fault
   * does not.
   */
  onDeleted(kind: Kind, name: string, notify: NotifyPlan, priority: number): void {
    const word = notify.tellsDeleted ? "DELETED" : "FAULT";
    if (notify.tellsDeleted) this.#run(notify.deleted, []);
    this.#run(notify.any, [kind, name, word, String(priority)]);
    this.#write(`${kind} "${name}" ${word} ${priority}`);
  }

  /** After a reload: they were told of this state already, and are not told again until it is another one. */
  onReloaded(kind: Kind, name: string, state: State): void {
    const word = WORDS[state];
    if (word === null || state === "STOPPED") return;
    this.#mailed.set(`${kind} ${name}`, word);
    this.#told.set(`${kind} ${name}`, word);
  }

  /** A master goes on as such after a reload: only what fifo_write_vrrp_states_on_reload asks for is written. */
  onResumed(index: number, priority: number): void {
    const { name } = this.#plan.instances[index]!;
    this.#told.delete(`INSTANCE ${name}`);
    if (this.#plan.global.fifoStatesOnReload) this.#write(`INSTANCE "${name}" MASTER ${priority}`);
  }

  /** `mail`: its text, null: nobody gets one. */
  onRealServer(virtual: Named<VirtualServerPlan>, real: Named<RealServerPlan>, up: boolean, mail: string | null): void {
    const word = up ? "UP" : "DOWN";
    this.#run(up ? real.plan.notifyUp : real.plan.notifyDown, []);
    for (const fifo of this.#checkerFifos) fifo.write(`RS ${real.name} ${virtual.name} ${word}`);
    if (!real.plan.mail || mail === null || this.#plan.global.mail.noCheckerEmails) return;
    this.#mailer.send(`Realserver ${real.name} of virtual server ${virtual.name}`, word, mail);
  }

  /** `mail`: its text, null: nobody gets one. */
  onQuorum({ name, plan }: Named<VirtualServerPlan>, hasQuorum: boolean, mail: string | null): void {
    const word = hasQuorum ? "UP" : "DOWN";
    this.#run(hasQuorum ? plan.quorumUp : plan.quorumDown, []);
    for (const fifo of this.#checkerFifos) fifo.write(`VS ${name} ${word}`);
    if (plan.mail && mail !== null) this.#mailer.send(`Virtualserver ${name}`, word, mail);
  }

  /** Waits for scripts that run and mails on their way, as long as the configuration allows (child_wait_time), and closes the FIFOs. */
  async close(): Promise<void> {
    const { childWaitTimeMs } = this.#plan.global;
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, childWaitTimeMs).unref());
    await Promise.race([Promise.all(this.#running), timeout]);
    const fifos = [...this.#fifos, ...this.#checkerFifos];
    await Promise.all([this.#mailer.close(childWaitTimeMs), ...fifos.map((fifo) => fifo.close(childWaitTimeMs))]);
  }

  #tell(kind: Kind, name: string, notify: NotifyPlan, state: State, priority: number): void {
    const word = WORDS[state];
    if (word === null) return;
    const key = `${kind} ${name}`;
    const isOld = this.#told.get(key) === word;
    this.#told.delete(key);
    if (isOld) {
      if (this.#plan.global.fifoStatesOnReload) this.#write(`${kind} "${name}" ${word} ${priority}`);
      return;
    }
    const special = {
      MASTER: notify.master,
      BACKUP: notify.backup,
      FAULT: notify.fault,
      STOPPED: notify.stop,
      LEAVING: null,
      YIELDING: null,
    };
    this.#run(special[state], []);
    this.#run(notify.any, [kind, name, word, String(priority)]);
    this.#write(`${kind} "${name}" ${word} ${priority}`);
    if (notify.mail && state !== "STOPPED") this.#mail(kind, name, word);
  }

  #mail(kind: Kind, name: string, word: string): void {
    const key = `${kind} ${name}`;
    if (this.#mailed.get(key) === word) return;
    this.#mailed.set(key, word);
    if (word === "FAULT" && this.#plan.global.mail.noFaults) return;
    this.#mailer.send(`${TITLES[kind]} ${name}`, `Entering ${word} state`, BODIES[kind](word));
  }

  #run(script: ScriptPlan | null, extra: readonly string[]): void {
    const ended = runScript(script, extra, this.#log);
    if (ended === null) return;
    this.#running.add(ended);
    void ended.then(() => this.#running.delete(ended));
  }

  #write(line: string): void {
    for (const fifo of this.#fifos) fifo.write(line);
  }
}
