// `Expect: 100-continue` when it is we who wait for the body (RFC 9110 10.1.1): the client is told to go on, and the server is not asked again.

import { latin1 } from "../../shared/latin1.ts";
import { STREAM_BYTES, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { dropHeader } from "./framing.ts";
import { beginsWith, findHeader } from "./header-lookup.ts";
import { HEADER_INTS, MESSAGE } from "./message.ts";

const EXPECT = latin1("expect");
const CONTINUE_TOKEN = latin1("100-continue");
const CONTINUE = latin1("HTTP/1.1 100 Continue\r\n\r\n");

/** Answers the client's expectation, if it has one. */
export function tellToContinue(stream: Stream, { bytes, pool, streams, transport }: WorkerContext): void {
  const { request } = stream;
  if ((request.flags & MESSAGE.version11) === 0) return;
  const index = findHeader(bytes, request, EXPECT);
  if (index < 0) return;
  const start = request.headers[index * HEADER_INTS + 2]!;
  const end = request.headers[index * HEADER_INTS + 3]!;
  if (end - start !== CONTINUE_TOKEN.length || !beginsWith(bytes, start, end, CONTINUE_TOKEN)) return;
  const buffer = pool.take();
  if (buffer < 0) return;
  dropHeader(request, index);
  bytes.set(CONTINUE, pool.start[buffer]!);
  pool.end[buffer]! += CONTINUE.length;
  streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.toClient]! += CONTINUE.length;
  transport.queue(stream.client, buffer);
  transport.flush(stream.client);
}
