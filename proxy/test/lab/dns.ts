// A nameserver whose answers a test decides, over UDP and TCP on a loopback port.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Teardown } from "./program.ts";

const A = 1;
const AAAA = 28;
const SRV = 33;

export interface Zone {
  /** IPv4 or IPv6 addresses by name. */
  readonly addresses: Record<string, string[]>;
  /** `target:port:weight` by name. */
  readonly services: Record<string, string[]>;
  /** Response codes by name; -1: no answer at all. */
  readonly codes: Record<string, number>;
  /** Questions so far, `type name`. */
  readonly asked: string[];
}

export interface Nameserver extends Zone {
  readonly port: number;
  readonly tcpPort: number;
}

const word = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const nameOf = (name: string): Buffer =>
  Buffer.concat([
    ...name.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.from([0]),
  ]);

function ipv6Bytes(text: string): Buffer {
  const [head = "", tail = ""] = text.split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [first, last] = [groups(head), groups(tail)];
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Buffer.concat(all.map(word));
}

function answer(question: Buffer, zone: Zone): Buffer | null {
  const labels: string[] = [];
  let at = 12;
  for (; question[at] !== 0; at += question[at]! + 1)
    labels.push(question.toString("latin1", at + 1, at + 1 + question[at]!));
  const name = labels.join(".").toLowerCase();
  const type = question.readUInt16BE(at + 1);
  zone.asked.push(`${type} ${name}`);
  const code = zone.codes[name] ?? 0;
  if (code < 0) return null;
  const addresses = zone.addresses[name] ?? [];
  const data =
    type === SRV
      ? (zone.services[name] ?? []).map((record) => {
          const [target, port, weight] = record.split(":") as [string, string, string];
          return Buffer.concat([word(0), word(Number(weight)), word(Number(port)), nameOf(target)]);
        })
      : type === A
        ? addresses
            .filter((address) => !address.includes(":"))
            .map((address) => Buffer.from(address.split(".").map(Number)))
        : addresses.filter((address) => address.includes(":")).map(ipv6Bytes);
  const records = code === 0 && (type === A || type === AAAA || type === SRV) ? data : [];
  const header = Buffer.concat([
    question.subarray(0, 2),
    word(0x8180 | code),
    word(1),
    word(records.length),
    word(0),
    word(0),
  ]);
  const sections = records.map((bytes) =>
    Buffer.concat([word(0xc00c), word(type), word(1), word(0), word(5), word(bytes.length), bytes]),
  );
  return Buffer.concat([header, question.subarray(12, at + 5), ...sections]);
}

export async function startNameserver(t: Teardown): Promise<Nameserver> {
  const zone: Zone = { addresses: {}, services: {}, codes: {}, asked: [] };
  const socket = createSocket("udp4");
  socket.on("message", (question, { port, address }) => {
    const bytes = answer(question, zone);
    if (bytes !== null) socket.send(bytes, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const server = createServer((connection) => {
    connection.on("error", () => {});
    connection.on("data", (bytes: Buffer) => {
      const text = answer(bytes.subarray(2), zone);
      if (text !== null) connection.write(Buffer.concat([word(text.length), text]));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    socket.close();
    server.close();
  });
  return { ...zone, port: socket.address().port, tcpPort: (server.address() as AddressInfo).port };
}
