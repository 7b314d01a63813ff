// This process as a generation under a master: where plan and sockets come from, when it is its turn, and what it is told. The other end of
// the channel is master/generation.ts. When the master is gone, what it supervised has no future either: the generation drains, so that
// whoever starts the next master finds the addresses free.

import type { Socket } from "node:net";
import { type FromGeneration, GENERATION_VARIABLE, type ToGeneration } from "../master/messages.ts";
import type { HandoverState } from "./handover.ts";
import type { ProxyProcess } from "./proxy-process.ts";
import type { RuntimeApi } from "./runtime-api/runtime-api.ts";
import { newSessionSettings } from "./runtime-api/session-settings.ts";

export type Birth = Extract<ToGeneration, { type: "birth" }>;

const CLI_TIMEOUT_MS = 60_000;

/** Whether a master started this process. To be asked once, first thing: whatever this process starts is no generation. */
export function takeGenerationMark(): boolean {
  const marked = process.env[GENERATION_VARIABLE] === "1" && process.send !== undefined;
  delete process.env[GENERATION_VARIABLE];
  return marked;
}

export class MasterLink {
  readonly #waiting = new Map<ToGeneration["type"], (message: ToGeneration) => void>();
  readonly #early: ToGeneration[] = [];
  #proxy: ProxyProcess | null = null;
  #api: RuntimeApi | null = null;

  constructor() {
    process.on("message", (message: ToGeneration, handle: unknown) => this.#receive(message, handle));
    process.on("disconnect", () => {
      if (this.#proxy === null) process.exit(1);
      else this.#proxy.retire();
    });
  }

  /** What this generation is made of. */
  birth(): Promise<Birth> {
    return this.#await("birth");
  }

  /** Everything is ready: waits for this generation's turn. */
  async prepared(): Promise<HandoverState> {
    this.#send({ type: "prepared" });
    return (await this.#await("go")).state;
  }

  serving(proxy: ProxyProcess): void {
    this.#proxy = proxy;
    this.#send({ type: "serving" });
    for (const message of this.#early.splice(0)) this.#receive(message, undefined);
  }

  /** The runtime API, for connections that the master sends along. */
  serveWith(api: RuntimeApi): void {
    this.#api = api;
  }

  said(line: string): void {
    this.#send({ type: "said", line });
  }

  #await<T extends ToGeneration["type"]>(type: T): Promise<Extract<ToGeneration, { type: T }>> {
    return new Promise((resolve) => {
      this.#waiting.set(type, (message) => resolve(message as Extract<ToGeneration, { type: T }>));
    });
  }

  #send(message: FromGeneration): void {
    // A master that is just ending closes the channel first; `disconnect` follows.
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  }

  #receive(message: ToGeneration, handle: unknown): void {
    const waiting = this.#waiting.get(message.type);
    if (waiting !== undefined) {
      this.#waiting.delete(message.type);
      waiting(message);
      return;
    }
    if (message.type === "cli") this.#serveCli(message, handle as Socket | undefined);
    else if (this.#proxy === null) this.#early.push(message);
    else if (message.type === "take") this.#send({ type: "state", state: this.#proxy.handover.take() });
    else if (message.type === "retire") this.#proxy.retire();
    else if (message.type === "drain") this.#proxy.drain();
    else if (message.type === "stop") this.#proxy.stop();
  }

  #serveCli(
    { id, level, severityOutput, expert, experimental }: Extract<ToGeneration, { type: "cli" }>,
    socket?: Socket,
  ): void {
    if (socket === undefined || this.#api === null) {
      socket?.destroy();
      return;
    }
    // Node makes sockets that come along without it: an answer follows the end of the question.
    socket.allowHalfOpen = true;
    this.#send({ type: "cli-open", id });
    this.#api.serve(socket, { ...newSessionSettings(level, CLI_TIMEOUT_MS), severityOutput, expert, experimental });
  }
}
