// One nameserver: a UDP socket, or a TCP connection for each question (`tcp@`), and HAProxy's counters. Who asked what is resolution.ts's; here an answer
// is only taken from where the question went.

import { createSocket, type Socket } from "node:dgram";
import { connect } from "node:net";
import type { NameserverPlan } from "../../plan/resolvers.ts";
import { type DnsAnswer, readAnswer } from "./message.ts";

/** In the order of `show resolvers`. */
export const NAMESERVER_COUNTERS = [
  ...["sent", "snd_error", "valid", "update", "cname", "cname_error", "any_err", "nx", "timeout", "refused"],
  ...["other", "invalid", "too_big", "truncated", "outdated"],
] as const;
export type NameserverCounter = (typeof NAMESERVER_COUNTERS)[number];

const TCP_LENGTH_BYTES = 2;

export class Nameserver {
  readonly plan: NameserverPlan;
  readonly counters: Record<NameserverCounter, number>;
  readonly #payloadBytes: number;
  readonly #onAnswer: (from: Nameserver, answer: DnsAnswer) => void;
  #socket: Socket | null = null;

  constructor(plan: NameserverPlan, payloadBytes: number, onAnswer: (from: Nameserver, answer: DnsAnswer) => void) {
    this.plan = plan;
    this.#payloadBytes = payloadBytes;
    this.#onAnswer = onAnswer;
    this.counters = Object.fromEntries(NAMESERVER_COUNTERS.map((name) => [name, 0])) as Record<
      NameserverCounter,
      number
    >;
  }

  send(question: Buffer, timeoutMs: number): void {
    this.counters.sent++;
    if (this.plan.transport === "tcp") this.#sendByTcp(question, timeoutMs);
    else this.#sendByUdp(question);
  }

  #sendByUdp(question: Buffer): void {
    const { host, port } = this.plan;
    if (this.#socket === null) {
      this.#socket = createSocket(host.includes(":") ? "udp6" : "udp4");
      this.#socket.unref();
      this.#socket.on("error", () => this.counters.snd_error++);
      this.#socket.on("message", (bytes, from) => {
        if (from.port === port && from.address === host) this.#receive(bytes);
      });
    }
    this.#socket.send(question, port, host, (error) => {
      if (error !== null) this.counters.snd_error++;
    });
  }

  #sendByTcp(question: Buffer, timeoutMs: number): void {
    const length = Buffer.alloc(TCP_LENGTH_BYTES);
    length.writeUInt16BE(question.length);
    let received = Buffer.alloc(0);
    const socket = connect(this.plan.port, this.plan.host, () => socket.write(Buffer.concat([length, question])));
    socket.unref();
    socket.setTimeout(timeoutMs, () => socket.destroy());
    socket.on("error", () => this.counters.snd_error++);
    socket.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      if (received.length < TCP_LENGTH_BYTES) return;
      const end = TCP_LENGTH_BYTES + received.readUInt16BE(0);
      if (received.length < end) return;
      this.#receive(received.subarray(TCP_LENGTH_BYTES, end));
      socket.destroy();
    });
  }

  #receive(bytes: Buffer): void {
    const isTooBig = this.plan.transport === "udp" && bytes.length > this.#payloadBytes;
    const answer = isTooBig ? null : readAnswer(bytes);
    if (isTooBig) this.counters.too_big++;
    else if (answer === null) this.counters.invalid++;
    if (answer !== null) this.#onAnswer(this, answer);
  }

  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }
}
