// Health checks in the plan: what a backend's checks do, and how a server is checked.

import type { SamplePlan } from "./expression.ts";
import type { LogNodePlan } from "./log.ts";
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
  /** What `tcp-check connect ssl` and its like encrypt with; null: no such step, or nothing to verify against. */
  readonly stepTls: TlsServerPlan | null;
  /** `check-sni`, "": no name is sent. */
  readonly sni: string;
  /** `healthcheck <name>`: what is done in place of the backend's check; null: the backend's. */
  readonly own: CheckPlan | null;
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

/** What a check of this backend's servers does. */
export interface CheckPlan {
  /**
   * tcp-check: failures tell the number of the step; httpchk: answers are HTTP; protocol: has words of its own; external: a program is run.
   * Without steps, connecting is all.
   */
  readonly kind: "tcp-check" | "httpchk" | "protocol" | "external";
  readonly steps: readonly CheckStepPlan[];
  /** `http-check disable-on-404`. */
  readonly disableOn404: boolean;
  /** `http-check send-state`. */
  readonly sendState: boolean;
  /** The backend's `unique-id-format`. */
  readonly uniqueId: readonly LogNodePlan[] | null;
  readonly external: ExternalCheckPlan | null;
}

export interface ExternalCheckPlan {
  readonly command: string;
  /** PATH of the command. */
  readonly path: string;
  /** `external-check preserve-env`: it gets the environment that ringway was started in. */
  readonly preservesEnvironment: boolean;
  /** What it is told of the first listener: address and port, "NOT_USED" in arguments where there is none. */
  readonly listener: { readonly address: string; readonly port: string } | null;
}

/** No option says what to do: connecting is all. */
export const CONNECT_CHECK: CheckPlan = {
  ...{ kind: "protocol", steps: [], disableOn404: false, sendState: false, uniqueId: null, external: null },
};

/** Bytes (Latin-1) as written, or a format that gives them. */
export type CheckText = string | readonly LogNodePlan[];

export type CheckStepPlan =
  | CheckStepConnectPlan
  | CheckStepSendPlan
  | CheckStepRequestPlan
  | CheckStepVariablePlan
  /** `tcp-check comment`: nothing is done, but HAProxy counts it as a step. The next one has its text. */
  | { readonly kind: "comment"; readonly comment: string }
  | CheckStepExpectPlan;

export interface CheckStepConnectPlan {
  readonly kind: "connect";
  /** `default`: as the check of the server says (`check-ssl`, `check-sni` …). */
  readonly isDefault: boolean;
  /** 0: the check's. */
  readonly port: number | SamplePlan;
  readonly address: SocketAddressPlan | null;
  /** `send-proxy`. */
  readonly sendProxy: boolean;
  readonly ssl: boolean;
  readonly sni: string;
  readonly alpn: readonly string[];
  readonly comment: string;
}

export interface CheckStepSendPlan {
  readonly kind: "send";
  readonly text: CheckText;
  /** `send-binary-lf`: the format gives hexadecimal digits. */
  readonly isHex: boolean;
  readonly comment: string;
}

/** A request of HTTP. */
export interface CheckStepRequestPlan {
  readonly kind: "request";
  readonly method: string;
  readonly uri: CheckText;
  readonly version: string;
  readonly headers: readonly { readonly name: string; readonly value: CheckText }[];
  readonly body: CheckText;
  readonly comment: string;
}

export interface CheckStepVariablePlan {
  readonly kind: "variable";
  /** With its scope. */
  readonly name: string;
  readonly conditions: readonly string[];
  /** null: the variable goes. */
  readonly value: SamplePlan | readonly LogNodePlan[] | null;
  readonly comment: string;
}

/** How a value is compared: `-m <method>`. */
export type CheckStringMatch = "found" | "str" | "beg" | "end" | "sub" | "reg";

export interface CheckPatternPlan {
  readonly match: CheckStringMatch;
  readonly text: CheckText;
}

export type CheckExpectation =
  /** text: bytes as written. regex: PCRE; of hexadecimal digits in `rbinary`. */
  | { readonly on: "string" | "binary"; readonly text: CheckText }
  | { readonly on: "rstring" | "rbinary"; readonly pattern: string }
  /** HTTP: the status in ranges (`200-299,304`), or by PCRE. */
  | { readonly on: "status" | "rstatus"; readonly pattern: string }
  /** HTTP: a header, and one of its values (`hdr`: between commas, `fhdr`: the whole line). */
  | { readonly on: "hdr" | "fhdr"; readonly name: CheckPatternPlan; readonly value: CheckPatternPlan | null }
  /** What only a protocol knows (protocol-answers.ts). `isLast`: nothing is sent afterwards. */
  | { readonly on: "mysql-greeting" | "mysql-verdict" | "ldap" | "spop"; readonly isLast: boolean };

export interface CheckStepExpectPlan {
  readonly kind: "expect";
  readonly expectation: CheckExpectation;
  readonly negate: boolean;
  /** `min-recv`: what is conclusive once so many bytes are there; -1: more is waited for until the pattern is found. */
  readonly minRecvBytes: number;
  /** `ok-status`, `error-status`, `tout-status`: names of check statuses; null: the usual. */
  readonly okStatus: CheckStepStatus | null;
  readonly errorStatus: CheckStepStatus | null;
  readonly timeoutStatus: CheckStepStatus | null;
  /** `on-success`, `on-error`: what is told; null: the usual. A number: the rest of the first line of the answer from that byte. */
  readonly onSuccess: CheckText | number | null;
  readonly onError: CheckText | number | null;
  /** `status-code`: the code that is told; "digits": what the answer begins with. */
  readonly statusCode: SamplePlan | "digits" | null;
  readonly comment: string;
}

export type CheckStepStatus =
  | "L4OK"
  | "L4TOUT"
  | "L4CON"
  | "L6OK"
  | "L6RSP"
  | "L6TOUT"
  | "L7OK"
  | "L7OKC"
  | "L7RSP"
  | "L7STS"
  | "L7TOUT";
