// `h1-case-adjust` and the options that use it: names of headers as bogus clients and servers want them.

export interface CaseAdjustPlan {
  /** From the name in lower case to the name that is sent. Empty where no proxy asks for it. */
  readonly names: readonly (readonly [from: string, to: string])[];
  /** Proxies with `option h1-case-adjust-bogus-client`, and with `-server`. */
  readonly clients: readonly number[];
  readonly servers: readonly number[];
}
