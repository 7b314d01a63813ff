// What each signal does, as in HAProxy's management guide (section 4). Handlers are installed before anything else happens, because Node's own
// answer to SIGUSR1 is to open a debugger port; what arrives before the process runs is kept and answered then.
//
//   SIGTERM SIGINT   stop at once, tidily; then the process dies by that very signal, as HAProxy does: whoever waits for it can tell
//   SIGUSR1          soft stop
//   SIGHUP           server states to the log
//   SIGQUIT          memory use to the log (HAProxy dumps its pools)
//   SIGUSR2          a master reloads (on SIGHUP as well); a process without one says so
//   SIGTTOU SIGTTIN  a new process asks to pause or resume listening: not needed, ports are shared (SO_REUSEPORT)

/** What the process answers with, once it runs. */
export interface SignalActions {
  stop(signal: NodeJS.Signals): void;
  drain(): void;
  dumpStates(): void;
  dumpMemory(): void;
  /** SIGUSR2 and SIGHUP to a master; where there is none they are explained and dump states. */
  reload?(): void;
  /** A signal that is understood and does nothing here. */
  explain(text: string): void;
}

const EXPLANATION: Partial<Record<NodeJS.Signals, string>> = {
  SIGUSR2: "SIGUSR2 received: there is no master that could reload (-W, -Ws).",
  SIGTTOU: "SIGTTOU received: nothing to pause, listening ports can be bound by a new process at any time.",
  SIGTTIN: "SIGTTIN received: nothing was paused.",
};

const HANDLED: readonly NodeJS.Signals[] = [
  "SIGTERM",
  "SIGINT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGHUP",
  "SIGQUIT",
  "SIGTTOU",
  "SIGTTIN",
];

export class Signals {
  readonly #early: NodeJS.Signals[] = [];
  readonly #listener = (signal: NodeJS.Signals) => this.#receive(signal);
  #actions: SignalActions | null = null;

  constructor() {
    for (const signal of HANDLED) process.on(signal, this.#listener);
  }

  /** From now on signals are answered; those that came before, first. */
  attach(actions: SignalActions): void {
    this.#actions = actions;
    for (const signal of this.#early.splice(0)) this.#receive(signal);
  }

  /** Gives every signal its default action back. */
  detach(): void {
    for (const signal of HANDLED) process.off(signal, this.#listener);
  }

  #receive(signal: NodeJS.Signals): void {
    const actions = this.#actions;
    if (actions === null) this.#early.push(signal);
    else if (signal === "SIGTERM" || signal === "SIGINT") actions.stop(signal);
    else if (signal === "SIGUSR1") actions.drain();
    else if (actions.reload !== undefined && (signal === "SIGUSR2" || signal === "SIGHUP")) actions.reload();
    else if (signal === "SIGHUP") actions.dumpStates();
    else if (signal === "SIGQUIT") actions.dumpMemory();
    else actions.explain(EXPLANATION[signal] ?? `${signal} received.`);
  }
}
