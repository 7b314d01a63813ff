// One generation of the proxy as the master sees it: a child process that gets plan and sockets from here, and where it stands.
//
//   starting ──"prepared"──▶ prepared ──go──▶ going ──"serving"──▶ serving ──retire──▶ retired ──▶ gone
//       │                       │               │                     │                  │
//       └───────────────────────┴───────────────┴── exit ─────────────┴──────────────────┘
//
// Listening sockets travel as descriptors of the child's start: the master's stay open, so that nothing that waits in a backlog is lost
// whatever happens to a generation. `fd@N` keeps its number, because the configuration means that number.

import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { socketPair } from "../../shared/ffi/socket.ts";
import { inheritedDescriptors } from "../control/daemon.ts";
import type { HandoverState } from "../control/handover.ts";
import type { SocketsByKey } from "../listener/listening-sockets.ts";
import type { Plan } from "../plan/plan.ts";
import { type FromGeneration, GENERATION_VARIABLE, type GenerationVoice, type ToGeneration } from "./messages.ts";

const FIRST_FREE_DESCRIPTOR = 3;
/** A generation that does not say what it knows within this time gives its successor nothing. */
const TAKE_MS = 2_000;

export interface GenerationOptions {
  readonly plan: Plan;
  readonly configurationFiles: readonly string[];
  readonly warnings: number;
  readonly noReusePort: boolean;
  readonly voice: GenerationVoice;
  readonly sockets: SocketsByKey;
  /** How many reloads the master had seen when this generation was made. */
  readonly reloads: number;
}

export type GenerationState = "starting" | "prepared" | "going" | "serving" | "retired" | "gone";

/** How a process ended: the status, or the signal that killed it. */
export interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Generation {
  readonly options: GenerationOptions;
  readonly startedAtMs = Date.now();
  /** Settles when the process is gone. */
  readonly ended: Promise<Ending>;
  /** True once "prepared" was said; false when the process ended first. */
  readonly prepared: Promise<boolean>;
  /** True once "serving" was said; false when the process ended first. */
  readonly serving: Promise<boolean>;
  /** What it said while starting. */
  readonly said: string[] = [];
  state: GenerationState = "starting";
  readonly #child: ChildProcess;
  readonly #connecting = new Map<number, () => void>();
  #nextConnection = 0;
  #onPrepared: (prepared: boolean) => void = () => {};
  #onServing: (serving: boolean) => void = () => {};
  #onState: (state: HandoverState) => void = () => {};

  constructor(options: GenerationOptions) {
    this.options = options;
    this.prepared = new Promise((resolve) => {
      this.#onPrepared = resolve;
    });
    this.serving = new Promise((resolve) => {
      this.#onServing = resolve;
    });
    const { stdio, sockets } = layOut(options);
    this.#child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      stdio,
      serialization: "advanced",
      env: { ...process.env, [GENERATION_VARIABLE]: "1" },
    });
    this.ended = new Promise((resolve) => {
      const end = (ending: Ending): void => {
        this.state = "gone";
        this.#onPrepared(false);
        this.#onServing(false);
        this.#onState({});
        resolve(ending);
      };
      this.#child.once("error", () => end({ status: 1, signal: null }));
      this.#child.once("exit", (status, signal) => end({ status, signal }));
    });
    this.#child.on("message", (message: FromGeneration) => this.#receive(message));
    const { plan, configurationFiles, warnings, noReusePort, voice } = options;
    this.#send({ type: "birth", plan, configurationFiles, warnings, noReusePort, voice, sockets });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The prepared generation serves from now on. */
  go(state: HandoverState): void {
    this.state = "going";
    this.#send({ type: "go", state });
  }

  /** What a successor should know; nothing when this generation is gone or does not answer. */
  take(): Promise<HandoverState> {
    if (this.state !== "serving") return Promise.resolve({});
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve({}), TAKE_MS);
      this.#onState = (state) => {
        clearTimeout(timer);
        resolve(state);
      };
      this.#send({ type: "take" });
    });
  }

  /** A successor serves. */
  retire(): void {
    this.state = "retired";
    this.#send({ type: "retire" });
  }

  drain(): void {
    this.#send({ type: "drain" });
  }

  stop(): void {
    this.#send({ type: "stop" });
  }

  /** For one that does not react. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** A connection to the generation's runtime API, or null when it is gone. */
  async connect(settings: Omit<Extract<ToGeneration, { type: "cli" }>, "type" | "id">): Promise<Socket | null> {
    const pair = this.#child.connected ? socketPair() : -1;
    if (typeof pair === "number") return null;
    const theirs = new Socket({ fd: pair[0], readable: true, writable: true });
    theirs.on("error", () => theirs.destroy());
    const id = this.#nextConnection++;
    const open = new Promise<void>((resolve) => {
      this.#connecting.set(id, resolve);
    });
    this.#send({ type: "cli", id, ...settings }, theirs);
    // Until the other process reads it, our own copy of the socket does: what was written earlier would be lost in here.
    await Promise.race([open, this.ended]);
    this.#connecting.delete(id);
    return new Socket({ fd: pair[1], readable: true, writable: true });
  }

  #send(message: ToGeneration, handle?: Socket): void {
    // A child that is just ending closes the channel first; its end is told by `ended`.
    if (this.#child.connected) this.#child.send(message, handle, () => {});
    else handle?.destroy();
  }

  #receive(message: FromGeneration): void {
    switch (message.type) {
      case "prepared":
        this.state = "prepared";
        this.#onPrepared(true);
        break;
      case "serving":
        if (this.state === "going") this.state = "serving";
        this.#onServing(true);
        break;
      case "state":
        this.#onState(message.state);
        break;
      case "cli-open":
        this.#connecting.get(message.id)?.();
        break;
      case "said":
        this.said.push(message.line);
        break;
    }
  }
}

type Stdio = ("inherit" | "ignore" | "ipc" | number)[];

/** Where each descriptor of the child leads: standard streams, `fd@N` under its own number, then the channel and the sockets. */
function layOut({ plan, sockets }: GenerationOptions): {
  readonly stdio: Stdio;
  readonly sockets: readonly (readonly [string, readonly number[]])[];
} {
  const stdio: Stdio = ["inherit", "inherit", "inherit"];
  for (const fd of inheritedDescriptors(plan)) {
    while (stdio.length <= fd) stdio.push("ignore");
    stdio[fd] = fd;
  }
  let next = FIRST_FREE_DESCRIPTOR;
  const place = (what: number | "ipc"): number => {
    while (next < stdio.length && stdio[next] !== "ignore") next++;
    stdio[next] = what;
    return next++;
  };
  place("ipc");
  // A socket that was given as fd@N is in place already.
  const given = new Set(inheritedDescriptors(plan));
  const placed = [...sockets].map(([key, fds]) => [key, fds.map((fd) => (given.has(fd) ? fd : place(fd)))] as const);
  return { stdio, sockets: placed };
}
