// Samples and formats of health checks, evaluated on the main thread with the workers' own code: variables of scope `check`, what is known about the
// server and its backend, and the answer that came last.
//
// A check waits for its peer between two steps, and others run meanwhile: everything an evaluation needs is laid out anew when it begins
// (`CheckScope`), and nothing is left behind but the variables, which live in the scope's own Stream.

import { compileCondition } from "../../acl/condition.ts";
import { Connections } from "../../connection/table.ts";
import { PARSE, parseResponse } from "../../http1/parser.ts";
import type { CheckText } from "../../plan/check.ts";
import type { SamplePlan } from "../../plan/expression.ts";
import type { LogNodePlan } from "../../plan/log.ts";
import type { Plan, ServerPlan } from "../../plan/plan.ts";
import type { Value } from "../../rules/value.ts";
import { SampleContext } from "../../sample/context.ts";
import { compileSample } from "../../sample/expression.ts";
import { TYPE } from "../../sample/types.ts";
import { textBytes } from "../../sample/value.ts";
import type { SharedState } from "../../shared-state/layout.ts";
import { STREAM, Stream } from "../../stream/stream.ts";
import { conditionsOf } from "../../variables/variables.ts";

const PASS = 2;
/** Where an answer stands in the arena: the parsers look at the byte before. */
const ANSWER_AT = 16;

/** What an attempt knows when something of it is evaluated. */
export class CheckScope {
  readonly server: ServerPlan;
  readonly uniqueId: readonly LogNodePlan[] | null;
  /** Latin-1; what came since the last thing that was sent. */
  answer = "";
  isHttp = false;
  isComplete = false;
  /** Made when something is first evaluated. */
  stream: Stream | null = null;

  constructor(server: ServerPlan, uniqueId: readonly LogNodePlan[] | null) {
    this.server = server;
    this.uniqueId = uniqueId;
  }
}

/** What a text or an expression is in a scope; null: it gives nothing. */
export type CheckValue<Result> = (scope: CheckScope) => Result;

export class CheckSamples {
  readonly #ctx: SampleContext;
  readonly #maxHeaders: number;
  readonly #arenaBytes: number;
  readonly #formats = new Map<readonly LogNodePlan[], CheckValue<string>>();
  #scope: CheckScope | null = null;

  constructor(plan: Plan, shared: SharedState) {
    this.#maxHeaders = plan.global.maxHeaders;
    this.#arenaBytes = ANSWER_AT + 2 * plan.global.bufsizeBytes;
    const bytes = new Uint8Array(this.#arenaBytes);
    this.#ctx = new SampleContext(plan, shared, 0, bytes, new Connections(1), () => 0);
    this.#ctx.compileCondition = compileCondition;
    this.#ctx.variables.hasChecks = true;
    this.#ctx.uniqueIds = this.#uniqueIds();
    this.#ctx.input = { start: 0, end: 0, isComplete: false, request: () => {}, response: () => {} };
  }

  /** Compiles a text: constant ones cost nothing. */
  text(text: CheckText): CheckValue<string> {
    if (typeof text === "string") return () => text;
    const known = this.#formats.get(text);
    if (known !== undefined) return known;
    const parts = text.map((node): CheckValue<string> => {
      if (node.kind === "text") return () => node.text;
      if (node.kind !== "sample") return () => "";
      const { first } = compileSample(node.sample, this.#ctx, false, "str");
      return (scope) => (first(scope.stream!) === PASS ? this.#ctx.value.text() : "");
    });
    const compiled = (scope: CheckScope): string => {
      this.#enter(scope);
      return parts.map((part) => part(scope)).join("");
    };
    this.#formats.set(text, compiled);
    return compiled;
  }

  /** An expression as an integer, NaN: it gives none. */
  integer(sample: SamplePlan): CheckValue<number> {
    const { first } = compileSample(sample, this.#ctx, false, "sint");
    return (scope) => {
      this.#enter(scope);
      return first(scope.stream!) === PASS ? this.#ctx.value.int : Number.NaN;
    };
  }

  /** `set-var` and its kin; null unsets. */
  assignment(
    name: string,
    conditions: readonly string[],
    value: SamplePlan | readonly LogNodePlan[] | null,
  ): CheckValue<void> {
    const { variables, value: result } = this.#ctx;
    const variable = variables.find(name);
    const bits = conditionsOf(conditions);
    if (value === null) {
      return (scope) => {
        this.#enter(scope);
        variables.unset(variable, scope.stream!);
      };
    }
    if ("fetch" in value) {
      const { first } = compileSample(value, this.#ctx, false);
      return (scope) => {
        this.#enter(scope);
        if (first(scope.stream!) === PASS) variables.set(variable, scope.stream!, result, bits);
      };
    }
    const format = this.text(value);
    return (scope) => {
      const text = textBytes(format(scope));
      result.bytes = text;
      result.type = TYPE.str;
      result.start = 0;
      result.end = text.length;
      variables.set(variable, scope.stream!, result, bits);
    };
  }

  /** Lays out what the scope knows. */
  #enter(scope: CheckScope): void {
    if (scope.stream === null) {
      scope.stream = new Stream(0, this.#maxHeaders);
      scope.stream.client = 0;
      scope.stream.server = 0;
      scope.stream.backend = scope.stream.frontend = scope.server.proxy;
      scope.stream.serverIndex = scope.server.index;
    }
    this.#scope = scope;
    const { bytes } = this.#ctx;
    const input = this.#ctx.input!;
    const { stream } = scope;
    const answer = Buffer.from(scope.answer, "latin1").subarray(0, this.#arenaBytes - ANSWER_AT);
    bytes.set(answer, ANSWER_AT);
    input.start = ANSWER_AT;
    input.end = ANSWER_AT + answer.length;
    input.isComplete = scope.isComplete;
    stream.inResponse = false;
    stream.flags &= ~STREAM.http;
    if (!scope.isHttp || answer.length === 0) return;
    if (parseResponse(bytes, input.start, input.end, stream.response, true) !== PARSE.done) return;
    stream.flags |= STREAM.http;
    stream.inResponse = true;
    stream.status = stream.response.status;
    input.start = stream.response.end;
  }

  /** The backend's `unique-id-format`, made once for each attempt that asks. */
  #uniqueIds(): Value {
    const value = { bytes: new Uint8Array(0) as Uint8Array, length: 0, evaluate: (_stream: Stream): boolean => false };
    value.evaluate = () => {
      const scope = this.#scope;
      if (scope === null || scope.uniqueId === null) return false;
      value.bytes = textBytes(this.text(scope.uniqueId)(scope));
      value.length = value.bytes.length;
      return true;
    };
    return value;
  }
}
