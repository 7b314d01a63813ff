// `allow` (`accept`), `reject` and `strict-mode`: actions that only say how the evaluation goes on.

import { LOG_ORIGINS } from "../../../plan/log.ts";
import type { ActionPlan } from "../../../plan/rules.ts";
import { hasFrontend } from "../../draft.ts";
import type { RuleReader } from "./rule-reader.ts";

/** `allow`, `accept` */
export function allow(): ActionPlan {
  return { kind: "allow" };
}

/** `reject` */
export function reject(): ActionPlan {
  return { kind: "reject" };
}

/** `switch-mode http [ proto <name> ]` */
export function switchMode(reader: RuleReader): ActionPlan | null {
  const { proxy, word } = reader;
  if (word !== "http") return reader.fault(word === "" ? "'http' is expected." : `invalid mode '${word}'.`);
  if (!hasFrontend(proxy) && proxy.kind !== "defaults") {
    return reader.fault("not allowed because the proxy has no frontend capability.");
  }
  reader.at++;
  if (reader.word !== "proto") return { kind: "switch-mode" };
  const name = reader.statement.text(reader.at + 1);
  if (name !== "h1") {
    return reader.fault(`'proto ${name}' is known to HAProxy but not served here.`, { at: reader.at + 1 });
  }
  reader.at += 2;
  return { kind: "switch-mode" };
}

/** `wait-for-handshake` */
export function waitForHandshake(): ActionPlan {
  return { kind: "wait-for-handshake" };
}

const LOG_STEP_NAMES: Readonly<Record<string, string>> = {
  "tcp-request connection": "tcp-req-conn",
  "tcp-request session": "tcp-req-sess",
  "tcp-request content": "tcp-req-cont",
  "tcp-response content": "tcp-res-cont",
  "http-request": "http-req",
  "http-response": "http-res",
  "http-after-response": "http-after-res",
};

/** `do-log` */
export function doLog({ ruleSet }: RuleReader): ActionPlan {
  const step = LOG_STEP_NAMES[ruleSet];
  return { kind: "do-log", origin: LOG_ORIGINS.findIndex((origin) => origin.step === step) };
}

/** `strict-mode { on | off }` */
export function strictMode(reader: RuleReader): ActionPlan | null {
  const { word } = reader;
  if (word === "") return reader.fault("expects exactly 1 arguments.");
  if (word !== "on" && word !== "off") {
    return reader.fault(`Unexpected value '${word}'. Only 'on' and 'off' are supported.`);
  }
  reader.at++;
  return { kind: "strict-mode", on: word === "on" };
}

/** `expect-proxy layer4`, `expect-netscaler-cip layer4` */
export function expectHeader(header: "proxy" | "netscaler-cip") {
  return (reader: RuleReader): ActionPlan | null => {
    if (reader.word !== "layer4") {
      return reader.fault(`'expect-${header}' expects 'layer4' as argument (got '${reader.word}').`);
    }
    reader.at++;
    return { kind: "expect-header", header };
  };
}

/** `disable-l7-retry` */
export function disableRetry(): ActionPlan {
  return { kind: "disable-l7-retry" };
}
