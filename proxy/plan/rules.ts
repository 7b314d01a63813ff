// Rules as data: `http-request`, `http-response` and `redirect` lines of a proxy, in the order in which they were written. config/
// has checked them (actions, formats, files, regular expressions), rules/ compiles each list to one function in each worker.

import type { ErrorFilePlan } from "./errors.ts";
import type { ConditionPlan, SamplePlan } from "./expression.ts";
import type { LogNodePlan } from "./log.ts";
import type { SourceLocation } from "./plan.ts";
import type { SpoeMessagePlan } from "./spoe.ts";

/**
 * The rule sets of one proxy, those of its `defaults` section in front. A `listen` has them once, whether it is entered as a frontend or as a
 * backend.
 */
export interface RulesPlan {
  /** `tcp-request connection`, `session`, `content` and `tcp-response content`. */
  readonly tcpRequestConnection: readonly RulePlan[];
  readonly tcpRequestSession: readonly RulePlan[];
  readonly tcpRequestContent: readonly RulePlan[];
  readonly tcpResponseContent: readonly RulePlan[];
  readonly httpRequest: readonly RulePlan[];
  readonly httpResponse: readonly RulePlan[];
  readonly httpAfterResponse: readonly RulePlan[];
  /** `redirect` lines: evaluated after the `http-request` rules and the statistics page, as HAProxy does. */
  readonly redirect: readonly RulePlan[];
}

/** The names of rule sets in RulesPlan. */
export type RuleSetKey = keyof RulesPlan;

export interface RulePlan {
  readonly action: ActionPlan;
  /** null: always. */
  readonly condition: ConditionPlan | null;
  readonly at: SourceLocation;
}

/** How `del-header` compares names. `reg`: a regular expression of haproxy.cfg. */
export type NameMatch = "str" | "beg" | "end" | "sub" | "reg";

/** The part of a request that an action replaces. */
export type RequestPart = "path" | "pathq" | "query" | "uri" | "method";

export type ActionPlan =
  /** `allow` and `accept`. */
  | { readonly kind: "allow" }
  /** `wait-for-handshake` (no handshake is ever unfinished here), `set-nice`. */
  | { readonly kind: "wait-for-handshake" | "set-nice" }
  /** `origin`: position in LOG_ORIGINS. */
  | { readonly kind: "do-log"; readonly origin: number }
  /** `deny`'s answer after `timeout tarpit`. */
  | { readonly kind: "tarpit"; readonly answer: AnswerPlan }
  /** `ttl` 0: not given. */
  | { readonly kind: "silent-drop"; readonly ttl: number }
  | { readonly kind: "set-status"; readonly status: number; readonly reason: string | null }
  /** `set-map`, `del-map`, `add-acl`, `del-acl`: `list` is an index into `Plan.patternLists`. */
  | {
      readonly kind: "edit-patterns";
      readonly edit: "set" | "add" | "remove";
      readonly list: number;
      readonly key: readonly LogNodePlan[];
      readonly value: readonly LogNodePlan[] | null;
    }
  | { readonly kind: "normalize-uri"; readonly normalizer: UriNormalizer }
  | { readonly kind: "use-service"; readonly service: "prometheus-exporter" }
  | { readonly kind: "auth"; readonly realm: string | null }
  | { readonly kind: "set-method"; readonly value: readonly LogNodePlan[] }
  /** `timeout` is a TIMEOUT number (stream/settings.ts); milliseconds, or an expression that gives them. */
  | { readonly kind: "set-timeout"; readonly timeout: number; readonly value: number | SamplePlan }
  /** Syslog severity, or SILENT (stream/settings.ts). */
  | { readonly kind: "set-log-level"; readonly level: number }
  | { readonly kind: "set-retries"; readonly value: number | SamplePlan }
  | { readonly kind: "set-priority"; readonly what: "class" | "offset"; readonly value: SamplePlan }
  | {
      readonly kind: "set-mark";
      readonly side: "client" | "server";
      readonly what: "mark" | "tos";
      readonly value: number | SamplePlan;
    }
  /** Ends the connection without a word (tcp rules; in http-request, too). */
  | { readonly kind: "reject" }
  /** `deny` and `return`: an answer of ours; they differ in what is logged and counted. */
  | { readonly kind: "deny" | "return"; readonly answer: AnswerPlan }
  | { readonly kind: "redirect"; readonly redirect: RedirectPlan }
  /** `name` in lower case. */
  | {
      readonly kind: "add-header" | "set-header" | "early-hint";
      readonly name: string;
      readonly value: readonly LogNodePlan[];
    }
  | { readonly kind: "del-header"; readonly name: string; readonly match: NameMatch }
  /** `value` may hold the back references \0 … \9 in its texts. */
  | {
      readonly kind: "replace-header" | "replace-value";
      readonly name: string;
      readonly pattern: string;
      readonly value: readonly LogNodePlan[];
    }
  | {
      readonly kind: "replace-part";
      readonly part: RequestPart;
      readonly pattern: string;
      readonly value: readonly LogNodePlan[];
    }
  | { readonly kind: "set-part"; readonly part: RequestPart; readonly value: readonly LogNodePlan[] }
  | { readonly kind: "set-src" | "set-dst" | "set-src-port" | "set-dst-port"; readonly sample: SamplePlan }
  /** `track-sc<index>`: the key of the sample in the table. */
  | { readonly kind: "track-sc"; readonly index: number; readonly sample: SamplePlan; readonly table: number }
  /**
   * `sc-inc-gpc…`, `sc-add-gpc`, `sc-set-gpt…` on what counter `index` follows. `single`: gpc0, gpc1, gpt0, for which the array's element only
   * stands in.
   */
  | StickActionPlan<"sc-add-gpc">
  | StickActionPlan<"sc-set-gpt">
  | { readonly kind: "strict-mode"; readonly on: boolean }
  /** `cache`: the section's name. */
  | { readonly kind: "expect-header"; readonly header: "proxy" | "netscaler-cip" }
  | { readonly kind: "disable-l7-retry" }
  | { readonly kind: "cache-use" | "cache-store"; readonly cache: string }
  /** `name` with its scope; `conditions` as written. */
  | {
      readonly kind: "set-var";
      readonly name: string;
      readonly conditions: readonly string[];
      readonly sample: SamplePlan;
    }
  | {
      readonly kind: "set-var-fmt";
      readonly name: string;
      readonly conditions: readonly string[];
      readonly format: readonly LogNodePlan[];
    }
  /** Into slot `index` of the stream's frontend, of requests or of responses as the rule set is. */
  | { readonly kind: "capture"; readonly sample: SamplePlan; readonly index: number }
  | { readonly kind: "unset-var"; readonly name: string }
  /** `atLeastBytes` 0: the whole body. */
  | { readonly kind: "wait-for-body"; readonly timeoutMs: number; readonly atLeastBytes: number }
  /** `switch-mode http`. */
  | { readonly kind: "switch-mode" }
  /** `filter`: index into `Plan.bandwidthLimits`; null: the filter's own value. */
  | {
      readonly kind: "set-bandwidth-limit";
      readonly filter: number;
      readonly bytes: number | SamplePlan | null;
      readonly periodMs: number | SamplePlan | null;
    }
  /** What an engine (index into `Plan.spoe`) tells its agents here: of an event, in front of the rules, or of `send-spoe-group`. */
  | { readonly kind: "spoe"; readonly engine: number; readonly messages: readonly SpoeMessagePlan[] }
  /** A constant time, or an expression that gives milliseconds. */
  | { readonly kind: "pause"; readonly timeoutMs: number; readonly sample: SamplePlan | null };

