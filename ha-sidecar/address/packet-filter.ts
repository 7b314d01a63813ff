// The rules of ours in the kernel's packet filter, all in one table (a second one for ARP), replaced and removed as a whole:
//
//   closed    no_accept, strict mode: packets to and from these addresses are dropped, but not what neighbours need to find them
//   guarded   nft_lease: packets to these addresses, and questions for them by ARP and neighbour discovery, are dropped unless the
//   leased    address is here too, and its place here ends by itself when nobody refreshes it: a daemon that is killed or frozen stops
//             answering for its addresses within the lease, although they are still on the interface
//
// The table of a lease stays when the daemon dies, which is its purpose; the next start replaces it, an orderly end removes it.

import { NFTABLES as N } from "../../shared/abi/nftables.ts";
import { Batch, compare, drop, type Expression, lookup, meta, Nftables, payload } from "./nftables.ts";

const INET = N.NFPROTO_INET;
const ARP = N.NFPROTO_ARP;
/** Before the rules of others, which may accept. */
const PRIORITY = -160;
/** nft's numbers of ipv4_addr and ipv6_addr. */
const TYPES = { 4: 7, 6: 8 } as const;
const PROTOCOL_ICMPV6 = 58;
const NEIGHBOUR_SOLICITATION = 135;
/** Router and neighbour discovery, redirects. */
const DISCOVERY_FIRST = 133;
const DISCOVERY_LAST = 137;

export interface Address {
  readonly bytes: Uint8Array;
}

export class PacketFilter {
  readonly #nftables: Nftables;
  readonly #table: string;
  readonly #leaseMs: number;
  #isInstalled = false;

  private constructor(nftables: Nftables, table: string, leaseMs: number) {
    this.#nftables = nftables;
    this.#table = table;
    this.#leaseMs = leaseMs;
  }

  /** Opens the way to the kernel; nothing is changed before `install`. -errno when there is none. `leaseMs` 0: no lease. */
  static open(table: string, leaseMs: number): PacketFilter | number {
    const nftables = Nftables.open();
    return typeof nftables === "number" ? nftables : new PacketFilter(nftables, table, leaseMs);
  }

