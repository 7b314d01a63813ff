// A program for the lab: a raw VRRP socket on eth0 that sends what it is told and reports what it hears.
//
//   stdin   lines of JSON: {"hex": message, "source": address, "destination": address, "ttl": n, "count": n, "seed": n}
//           with a seed other than 0 every copy is bent in its own way: bytes changed, cut off, added
//   stdout  `rx MILLISECONDS SOURCE HEX` per received message; `sent N MILLISECONDS` when a line is done

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { formatAddress, parseAddress } from "../../../shared/ip/text.ts";
import { PACKET_BYTES, ReceiveMemory, VrrpSocket } from "../../address/vrrp-socket.ts";
import { Packet } from "../../vrrp/packet.ts";

interface Order {
  readonly hex: string;
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
  readonly count: number;
  readonly seed: number;
}

const index = Number(readFileSync("/sys/class/net/eth0/ifindex", "latin1"));
const socket = VrrpSocket.open({ family: 4, link: { index, name: "eth0" }, receiveBufferBytes: 0, isAh: false });
if (typeof socket === "number") throw new Error(`errno ${socket}`);
socket.join(parseAddress("224.0.0.18")!);
const memory = new ReceiveMemory();
const packet = new Packet(memory.packet.subarray(0, PACKET_BYTES));

setInterval(() => {
  while (socket.receive(memory, packet)) {
    const from = formatAddress(packet.source.subarray(0, 4));
    const message = Buffer.from(packet.bytes.subarray(packet.at, packet.at + packet.length)).toString("hex");
    process.stdout.write(`rx ${performance.now().toFixed(1)} ${from} ${message}\n`);
  }
}, 1);

for await (const line of createInterface({ input: process.stdin })) {
  const { hex, source, destination, ttl, count, seed } = JSON.parse(line) as Order;
  const message = new Uint8Array(Buffer.from(hex, "hex"));
  const from = parseAddress(source)!;
  const to = parseAddress(destination)!;
  const startMs = performance.now();
  const below = numbers(seed);
  for (let i = 0; i < count; i++) socket.send(seed === 0 ? message : bent(message, below), from, to, ttl, null);
  process.stdout.write(`sent ${count} ${(performance.now() - startMs).toFixed(0)}\n`);
}

/** A small generator of numbers below `n` (mulberry32). */
function numbers(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) % n;
  };
}

function bent(message: Uint8Array, below: (n: number) => number): Uint8Array {
  const kind = below(10);
  if (kind === 0) return Uint8Array.from({ length: below(80) }, () => below(256));
  const length = kind === 1 ? below(message.length + 1) : kind === 2 ? message.length + below(60) : message.length;
  const bytes = new Uint8Array(length);
  bytes.set(message.subarray(0, length));
  for (let changes = 1 + below(3); changes > 0 && length > 0; changes--) bytes[below(length)] = below(256);
  return bytes;
}
