// `tcp-check` rules, and the options that choose a protocol's check: both come to steps (plan/check.ts). The first own rule of a section replaces
// the rules of its `defaults`.

import { regexProblem } from "../../acl/patterns/pattern-problem.ts";
import type { CheckStepExpectPlan, CheckStepPlan, CheckStepStatus } from "../../plan/check.ts";
import type { CheckDraft, ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";
import { literalAddress } from "../values.ts";
import { checkOf } from "./health.ts";

const PORT_MAX = 65_535;
const MATCHES: readonly string[] = ["string", "rstring", "binary", "rbinary"];
const EXPECT_WORDS =
  "'only supports min-recv, '[!]binary', '[!]string', '[!]rstring', '[!]string-lf''[!]rbinary', '[!]binary-lf' or comment but got";
const CONNECT_WORDS =
  "expects 'comment', 'port', 'addr', 'send-proxy', 'ssl', 'sni', 'alpn' or 'via-socks4', 'linger', 'default' but got";

const OK_STATUSES: readonly string[] = ["L6OK", "L7OK", "L7OKC"] satisfies CheckStepStatus[];
const ERROR_STATUSES: readonly string[] = ["L6RSP", "L7RSP", "L7STS"] satisfies CheckStepStatus[];

type ConnectStep = Extract<CheckStepPlan, { kind: "connect" }>;

/** What is wrong with a rule, and where. */
interface Fault {
  readonly code: string;
  readonly message: string;
  readonly at: number;
}

type Draft<Step> = { -readonly [Key in keyof Step]: Step[Key] };

const EXPECT: CheckStepExpectPlan = {
  ...{ kind: "expect", match: "string", pattern: "", negate: false, minRecvBytes: -1 },
  ...{ okStatus: "L7OK", errorStatus: "L7RSP", onSuccess: "", onError: "", comment: "" },
};

function ownSteps(proxy: ProxyDraft): CheckDraft {
  const check = checkOf(proxy);
  if (check.stepsAreInherited) {
    check.stepsAreInherited = false;
    check.steps.length = 0;
  }
  return check;
}

/** Takes the comment that a `tcp-check comment` in front has left, unless the rule has one of its own. */
function addStep(proxy: ProxyDraft, step: CheckStepPlan): void {
  const check = ownSteps(proxy);
  check.steps.push(step.comment === "" ? { ...step, comment: check.comment } : step);
  check.comment = "";
}

export function tcpCheckComment(statement: Statement, proxy: ProxyDraft): void {
  const text = statement.text(2);
  if (text === "") {
    statement.alert("missing-argument", "'tcp-check comment' : expects a string as argument.", { at: 2 });
    return;
  }
  const check = ownSteps(proxy);
  check.steps.push({ kind: "comment", comment: text });
  check.comment = text;
}

/** `tcp-check send <data> [comment <msg>]`, `tcp-check send-binary <hexstring> [comment <msg>]` */
export function tcpCheckSend(statement: Statement, proxy: ProxyDraft): void {
  const [keyword, data] = [statement.text(1), statement.text(2)];
  const fail = (code: string, message: string, at: number): void =>
    statement.alert(code, `'tcp-check ${keyword}' : ${message}`, { at });
  if (data === "") {
    const what = keyword === "send" ? "string" : "binary string";
    fail("missing-argument", `'${what}' expects a ${keyword} as argument.`, 2);
    return;
  }
  const problem = keyword === "send" ? null : hexProblem(data);
  if (problem !== null) {
    fail("bad-binary", `'${data}' invalid binary string (${problem}).`, 2);
    return;
  }
  if (statement.has(3) && statement.text(3) !== "comment") {
    fail("unknown-word", `expects 'comment' but got '${statement.text(3)}' as argument..`, 3);
    return;
  }
  const bytes = keyword === "send" ? data : fromHex(data);
  addStep(proxy, { kind: "send", bytes, comment: statement.text(4) });
}

/** `tcp-check connect [default] [port <port>] [addr <ip>] [send-proxy] [linger] [comment <msg>]` */
export function tcpCheckConnect(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const step: Draft<ConnectStep> = { kind: "connect", port: 0, address: null, sendProxy: false, comment: "" };
  const fault = readConnect(statement, step, configuration);
  if (fault === null) addStep(proxy, step);
  else statement.alert(fault.code, `'tcp-check connect' : ${fault.message}`, { at: fault.at });
}

function readConnect(statement: Statement, step: Draft<ConnectStep>, configuration: ConfigurationDraft): Fault | null {
  for (let at = 2; at < statement.length; at++) {
    const [word, value] = [statement.text(at), statement.text(at + 1)];
    if (word === "default" || word === "linger") continue;
    if (word === "send-proxy") step.sendProxy = true;
    else if (word === "comment" || word === "port" || word === "addr") {
      const message = takeConnectValue(step, word, value, configuration);
      if (message !== null) return { code: "bad-argument", message, at: at + 1 };
      at++;
    } else if (["ssl", "sni", "alpn", "proto", "via-socks4"].includes(word)) {
      return { code: "unserved", message: `'${word}' is known to HAProxy but not served yet`, at };
    } else return { code: "unknown-word", message: `${CONNECT_WORDS} '${word}' as argument..`, at };
  }
  return null;
}

function takeConnectValue(
  step: Draft<ConnectStep>,
  word: "comment" | "port" | "addr",
  value: string,
  configuration: ConfigurationDraft,
): string | null {
  if (word === "comment") step.comment = value;
  else if (word === "port") {
    if (value === "") return "'port' expects a port number or a sample expression as argument..";
    if (!/^\d+$/.test(value) || Number(value) < 1 || Number(value) > PORT_MAX)
      return `expects a valid TCP port (from range 1 to ${PORT_MAX}) or a sample expression, got ${value}..`;
    step.port = Number(value);
  } else {
    if (value === "") return "'addr' expects <ipv4|ipv6> as argument..";
    const parsed = literalAddress(value, configuration);
    if (!parsed.ok || parsed.value.address === null) return `'${value}' is not a valid address.`;
    step.address = parsed.value.address;
  }
  return null;
}

/** `tcp-check expect [min-recv <n>] [comment <msg>] [ok-status <st>] [error-status <st>] [on-success <t>] [on-error <t>] [!] <match> <pattern>` */
export function tcpCheckExpect(statement: Statement, proxy: ProxyDraft): void {
  const step: Draft<CheckStepExpectPlan> = { ...EXPECT };
  const fault = readExpect(statement, step);
  if (fault === null) addStep(proxy, step);
  else statement.alert(fault.code, `'tcp-check expect' : ${fault.message}`, { at: fault.at });
}

function readExpect(statement: Statement, step: Draft<CheckStepExpectPlan>): Fault | null {
  let isComplete = false;
  for (let at = 2; at < statement.length; at += 2) {
    let word = statement.text(at);
    while (word.startsWith("!")) {
      step.negate = !step.negate;
      word = word === "!" ? statement.text(++at) : word.slice(1);
    }
    const value = statement.text(at + 1);
    const problem = isComplete && MATCHES.includes(word) ? undefined : takeSetting(step, word, value);
    if (problem === undefined) return { code: "unknown-word", message: `${EXPECT_WORDS} '${word}' as argument..`, at };
    if (problem !== null) return { code: "bad-argument", message: problem, at: at + 1 };
    isComplete ||= MATCHES.includes(word);
  }
  const message = "expects at least a matching pattern as arguments.";
  return isComplete ? null : { code: "missing-argument", message, at: 2 };
}

/** What is wrong with the value, null: nothing, undefined: there is no such word. */
function takeSetting(step: Draft<CheckStepExpectPlan>, word: string, value: string): string | null | undefined {
  switch (word) {
    case "string":
    case "rstring":
    case "binary":
    case "rbinary":
      if (value === "") return `'${word}' expects a <pattern> as argument.`;
      step.match = word;
      step.pattern = value;
      if (word === "binary" && hexProblem(value) === null) step.pattern = fromHex(value);
      return matchProblem(word, value);
    case "comment":
      step.comment = value;
      return null;
    case "min-recv":
      if (!/^-?\d+$/.test(value)) return `'min-recv' expects a number of bytes, not '${value}'.`;
      step.minRecvBytes = Number(value);
      return null;
    case "ok-status":
      if (!OK_STATUSES.includes(value))
        return `'ok-status' only supports 'L4OK', 'L6OK', 'L7OK' or 'L7OKC' status (got '${value}')..`;
      step.okStatus = value as CheckStepStatus;
      return null;
    case "error-status":
      if (!ERROR_STATUSES.includes(value))
        return `'error-status' only supports 'L6RSP', 'L7RSP' or 'L7STS' status here (got '${value}')..`;
      step.errorStatus = value as CheckStepStatus;
      return null;
    case "on-success":
    case "on-error":
      if (value.includes("%")) return `'${word}' with a log-format is known to HAProxy but not served yet`;
      step[word === "on-success" ? "onSuccess" : "onError"] = value;
      return null;
    case "tout-status":
    case "status-code":
    case "string-lf":
    case "binary-lf":
      return `'${word}' is known to HAProxy but not served yet`;
    default:
      return undefined;
  }
}

function matchProblem(match: CheckStepExpectPlan["match"], pattern: string): string | null {
  if (match === "string") return null;
  if (match === "binary") {
    const problem = hexProblem(pattern);
    return problem === null ? null : `invalid binary string (${problem}).`;
  }
  const problem = regexProblem(pattern);
  return problem === null ? null : `${problem}.`;
}

function hexProblem(text: string): string | null {
  const wrong = /[^0-9A-Fa-f]/.exec(text);
  if (wrong !== null) return `an hex digit is expected (found '${wrong[0]}')`;
  return text.length % 2 === 0 ? null : "an even number of hex digit is expected";
}

function fromHex(text: string): string {
  return Buffer.from(text, "hex").toString("latin1");
}

function protocol(proxy: ProxyDraft, steps: readonly CheckStepPlan[]): void {
  proxy.checkOption = "protocol";
  checkOf(proxy).protocolSteps = [...steps];
}

export function redisCheck(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  protocol(proxy, [
    { kind: "send", bytes: "*1\r\n$4\r\nPING\r\n", comment: "" },
    { ...EXPECT, pattern: "+PONG\r\n", errorStatus: "L7STS", onSuccess: "Redis server is ok" },
  ]);
}

/** `option smtpchk [<hello> <domain>]` */
export function smtpCheck(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(2, 2)) return;
  const [hello, domain] = [statement.text(2), statement.text(3)];
  const greeting = (hello === "EHLO" || hello === "HELO") && domain !== "" ? `${hello} ${domain}` : "HELO localhost";
  const good: CheckStepPlan = {
    ...EXPECT,
    ...{
      match: "rstring",
      pattern: "^(2[0-9]{2}-[^\\r]*\\r\\n)*2[0-9]{2}[ \\r]",
      minRecvBytes: 4,
      errorStatus: "L7STS",
    },
  };
  protocol(proxy, [
    { ...EXPECT, match: "rstring", pattern: "^[0-9]{3}[- \\r]", minRecvBytes: 4 },
    good,
    { kind: "send", bytes: `${greeting}\r\n`, comment: "" },
    good,
    { kind: "send", bytes: "QUIT\r\n", comment: "" },
    good,
  ]);
}

