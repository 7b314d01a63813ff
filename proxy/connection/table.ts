// The worker's connections as rows of typed arrays: what an idle connection needs and no more, so that hundreds of thousands of
// them cost bytes and no garbage collection. A row is named by slot and generation; the generation rises when the row is freed,
// so that a completion of its past life is recognised. Requests in flight live in Stream objects, not here.

import { FreeList } from "../../shared/arena/free-list.ts";
import { close } from "../../shared/ffi/file.ts";

/** Connections.kind: who is told of what happens. */
export const KIND = {
  free: 0,
  client: 1,
  server: 2,
  relayClient: 3,
  relayServer: 4,
  handshake: 5,
  tlsHandshake: 6,
  /** Carries streams of HTTP/2, which are rows of their own (http2/). */
  http2Client: 7,
  http2Server: 8,
} as const;

/** Bits of `Connections.flags`. */
export const CONNECTION = {
  /** A multishot (or single) receive is armed. */
  receiving: 1,
  /** A send is in flight; at most one. */
  sending: 2,
  /** A connect is in flight. */
  connecting: 4,
  /** The peer ended its direction (receive returned 0). */
  readClosed: 8,
  /** We sent (or queued) our end: shutdown after the last queued byte. */
  shutdownQueued: 16,
  writeClosed: 32,
  /** Close once the transmit queue is empty. */
  closeQueued: 64,
  /** close(2) was submitted; the row is freed at its completion. */
  closing: 128,
  /** The receive found no buffer and waits on the starved list. */
  starved: 256,
  /** Receive is held back by back-pressure. */
  paused: 512,
  /** A reset or an error was seen. */
  failed: 1024,
  /** Server connection: has served at least two streams (`http-reuse aggressive`). */
  safe: 2048,
  /** The peer's address is IPv6. */
  ipv6: 4096,
  /** Client: the next request is not the first of this connection. */
  notFirst: 8192,
  /** A UNIX socket: no address to speak of. */
  unix: 16384,
  /** A cancel of the receive was submitted and has not completed. */
  cancelling: 32768,
  /** Client: the answer is out and what still comes in is thrown away until the peer closes. */
  lingering: 65536,
  /** Client: accepted over a limit, not yet counted and not read. */
  parked: 262144,
  /** Server connection: lies in its server's idle pool. */
  idle: 131072,
  /** Server connection: a send failed. What the server had said before may still be on its way, the end of it is sure to come. */
  outputFailed: 524288,
  /** The peer sends in bulk: one receive at a time. */
  paced: 1048576,
  /** Client: a proxy in front told its addresses or more about it (proxied.ts). */
  proxied: 268435456,
  /** Server connection: no socket is behind it, the cache fills it (cache/cache.ts). */
  virtual: 536870912,
  /** A stream of HTTP/2: its bytes go through the row of its `carrier` (http2/). */
  multiplexed: 16777216,
  /** The receive that is armed ends with what it brings first. */
  receivesOnce: 2097152,
  /** Encrypted: tls/tls.ts stands between the socket and the owner. */
  tls: 8388608,
  /** It has brought one full buffer, and more is right behind. */
  receivesSeveral: 4194304,
} as const;

