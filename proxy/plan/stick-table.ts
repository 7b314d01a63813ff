// Stick-tables as data: what is kept for each key, for how long, and with whom it is shared. The entries themselves live in the shared
// state (stick-table/table.ts).

import type { ConditionPlan, SamplePlan } from "./expression.ts";
import type { SourceLocation } from "./plan.ts";

export type StickKeyType = "ip" | "ipv6" | "integer" | "string" | "binary";

export interface StickTablePlan {
  readonly index: number;
  /** The proxy's name, or `peers/table` for one that stands in a `peers` section. */
  readonly name: string;
  /** What peers call it: the proxy's name, or `/table`. */
  readonly wireName: string;
  /** Index of the `peers` section that exchanges it, -1: none does. */
  readonly peers: number;
  readonly keyType: StickKeyType;
  /** Bytes of a key, for strings the most that a key has. */
  readonly keyBytes: number;
  /** Most entries. */
  readonly size: number;
  /** 0: entries do not expire. */
  readonly expireMs: number;
  /** `nopurge`: a full table takes no new entries; otherwise the oldest goes. */
  readonly noPurge: boolean;
  /** `recv-only`: what is learned from peers does not turn around. */
  readonly receiveOnly: boolean;
  /** `write-to`: index of the table that gets what is learned from peers, -1: this one. */
  readonly writeTo: number;
  /** `srvkey`: how servers are named in `server_key`. */
  readonly serverKey: "name" | "addr";
  /** `brates-factor`: byte rates are counted in units of that many bytes. */
  readonly byteRateFactor: number;
  readonly stores: readonly StickStorePlan[];
  readonly at: SourceLocation;
}

/** One type of data that entries have, by HAProxy's number of it. */
export interface StickStorePlan {
  /** `http_req_rate`; see DATA_TYPES in stick-table/data-types.ts. */
  readonly name: string;
  /** Elements of `gpc(n)`, `gpt(n)`, `gpc_rate(n,…)`; 1 for what is no array. */
  readonly count: number;
  /** Rates: the period they are taken over. */
  readonly periodMs: number;
}

/** `stick on | match | store-request | store-response` */
export interface StickRulePlan {
  readonly matches: boolean;
  readonly stores: boolean;
  readonly sample: SamplePlan;
  readonly table: number;
  readonly condition: ConditionPlan | null;
}

/** A `peers` section. */
export interface PeersPlan {
  readonly name: string;
  readonly disabled: boolean;
  readonly peers: readonly PeerPlan[];
  /** Where the local peer listens, null: nowhere (it only connects). */
  readonly bind: PeerAddressPlan | { readonly fd: number } | null;
  readonly at: SourceLocation;
}

export interface PeerPlan {
  readonly name: string;
  readonly isLocal: boolean;
  /** null: never connected to (a local peer that is only bound). */
  readonly address: PeerAddressPlan | null;
}

export type PeerAddressPlan = { readonly host: string; readonly port: number } | { readonly path: string };
