// `option NAME`: the yes/no options and those with arguments, except the log formats (log-format.ts) and the checks (health.ts).

import { parseNetwork } from "../../../shared/ip/text.ts";
import type { ForwardForPlan, HttpConnectionMode, NetworkPlan } from "../../plan/plan.ts";
import type { ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";

/** A switch: `option X`, `no option X`, `default option X`. */
export function toggle(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  const name = statement.text(1);
  if (statement.resetting) proxy.options.delete(name);
  else proxy.options.set(name, !statement.negated);
}

/** HAProxy's former name of an option: works, with a word of warning. */
export function renamedToggle(newName: string) {
  return (statement: Statement, proxy: ProxyDraft): void => {
    const message = `option '${statement.text(1)}' is deprecated. please use 'option ${newName}' if absolutely needed.`;
    statement.warning("deprecated", message, { at: 1, introduction: "tight" });
    if (statement.resetting) proxy.options.delete(newName);
    else proxy.options.set(newName, !statement.negated);
  };
}

/** `option tcpka` is both sides' keep-alive at once. */
export function tcpKeepAlive(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  for (const name of ["clitcpka", "srvtcpka"]) {
    if (statement.resetting) proxy.options.delete(name);
    else proxy.options.set(name, !statement.negated);
  }
}

const CONNECTION_MODES: Readonly<Record<string, HttpConnectionMode>> = {
  "http-keep-alive": "keep-alive",
  "http-server-close": "server-close",
  httpclose: "close",
};

/** The three modes exclude each other: the last one wins, and `no option` goes back to keep-alive when it names the one in force. */
export function connectionMode(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  const named = CONNECTION_MODES[statement.text(1)]!;
  if (!statement.negated && !statement.resetting) proxy.connectionMode = named;
  else if (proxy.connectionMode === named) proxy.connectionMode = "keep-alive";
}

/** `option redispatch [<interval>]`: -1 is on the last retry only. */
export function redispatch(statement: Statement, proxy: ProxyDraft): void {
  if (statement.negated || statement.resetting) {
    proxy.redispatch = 0;
    return;
  }
  const interval = statement.text(2);
  if (interval !== "" && !/^-?\d+$/.test(interval)) {
    const message = `'option redispatch' : '${interval}' is not a number of retries.`;
    statement.alert("not-an-integer", message, { at: 2, expected: "an integer" });
    return;
  }
  if (!statement.takesAtMost(1, 2)) return;
  proxy.redispatch = interval === "" ? -1 : Number(interval);
}

/** `option forwardfor [ except <network> ] [ header <name> ] [ if-none ]` */
export function forwardFor(statement: Statement, proxy: ProxyDraft): void {
  const parsed = parseForwardHeader(statement, "x-forwarded-for", true);
  if (parsed !== null) proxy.forwardFor = parsed;
}

/** `option originalto [ except <network> ] [ header <name> ]` */
export function originalTo(statement: Statement, proxy: ProxyDraft): void {
  const parsed = parseForwardHeader(statement, "x-original-to", false);
  if (parsed !== null) proxy.originalTo = parsed;
}

function parseForwardHeader(statement: Statement, header: string, mayIfNone: boolean): ForwardForPlan | null {
  const keyword = statement.textsOf(2);
  const except: NetworkPlan[] = [];
  let [name, ifNone] = [header, false];
  for (let at = 2; at < statement.length; at++) {
    const word = statement.text(at);
    if (word === "except") {
      const network = parseNetwork(statement.text(++at));
      if (network === null) {
        const message = `'${keyword} except' expects <address>[/mask] as argument.`;
        statement.alert("bad-network", message, { at, expected: "a network such as 127.0.0.0/8" });
        return null;
      }
      except.push(network);
    } else if (word === "header") {
      name = statement.text(++at).toLowerCase();
      if (name === "") {
        const message = `'${keyword} header' expects <header_name> as argument.`;
        statement.alert("missing-argument", message, { at, expected: "a header name such as X-Client-IP" });
        return null;
      }
    } else if (word === "if-none" && mayIfNone) {
      ifNone = true;
    } else {
      const supported = mayIfNone ? "'except', 'header' and 'if-none'" : "'except' and 'header'";
      statement.alert("unknown-word", `'${keyword}' only supports optional values: ${supported}.`, { at });
      return null;
    }
  }
  return { header: name, ifNone, except };
}

/** `option http-restrict-req-hdr-names { preserve | delete | reject }` */
export function restrictHeaderNames(statement: Statement, proxy: ProxyDraft): void {
  const policy = statement.text(2);
  const expects = "option 'http-restrict-req-hdr-names' expects 'preserve', 'reject' or 'delete' option.";
  if (policy === "preserve" || policy === "delete" || policy === "reject") {
    if (statement.takesAtMost(1, 2)) proxy.texts.set("option http-restrict-req-hdr-names", policy);
  } else if (policy === "") statement.alert("missing-argument", `missing parameter. ${expects}`, { at: 2 });
  else statement.alert("bad-argument", `invalid parameter '${policy}'. ${expects}`, { at: 2 });
}
