// A program for the lab: a raw VRRP socket on eth0 that sends what it is told and reports what it hears.
//
//   stdin   lines of JSON: {"hex": message, "source": address, "destination": address, "ttl": n, "count": n}
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
  const { hex, source, destination, ttl, count } = JSON.parse(line) as Order;
  const message = new Uint8Array(Buffer.from(hex, "hex"));
  const from = parseAddress(source)!;
  const to = parseAddress(destination)!;
  const startMs = performance.now();
  for (let i = 0; i < count; i++) socket.send(message, from, to, ttl, null);
  process.stdout.write(`sent ${count} ${(performance.now() - startMs).toFixed(0)}\n`);
}
