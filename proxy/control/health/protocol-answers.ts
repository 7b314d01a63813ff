// Answers that only their protocol can judge: MySQL's greeting and verdict, LDAP's BindResponse, SPOP's AGENT-HELLO. The words are HAProxy's.

import type { CheckExpectation } from "../../plan/check.ts";
import { CHECK_STATUS } from "./check-status.ts";

/** What an answer came to; null: more of it is needed. `status` 0: as expected, the next step is on. */
export type ProtocolVerdict = { readonly status: number; readonly code: number; readonly info: string } | null;

type ProtocolExpectation = Extract<CheckExpectation, { isLast: boolean }>;

const { L7OK, L7RSP, L7STS } = CHECK_STATUS;
const MYSQL_HEAD_BYTES = 4;
const MYSQL_ERROR = 0xff;
/** `\xff`, two bytes of code, `#` and five of SQL state from protocol 4.1 on. */
const MYSQL_ERROR_TEXT_AT = 7;
const LDAP_BIND_RESPONSE = 0x61;
const LDAP_CODE_URL = "See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9";

function passed(info: string, isLast: boolean): ProtocolVerdict {
  return { status: isLast ? L7OK : 0, code: 0, info };
}

function invalid(info: string): ProtocolVerdict {
  return { status: L7RSP, code: 0, info };
}

/** @param context what the step before had to say: a server's version is told when it lets us in */
export function judgeProtocol(
  { on, isLast }: ProtocolExpectation,
  answer: Buffer,
  ended: boolean,
  context: string,
): ProtocolVerdict {
  switch (on) {
    case "mysql-greeting":
      return mysqlGreeting(answer, ended, isLast);
    case "mysql-verdict":
      return mysqlVerdict(answer, ended, context);
    case "ldap":
      return ldapAnswer(answer, ended);
    case "spop":
      return spopHello(answer, ended);
  }
}

function textTo(answer: Buffer, from: number, to: number): string {
  return answer.toString("latin1", from, to).replace(/[\0\r\n].*$/s, "");
}

/** The payload's end when the whole packet is there, else 0. */
function mysqlEnd(answer: Buffer): number {
  if (answer.length < MYSQL_HEAD_BYTES + 1) return 0;
  const end = MYSQL_HEAD_BYTES + answer.readUIntLE(0, 3);
  return end <= answer.length ? end : 0;
}

function mysqlFailure(answer: Buffer, end: number): ProtocolVerdict {
  const code = answer.length >= MYSQL_ERROR_TEXT_AT ? answer.readUInt16LE(MYSQL_HEAD_BYTES + 1) : 0;
  return { status: L7STS, code, info: textTo(answer, MYSQL_ERROR_TEXT_AT, end) };
}

function mysqlGreeting(answer: Buffer, ended: boolean, isLast: boolean): ProtocolVerdict {
  const end = mysqlEnd(answer);
  if (end === 0) return ended ? invalid("MySQL: malformed packet.") : null;
  if (answer[MYSQL_HEAD_BYTES] === MYSQL_ERROR) return mysqlFailure(answer, end);
  // Protocol version, then the server's version up to a NUL.
  return passed(textTo(answer, MYSQL_HEAD_BYTES + 1, end), isLast);
}

/** Of the packet behind the greeting. */
function mysqlVerdict(all: Buffer, ended: boolean, version: string): ProtocolVerdict {
  const answer = all.subarray(mysqlEnd(all));
  const end = mysqlEnd(answer);
  if (end === 0) {
    // An OK packet of old servers may be shorter than it says.
    const isOk = answer.length > MYSQL_HEAD_BYTES && answer[MYSQL_HEAD_BYTES] !== MYSQL_ERROR;
    if (!ended) return null;
    return isOk ? passed(version, true) : invalid("MySQL: malformed packet.");
  }
  return answer[MYSQL_HEAD_BYTES] === MYSQL_ERROR ? mysqlFailure(answer, end) : passed(version, true);
}

/** The bytes that a BER length takes, and the length; null: they are not there yet. */
function berLength(answer: Buffer, at: number): { readonly end: number; readonly length: number } | null {
  const first = answer[at];
  if (first === undefined) return null;
  if (first < 0x80) return { end: at + 1, length: first };
  const count = first & 0x7f;
  if (at + 1 + count > answer.length) return null;
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + answer[at + 1 + i]!;
  return { end: at + 1 + count, length };
}

/** `30 LEN 02 01 01 61 LEN 0a 01 CODE …` */
function ldapAnswer(answer: Buffer, ended: boolean): ProtocolVerdict {
  if (answer.length < 2) return ended ? invalid("Not LDAPv3 protocol") : null;
  if (answer[0] !== 0x30) return invalid("Not LDAPv3 protocol");
  const message = berLength(answer, 1);
  if (message === null || answer.length < message.end + message.length) {
    return ended ? invalid("Not LDAPv3 protocol") : null;
  }
  const operation = message.end + 3;
  if (answer.toString("hex", message.end, operation) !== "020101" || answer[operation] !== LDAP_BIND_RESPONSE) {
    return invalid("Not LDAPv3 protocol");
  }
  const body = berLength(answer, operation + 1);
  if (body === null || answer.toString("hex", body.end, body.end + 2) !== "0a01") {
    return invalid("Not LDAPv3 protocol");
  }
  const code = answer[body.end + 2] ?? 0;
  return code === 0 ? passed("Success", true) : { status: L7STS, code, info: LDAP_CODE_URL };
}

const SPOP_FRAME_MIN_BYTES = 7;
const SPOP_AGENT_HELLO = 101;
const SPOP_VERSION_BYTES = 10;

function spopHello(answer: Buffer, ended: boolean): ProtocolVerdict {
  const bad = invalid("invalid frame received");
  if (answer.length < 4) return ended ? bad : null;
  const length = answer.readUInt32BE(0);
  if (length < SPOP_FRAME_MIN_BYTES) return bad;
  if (answer.length < 4 + length) return ended ? bad : null;
  const frame = answer.subarray(4, 4 + length);
  // Type, flags (FIN), stream and frame numbers, which are 0.
  if (frame[0] !== SPOP_AGENT_HELLO) return bad;
  if (frame.readUInt32BE(1) !== 1 || frame[5] !== 0 || frame[6] !== 0) return bad;
  // A name with its length, the type of a string, its length.
  const at = frame.indexOf("\u0007version\u0008", SPOP_FRAME_MIN_BYTES, "latin1");
  if (at < 0) return invalid("version value not found");
  const textAt = at + SPOP_VERSION_BYTES;
  const text = frame.toString("latin1", textAt, textAt + (frame[textAt - 1] ?? 0));
  if (!/^2\./.test(text)) return invalid("unsupported version");
  return passed("SPOA server is ok", true);
}
