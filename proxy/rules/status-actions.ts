// `set-status` of responses and `set-method` of requests: words of the start line.
//
// Whether a body follows was settled by what the peers said themselves. Where the new status or method says something else about it, nothing
// may come behind the message: the client's connection is closed after it, and the server's is not used again. Only a HEAD that becomes
// something else is as before.

import { standardReason } from "../http1/error-messages.ts";
import { MESSAGE, METHOD } from "../http1/message.ts";
import type { LogNodePlan } from "../plan/log.ts";
import { methodNumber } from "../sample/cast.ts";
import { STREAM } from "../stream/stream.ts";
import { type RuleParts, rewriteFailed } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const CLOSE_CLIENT = STREAM.closeClient;
const HEAD = METHOD.head;
const CONNECT = METHOD.connect;

const isBodiless = (status: number): boolean => status < 200 || status === 204 || status === 304;

/** `set-status <status> [reason <str>]` */
export function compileSetStatus(parts: RuleParts, status: number, reason: string | null): Action {
  const { edits } = parts;
  const text = reason === null ? standardReason(status) : new Uint8Array(Buffer.from(reason, "latin1"));
  return (stream) => {
    const { response } = stream;
    const at = edits.store(stream, text, text.length);
    if (at < 0) return rewriteFailed(parts, stream);
    if (isBodiless(status) !== isBodiless(response.status)) stream.flags |= CLOSE_CLIENT;
    response.shownStatus = stream.status = status;
    response.reasonStart = at;
    response.reasonEnd = at + text.length;
    return CONTINUE;
  };
}

const TOKEN = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
  TOKEN[character.charCodeAt(0)] = 1;

function isToken(bytes: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (TOKEN[bytes[i]!] === 0) return false;
  return length > 0;
}

/** `set-method <fmt>`. CONNECT is neither made nor unmade: its connection is a tunnel. */
export function compileSetMethod(parts: RuleParts, nodes: readonly LogNodePlan[]): Action {
  const { edits, values } = parts;
  const value = values.compile(nodes);
  return (stream) => {
    const { request } = stream;
    if (!value.evaluate(stream) || !isToken(value.bytes, value.length)) return rewriteFailed(parts, stream);
    const method = methodNumber(value.bytes, 0, value.length);
    if ((method === CONNECT) !== (request.method === CONNECT)) return rewriteFailed(parts, stream);
    const at = edits.store(stream, value.bytes, value.length);
    if (at < 0) return rewriteFailed(parts, stream);
    request.keepLine();
    // The body of an answer to what was a HEAD is read and thrown away (http1/back.ts); one that a client misses ends its connection.
    if (method === HEAD && (stream.flags & STREAM.noBody) === 0) {
      stream.flags |= CLOSE_CLIENT | STREAM.noBody;
      request.flags |= MESSAGE.headEdited;
    }
    request.method = method;
    request.methodStart = at;
    request.methodEnd = at + value.length;
    return CONTINUE;
  };
}
