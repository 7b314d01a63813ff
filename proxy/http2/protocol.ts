// The numbers of HTTP/2 (RFC 9113): frame types and flags, error codes, settings, the preface. No behaviour lives here.

import { latin1 } from "../../shared/latin1.ts";

/** RFC 9113 6. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames; `ack` is of SETTINGS and PING, the others of DATA, HEADERS and CONTINUATION. */
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** RFC 9113 7. */
export const H2_ERROR = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  connect: 10,
  enhanceYourCalm: 11,
  inadequateSecurity: 12,
  http11Required: 13,
} as const;

/** RFC 9113 6.5.2, and RFC 8441 3 for the last one. */
export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  enableConnectProtocol: 8,
} as const;

/** What a client says before its first frame (RFC 9113 3.4). */
export const PREFACE = latin1("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export const FRAME_HEADER_BYTES = 9;
/** Length of one setting in a SETTINGS frame. */
export const SETTING_BYTES = 6;
/** Both sides' windows and frame sizes until a SETTINGS frame says otherwise. */
export const DEFAULT_WINDOW_BYTES = 65_535;
export const DEFAULT_FRAME_BYTES = 16_384;
export const FRAME_BYTES_MAX = 16_777_215;
/** A window never grows beyond it (RFC 9113 6.9.1). */
export const WINDOW_BYTES_MAX = 2_147_483_647;
/** Size of a table of HPACK unless a SETTINGS frame says otherwise (RFC 9113 6.5.2). */
export const HEADER_TABLE_BYTES = 4096;
