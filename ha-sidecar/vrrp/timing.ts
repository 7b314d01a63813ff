// How long is waited for what, in milliseconds: of the RFCs, and of the hand-over, which is ours.

import type { InstancePlan } from "../plan/vrrp.ts";

type Timing = Pick<InstancePlan, "version" | "advertIntervalMs" | "downTimerAdverts">;

/**
 * A graceful stop waits so long for a successor at least: its machine may be busy, and while nobody else has the addresses keeping them
 * does no harm.
 */
const HANDOVER_MIN_MS = 1000;
/** The addresses stay so long after the successor's first advert, if it sends no second one before: it adds its own in this time. */
export const LINGER_MS = 200;
/** A second advert of priority 0 follows the first one. */
export const ZERO_REPEAT_MS = 3;

/** Skew_Time: version 2 counts in seconds whatever the interval is (RFC 3768 §6.1), version 3 in intervals (RFC 9568 §6.1). */
export function skewMs({ version }: Timing, priority: number, intervalMs: number): number {
  return ((256 - priority) * (version === 2 ? 1000 : intervalMs)) / 256;
}

/**
 * What a backup waits after the master's advert of priority 0. The skew time keeps backups in their order; where the master that leaves is
 * the only peer there is, nobody else competes, and waiting would only be a hole.
 */
export function afterZeroMs(plan: InstancePlan, priority: number, intervalMs: number): number {
  const { mode, peers, checkUnicastSource } = plan.transport;
  const isAlone = mode === "unicast" && peers.length === 1 && checkUnicastSource && !plan.strict;
  return isAlone ? 0 : skewMs(plan, priority, intervalMs);
}

/** Active_Down_Interval (Master_Down_Interval) for adverts that come every `intervalMs`. */
export function downMs(plan: Timing, priority: number, intervalMs: number): number {
  return plan.downTimerAdverts * intervalMs + skewMs(plan, priority, intervalMs);
}

/** For the successor's first advert: of any priority, it has sent it after one skew time; two adverts more, in case one is lost. */
export function handoverMs(plan: Timing, configuredMs: number | null): number {
  const { advertIntervalMs } = plan;
  return configuredMs ?? Math.max(HANDOVER_MIN_MS, skewMs(plan, 0, advertIntervalMs) + 2 * advertIntervalMs);
}
