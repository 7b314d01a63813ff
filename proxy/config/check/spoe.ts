// Engines of `filter spoe` when everything has been read: names are looked up, and what an event sends becomes a rule in front of the rules that
// HAProxy evaluates behind it.
//
//   on-client-session, on-frontend-tcp-request    tcp-request content of the frontend
//   on-frontend-http-request                      its http-request
//   on-backend-…                                  the same of a backend
//   on-tcp-response, on-http-response             tcp-response content, http-response

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { RuleSetKey } from "../../plan/rules.ts";
import type { SpoeEnginePlan, SpoeMessagePlan } from "../../plan/spoe.ts";
import { type ConfigurationDraft, findBackend, hasBackend, hasFrontend } from "../draft.ts";
import type { NamedBy, SpoeDraft, SpoeEvent } from "../spoe-draft.ts";

export function checkSpoe(configuration: ConfigurationDraft): void {
  for (const [engine, draft] of configuration.filters.engines.entries()) {
    checkAgent(draft, configuration);
    addRules(draft, engine);
  }
  for (const { engine, group, proxy, statement, found } of configuration.filters.groupUses) {
    const index = configuration.filters.engines.findIndex((draft) => draft.proxy === proxy && nameOf(draft) === engine);
    const draft = configuration.filters.engines[index];
    const messages = draft?.groups.get(group);
    if (draft === undefined) {
      statement.alert(
        "unknown-engine",
        `unable to find SPOE engine '${engine}' used by the send-spoe-group '${group}'`,
      );
    } else if (messages === undefined || !draft.groupNames.some(({ name }) => name === group)) {
      const suggestions = suggest(group, draft.groups.keys());
      statement.alert("unknown-group", `unable to find SPOE group '${group}' in SPOE engine '${engine}'`, {
        suggestions,
      });
    } else found(index, messagesOf(messages, draft));
  }
}

const nameOf = ({ engine, agent }: SpoeDraft): string => engine ?? agent?.name ?? "";

function checkAgent(draft: SpoeDraft, configuration: ConfigurationDraft): void {
  const { statement, agent, backend } = draft;
  if (agent === null) {
    const scope = draft.engine === null ? "" : ` for the engine '${draft.engine}'`;
    statement.alert("missing-agent", `no SPOE agent found in the file${scope}`);
    return;
  }
  if (draft.prefix === null && !/^[A-Za-z0-9_.]+$/.test(agent.name)) {
    const message = `invalid char found in the default prefix '${agent.name}' of SPOE agent '${agent.name}'.`;
    agent.statement.alert("bad-prefix", message, { at: 1, hint: "'option var-prefix' names another one." });
  }
  if (backend === null) {
    agent.statement.alert("missing-backend", `SPOE agent '${agent.name}' : no backend found (use-backend).`);
    return;
  }
  const target = findBackend(backend.name, configuration);
  if (target === null) {
    const suggestions = suggest(
      backend.name,
      configuration.proxies.filter(hasBackend).map(({ name }) => name),
    );
    const message = `unknown backend '${backend.name}' used by SPOE agent '${agent.name}'.`;
    backend.statement.alert("unknown-backend", message, { at: 1, suggestions });
  } else if (target.mode === "http") {
    const message = `the backend '${backend.name}' used by SPOE agent '${agent.name}' does not support mode http.`;
    backend.statement.alert("backend-mode", message, { at: 1, expected: "a backend of mode spop" });
  }
  for (const { name, statement: by } of draft.messageNames) {
    if (!draft.messages.has(name)) {
      const suggestions = suggest(name, draft.messages.keys());
      by.alert("unknown-message", `SPOE agent '${agent.name}' : unknown SPOE message '${name}'.`, { suggestions });
    }
  }
  for (const { name, statement: by } of draft.groupNames) {
    if (!draft.groups.has(name))
      by.alert("unknown-group", `SPOE agent '${agent.name}' : unknown SPOE group '${name}'.`);
  }
  for (const messages of draft.groups.values()) {
    for (const { name, statement: by } of messages) {
      if (!draft.messages.has(name)) by.alert("unknown-message", `unknown SPOE message '${name}' in a spoe-group.`);
    }
  }
}

function messagesOf(names: readonly NamedBy[], { messages }: SpoeDraft): SpoeMessagePlan[] {
  return names.flatMap(({ name }) => {
    const message = messages.get(name);
    return message === undefined ? [] : [{ name, args: message.args, condition: message.condition }];
  });
}

function addRules(draft: SpoeDraft, engine: number): void {
  const { proxy } = draft;
  const byEvent = new Map<SpoeEvent, NamedBy[]>();
  for (const named of draft.messageNames) {
    const event = draft.messages.get(named.name)?.event ?? null;
    if (event !== null) byEvent.set(event, [...(byEvent.get(event) ?? []), named]);
  }
  for (const [event, names] of byEvent) {
    const key = ruleSetOf(event, draft);
    if (key === null) continue;
    const rule = {
      action: { kind: "spoe", engine, messages: messagesOf(names, draft) } as const,
      condition: null,
      at: draft.statement.location,
    };
    if (event === "on-client-session") proxy.spoeRules![key].unshift(rule);
    else proxy.spoeRules![key].push(rule);
  }
}

/** Which rules an event stands in front of; null: HAProxy skips it for such a proxy. */
function ruleSetOf(event: SpoeEvent, { proxy, statement }: SpoeDraft): RuleSetKey | null {
  const isFrontend = hasFrontend(proxy);
  switch (event) {
    case "on-client-session":
    case "on-frontend-tcp-request":
      return isFrontend ? "tcpRequestContent" : null;
    case "on-frontend-http-request":
      return isFrontend ? "httpRequest" : null;
    case "on-backend-tcp-request":
      return isFrontend ? null : "tcpRequestContent";
    case "on-backend-http-request":
      return isFrontend ? null : "httpRequest";
    case "on-http-response":
      return "httpResponse";
    case "on-tcp-response":
      if (hasBackend(proxy)) return "tcpResponseContent";
      if (proxy.mode === "http") return "httpResponse";
      statement.alert(
        "unserved",
        "the SPOE event 'on-tcp-response' of a frontend in mode tcp is not served by ringway yet",
        {
          hint: "Write the filter into the backend.",
        },
      );
      return null;
  }
}

/** The engines as the workers and the control plane have them. */
export function buildSpoe(configuration: ConfigurationDraft): SpoeEnginePlan[] {
  return configuration.filters.engines.map((draft) => {
    const agent = draft.agent!.name;
    const prefix = draft.prefix ?? agent;
    const own = (name: string | null): string | null => (name === null ? null : `txn.${prefix}.${name}`);
    return {
      ...{ name: nameOf(draft), agent, prefix, processingMs: draft.processingMs, frameBytesMax: draft.frameBytesMax },
      backend: configuration.proxies.indexOf(findBackend(draft.backend!.name, configuration)!),
      ...{ pipelining: draft.pipelining, continueOnError: draft.continueOnError },
      registered: draft.registered.map((name) => `${prefix}.${name}`),
      ...{ errorVariable: own(draft.error), processTimeVariable: own(draft.processTime) },
      totalTimeVariable: own(draft.totalTime),
    };
  });
}
