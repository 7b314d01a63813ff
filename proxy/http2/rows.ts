// Streams of HTTP/2 as rows of Connections: what such a row has beyond the columns of others. To the rest of the worker it is a client's (or a
// server's) connection that carries one exchange in the words of HTTP/1; its bytes go through the row of the connection that carries it
// (`Connections.carrier`). All columns are typed arrays, so that a stream costs no object.

/** How bytes of one direction are framed in the words of HTTP/1. */
export const FRAMING = {
  /** The head is still to come. */
  head: 0,
  /** So many bytes (`outLeft`, `inLeft`). */
  length: 1,
  chunked: 2,
  /** Until the end of the stream: tunnels, answers without length. */
  raw: 3,
  /** Nothing more follows. */
  done: 4,
} as const;

/** Bits of `StreamRows.flags`. */
export const STREAM_ROW = {
  /** END_STREAM was received, or sent. */
  inEnded: 1,
  outEnded: 2,
  /** Nothing may be sent any more: the peer reset the stream, or the connection is gone. */
  dead: 4,
  /** Waits in its connection's list for room. */
  waits: 8,
  /** Has sent something since the last tick: its owner is to hear of it. */
  progressed: 16,
  /** The client asked for no body: HEAD. */
  isHead: 32,
  /** CONNECT, or an upgrade by extended CONNECT: the bytes behind the heads are the tunnel's. */
  isTunnel: 64,
  /** Its header list was more than is taken: the answer is 431. */
  tooLarge: 128,
  /** What HTTP/1 has no words for is wrong with it: the answer is 400. */
  isBad: 256,
  /** A final response head has passed. */
  answered: 512,
  /** The end of the output is to follow the last byte. */
  outEnds: 1024,
  /** The request has no length: its body is chunked on the way on. */
  impliedChunks: 2048,
} as const;

export class StreamRows {
  readonly id: Int32Array;
  readonly flags: Int32Array;
  /** Neighbours in the connection's list of rows that wait for room, -1: none. */
  readonly waitNext: Int32Array;
  /** Bytes that we may send (may be negative: a SETTINGS frame can take back what it gave), and that the peer may. */
  readonly sendWindow: Int32Array;
  readonly receiveWindow: Int32Array;
  /** Bytes received that the peer has not been given back. */
  readonly owed: Int32Array;
  readonly outFraming: Uint8Array;
  readonly inFraming: Uint8Array;
  /** Bytes left of the message or of the chunk. */
  readonly outLeft: Float64Array;
  readonly inLeft: Float64Array;
  /** Where the reader of chunks stands (chunks.ts). */
  readonly chunkState: Uint8Array;

  constructor(capacity: number) {
    this.id = new Int32Array(capacity);
    this.flags = new Int32Array(capacity);
    this.waitNext = new Int32Array(capacity);
    this.sendWindow = new Int32Array(capacity);
    this.receiveWindow = new Int32Array(capacity);
    this.owed = new Int32Array(capacity);
    this.outFraming = new Uint8Array(capacity);
    this.inFraming = new Uint8Array(capacity);
    this.outLeft = new Float64Array(capacity);
    this.inLeft = new Float64Array(capacity);
    this.chunkState = new Uint8Array(capacity);
  }

  begin(row: number, id: number, sendWindow: number, receiveWindow: number): void {
    this.id[row] = id;
    this.flags[row] = 0;
    this.sendWindow[row] = sendWindow;
    this.receiveWindow[row] = receiveWindow;
    this.owed[row] = 0;
    this.outFraming[row] = this.inFraming[row] = FRAMING.head;
    this.outLeft[row] = this.inLeft[row] = 0;
    this.chunkState[row] = 0;
  }
}
