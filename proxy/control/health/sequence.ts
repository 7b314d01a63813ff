// One attempt of a check that is a sequence of steps: `tcp-check` rules, or a protocol's check. Every connect step closes the connection before
// it; steps that expect look at all that has come since the last send, and wait for more until they can decide.
//
//   (connect) ─► send ─► expect ─► … ─► last step done ► L7OK "(tcp-check)", L4OK or L6OK when it was a connect
//                          └─ not what was wanted ► L7RSP "TCPCHK did not match content 'x' at step 2"
//
// Steps are counted from 1 and told in failures; 0 is the connection that a sequence without a connect in front begins with.

import { compilePcre } from "../../acl/pcre.ts";
import type { CheckPlan, CheckStepExpectPlan, CheckStepPlan } from "../../plan/check.ts";
import type { CheckOutcome } from "../server-state/event-text.ts";
import { CheckConnection, type ConnectionSettings, type ConnectionUser } from "./check-connection.ts";
import { CHECK_STATUS } from "./check-status.ts";

type ConnectStep = Extract<CheckStepPlan, { kind: "connect" }>;

/** What of an answer is kept; a server that says more before a step is content has failed it. */
const ANSWER_BYTES_MAX = 16_384;
const LOWEST_MS = 1;

/** null: more has to come. */
type Matcher = (answer: string, isLast: boolean) => boolean | null;

interface ExpectStep extends CheckStepExpectPlan {
  readonly matches: Matcher;
}

/** The steps of a backend, ready to be run by any number of attempts. */
export interface Sequence {
  readonly steps: readonly (Exclude<CheckStepPlan, CheckStepExpectPlan> | ExpectStep)[];
  readonly tellsSteps: boolean;
}

export function compileSequence({ steps, tellsSteps }: CheckPlan): Sequence {
  return {
    steps: steps.map((step) => (step.kind === "expect" ? { ...step, matches: compileMatcher(step) } : step)),
    tellsSteps,
  };
}

export class SequenceAttempt implements ConnectionUser {
  readonly #sequence: Sequence;
  readonly #settingsOf: (step: ConnectStep | null) => ConnectionSettings;
  readonly #answerMs: number | null;
  readonly #done: (outcome: CheckOutcome) => void;
  readonly #startedMs = performance.now();
  #connection: CheckConnection;
  #timer: NodeJS.Timeout | undefined;
  /** Index of the step under way, -1: the connection in front of all. */
  #at: number;
  #answer = "";
  /** The peer says no more. */
  #isLast = false;
  #ended = false;

  /**
   * Starts at once; `done` is called exactly once, never from inside the constructor, and not after `cancel`.
   *
   * @param settingsOf how to connect for a step; null: the connection in front of all
   * @param answerMs time for everything behind a connect; null: what connecting has left
   */
  constructor(
    sequence: Sequence,
    settingsOf: (step: ConnectStep | null) => ConnectionSettings,
    answerMs: number | null,
    done: (outcome: CheckOutcome) => void,
  ) {
    this.#sequence = sequence;
    this.#settingsOf = settingsOf;
    this.#answerMs = answerMs;
    this.#done = done;
    const begin = sequence.steps.findIndex(({ kind }) => kind !== "comment");
    const first = sequence.steps[begin];
    this.#at = first?.kind === "connect" ? begin : -1;
    this.#connection = new CheckConnection(settingsOf(first?.kind === "connect" ? first : null), this);
  }

  /** Gives the attempt up without an outcome. */
  cancel(): void {
    this.#ended = true;
    this.#release();
  }

