// Options that choose a protocol's check: each comes to steps (plan/check.ts) with words of its own, as HAProxy's.

import type { CheckStepExpectPlan, CheckStepPlan } from "../../plan/check.ts";
import type { ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";
import { newExpect } from "./check-expect.ts";
import { checkOf } from "./check-steps.ts";

function protocol(proxy: ProxyDraft, steps: readonly CheckStepPlan[]): void {
  proxy.checkOption = "protocol";
  checkOf(proxy).protocolSteps = [...steps];
}

function send(bytes: string | Buffer): CheckStepPlan {
  const text = typeof bytes === "string" ? bytes : bytes.toString("latin1");
  return { kind: "send", text, isHex: false, comment: "" };
}

export function redisCheck(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  protocol(proxy, [
    send("*1\r\n$4\r\nPING\r\n"),
    {
      ...newExpect({ on: "string", text: "+PONG\r\n" }),
      ...{ errorStatus: "L7STS", onSuccess: "Redis server is ok", onError: 0 },
    },
  ]);
}

/** `option smtpchk [<hello> <domain>]` */
export function smtpCheck(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(2, 2)) return;
  const [hello, domain] = [statement.text(2), statement.text(3)];
  const greeting = (hello === "EHLO" || hello === "HELO") && domain !== "" ? `${hello} ${domain}` : "HELO localhost";
  const words = { errorStatus: "L7STS", onError: 4, onSuccess: 4, statusCode: "digits" } as const;
  // What begins with another digit is conclusive at once, an answer of several lines when its last one is there.
  const good: readonly CheckStepExpectPlan[] = [
    { ...newExpect({ on: "rstring", pattern: "^[^2]" }), ...words, negate: true, minRecvBytes: 4 },
    { ...newExpect({ on: "rstring", pattern: "^(2[0-9]{2}-[^\\r]*\\r\\n)*2[0-9]{2}[ \\r]" }), ...words },
  ];
  protocol(proxy, [
    { ...newExpect({ on: "rstring", pattern: "^[0-9]{3}[- \\r]" }), minRecvBytes: 4, onError: 0 },
    ...good,
    send(`${greeting}\r\n`),
    ...good,
    send("QUIT\r\n"),
    ...good,
  ]);
}

