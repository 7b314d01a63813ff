// Keeps the packet filter in line with what instances own: closes the addresses of no_accept and strict mode, and refreshes the lease of
// all others (nft_lease). Without either in the configuration the filter is never touched.

import { errnoMeaning } from "../../shared/abi/errno.ts";
import { type Address, PacketFilter } from "../address/packet-filter.ts";
import type { HaPlan } from "../plan/plan.ts";
import type { InstancePlan } from "../plan/vrrp.ts";

/** A lease is refreshed so often within it. */
const REFRESHES_PER_LEASE = 3;
const TABLE = "ringway_ha";

export class Fence {
  readonly #plan: HaPlan;
  readonly #filter: PacketFilter | null;
  readonly #leaseMs: number;
  readonly #owned = new Set<InstancePlan>();
  readonly #onFailed: (text: string) => void;
  #refreshAtMs = Number.POSITIVE_INFINITY;

  private constructor(plan: HaPlan, filter: PacketFilter | null, onFailed: (text: string) => void) {
    this.#plan = plan;
    this.#filter = filter;
    this.#leaseMs = plan.global.sidecar.nftLeaseMs;
    this.#onFailed = onFailed;
  }

  /** -errno when the plan needs a packet filter and the kernel has none for us. */
  static open(plan: HaPlan, onFailed: (text: string) => void): Fence | number {
    if (!needsFilter(plan)) return new Fence(plan, null, onFailed);
    const { instanceName } = plan.global;
    const table = instanceName === null ? TABLE : `${TABLE}_${instanceName}`;
    const filter = PacketFilter.open(table, plan.global.sidecar.nftLeaseMs);
    return typeof filter === "number" ? filter : new Fence(plan, filter, onFailed);
  }

  /** Replaces what an earlier run left; `owners` go on as masters. */
  install(owners: readonly InstancePlan[], nowMs: number): void {
    if (this.#filter === null) return;
    for (const owner of owners) this.#owned.add(owner);
    const owned = owners.flatMap(addressesOf);
    const closed = owners.filter(isClosed).flatMap(addressesOf);
    this.#check("installing rules", this.#filter.install(this.#plan.instances.flatMap(addressesOf), owned, closed));
    if (this.#leaseMs > 0) this.#refreshAtMs = nowMs + this.#leaseMs / REFRESHES_PER_LEASE;
  }

  /** Before the addresses come. */
  onClaim(plan: InstancePlan): void {
    if (this.#filter === null) return;
    this.#owned.add(plan);
    if (isClosed(plan)) this.#check("closing addresses", this.#filter.setClosed(addressesOf(plan), true));
    this.#check("granting a lease", this.#filter.grant(addressesOf(plan)));
  }

  /** After the addresses went. */
  onRelease(plan: InstancePlan): void {
    if (this.#filter === null || !this.#owned.delete(plan)) return;
    this.#check("ending a lease", this.#filter.revoke(addressesOf(plan)));
    if (isClosed(plan)) this.#check("opening addresses", this.#filter.setClosed(addressesOf(plan), false));
  }

  get nextMs(): number {
    return this.#refreshAtMs;
  }

  tick(nowMs: number): void {
    if (nowMs < this.#refreshAtMs || this.#filter === null) return;
    this.#refreshAtMs = nowMs + this.#leaseMs / REFRESHES_PER_LEASE;
    this.#check("refreshing leases", this.#filter.grant([...this.#owned].flatMap(addressesOf)));
  }

  /** `heir`: the plan that goes on after a reload, which replaces the rules if it has any. */
  close(heir: HaPlan | null): void {
    if (this.#filter === null) return;
    if (heir === null || !needsFilter(heir)) this.#check("removing rules", this.#filter.remove());
    this.#filter.close();
  }

  #check(what: string, result: number): void {
    if (result < 0) this.#onFailed(`packet filter: ${what}: ${errnoMeaning(result)}`);
  }
}

function isClosed({ accept, priority }: InstancePlan): boolean {
  return !accept && priority !== 255;
}

function needsFilter(plan: HaPlan): boolean {
  return plan.global.sidecar.nftLeaseMs > 0 || plan.instances.some(isClosed);
}

function addressesOf({ addresses, excludedAddresses }: InstancePlan): Address[] {
  return [...addresses, ...excludedAddresses].map(({ address }) => address);
}
