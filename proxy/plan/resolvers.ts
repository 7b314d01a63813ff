// `resolvers` sections and what servers want of them. Data of the plan (plan.ts).

import type { NetworkPlan } from "./plan.ts";

export interface NameserverPlan {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly transport: "tcp" | "udp";
}

/** How long an answer of each kind leaves a server as it was, counted from the last valid one; milliseconds. */
export interface HoldPlan {
  readonly valid: number;
  readonly obsolete: number;
  readonly nx: number;
  readonly refused: number;
  readonly timeout: number;
  readonly other: number;
}

export interface ResolversPlan {
  readonly name: string;
  readonly nameservers: readonly NameserverPlan[];
  /** `timeout resolve`: from one question to the next, unless an answer is still good (`hold valid`). */
  readonly resolveMs: number;
  /** `timeout retry`: how long an answer may take. */
  readonly retryMs: number;
  readonly retries: number;
  /** `accepted_payload_size`, told to nameservers by EDNS. */
  readonly payloadBytes: number;
  readonly holdMs: HoldPlan;
}

/** `server … resolvers`: the server's address is what DNS says. */
export interface ResolutionPlan {
  /** Index in `Plan.resolvers`. */
  readonly resolvers: number;
  /** A name, or that of a SRV record (`_service._protocol.name`); "": an address was written, and `set server fqdn` may name another. */
  readonly hostname: string;
  readonly isService: boolean;
  /** `resolve-prefer`: the family that is asked for first. */
  readonly prefer: 4 | 6;
  /** `resolve-net`: addresses in them come first. */
  readonly nets: readonly NetworkPlan[];
  /** `resolve-opts`. */
  readonly allowsDuplicates: boolean;
  readonly ignoresWeight: boolean;
  /** The configuration could not find an address: the server waits for the first answer in maintenance. */
  readonly isPending: boolean;
}
