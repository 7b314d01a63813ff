// The codec: messages captured from keepalived, every rule of validity in both directions, and random bytes.
// RINGWAY_FUZZ=1000000 makes the random part long.

import t from "tap";
import { parseAddress } from "../../shared/ip/text.ts";
import { leastHeapGrowth } from "../../shared/tools/heap-growth.fixture.ts";
import {
  AdvertWriter,
  checkPacket,
  compareAddresses,
  type Expectation,
  Packet,
  packetVirtualRouterId,
  readPacket4,
  setPacket6,
} from "./packet.ts";
import { REJECTION, REJECTION_TEXTS, type Rejection } from "./rejection.ts";

const ip = (text: string) => parseAddress(text)!;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const SOURCE = ip("10.99.0.1");
const PEER = ip("10.99.0.2");
const GROUP = ip("224.0.0.18");
const ADDRESS = ip("10.99.0.100");
const PASSWORD = new Uint8Array(Buffer.from("s3cr3t99"));
const GOLDEN_PASS = "2132640101012bb10a6300647333637233743939";
const GOLDEN_V3 = "31326401000a75080a630064";
const GOLDEN_V3_RFC9568 = "31326401000a5ffb0a630064";
const GOLDEN_UNICAST = "31326401000a4ab60a630064";
const GOLDEN_OLD_UNICAST = "31326401000a75080a630064";

const V2: Expectation = {
  version: 2,
  virtualRouterId: 50,
  password: PASSWORD,
  authenticationHeader: null,
  hmac: null,
  intervalMs: 1000,
  mode: "multicast",
  addresses: ADDRESS,
  strictAddresses: true,
  peers: null,
  oldUnicastGroup: null,
};
const V3: Expectation = { ...V2, version: 3, password: null, intervalMs: 100 };

interface Envelope {
  readonly ttl?: number;
  readonly source?: Uint8Array;
  readonly destination?: Uint8Array;
  /** 32-bit words of IP options. */
  readonly options?: number;
}

/** An IPv4 packet as a raw socket delivers it, read into a `Packet`. */
function packet4(message: Uint8Array | string, envelope: Envelope = {}): Packet {
  const bytes = typeof message === "string" ? Buffer.from(message, "hex") : message;
  const headerBytes = 20 + 4 * (envelope.options ?? 0);
  const buffer = new Uint8Array(headerBytes + bytes.length);
  buffer[0] = 0x40 | (headerBytes / 4);
  buffer[2] = buffer.length >> 8;
  buffer[3] = buffer.length;
  buffer[8] = envelope.ttl ?? 255;
  buffer[9] = 112;
  buffer.set(envelope.source ?? SOURCE, 12);
  buffer.set(envelope.destination ?? GROUP, 16);
  buffer.set(bytes, headerBytes);
  const packet = new Packet(buffer);
  if (!readPacket4(packet, buffer.length)) throw new Error("not an IPv4 packet");
  return packet;
}

/** The golden message with bytes exchanged and, unless told otherwise, a right checksum (without pseudo-header). */
function altered(golden: string, changes: Record<number, number>, fixChecksum = true): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(golden, "hex"));
  for (const [at, value] of Object.entries(changes)) bytes[Number(at)] = value;
  return fixChecksum ? withChecksum(bytes) : bytes;
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  bytes[6] = 0;
  bytes[7] = 0;
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  bytes[6] = ~sum >> 8;
  bytes[7] = ~sum;
  return bytes;
}

const writer = (version: 2 | 3, intervalMs: number, password: Uint8Array | null, withPseudoHeader = true) =>
  new AdvertWriter({
    version,
    family: 4,
    virtualRouterId: 50,
    intervalMs,
    addresses: ADDRESS,
    password,
    ...{ isAh: false, hmac: null },
    withPseudoHeader,
  });

