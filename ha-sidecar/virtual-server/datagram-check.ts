// UDP_CHECK and DNS_CHECK: a datagram goes out, and what comes back, or the ICMP error of a closed port, decides.

import { randomBytes, randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { dnsQuestion } from "../../shared/dns/question.ts";
import type { CheckPlan, CheckTarget, UdpCheckPlan } from "../plan/virtual-server.ts";
import type { Attempt } from "./attempt.ts";

const PAYLOAD_BYTES = 16;
/** UDP_CHECK without require_reply: a closed port has told so by then. */
const SILENCE_MS = 500;

/** `judge`: what is wrong with the reply, null: nothing, undefined: it is not for us. `silenceMs`: no reply is fine after this time. */
function datagramAttempt(
  target: CheckTarget,
  payload: Uint8Array,
  judge: (reply: Buffer) => string | null | undefined,
  silenceMs: number | null,
): Attempt {
  return (done) => {
    let isOver = false;
    let timer: NodeJS.Timeout | null = null;
    const socket = createSocket(target.address.family === 4 ? "udp4" : "udp6");
    const end = () => {
      if (isOver) return false;
      isOver = true;
      if (timer !== null) clearTimeout(timer);
      socket.close();
      return true;
    };
    const finish = (failure: string | null) => {
      if (end()) done({ failure });
    };
    socket.on("error", (error) => finish(error.message));
    socket.on("message", (reply) => {
      const failure = judge(reply);
      if (failure !== undefined) finish(failure);
    });
    const send = () => {
      // Connected, so that the kernel passes ICMP errors on, and nobody else's datagrams.
      socket.connect(target.port, target.address.text, (error?: Error) => {
        if (isOver) return;
        if (error !== undefined && error !== null) finish(error.message);
        else {
          socket.send(payload, (failed) => {
            if (failed !== null) finish(failed.message);
          });
        }
      });
    };
    if (target.bindAddress === null && target.bindPort === 0) send();
    else socket.bind(target.bindPort, target.bindAddress?.text, send);
    if (silenceMs !== null) timer = setTimeout(() => finish(null), silenceMs);
    return () => {
      end();
    };
  };
}

export function udpAttempt(check: UdpCheckPlan): Attempt {
  const judge = (reply: Buffer): string | null => {
    if (reply.length < check.minReplyLength || reply.length > check.maxReplyLength)
      return `a reply of ${reply.length} bytes`;
    const wanted = check.reply;
    if (wanted === null) return null;
    const isSame = wanted.bytes.every(
      (byte, i) => ((reply[i] ?? ~byte) & wanted.mask[i]!) === (byte & wanted.mask[i]!),
    );
    return isSame && reply.length >= wanted.bytes.length ? null : "another reply than the wanted one";
  };
  const payload = check.payload ?? randomBytes(PAYLOAD_BYTES);
  return datagramAttempt(check.target, payload, judge, check.requireReply ? null : SILENCE_MS);
}

export function dnsAttempt(check: Extract<CheckPlan, { kind: "dns" }>): Attempt {
  return (done) => {
    const id = randomInt(0x10000);
    return datagramAttempt(
      check.target,
      dnsQuestion(id, check.name, check.type),
      (reply) => judgeDns(id, reply),
      null,
    )(done);
  };
}

/** An answer to our question without an error (RCODE 0) counts, as for keepalived. undefined: an answer to somebody else. */
export function judgeDns(id: number, reply: Buffer): string | null | undefined {
  if (reply.length < 12) return "not a DNS answer";
  if (reply.readUInt16BE(0) !== id) return undefined;
  const flags = reply.readUInt16BE(2);
  if ((flags & 0x8000) === 0) return "not a DNS answer";
  const rcode = flags & 0xf;
  return rcode === 0 ? null : `RCODE ${rcode}`;
}
