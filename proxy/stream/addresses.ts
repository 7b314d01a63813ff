// Addresses that a rule gave to a stream in place of its connection's: `set-src`, `set-dst` and their ports. They are the stream's, not
// the connection's: the next request on the same connection begins with the real ones again.
//
// The source stands in the connection's row, where src, forwardfor, balancing and the log look for it; the real one waits here and
// `restoreSource` puts it back at the stream's end. The destination has no row (it is asked of the kernel), so it stands here, and
// who shows it asks here first.

import { CONNECTION, type Connections } from "../connection/table.ts";
import type { Stream } from "./stream.ts";

const IPV6 = CONNECTION.ipv6;
const UNIX = CONNECTION.unix;

export class StreamAddresses {
  /** Whether the connection's row holds another source than its own; then these are the real one's parts. */
  sourceIsSaved = false;
  readonly source = new Uint8Array(16);
  sourcePort = 0;
  /** The bits CONNECTION.ipv6 and CONNECTION.unix of the row. */
  sourceFlags = 0;
  /** 4 or 16; 0: the destination is the connection's. */
  destinationBytes = 0;
  readonly destination = new Uint8Array(16);
  /** -1: the connection's. */
  destinationPort = -1;

  reset(): void {
    this.sourceIsSaved = false;
    this.destinationBytes = 0;
    this.destinationPort = -1;
  }
}

/** The destination address that a rule set: 4 or 16 bytes in `stream.addresses.destination`; 0: none was set. */
export function setDestinationBytes(stream: Stream): number {
  return stream.addresses === null ? 0 : stream.addresses.destinationBytes;
}

/** The destination port that a rule set, -1: none. */
export function setDestinationPort(stream: Stream): number {
  return stream.addresses === null ? -1 : stream.addresses.destinationPort;
}

/** The stream's addresses, made when its object first needs them and kept for its later lives. */
export function addressesOf(stream: Stream): StreamAddresses {
  if (stream.addresses === null) {
    stream.spareAddresses ??= new StreamAddresses();
    stream.addresses = stream.spareAddresses;
  }
  return stream.addresses;
}

/** Gives the connection of the stream another source address of 4 or 16 bytes; the port stays (0 when there was none). */
export function setSource(connections: Connections, stream: Stream, address: Uint8Array, bytes: number): void {
  saveSource(connections, stream);
  const slot = stream.client;
  if ((connections.flags[slot]! & UNIX) !== 0) connections.port[slot] = 0;
  connections.flags[slot] = (connections.flags[slot]! & ~(IPV6 | UNIX)) | (bytes === 16 ? IPV6 : 0);
  for (let i = 0; i < bytes; i++) connections.address[slot * 16 + i] = address[i]!;
}

/** Gives the connection of the stream another source port; where there was no address it becomes 0.0.0.0. */
export function setSourcePort(connections: Connections, stream: Stream, port: number): void {
  saveSource(connections, stream);
  const slot = stream.client;
  if ((connections.flags[slot]! & UNIX) !== 0) connections.address.fill(0, slot * 16, slot * 16 + 16);
  connections.flags[slot] = connections.flags[slot]! & ~UNIX;
  connections.port[slot] = port;
}

function saveSource(connections: Connections, stream: Stream): void {
  const saved = addressesOf(stream);
  if (saved.sourceIsSaved) return;
  const slot = stream.client;
  saved.sourceIsSaved = true;
  saved.sourcePort = connections.port[slot]!;
  saved.sourceFlags = connections.flags[slot]! & (IPV6 | UNIX);
  for (let i = 0; i < 16; i++) saved.source[i] = connections.address[slot * 16 + i]!;
}

/** The stream is over: its connection has its own addresses again. */
export function restoreAddresses(connections: Connections, stream: Stream): void {
  const saved = stream.addresses;
  if (saved === null) return;
  if (saved.sourceIsSaved) {
    const slot = stream.client;
    connections.port[slot] = saved.sourcePort;
    connections.flags[slot] = (connections.flags[slot]! & ~(IPV6 | UNIX)) | saved.sourceFlags;
    for (let i = 0; i < 16; i++) connections.address[slot * 16 + i] = saved.source[i]!;
  }
  saved.reset();
  stream.addresses = null;
}