  /** Replaces what an earlier run left, in one step. 0 or -errno. */
  install(guarded: readonly Address[], leased: readonly Address[], closed: readonly Address[]): number {
    const batch = new Batch();
    this.#replaceTables(batch);
    for (const family of [4, 6] as const) {
      batch.addSet(INET, this.#table, `closed${family}`, TYPES[family], family === 4 ? 4 : 16, false);
      if (this.#leaseMs === 0) continue;
      batch.addSet(INET, this.#table, `guarded${family}`, TYPES[family], family === 4 ? 4 : 16, false);
      batch.addSet(INET, this.#table, `leased${family}`, TYPES[family], family === 4 ? 4 : 16, true);
    }
    this.#addClosedRules(batch);
    if (this.#leaseMs > 0) this.#addLeaseRules(batch);
    this.#fill(batch, "closed", closed);
    if (this.#leaseMs > 0) {
      this.#fill(batch, "guarded", guarded);
      this.#fill(batch, "leased", leased, this.#leaseMs);
    }
    const result = this.#nftables.commit(batch);
    this.#isInstalled = result === 0;
    return result;
  }

  /** Closes addresses, or opens them again. 0 or -errno. */
  setClosed(addresses: readonly Address[], isClosed: boolean): number {
    const batch = new Batch();
    // Removing what may be absent: in a batch it can be added first.
    this.#fill(batch, "closed", addresses);
    if (!isClosed) this.#empty(batch, "closed", addresses);
    return this.#nftables.commit(batch);
  }

  /** Lets packets to the addresses pass for the time of a lease from now on. 0 or -errno. */
  grant(addresses: readonly Address[]): number {
    if (this.#leaseMs === 0 || addresses.length === 0) return 0;
    const batch = new Batch();
    // What is there keeps its old end (before Linux 6.12), so it is taken out and put in, in one step.
    this.#fill(batch, "leased", addresses, this.#leaseMs);
    this.#empty(batch, "leased", addresses);
    this.#fill(batch, "leased", addresses, this.#leaseMs);
    return this.#nftables.commit(batch);
  }

  /** Ends the lease of addresses at once. 0 or -errno. */
  revoke(addresses: readonly Address[]): number {
    if (this.#leaseMs === 0 || addresses.length === 0) return 0;
    const batch = new Batch();
    this.#fill(batch, "leased", addresses, this.#leaseMs);
    this.#empty(batch, "leased", addresses);
    return this.#nftables.commit(batch);
  }

  /** Removes everything of ours. 0 or -errno. */
  remove(): number {
    if (!this.#isInstalled) return 0;
    this.#isInstalled = false;
    const batch = new Batch().deleteTable(INET, this.#table);
    if (this.#leaseMs > 0) batch.deleteTable(ARP, this.#table);
    return this.#nftables.commit(batch);
  }

  close(): void {
    this.#nftables.close();
  }

  #replaceTables(batch: Batch): void {
    // Deleting wants it to exist, adding does not mind; an ARP table may be there from a run that had a lease.
    for (const family of [INET, ARP] as const) batch.addTable(family, this.#table).deleteTable(family, this.#table);
    batch.addTable(INET, this.#table);
    if (this.#leaseMs > 0) batch.addTable(ARP, this.#table);
  }

  #addClosedRules(batch: Batch): void {
    const both = [
      { chain: "input", hook: N.NF_INET_LOCAL_IN, offset4: 16, offset6: 24 },
      { chain: "output", hook: N.NF_INET_LOCAL_OUT, offset4: 12, offset6: 8 },
    ];
    for (const { chain, hook, offset4, offset6 } of both) {
      batch.addChain(INET, this.#table, chain, hook, PRIORITY);
      const rule = (...expressions: Expression[]) => batch.addRule(INET, this.#table, chain, [...expressions, drop]);
      rule(...isFamily(N.NFPROTO_IPV4), network(offset4, 4), lookup("closed4"));
      const closed6 = [...isFamily(N.NFPROTO_IPV6), network(offset6, 16), lookup("closed6")];
      rule(...closed6, meta(N.NFT_META_L4PROTO), compare(N.NFT_CMP_NEQ, [PROTOCOL_ICMPV6]));
      const icmpv6 = [...closed6, meta(N.NFT_META_L4PROTO), compare(N.NFT_CMP_EQ, [PROTOCOL_ICMPV6])];
      rule(...icmpv6, transport(0, 1), compare(N.NFT_CMP_LT, [DISCOVERY_FIRST]));
      rule(...icmpv6, transport(0, 1), compare(N.NFT_CMP_GT, [DISCOVERY_LAST]));
    }
  }

  #addLeaseRules(batch: Batch): void {
    const rule = (...expressions: Expression[]) => batch.addRule(INET, this.#table, "input", [...expressions, drop]);
    const unleased4 = (load: Expression) => [load, lookup("guarded4"), load, lookup("leased4", true)];
    const unleased6 = (load: Expression) => [load, lookup("guarded6"), load, lookup("leased6", true)];
    rule(...isFamily(N.NFPROTO_IPV4), ...unleased4(network(16, 4)));
    rule(...isFamily(N.NFPROTO_IPV6), ...unleased6(network(24, 16)));
    rule(
      ...[...isFamily(N.NFPROTO_IPV6), meta(N.NFT_META_L4PROTO), compare(N.NFT_CMP_EQ, [PROTOCOL_ICMPV6])],
      ...[transport(0, 1), compare(N.NFT_CMP_EQ, [NEIGHBOUR_SOLICITATION]), ...unleased6(transport(8, 16))],
    );
    // Sets belong to a table: ARP's has its own two.
    batch
      .addSet(ARP, this.#table, "guarded4", TYPES[4], 4, false)
      .addSet(ARP, this.#table, "leased4", TYPES[4], 4, true);
    batch.addChain(ARP, this.#table, "input", N.NF_ARP_IN, PRIORITY);
    // Target protocol address, behind 8 bytes of header and two pairs of which three addresses come before it.
    batch.addRule(ARP, this.#table, "input", [...unleased4(network(24, 4)), drop]);
  }

  #fill(batch: Batch, set: string, addresses: readonly Address[], timeoutMs = 0): void {
    this.#each(set, addresses, (family, name, keys) => batch.addElements(family, this.#table, name, keys, timeoutMs));
  }

  #empty(batch: Batch, set: string, addresses: readonly Address[]): void {
    this.#each(set, addresses, (family, name, keys) => batch.deleteElements(family, this.#table, name, keys));
  }

  #each(
    set: string,
    addresses: readonly Address[],
    apply: (family: typeof INET | typeof ARP, name: string, keys: readonly Uint8Array[]) => void,
  ): void {
    const keys = addresses.map(({ bytes }) => bytes);
    const keys4 = keys.filter(({ length }) => length === 4);
    const keys6 = keys.filter(({ length }) => length === 16);
    if (keys4.length > 0) apply(INET, `${set}4`, keys4);
    if (keys6.length > 0) apply(INET, `${set}6`, keys6);
    if (keys4.length > 0 && set !== "closed") apply(ARP, `${set}4`, keys4);
  }
}

function isFamily(protocol: number): Expression[] {
  return [meta(N.NFT_META_NFPROTO), compare(N.NFT_CMP_EQ, [protocol])];
}

function network(offset: number, length: number): Expression {
  return payload(N.NFT_PAYLOAD_NETWORK_HEADER, offset, length);
}

function transport(offset: number, length: number): Expression {
  return payload(N.NFT_PAYLOAD_TRANSPORT_HEADER, offset, length);
}
