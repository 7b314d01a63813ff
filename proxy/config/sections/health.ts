// Health checks over HTTP: `option httpchk` and what only `http-check` has. What a server does with them (`check`, `inter` …) stands on its line
// (server-options.ts); steps that `tcp-check` has as well are check-steps.ts.
//
// `http-check` lines without `option httpchk` are kept: the option may follow, or they may come from `defaults`. check/ warns when it
// never does.
//
// A proxy's own lines are not mixed with those of `defaults`: its first one replaces the steps, its own `option httpchk` the request as well.

import type { CheckStepRequestPlan, CheckText } from "../../plan/check.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";
import type { CheckReader } from "./check-reader.ts";
import { addRead, checkOf } from "./check-steps.ts";

const SEND_WORDS = "expects 'comment', 'meth', 'uri', 'uri-lf', 'ver', 'hdr', 'body' or 'body-lf' but got";

/** `option httpchk [<method>] [<uri> [<version> [<host>]]]`; one argument alone is the URI. */
export function httpchk(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(4, 2)) return;
  const [first, second, version, host] = [2, 3, 4, 5].map((at) => statement.text(at)) as [
    string,
    string,
    string,
    string,
  ];
  if (/[\r\n]/.test(version)) {
    const message =
      "'option httpchk' : hiding headers or body at the end of the version string is unsupported." +
      "Use 'http-check send' directive instead..";
    statement.alert("bad-version", message, { at: 4, hint: "http-check send hdr Host example.com" });
    return;
  }
  const check = checkOf(proxy);
  if (check.http.isInherited) {
    check.http.isInherited = false;
    check.http.steps = [];
  }
  proxy.checkOption = "httpchk";
  check.request = { method: second === "" ? "" : first, uri: second === "" ? first : second, version, host };
}

/** `option tcp-check`; without rules (tcp-check.ts) the connection is the check. */
export function tcpCheckOption(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  checkOf(proxy);
  proxy.checkOption = "tcp-check";
}

/** `option external-check`; what it wants beside it is checked when the section is complete (check/server.ts). */
export function externalCheckOption(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  checkOf(proxy);
  proxy.checkOption = "external";
}

/** `external-check command <command>`, `external-check path <path>` */
export function externalCheck(statement: Statement, proxy: ProxyDraft): void {
  const word = statement.text(1);
  if (!statement.takesAtMost(1, 2)) return;
  if (statement.has(2)) proxy.texts.set(`external-check ${word}`, statement.text(2));
  else statement.alert("missing-argument", `missing argument after '${word}'.`, { at: 2, introduction: "tight" });
}

export function disableOn404(statement: Statement, proxy: ProxyDraft): void {
  if (takesNothing(statement)) checkOf(proxy).disableOn404 = true;
}

export function sendState(statement: Statement, proxy: ProxyDraft): void {
  if (takesNothing(statement)) checkOf(proxy).sendState = true;
}

function takesNothing(statement: Statement): boolean {
  if (!statement.has(2)) return true;
  const message = `'http-check' cannot handle unexpected argument '${statement.text(2)}'.`;
  statement.alert("extra-argument", message, { at: 2 });
  return false;
}

/** `http-check send [meth <m>] [{ uri | uri-lf } <u>] [ver <v>] [hdr <name> <fmt>]* [{ body | body-lf } <b>] [comment <c>]` */
export function send(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  addRead(statement, proxy, configuration, readSend);
}

function readSend(reader: CheckReader): CheckStepRequestPlan {
  const headers: { name: string; value: CheckText }[] = [];
  const step = { kind: "request", method: "", uri: "" as CheckText, version: "", body: "" as CheckText, comment: "" };
  while (reader.has()) {
    const word = reader.word();
    if (word === "hdr") {
      const complaint = "'hdr' expects <name> and <value> as arguments.";
      const name = reader.value(complaint);
      headers.push({ name, value: reader.format(reader.value(complaint)) });
      continue;
    }
    if (!["meth", "uri", "uri-lf", "ver", "body", "body-lf", "comment"].includes(word))
      throw reader.fault("unknown-word", `${SEND_WORDS} '${word}' as argument..`, reader.at - 1);
    const value = reader.value(`'${word}' expects a string as argument..`);
    if (word === "meth") step.method = value;
    else if (word === "ver") step.version = value;
    else if (word === "comment") step.comment = value;
    else if (word === "uri" || word === "uri-lf") step.uri = word === "uri" ? value : reader.format(value);
    else step.body = word === "body" ? value : reader.format(value);
  }
  return { ...step, kind: "request", headers };
}
