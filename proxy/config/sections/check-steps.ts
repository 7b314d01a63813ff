// What `tcp-check` and `http-check` share beside `expect`: the lists of steps, `connect`, `set-var` and its kin, comments. A section's own first step
// takes the place of what came from its `defaults`.

import type { CheckStepConnectPlan, CheckStepPlan } from "../../plan/check.ts";
import { conditionProblem, parseVariableName } from "../../variables/name.ts";
import { splitArguments } from "../argument-list.ts";
import { type CheckDraft, newCheck } from "../check-draft.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";
import { literalAddress } from "../values.ts";
import { readExpect } from "./check-expect.ts";
import { type CheckReader, readCheckLine } from "./check-reader.ts";

const PORT_MAX = 65_535;
const CONNECT_WORDS =
  "expects 'comment', 'port', 'addr', 'send-proxy', 'ssl', 'sni', 'alpn' or 'via-socks4', 'linger', 'default' but got";
const CONNECT_FIRST =
  "first step MUST also be a 'connect', optionally preceded by a 'set-var', an 'unset-var' or a 'comment', when there is a 'connect' step in the tcp-check ruleset.";
const SET_EXPECTS = "Expects 'set-var(<var-name>)', 'set-var-fmt(<var-name>)' or 'unset-var(<var-name>)'.";

type Draft<Step> = { -readonly [Key in keyof Step]: Step[Key] };

const CONNECT: CheckStepConnectPlan = {
  ...{ kind: "connect", isDefault: false, port: 0, address: null, sendProxy: false },
  ...{ ssl: false, sni: "", alpn: [], comment: "" },
};

/** The check of this proxy, made on the first word about it. */
export function checkOf(proxy: ProxyDraft): CheckDraft {
  proxy.check ??= newCheck();
  return proxy.check;
}

/** Takes the comment that a `comment` line in front has left, unless the step has one of its own. */
export function addStep(family: "tcp-check" | "http-check", proxy: ProxyDraft, step: CheckStepPlan): void {
  const check = checkOf(proxy);
  const list = family === "tcp-check" ? check.tcp : check.http;
  if (list.isInherited) {
    list.isInherited = false;
    if (step.kind !== "expect" && family === "http-check") check.request = newCheck().request;
    // What is sent stays when a proxy only expects something else.
    const kept = step.kind === "expect" ? list.steps.filter(({ kind }) => kind === "request") : [];
    list.steps = family === "http-check" ? kept : [];
  }
  list.steps.push(step.comment === "" ? { ...step, comment: list.comment } : step);
  list.comment = step.kind === "comment" ? step.comment : "";
}

/** `comment <string>`: HAProxy counts it as a step of tcp-check. */
export function checkComment(statement: Statement, proxy: ProxyDraft): void {
  const text = statement.text(2);
  const family = statement.text(0) as "tcp-check" | "http-check";
  if (text === "") {
    statement.alert("missing-argument", `'${family} comment' : expects a string as argument.`, { at: 2 });
  } else if (family === "tcp-check") addStep(family, proxy, { kind: "comment", comment: text });
  else checkOf(proxy).http.comment = text;
}

export function checkExpect(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  addRead(statement, proxy, configuration, readExpect);
}

/** `connect [default] [port <expr>] [addr <ip>] [send-proxy] [ssl] [sni <sni>] [alpn <alpn>] [linger] [comment <msg>]` */
export function checkConnect(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  addRead(statement, proxy, configuration, (reader) => {
    const list = checkOf(proxy)[reader.family === "tcp-check" ? "tcp" : "http"];
    const first = list.isInherited
      ? undefined
      : list.steps.find(({ kind }) => kind !== "variable" && kind !== "comment");
    if (first === undefined || first.kind === "connect") return readConnect(reader);
    throw reader.fault("late-connect", CONNECT_FIRST, 1);
  });
}

