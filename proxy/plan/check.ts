// Health checks in the plan: what a backend's checks do, and how a server is checked.

import type { SocketAddressPlan } from "./plan.ts";
import type { TlsServerPlan } from "./tls.ts";

export interface ServerCheckPlan {
  /** Checks begin with a PROXY header of this version (2: LOCAL), 0: with none. */
  readonly sendProxy: 0 | 1 | 2;
  readonly interMs: number;
  /** 0: as `interMs`. */
  readonly fastinterMs: number;
  readonly downinterMs: number;
  readonly rise: number;
  readonly fall: number;
  /** 0: the server's port. */
  readonly port: number;
  readonly address: SocketAddressPlan | null;
  /** Checks are encrypted so; null: they are not. */
  readonly tls: TlsServerPlan | null;
  /** `check-sni`, "": no name is sent. */
  readonly sni: string;
}

/** `observe`: traffic counts as checks do. */
export interface ObservePlan {
  readonly layer: 4 | 7;
  /** So many failures in a row … */
  readonly errorLimit: number;
  /** … come to this, beside `fastinter`. */
  readonly onError: OnError;
}

export type OnError = "fastinter" | "fail-check" | "sudden-death" | "mark-down";

/** `agent-check`: a program on the server that is asked how it is. */
export interface AgentPlan {
  /** `agent-addr`, "": the server's. */
  readonly host: string;
  readonly port: number;
  readonly interMs: number;
  /** `agent-send`, Latin-1. */
  readonly send: string;
}

/** What a check of this backend's servers does: `option tcp-check` (connect) or `option httpchk`. */
export interface CheckPlan {
  readonly kind: "tcp" | "http" | "sequence";
  readonly method: string;
  readonly uri: string;
  readonly version: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body: string;
  /** `http-check expect`; without any, 2xx and 3xx pass. */
  readonly expect: readonly CheckExpectPlan[];
  readonly disableOn404: boolean;
  /** sequence: what is done, in this order. Without a `connect` in front the check begins with one. */
  readonly steps: readonly CheckStepPlan[];
  /** sequence: `tcp-check` rules, whose numbers are told when they fail; or a protocol's check, which has words of its own. */
  readonly tellsSteps: boolean;
}

export type CheckStepPlan =
  | {
      readonly kind: "connect";
      /** 0: the check's. */
      readonly port: number;
      readonly address: SocketAddressPlan | null;
      /** `send-proxy`. */
      readonly sendProxy: boolean;
      readonly comment: string;
    }
  | {
      readonly kind: "send";
      /** Latin-1. */
      readonly bytes: string;
      readonly comment: string;
    }
  /** `tcp-check comment`: nothing is done, but HAProxy counts it as a step. The next one has its text. */
  | { readonly kind: "comment"; readonly comment: string }
  | CheckStepExpectPlan;

export interface CheckStepExpectPlan {
  readonly kind: "expect";
  readonly match: "string" | "rstring" | "binary" | "rbinary";
  /** string, binary: Latin-1, the bytes themselves. rstring: PCRE. rbinary: PCRE for the hexadecimal text of what came. */
  readonly pattern: string;
  readonly negate: boolean;
  /** `min-recv`: what is conclusive once so many bytes are there; -1: more is waited for until the pattern is found. */
  readonly minRecvBytes: number;
  /** `ok-status`, `error-status`: names of check statuses. */
  readonly okStatus: CheckStepStatus;
  readonly errorStatus: CheckStepStatus;
  /** `on-success`, `on-error`: what is told; "": the usual. */
  readonly onSuccess: string;
  readonly onError: string;
  readonly comment: string;
}

export type CheckStepStatus = "L6OK" | "L6RSP" | "L7OK" | "L7OKC" | "L7RSP" | "L7STS";

export interface CheckExpectPlan {
  readonly kind: "status" | "rstatus" | "string" | "rstring";
  readonly negate: boolean;
  readonly pattern: string;
}
