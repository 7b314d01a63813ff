// Objects that have a name for statistics files (`guid`, `guid-prefix`), and the file whose counters the process begins with (`stats-file`).

export interface StatsFilePlan {
  /** null: counters begin at zero. */
  readonly path: string | null;
  /** In the order of the configuration. */
  readonly objects: readonly StatsObjectPlan[];
}

export interface StatsObjectPlan {
  readonly guid: string;
  /** `index`: of the proxy, the listener or the server. */
  readonly kind: "frontend" | "listener" | "backend" | "server";
  readonly index: number;
}
