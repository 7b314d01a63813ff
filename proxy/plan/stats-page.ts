// A statistics page as the configuration describes it (`stats …` in a proxy).

import type { ConditionPlan } from "./expression.ts";

export interface StatsPagePlan {
  readonly uri: string;
  readonly realm: string;
  readonly auth: readonly { readonly user: string; readonly password: string }[];
  readonly refreshSeconds: number;
  readonly hideVersion: boolean;
  readonly showNode: string | null;
  readonly showDescription: string | null;
  readonly showLegends: boolean;
  readonly showModules: boolean;
  readonly scope: readonly string[];
  readonly admin: readonly ConditionPlan[] | null;
  /** `stats http-request`: the first one whose condition holds decides; none: `auth` does. */
  readonly httpRequest: readonly StatsAccessRulePlan[];
}

export interface StatsAccessRulePlan {
  readonly action: "allow" | "deny" | "auth";
  readonly realm: string | null;
  /** null: always. */
  readonly condition: ConditionPlan | null;
}
