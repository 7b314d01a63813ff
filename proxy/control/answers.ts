// Questions of the workers to the control plane (the statistics page), and who answers them. A worker's client waits for the answer, so there
// always is one: if ours fails, 500.

import type { WorkerAnswer, WorkerQuestion } from "./control-plane.ts";
import type { ProcessLog } from "./process-log.ts";

export type Answerer = (question: WorkerQuestion) => WorkerAnswer | Promise<WorkerAnswer>;

const FAILED: WorkerAnswer = { status: 500, headers: [], body: new Uint8Array(0) };

export class Answers {
  readonly #processLog: ProcessLog;
  readonly #answerers = new Map<string, Answerer>();

  constructor(processLog: ProcessLog) {
    this.#processLog = processLog;
  }

  /** One answerer per kind. */
  register(kind: WorkerQuestion["kind"], answerer: Answerer): void {
    this.#answerers.set(kind, answerer);
  }

  /** Never rejects. */
  async find(question: WorkerQuestion): Promise<WorkerAnswer> {
    try {
      const answerer = this.#answerers.get(question.kind);
      if (answerer === undefined) throw new Error(`nobody answers questions of kind '${question.kind}'`);
      return await answerer(question);
    } catch (error) {
      this.#processLog.alert(`A worker's question found no answer: ${error}`, {
        event: "answer-failed",
        stack: error instanceof Error ? error.stack : undefined,
      });
      return FAILED;
    }
  }
}