  onEstablished(status: number): void {
    const { connectMs } = this.#settingsOf(null);
    const leftMs = this.#answerMs ?? connectMs - (performance.now() - this.#startedMs);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(CHECK_STATUS.L7TOUT, ""), Math.max(LOWEST_MS, leftMs));
    if (this.#at === this.#sequence.steps.length - 1) this.#end(status, "(tcp-check)");
    else this.#next();
  }

  onFailed(status: number, info: string): void {
    this.#fail(status, info);
  }

  onData(bytes: Buffer): void {
    if (this.#answer.length < ANSWER_BYTES_MAX) this.#answer += bytes.toString("latin1");
    if (this.#answer.length >= ANSWER_BYTES_MAX) this.#isLast = true;
    this.#look();
  }

  onEnd(): void {
    this.#isLast = true;
    this.#look();
  }

  #next(): void {
    for (;;) {
      this.#at++;
      const step = this.#sequence.steps[this.#at];
      if (step === undefined) {
        this.#end(CHECK_STATUS.L7OK, "(tcp-check)");
        return;
      }
      if (step.kind === "connect") {
        this.#connection.close(false);
        this.#answer = "";
        this.#isLast = false;
        this.#connection = new CheckConnection(this.#settingsOf(step), this);
        return;
      }
      if (step.kind === "expect") {
        this.#look();
        return;
      }
      if (step.kind === "comment") continue;
      this.#answer = "";
      this.#connection.write(Buffer.from(step.bytes, "latin1"));
    }
  }

  /** Whether the step that expects can be judged. */
  #look(): void {
    const step = this.#sequence.steps[this.#at];
    if (this.#ended || step?.kind !== "expect") return;
    const matched = step.matches(this.#answer, this.#isLast);
    if (matched === null) return;
    if (matched === step.negate) {
      this.#end(CHECK_STATUS[step.errorStatus], this.#unexpected(step, matched));
      return;
    }
    if (this.#at < this.#sequence.steps.length - 1) this.#next();
    else this.#end(CHECK_STATUS[step.okStatus], step.onSuccess || "(tcp-check)");
  }

  #unexpected(step: CheckStepExpectPlan, matched: boolean): string {
    const comment = step.comment === "" ? "" : ` comment: ${step.comment}`;
    if (step.onError !== "") return step.onError + comment;
    if (!this.#sequence.tellsSteps) return firstLine(this.#answer) + comment;
    const what = { string: `'${step.pattern}'`, binary: "(binary)", rstring: "(regex)", rbinary: "(binary regex)" };
    const verdict = matched ? "matched unwanted content" : "did not match content";
    return `TCPCHK ${verdict} ${what[step.match]} at step ${this.#at + 1}${comment}`;
  }

  /** A failure beside what was expected: its step is told. */
  #fail(status: number, info: string): void {
    if (!this.#sequence.tellsSteps) {
      this.#end(status, info);
      return;
    }
    const step = this.#sequence.steps[this.#at];
    const place =
      step === undefined
        ? " at initial connection step of tcp-check"
        : ` at step ${this.#at + 1} of tcp-check (${stepText(step)})`;
    const comment = step === undefined || step.comment === "" ? "" : ` comment: '${step.comment}'`;
    this.#end(status, `${info}${place}${comment}`);
  }

  #end(status: number, info: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    this.#done({ status, code: 0, info, durationMs: Math.floor(performance.now() - this.#startedMs) });
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#connection.close(false);
  }
}

function stepText(step: CheckStepPlan): string {
  switch (step.kind) {
    case "comment":
      return "comment";
    case "connect":
      return step.port === 0 ? "connect" : `connect port ${step.port}`;
    case "send":
      return "send";
    case "expect":
      if (step.match === "string" || step.match === "binary") return `expect ${step.match} '${step.pattern}'`;
      return step.match === "rstring" ? "expect regex" : "expect binary regex";
  }
}

function compileMatcher({ match, pattern, minRecvBytes }: CheckStepExpectPlan): Matcher {
  const isIn = containment(match, pattern);
  return (answer, isLast) => {
    if (!isLast && minRecvBytes > 0 && answer.length < minRecvBytes) return null;
    if (isIn(answer)) return true;
    // Without a minimum nothing but the end of the answer is proof of absence.
    return isLast || minRecvBytes >= 0 ? false : null;
  };
}

function containment(match: CheckStepExpectPlan["match"], pattern: string): (answer: string) => boolean {
  if (match === "string" || match === "binary") return (answer) => answer.includes(pattern);
  const expression = compilePcre(pattern, false);
  if (match === "rstring") return (answer) => expression.test(answer);
  return (answer) => expression.test(Buffer.from(answer, "latin1").toString("hex").toUpperCase());
}

/** What a server said, as far as people can read it. */
function firstLine(answer: string): string {
  return /^[\x20-\x7e]*/.exec(answer)![0].slice(0, 128);
}