t.test("golden messages, written and read", async (t) => {
  t.equal(hex(writer(2, 1000, PASSWORD).write(100, SOURCE, GROUP)), GOLDEN_PASS);
  t.equal(hex(writer(3, 100, null).write(100, SOURCE, GROUP)), GOLDEN_V3);
  t.equal(hex(writer(3, 100, null, false).write(100, SOURCE, GROUP)), GOLDEN_V3_RFC9568);
  t.equal(hex(writer(3, 100, null).write(100, SOURCE, PEER)), GOLDEN_UNICAST);

  const pass = packet4(GOLDEN_PASS);
  t.equal(packetVirtualRouterId(pass), 50);
  t.equal(checkPacket(pass, V2), REJECTION.ACCEPTED);
  t.same([pass.version, pass.virtualRouterId, pass.priority, pass.count, pass.intervalMs], [2, 50, 100, 1, 1000]);

  const v3 = packet4(GOLDEN_V3);
  t.equal(checkPacket(v3, V3), REJECTION.ACCEPTED);
  t.same([v3.version, v3.priority, v3.intervalMs, v3.hasPseudoHeader], [3, 100, 100, true]);
  const rfc9568 = packet4(GOLDEN_V3_RFC9568);
  t.equal(checkPacket(rfc9568, V3), REJECTION.ACCEPTED, "the checksum of RFC 9568");
  t.equal(rfc9568.hasPseudoHeader, false);

  const unicast: Expectation = { ...V3, mode: "unicast", oldUnicastGroup: GROUP };
  const toPeer = packet4(GOLDEN_UNICAST, { destination: PEER });
  t.equal(checkPacket(toPeer, unicast), REJECTION.ACCEPTED);
  const old = packet4(GOLDEN_OLD_UNICAST, { destination: PEER });
  t.equal(checkPacket(old, unicast), REJECTION.ACCEPTED, "the checksum of keepalived 1.3.6 and before");
  t.equal(old.hasOldUnicastChecksum, true);
  t.equal(checkPacket(old, { ...unicast, oldUnicastGroup: null }), REJECTION.CHECKSUM);
});

t.test("IPv6: the checksum that the kernel makes and expects", async (t) => {
  const source = ip("fe80::8084:5eff:fe90:7c63");
  const group = ip("ff02::12");
  const addresses = Buffer.concat([ip("fe80::100"), ip("fd99::100")]);
  const golden = `31326402000a1400${hex(addresses)}`;
  const advert = new AdvertWriter({
    version: 3,
    family: 6,
    virtualRouterId: 50,
    intervalMs: 100,
    addresses,
    ...{ password: null, isAh: false, hmac: null },
    withPseudoHeader: true,
  });
  t.equal(hex(advert.write(100, source, group)), golden);
  const packet = new Packet(new Uint8Array(Buffer.from(golden, "hex")));
  packet.source.set(source);
  packet.destination.set(group);
  setPacket6(packet, packet.bytes.length, 255);
  const expected: Expectation = { ...V3, addresses };
  t.equal(checkPacket(packet, expected), REJECTION.ACCEPTED);
  setPacket6(packet, packet.bytes.length, 254);
  t.equal(checkPacket(packet, expected), REJECTION.TTL);
  packet.source[15]! ^= 1;
  setPacket6(packet, packet.bytes.length, 255);
  t.equal(checkPacket(packet, expected), REJECTION.CHECKSUM, "the pseudo-header counts");
});

