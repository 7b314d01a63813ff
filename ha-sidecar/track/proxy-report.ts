// What the sidecar tells a ringway that it tracks (`set ha state`): JSON in base64url, because a line of the runtime API knows separators.

import type { InstanceState } from "../thread/messages.ts";

/** A line of the runtime API may be 16 KiB in HAProxy, and everything in it is only for people to read. */
const ADDRESSES_MAX = 8;

export function encodeReport(routerId: string, proxy: string, states: readonly InstanceState[]): string {
  const instances = states.map((state) => ({
    name: state.name,
    state: state.state,
    priority: state.priority,
    interface: state.interface ?? "",
    virtualRouterId: state.virtualRouterId,
    addresses: state.addresses.slice(0, ADDRESSES_MAX),
    stateForMs: Math.round(state.stateForMs),
    reason: state.faults,
  }));
  return Buffer.from(JSON.stringify({ routerId, proxy, instances })).toString("base64url");
}
