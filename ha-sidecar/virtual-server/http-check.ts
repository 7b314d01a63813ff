// HTTP_GET and SSL_GET: every url in turn, on a connection of its own, as keepalived asks: `User-Agent: KeepAliveClient`, HTTP/1.0 unless
// http_protocol says otherwise. A url passes when its status, the MD5 of its body and its regular expression are as the configuration
// says. All of them must pass.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { CheckedUrl, HttpCheckPlan, SslPlan } from "../plan/virtual-server.ts";
import { type Attempt, connectionTo, onConnection } from "./attempt.ts";

/** A page that is checked is short; more than this is not kept. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
const HEAD_BYTES_MAX = 64 * 1024;

export function httpAttempt(check: HttpCheckPlan, ssl: SslPlan): Attempt {
  return (done) => {
    let cancel = () => {};
    const next = (at: number): void => {
      const url = check.urls[at];
      if (url === undefined) done({ failure: null });
      else {
        cancel = urlAttempt(
          check,
          url,
          ssl,
        )(({ failure }) => {
          if (failure === null) next(at + 1);
          else done({ failure: `${url.path}: ${failure}` });
        });
      }
    };
    next(0);
    return () => cancel();
  };
}

function urlAttempt(check: HttpCheckPlan, url: CheckedUrl, ssl: SslPlan): Attempt {
  const { target } = check;
  const open = () => {
    if (check.kind === "http") return createConnection(connectionTo(target));
    const options: ConnectionOptions = { ...connectionTo(target), ...credentials(ssl) };
    // Like keepalived, which checks servers by their addresses: names in certificates are not compared.
    options.rejectUnauthorized = ssl.ca !== null;
    options.checkServerIdentity = () => undefined;
    if (check.enableSni && url.virtualhost !== null) options.servername = url.virtualhost;
    return connectTls(options);
  };
  return onConnection(
    open,
    (socket, finish) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      socket.write(requestFor(check, url));
      socket.on("data", (chunk) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > BODY_BYTES_MAX) finish("the answer is too long");
        // The length may be told: then the end of the connection need not be waited for.
        else if (isComplete(chunks, bytes)) finish(verdict(url, Buffer.concat(chunks)));
      });
      socket.on("end", () => finish(verdict(url, Buffer.concat(chunks))));
    },
    check.kind === "http" ? "connect" : "secureConnect",
  );
}

function credentials(ssl: SslPlan): ConnectionOptions {
  const options: ConnectionOptions = {};
  if (ssl.ca !== null) options.ca = readFileSync(ssl.ca);
  if (ssl.certificate !== null) options.cert = readFileSync(ssl.certificate);
  if (ssl.key !== null) options.key = readFileSync(ssl.key);
  if (ssl.password !== null) options.passphrase = ssl.password;
  return options;
}

function requestFor(check: HttpCheckPlan, url: CheckedUrl): string {
  const { address, port } = check.target;
  const literal = address.family === 6 ? `[${address.text}]` : address.text;
  const isDefaultPort = port === (check.kind === "http" ? 80 : 443);
  const host = url.virtualhost ?? (isDefaultPort ? literal : `${literal}:${port}`);
  const version = check.protocol === "1.1" ? "1.1" : "1.0";
  const connection = check.protocol === "1.0" ? "" : "Connection: close\r\n";
  return `GET ${url.path} HTTP/${version}\r\nUser-Agent: KeepAliveClient\r\nHost: ${host}\r\n${connection}\r\n`;
}

function isComplete(chunks: Buffer[], bytes: number): boolean {
  const head = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, Math.min(bytes, HEAD_BYTES_MAX));
  const end = head.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head.toString("latin1", 0, end + 2))?.[1];
  return length !== undefined && bytes >= end + 4 + Number(length);
}

/** What is wrong with the answer, null: nothing. */
function verdict(url: CheckedUrl, answer: Buffer): string | null {
  const end = answer.indexOf("\r\n\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer.toString("latin1", 0, 32))?.[1];
  if (end < 0 || status === undefined) return "not an HTTP answer";
  const head = answer.toString("latin1", 0, end);
  const raw = answer.subarray(end + 4);
  const body = /\r\ntransfer-encoding: *chunked/i.test(head) ? withoutChunks(raw) : raw;
  const code = Number(status);
  const isWanted = url.statusCodes.some(({ first, last }) => code >= first && code <= last);
  if (url.statusCodes.length > 0 && !isWanted) return `status ${code}`;
  if (url.digest !== null) {
    const digest = createHash("md5").update(body).digest("hex");
    if (digest !== url.digest) return `the digest is ${digest}`;
  }
  return regexFailure(url, body);
}

function regexFailure({ regex }: CheckedUrl, body: Buffer): string | null {
  if (regex === null) return null;
  const encoding = regex.isUtf8 ? "utf8" : "latin1";
  const text = body.toString(encoding);
  const expression = new RegExp(regex.source, `g${regex.flags}`);
  expression.lastIndex = body.subarray(0, regex.minOffset).toString(encoding).length;
  const found = expression.exec(text);
  const at = found === null ? -1 : Buffer.byteLength(text.slice(0, found.index), encoding);
  const isThere = at >= 0 && (regex.maxOffset === 0 || at <= regex.maxOffset);
  if (isThere !== regex.noMatch) return null;
  return regex.noMatch ? "the regular expression matches" : "the regular expression does not match";
}

function withoutChunks(raw: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < raw.length; ) {
    const end = raw.indexOf("\r\n", at);
    const size = end < 0 ? 0 : Number.parseInt(raw.toString("latin1", at, end), 16);
    if (!(size > 0)) break;
    parts.push(raw.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
  return Buffer.concat(parts);
}
