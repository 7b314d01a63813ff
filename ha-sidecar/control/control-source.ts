// Whom the control socket and the metrics ask: the daemon, or a test.

import type { DrillReport } from "../drill.ts";
import type { InstanceState, TrackerKind } from "../thread/messages.ts";
import type { VirtualServerState } from "../virtual-server/runner.ts";

export interface TrackedState {
  readonly kind: TrackerKind;
  readonly name: string;
  readonly up: boolean;
}

export interface ControlSource {
  states(): Promise<readonly InstanceState[]>;
  virtualServers(): readonly VirtualServerState[];
  /** What has said something so far. */
  trackers(): readonly TrackedState[];
  /** Rehearses a failover; null: of the only instance that is MASTER. */
  drill(instance: string | null): Promise<DrillReport>;
}
