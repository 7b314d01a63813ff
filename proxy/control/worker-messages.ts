// Who in the control plane hears the workers' messages, and what a worker that takes an empty seat is told before anything else.

import type { FromWorker, ToWorker } from "../worker/task.ts";

type Listener = (worker: number, message: FromWorker) => void;

export class WorkerMessages {
  readonly #listeners = new Map<string, Listener>();
  readonly #briefings: (() => readonly ToWorker[])[] = [];
  readonly #pausedFrontends = new Set<number>();

  /** One listener per type. */
  hear<Type extends FromWorker["type"]>(
    type: Type,
    listener: (worker: number, message: Extract<FromWorker, { type: Type }>) => void,
  ): void {
    this.#listeners.set(type, (worker, message) => {
      if (message.type === type) listener(worker, message as Extract<FromWorker, { type: Type }>);
    });
  }

  /** A message that the workers' group itself has no use for. */
  receive(worker: number, message: FromWorker): void {
    this.#listeners.get(message.type)?.(worker, message);
  }

  brief(messages: () => readonly ToWorker[]): void {
    this.#briefings.push(messages);
  }

  /** Keeps what a successor has to know too: frontends that are paused. */
  remember(message: ToWorker): void {
    if (message.type !== "pause-frontend") return;
    if (message.paused) this.#pausedFrontends.add(message.proxy);
    else this.#pausedFrontends.delete(message.proxy);
  }

  /** What the predecessor of a worker that starts was told and still holds. */
  briefing(): ToWorker[] {
    const paused = [...this.#pausedFrontends].map(
      (proxy): ToWorker => ({ type: "pause-frontend", proxy, paused: true }),
    );
    return [...paused, ...this.#briefings.flatMap((messages) => messages())];
  }
}
