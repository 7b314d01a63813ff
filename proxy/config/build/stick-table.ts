// Stick-tables and `peers` sections of the plan.

import type { SocketAddressPlan } from "../../plan/plan.ts";
import type { PeerAddressPlan, PeersPlan, StickTablePlan } from "../../plan/stick-table.ts";
import type { AddressSlot, ConfigurationDraft } from "../draft.ts";
import type { PeersDraft, StickTableDraft } from "../draft-tables.ts";

export function buildStickTable(
  draft: StickTableDraft,
  index: number,
  configuration: ConfigurationDraft,
): StickTablePlan {
  const { peers, stickTables } = configuration;
  return {
    ...{ index, name: draft.name, wireName: draft.wireName, keyType: draft.keyType!, keyBytes: draft.keyBytes },
    ...{ size: draft.size, expireMs: draft.expireMs, noPurge: draft.noPurge, receiveOnly: draft.receiveOnly },
    ...{ serverKey: draft.serverKey, byteRateFactor: draft.byteRateFactor, stores: draft.stores },
    peers: peers.findIndex((section) => section === draft.section || section.name === draft.peers),
    writeTo: stickTables.findIndex((table) => table.name === draft.writeTo),
    at: draft.statement.location,
  };
}

export function buildPeers(draft: PeersDraft, localpeer: string): PeersPlan {
  const local = draft.peers.find(({ name }) => name === localpeer);
  return {
    name: draft.name,
    disabled: draft.disabled,
    peers: draft.peers.map(({ name, slot }) => ({ name, isLocal: name === localpeer, address: connectable(slot) })),
    bind: bindable(draft.bind?.slot ?? local?.slot ?? null),
    at: draft.statement.location,
  };
}

function bindable(slot: AddressSlot | null): PeersPlan["bind"] {
  return slot?.address?.kind === "fd" ? { fd: slot.address.fd } : connectable(slot);
}

function connectable(slot: AddressSlot | null): PeerAddressPlan | null {
  const address: SocketAddressPlan | null = slot?.address ?? null;
  if (address === null) return null;
  if (address.kind === "unix") return { path: address.path };
  return address.kind === "ipv4" || address.kind === "ipv6" ? { host: address.host, port: address.port } : null;
}
