// Stick-tables, `peers` and `resolvers` sections while they are being read (draft.ts says what drafts are).

import type { SampleType } from "../plan/expression.ts";
import type { HoldPlan, NameserverPlan } from "../plan/resolvers.ts";
import type { StickKeyType, StickStorePlan } from "../plan/stick-table.ts";
import type { AddressSlot, ProxyDraft } from "./draft.ts";
import type { Statement } from "./statement.ts";

export interface StickTableDraft {
  readonly statement: Statement;
  readonly name: string;
  readonly wireName: string;
  /** The proxy whose table it is, or the `peers` section. */
  readonly proxy: ProxyDraft | null;
  readonly section: PeersDraft | null;
  /** `peers <section>`, `write-to <table>`. */
  peers: string | null;
  writeTo: string | null;
  keyType: StickKeyType | null;
  keyBytes: number;
  size: number;
  expireMs: number;
  noPurge: boolean;
  receiveOnly: boolean;
  serverKey: "name" | "addr";
  byteRateFactor: number;
  readonly stores: StickStorePlan[];
}

/** A rule that stores or looks up keys of a sample's type in a table. */
export interface TableUse {
  /** "": that of the proxy. */
  readonly name: string;
  readonly proxy: ProxyDraft;
  readonly statement: Statement;
  readonly type: SampleType;
  /** `stick` rules need the server in the table; `track-sc0` … do not. */
  readonly by: string;
  /** Receives the table's index. */
  readonly assign: (index: number) => void;
}

export interface PeersDraft {
  readonly name: string;
  readonly statement: Statement;
  disabled: boolean;
  readonly peers: { readonly name: string; readonly statement: Statement; readonly slot: AddressSlot | null }[];
  bind: { readonly slot: AddressSlot; readonly statement: Statement } | null;
}

/** A `resolvers` section. */
export interface ResolversDraft {
  readonly name: string;
  /** null: nobody wrote it. */
  readonly statement: Statement | null;
  readonly nameservers: NameserverPlan[];
  resolveMs: number;
  retryMs: number;
  retries: number;
  payloadBytes: number;
  holdMs: HoldPlan;
}
