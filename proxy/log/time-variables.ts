// The variables of log-format that are dates (configuration.txt 8.2.6) and times (8.4).
//
//   acceptMs    requestStartMs   requestDoneMs   queueDoneMs   connectDoneMs   responseHeadMs    now
//      |------Ti------|------TR-------|------Tw------|------Tc------|------Tr-------|-----Td-----|
//      |              |<------------------------------- Ta ---------------------------------->|
//      |<---------------------------------------------- Tt ---------------------------------->|
//
// Times are differences of the worker's clock (int32, may wrap) in milliseconds, -1 where the stream never came.

import type { Clock } from "../../shared/time/clock.ts";
import type { Stream } from "../stream/stream.ts";
import { DateText } from "./date-text.ts";
import { HEX, type ItemWriter } from "./item-writer.ts";
import { isRefusedRequest } from "./request-variables.ts";

/** STREAM.http of stream/stream.ts. */
const HTTP = 1;

/** The worker's clock: its milliseconds are the base of the times in Stream. */
export type LogClock = Pick<Clock, "nowMs" | "wallSeconds" | "wallMilliseconds">;

export class TimeVariables {
  readonly writer: ItemWriter;
  readonly #clock: LogClock;
  readonly #accept = new DateText("log", true);
  readonly #acceptUtc = new DateText("log-zone", false);
  readonly #acceptLocal = new DateText("log-zone", true);
  readonly #request = new DateText("log", true);
  readonly #requestUtc = new DateText("log-zone", false);
  readonly #requestLocal = new DateText("log-zone", true);

  constructor(writer: ItemWriter, clock: LogClock) {
    this.writer = writer;
    this.#clock = clock;
  }

  // ---- dates ------------------------------------------------------------------------------------------------------

  /** %t */
  acceptDate(stream: Stream): void {
    this.writer.literal(this.#accept.at(stream.acceptSeconds));
    this.writer.byte(46);
    this.writer.threeDigits(stream.acceptMilliseconds);
  }
  /** %T */
  acceptDateUtc(stream: Stream): void {
    this.writer.literal(this.#acceptUtc.at(stream.acceptSeconds));
  }
  /** %Tl */
  acceptDateLocal(stream: Stream): void {
    this.writer.literal(this.#acceptLocal.at(stream.acceptSeconds));
  }
  /** %Ts */
  acceptSeconds(stream: Stream, flags: number): void {
    this.writer.number(stream.acceptSeconds, 4, flags);
  }
  /** %ms */
  acceptMilliseconds(stream: Stream, flags: number): void {
    if ((flags & HEX) !== 0) this.writer.hex(stream.acceptMilliseconds, 2);
    else this.writer.threeDigits(stream.acceptMilliseconds);
  }
  /** %tr */
  requestDate(stream: Stream): void {
    this.writer.literal(this.#request.at(stream.requestSeconds));
    this.writer.byte(46);
    this.writer.threeDigits(stream.requestMilliseconds);
  }
  /** %trg */
  requestDateUtc(stream: Stream): void {
    this.writer.literal(this.#requestUtc.at(stream.requestSeconds));
  }
  /** %trl */
  requestDateLocal(stream: Stream): void {
    this.writer.literal(this.#requestLocal.at(stream.requestSeconds));
  }

  // ---- times (8.4): differences of the worker's clock, which may wrap ------------------------------------------------

  /** %Th: no handshake precedes a stream yet. */
  handshakeTime(): void {
    this.writer.integer(0);
  }
  /** %Ti */
  idleTime(stream: Stream): void {
    this.writer.integer((stream.flags & HTTP) === 0 ? -1 : (stream.requestStartMs - stream.acceptMs) | 0);
  }
  /** %TR */
  requestTime(stream: Stream): void {
    this.writer.integer(requestTimeMs(stream));
  }
  /** %Tq */
  requestTotalTime(stream: Stream): void {
    this.writer.integer(requestTimeMs(stream) < 0 ? -1 : (stream.requestDoneMs - stream.acceptMs) | 0);
  }
  /** %Tw */
  queueTime(stream: Stream): void {
    const from = (stream.flags & HTTP) === 0 ? stream.acceptMs : stream.requestDoneMs;
    this.writer.integer(stream.queueDoneMs === -1 ? -1 : (stream.queueDoneMs - from) | 0);
  }
  /** %Tc */
  connectTime(stream: Stream): void {
    this.writer.integer(stream.connectDoneMs === -1 ? -1 : (stream.connectDoneMs - stream.queueDoneMs) | 0);
  }
  /** %Tr */
  responseTime(stream: Stream): void {
    this.writer.integer(stream.responseHeadMs === -1 ? -1 : (stream.responseHeadMs - stream.connectDoneMs) | 0);
  }
  /** %Td */
  dataTime(stream: Stream): void {
    const from = (stream.flags & HTTP) === 0 ? stream.connectDoneMs : stream.responseHeadMs;
    this.writer.integer(from === -1 ? -1 : (this.#clock.nowMs - from) | 0);
  }
  /** %Ta */
  activeTime(stream: Stream, flags: number): void {
    this.writer.plus(flags);
    const from = (stream.flags & HTTP) === 0 ? stream.acceptMs : stream.requestStartMs;
    this.writer.integer((this.#clock.nowMs - from) | 0);
  }
  /** %Tt */
  totalTime(stream: Stream, flags: number): void {
    this.writer.plus(flags);
    this.writer.integer((this.#clock.nowMs - stream.acceptMs) | 0);
  }
  /** %Tu: the total without the idle time before the request. */
  userTime(stream: Stream, flags: number): void {
    this.writer.plus(flags);
    const from = (stream.flags & HTTP) === 0 ? stream.acceptMs : stream.requestStartMs;
    this.writer.integer((this.#clock.nowMs - from) | 0);
  }
}

/** -1 when the end of the head was never seen, or the head was refused. */
function requestTimeMs(stream: Stream): number {
  if (stream.requestDoneMs === -1 || isRefusedRequest(stream)) return -1;
  return (stream.requestDoneMs - stream.requestStartMs) | 0;
}
