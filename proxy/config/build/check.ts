// Checks of the plan: what the options and rules of a section come to, with the steps that HAProxy adds by itself.

import type { CheckPlan, CheckStepPlan, CheckStepRequestPlan, ExternalCheckPlan } from "../../plan/check.ts";
import type { CheckDraft } from "../check-draft.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { newExpect } from "../sections/check-expect.ts";

export function buildCheck(draft: ProxyDraft, configuration: ConfigurationDraft): CheckPlan {
  const { check, checkOption } = draft;
  return {
    kind: checkOption ?? "protocol",
    steps: check === null ? [] : stepsOf(check, checkOption),
    disableOn404: checkOption === "httpchk" && (check?.disableOn404 ?? false),
    sendState: check?.sendState ?? false,
    uniqueId: draft.otherNodes.get("unique-id-format") ?? null,
    external: checkOption === "external" ? buildExternal(draft, configuration) : null,
  };
}

function stepsOf(check: CheckDraft, option: ProxyDraft["checkOption"]): readonly CheckStepPlan[] {
  if (option === "httpchk") return httpSteps(check);
  return option === "tcp-check" ? check.tcp.steps : option === "protocol" ? check.protocolSteps : [];
}

/**
 * `option httpchk` says what the first request is where that does not say so itself, and is the request where there is none, behind the connection
 * that a `connect` in front makes. A request at the end is followed by what everybody expects.
 */
function httpSteps({ http, request }: CheckDraft): readonly CheckStepPlan[] {
  const steps = [...http.steps];
  const first = steps.findIndex(({ kind }) => kind === "request");
  const empty = { kind: "request", method: "", uri: "", version: "", headers: [], body: "", comment: "" } as const;
  const own = (first >= 0 ? steps[first] : empty) as CheckStepRequestPlan;
  const hasHost = own.headers.some(({ name }) => name.toLowerCase() === "host");
  const host = request.host === "" || hasHost ? [] : [{ name: "Host", value: request.host }];
  const merged: CheckStepRequestPlan = {
    ...own,
    method: own.method || request.method,
    uri: own.uri === "" ? request.uri : own.uri,
    version: own.version || request.version,
    headers: [...host, ...own.headers],
  };
  if (first >= 0) steps[first] = merged;
  else steps.splice(steps[0]?.kind === "connect" ? 1 : 0, 0, merged);
  const complete = steps.map((step) => (step.kind === "request" ? withDefaults(step) : step));
  if (complete.at(-1)?.kind === "request") complete.push(newExpect({ on: "status", pattern: "200-399" }));
  return complete;
}

function withDefaults(step: CheckStepRequestPlan): CheckStepRequestPlan {
  return {
    ...step,
    method: step.method || "OPTIONS",
    uri: step.uri === "" ? "/" : step.uri,
    version: step.version || "HTTP/1.0",
  };
}

const PATH_DEFAULT = "";

function buildExternal({ texts, binds }: ProxyDraft, { global }: ConfigurationDraft): ExternalCheckPlan {
  const address = binds.find(({ slot }) => slot.address !== null)?.slot.address ?? null;
  const isPath = address !== null && address.kind === "unix";
  const isIp = address !== null && (address.kind === "ipv4" || address.kind === "ipv6");
  return {
    command: texts.get("external-check command") ?? "",
    path: texts.get("external-check path") ?? PATH_DEFAULT,
    preservesEnvironment: global.texts.get("external-check") === "preserve-env",
    listener: isPath
      ? { address: address.path, port: "NOT_USED" }
      : isIp
        ? { address: address.host, port: String(address.port) }
        : null,
  };
}
