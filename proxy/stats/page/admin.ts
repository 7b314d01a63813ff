// Commands from the page's forms (`stats admin`): `s=srv1&s=srv2&action=drain&b=%233`, a POST whose answer leads back to the page with
// the outcome. `b` is a backend's name or `#` and its id. Field names, actions and outcome codes are HAProxy's: scripts post them too.

import type { ServerStates } from "../../control/server-state/server-states.ts";
import type { Plan, ServerPlan } from "../../plan/plan.ts";
import { decode } from "./page-request.ts";

/** What a command does to one server; false: it cannot. */
type Action = (states: ServerStates, server: ServerPlan) => boolean;

const done =
  (act: (states: ServerStates, server: ServerPlan) => void): Action =>
  (states, server) => {
    act(states, server);
    return true;
  };

interface ActionEntry {
  readonly label: string;
  readonly act: Action;
}

export const ACTIONS: ReadonlyMap<string, ActionEntry> = new Map([
  [
    "ready",
    { label: "Set state to READY", act: done((states, server) => states.setAdministrativeState(server, "ready")) },
  ],
  [
    "drain",
    { label: "Set state to DRAIN", act: done((states, server) => states.setAdministrativeState(server, "drain")) },
  ],
  [
    "maint",
    { label: "Set state to MAINT", act: done((states, server) => states.setAdministrativeState(server, "maint")) },
  ],
  ["dhlth", { label: "Health: disable checks", act: switchChecks(false) }],
  ["ehlth", { label: "Health: enable checks", act: switchChecks(true) }],
  ["hrunn", { label: "Health: force UP", act: done((states, server) => states.forceHealth(server, "up")) }],
  ["hnolb", { label: "Health: force NOLB", act: done((states, server) => states.forceHealth(server, "stopping")) }],
  ["hdown", { label: "Health: force DOWN", act: done((states, server) => states.forceHealth(server, "down")) }],
  ["shutdown", { label: "Kill Sessions", act: done((states, server) => states.shutdownSessions(server, true)) }],
]);

/** Older names that HAProxy still takes. */
const ALIASES: Readonly<Record<string, string>> = {
  enable: "ready",
  disable: "maint",
  start: "ready",
  stop: "drain",
};

function switchChecks(enabled: boolean): Action {
  return (states, server) => {
    if (server.check === null) return false;
    states.setCheckEnabled(server, enabled);
    return true;
  };
}

/** All servers changed, some, none, or the form made no sense. */
export type Outcome = "DONE" | "PART" | "NONE" | "ERRP" | "UNKN" | "DENY";

/** What the page says about each outcome. */
export const OUTCOME_TEXT: Readonly<Record<Outcome, string>> = {
  DONE: "Action processed successfully.",
  PART: "Action partially processed. Some server names are probably unknown or ambiguous (duplicated names in the backend).",
  NONE: "Nothing has changed.",
  ERRP: "Action not processed because of invalid parameters: the action may be unknown, or the name of the backend.",
  UNKN: "Unexpected result.",
  DENY: "Action denied.",
};

export function isOutcome(code: string): code is Outcome {
  return Object.hasOwn(OUTCOME_TEXT, code);
}

/** Carries a form out. @param mayChange whether this backend may be changed from this page (its scope) */
export function runForm(
  body: string,
  plan: Plan,
  states: ServerStates,
  mayChange: (proxy: number) => boolean,
): Outcome {
  const fields = body.split("&").map((field) => field.split("=", 2).map(decode) as [string, string?]);
  const value = (name: string): string | undefined => fields.find(([key]) => key === name)?.[1];
  const actionName = value("action") ?? "";
  const action = ACTIONS.get(ALIASES[actionName] ?? actionName);
  const backendName = value("b") ?? "";
  const backend = plan.proxies.find(
    (proxy) => proxy.backend !== null && (proxy.name === backendName || `#${proxy.id}` === backendName),
  );
  if (action === undefined || backend === undefined || !mayChange(backend.index)) return "ERRP";
  const names = fields.filter(([key]) => key === "s").map(([, name]) => name);
  let changed = 0;
  for (const name of names) {
    const servers = (backend.backend?.servers ?? []).filter((index) => plan.servers[index].name === name);
    if (servers.length === 1 && action.act(states, plan.servers[servers[0]])) changed++;
  }
  if (changed === 0) return "NONE";
  return changed === names.length ? "DONE" : "PART";
}
