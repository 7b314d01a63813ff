// Engines of `filter spoe` (SPOE.txt): who the agents are, what they are told, and which variables they may set.

import type { ConditionPlan, SamplePlan } from "./expression.ts";

export interface SpoeEnginePlan {
  /** `engine <name>`, else the agent's. */
  readonly name: string;
  /** Of the `spoe-agent` section. */
  readonly agent: string;
  /** Proxy index of `use-backend`. */
  readonly backend: number;
  /** `option var-prefix`: in front of every name that the agent gives. */
  readonly prefix: string;
  /** `timeout processing`, 0: as long as it takes. */
  readonly processingMs: number;
  /** `max-frame-size`. */
  readonly frameBytesMax: number;
  readonly pipelining: boolean;
  readonly continueOnError: boolean;
  /** `register-var-names`, with the prefix and without a scope. */
  readonly registered: readonly string[];
  /** Variables of scope txn, with the prefix; null: not wanted. */
  readonly errorVariable: string | null;
  readonly processTimeVariable: string | null;
  readonly totalTimeVariable: string | null;
}

export interface SpoeMessagePlan {
  readonly name: string;
  /** `name` "": none. */
  readonly args: readonly { readonly name: string; readonly sample: SamplePlan }[];
  /** null: always. */
  readonly condition: ConditionPlan | null;
}