/** `option pgsql-check user <username>`: the server wants to know more, or lets the user in (protocol 3.0, message R). */
export function pgsqlCheck(statement: Statement, proxy: ProxyDraft): void {
  const [word, user] = [statement.text(2), statement.text(3)];
  if (word === "" || (word === "user" && user === "")) {
    statement.alert("missing-argument", "'option pgsql-check' expects 'user <username>' as argument.", { at: 2 });
    return;
  }
  if (word !== "user") {
    statement.alert("unknown-word", "'option pgsql-check' only supports optional values: 'user'.", { at: 2 });
    return;
  }
  const body = Buffer.concat([Buffer.of(0, 3, 0, 0), Buffer.from(`user\0${user}\0\0`, "latin1")]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  const words = { onSuccess: "PostgreSQL server is ok", onError: "PostgreSQL unknown error" };
  protocol(proxy, [
    send(Buffer.concat([length, body])),
    // An error: its text stands behind the length.
    { ...newExpect({ on: "rstring", pattern: "^E" }), negate: true, minRecvBytes: 5, errorStatus: "L7RSP", onError: 6 },
    {
      ...newExpect({ on: "rbinary", pattern: "^52000000" }),
      ...{ ...words, minRecvBytes: 9, errorStatus: "L7STS" },
    },
  ]);
}

/** A hello of TLS 1.2 that wants nothing in particular; a server answers with its own or with an alert. */
const CLIENT_HELLO = Buffer.concat([
  Buffer.from("16030100310100002d0303", "hex"),
  Buffer.alloc(32, "ringway check"),
  Buffer.from("000006003c003500ff0100", "hex"),
]);

export function sslHelloCheck(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  protocol(proxy, [
    send(CLIENT_HELLO),
    {
      ...newExpect({ on: "rbinary", pattern: "^1[56]" }),
      ...{ minRecvBytes: 5, okStatus: "L6OK", errorStatus: "L6RSP", timeoutStatus: "L6TOUT" },
    },
  ]);
}

const MYSQL_LENGTH_BYTES = 3;

/** A packet of MySQL's protocol: length, number, payload. */
function mysqlPacket(number: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(MYSQL_LENGTH_BYTES + 1);
  head.writeUIntLE(payload.length, 0, MYSQL_LENGTH_BYTES);
  head[MYSQL_LENGTH_BYTES] = number;
  return Buffer.concat([head, payload]);
}

/** `option mysql-check [user <username> [{ post-41 | pre-41 }]]`: without a user, the greeting alone. */
export function mysqlCheck(statement: Statement, proxy: ProxyDraft): void {
  const [word, user, version] = [statement.text(2), statement.text(3), statement.text(4)];
  if (word === "") {
    protocol(proxy, [newExpect({ on: "mysql-greeting", isLast: true })]);
    return;
  }
  if (word !== "user") {
    const message = `'option mysql-check' only supports optional values: 'user' (got '${word}').`;
    statement.alert("unknown-word", message, { at: 2 });
    return;
  }
  if (user === "") {
    statement.alert("missing-argument", "'option mysql-check user' expects <username> as argument.", { at: 3 });
    return;
  }
  if (version !== "" && version !== "post-41" && version !== "pre-41") {
    const message = `keyword 'user' only supports 'post-41' and 'pre-41' (got '${version}').`;
    statement.alert("unknown-word", message, { at: 4 });
    return;
  }
  const login = version === "pre-41" ? mysqlLogin40(user) : mysqlLogin41(user);
  protocol(proxy, [
    // The server speaks first, but need not be waited for: the login and a goodbye.
    send(Buffer.concat([mysqlPacket(1, login), mysqlPacket(0, Buffer.of(1))])),
    newExpect({ on: "mysql-greeting", isLast: false }),
    newExpect({ on: "mysql-verdict", isLast: true }),
  ]);
}

/** Capabilities (LONG_PASSWORD … SECURE_CONNECTION), the largest packet, the user, no password. */
function mysqlLogin40(user: string): Buffer {
  return Buffer.concat([Buffer.from("0080000001", "hex"), Buffer.from(`${user}\0\0`, "latin1")]);
}

function mysqlLogin41(user: string): Buffer {
  const reserved = Buffer.alloc(23);
  return Buffer.concat([Buffer.from("008200000080000121", "hex"), reserved, Buffer.from(`${user}\0\0`, "latin1")]);
}

/** An anonymous bind of LDAPv3. */
const LDAP_BIND = Buffer.from("300c020101600702010304008000", "hex");

export function ldapCheck(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  protocol(proxy, [send(LDAP_BIND), newExpect({ on: "ldap", isLast: true })]);
}

/** HAPROXY-HELLO with `healthcheck` (SPOE.txt 3.2.4): the agent answers and closes. */
const SPOP_HELLO = Buffer.concat([
  // Type, flags (FIN), stream, frame.
  Buffer.from("01000000010000", "hex"),
  spopItem("supported-versions", Buffer.concat([Buffer.of(8), spopText("2.0")])),
  spopItem("max-frame-size", Buffer.from("03fcf006", "hex")),
  spopItem("capabilities", Buffer.of(8, 0)),
  spopItem("healthcheck", Buffer.of(0x11)),
]);

function spopText(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text, "latin1")]);
}

function spopItem(name: string, value: Buffer): Buffer {
  return Buffer.concat([spopText(name), value]);
}

export function spopCheck(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(SPOP_HELLO.length);
  protocol(proxy, [send(Buffer.concat([length, SPOP_HELLO])), newExpect({ on: "spop", isLast: true })]);
}
