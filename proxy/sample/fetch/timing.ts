// Fetches of a stream's dates, times and amounts: accept_date, request_date, req.timer.*, res.timer.*, bc.timer.*, fc.timer.*, txn.timer.*,
// bytes_in, bytes_out, and what else stands in the stream. configuration.txt 7.3.2, 7.3.3, 7.3.6 and 8.4.
//
// Times are differences of the worker's clock in milliseconds; -1 where the stream has not come so far.

import { CONNECTION } from "../../connection/table.ts";
import { STREAM, STREAM_BYTES, type Stream } from "../../stream/stream.ts";
import { TYPE } from "../types.ts";
import { type FetchCompiler, single, stringArgument } from "./fetch.ts";

const FAIL = 0;
const PASS = 2;
const HTTP = STREAM.http;
const DASH = 45;

type Reader = (stream: Stream, nowMs: number) => number;

function timer(read: Reader): FetchCompiler {
  return (ctx) => {
    const { value } = ctx;
    return single((stream) => {
      value.type = TYPE.sint;
      value.int = read(stream, ctx.clock?.nowMs ?? 0);
      return PASS;
    });
  };
}

/** Where there is HTTP only. */
function httpTimer(read: Reader): FetchCompiler {
  const compile = timer(read);
  return (ctx, plan, iterate) => {
    const fetch = compile(ctx, plan, iterate).first;
    return single((stream) => ((stream.flags & HTTP) === 0 ? FAIL : fetch(stream)));
  };
}

/** The time between two moments, -1 when the second one has not come. */
function since(from: number, to: number): number {
  return to === -1 ? -1 : (to - from) | 0;
}

function date(of: "accept" | "request"): FetchCompiler {
  return ({ value }, plan) => {
    const unit = stringArgument(plan, 0);
    return single((stream) => {
      const seconds = of === "accept" ? stream.acceptSeconds : stream.requestSeconds;
      const milliseconds = of === "accept" ? stream.acceptMilliseconds : stream.requestMilliseconds;
      value.type = TYPE.sint;
      if (unit === "us") value.int = (seconds * 1000 + milliseconds) * 1000;
      else value.int = unit === "ms" ? seconds * 1000 + milliseconds : seconds;
      return PASS;
    });
  };
}

function bytesFetch(column: number): FetchCompiler {
  return (ctx) => {
    const { value } = ctx;
    return single((stream) => {
      if (ctx.streamBytes === null || stream.slot < 0) return FAIL;
      value.type = TYPE.sint;
      value.int = ctx.streamBytes[stream.slot * STREAM_BYTES.columns + column]!;
      return PASS;
    });
  };
}

const firstRequest: FetchCompiler = ({ value, connections }) =>
  single((stream) => {
    if ((stream.flags & HTTP) === 0) return FAIL;
    value.type = TYPE.bool;
    value.int = (connections.flags[stream.client]! & CONNECTION.notFirst) === 0 ? 1 : 0;
    return PASS;
  });

const uniqueId: FetchCompiler = (ctx) =>
  single((stream) => {
    const { uniqueIds, value } = ctx;
    if (uniqueIds === null || stream.slot < 0 || !uniqueIds.evaluate(stream)) return FAIL;
    value.type = TYPE.str;
    value.bytes = uniqueIds.bytes;
    value.start = 0;
    value.end = uniqueIds.length;
    return PASS;
  });

/** Two characters, as in the logs (8.5). */
const termination: FetchCompiler = ({ value }) => {
  const bytes = new Uint8Array(2);
  return single((stream) => {
    bytes[0] = stream.endBy === 0 ? DASH : stream.endBy;
    bytes[1] = stream.endState === 0 ? DASH : stream.endState;
    value.type = TYPE.str;
    value.bytes = bytes;
    value.start = 0;
    value.end = 2;
    return PASS;
  });
};

const requestTime: Reader = (stream) => since(stream.requestStartMs, stream.requestDoneMs);
const begin = (stream: Stream): number => ((stream.flags & HTTP) === 0 ? stream.acceptMs : stream.requestStartMs);
const queueFrom = (stream: Stream): number => ((stream.flags & HTTP) === 0 ? stream.acceptMs : stream.requestDoneMs);
const active: Reader = (stream, nowMs) => (nowMs - begin(stream)) | 0;

/** By canonical name, see fetches.table.ts. */
export const TIMING_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  accept_date: date("accept"),
  "bc.timer.connect": timer((stream) => since(stream.queueDoneMs, stream.connectDoneMs)),
  bytes_in: bytesFetch(STREAM_BYTES.fromClient),
  bytes_out: bytesFetch(STREAM_BYTES.fromServer),
  "fc.timer.handshake": timer(() => 0),
  "fc.timer.total": timer((stream, nowMs) => (nowMs - stream.acceptMs) | 0),
  http_first_req: firstRequest,
  "req.timer.hdr": httpTimer(requestTime),
  "req.timer.idle": httpTimer((stream) => (stream.requestStartMs - stream.acceptMs) | 0),
  "req.timer.queue": timer((stream) => since(queueFrom(stream), stream.queueDoneMs)),
  "req.timer.tq": httpTimer((stream) => since(stream.acceptMs, stream.requestDoneMs)),
  request_date: date("request"),
  "res.timer.data": timer((stream, nowMs) => {
    const from = (stream.flags & HTTP) === 0 ? stream.connectDoneMs : stream.responseHeadMs;
    return from === -1 ? -1 : (nowMs - from) | 0;
  }),
  "res.timer.hdr": httpTimer((stream) => since(stream.connectDoneMs, stream.responseHeadMs)),
  "txn.id32": timer((stream) => stream.requestCounter >>> 0),
  "txn.sess_term_state": termination,
  "txn.timer.total": timer(active),
  "txn.timer.user": timer(active),
  "unique-id": uniqueId,
};
