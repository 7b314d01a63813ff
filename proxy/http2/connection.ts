// What one HTTP/2 connection has beyond its row: its table of HPACK, windows, streams, and where the reader of frames stands. Objects of ended
// connections serve the next ones. The frames are read by input.ts and written by output.ts.

import { HpackDecoder } from "./hpack/decoder.ts";
import { DEFAULT_WINDOW_BYTES, PREFACE } from "./protocol.ts";

/** Streams that we reset lately: what was under way for them is no fault of the peer's. */
const RESETS_REMEMBERED = 64;

/** What a peer may spend on frames that bring nothing on: so many at once, and so many more each second. */
export class Budget {
  readonly #burst: number;
  readonly #perSecond: number;
  #left = 0;
  #sinceMs = 0;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  reset(nowMs: number): void {
    this.#left = this.#burst;
    this.#sinceMs = nowMs;
  }

  /** False: it is spent. */
  spend(nowMs: number): boolean {
    const elapsedMs = (nowMs - this.#sinceMs) | 0;
    if (elapsedMs >= 1000) {
      this.#left = Math.min(this.#burst, this.#left + Math.floor((elapsedMs * this.#perSecond) / 1000));
      this.#sinceMs = nowMs;
    }
    return --this.#left >= 0;
  }
}

/** As nghttp2: a client that takes back its requests as fast as it makes them (CVE-2023-44487), or makes us do it (CVE-2025-8671). */
const RESETS_BURST = 1000;
const RESETS_PER_SECOND = 33;
/** PING, SETTINGS, PRIORITY, empty frames: a working peer sends a few of them each second. */
const IDLE_FRAMES_BURST = 10_000;
const IDLE_FRAMES_PER_SECOND = 1000;

export class Http2Connection {
  readonly decoder: HpackDecoder;
  readonly resets = new Budget(RESETS_BURST, RESETS_PER_SECOND);
  readonly idleFrames = new Budget(IDLE_FRAMES_BURST, IDLE_FRAMES_PER_SECOND);
  /** Rows of its streams by number. */
  readonly rows = new Map<number, number>();
  slot = -1;
  /** We are the client: the peer is a server of ours. */
  isToServer = false;
  /** Highest stream number that the client has used. */
  lastId = 0;
  /** To servers: number of the next stream; the client's connection that it was made for; whether others have used it; whether nobody does. */
  nextId = 1;
  client = -1;
  isShared = false;
  isIdle = false;
  /** SERVER.connectionGeneration that it was made under. */
  generation = 0;
  sendWindow = 0;
  receiveWindow = 0;
  peerInitialWindow = 0;
  peerStreamsMax = 0;
  /** The peer wants a smaller table than the one it has: said with the next block. */
  mustForgetTable = false;
  /** Bytes of the preface that are still to come. */
  prefaceLeft = 0;
  /** SETTINGS_ENABLE_CONNECT_PROTOCOL was received (RFC 8441 3). */
  takesExtendedConnect = false;
  /** SETTINGS is the first frame of a connection. */
  isSettled = false;
  /** The frame that is being read: payload bytes left, -1: its header is to come. */
  frameLeft = -1;
  frameType = 0;
  frameFlags = 0;
  frameId = 0;
  /** Padding at its end, when it is DATA and its first byte was read; -1: it was not. */
  framePadding = 0;
  /** Header block that CONTINUATION frames go on with: its buffer (-1: none), stream, flags of its HEADERS frame, frames so far. */
  blockBuffer = -1;
  blockId = 0;
  blockFlags = 0;
  blockFrames = 0;
  /** No new streams: 0, 1 after the first GOAWAY (RFC 9113 6.8), 2 after the last. */
  goingAway = 0;
  /** An error ended it: what the peer sends is not read any more. */
  isBroken = false;
  /** Frames that wait to be queued: a buffer, -1: none. */
  out = -1;
  /** The last DATA frame in `out`: its row and the offset of its flags; -1: there is none. */
  lastDataRow = -1;
  lastDataFlagsAt = 0;
  /** Rows that wait for room, by StreamRows.waitNext. */
  waitHead = -1;
  waitTail = -1;
  /** Is in the list of those that have something to flush. */
  isDirty = false;
  /** Its streams have begun: the next one is not the first. */
  hadStreams = false;
  readonly #recentResets = new Int32Array(RESETS_REMEMBERED);
  #resetAt = 0;

  constructor(scratch: Uint8Array) {
    this.decoder = new HpackDecoder(scratch);
  }

  begin(slot: number, isToServer: boolean, nowMs: number): void {
    this.decoder.reset();
    this.resets.reset(nowMs);
    this.idleFrames.reset(nowMs);
    this.rows.clear();
    this.slot = slot;
    this.isToServer = isToServer;
    this.lastId = 0;
    this.nextId = 1;
    this.client = -1;
    this.isShared = this.isIdle = false;
    this.sendWindow = this.receiveWindow = this.peerInitialWindow = DEFAULT_WINDOW_BYTES;
    this.peerStreamsMax = Number.MAX_SAFE_INTEGER;
    this.mustForgetTable = this.takesExtendedConnect = false;
    this.prefaceLeft = isToServer ? 0 : PREFACE.length;
    this.isSettled = this.isBroken = this.isDirty = this.hadStreams = false;
    this.frameLeft = -1;
    this.blockBuffer = this.out = this.lastDataRow = this.waitHead = this.waitTail = -1;
    this.goingAway = 0;
    this.#recentResets.fill(0);
  }

  rememberReset(id: number): void {
    this.#recentResets[this.#resetAt] = id;
    this.#resetAt = (this.#resetAt + 1) % RESETS_REMEMBERED;
  }

  wasReset(id: number): boolean {
    return this.#recentResets.includes(id);
  }
}
