// The workers' streams as the runtime API sees them: asked for when somebody wants to know, never kept.
//
// A stream is named by a number in hexadecimal, as HAProxy names it by its address: worker, slot and generation, so that a name never
// means another stream later.

import type { StreamReport } from "../worker/stream-report.ts";
import type { WorkerGroup } from "./control-plane.ts";

/** A worker that is just being replaced does not answer: its streams are gone. */
const PATIENCE_MS = 1_000;
const SLOT_BITS = 24n;
const WORKER_BITS = 8n;
const GENERATION_MASK = 0xffffffffn;

export interface LiveStream extends StreamReport {
  readonly worker: number;
  /** `0x…` */
  readonly id: string;
}

interface Question {
  readonly found: LiveStream[];
  missing: number;
  readonly done: () => void;
}

export class LiveStreams {
  readonly #workers: WorkerGroup;
  readonly #questions = new Map<number, Question>();
  #next = 0;

  constructor(workers: WorkerGroup) {
    this.#workers = workers;
    workers.messages.hear("streams", (worker, { question, streams }) => this.#receive(worker, question, streams));
  }

  /** All streams, worker by worker. */
  async list(): Promise<LiveStream[]> {
    const number = this.#next++;
    const found: LiveStream[] = [];
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.#questions.set(number, { found, missing: this.#workers.count, done });
      this.#workers.broadcast({ type: "report-streams", question: number });
    });
    this.#questions.delete(number);
    return found.sort((a, b) => a.worker - b.worker || a.number - b.number);
  }

  /** @returns whether there is such a stream: it is told to end */
  async shutDown(id: string): Promise<boolean> {
    const stream = (await this.list()).find((candidate) => sameId(candidate.id, id));
    if (stream === undefined) return false;
    const { worker, slot, generation } = stream;
    this.#workers.post(worker, { type: "shutdown-stream", slot, generation });
    return true;
  }

  #receive(worker: number, number: number, streams: readonly StreamReport[]): void {
    const question = this.#questions.get(number);
    if (question === undefined) return;
    for (const stream of streams) question.found.push({ ...stream, worker, id: idOf(worker, stream) });
    if (--question.missing === 0) question.done();
  }
}

export function sameId(a: string, b: string): boolean {
  return /^0x[0-9a-f]+$/i.test(b) && BigInt(a) === BigInt(b);
}

function idOf(worker: number, { slot, generation }: StreamReport): string {
  const life = (BigInt(generation) & GENERATION_MASK) << (SLOT_BITS + WORKER_BITS);
  return `0x${(life | (BigInt(worker + 1) << SLOT_BITS) | BigInt(slot)).toString(16)}`;
}
