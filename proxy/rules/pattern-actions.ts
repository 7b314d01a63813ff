// `set-map`, `del-map`, `add-acl`, `del-acl`: rules that change a list of patterns, here at once and through the control plane in all other
// workers (worker/pattern-edits.ts). Such rules are rare: their keys and values become strings.

import type { ActionPlan } from "../plan/rules.ts";
import { latin1 } from "../sample/value.ts";
import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;

export function compileEditPatterns(
  { ctx, values }: RuleParts,
  plan: Extract<ActionPlan, { readonly kind: "edit-patterns" }>,
): Action {
  const { edit, list } = plan;
  const key = values.compile(plan.key);
  const value = plan.value === null ? null : values.compile(plan.value);
  return (stream) => {
    if (!key.evaluate(stream)) return CONTINUE;
    const keyText = latin1(key.bytes, 0, key.length);
    if (edit === "add") ctx.patternEdits.addAcl(list, keyText);
    else if (edit === "remove") ctx.patternEdits.remove(list, keyText);
    else if (value!.evaluate(stream)) ctx.patternEdits.setMap(list, keyText, latin1(value!.bytes, 0, value!.length));
    return CONTINUE;
  };
}
