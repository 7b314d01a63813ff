// Signed adverts: packets captured from keepalived (authentication headers of 2.2.7, trailers of 2.4), byte by byte in both directions; forged,
// late and repeated ones.

import t from "tap";
import { parseAddress } from "../../shared/ip/text.ts";
import { instancePlan, MULTICAST, virtualAddress } from "../plan/fixture.ts";
import type { HmacPlan, InstancePlan } from "../plan/vrrp.ts";
import { AdvertHmac, TRAILER_BYTES } from "./advert-hmac.ts";
import { AH_BYTES, AuthenticationHeader } from "./authentication-header.ts";
import { AdvertWriter, checkPacket, Packet, readPacket4, setPacket6 } from "./packet.ts";
import { REJECTION, REJECTION_TEXTS } from "./rejection.ts";
import { advertWriterOf, expectationOf, type Signatures } from "./wire-format.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
const GROUP = parseAddress("224.0.0.18")!;
const SOURCE = parseAddress("10.99.0.1")!;

const AH = [
  "45c0004000010000ff33d0530a630001e0000012 700400000a63000100000001c8d4d695ca0c26c6d0289ebe 2132640102016e040a6300640000000000000000",
  "45c0004000020000ff33d0520a630001e0000012 700400000a6300010000000282b6078b0741884ec2a7c828 2132640102016e040a6300640000000000000000",
];
const AH_UNICAST =
  "45c0004000010000ff33a6010a6300010a630002 700400000a63000100000001be9f39c55eb76c25cb2bb3a5 2132640102016e040a6300640000000000000000";
const HMAC = [
  "45c0003c00010000ff70d01a0a630001e0000012 31326401000a75080a630064 010700006b0935908ea50000be2bbfe2f1340644df443e8a020e9912",
  "45c0003c00020000ff70d0190a630001e0000012 31326401000a75080a630064 010700006b093590a90200007ec524b27bb1c39d527e766425dd4caf",
];
const HMAC6 =
  "31326402000a1162 fe800000000000000000000000000100fd990000000000000000000000000100 010700006b09359328f10000f7a25ad95ab13959c6e3f1da913be14c";
const SOURCE6 = "fe80::a82f:3dff:fe38:9c2f";
/** When those were captured. */
const CAPTURED_MS = 0x6b093590 * 1000;
const PASSWORD = new Uint8Array(Buffer.from("s3cr3t99"));
const KEYS: HmacPlan = {
  keys: [{ id: 7, secret: Uint8Array.from({ length: 32 }, (_, index) => index) }],
  activeKey: 0,
  ...{ antiReplay: "time", timeWindowMs: 5000, mode: "enforce" },
};

function plan(changes: Partial<InstancePlan>): InstancePlan {
  return instancePlan({ version: 2, advertIntervalMs: 1000, ...changes });
}

function packet4(text: string): Packet {
  const bytes = bytesOf(text);
  const packet = new Packet(bytes);
  if (!readPacket4(packet, bytes.length)) throw new Error("not an IPv4 packet");
  return packet;
}

const verdict = (packet: Packet, of: InstancePlan, signatures: Signatures) =>
  REJECTION_TEXTS[checkPacket(packet, expectationOf(of, GROUP, signatures))];

/** With the byte at `at` of the whole packet changed. */
function tampered(text: string, at: number): string {
  const bytes = bytesOf(text);
  bytes[at]! ^= 1;
  return hex(bytes);
}

