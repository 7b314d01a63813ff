// What master and generations tell each other, over Node's own channel between parent and child (structured clones). The generation is
// the less privileged of the two: nothing it says makes the master do more than keep books and print lines.

import type { HandoverState } from "../control/handover.ts";
import type { Level } from "../control/runtime-api/command.ts";
import type { Plan } from "../plan/plan.ts";

/** How a generation speaks, as the master's command line has it. */
export interface GenerationVoice {
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly diagnostics: boolean;
  readonly plain: boolean;
}

export type ToGeneration =
  /** The first message: everything a generation is made of. It never reads the configuration itself, so both mean the same one. */
  | {
      readonly type: "birth";
      readonly plan: Plan;
      readonly configurationFiles: readonly string[];
      /** Warnings that the configuration gave. */
      readonly warnings: number;
      readonly noReusePort: boolean;
      readonly voice: GenerationVoice;
      /** Descriptors of listening sockets in the generation's own process, by what they are bound to. */
      readonly sockets: readonly (readonly [string, readonly number[]])[];
    }
  /** Serve. */
  | { readonly type: "go"; readonly state: HandoverState }
  /** Say what a successor should know: answered with "state". */
  | { readonly type: "take" }
  /** A successor serves: finish what is in flight. */
  | { readonly type: "retire" }
  /** SIGUSR1 to the master: soft stop without a successor. */
  | { readonly type: "drain" }
  | { readonly type: "stop" }
  /** A connection of the master's CLI, sent along as a handle: serve one line of it. */
  | {
      readonly type: "cli";
      readonly id: number;
      readonly level: Level;
      readonly severityOutput: "none" | "number" | "string";
      readonly expert: boolean;
      readonly experimental: boolean;
    };

export type FromGeneration =
  /** Bound, loaded, without privileges: "go" would make it serve at once. */
  | { readonly type: "prepared" }
  | { readonly type: "serving" }
  | { readonly type: "state"; readonly state: HandoverState }
  /** The connection that came with "cli" is being read. */
  | { readonly type: "cli-open"; readonly id: number }
  /** A line that was said while starting, for `show startup-logs` and the answer to `reload`. */
  | { readonly type: "said"; readonly line: string };

/** Set in a generation's environment, and taken out of it at once. */
export const GENERATION_VARIABLE = "RINGWAY_GENERATION";
