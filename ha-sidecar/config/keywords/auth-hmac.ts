// `auth_hmac { … }` of vrrp_instance: signed adverts, as keepalived 2.4 has them.

import { readFileSync } from "node:fs";
import type { HmacDraft, InstanceDraft } from "../drafts.ts";
import { type Context, type Keyword, readSection, reportExtraWords, type Section } from "../keyword.ts";
import { placeOf, type Statement, withoutText } from "../statement.ts";
import { integer, line, parseInteger, readChoice } from "../values.ts";

const SINCE = "2.4.0";
const SECRET_BYTES_MIN = 32;
const SECRET_BYTES_MAX = 64;

/** `hex:…`, `file:PATH` (whose content may be hexadecimal too) or the secret itself; a text says why there is none. */
function readSecret(text: string): Uint8Array | string {
  if (text.startsWith("file:")) {
    const path = text.slice("file:".length);
    try {
      return readSecret(readFileSync(path, "latin1").replace(/\r?\n$/, ""));
    } catch (error) {
      if (error instanceof Error && "syscall" in error) return `cannot read ${path}: ${error.message}`;
      throw error;
    }
  }
  const isHex = text.startsWith("hex:");
  const digits = text.slice("hex:".length);
  if (isHex && !/^([0-9a-fA-F]{2})*$/.test(digits)) return "is not hexadecimal";
  const secret = Uint8Array.from(Buffer.from(isHex ? digits : text, isHex ? "hex" : "latin1"));
  const isLongEnough = secret.length >= SECRET_BYTES_MIN && secret.length <= SECRET_BYTES_MAX;
  return isLongEnough ? secret : `has ${secret.length} bytes`;
}

function readKey(draft: HmacDraft, statement: Statement, context: Context): void {
  const id = parseInteger(statement.words[1]?.text ?? "", { min: 1, max: 255 });
  const word = statement.words[2];
  const fault = (index: number, message: string) =>
    context.report.fault("auth-hmac", withoutText(placeOf(statement, index)), message, {
      expected: `an id from 1 to 255 and ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes: hex:…, file:PATH or the bytes themselves`,
    });
  if (id === null || word === undefined) {
    fault(id === null ? 1 : 2, "auth_hmac key needs an id and a secret - ignoring");
    return;
  }
  const secret = readSecret(word.text);
  // The secret itself is never shown.
  if (typeof secret === "string") fault(2, `auth_hmac key ${id} ${secret} - ignoring`);
  else if (draft.keys.some((key) => key.id === id))
    fault(1, `auth_hmac key ${id} is defined twice - ignoring the second`);
  else draft.keys.push({ id, secret });
}

export const AUTH_HMAC: Section<HmacDraft> = {
  name: "auth_hmac",
  keywords: [
    line(
      {
        name: "key",
        syntax: "<1..255> hex:<HEX>|file:<PATH>|<STRING>",
        since: SINCE,
        text: "A key. With several, they can be exchanged without a gap.",
      },
      readKey,
    ),
    integer(
      {
        name: "active_key",
        min: 1,
        max: 255,
        since: SINCE,
        text: "The key that signs; default: the first.",
        invalid: (value) => `auth_hmac active_key '${value}' not valid`,
      },
      (draft, id, statement) => {
        draft.activeKey = { id, place: placeOf(statement, 1) };
      },
    ),
    line(
      {
        name: "anti_replay",
        syntax: "time|monotonic",
        since: SINCE,
        text: "Sequence numbers must be close to the clock (the default), or only grow.",
      },
      (draft, statement, context) => {
        const modes = ["time", "monotonic"] as const;
        draft.antiReplay =
          readChoice(statement, 1, modes, (value) => `auth_hmac anti_replay '${value}' not valid`, context) ??
          draft.antiReplay;
      },
    ),
    integer(
      {
        name: "time_window",
        min: 1,
        max: 300,
        since: SINCE,
        text: "How far clocks may differ, in seconds; default three advert intervals, at least 5.",
        invalid: (value) => `auth_hmac time_window '${value}' not valid`,
      },
      (draft, seconds) => {
        draft.timeWindowMs = seconds * 1000;
      },
    ),
    line(
      {
        name: "mode",
        syntax: "enforce|permissive|receive-only",
        since: SINCE,
        text: "For the change to it: receive-only everywhere, then permissive, then enforce (the default).",
      },
      (draft, statement, context) => {
        const modes = ["enforce", "permissive", "receive-only"] as const;
        draft.mode =
          readChoice(statement, 1, modes, (value) => `auth_hmac mode '${value}' not valid`, context) ?? draft.mode;
      },
    ),
  ],
};

export const HMAC_KEYWORD: Keyword<InstanceDraft> = {
  name: "auth_hmac",
  syntax: "{ key …, active_key … }",
  text: "Signed adverts. keepalived before 2.4.0 drops them.",
  effect: "served",
  since: SINCE,
  section: AUTH_HMAC,
  takesList: false,
  read(draft, statement, context) {
    reportExtraWords(statement, context);
    draft.hmac = {
      place: placeOf(statement),
      keys: [],
      activeKey: null,
      antiReplay: "time",
      timeWindowMs: null,
      mode: "enforce",
    };
    readSection(AUTH_HMAC, draft.hmac, statement.block!, context);
  },
};