t.test("every rule of validity", async (t) => {
  const at = (message: Uint8Array | string, envelope?: Envelope, expected: Expectation = V2): Rejection =>
    checkPacket(packet4(message, envelope), expected);
  const text = (rejection: Rejection) => REJECTION_TEXTS[rejection];
  const cases: readonly (readonly [name: string, got: Rejection, wanted: Rejection])[] = [
    ["TTL 254", at(GOLDEN_PASS, { ttl: 254 }), REJECTION.TTL],
    ["wrong checksum", at(altered(GOLDEN_PASS, { 6: 0 }, false)), REJECTION.CHECKSUM],
    ["wrong password", at(altered(GOLDEN_PASS, { 19: 0 })), REJECTION.PASSWORD],
    ["no authentication", at(altered(GOLDEN_PASS, { 4: 0 })), REJECTION.AUTH_MISMATCH],
    ["authentication header", at(altered(GOLDEN_PASS, { 4: 2 })), REJECTION.AUTH_MISMATCH],
    ["unknown authentication", at(altered(GOLDEN_PASS, { 4: 3 })), REJECTION.AUTH_TYPE],
    ["password where none is expected", at(GOLDEN_PASS, {}, { ...V2, password: null }), REJECTION.AUTH_MISMATCH],
    ["version 3 at version 2", at(GOLDEN_V3), REJECTION.VERSION],
    ["version 2 at version 3", at(GOLDEN_PASS, {}, V3), REJECTION.VERSION],
    ["version 0", at(altered(GOLDEN_V3, { 0: 0x01 }), {}, V3), REJECTION.VERSION],
    ["version 4", at(altered(GOLDEN_V3, { 0: 0x41 }), {}, V3), REJECTION.VERSION],
    ["type 2", at(altered(GOLDEN_PASS, { 0: 0x22 })), REJECTION.TYPE],
    ["version 2, interval 2", at(altered(GOLDEN_PASS, { 5: 2 })), REJECTION.INTERVAL_MISMATCH],
    ["version 3, interval 0", at(altered(GOLDEN_V3, { 5: 0 }), {}, V3), REJECTION.INTERVAL_ZERO],
    ["version 3, interval 4095", at(altered(GOLDEN_V3, { 4: 0x0f, 5: 0xff }), {}, V3), REJECTION.ACCEPTED],
    ["version 3, reserved bits", at(altered(GOLDEN_V3, { 4: 0xf0 }), {}, V3), REJECTION.ACCEPTED],
    ["another virtual router", at(altered(GOLDEN_PASS, { 1: 51 })), REJECTION.NOT_OURS],
    ["virtual router 0", at(altered(GOLDEN_PASS, { 1: 0 })), REJECTION.NOT_OURS],
    ["count lies, more", at(altered(GOLDEN_PASS, { 3: 2 })), REJECTION.LENGTH],
    ["count lies, none", at(altered(GOLDEN_PASS, { 3: 0 })), REJECTION.LENGTH],
    ["26 bytes too many", at(Buffer.concat([Buffer.from(GOLDEN_PASS, "hex"), Buffer.alloc(26)])), REJECTION.LENGTH],
    ["a stub of 4 bytes", at(GOLDEN_PASS.slice(0, 8)), REJECTION.TRUNCATED],
    ["another address", at(altered(GOLDEN_PASS, { 11: 101 })), REJECTION.ADDRESSES],
    ["unicast at multicast", at(GOLDEN_PASS, { destination: PEER }), REJECTION.MODE],
    ["multicast at unicast", at(GOLDEN_PASS, {}, { ...V2, mode: "unicast" }), REJECTION.MODE],
    ["IP options", at(GOLDEN_PASS, { options: 1 }), REJECTION.ACCEPTED],
  ];
  for (const [name, got, wanted] of cases) t.equal(text(got), text(wanted), name);

  const carp = new Uint8Array(36).fill(7);
  carp[0] = 0x21;
  carp[1] = 50;
  t.equal(at(carp), REJECTION.LENGTH, "CARP shares protocol and group, not the length");
  for (let length = 0; length < 20; length++) {
    t.equal(
      at(GOLDEN_PASS.slice(0, 2 * length)),
      length < 8 ? REJECTION.TRUNCATED : REJECTION.LENGTH,
      `cut at ${length}`,
    );
  }
});

t.test("addresses: order does not matter, others are a warning or a rejection", async (t) => {
  const two = Buffer.concat([ip("10.99.0.101"), ADDRESS]);
  const message = withChecksum(Buffer.concat([Buffer.from("31326402000a0000", "hex"), ADDRESS, ip("10.99.0.101")]));
  const inOrder = packet4(message);
  t.equal(checkPacket(inOrder, { ...V3, addresses: two }), REJECTION.ACCEPTED);
  t.equal(inOrder.hasOtherAddresses, false);
  t.equal(checkPacket(inOrder, V3), REJECTION.COUNT);
  t.equal(checkPacket(inOrder, { ...V3, strictAddresses: false }), REJECTION.ACCEPTED);
  t.equal(inOrder.hasOtherAddresses, true);
  t.equal(checkPacket(inOrder, { ...V3, addresses: Buffer.concat([ADDRESS, PEER]) }), REJECTION.ADDRESSES);
});

