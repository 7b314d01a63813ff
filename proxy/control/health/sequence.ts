// One attempt of a check: its steps in their order. Every connect step closes the connection before it; steps that expect look at all that has come since
// the last send, and wait for more until they can decide. Never throws for what a peer or the kernel does.
//
//   (connect) ─► send ─► expect ─► … ─► last step done ► L7OK, or L4OK or L6OK when it was a connect
//       │                   ├─ not what was wanted ► L7RSP, L7STS, "TCPCHK did not match content 'x' at step 2"
//       │                   └─ too late ► L7TOUT
//       ├─ refused, unreachable … ► L4CON     too slow ► L4TOUT, L6TOUT     no handshake ► L6RSP
//       └─ closed or reset later ► SOCKERR
//
// Steps are counted from 1 and told in failures of `tcp-check`; 0 is the connection that a sequence without a connect in front begins with.

import type { CheckPlan, CheckStepConnectPlan, CheckStepExpectPlan, CheckStepPlan } from "../../plan/check.ts";
import type { CheckOutcome } from "../server-state/event-text.ts";
import { CheckConnection, type ConnectionSettings, type ConnectionUser } from "./check-connection.ts";
import { compileExpect, type Judge, type Judgement } from "./check-expect.ts";
import { compileRequest } from "./check-request.ts";
import { CheckResponseReader } from "./check-response.ts";
import type { CheckSamples, CheckScope } from "./check-samples.ts";
import { CHECK_STATUS } from "./check-status.ts";
import { implicitText, placeText, unexpectedText } from "./check-text.ts";

/** What of an answer is kept; a server that says more before a step is content has failed it. */
const ANSWER_BYTES_MAX = 16_384;
const LOWEST_MS = 1;

/** What is done at a step. */
type Step =
  | { readonly kind: "connect"; readonly plan: CheckStepConnectPlan; readonly port: (scope: CheckScope) => number }
  | {
      readonly kind: "write";
      readonly plan: CheckStepPlan;
      readonly bytes: (scope: CheckScope, state: string) => string;
    }
  | {
      readonly kind: "request";
      readonly plan: CheckStepPlan;
      readonly method: string;
      readonly bytes: (scope: CheckScope, state: string) => string;
    }
  | { readonly kind: "do"; readonly plan: CheckStepPlan; readonly run: (scope: CheckScope) => void }
  | ExpectStep;

interface ExpectStep {
  readonly kind: "expect";
  readonly plan: CheckStepExpectPlan;
  readonly judge: Judge;
  readonly code: (scope: CheckScope) => number;
  readonly onSuccess: ((scope: CheckScope) => string) | null;
  readonly onError: ((scope: CheckScope) => string) | null;
}

/** The steps of a check, ready to be run by any number of attempts. */
export interface Sequence {
  readonly plan: CheckPlan;
  readonly steps: readonly Step[];
}

export function compileSequence(plan: CheckPlan, samples: CheckSamples): Sequence {
  return { plan, steps: plan.steps.map((step) => compileStep(step, plan.kind === "httpchk", samples)) };
}

function compileStep(plan: CheckStepPlan, isHttp: boolean, samples: CheckSamples): Step {
  switch (plan.kind) {
    case "connect": {
      const { port } = plan;
      return { kind: "connect", plan, port: typeof port === "number" ? () => port : samples.integer(port) };
    }
    case "comment":
      return { kind: "do", plan, run: () => {} };
    case "variable":
      return { kind: "do", plan, run: samples.assignment(plan.name, plan.conditions, plan.value) };
    case "send": {
      const text = samples.text(plan.text);
      const bytes = plan.isHex ? (scope: CheckScope) => Buffer.from(text(scope), "hex").toString("latin1") : text;
      return { kind: "write", plan, bytes };
    }
    case "request":
      return { kind: "request", plan, method: plan.method, bytes: compileRequest(plan, samples) };
    case "expect":
      return {
        ...{ kind: "expect", plan, judge: compileExpect(plan, isHttp, samples), code: compileCode(plan, samples) },
        ...{ onSuccess: compileText(plan.onSuccess, samples), onError: compileText(plan.onError, samples) },
      };
  }
}

