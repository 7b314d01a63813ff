// What can be said against a frame by its header alone (RFC 9113 4.1, 4.2 and 6): length, stream, and what may come at that point.

import type { Http2Connection } from "./connection.ts";
import { DEFAULT_FRAME_BYTES, FLAG, FRAME, H2_ERROR, SETTING_BYTES } from "./protocol.ts";

/** An error of the connection, or H2_ERROR.none. */
export function judgeHeader(connection: Http2Connection): number {
  const { frameType: type, frameFlags: flags, frameId: id, frameLeft: length } = connection;
  if (length > DEFAULT_FRAME_BYTES) return H2_ERROR.frameSize;
  if (!connection.isSettled && (type !== FRAME.settings || (flags & FLAG.ack) !== 0)) return H2_ERROR.protocol;
  if (connection.blockBuffer >= 0 && (type !== FRAME.continuation || id !== connection.blockId))
    return H2_ERROR.protocol;
  switch (type) {
    case FRAME.data:
    case FRAME.headers:
    case FRAME.priority:
      return id === 0 ? H2_ERROR.protocol : H2_ERROR.none;
    case FRAME.rstStream:
      return id === 0 ? H2_ERROR.protocol : length === 4 ? H2_ERROR.none : H2_ERROR.frameSize;
    case FRAME.settings:
      if (id !== 0) return H2_ERROR.protocol;
      return length % SETTING_BYTES !== 0 || ((flags & FLAG.ack) !== 0 && length !== 0)
        ? H2_ERROR.frameSize
        : H2_ERROR.none;
    case FRAME.pushPromise:
      return H2_ERROR.protocol;
    case FRAME.ping:
      return id !== 0 ? H2_ERROR.protocol : length === 8 ? H2_ERROR.none : H2_ERROR.frameSize;
    case FRAME.goaway:
      return id !== 0 ? H2_ERROR.protocol : length >= 8 ? H2_ERROR.none : H2_ERROR.frameSize;
    case FRAME.windowUpdate:
      return length === 4 ? H2_ERROR.none : H2_ERROR.frameSize;
    case FRAME.continuation:
      return connection.blockBuffer < 0 ? H2_ERROR.protocol : H2_ERROR.none;
    default:
      return H2_ERROR.none;
  }
}