t.test("unicast peers and their TTL", async (t) => {
  const expected: Expectation = {
    ...V3,
    mode: "unicast",
    peers: [
      { address: PEER, minTtl: 0, maxTtl: 255 },
      { address: SOURCE, minTtl: 254, maxTtl: 255 },
    ],
  };
  const received = (ttl: number, source = SOURCE) => {
    const message = writer(3, 100, null).write(100, source, PEER).slice();
    return checkPacket(packet4(message, { destination: PEER, source, ttl }), expected);
  };
  t.equal(received(255), REJECTION.ACCEPTED);
  t.equal(received(253), REJECTION.PEER_TTL);
  t.equal(received(1, PEER), REJECTION.ACCEPTED);
  t.equal(received(255, ip("10.99.0.3")), REJECTION.PEER);
});

t.test("what IP itself lies about", async (t) => {
  const packet = new Packet(new Uint8Array(64));
  const read = (changes: Record<number, number>, length = 40) => {
    packet.bytes.fill(0);
    packet.bytes[0] = 0x45;
    packet.bytes[3] = 40;
    for (const [at, value] of Object.entries(changes)) packet.bytes[Number(at)] = value;
    return readPacket4(packet, length);
  };
  t.equal(read({}), true);
  t.equal(read({}, 19), false, "no header");
  t.equal(read({ 0: 0x65 }), false, "version 6");
  t.equal(read({ 0: 0x44 }), false, "a header of 16 bytes");
  t.equal(read({ 3: 41 }), false, "longer than what came");
  t.equal(read({ 3: 10 }), false, "shorter than its header");
  t.equal(read({ 0: 0x4f }), false, "a header longer than the packet");
});

t.test("ties are broken by the address, unsigned", async (t) => {
  t.ok(compareAddresses(ip("10.0.0.2"), ip("10.0.0.1"), 4) > 0);
  t.ok(compareAddresses(ip("200.0.0.1"), ip("10.0.0.9"), 4) > 0);
  t.equal(compareAddresses(ip("fe80::1"), ip("fe80::1"), 16), 0);
  t.ok(compareAddresses(ip("fe80::1"), ip("fe80::ff"), 16) < 0);
});

t.test("random bytes: nothing throws, next to nothing is accepted", async (t) => {
  const rounds = Number(process.env["RINGWAY_FUZZ"] ?? 100_000);
  const packet = new Packet(new Uint8Array(128));
  const goldens = [GOLDEN_PASS, GOLDEN_V3].map((golden) => packet4(golden).bytes.slice());
  const expectations = [V2, V3];
  let state = 0x2545f491;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  let accepted = 0;
  let judged = 0;
  for (let round = 0; round < rounds; round++) {
    const which = random() & 1;
    const golden = goldens[which]!;
    packet.bytes.fill(0);
    packet.bytes.set(golden);
    // A few bytes of a good packet changed gets deeper than noise; the first quarter is noise all the same.
    const changes = (round & 3) === 0 ? packet.bytes.length : 1 + (random() % 4);
    const span = (round & 3) === 0 ? packet.bytes.length : golden.length;
    for (let i = 0; i < changes; i++) packet.bytes[random() % span] = random();
    const length = (random() & 7) === 0 ? random() % 129 : golden.length;
    if (!readPacket4(packet, length)) continue;
    judged++;
    const sameContent = packet.bytes.subarray(20, golden.length).every((byte, i) => byte === golden[20 + i]);
    if (checkPacket(packet, expectations[which]!) === REJECTION.ACCEPTED && !sameContent) accepted++;
  }
  t.ok(judged > rounds / 4, `${judged} of ${rounds} reached the rules`);
  // One in 65536 wrong checksums is right by chance (version 3 has two chances), and reserved bits and the like are free.
  t.ok(accepted < 10 + rounds / 500, `${accepted} changed messages were accepted`);
});

t.test("receiving leaves nothing on the heap", async (t) => {
  const packet = packet4(GOLDEN_PASS);
  const run = (rounds: number) => {
    let sum = 0;
    for (let i = 0; i < rounds; i++) {
      readPacket4(packet, packet.bytes.length);
      sum += checkPacket(packet, V2);
    }
    return sum;
  };
  let refused = 0;
  const growth = leastHeapGrowth(() => {
    refused += run(100_000);
  }, 20_000);
  t.equal(refused, 0);
  t.ok(growth <= 20_000, `a hundred thousand packets took ${growth} bytes of heap`);
});
