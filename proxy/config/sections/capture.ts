// `capture request header`, `capture response header`, `capture cookie`, `declare capture`: slots of a frontend.

import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";

/** Default of `tune.http.cookielen`: cookies are kept up to one byte less. */
const COOKIE_BYTES_MAX = 63;

/** `capture request header <name> len <length>`, `capture response header …` */
export function captureHeader(statement: Statement, proxy: ProxyDraft): void {
  const direction = statement.text(1) as "request" | "response";
  const name = statement.text(3);
  const length = statement.text(5);
  if (name === "" || statement.text(4) !== "len" || length === "") {
    const message = `'capture ${direction}' expects 'header' <header_name> 'len' <len>.`;
    statement.alert("missing-argument", message, { at: name === "" ? 3 : 4 });
    return;
  }
  if (statement.has(6)) {
    const message = `'capture ${direction}' cannot handle unexpected argument '${statement.text(6)}'.`;
    statement.alert("extra-argument", message, { at: 6 });
    return;
  }
  if (!/^\d+$/.test(length)) {
    statement.alert("bad-length", `'capture ${direction}' : '${length}' is not a length.`, { at: 5 });
    return;
  }
  proxy.captures[direction].push({ header: name.toLowerCase(), bytes: Number(length) });
}

/** `capture cookie <name> len <length>`: the last one of a section holds. */
export function captureCookie(statement: Statement, proxy: ProxyDraft): void {
  const name = statement.text(2);
  const length = statement.text(4);
  if (name === "" || statement.text(3) !== "len" || !/^\d+$/.test(length)) {
    const message = "'capture' expects 'cookie' <cookie_name> 'len' <len>.";
    statement.alert("missing-argument", message, { at: name === "" ? 2 : 3 });
    return;
  }
  let bytes = Number(length);
  if (bytes > COOKIE_BYTES_MAX) {
    const message = `truncating capture length to ${COOKIE_BYTES_MAX} bytes.`;
    statement.warning("truncated", message, { at: 4 });
    bytes = COOKIE_BYTES_MAX;
  }
  proxy.captures.cookie = { name, bytes };
}

/** `declare capture { request | response } len <length>` */
export function declareCapture(statement: Statement, proxy: ProxyDraft): void {
  const direction = statement.text(2);
  const length = statement.text(4);
  if (direction !== "request" && direction !== "response") {
    const message = "'declare capture' requires a direction ('request' or 'response')";
    statement.alert("bad-direction", message, { at: 2, expected: "'request' or 'response'" });
  } else if (statement.text(3) !== "len") {
    statement.alert("missing-argument", "'declare capture' requires a capture length ('len')", { at: 3 });
  } else if (length === "") {
    const message = "'declare capture': 'len' requires a numeric value that represents the capture length";
    statement.alert("missing-argument", message, { at: 4 });
  } else if (!/^\d+$/.test(length)) {
    const message = `cannot parse the length '${length}' as a numeric value, an integer is expected.`;
    statement.alert("bad-length", message, { at: 4 });
  } else if (Number(length) === 0) statement.alert("bad-length", "length must be > 0", { at: 4 });
  else proxy.captures[direction].push({ header: null, bytes: Number(length) });
}

/** Rules that name a slot by its number: the stream's frontend must have it. */
export function checkCaptures(proxy: ProxyDraft, { diagnostics }: ConfigurationDraft): void {
  for (const [key, direction] of [
    ["httpRequest", "request"],
    ["httpResponse", "response"],
    ["httpAfterResponse", "response"],
  ] as const) {
    for (const { action, at } of [...proxy.inheritedRules[key], ...proxy.rules[key]]) {
      // A backend's frontends are only known when a stream comes from one.
      if (action.kind !== "capture" || proxy.kind === "backend") continue;
      if (action.index < proxy.captures[direction].length) continue;
      const set = {
        httpRequest: "http-request",
        httpResponse: "http-response",
        httpAfterResponse: "http-after-response",
      };
      const who = `Proxy '${proxy.name}'`;
      const message = `${who}: unable to find capture id '${action.index}' referenced by ${set[key]} capture rule.`;
      diagnostics.alert("unknown-capture", { ...proxy.statement.place(), line: at.line }, message, {
        introduction: "none",
      });
    }
  }
}
