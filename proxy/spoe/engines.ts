// SPOE in a worker: what streams tell the agents and what becomes of the answers. The connections to the agents are the control plane's
// (control/spoe/), so that one process has one set of them; a stream waits meanwhile as for any rule that waits (rules/waiting.ts).
//
//   rules/spoe-action.ts ─▶ ask ── message "spoe" ──▶ control/spoe/ ──NOTIFY──▶ agent
//                        ◀── resume ◀── "spoe-answer" ◀──            ◀──ACK───
//
// An answer that comes when its stream is gone, or waits no longer, is recognised by its number and dropped.

import type { SpoeEnginePlan } from "../plan/spoe.ts";
import type { SampleContext } from "../sample/context.ts";
import { TYPE } from "../sample/types.ts";
import { latin1, SampleValue } from "../sample/value.ts";
import { STATE, type Stream } from "../stream/stream.ts";
import type { Variable } from "../variables/variables.ts";
import type { WorkerContext } from "../worker/context.ts";
import { PackedReader } from "./packed.ts";

/** Values of `option set-on-error`. 256 and more: what the protocol calls the error. */
export const FAILURE = { none: 0, timeout: 1, resources: 2, tooBig: 3, unknown: 255 } as const;

const SET_VARIABLE = 1;
const UNSET_VARIABLE = 2;
const SCOPES = ["proc", "sess", "txn", "req", "res"] as const;

/** What a stream has to do with SPOE at the moment. Kept by slot; of another generation it is a former stream's. */
export class SpoeUse {
  generation = -1;
  /** Number of the question that waits, 0: none does. */
  question = 0;
  startMs = 0;
  totalMs = 0;
  /** The answer is there: FAILURE or 256 and more, and the actions. */
  isAnswered = false;
  failure = 0;
  actions: Uint8Array | null = null;
  /** Bits by engine (the first 31): an error has switched it off for this stream. */
  disabled = 0;
}

interface Engine {
  readonly plan: SpoeEnginePlan;
  readonly error: Variable | null;
  readonly processTime: Variable | null;
  readonly totalTime: Variable | null;
}

export class SpoeEngines {
  readonly #ctx: WorkerContext;
  readonly #samples: SampleContext;
  readonly #engines: readonly Engine[];
  readonly #uses: SpoeUse[] = [];
  readonly #value = new SampleValue(0);
  /** Begins anywhere: what was asked by a worker that died is not this one's. */
  #lastQuestion = Math.floor(Math.random() * 0x7fffffff);

  constructor(ctx: WorkerContext, samples: SampleContext) {
    this.#ctx = ctx;
    this.#samples = samples;
    const { variables } = samples;
    const find = (name: string | null): Variable | null => (name === null ? null : variables.find(name));
    this.#engines = ctx.plan.spoe.map((plan) => {
      for (const name of plan.registered) for (const scope of SCOPES.slice(1)) variables.find(`${scope}.${name}`);
      return {
        ...{ plan, error: find(plan.errorVariable), processTime: find(plan.processTimeVariable) },
        totalTime: find(plan.totalTimeVariable),
      };
    });
  }

  useOf(stream: Stream): SpoeUse {
    let use = this.#uses[stream.slot];
    if (use === undefined) use = this.#uses[stream.slot] = new SpoeUse();
    if (use.generation !== stream.generation) {
      use.generation = stream.generation;
      use.question = use.totalMs = use.disabled = 0;
      use.isAnswered = false;
      use.actions = null;
    }
    return use;
  }

  /** Sends a list of messages. The stream is resumed when the answer is there. */
  ask(stream: Stream, use: SpoeUse, engine: number, messages: Uint8Array): void {
    const { clock, mailbox } = this.#ctx;
    this.#lastQuestion = (this.#lastQuestion % 0x7fffffff) + 1;
    use.question = this.#lastQuestion;
    use.startMs = clock.nowMs;
    use.isAnswered = false;
    mailbox.post({ type: "spoe", engine, slot: stream.slot, question: use.question, messages });
  }

  /** The control plane's answer. `failure` as in SpoeUse. */
  answer(slot: number, question: number, failure: number, actions: Uint8Array | null): void {
    const stream = this.#ctx.streams.all[slot];
    const use = this.#uses[slot];
    if (stream === undefined || use === undefined || !stream.active || use.generation !== stream.generation) return;
    if (use.question !== question) return;
    use.isAnswered = true;
    use.failure = failure;
    use.actions = actions;
    if (stream.state === STATE.inspecting) this.#ctx.routing.resume(stream);
    else if (stream.state === STATE.inspectingResponse) this.#ctx.back.rules.resume(stream);
    else if (stream.server >= 0) this.#ctx.relay.onReceived(stream.server);
  }

  /** The question is over, answered or not: variables are set, times are noted, and an engine that failed is switched off. */
  finish(stream: Stream, use: SpoeUse, engine: number, failure: number): void {
    const { plan, error, processTime, totalTime } = this.#engines[engine]!;
    const ms = (this.#ctx.clock.nowMs - use.startMs) | 0;
    use.question = 0;
    use.totalMs += ms;
    let failed = failure;
    if (failed === FAILURE.none && use.actions !== null && !this.#apply(stream, plan, use.actions)) failed = 256 + 4;
    use.actions = null;
    this.#set(processTime, stream, ms);
    this.#set(totalTime, stream, use.totalMs);
    if (failed === FAILURE.none) return;
    this.#set(error, stream, failed);
    if (!plan.continueOnError) use.disabled |= 1 << engine;
  }

  #set(variable: Variable | null, stream: Stream, int: number): void {
    if (variable === null) return;
    const value = this.#value;
    value.type = TYPE.sint;
    value.int = int;
    value.high = 0;
    value.low = int | 0;
    this.#samples.variables.set(variable, stream, value, 0);
  }

  /** Does what the agent says. False: it makes no sense. */
  #apply(stream: Stream, { prefix }: SpoeEnginePlan, actions: Uint8Array): boolean {
    const { variables } = this.#samples;
    const reader = new PackedReader(actions);
    while (reader.at < reader.end) {
      const action = reader.byte();
      const count = reader.byte();
      const scope = SCOPES[reader.byte()];
      const start = reader.text();
      if (reader.failed || scope === undefined) return false;
      // As HAProxy: a name that is unknown is passed over.
      const variable = variables.known(scope, `${prefix}.${latin1(actions, start, reader.at)}`);
      if (action === SET_VARIABLE && count === 3) {
        const isValue = reader.value(this.#value);
        if (reader.failed) return false;
        if (variable === null) continue;
        if (isValue) variables.set(variable, stream, this.#value, 0);
        else variables.unset(variable, stream);
      } else if (action === UNSET_VARIABLE && count === 2) {
        if (variable !== null) variables.unset(variable, stream);
      } else return false;
    }
    return !reader.failed;
  }
}
