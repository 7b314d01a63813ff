// What `balance` and its kin come to. Data of the plan (plan.ts).

import type { SamplePlan } from "./expression.ts";

export interface BalancePlan {
  readonly algorithm:
    | "roundrobin"
    | "static-rr"
    | "leastconn"
    | "source"
    | "first"
    | "random"
    | "uri"
    | "url_param"
    | "hdr"
    | "hash"
    | "rdp-cookie";
  /**
   * Checked by config/. uri: `len 4`, `depth 2`, `whole`, `path-only` as words; url_param: the name, `check_post`; hdr: the name, `use_domain_only`;
   * random: number of draws.
   */
  readonly arguments: readonly string[];
  /** hash, rdp-cookie: the expression. */
  readonly sample?: SamplePlan;
  readonly hashType: "map-based" | "consistent";
  readonly hashFunction: "sdbm" | "djb2" | "wt6" | "crc32" | "none";
  readonly avalanche: boolean;
  /** `hash-balance-factor`: per cent of the average load that a server may have; 0 or absent: no bound. */
  readonly balanceFactorPercent?: number;
  /** `hash-preserve-affinity`: when a hash may be given to another server; absent: never (`always`). */
  readonly preserveAffinity?: "always" | "maxconn" | "maxqueue";
}
