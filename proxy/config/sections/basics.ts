// Parsers of proxy keywords that set one thing: numbers, texts, switches, the mode. What has a grammar of its own has its own file.

import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { kindInMessages } from "../draft.ts";
import type { Statement } from "../statement.ts";

/** What parses a statement of a proxy section. */
export type ProxyParser = (statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft) => void;

export function mode(statement: Statement, proxy: ProxyDraft): void {
  const name = statement.text(1);
  if (name === "http" || name === "tcp") {
    if (!statement.takesAtMost(1)) return;
    proxy.mode = name;
    proxy.isLog = false;
    return;
  }
  if (name === "log") {
    if (proxy.kind === "frontend") {
      statement.alert("bad-mode", "mode log is only applicable on proxies with backend capability.", { at: 1 });
    } else if (statement.takesAtMost(1)) {
      proxy.mode = "tcp";
      proxy.isLog = true;
    }
    return;
  }
  // The agents of an SPOE engine: nothing but frames, which the engine's own connections carry.
  if (name === "spop") {
    if (statement.takesAtMost(1)) proxy.mode = "tcp";
    return;
  }
  if (name === "haterm") {
    const message = `mode '${name}' is known to HAProxy but not served yet.`;
    statement.alert("unserved", message, { at: 1, expected: "'http' or 'tcp'" });
  } else if (name === "health") {
    const message = "'mode health' doesn't exist anymore. Please use 'http-request return status 200' instead.";
    statement.alert("gone", message, { at: 1, expected: "'http' or 'tcp'" });
  } else {
    statement.alert("unknown-mode", `unknown proxy mode '${name}'.`, { at: 1, expected: "'http' or 'tcp'" });
  }
}

/**
 * `maxconn 100`: one integer. HAProxy reads these with atol: what is no number counts as 0 there, without a word; here it is an error.
 */
export function number(statement: Statement, proxy: ProxyDraft): void {
  const keyword = statement.text(0);
  if (!statement.takesAtMost(1)) return;
  const text = statement.text(1);
  if (text === "") {
    statement.alert("missing-argument", `'${keyword}' expects an integer argument.`, { at: 1, expected: "an integer" });
  } else if (!/^-?\d+$/.test(text)) {
    const message = `cannot parse '${keyword}' value '${text}', an integer is expected.`;
    statement.alert("not-an-integer", message, { at: 1, expected: "an integer" });
  } else {
    proxy.numbers.set(keyword, Number(text));
  }
}

export function retries(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.has(1)) {
    const message = "'retries' expects an integer argument (dispatch counts for one).";
    statement.alert("missing-argument", message, { at: 1, expected: "an integer" });
    return;
  }
  number(statement, proxy);
}

export function rateLimit(statement: Statement, proxy: ProxyDraft): void {
  const text = statement.text(2);
  const wrong = /[^0-9]/.exec(text);
  if (text === "") {
    const message = "'rate-limit sessions' expects expects an integer value (in sessions/second)";
    statement.alert("missing-argument", message, { at: 2, expected: "sessions per second" });
  } else if (wrong !== null) {
    const message = `'rate-limit sessions' : unexpected character '${wrong[0]}' in integer value '${text}'`;
    statement.alert("not-an-integer", message, { at: 2, expected: "sessions per second" });
  } else {
    proxy.numbers.set("rate-limit sessions", Number(text));
  }
}

/** `id 5`: HAProxy's identity of the proxy, `iid` in show stat. */
export function id(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const text = statement.text(1);
  if (text === "") {
    statement.alert("missing-argument", "'id' expects an integer argument.", { at: 1, introduction: "tight" });
    return;
  }
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value <= 0) {
    statement.alert("bad-id", "custom id has to be > 0.", { at: 1, introduction: "tight" });
    return;
  }
  const owner = configuration.proxies.find((other) => other !== proxy && other.id === value);
  if (owner !== undefined) {
    const { file, line } = owner.statement.location;
    const message = `${kindInMessages(proxy)} ${proxy.name} reuses same custom id as ${kindInMessages(owner)} ${owner.name} (declared at ${file}:${line}).`;
    statement.alert("duplicate-id", message, { at: 1, introduction: "tight" });
    return;
  }
  proxy.id = value;
}

export function description(statement: Statement, proxy: ProxyDraft): void {
  if (statement.has(1)) proxy.description = statement.textsFrom(1).join(" ");
  else {
    statement.alert("missing-argument", "'description' expects a string argument.", { at: 1, introduction: "tight" });
  }
}

/** `disabled` and `enabled`. */
export function disabled(statement: Statement, proxy: ProxyDraft): void {
  if (statement.takesAtMost(0)) proxy.disabled = statement.text(0) === "disabled";
}

/** `log-tag NAME`, `monitor-uri URI`: one text. */
export function text(complaint: string): ProxyParser {
  return (statement, proxy) => {
    if (!statement.takesAtMost(1)) return;
    if (statement.has(1)) proxy.texts.set(statement.text(0), statement.text(1));
    else statement.alert("missing-argument", complaint, { at: 1 });
  };
}

const REUSE = ["never", "safe", "aggressive", "always"] as const;

export function httpReuse(statement: Statement, proxy: ProxyDraft): void {
  const policy = REUSE.find((name) => name === statement.text(1));
  if (policy === undefined) {
    const message = "'http-reuse' only supports 'never', 'safe', 'aggressive', 'always'.";
    statement.alert("unknown-word", message, { at: 1, expected: "one of never, safe, aggressive, always" });
  } else if (statement.takesAtMost(0, 2)) {
    proxy.httpReuse = policy;
  }
}

export function defaultBackend(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.has(1)) {
    statement.alert("missing-argument", "'default_backend' expects a backend name.", { at: 1 });
  } else if (statement.takesAtMost(1)) {
    proxy.defaultBackend = { name: statement.text(1), statement };
  }
}