function compileText(
  text: CheckStepExpectPlan["onError"],
  samples: CheckSamples,
): ((scope: CheckScope) => string) | null {
  if (text === null) return null;
  // What a server said from that byte on, as far as people can read it.
  if (typeof text === "number")
    return ({ answer }) => /^[\x20-\x7e]*/.exec(answer.slice(text).trimStart())![0].slice(0, 128);
  return samples.text(text);
}

function compileCode({ statusCode }: CheckStepExpectPlan, samples: CheckSamples): (scope: CheckScope) => number {
  if (statusCode === null) return () => 0;
  if (statusCode === "digits") return ({ answer }) => Number(/^\d{3}/.exec(answer)?.[0] ?? 0);
  const code = samples.integer(statusCode);
  return (scope) => code(scope) || 0;
}

/** What an attempt is told about its server. */
export interface AttemptSettings {
  readonly scope: CheckScope;
  /** How to connect for a step; null: the connection in front of all. */
  readonly connection: (step: CheckStepConnectPlan | null, port: number) => ConnectionSettings;
  /** Time for everything behind a connect; null: what connecting has left. */
  readonly answerMs: number | null;
  readonly serverIsUp: boolean;
  /** What `http-check send-state` says, "": nothing. */
  readonly state: string;
}

export class SequenceAttempt implements ConnectionUser {
  readonly #sequence: Sequence;
  readonly #settings: AttemptSettings;
  readonly #scope: CheckScope;
  readonly #done: (outcome: CheckOutcome) => void;
  readonly #startedMs = performance.now();
  #connection: CheckConnection | null = null;
  #connectMs = 0;
  #reader: CheckResponseReader;
  #timer: NodeJS.Timeout | undefined;
  /** Index of the step under way, -1: the connection in front of all. */
  #at = -1;
  /** What the last protocol step had to say. */
  #context = "";
  #code = 0;
  /** The peer says no more. */
  #isLast = false;
  #ended = false;

  /** Starts at once; `done` is called exactly once, never from inside the constructor, and not after `cancel`. */
  constructor(sequence: Sequence, settings: AttemptSettings, done: (outcome: CheckOutcome) => void) {
    this.#sequence = sequence;
    this.#settings = settings;
    this.#scope = settings.scope;
    this.#done = done;
    this.#reader = new CheckResponseReader("", 0);
    const { steps } = sequence;
    // Variables and comments may stand in front of the first connection.
    const begin = steps.findIndex(({ kind }) => kind !== "do");
    const first = steps[begin];
    if (first?.kind === "connect") {
      for (let at = 0; at < begin; at++) this.#do(steps[at]!);
      this.#at = begin;
      this.#connect(first.plan, first.port(this.#scope));
    } else this.#connect(null, 0);
  }

  /** Gives the attempt up without an outcome. */
  cancel(): void {
    this.#ended = true;
    this.#release();
  }

  onEstablished(status: number): void {
    const leftMs = this.#settings.answerMs ?? this.#connectMs - (performance.now() - this.#startedMs);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#late(), Math.max(LOWEST_MS, leftMs));
    if (this.#at < this.#sequence.steps.length - 1) this.#next();
    else this.#end(status, this.#at < 0 ? "" : "(tcp-check)");
  }

  onFailed(status: number, info: string): void {
    this.#fail(status, info);
  }

  onData(bytes: Buffer): void {
    const text = bytes.toString("latin1");
    const scope = this.#scope;
    if (scope.answer.length < ANSWER_BYTES_MAX) scope.answer += text;
    if (scope.answer.length >= ANSWER_BYTES_MAX) this.#isLast = true;
    this.#reader.push(text);
    this.#look();
  }

  onEnd(): void {
    this.#isLast = true;
    this.#reader.close();
    this.#look();
  }

  #connect(plan: CheckStepConnectPlan | null, port: number): void {
    this.#connection?.close(false);
    this.#forget("");
    const settings = this.#settings.connection(plan, port);
    this.#connectMs = settings.connectMs;
    this.#connection = new CheckConnection(settings, this);
  }

