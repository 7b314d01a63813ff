// The main thread's handle of a VRRP thread: starts it, talks to it, says when it died. During a reload there are two of them for a moment.

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { close, eventfd, wakeReactor } from "../shared/ffi/file.ts";
import type { HaPlan } from "./plan/plan.ts";
import type { FromThread, ThreadData, ToThread } from "./thread/messages.ts";

/** The heap of the thread: it keeps next to nothing. */
const HEAP_MB = 48;
const YOUNG_HEAP_MB = 2;

export interface VrrpThreadListener {
  onMessage(thread: VrrpThread, message: FromThread): void;
  /** It ended without having said `stopped` or `fatal`. `why`: an error's text, if there was one. */
  onDied(thread: VrrpThread, why: string): void;
}

export class VrrpThread {
  readonly startedMs = performance.now();
  readonly #port: MessagePort;
  /** -1 after the end. */
  #wakeFd: number;
  #hasEnded = false;
  #why = "without a reason";

  /** `standby`: it opens what it needs and waits for `begin`. Throws when there are no descriptors left. */
  constructor(plan: HaPlan, standby: boolean, listener: VrrpThreadListener) {
    const wakeFd = eventfd();
    if (wakeFd < 0) throw new Error(`no eventfd for the VRRP thread: errno ${-wakeFd}`);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#wakeFd = wakeFd;
    const workerData: ThreadData = { plan, port: port2, wakeFd, standby };
    const worker = new Worker(new URL("./thread/main.js", import.meta.url), {
      workerData,
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: YOUNG_HEAP_MB },
    });
    const hear = (message: FromThread) => {
      this.#hasEnded ||= message.kind === "stopped" || message.kind === "fatal";
      listener.onMessage(this, message);
    };
    port1.on("message", hear);
    worker.on("error", (error) => {
      this.#why = error.stack ?? error.message;
    });
    worker.on("exit", () => {
      // Its last words may still be on their way: the end of a thread can be known before them.
      for (let last = receiveMessageOnPort(port1); last !== undefined; last = receiveMessageOnPort(port1))
        hear(last.message);
      port1.close();
      close(wakeFd);
      this.#wakeFd = -1;
      if (!this.#hasEnded) listener.onDied(this, this.#why);
    });
  }

  send(message: ToThread): void {
    if (this.#wakeFd < 0) return;
    this.#port.postMessage(message);
    wakeReactor(this.#wakeFd);
  }
}
