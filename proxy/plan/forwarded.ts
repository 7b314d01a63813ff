// `option forwarded` (RFC 7239): what the header that servers get is made of.

import type { SamplePlan } from "./expression.ts";

export interface ForwardedPlan {
  readonly proto: boolean;
  /** null: the parameter is left out. What HAProxy takes by default (the Host header, the addresses of the client's connection) is an expression, too. */
  readonly host: SamplePlan | null;
  readonly by: ForwardedNodePlan | null;
  readonly for: ForwardedNodePlan | null;
}

export interface ForwardedNodePlan {
  readonly name: SamplePlan;
  readonly port: SamplePlan | null;
}
