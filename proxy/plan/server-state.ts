// What a server state file (`show servers state`, version 1) says of a server. Data of the plan (plan.ts).

export interface SavedServerState {
  /** Bits and numbers as in the shared state (shared-state/layout.ts). */
  readonly opState: number;
  readonly adminState: number;
  readonly userWeight: number;
  readonly initialWeight: number;
  readonly sinceSeconds: number;
  readonly checkStatus: number;
  readonly checkHealth: number;
  /** Checks were configured, and not switched off. */
  readonly checkEnabled: boolean;
}
