// One row of `show stat`: what it is about, and its values by column.

import type { ProxyPlan, ServerPlan, SocketAddressPlan } from "../plan/plan.ts";
import type { ColumnName, RowKind } from "./columns.ts";

export type StatValues = Partial<Record<ColumnName, string | number>>;

/** A row and what it is about. */
export interface StatRow {
  readonly kind: RowKind;
  readonly proxy: ProxyPlan;
  /** null: a frontend's or backend's row. */
  readonly server: ServerPlan | null;
  readonly values: StatValues;
}

/** An address as `addr` shows it. */
export function addressText(address: SocketAddressPlan): string {
  switch (address.kind) {
    case "ipv4":
      return `${address.host}:${address.port}`;
    case "ipv6":
      return `[${address.host}]:${address.port}`;
    case "fd":
      return `fd@${address.fd}`;
    default:
      return "unix";
  }
}
