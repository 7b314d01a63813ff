// `compression` of a proxy and what `global` says about it (configuration.txt 4.2, 9.2). Data of the plan (plan.ts).

/** `br` is ringway's own: HAProxy has no brotli. */
export const COMPRESSION_ALGORITHMS = ["identity", "gzip", "deflate", "raw-deflate", "br"] as const;
export type CompressionAlgorithm = (typeof COMPRESSION_ALGORITHMS)[number];

export interface CompressionPlan {
  readonly request: CompressionDirectionPlan | null;
  readonly response: CompressionDirectionPlan | null;
  /** Servers are not told what the client could decompress. */
  readonly offload: boolean;
}

export interface CompressionDirectionPlan {
  /** As written; of requests the last. */
  readonly algorithms: readonly CompressionAlgorithm[];
  /** Beginnings of content types, in lower case; empty: every type. */
  readonly types: readonly string[];
  readonly minSizeBytes: number;
}

export interface CompressionLimitsPlan {
  /** `tune.comp.maxlevel`. */
  readonly maxLevel: number;
  /** `maxcomprate`, bytes a second over all workers; 0: none. */
  readonly rateMaxBytes: number;
  /** `maxcompcpuusage`: above this share of a worker's time nothing more begins to be compressed. */
  readonly cpuMaxPercent: number;
  /** `maxzlibmem`, bytes over all workers; 0: none. */
  readonly memoryMaxBytes: number;
  readonly memLevel: number;
  readonly windowBits: number;
}

/** HAProxy's defaults. */
export const DEFAULT_COMPRESSION_LIMITS: CompressionLimitsPlan = {
  maxLevel: 1,
  rateMaxBytes: 0,
  cpuMaxPercent: 100,
  memoryMaxBytes: 0,
  memLevel: 8,
  windowBits: 15,
};
