// What has come of a message and may be looked at before it is sent on: by rules that inspect content, by samples of the body.
//
//                 request                                       response
//   mode tcp      the client's receive queue                    the server's receive queue
//   mode http     body bytes behind the head (`headBuffer`)     body bytes behind the head in the server's receive queue
//
// Bytes stand in one piece, at most a buffer of them; they keep their place while the stream waits for more. A chunked body still has its
// chunks' framing (in requests made canonical by http1/body.ts).

import type { BufferPool } from "../../shared/arena/buffer-pool.ts";
import { CONNECTION, type Connections } from "../connection/table.ts";
import type { Transport } from "../connection/transport.ts";
import { STREAM, type Stream } from "./stream.ts";

const ENDED = CONNECTION.readClosed | CONNECTION.failed;
const HTTP = STREAM.http;

export class Input {
  /** Arena offsets after `request` or `response`: the bytes [start, end). */
  start = 0;
  end = 0;
  /** Nothing more will come that could be looked at: the message or the connection is at its end, or the buffer is full. */
  isComplete = false;
  readonly #connections: Connections;
  readonly #pool: BufferPool;
  readonly #transport: Transport;
  readonly #reserveBytes: number;

  /** @param reserveBytes `tune.maxrewrite`: a buffer with less room than this counts as full in mode http */
  constructor(connections: Connections, pool: BufferPool, transport: Transport, reserveBytes: number) {
    this.#connections = connections;
    this.#pool = pool;
    this.#transport = transport;
    this.#reserveBytes = reserveBytes;
  }

  /** Looks at what the client has sent. */
  request(stream: Stream): void {
    if ((stream.flags & HTTP) === 0) {
      this.#received(stream.client);
      return;
    }
    const pool = this.#pool;
    const head = stream.headBuffer;
    this.start = pool.start[head]!;
    this.end = pool.end[head]!;
    const room = pool.offsetOf(head) + pool.size - this.#reserveBytes - this.end;
    this.isComplete = stream.requestBody.done || room <= 0 || (this.#connections.flags[stream.client]! & ENDED) !== 0;
  }

  /** Looks at what the server has sent, behind the head in mode http. Before there is a server: nothing. */
  response(stream: Stream): void {
    if (stream.server < 0) {
      this.start = this.end = 0;
      this.isComplete = false;
      return;
    }
    this.#received(stream.server);
    if ((stream.flags & HTTP) !== 0 && this.end > this.start) this.start = stream.response.end;
  }

  #received(slot: number): void {
    const { receiveHead, flags } = this.#connections;
    const pool = this.#pool;
    const first = receiveHead[slot]!;
    const ended = (flags[slot]! & ENDED) !== 0;
    if (first < 0) {
      this.start = this.end = 0;
      this.isComplete = ended;
      return;
    }
    this.#transport.received.gather(slot);
    this.start = pool.start[first]!;
    this.end = pool.end[first]!;
    this.isComplete = ended || this.end === pool.offsetOf(first) + pool.size;
  }
}
