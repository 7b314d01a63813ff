// Variables of scope proc as the main thread sees them: those that `global` sets before the workers start, and what the runtime API reads
// and writes. Expressions are evaluated here with the workers' own code; only those that look at nothing but the process are let through.

import { Connections } from "../../connection/table.ts";
import type { SamplePlan } from "../../plan/expression.ts";
import type { LogNodePlan } from "../../plan/log.ts";
import type { Plan } from "../../plan/plan.ts";
import { castBetween } from "../../sample/cast.ts";
import { SampleContext } from "../../sample/context.ts";
import { compileSample } from "../../sample/expression.ts";
import { TYPE } from "../../sample/types.ts";
import { textBytes } from "../../sample/value.ts";
import type { SharedState } from "../../shared-state/layout.ts";
import { Stream } from "../../stream/stream.ts";
import { parseVariableName } from "../../variables/name.ts";
import { SPARE_VARIABLES } from "../../variables/proc-variables.ts";

const PASS = 2;
const NO_STREAM = new Stream(-1, 2);

/** A variable as the runtime API shows it. */
export interface ShownVariable {
  readonly type: string;
  readonly text: string;
}

export class ProcessVariables {
  readonly #samples: SampleContext;
  /** Names that only the runtime API knows, behind the configuration's. */
  readonly #extra = new Map<string, number>();
  readonly #plan: Plan;

  constructor(plan: Plan, shared: SharedState) {
    this.#plan = plan;
    this.#samples = new SampleContext(plan, shared, 0, new Uint8Array(0), new Connections(1), () => 0);
  }

  /** `set-var` and `set-var-fmt` of `global`. */
  setInitial(): void {
    for (const { name, value } of this.#plan.variables.initial) this.set(name, value);
  }

  #find(name: string, makes: boolean): number {
    const { proc } = this.#plan.variables;
    const known = proc.indexOf(name);
    if (known >= 0) return known;
    const extra = this.#extra.get(name) ?? -1;
    if (extra >= 0 || !makes || this.#extra.size === SPARE_VARIABLES) return extra;
    this.#extra.set(name, proc.length + this.#extra.size);
    return proc.length + this.#extra.size - 1;
  }

  /**
   * Sets the variable (its name without scope) to what the expression or the format gives.
   * @returns false: it gives nothing, or there is no room
   */
  set(name: string, expression: SamplePlan | readonly LogNodePlan[]): boolean {
    const index = this.#find(name, true);
    if (index < 0) return false;
    const { shared, value } = this.#samples;
    if ("fetch" in expression) {
      const { first } = compileSample(expression, this.#samples, false);
      if (first(NO_STREAM) !== PASS) return false;
    } else {
      value.bytes = this.#format(expression);
      value.type = TYPE.str;
      value.start = 0;
      value.end = value.bytes.length;
    }
    return shared.procVariables.set(index, value);
  }

  #format(nodes: readonly LogNodePlan[]): Uint8Array {
    const { value } = this.#samples;
    const texts = nodes.map((node) => {
      if (node.kind === "text") return node.text;
      if (node.kind !== "sample") return "";
      return compileSample(node.sample, this.#samples, false, "str").first(NO_STREAM) === PASS ? value.text() : "";
    });
    return textBytes(texts.join(""));
  }

  /** The variable of the whole name `proc.x`, null: there is none, or it is not set. */
  get(text: string): ShownVariable | null {
    const parsed = parseVariableName(text);
    if (typeof parsed === "string" || parsed.scope !== "proc") return null;
    const { shared, value } = this.#samples;
    const index = this.#find(parsed.name, false);
    if (index < 0 || !shared.procVariables.get(index, value)) return null;
    const type = Object.entries(TYPE).find(([, number]) => number === value.type)![0] as keyof typeof TYPE;
    const cast = type === "bin" ? null : castBetween(type, "str");
    return cast === null || cast(value) ? { type, text: value.text() } : null;
  }
}
