// Announcements byte by byte, as keepalived sends them.

import t from "tap";
import { parseAddress } from "../../shared/ip/text.ts";
import { gratuitousArp, unsolicitedAdvertisement } from "./announcement.ts";

const MAC = Uint8Array.of(0x82, 0x84, 0x5e, 0x90, 0x7c, 0x63);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

t.test("gratuitous ARP", async (t) => {
  const frame = gratuitousArp(MAC, parseAddress("10.99.0.100")!);
  t.equal(frame.length, 42);
  t.equal(
    hex(frame),
    "ffffffffffff82845e907c630806" + // broadcast, from us, ARP
      "0001080006040001" + // Ethernet, IPv4, REQUEST
      "82845e907c630a630064ffffffffffff0a630064",
  );
});

t.test("unsolicited neighbour advertisement", async (t) => {
  const target = parseAddress("fd99::100")!;
  const frame = unsolicitedAdvertisement(MAC, target, false);
  t.equal(frame.length, 86);
  t.equal(hex(frame.subarray(0, 14)), "33330000000182845e907c6386dd");
  t.equal(hex(frame.subarray(14, 22)), "6000000000203aff");
  t.equal(hex(frame.subarray(22, 38)), hex(target), "from the address itself");
  t.equal(hex(frame.subarray(54)), `8800fbf320000000${hex(target)}020182845e907c63`);
  t.equal(unsolicitedAdvertisement(MAC, target, true)[58], 0xa0, "a router says so");
});
