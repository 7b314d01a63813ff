// `timeout <event> <time>`, section 4.2. Values are milliseconds; 0 means none, as everywhere in HAProxy.

import { parseTime } from "../arguments.ts";
import { hasBackend, hasFrontend, kindInMessages, type ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";
import { timeProblem, warnOfTrailing } from "../values.ts";

/** Below this many milliseconds without a unit somebody probably meant seconds. */
const SUSPICIOUS_MS = 100;

/** Timeouts that only one side has; a proxy without that side ignores them. */
const CLIENT_SIDE = new Set(["client", "client-fin", "client-hs"]);
const SERVER_SIDE = new Set(["connect", "server", "server-fin", "queue", "tunnel", "check"]);

/** Parses one of them; the table says which events there are. */
export function timeout(statement: Statement, proxy: ProxyDraft): void {
  const event = statement.text(1);
  const keyword = `timeout ${event}`;
  const text = statement.text(2);
  if (text === "") {
    statement.alert("missing-argument", `'${keyword}' expects an integer value (in milliseconds)`, {
      at: 2,
      expected: "a time such as 10s",
    });
    return;
  }
  const parsed = parseTime(text, "ms");
  if (!parsed.ok) {
    statement.alert("bad-time", timeProblem(parsed.problem, text, keyword), { at: 2, expected: "a time such as 10s" });
    return;
  }
  if (statement.has(3)) {
    const message = `'${keyword}' : unexpected extra argument '${statement.text(3)}' after value '${text}'.`;
    statement.alert("extra-argument", message, { at: 3 });
    return;
  }
  warnAboutSide(statement, proxy, event);
  const { value, hasUnit } = parsed.value;
  warnOfTrailing(statement, 2, parsed.value.trailing);
  if (!hasUnit && value > 0 && value < SUSPICIOUS_MS) {
    const who = `${kindInMessages(proxy)} '${proxy.name}'`;
    const message =
      `'${keyword} ${text}' in ${who} is suspiciously small for a value in milliseconds. ` +
      `Please use an explicit unit ('${text}ms') if that was the intent.`;
    statement.warning("suspicious-timeout", message, { at: 2 });
  }
  proxy.timeouts.set(event, value);
}

function warnAboutSide(statement: Statement, proxy: ProxyDraft, event: string): void {
  if (proxy.kind === "defaults") return;
  const missing =
    CLIENT_SIDE.has(event) && !hasFrontend(proxy)
      ? "frontend"
      : SERVER_SIDE.has(event) && !hasBackend(proxy)
        ? "backend"
        : null;
  if (missing === null) return;
  const who = `${kindInMessages(proxy)} '${proxy.name}'`;
  const message = `'timeout ${event}' will be ignored because ${who} has no ${missing} capability`;
  statement.warning("ignored", message);
}
