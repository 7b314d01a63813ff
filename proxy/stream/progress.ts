// How far a stream had come, as the second termination flag tells it (configuration.txt 8.5).

import { STATE, type Stream } from "./stream.ts";

const IN_REQUEST = 82; // R
const IN_QUEUE = 81; // Q
const IN_CONNECT = 67; // C
const IN_HEADERS = 72; // H
const IN_DATA = 68; // D

/** ASCII of the flag for a stream that ends in its present state. */
export function progress(stream: Stream): number {
  switch (stream.state) {
    case STATE.queued:
      return IN_QUEUE;
    case STATE.connecting:
    case STATE.turnAround:
      return IN_CONNECT;
    case STATE.inspecting:
      return IN_REQUEST;
    case STATE.waiting:
    case STATE.inspectingResponse:
      return IN_HEADERS;
    default:
      return IN_DATA;
  }
}
