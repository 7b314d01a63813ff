// Which function does what an action of the plan says. A new action has its kind in plan/rules.ts, its parser in config/ (keywords/action.ts
// names it) and its line here.

import {
  compileSetDestination,
  compileSetDestinationPort,
  compileSetSource,
  compileSetSourcePort,
} from "./address-actions.ts";
import { compileAnswer, compileRedirect } from "./answer-actions.ts";
import { compileAuth } from "./auth-action.ts";
import { compileSetBandwidth } from "./bandwidth-action.ts";
import { compileCacheStore, compileCacheUse } from "./cache-actions.ts";
import { compileCapture } from "./capture-action.ts";
import type { CompiledActionPlan } from "./compile.ts";
import { compileDisableRetry, compileExpectHeader, compileSwitchMode } from "./connection-actions.ts";
import { compileSilentDrop, compileTarpit } from "./drop-actions.ts";
import { compileEarlyHint } from "./early-hint.ts";
import type { HeadEdits } from "./head-edits.ts";
import { compileAddHeader, compileDelHeader, compileReplaceHeader, compileReplaceValue } from "./header-actions.ts";
import { compileNormalizeUri } from "./normalize-uri.ts";
import type { RuleParts } from "./parts.ts";
import { compileEditPatterns } from "./pattern-actions.ts";
import { compileReject } from "./reject-action.ts";
import { compileReplacePart, compileSetPart } from "./request-part.ts";
import { compileService } from "./service-action.ts";
import {
  compileSetLogLevel,
  compileSetMark,
  compileSetPriority,
  compileSetRetries,
  compileSetTimeout,
} from "./setting-actions.ts";
import { compileSpoe } from "./spoe-action.ts";
import { compileSetMethod, compileSetStatus } from "./status-actions.ts";
import { compileAddCounter, compileSetTag, compileTrack } from "./stick-actions.ts";
import { compileSetVariable, compileSetVariableFormat, compileUnsetVariable } from "./variable-actions.ts";
import { type Action, VERDICT } from "./verdict.ts";
import { compilePause, compileWaitForBody } from "./waiting-actions.ts";

const CONTINUE = VERDICT.continue;

export function compileAction(parts: RuleParts, action: CompiledActionPlan): Action {
  switch (action.kind) {
    case "deny":
    case "return":
      return compileAnswer(parts, action.answer, action.kind === "deny");
    case "reject":
      return compileReject(parts);
    case "tarpit":
      return compileTarpit(parts, compileAnswer(parts, action.answer, true));
    case "silent-drop":
      return compileSilentDrop(parts, action.ttl);
    case "wait-for-handshake":
    case "set-nice":
      return () => CONTINUE;
    case "do-log": {
      const { ctx } = parts;
      const { origin } = action;
      return (stream) => {
        ctx.lifecycle.logNow(stream, origin);
        return CONTINUE;
      };
    }
    case "set-status":
      return compileSetStatus(parts, action.status, action.reason);
    case "edit-patterns":
      return compileEditPatterns(parts, action);
    case "normalize-uri":
      return compileNormalizeUri(parts, action.normalizer);
    case "use-service":
      return compileService(parts);
    case "auth":
      return compileAuth(parts, action.realm);
    case "set-method":
      return compileSetMethod(parts, action.value);
    case "set-timeout":
      return compileSetTimeout(parts, action);
    case "set-log-level":
      return compileSetLogLevel(action.level);
    case "set-retries":
      return compileSetRetries(parts, action);
    case "set-priority":
      return compileSetPriority(parts, action);
    case "set-mark":
      return compileSetMark(parts, action);
    case "redirect":
      return compileRedirect(parts, action.redirect);
    case "early-hint":
      return compileEarlyHint(parts, action.name, action.value);
    case "add-header":
    case "set-header":
      return compileAddHeader(parts, action.name, action.value, action.kind === "set-header");
    case "del-header":
      return compileDelHeader(parts, action.name, action.match);
    case "replace-header":
      return compileReplaceHeader(parts, action.name, action.pattern, action.value);
    case "replace-value":
      return compileReplaceValue(parts, action.name, action.pattern, action.value);
    case "set-part":
      return compileSetPart(parts, action.part, action.value);
    case "replace-part":
      return compileReplacePart(parts, action.part, action.pattern, action.value);
    case "set-src":
      return compileSetSource(parts, action.sample);
    case "set-src-port":
      return compileSetSourcePort(parts, action.sample);
    case "set-dst":
      return compileSetDestination(parts, action.sample);
    case "set-dst-port":
      return compileSetDestinationPort(parts, action.sample);
    case "track-sc":
      return compileTrack(parts, action);
    case "sc-add-gpc":
      return compileAddCounter(parts, action);
    case "sc-set-gpt":
      return compileSetTag(parts, action);
    case "expect-header":
      return compileExpectHeader(parts, action.header);
    case "disable-l7-retry":
      return compileDisableRetry();
    case "cache-use":
      return compileCacheUse(parts, action.cache);
    case "cache-store":
      return compileCacheStore(parts);
    case "strict-mode":
      return compileStrictMode(parts.edits, action.on);
    case "capture":
      return compileCapture(parts, action.sample, action.index);
    case "set-var":
      return compileSetVariable(parts, action.name, action.sample, action.conditions);
    case "set-var-fmt":
      return compileSetVariableFormat(parts, action.name, action.format, action.conditions);
    case "unset-var":
      return compileUnsetVariable(parts, action.name);
    case "switch-mode":
      return compileSwitchMode(parts);
    case "set-bandwidth-limit":
      return compileSetBandwidth(parts, action);
    case "spoe":
      return compileSpoe(parts, action.engine, action.messages);
    case "wait-for-body":
      return compileWaitForBody(parts, action.timeoutMs, action.atLeastBytes);
    case "pause":
      return compilePause(parts, action.timeoutMs, action.sample);
  }
}

/** `strict-mode`: for the rules of this set that follow. */
function compileStrictMode(edits: HeadEdits, on: boolean): Action {
  return () => {
    edits.strict = on;
    return CONTINUE;
  };
}
