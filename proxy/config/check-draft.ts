// Health checks while the configuration is being read: options, rules and `healthcheck` sections. A part of draft.ts.

import type { CheckStepPlan } from "../plan/check.ts";
import type { ProxyDraft } from "./draft.ts";

export interface CheckDraft {
  /** `option httpchk`; "": not said. */
  request: { readonly method: string; readonly uri: string; readonly version: string; readonly host: string };
  disableOn404: boolean;
  sendState: boolean;
  http: CheckListDraft;
  tcp: CheckListDraft;
  /** What the option of a protocol comes to. */
  protocolSteps: readonly CheckStepPlan[];
}

/** A `healthcheck` section: its check is that of a proxy which is none. */
export interface HealthcheckDraft {
  readonly name: string;
  readonly proxy: ProxyDraft;
  hasType: boolean;
}

/** `http-check` or `tcp-check` lines. */
export interface CheckListDraft {
  steps: CheckStepPlan[];
  /** They are those of a `defaults` section: the proxy's first own line replaces them. */
  isInherited: boolean;
  /** A `comment` line, for the next step. */
  comment: string;
}

export function newCheck(): CheckDraft {
  return {
    ...{ request: { method: "", uri: "", version: "", host: "" }, disableOn404: false, sendState: false },
    ...{ http: newCheckList(), tcp: newCheckList(), protocolSteps: [] },
  };
}

function newCheckList(): CheckListDraft {
  return { steps: [], isInherited: false, comment: "" };
}

/** What a section takes over from its `defaults`. */
export function copyCheck(check: CheckDraft | null): CheckDraft | null {
  return check && { ...check, http: inherited(check.http), tcp: inherited(check.tcp) };
}

function inherited({ steps }: CheckListDraft): CheckListDraft {
  return { steps: [...steps], isInherited: true, comment: "" };
}
