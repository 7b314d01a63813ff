// What keeps clients on their server, as data: cookies and the rules that switch persistence off or force it.

import type { ConditionPlan } from "./expression.ts";
import type { StickRulePlan } from "./stick-table.ts";

export interface PersistencePlan {
  readonly cookie: CookiePlan | null;
  /** `option persist`: a persistence cookie is followed to a server that is down. */
  readonly toDownServers: boolean;
  /** `option checkcache`: a response with a cookie that a cache could keep is refused. */
  readonly checksCache: boolean;
  /** `force-persist` and `ignore-persist` lines; the first whose condition holds decides. */
  readonly rules: readonly PersistRulePlan[];
  /** `stick` lines that look at requests, and `stick store-response`. */
  readonly stick: readonly StickRulePlan[];
  readonly stickResponse: readonly StickRulePlan[];
}

export interface PersistRulePlan {
  readonly kind: "force" | "ignore";
  readonly condition: ConditionPlan;
}

/** `cookie <name> …` of a backend. The servers' values stand with the servers, those made by `dynamic` among them. */
export interface CookiePlan {
  readonly name: string;
  /** `passive`: only looked at. */
  readonly mode: "passive" | "insert" | "prefix" | "rewrite";
  readonly indirect: boolean;
  readonly nocache: boolean;
  readonly postonly: boolean;
  readonly preserve: boolean;
  /** What follows `; path=/` in a cookie that is inserted: domains, HttpOnly, Secure and `attr`s, each with its `; ` in front. */
  readonly attributes: string;
  /** Seconds, 0: no limit. */
  readonly maxidleSeconds: number;
  readonly maxlifeSeconds: number;
  /** What values that are made (`dynamic`) come from; the runtime API changes it. */
  readonly dynamic?: DynamicCookiePlan;
}

export interface DynamicCookiePlan {
  readonly enabled: boolean;
  /** `dynamic-cookie-key`, null: none. */
  readonly key: string | null;
  /** By position in the backend's servers: the configuration gave it a value, which stays. */
  readonly given: readonly boolean[];
}

/** A backend that keeps nobody. */
export const NO_PERSISTENCE: PersistencePlan = {
  cookie: null,
  toDownServers: false,
  checksCache: false,
  rules: [],
  stick: [],
  stickResponse: [],
};
