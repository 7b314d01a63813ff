// Captures of a frontend as data: what is kept of a request and a response for the log and for `capture.*` fetches.

export interface CaptureSlotPlan {
  /** Of the header that fills it (`capture request header`), in lower case; null: rules do (`declare capture`, `capture … len`). */
  readonly header: string | null;
  /** Longer values are cut. */
  readonly bytes: number;
}

export interface CapturesPlan {
  readonly request: readonly CaptureSlotPlan[];
  readonly response: readonly CaptureSlotPlan[];
  /** `capture cookie <name> len <bytes>`: cookies whose text begins with the name. */
  readonly cookie: { readonly name: string; readonly bytes: number } | null;
}

export const NO_CAPTURES: CapturesPlan = { request: [], response: [], cookie: null };