t.test("authentication headers", async (t) => {
  const withAh = plan({ authentication: { type: "ah", data: PASSWORD } });
  const fresh = (isUnicast = false): Signatures => ({
    authenticationHeader: new AuthenticationHeader(PASSWORD, isUnicast, 0),
    hmac: null,
  });
  const signatures = fresh();
  t.equal(verdict(packet4(AH[0]!), withAh, signatures), "accepted");
  t.equal(verdict(packet4(AH[1]!), withAh, signatures), "accepted");
  t.match(verdict(packet4(AH[0]!), withAh, signatures), /seen before/);
  for (const at of [12, 16, 28, 40, 50])
    t.match(verdict(packet4(tampered(AH[0]!, at)), withAh, fresh()), /does not fit/);
  t.equal(verdict(packet4(tampered(AH[0]!, 1)), withAh, fresh()), "accepted", "the type of service may change");
  const other = { authenticationHeader: new AuthenticationHeader(new Uint8Array(8), false, 0), hmac: null };
  t.match(verdict(packet4(AH[0]!), withAh, other), /does not fit/);
  const unicast = plan({
    authentication: { type: "ah", data: PASSWORD },
    transport: { ...MULTICAST, mode: "unicast", checkUnicastSource: false },
  });
  t.equal(verdict(packet4(AH_UNICAST), unicast, fresh(true)), "accepted");
  t.match(verdict(packet4(AH[0]!), plan({}), { authenticationHeader: null, hmac: null }), /type differs/);
  const bare = AH[0]!.split(" ");
  t.match(verdict(packet4(`45c0002800010000ff7000000a630001e0000012${bare[2]}`), withAh, fresh()), /type differs/);
  t.throws(() => packet4(AH[0]!.replace(" 7004", " 1104")), "another protocol behind it is not ours");

  const advert = advertWriterOf(withAh, fresh()).write(100, SOURCE, GROUP);
  t.equal(hex(advert), bare[2], "the message");
  const packet = bytesOf(AH[0]!);
  packet.fill(0, 20, 20 + AH_BYTES);
  const header = new AuthenticationHeader(PASSWORD, false, 0);
  for (const golden of AH) {
    packet[5] = bytesOf(golden)[5]!;
    header.seal(packet, 20);
    t.equal(hex(packet.subarray(20)), hex(bytesOf(golden).subarray(20)));
  }
  const later = new AuthenticationHeader(PASSWORD, false, Date.UTC(2026, 0, 1));
  const before = new AuthenticationHeader(PASSWORD, false, Date.UTC(2025, 11, 31));
  const sealed = (by: AuthenticationHeader) => {
    by.seal(packet, 20);
    return new DataView(packet.buffer).getUint32(28);
  };
  for (let sent = 0; sent < 100_000; sent++) before.seal(packet, 20);
  t.ok(sealed(later) > sealed(before), "after a restart the sequence is higher than before");
  t.equal(later.check(bytesOf(AH[0]!), 20, 64), "valid", "others begin with 1");
});

