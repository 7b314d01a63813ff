// Upgrades and their keys (RFC 6455 1.3): HTTP/2 needs no key for a WebSocket (RFC 8441 5), so one is made up for a server that speaks HTTP/1, and
// answered for a client that does. Rare enough to be done with strings.

import { createHash, randomFillSync } from "node:crypto";
import { latin1 } from "../../shared/latin1.ts";
import { headerText } from "../http1/header-lookup.ts";
import { MESSAGE, type Message } from "../http1/message.ts";

export const WEBSOCKET_KEY = latin1("sec-websocket-key");
export const WEBSOCKET_ACCEPT = latin1("sec-websocket-accept");
const KEY_BYTES = 16;
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const raw = new Uint8Array(KEY_BYTES);

/** A fresh key, 24 characters. */
export function websocketKey(): Uint8Array {
  randomFillSync(raw);
  return latin1(Buffer.from(raw).toString("base64"));
}

function acceptOf(key: string): string {
  return createHash("sha1")
    .update(key + GUID)
    .digest("base64");
}

/** Header lines of a 101. @param key of a WebSocket, null: it is none */
export function upgradeLines(protocol: string, key: string | null): Uint8Array {
  const accept = key === null ? "" : `sec-websocket-accept: ${acceptOf(key)}\r\n`;
  return latin1(`connection: upgrade\r\nupgrade: ${protocol}\r\n${accept}`);
}

/**
 * Whether a server's 101 answers the key that it was sent (RFC 6455 4.1): with anything if it is the client's own key, as in HAProxy, which leaves the
 * check to the client; rightly if the key is ours. Without a key there is nothing to answer.
 */
export function keyIsAnswered(bytes: Uint8Array, request: Message, response: Message): boolean {
  const key = headerText(bytes, request, WEBSOCKET_KEY);
  if (key === null) return true;
  const accept = headerText(bytes, response, WEBSOCKET_ACCEPT);
  return (request.flags & MESSAGE.http2) === 0 ? accept !== null : accept === acceptOf(key);
}
