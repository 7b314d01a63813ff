// `option http-restrict-req-hdr-names`: header names with other characters than letters, digits and `-` confuse applications that make
// variables of them (`X_Forwarded_For` and `X-Forwarded-For` become one). They are taken out, or the request is refused with 403.

import { HEADER_INTS } from "../http1/message.ts";
import { COUNTER } from "../shared-state/layout.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import type { RequestEdits } from "./head-edits.ts";
import { countEverywhere } from "./parts.ts";

const BY_PROXY = 80; // P
const IN_REQUEST = 82; // R

const ALLOWED = new Uint8Array(256);
for (const character of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
  ALLOWED[character.charCodeAt(0)] = 1;

/** False: the stream has its answer. */
export function restrictNames(
  ctx: WorkerContext,
  edits: RequestEdits,
  stream: Stream,
  policy: "delete" | "reject",
): boolean {
  const { request } = stream;
  const { bytes } = ctx;
  for (let index = 0; index < request.headerCount; index++) {
    const row = index * HEADER_INTS;
    const end = request.headers[row + 1]!;
    let at = request.headers[row]!;
    while (at < end && ALLOWED[bytes[at]!] === 1) at++;
    if (at === end) continue;
    if (policy === "delete") {
      edits.drop(request, index);
      continue;
    }
    countEverywhere(ctx, stream, COUNTER.deniedRequests);
    ctx.lifecycle.endReason(stream, BY_PROXY, IN_REQUEST);
    ctx.replies.error(stream, 403);
    return false;
  }
  return true;
}
