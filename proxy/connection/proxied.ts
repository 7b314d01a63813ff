// What a proxy in front of us said about connections (PROXY protocol, NetScaler): where the client wanted to go, who really connected, and
// the TLVs. Only such connections have an entry, so that others pay nothing; entries are reused. The client's own address and port
// stand in the connection's row, where everybody looks for them.

import { CONNECTION, type Connections } from "./table.ts";

const ADDRESS_FLAGS = CONNECTION.ipv6 | CONNECTION.unix;
const TLV_BYTES_MIN = 256;

export class Proxied {
  /** 4 or 16; 0: the header named no addresses. */
  destinationBytes = 0;
  readonly destination = new Uint8Array(16);
  destinationPort = 0;
  /** Who connected: the row's address, port and flags (CONNECTION.ipv6, CONNECTION.unix) before the header replaced them. */
  readonly peer = new Uint8Array(16);
  peerPort = 0;
  peerFlags = 0;
  /** TLVs as received: type, length of two bytes, value. */
  tlvs = new Uint8Array(TLV_BYTES_MIN);
  tlvBytes = 0;
  /** What `tcp-request connection` rules made of the socket's own ends: 0 bytes, or a port of -1, where they left them. */
  readonly socketSource = new Uint8Array(16);
  socketSourceBytes = 0;
  socketSourcePort = -1;
  readonly socketDestination = new Uint8Array(16);
  socketDestinationBytes = 0;
  socketDestinationPort = -1;
  /** No header said it, a `tcp-request connection` or `session` rule did (set-dst). */
  byRule = false;

  /** Keeps bytes[start, end) as the connection's TLVs. */
  keepTlvs(bytes: Uint8Array, start: number, end: number): void {
    this.tlvBytes = end - start;
    if (this.tlvBytes > this.tlvs.length) this.tlvs = new Uint8Array(this.tlvBytes);
    for (let i = start; i < end; i++) this.tlvs[i - start] = bytes[i]!;
  }

  /** Offset in `tlvs` of the TLV of that type after offset `from`, -1: there is none. */
  find(type: number, from = 0): number {
    const { tlvs } = this;
    for (let at = from; at + 3 <= this.tlvBytes; at += 3 + ((tlvs[at + 1]! << 8) | tlvs[at + 2]!))
      if (tlvs[at] === type) return at;
    return -1;
  }
}

export class ProxiedConnections {
  readonly #connections: Connections;
  readonly #bySlot = new Map<number, Proxied>();
  readonly #spare: Proxied[] = [];

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** What was said about the connection; undefined: nothing. */
  of(slot: number): Proxied | undefined {
    return this.#bySlot.get(this.#connections.carrier[slot]!);
  }

  /** An entry for the connection, its own addresses saved in it. */
  add(slot: number): Proxied {
    const { address, flags, port } = this.#connections;
    const entry = this.#bySlot.get(slot) ?? this.#spare.pop() ?? new Proxied();
    entry.byRule = false;
    entry.socketSourceBytes = entry.socketDestinationBytes = 0;
    entry.socketSourcePort = entry.socketDestinationPort = -1;
    entry.destinationBytes = 0;
    entry.tlvBytes = 0;
    for (let i = 0; i < 16; i++) entry.peer[i] = address[slot * 16 + i]!;
    entry.peerPort = port[slot]!;
    entry.peerFlags = flags[slot]! & ADDRESS_FLAGS;
    this.#bySlot.set(slot, entry);
    flags[slot]! |= CONNECTION.proxied;
    return entry;
  }

  /** The connection's row is freed. */
  release(slot: number): void {
    const entry = this.#bySlot.get(slot);
    if (entry === undefined) return;
    this.#bySlot.delete(slot);
    this.#spare.push(entry);
  }
}
