// Keys of WebSockets (RFC 6455 1.3): HTTP/2 needs none (RFC 8441 5), so one is made up for a server that speaks HTTP/1, and answered for a client
// that does.

import { createHash, randomFillSync } from "node:crypto";
import { latin1 } from "../../shared/latin1.ts";

const KEY_BYTES = 16;
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const raw = new Uint8Array(KEY_BYTES);

/** A fresh key, 24 characters. Clients open a WebSocket rarely enough that it may cost an allocation; other requests do not look at it. */
export function websocketKey(): Uint8Array {
  randomFillSync(raw);
  return latin1(Buffer.from(raw).toString("base64"));
}

/** The header line that answers the key. */
export function acceptLine(key: string): Uint8Array {
  return latin1(`sec-websocket-accept: ${createHash("sha1").update(key + GUID).digest("base64")}\r\n`);
}
