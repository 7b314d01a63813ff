// Log-format strings as data: config/ has parsed them, log/ and rules/ compile them to functions in each worker.

import type { SamplePlan } from "./expression.ts";

/** `log … sample 1,3-4:5`. */
export interface LogSamplePlan {
  readonly ranges: readonly { readonly first: number; readonly last: number }[];
  readonly size: number;
}

/** `unique-id-format` and `unique-id-header` (in lower case). */
export interface UniqueIdPlan {
  readonly format: readonly LogNodePlan[];
  readonly header: string | null;
}

/** A part of a compiled log-format string. */
export type LogNodePlan =
  | { readonly kind: "text"; readonly text: string }
  | LogItemPlan
  /** `%{+json}o`, `%{+cbor}o`: an object of the named items; all else is left out. */
  | {
      readonly kind: "object";
      readonly encoding: "json" | "cbor";
      /** `+bin`: CBOR as it is, not as hexadecimal digits. */
      readonly binary: boolean;
      readonly members: readonly LogItemPlan[];
    };

interface LogItemFlags {
  readonly quote: boolean;
  readonly escape: boolean;
  readonly hex: boolean;
  /** `%(name:type)…`; the name is the key in objects. */
  readonly key?: string;
  readonly type?: "str" | "sint" | "bool" | "raw";
  /** `+json`, `+cbor` on this item alone. */
  readonly encoding?: "json" | "cbor";
}

export type LogItemPlan = LogItemFlags &
  (
    | /** `%ci`, `%{+Q}r` …: the variable's name without `%`. */
    { readonly kind: "variable"; readonly name: string; readonly argument: string | null }
    | { readonly kind: "sample"; readonly sample: SamplePlan }
  );

/** Bits of `log-steps`. */
export const LOG_STEPS = { accept: 1, request: 2, connect: 4, response: 8, close: 16, all: 31 } as const;

/** Where a line comes from: how profiles name it (`on STEP`), and what %OG says. The position is the number that the workers use. */
export const LOG_ORIGINS: readonly { readonly step: string; readonly name: string }[] = [
  { step: "error", name: "sess_error" },
  { step: "accept", name: "txn_accept" },
  { step: "request", name: "txn_request" },
  { step: "connect", name: "txn_connect" },
  { step: "response", name: "txn_response" },
  { step: "close", name: "txn_close" },
  { step: "tcp-req-conn", name: "tcp-req-conn" },
  { step: "tcp-req-sess", name: "tcp-req-sess" },
  { step: "tcp-req-cont", name: "tcp-req-cont" },
  { step: "tcp-res-cont", name: "tcp-res-cont" },
  { step: "http-req", name: "http-req" },
  { step: "http-res", name: "http-res" },
  { step: "http-after-res", name: "http-after-res" },
];

/** What a profile does with lines of one origin; null: as the proxy says. */
export interface LogProfileStepPlan {
  readonly drop: boolean;
  readonly format: readonly LogNodePlan[] | null;
  readonly structured: readonly LogNodePlan[] | null;
}

export interface LogProfilePlan {
  readonly name: string;
  readonly tag: string | null;
  /** By step; `any` holds for those that are not there. */
  readonly steps: ReadonlyMap<string, LogProfileStepPlan>;
}
