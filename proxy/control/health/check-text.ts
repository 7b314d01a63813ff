// HAProxy's words about steps of checks, for logs and `last_chk`.

import type { CheckPlan, CheckStepExpectPlan, CheckStepPlan } from "../../plan/check.ts";

/** Behind a success that has no words of its own. */
export function implicitText({ kind }: CheckPlan): string {
  return kind === "httpchk" ? "" : "(tcp-check)";
}

/** ` at step 2 of tcp-check (connect port 1)`; no step: the connection in front of all. */
export function placeText(step: CheckStepPlan | undefined, number: number): string {
  if (step === undefined) return " at initial connection step of tcp-check";
  const comment = step.comment === "" ? "" : ` comment: '${step.comment}'`;
  return ` at step ${number} of tcp-check (${stepText(step)})${comment}`;
}

function stepText(step: CheckStepPlan): string {
  switch (step.kind) {
    case "connect":
      return typeof step.port === "number" && step.port === 0 ? "connect" : `connect port ${portText(step.port)}`;
    case "expect":
      return expectText(step);
    case "request":
      return "send";
    default:
      return step.kind;
  }
}

function portText(port: Extract<CheckStepPlan, { kind: "connect" }>["port"]): string {
  return typeof port === "number" ? String(port) : "(expression)";
}

function expectText({ expectation }: CheckStepExpectPlan): string {
  switch (expectation.on) {
    case "string":
    case "binary":
      if (typeof expectation.text !== "string") return `expect log-format ${expectation.on}`;
      return `expect ${expectation.on} '${shown(expectation.on, expectation.text)}'`;
    case "rstring":
      return "expect regex";
    case "rbinary":
      return "expect binary regex";
    case "status":
      return "expect HTTP status codes";
    case "rstatus":
      return "expect HTTP status regex";
    case "hdr":
    case "fhdr":
      return "expect HTTP header pattern";
    default:
      return "expect custom function";
  }
}

function shown(on: "string" | "binary", text: string): string {
  return on === "string" ? text : Buffer.from(text, "latin1").toString("hex");
}

/** `TCPCHK did not match content 'x' at step 2` */
export function unexpectedText({ expectation, negate }: CheckStepExpectPlan, number: number): string {
  const verdict = negate ? "matched unwanted content" : "did not match content";
  return `TCPCHK ${verdict} ${contentText(expectation)} at step ${number}`;
}

function contentText(expectation: CheckStepExpectPlan["expectation"]): string {
  switch (expectation.on) {
    case "string":
      return typeof expectation.text === "string" ? `'${expectation.text}'` : "(log-format string)";
    case "binary":
      return typeof expectation.text === "string" ? "(binary)" : "(log-format binary)";
    case "rstring":
      return "(regex)";
    case "rbinary":
      return "(binary regex)";
    default:
      return "(custom function)";
  }
}