t.test("trailers", async (t) => {
  const of = instancePlan({ hmac: KEYS });
  const fresh = (changes: Partial<HmacPlan> = {}, now = () => CAPTURED_MS): Signatures => ({
    authenticationHeader: null,
    hmac: new AdvertHmac({ ...KEYS, ...changes }, of, 0, now),
  });
  const signatures = fresh();
  t.equal(verdict(packet4(HMAC[0]!), of, signatures), "accepted");
  t.equal(verdict(packet4(HMAC[1]!), of, signatures), "accepted");
  t.match(verdict(packet4(HMAC[0]!), of, signatures), /seen before/);
  // The source, the priority, an address, the fraction, the signature. (A wrong checksum is the checksum's business.)
  for (const at of [15, 22, 30, 42, 50]) {
    t.match(verdict(packet4(tampered(HMAC[0]!, at)), of, fresh()), /does not fit/, `byte ${at}`);
  }
  t.match(verdict(packet4(tampered(HMAC[0]!, 32)), of, fresh()), /is none/, "an unknown type");
  t.match(verdict(packet4(tampered(HMAC[0]!, 33)), of, fresh()), /unknown key/);
  t.match(verdict(packet4(tampered(HMAC[0]!, 26)), of, fresh()), /checksum/);
  for (const skew of [6, -6]) {
    t.match(
      verdict(
        packet4(HMAC[0]!),
        of,
        fresh({}, () => CAPTURED_MS + skew * 1000),
      ),
      /another time/,
    );
  }
  const growing = fresh({ antiReplay: "monotonic" }, () => 0);
  t.equal(verdict(packet4(HMAC[1]!), of, growing), "accepted", "whatever the clock says");
  t.match(verdict(packet4(HMAC[0]!), of, growing), /seen before/);

  const plain = "45c0002000010000ff7000000a630001e0000012 31326401000a75080a630064";
  t.match(verdict(packet4(plain), of, fresh()), /no authentication trailer/);
  for (const mode of ["permissive", "receive-only"] as const) {
    t.equal(verdict(packet4(plain), of, fresh({ mode })), "accepted", mode);
    t.equal(verdict(packet4(HMAC[0]!), of, fresh({ mode })), "accepted", mode);
    t.match(verdict(packet4(tampered(HMAC[0]!, 50)), of, fresh({ mode })), /does not fit/, mode);
  }
  t.match(
    verdict(packet4(HMAC[0]!), instancePlan(), { authenticationHeader: null, hmac: null }),
    /length/,
    "without keys",
  );

  const bytes = bytesOf(HMAC6);
  const six = instancePlan({
    ...{ family: 6, addresses: ["fe80::100/64", "fd99::100/64"].map((text) => virtualAddress(text)) },
  });
  const packet = new Packet(bytes);
  packet.source.set(parseAddress(SOURCE6)!);
  packet.destination.set(parseAddress("ff02::12")!);
  setPacket6(packet, bytes.length, 255);
  const hmac6 = new AdvertHmac(KEYS, six, 0, () => 0x6b093593 * 1000);
  t.equal(verdict(packet, six, { authenticationHeader: null, hmac: hmac6 }), "accepted", "IPv6");
});

t.test("trailers that are sent", async (t) => {
  let nowMs = CAPTURED_MS + (0x8ea5 / 65536) * 1000 + 0.01;
  const of = instancePlan();
  const hmac = new AdvertHmac(KEYS, of, 0, () => nowMs);
  const writer = advertWriterOf(of, { authenticationHeader: null, hmac });
  t.equal(hex(writer.write(100, SOURCE, GROUP)), HMAC[0]!.split(" ").slice(1).join(""), "keepalived's bytes");
  const sequence = () => new DataView(writer.write(100, SOURCE, GROUP).buffer).getBigUint64(writer.message.length - 24);
  const first = sequence();
  t.equal(sequence(), first + 1n, "the clock stands still");
  nowMs -= 3000;
  t.equal(sequence(), first + 2n, "it was set back");
  nowMs -= 60_000;
  t.ok(sequence() < first, "so far that nobody would believe the old time");
  const silent = advertWriterOf(of, {
    authenticationHeader: null,
    hmac: new AdvertHmac({ ...KEYS, mode: "receive-only" }, of, 0),
  });
  t.equal(silent.message.length, writer.message.length - TRAILER_BYTES);

  const receiver = new AdvertHmac(KEYS, of, 0, () => nowMs);
  const check = (by: AdvertHmac, source: Uint8Array) => {
    const own = new AdvertWriter({
      ...{ version: 3, family: 4, virtualRouterId: 50, intervalMs: 100, addresses: parseAddress("10.99.0.100")! },
      ...{ password: null, isAh: false, hmac: by, withPseudoHeader: true },
    });
    const message = own.write(100, source, GROUP).slice();
    return () => receiver.check(message, 0, message.length, source);
  };
  const many = [1, 2, 3, 4, 5].map((last) =>
    check(new AdvertHmac(KEYS, of, 0, () => nowMs), Uint8Array.of(10, 99, 0, last)),
  );
  t.same(
    many.map((again) => again()),
    many.map(() => REJECTION.ACCEPTED),
  );
  t.equal(many[4]!(), REJECTION.HMAC_REPLAYED);
  t.equal(many[0]!(), REJECTION.ACCEPTED, "of more than four senders the first is forgotten");
  nowMs += 120_000;
  t.equal(many[4]!(), REJECTION.HMAC_STALE);
});
