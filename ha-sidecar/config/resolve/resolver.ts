// What all of resolve/ shares: the drafts, the host, the report, and the checks that need more than one of them.

import type { Place } from "../../../shared/diagnostic/diagnostic.ts";
import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { SourceLocation } from "../../plan/plan.ts";
import type { ConfigurationDraft } from "../drafts.ts";
import type { Host } from "../host.ts";
import type { Report } from "../report.ts";
import type { Scripts } from "../scripts.ts";
import type { Statement } from "../statement.ts";
import type { RuleLine } from "./rule-line.ts";

export interface Resolver {
  readonly draft: ConfigurationDraft;
  readonly host: Host;
  readonly report: Report;
  readonly scripts: Scripts;
  /**
   * An interface that is named but absent: without dynamic_interfaces that is a fault which keepalived does not start with.
   * @param message keepalived's words, which differ from place to place
   */
  checkInterface(name: string, place: Place, message: string): void;
  /** Preferences for rules without one, counted down per family as keepalived does. */
  nextRulePreference(family: 4 | 6): number;
  /** Every line of rules, read in the order of the files. */
  readonly rules: Map<Statement, RuleLine | null>;
  /** Is anything absent without which nothing starts? */
  readonly missesInterface: boolean;
}

/** keepalived's first preference for rules without one. */
const RULE_PREFERENCE_FIRST = 16384;

export function newResolver(draft: ConfigurationDraft, host: Host, report: Report, scripts: Scripts): Resolver {
  let missesInterface = false;
  const preferences = { 4: RULE_PREFERENCE_FIRST, 6: RULE_PREFERENCE_FIRST };
  return {
    draft,
    host,
    report,
    scripts,
    checkInterface(name, place, message) {
      if (host.interfaces.has(name) || draft.global.dynamicInterfaces || isOwnMacvlan(draft, name)) return;
      missesInterface = true;
      report.fault("unknown-interface", place, message, {
        suggestions: suggest(name, host.interfaces),
        hint: `This machine has ${[...host.interfaces].join(", ")}. With dynamic_interfaces in global_defs it would be waited for.`,
      });
    },
    nextRulePreference: (family) => preferences[family]--,
    rules: new Map(),
    get missesInterface() {
      return missesInterface;
    },
  };
}

/** A macvlan that an instance will make is not there yet. */
function isOwnMacvlan(draft: ConfigurationDraft, name: string): boolean {
  return draft.instances.some((instance) => instance.vmac !== null && vmacName(draft, instance) === name);
}

/** What use_vmac calls its interface when it is not written. */
export function vmacName(draft: ConfigurationDraft, instance: ConfigurationDraft["instances"][number]): string {
  const written = instance.vmac?.interface;
  return written ?? `${draft.global.vmacPrefix}.${instance.virtualRouterId ?? 0}`;
}

export function locationOf(place: Place): SourceLocation {
  return { file: place.file, line: place.line };
}
