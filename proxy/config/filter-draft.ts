// `compression` and `filter` lines of a proxy and `cache` sections while the configuration is being read. A part of draft.ts.

import type { BandwidthLimitPlan } from "../plan/bandwidth.ts";
import type { CompressionAlgorithm } from "../plan/compression.ts";
import type { ProxyDraft } from "./draft.ts";
import type { SpoeDraft, SpoeGroupUse } from "./spoe-draft.ts";
import type { Statement } from "./statement.ts";

export interface CompressionDraft {
  algorithms: CompressionAlgorithm[];
  requestAlgorithms: CompressionAlgorithm[];
  types: string[];
  requestTypes: string[];
  minSize: number;
  requestMinSize: number;
  offload: boolean;
  compressesRequests: boolean;
  compressesResponses: boolean;
}

/** A `cache` section. */
export interface CacheDraft {
  readonly name: string;
  readonly statement: Statement;
  totalMegabytes: number;
  /** 0: not said. */
  objectBytesMax: number;
  maxAgeSeconds: number;
  processVary: boolean;
  secondaryEntriesMax: number;
}

/** A rule or filter that names a cache. */
export interface CacheReference {
  readonly name: string;
  readonly proxy: ProxyDraft;
  readonly statement: Statement;
}

/** `filter <name> …`. `argument`: the cache's name. */
export interface FilterDraft {
  readonly name: string;
  readonly argument: string;
  readonly statement: Statement;
}

/** `filter bwlim-in` or `bwlim-out`, of one proxy. */
export interface BandwidthLimitDraft {
  readonly proxy: ProxyDraft;
  readonly statement: Statement;
  readonly plan: BandwidthLimitPlan;
}

/** `set-bandwidth-limit <name>`: the filter is found when everything has been read. */
export interface BandwidthLimitUse {
  readonly name: string;
  readonly proxy: ProxyDraft;
  readonly statement: Statement;
  readonly found: (filter: number) => void;
}

/** What filters of all proxies are, and the rules that name them. */
export interface FilterDrafts {
  /** Of `filter spoe`. */
  readonly engines: SpoeDraft[];
  readonly groupUses: SpoeGroupUse[];
  readonly limits: BandwidthLimitDraft[];
  readonly limitUses: BandwidthLimitUse[];
}

export function newCompression(): CompressionDraft {
  return {
    ...{ algorithms: [], requestAlgorithms: [], types: [], requestTypes: [], minSize: 0, requestMinSize: 0 },
    ...{ offload: false, compressesRequests: false, compressesResponses: true },
  };
}

/** What a proxy has from its defaults: everything but `offload`. */
export function inheritCompression(from: CompressionDraft | null): CompressionDraft | null {
  return (
    from && {
      ...{ ...from, offload: false, algorithms: [...from.algorithms], requestAlgorithms: [...from.requestAlgorithms] },
      ...{ types: [...from.types], requestTypes: [...from.requestTypes] },
    }
  );
}