/** `option pgsql-check user <username>`: the server wants to know more, or lets the user in (protocol 3.0, message R). */
export function pgsqlCheck(statement: Statement, proxy: ProxyDraft): void {
  const [word, user] = [statement.text(2), statement.text(3)];
  if (word === "" || (word === "user" && user === "")) {
    statement.alert("missing-argument", "'option pgsql-check' expects 'user <username>' as argument.", { at: 2 });
    return;
  }
  if (word !== "user") {
    statement.alert("unknown-word", "'option pgsql-check' only supports optional values: 'user'.", { at: 2 });
    return;
  }
  const body = Buffer.concat([Buffer.of(0, 3, 0, 0), Buffer.from(`user\0${user}\0\0`, "latin1")]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  const words = { onSuccess: "PostgreSQL server is ok", onError: "PostgreSQL unknown error" };
  protocol(proxy, [
    { kind: "send", bytes: Buffer.concat([length, body]).toString("latin1"), comment: "" },
    { ...EXPECT, ...words, match: "rbinary", pattern: "^52000000", minRecvBytes: 9, errorStatus: "L7STS" },
  ]);
}

/** A hello of TLS 1.2 that wants nothing in particular; a server answers with its own or with an alert. */
const CLIENT_HELLO = Buffer.concat([
  Buffer.from("16030100310100002d0303", "hex"),
  Buffer.alloc(32, "ringway check"),
  Buffer.from("000006003c003500ff0100", "hex"),
]).toString("latin1");

export function sslHelloCheck(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  protocol(proxy, [
    { kind: "send", bytes: CLIENT_HELLO, comment: "" },
    { ...EXPECT, match: "rbinary", pattern: "^1[56]", minRecvBytes: 5, okStatus: "L6OK", errorStatus: "L6RSP" },
  ]);
}
