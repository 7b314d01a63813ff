// Stick counters (`track-sc0` …): which entries a connection and a stream follow, and what is counted in them along the way.
//
//   track          conn_cnt, conn_rate, conn_cur + 1; http-request rules: http_req_cnt, http_req_rate
//   session        sess_cnt, sess_rate           of what the connection follows
//   request        http_req_cnt, http_req_rate   of what the connection follows
//   status         http_err_*, http_fail_*       of all
//   end            bytes_*                       of all; conn_cur - 1, and the entries are released
//
// What a stream follows hides what its connection follows under the same number. The numbers of table and slot stand in shared memory, so
// that the control plane can release what a dead worker held.

import { STREAM, STREAM_BYTES, type Stream } from "../stream/stream.ts";
import { addLong, addRate, addUint, decrement, valueAt } from "./counters.ts";
import { DATA_TYPE_BY_NAME } from "./data-types.ts";
import type { StickTable } from "./table.ts";
import type { StickTables } from "./tables.ts";

/** Ints of a counter: table + 1 (0: nothing is followed), slot. */
const COUNTER_INTS = 2;
const S_LOCAL = STREAM.local;

const typeOf = (name: string): number => DATA_TYPE_BY_NAME.get(name)!.id;
const CONN_CNT = typeOf("conn_cnt");
const CONN_RATE = typeOf("conn_rate");
const CONN_CUR = typeOf("conn_cur");
const SESS_CNT = typeOf("sess_cnt");
const SESS_RATE = typeOf("sess_rate");
const REQ_CNT = typeOf("http_req_cnt");
const REQ_RATE = typeOf("http_req_rate");
const ERR_CNT = typeOf("http_err_cnt");
const ERR_RATE = typeOf("http_err_rate");
const FAIL_CNT = typeOf("http_fail_cnt");
const FAIL_RATE = typeOf("http_fail_rate");
const GLITCH_CNT = typeOf("glitch_cnt");
const GLITCH_RATE = typeOf("glitch_rate");
const IN_CNT = typeOf("bytes_in_cnt");
const IN_RATE = typeOf("bytes_in_rate");
const OUT_CNT = typeOf("bytes_out_cnt");
const OUT_RATE = typeOf("bytes_out_rate");

/** Status codes that count as the client's and the server's faults: `http-err-codes`, `http-fail-codes`; one byte a code. */
export interface StatusCodes {
  readonly errors: Uint8Array;
  readonly failures: Uint8Array;
}

export class Tracking {
  readonly #tables: StickTables;
  readonly #codes: StatusCodes;
  /** `tune.stick-counters`; 0 where no rule tracks. */
  readonly count: number;
  /** The counters of streams, then those of connections. */
  readonly counters: Int32Array;
  readonly #connectionsAt: number;
  readonly #streamBytes: Float64Array;
  /** Of streams of HTTP/2, the connection that they share (Connections.carrier). */
  readonly #carrier: Int32Array;

  constructor(
    tables: StickTables,
    count: number,
    streams: number,
    connections: number,
    streamBytes: Float64Array,
    codes: StatusCodes,
    carrier: Int32Array,
  ) {
    this.#carrier = carrier;
    this.#tables = tables;
    this.#codes = codes;
    this.count = count;
    this.#connectionsAt = streams * count * COUNTER_INTS;
    this.#streamBytes = streamBytes;
    const ints = (streams + connections) * count * COUNTER_INTS;
    this.counters = new Int32Array(new SharedArrayBuffer(Math.max(ints, 1) * 4));
  }