interface StickActionPlan<Kind> {
  readonly kind: Kind;
  readonly element: number;
  readonly single: boolean;
  readonly index: number;
  readonly value: number | SamplePlan;
}

export const URI_NORMALIZERS = [
  ...(["fragment-encode", "fragment-strip", "path-merge-slashes", "path-strip-dot", "path-strip-dotdot"] as const),
  ...(["percent-decode-unreserved", "percent-to-uppercase", "query-sort-by-name"] as const),
] as const;

export interface UriNormalizer {
  readonly name: (typeof URI_NORMALIZERS)[number];
  readonly strict: boolean;
  readonly full: boolean;
}

export interface AnswerPlan {
  readonly status: number;
  readonly body: AnswerBodyPlan;
  /** null when there is no body, or when an errorfile says it. */
  readonly contentType: string | null;
  /** `hdr <name> <fmt>`, names in lower case. A header whose value comes out empty is left out. */
  readonly headers: readonly { readonly name: string; readonly value: readonly LogNodePlan[] }[];
}

export type AnswerBodyPlan =
  | { readonly kind: "none" }
  /**
   * `default-errorfiles`: the proxy's own page for the status, else HAProxy's. `section`: an `http-errors` section that had yet to be read; never
   * in a plan.
   */
  | { readonly kind: "errorfiles"; readonly section: string | null }
  | { readonly kind: "errorfile"; readonly file: ErrorFilePlan }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "format"; readonly format: readonly LogNodePlan[] };

export interface RedirectPlan {
  readonly type: "location" | "prefix" | "scheme";
  readonly value: readonly LogNodePlan[];
  /** 301, 302, 303, 307 or 308. */
  readonly code: number;
  readonly dropQuery: boolean;
  readonly keepQuery: boolean;
  readonly appendSlash: boolean;
  /** The rule is passed over when the value comes out empty. */
  readonly ignoreEmpty: boolean;
  /** The value of Set-Cookie, null: none. */
  readonly setCookie: readonly LogNodePlan[] | null;
}

/** A proxy without rules. */
export const NO_RULES: RulesPlan = {
  ...{ tcpRequestConnection: [], tcpRequestSession: [], tcpRequestContent: [], tcpResponseContent: [] },
  ...{ httpRequest: [], httpResponse: [], httpAfterResponse: [], redirect: [] },
};