  /** What was said before is no answer to what is said now. */
  #forget(method: string): void {
    this.#scope.answer = "";
    this.#scope.isHttp = method !== "";
    this.#isLast = false;
    this.#reader = new CheckResponseReader(method, ANSWER_BYTES_MAX);
  }

  #do(step: Step): void {
    if (step.kind === "do") step.run(this.#scope);
  }

  #next(): void {
    for (;;) {
      this.#at++;
      const step = this.#sequence.steps[this.#at];
      if (step === undefined) {
        this.#end(CHECK_STATUS.L7OK, this.#plainText());
        return;
      }
      if (step.kind === "connect") {
        this.#connect(step.plan, step.port(this.#scope));
        return;
      }
      if (step.kind === "expect") {
        this.#look();
        return;
      }
      if (step.kind === "do") {
        this.#do(step);
        continue;
      }
      const bytes = step.bytes(this.#scope, this.#settings.state);
      this.#forget(step.kind === "request" ? step.method : "");
      this.#connection!.write(Buffer.from(bytes, "latin1"));
    }
  }

  /** Whether the step that expects can be judged. */
  #look(): void {
    const step = this.#sequence.steps[this.#at];
    if (this.#ended || step?.kind !== "expect") return;
    const judgement = this.#judge(step);
    if (judgement === null || this.#ended) return;
    if (!judgement.passed) {
      this.#refuse(step, judgement);
      return;
    }
    this.#context = judgement.info || this.#context;
    if (this.#at < this.#sequence.steps.length - 1) {
      this.#next();
      return;
    }
    this.#code = step.code(this.#scope) || this.#code;
    const info = step.onSuccess?.(this.#scope) ?? (judgement.info || this.#plainText());
    this.#end(CHECK_STATUS[step.plan.okStatus ?? "L7OK"], info);
  }

  #judge(step: ExpectStep): Judgement {
    const scope = this.#scope;
    const isHttp = this.#sequence.plan.kind === "httpchk";
    scope.isComplete = this.#isLast;
    if (!isHttp) {
      if (scope.answer === "" && this.#isLast) return this.#empty(step);
      return step.judge({ scope, isLast: this.#isLast, response: null, context: this.#context });
    }
    const response = this.#reader.response();
    if (response === null) {
      this.#end(CHECK_STATUS.SOCKERR, "");
      return null;
    }
    if (response.headed) this.#code = response.status;
    if (response.headed && response.status === 404 && this.#sequence.plan.disableOn404 && this.#settings.serverIsUp) {
      this.#end(CHECK_STATUS.L7OKC, "");
      return null;
    }
    return step.judge({ scope, isLast: this.#isLast, response, context: "" });
  }

  #empty(step: ExpectStep): Judgement {
    const status = CHECK_STATUS[step.plan.errorStatus ?? "L7RSP"];
    this.#end(status, `TCPCHK got an empty response at step ${this.#at + 1}`);
    return null;
  }

  #refuse(step: ExpectStep, judgement: Extract<Judgement, { passed: false }>): void {
    const status = step.plan.errorStatus === null ? judgement.status : CHECK_STATUS[step.plan.errorStatus];
    this.#code = step.code(this.#scope) || judgement.code || this.#code;
    const comment = step.plan.comment === "" ? "" : ` comment: ${step.plan.comment}`;
    const told = step.onError?.(this.#scope) ?? judgement.info;
    const tellsSteps = this.#sequence.plan.kind === "tcp-check";
    const info = told ?? (tellsSteps ? unexpectedText(step.plan, this.#at + 1) : "");
    this.#end(status, info + comment);
  }

  /** What is told of a success that has no words of its own. */
  #plainText(): string {
    return implicitText(this.#sequence.plan);
  }

  /** The time of the answer is over. */
  #late(): void {
    const step = this.#sequence.steps[this.#at];
    const status = step?.kind === "expect" ? step.plan.timeoutStatus : null;
    this.#fail(CHECK_STATUS[status ?? "L7TOUT"], "");
  }

  /** A failure beside what was expected: its step is told. */
  #fail(status: number, info: string): void {
    const tellsSteps = this.#sequence.plan.kind === "tcp-check" && this.#sequence.steps.length > 0;
    this.#end(status, tellsSteps ? info + placeText(this.#sequence.plan.steps[this.#at], this.#at + 1) : info);
  }

  #end(status: number, info: string): void {
    if (this.#ended) return;
    this.#ended = true;
    // A check that only connects says goodbye by a reset: neither side keeps TIME_WAIT.
    this.#release(this.#sequence.steps.length === 0);
    this.#done({ status, code: this.#code, info, durationMs: Math.floor(performance.now() - this.#startedMs) });
  }

  #release(reset = false): void {
    clearTimeout(this.#timer);
    this.#connection?.close(reset);
  }
}
