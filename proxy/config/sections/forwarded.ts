// `option forwarded`: RFC 7239.
//
//   option forwarded                                          proto and the client's address
//   option forwarded host-expr str(a.example) for for_port    host="a.example";for="192.0.2.1:4711"

import type { SamplePlan } from "../../plan/expression.ts";
import type { ForwardedNodePlan, ForwardedPlan } from "../../plan/forwarded.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { parseSample } from "../expression/sample.ts";
import { COLUMN } from "../keywords/fetch.ts";
import { FETCH_KEYWORDS } from "../keywords/fetches.ts";
import type { Statement } from "../statement.ts";
import { rememberReferences } from "./condition.ts";

/** What a parameter is without an expression of its own. */
const USUAL: Readonly<Record<string, SamplePlan>> = {
  host: { fetch: "req.hdr", arguments: ["host"], converters: [] },
  by: { fetch: "dst", arguments: [], converters: [] },
  by_port: { fetch: "dst_port", arguments: [], converters: [] },
  for: { fetch: "src", arguments: [], converters: [] },
  for_port: { fetch: "src_port", arguments: [], converters: [] },
};

/** `option forwarded [ proto ] [ host | host-expr <expr> ] …`, `no option forwarded` */
export function forwarded(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  if (statement.negated || statement.resetting) {
    proxy.forwarded = null;
    return;
  }
  const found = new Map<string, SamplePlan>();
  let proto = false;
  for (let at = 2; at < statement.length; at++) {
    const word = statement.text(at);
    const name = word.replace(/-expr$/, "");
    const usual = USUAL[name];
    if (word === "proto") proto = true;
    else if (usual === undefined) {
      const names =
        "'proto', 'host', 'host-expr', 'by', 'by-expr', 'by_port', 'by_port-expr', 'for', 'for-expr', 'for_port', 'for_port-expr'";
      statement.alert("unknown-word", `'option forwarded' only supports optional values: ${names} (got '${word}').`, {
        at,
      });
      return;
    } else {
      const sample = word === name ? usual : expression(statement, proxy, configuration, ++at);
      if (sample === null) return;
      found.set(name, sample);
    }
  }
  const isUsual = !proto && found.size === 0;
  if (isUsual) found.set("for", USUAL.for!);
  proxy.forwarded = plan(proto || isUsual, found);
}

function plan(proto: boolean, found: ReadonlyMap<string, SamplePlan>): ForwardedPlan {
  const node = (which: "by" | "for"): ForwardedNodePlan | null => {
    const name = found.get(which);
    return name === undefined ? null : { name, port: found.get(`${which}_port`) ?? null };
  };
  return { proto, host: found.get("host") ?? null, by: node("by"), for: node("for") };
}

function expression(
  statement: Statement,
  proxy: ProxyDraft,
  configuration: ConfigurationDraft,
  at: number,
): SamplePlan | null {
  const text = statement.text(at);
  const keyword = statement.text(at - 1);
  if (text === "") {
    statement.alert("missing-argument", `'option forwarded' : '${keyword}' expects an expression.`, { at });
    return null;
  }
  const parsed = parseSample(text);
  if (!parsed.ok) {
    const { message, suggestions = [], hint } = parsed;
    statement.alert("bad-expression", `'option forwarded' : failed to parse ${keyword} : ${message}.`, {
      ...{ at, suggestions },
      ...(hint === undefined ? {} : { hint }),
    });
    return null;
  }
  if (FETCH_KEYWORDS.get(parsed.fetchName)?.availability[COLUMN.backendHttpRequest] === ".") {
    const message = `'option forwarded' : the fetch '${parsed.fetchName}' of ${keyword} has nothing to look at in a request.`;
    statement.alert("bad-expression", message, { at });
    return null;
  }
  rememberReferences(statement, proxy, configuration, parsed.fetchName, parsed.references);
  return parsed.sample;
}
