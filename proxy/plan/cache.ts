// A `cache` section (configuration.txt 6). Data of the plan (plan.ts).

export interface CachePlan {
  readonly name: string;
  readonly totalBytes: number;
  readonly objectBytesMax: number;
  readonly maxAgeSeconds: number;
  readonly processVary: boolean;
  readonly secondaryEntriesMax: number;
}
