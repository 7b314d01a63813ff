// Which of the pool's threads have imported the worker's code. A chroot has to wait for them, and so has the end: a thread that is terminated in
// the middle of loading the FFI library takes the process with it (SIGABRT). Who works in a thread is workers.ts.

import type { Piscina } from "piscina";

/** How long a thread that is still loading is waited for at the end. */
const PATIENCE_MS = 3_000;

export class ThreadLoading {
  readonly #pool: Piscina;
  /** By thread id. */
  readonly #loaded = new Set<number>();

  constructor(pool: Piscina) {
    this.#pool = pool;
  }

  /** Resolves when every thread of the initial set has loaded; rejects when one cannot. */
  async whole(): Promise<void> {
    // piscina has an event for threads that are ready, but announces those of the initial set before they are.
    const loads = this.#pool.threads.map(
      (thread) =>
        new Promise<void>((resolve, reject) => {
          const { threadId } = thread;
          thread.once("message", () => {
            this.#loaded.add(threadId);
            resolve();
          });
          thread.once("error", reject);
          thread.once("exit", (status) =>
            reject(new Error(`worker thread exited with status ${status} while loading`)),
          );
        }),
    );
    await Promise.all(loads);
    this.#pool.on("workerCreate", ({ id }) => this.#loaded.add(id));
  }

  /** Resolves when no thread is loading any more, or after PATIENCE_MS. */
  async settled(): Promise<void> {
    const ends = this.#pool.threads
      .filter(({ threadId }) => !this.#loaded.has(threadId))
      .map(
        (thread) =>
          new Promise<void>((resolve) => {
            for (const event of ["message", "error", "exit"]) thread.once(event, () => resolve());
          }),
      );
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    await Promise.race([Promise.all(ends), patience]);
    clearTimeout(timer);
  }
}
