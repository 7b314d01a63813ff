// Health checks of a backend: `option httpchk`, `option tcp-check`, `http-check …`. What a server does with them (`check`, `inter` …)
// stands on its line (server-options.ts).
//
// `http-check` lines without `option httpchk` are kept: the option may follow, or they may come from `defaults`. check/ warns when it
// never does.
//
// The rules of a check are not mixed with those of `defaults`: a proxy's own `option httpchk` or `http-check send` replaces the whole
// request and all expectations, its own `http-check expect` the expectations. (HAProxy 3.2 then drops the request too and waits for an
// answer to nothing; such a check could only fail.)

import { regexProblem } from "../../acl/patterns/pattern-problem.ts";
import type { CheckExpectPlan } from "../../plan/check.ts";
import { type CheckDraft, newCheck, type ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";

/** The check of this proxy, made on the first word about it. */
export function checkOf(proxy: ProxyDraft): CheckDraft {
  proxy.check ??= newCheck();
  return proxy.check;
}

/** As `checkOf`, for words that say what is asked: what came from `defaults` gives way. */
function ownRequest(proxy: ProxyDraft): CheckDraft {
  const check = checkOf(proxy);
  if (check.requestIsInherited) {
    check.requestIsInherited = false;
    check.method = check.uri = check.version = check.body = "";
    check.headers.length = 0;
    ownExpectations(proxy);
  }
  return check;
}

/** As `checkOf`, for words that say what is expected. */
function ownExpectations(proxy: ProxyDraft): CheckDraft {
  const check = checkOf(proxy);
  if (check.expectIsInherited) {
    check.expectIsInherited = false;
    check.expect.length = 0;
  }
  return check;
}

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
  const check = ownRequest(proxy);
  proxy.checkOption = "httpchk";
  check.method = second === "" ? "" : first;
  check.uri = second === "" ? first : second;
  check.version = version;
  if (host !== "") setHeader(check, "Host", host);
}

/** `option tcp-check`; without rules (tcp-check.ts) the connection is the check. */
export function tcpCheckOption(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  checkOf(proxy);
  proxy.checkOption = "tcp-check";
}

export function disableOn404(statement: Statement, proxy: ProxyDraft): void {
  if (statement.has(2)) {
    const message = `'http-check' cannot handle unexpected argument '${statement.text(2)}'.`;
    statement.alert("extra-argument", message, { at: 2 });
  } else {
    checkOf(proxy).disableOn404 = true;
  }
}

/** `http-check send [meth <m>] [{ uri | uri-lf } <u>] [ver <v>] [hdr <name> <fmt>]* [{ body | body-lf } <b>] [comment <c>]` */
export function send(statement: Statement, proxy: ProxyDraft): void {
  const check = ownRequest(proxy);
  for (let at = 2; at < statement.length; at++) {
    const word = statement.text(at);
    if (word === "hdr") {
      const [name, value] = [statement.text(at + 1), statement.text(at + 2)];
      if (name === "" || value === "") {
        const message = "'http-check send' : 'hdr' expects <name> and <value> as arguments.";
        statement.alert("missing-argument", message, { at, expected: "a header's name and its value" });
        return;
      }
      check.headers.push({ name, value });
      at += 2;
      continue;
    }
    const value = statement.text(at + 1);
    if (word !== "meth" && word !== "uri" && word !== "ver" && word !== "body" && word !== "comment") {
      const isKnown = word === "uri-lf" || word === "body-lf";
      const message = isKnown
        ? `'http-check send' : '${word}' is known to HAProxy but not served yet`
        : `'http-check send' : expects 'comment', 'meth', 'uri', 'uri-lf', 'ver', 'hdr', 'body' or 'body-lf' but got '${word}' as argument..`;
      statement.alert(isKnown ? "unserved" : "unknown-word", message, { at });
      return;
    }
    if (value === "") {
      const message = `'http-check send' : '${word}' expects a string as argument..`;
      statement.alert("missing-argument", message, { at: at + 1 });
      return;
    }
    if (word === "meth") check.method = value;
    else if (word === "uri") check.uri = value;
    else if (word === "ver") check.version = value;
    else if (word === "body") check.body = value;
    at++;
  }
}

function setHeader(check: CheckDraft, name: string, value: string): void {
  const others = check.headers.filter((header) => header.name.toLowerCase() !== name.toLowerCase());
  check.headers.splice(0, check.headers.length, ...others, { name, value });
}

const EXPECT_COMPLAINT =
  "'only supports min-recv, [!]string', '[!]rstring', '[!]string-lf', '[!]status', '[!]rstatus', [!]hdr, [!]fhdr or comment but got";

/** `http-check expect [!] { status | rstatus | string | rstring } <pattern>` */
export function expect(statement: Statement, proxy: ProxyDraft): void {
  const fail = (code: string, message: string, at: number): void =>
    statement.alert(code, `'http-check expect' : ${message}`, { at });
  let negate = false;
  let at = 2;
  let word = statement.text(at);
  while (word.startsWith("!")) {
    negate = !negate;
    word = word === "!" ? statement.text(++at) : word.slice(1);
  }
  if (word === "comment") {
    at += 2;
    word = statement.text(at);
  }
  if (word === "") {
    fail("missing-argument", "expects at least a matching pattern as arguments.", at);
    return;
  }
  const kind = (["status", "rstatus", "string", "rstring"] as const).find((name) => name === word);
  if (kind === undefined) {
    const known = ["min-recv", "string-lf", "hdr", "fhdr", "ok-status", "error-status", "tout-status", "on-success"];
    if (known.includes(word) || word === "on-error" || word === "status-code") {
      fail("unserved", `'${word}' is known to HAProxy but not served yet`, at);
    } else {
      fail("unknown-word", `${EXPECT_COMPLAINT} '${word}' as argument..`, at);
    }
    return;
  }
  const pattern = statement.text(at + 1);
  if (pattern === "") {
    fail("missing-argument", `'${kind}' expects a <pattern> as argument.`, at + 1);
    return;
  }
  const problem = patternProblem(kind, pattern);
  if (problem !== null) {
    fail("bad-pattern", problem, at + 1);
    return;
  }
  if (statement.has(at + 2)) {
    fail("unknown-word", `${EXPECT_COMPLAINT} '${statement.text(at + 2)}' as argument..`, at + 2);
    return;
  }
  ownExpectations(proxy).expect.push({ kind, negate, pattern });
}

function patternProblem(kind: CheckExpectPlan["kind"], pattern: string): string | null {
  if (kind === "rstatus" || kind === "rstring") {
    const problem = regexProblem(pattern);
    return problem === null ? null : `${problem}.`;
  }
  if (kind === "string") return null;
  const wrong = /[^0-9,-]/.exec(pattern);
  if (wrong !== null) return `invalid character '${wrong[0]}' in the list of status codes.`;
  const isList = pattern.split(",").every((range) => /^\d+(-\d+)?$/.test(range));
  return isList ? null : "invalid list of status codes.";
}
