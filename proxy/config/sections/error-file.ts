// `errorfile <code> <file>`: an answer of one's own in place of HAProxy's error page. The file is read now, so that a chroot or a deleted
// file does no harm later.

import { readFileSync } from "node:fs";
import type { ErrorFilePlan } from "../../plan/errors.ts";
import type { ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";

/** The statuses HAProxy itself answers with. */
export const ERROR_STATUSES: readonly number[] = [
  200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 414, 421, 422, 425, 429, 431, 500, 501, 502, 503, 504,
];

/** An errorfile is sent from one buffer. */
const BYTES_MAX = 16384;

export function errorFile(statement: Statement, proxy: ProxyDraft): void {
  const file = readErrorFile(statement);
  if (file !== null) proxy.errors.push({ kind: "file", ...file });
}

/** `errorfile <code> <file>`; null after a report. */
export function readErrorFile(statement: Statement): ErrorFilePlan | null {
  const [status, path] = [statement.text(1), statement.text(2)];
  if (status === "" || path === "") {
    const message = "errorfile : expects <status_code> and <file> as arguments.";
    statement.alert("missing-argument", message, { at: status === "" ? 1 : 2 });
    return null;
  }
  if (statement.has(3)) {
    statement.alert("extra-argument", "errorfile : expects exactly two arguments.", { at: 3 });
    return null;
  }
  if (!ERROR_STATUSES.includes(Number(status))) {
    const expected = `one of ${ERROR_STATUSES.join(", ")}`;
    statement.alert("bad-status", `errorfile : status code '${status}' not handled.`, { at: 1, expected });
    return null;
  }
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(Buffer.from(path, "latin1"));
  } catch {
    statement.alert("cannot-open", `errorfile : error opening file '${path}'.`, { at: 2 });
    return null;
  }
  if (bytes.length > BYTES_MAX) {
    const message = `errorfile : '${path}': file too large (${bytes.length} bytes, at most ${BYTES_MAX} are sent).`;
    statement.alert("too-large", message, { at: 2 });
    return null;
  }
  const head = Buffer.from(bytes.subarray(0, 64)).toString("latin1");
  if (bytes.length > 0 && !/^HTTP\/\d\.\d \d{3}[ \r\n]/.test(head)) {
    const message = `errorfile : '${path}': unable to parse headers (error offset: 0)`;
    statement.alert("bad-errorfile", message, {
      at: 2,
      hint: "The file holds a whole response, status line and headers included.",
    });
    return null;
  }
  return { status: Number(status), bytes: bytes.length === 0 ? null : bytes };
}