export class Connections {
  readonly capacity: number;
  readonly kind: Uint8Array;
  readonly flags: Int32Array;
  readonly generation: Int32Array;
  readonly fd: Int32Array;
  /** The row whose socket carries this one's bytes: itself, but for streams of HTTP/2. What is asked of a connection is asked of its carrier. */
  readonly carrier: Int32Array;
  /** Client: index of the listener. Server: index of the server. */
  readonly owner: Int32Array;
  /** Slot of the Stream that uses the connection, -1: none. */
  readonly stream: Int32Array;
  /** First and last buffer received and not consumed, -1: none; linked through BufferQueue. */
  readonly receiveHead: Int32Array;
  readonly receiveTail: Int32Array;
  /** Bytes of the first received buffer that hold no end of a head; 0: nobody has looked. */
  readonly headSeenBytes: Int32Array;
  /** First and last buffer to be sent, -1: none. */
  readonly sendHead: Int32Array;
  readonly sendTail: Int32Array;
  /** Bytes queued to be sent. */
  readonly sendBytes: Int32Array;
  /** Relays: the other side's slot, -1: none. Server connections under `http-reuse never`: the client they belong to. */
  readonly peer: Int32Array;
  /** Server: the connection's name (server/connection-name.ts), where it has one. */
  readonly nameHigh: Int32Array;
  readonly nameLow: Int32Array;
  /** Client: server of the last request, -1: none (`option prefer-last-server`). */
  readonly lastServer: Int32Array;
  /** Idle list of a server's pool (slots), -1: none. */
  readonly idleNext: Int32Array;
  readonly idlePrevious: Int32Array;
  /** Milliseconds of the worker's clock when the connection was accepted or established; when it went idle. */
  readonly sinceMs: Int32Array;
  readonly idleSinceMs: Int32Array;
  /** When the first byte of the request that is being received came. */
  readonly requestSinceMs: Int32Array;
  /** Peer's address, 16 bytes a row: IPv4 in the first 4. */
  readonly address: Uint8Array;
  readonly port: Uint16Array;
  /** What went wrong with the connection, HAProxy's number (errors.ts). */
  readonly error: Uint8Array;
  /** Faults of the peer's protocol that did not end the connection (HTTP/2). */
  readonly glitches: Int32Array;
  /** Streams that this connection has carried. */
  readonly streams: Int32Array;
  readonly free: FreeList;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.kind = new Uint8Array(capacity);
    this.flags = new Int32Array(capacity);
    this.generation = new Int32Array(capacity);
    this.fd = new Int32Array(capacity).fill(-1);
    this.carrier = Int32Array.from({ length: capacity }, (_, slot) => slot);
    this.owner = new Int32Array(capacity);
    this.stream = new Int32Array(capacity).fill(-1);
    this.receiveHead = new Int32Array(capacity).fill(-1);
    this.receiveTail = new Int32Array(capacity).fill(-1);
    this.headSeenBytes = new Int32Array(capacity);
    this.sendHead = new Int32Array(capacity).fill(-1);
    this.sendTail = new Int32Array(capacity).fill(-1);
    this.sendBytes = new Int32Array(capacity);
    this.peer = new Int32Array(capacity).fill(-1);
    this.nameHigh = new Int32Array(capacity);
    this.nameLow = new Int32Array(capacity);
    this.lastServer = new Int32Array(capacity).fill(-1);
    this.idleNext = new Int32Array(capacity).fill(-1);
    this.idlePrevious = new Int32Array(capacity).fill(-1);
    this.sinceMs = new Int32Array(capacity);
    this.idleSinceMs = new Int32Array(capacity);
    this.requestSinceMs = new Int32Array(capacity);
    this.address = new Uint8Array(capacity * 16);
    this.port = new Uint16Array(capacity);
    this.streams = new Int32Array(capacity);
    this.glitches = new Int32Array(capacity);
    this.error = new Uint8Array(capacity);
    this.free = new FreeList(capacity);
  }

  /** The descriptor that carries the connection's bytes. */
  socketOf(slot: number): number {
    return this.fd[this.carrier[slot]!]!;
  }

  isEncrypted(slot: number): boolean {
    return (this.flags[this.carrier[slot]!]! & CONNECTION.tls) !== 0;
  }

  /** Closes every descriptor in the table at once; for a worker that ends, after its reactor. */
  closeDescriptors(): void {
    for (let slot = 0; slot < this.capacity; slot++) {
      const isOpen = this.kind[slot] !== KIND.free && (this.flags[slot]! & CONNECTION.closing) === 0;
      if (isOpen && this.fd[slot]! >= 0) close(this.fd[slot]!);
    }
  }
}
