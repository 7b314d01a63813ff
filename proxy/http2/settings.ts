// What a peer's SETTINGS change (RFC 9113 6.5), one of them at a time.

import type { Http2Connection } from "./connection.ts";
import {
  DEFAULT_FRAME_BYTES,
  FRAME_BYTES_MAX,
  H2_ERROR,
  HEADER_TABLE_BYTES,
  SETTING,
  WINDOW_BYTES_MAX,
} from "./protocol.ts";
import type { StreamRows } from "./rows.ts";

/** RFC 9113 6.5.2. An error of the connection, or H2_ERROR.none. */
export function applySetting(connection: Http2Connection, rows: StreamRows, setting: number, value: number): number {
  switch (setting) {
    case SETTING.headerTableSize:
      if (value < HEADER_TABLE_BYTES) connection.mustForgetTable = true;
      break;
    case SETTING.enablePush:
      // A server must not say that it takes pushes.
      if (value > 1 || (connection.isToServer && value === 1)) return H2_ERROR.protocol;
      break;
    case SETTING.enableConnectProtocol:
      if (value > 1) return H2_ERROR.protocol;
      connection.takesExtendedConnect = value === 1;
      break;
    case SETTING.maxConcurrentStreams:
      connection.peerStreamsMax = value;
      break;
    case SETTING.initialWindowSize:
      if (value > WINDOW_BYTES_MAX) return H2_ERROR.flowControl;
      return changeWindows(connection, rows, value);
    case SETTING.maxFrameSize:
      // Longer frames than those that everybody takes are not sent.
      if (value < DEFAULT_FRAME_BYTES || value > FRAME_BYTES_MAX) return H2_ERROR.protocol;
      break;
  }
  return H2_ERROR.none;
}

/** RFC 9113 6.9.2: a new initial window counts for streams that are there already. */
function changeWindows(connection: Http2Connection, { sendWindow }: StreamRows, value: number): number {
  const change = value - connection.peerInitialWindow;
  connection.peerInitialWindow = value;
  for (const row of connection.rows.values()) {
    if (sendWindow[row]! + change > WINDOW_BYTES_MAX) return H2_ERROR.flowControl;
    sendWindow[row]! += change;
  }
  return H2_ERROR.none;
}