  #streamAt(stream: Stream, index: number): number {
    return (stream.slot * this.count + index) * COUNTER_INTS;
  }

  #connectionAt(connection: number, index: number): number {
    return this.#connectionsAt + (connection * this.count + index) * COUNTER_INTS;
  }

  /** Where the counter that the stream sees under the number stands in `counters`, -1: it follows nothing there. */
  seen(stream: Stream, index: number): number {
    if (index >= this.count) return -1;
    const own = this.#streamAt(stream, index);
    // A connection has no stream yet when its first rules run.
    if (own >= 0 && this.counters[own] !== 0) return own;
    const connection = this.#connectionAt(this.#carrier[stream.client]!, index);
    return this.counters[connection] !== 0 ? connection : -1;
  }

  /** Whether the connection already follows something under the number. */
  connectionFollows(connection: number, index: number): boolean {
    return this.counters[this.#connectionAt(connection, index)] !== 0;
  }

  tableAt(counter: number): StickTable {
    return this.#tables.tables[this.counters[counter]! - 1]!;
  }
  slotAt(counter: number): number {
    return this.counters[counter + 1]!;
  }

  /** The stream follows an entry that is held from now on to its end. */
  trackStream(stream: Stream, index: number, table: StickTable, slot: number): void {
    stream.flags |= STREAM.tracks;
    this.#track(this.#streamAt(stream, index), table, slot);
  }

  /** A connection follows an entry, and with it all its streams. */
  trackConnection(connection: number, index: number, table: StickTable, slot: number): void {
    this.#track(this.#connectionAt(connection, index), table, slot);
  }

  #track(at: number, table: StickTable, slot: number): void {
    this.counters[at] = table.plan.index + 1;
    this.counters[at + 1] = slot;
    this.#add(table, slot, CONN_CUR, -1);
    this.#add(table, slot, CONN_CNT, CONN_RATE);
    table.touch(slot);
  }

  /** One more event, in a count and in a rate (-1: none). */
  #add(table: StickTable, slot: number, count: number, rate: number): boolean {
    const at = valueAt(table, slot, count);
    if (at >= 0) addUint(table.rows, at, 1);
    const rateAt = rate < 0 ? -1 : valueAt(table, slot, rate);
    if (rateAt >= 0) addRate(table.rows, rateAt, table.layout.dataPeriodMs[rate]!, this.#tables.clock.sharedMs, 1);
    return at >= 0 || rateAt >= 0;
  }

  #event(at: number, count: number, rate: number): void {
    if (this.counters[at] === 0) return;
    const table = this.tableAt(at);
    const slot = this.slotAt(at);
    if (this.#add(table, slot, count, rate)) table.touch(slot);
  }

  /** An `http-request track-sc` has just been done. */
  requestOfTracked(stream: Stream, index: number): void {
    this.#event(this.#streamAt(stream, index), REQ_CNT, REQ_RATE);
  }

  /** An `http-response track-sc` has just been done: the status was there before it. */
  statusOfTracked(stream: Stream, index: number, status: number): void {
    const at = this.#streamAt(stream, index);
    this.#event(at, REQ_CNT, REQ_RATE);
    if (this.#codes.errors[status] === 1) this.#event(at, ERR_CNT, ERR_RATE);
    if (this.#codes.failures[status] === 1) this.#event(at, FAIL_CNT, FAIL_RATE);
  }

  /** The connection is let in. */
  session(connection: number): void {
    for (let i = 0; i < this.count; i++) this.#event(this.#connectionAt(connection, i), SESS_CNT, SESS_RATE);
  }

  #all(stream: Stream, count: number, rate: number): void {
    for (let i = 0; i < this.count; i++) {
      const at = this.seen(stream, i);
      if (at >= 0) this.#event(at, count, rate);
    }
  }

  /** A request head was received. */
  request(stream: Stream): void {
    this.#all(stream, REQ_CNT, REQ_RATE);
  }

  /** The client did something wrong: a bad request, one that was denied. */
  error(stream: Stream): void {
    this.#all(stream, ERR_CNT, ERR_RATE);
  }

  /** The client broke the rules of its protocol. */
  glitch(connection: number): void {
    for (let i = 0; i < this.count; i++) this.#event(this.#connectionAt(connection, i), GLITCH_CNT, GLITCH_RATE);
  }

  /** The server did. */
  failure(stream: Stream): void {
    this.#all(stream, FAIL_CNT, FAIL_RATE);
  }

  /** A server answered. */
  status(stream: Stream, status: number): void {
    if (this.#codes.errors[status] === 1) this.error(stream);
    if (this.#codes.failures[status] === 1) this.failure(stream);
  }

  /** The stream is over: its bytes are added, what it follows is released. */
  finish(stream: Stream): void {
    const bytes = this.#streamBytes;
    const at = stream.slot * STREAM_BYTES.columns;
    const received = bytes[at + STREAM_BYTES.fromClient]!;
    const sent = bytes[at + ((stream.flags & S_LOCAL) !== 0 ? STREAM_BYTES.toClient : STREAM_BYTES.fromServer)]!;
    for (let i = 0; i < this.count; i++) {
      const counter = this.seen(stream, i);
      if (counter < 0) continue;
      const table = this.tableAt(counter);
      const slot = this.slotAt(counter);
      this.#addBytes(table, slot, IN_CNT, IN_RATE, received);
      this.#addBytes(table, slot, OUT_CNT, OUT_RATE, sent);
    }
    for (let i = 0; i < this.count; i++) this.#leave(this.#streamAt(stream, i));
  }

  /** The connection is over. */
  closed(connection: number): void {
    for (let i = 0; i < this.count; i++) this.#leave(this.#connectionAt(connection, i));
  }

  #leave(at: number): void {
    if (this.counters[at] === 0) return;
    const table = this.tableAt(at);
    const slot = this.slotAt(at);
    this.counters[at] = 0;
    leaveEntry(table, slot);
  }

  #addBytes(table: StickTable, slot: number, count: number, rate: number, bytes: number): void {
    if (bytes === 0) return;
    const at = valueAt(table, slot, count);
    if (at >= 0) addLong(table.rows, at, bytes);
    const rateAt = valueAt(table, slot, rate);
    if (rateAt >= 0) {
      const units = Math.floor(bytes / table.plan.byteRateFactor);
      addRate(table.rows, rateAt, table.layout.dataPeriodMs[rate]!, this.#tables.clock.sharedMs, units);
    }
    if (at >= 0 || rateAt >= 0) table.touch(slot);
  }
}

function leaveEntry(table: StickTable, slot: number): void {
  const current = valueAt(table, slot, CONN_CUR);
  if (current >= 0) {
    decrement(table.rows, current);
    table.touch(slot);
  }
  table.release(slot);
}

/** Releases what a dead worker's counters followed. */
export function releaseTracked(tables: readonly StickTable[], counters: Int32Array): void {
  for (let at = 0; at + 1 < counters.length; at += COUNTER_INTS) {
    const table = tables[counters[at]! - 1];
    if (counters[at] === 0 || table === undefined) continue;
    counters[at] = 0;
    leaveEntry(table, counters[at + 1]!);
  }
}
