// The `global` section while it is being read (draft.ts says what drafts are).

import type { VariablesPlan } from "../plan/variables.ts";
import type { StatsSocketDraft } from "./draft.ts";
import type { LogDraft } from "./log-draft.ts";
import { newTlsOptions, type TlsOptions } from "./sections/tls-options.ts";

export interface GlobalDraft {
  /** Plain numbers by keyword (`maxconn`, `tune.bufsize` …), as written. */
  readonly numbers: Map<string, number>;
  /** Plain texts by keyword (`chroot`, `user` …). */
  readonly texts: Map<string, string>;
  readonly httpErrorCodes: Set<number>;
  readonly httpFailCodes: Set<number>;
  /** Switches by keyword (`daemon`, `quiet` …). */
  readonly flags: Map<string, boolean>;
  /** `ssl-default-bind-…` and `ssl-default-server-…`. */
  readonly tlsDefaults: { readonly bind: TlsOptions; readonly server: TlsOptions };
  readonly log: LogDraft[];
  readonly statsSockets: StatsSocketDraft[];
  /** `set-var`, `set-var-fmt`. */
  readonly variables: VariablesPlan["initial"][number][];
  /** `h1-case-adjust`, and the same of the file that was named last. */
  readonly caseAdjust: Map<string, string>;
  caseAdjustFile: ReadonlyMap<string, string>;
  /** `log-send-hostname`: "" for the host's own name; null: not sent. */
  logSendHostname: string | null;
  uid: number | null;
  gid: number | null;
}

export function newGlobal(): GlobalDraft {
  return {
    numbers: new Map(),
    texts: new Map(),
    flags: new Map(),
    tlsDefaults: { bind: newTlsOptions(), server: newTlsOptions() },
    httpErrorCodes: new Set(Array.from({ length: 100 }, (_, i) => 400 + i)),
    // 501 and 505 are answers to what a client asked for.
    httpFailCodes: new Set(
      Array.from({ length: 100 }, (_, i) => 500 + i).filter((code) => code !== 501 && code !== 505),
    ),
    log: [],
    statsSockets: [],
    variables: [],
    caseAdjust: new Map(),
    caseAdjustFile: new Map(),
    logSendHostname: null,
    uid: null,
    gid: null,
  };
}