/** `set-var(<name>[,<cond>...]) <expr>`, `set-var-fmt(<name>[,<cond>...]) <fmt>`, `unset-var(<name>)` */
export function checkVariable(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  addRead(statement, proxy, configuration, readVariable);
}

export function addRead(
  statement: Statement,
  proxy: ProxyDraft,
  configuration: ConfigurationDraft,
  read: (reader: CheckReader) => CheckStepPlan,
): void {
  const step = readCheckLine(statement, proxy, configuration, read);
  if (step !== null) addStep(statement.text(0) as "tcp-check" | "http-check", proxy, step);
}

function readConnect(reader: CheckReader): CheckStepPlan {
  const step: Draft<CheckStepConnectPlan> = { ...CONNECT };
  while (reader.has()) {
    const word = reader.word();
    switch (word) {
      case "linger":
        break;
      case "default":
        step.isDefault = true;
        break;
      case "send-proxy":
        step.sendProxy = true;
        break;
      case "ssl":
        step.ssl = true;
        break;
      case "comment":
        step.comment = reader.value("'comment' expects a string as argument..");
        break;
      case "sni":
        step.sni = reader.value("'sni' expects a string as argument..");
        break;
      case "alpn":
        step.alpn = reader.value("'alpn' expects a comma-separated protocol list as argument.").split(",");
        if (reader.family === "http-check" && step.alpn.includes("h2"))
          throw reader.fault("unserved", "'alpn' : checks do not speak HTTP/2 yet", reader.at - 1);
        break;
      case "port":
        step.port = readPort(reader);
        break;
      case "addr":
        readAddress(reader, step);
        break;
      case "proto":
      case "via-socks4":
        throw reader.fault("unserved", `'${word}' is known to HAProxy but not served yet`, reader.at - 1);
      default:
        throw reader.fault("unknown-word", `${CONNECT_WORDS} '${word}' as argument..`, reader.at - 1);
    }
  }
  return step;
}

function readPort(reader: CheckReader): CheckStepConnectPlan["port"] {
  const value = reader.value("'port' expects a port number or a sample expression as argument..");
  if (!/^\d+$/.test(value)) return reader.sample(value);
  if (Number(value) >= 1 && Number(value) <= PORT_MAX) return Number(value);
  const message = `expects a valid TCP port (from range 1 to ${PORT_MAX}) or a sample expression, got ${value}..`;
  throw reader.fault("bad-argument", message, reader.at - 1);
}

function readAddress(reader: CheckReader, step: Draft<CheckStepConnectPlan>): void {
  const value = reader.value("'addr' expects <ipv4|ipv6> as argument..");
  const parsed = literalAddress(value, reader.configuration);
  if (!parsed.ok || parsed.value.address === null)
    throw reader.fault("bad-argument", `'${value}' is not a valid address.`, reader.at - 1);
  step.address = parsed.value.address;
}

function readVariable(reader: CheckReader): CheckStepPlan {
  const word = reader.statement.text(1);
  const action = word.replace(/\(.*$/, "");
  const opening = word.indexOf("(");
  const fail = (message: string, at: number) => reader.fault("bad-variable", `'${action}' : ${message}`, at);
  if (opening < 0) throw fail(`invalid or incomplete action '${word}'. ${SET_EXPECTS}`, 1);
  const split = splitArguments(word, opening);
  if (!split.ok || split.value.end !== word.length)
    throw fail(`incomplete argument after action '${word}'. ${SET_EXPECTS}`, 1);
  const [name = "", ...conditions] = split.value.arguments;
  const parsed = parseVariableName(name);
  if (typeof parsed === "string") throw fail(parsed, 1);
  const problem = conditionProblem(conditions);
  if (problem !== null) throw fail(`${problem}.`, 1);
  const step = { kind: "variable", name, conditions, comment: "" } as const;
  if (action === "unset-var") return { ...step, value: null };
  const text = reader.word();
  if (text === "") throw fail("missing fetch method.", 2);
  return { ...step, value: action === "set-var" ? reader.sample(text) : reader.nodes(text) };
}
