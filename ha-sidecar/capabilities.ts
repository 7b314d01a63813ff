// What the daemon may do, before it does anything: a master that cannot add its addresses is worse than none.

import { readFileSync } from "node:fs";
import type { HaPlan } from "./plan/plan.ts";

interface Capability {
  readonly name: string;
  /** Number of its bit (linux/capability.h). */
  readonly bit: number;
  readonly purpose: string;
  readonly isNeeded: (plan: HaPlan) => boolean;
}

const NEEDED: readonly Capability[] = [
  {
    ...{ name: "CAP_NET_ADMIN", bit: 12, purpose: "addresses, routes, packet filter" },
    isNeeded: () => true,
  },
  {
    ...{ name: "CAP_NET_RAW", bit: 13, purpose: "adverts, gratuitous ARP" },
    isNeeded: ({ instances }) => instances.length > 0,
  },
];

/** Those that are missing, as sentences; empty: it can work. `effective`: their bits, for tests. */
export function missingCapabilities(plan: HaPlan, effective = effectiveCapabilities()): string[] {
  if (effective === null) return [];
  return NEEDED.filter(({ bit, isNeeded }) => isNeeded(plan) && ((effective >> BigInt(bit)) & 1n) === 0n).map(
    ({ name, purpose }) => `${name} (${purpose})`,
  );
}

/** null: the kernel does not tell, so that what fails will have to. */
function effectiveCapabilities(): bigint | null {
  try {
    const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
    return mask === undefined ? null : BigInt(`0x${mask}`);
  } catch {
    return null;
  }
}
