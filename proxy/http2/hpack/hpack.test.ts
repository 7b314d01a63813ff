// HPACK against RFC 7541's own examples (appendix C), against Node's (nghttp2's) encoder by way of test/http2.test.ts, and against noise: whatever bytes
// come, decoding ends with a verdict, and a block is never more work than its own length and the list's limit.

import t from "tap";
import { FieldList, HpackDecoder } from "./decoder.ts";
import { HpackWriter } from "./encoder.ts";
import { decodeHuffman } from "./huffman.ts";
import { STATIC_COUNT, STATIC_NAMES, staticNameIndex } from "./static-table.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
const text = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.subarray(start, end)).toString("latin1");

class Peer {
  readonly fields: FieldList;
  readonly decoder = new HpackDecoder(new Uint8Array(32_768));

  constructor(fieldsMax = 64, bytesMax = 16_384) {
    this.fields = new FieldList(fieldsMax, bytesMax);
  }

  read(block: Uint8Array): string[] | null {
    if (!this.decoder.decode(block, 0, block.length, this.fields)) return null;
    const { fields } = this;
    return Array.from({ length: fields.count }, (_, i) => {
      const name = text(fields.bytes, fields.nameStart(i), fields.nameEnd(i));
      return `${name}: ${text(fields.bytes, fields.nameEnd(i), fields.valueEnd(i))}`;
    });
  }
}

const FIRST = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
const DATE = "date: Mon, 21 Oct 2013 20:13:21 GMT";
const LOCATION = "location: https://www.example.com";

t.test("RFC 7541 C.2: single fields", async (t) => {
  t.same(new Peer().read(hex("400a637573746f6d2d6b65790d637573746f6d2d686561646572")), ["custom-key: custom-header"]);
  t.same(new Peer().read(hex("040c2f73616d706c652f70617468")), [":path: /sample/path"]);
  t.same(new Peer().read(hex("100870617373776f726406736563726574")), ["password: secret"]);
  t.same(new Peer().read(hex("82")), [":method: GET"]);
});

t.test("RFC 7541 C.3 and C.4: requests on one connection, plain and with Huffman code", async (t) => {
  const plain = new Peer();
  const coded = new Peer();
  t.same(plain.read(hex("828684410f7777772e6578616d706c652e636f6d")), FIRST);
  t.same(coded.read(hex("828684418cf1e3c2e5f23a6ba0ab90f4ff")), FIRST);
  const second = [...FIRST, "cache-control: no-cache"];
  t.same(plain.read(hex("828684be58086e6f2d6361636865")), second);
  t.same(coded.read(hex("828684be5886a8eb10649cbf")), second);
  const third = [":method: GET", ":scheme: https", ":path: /index.html", FIRST[3]!, "custom-key: custom-value"];
  t.same(plain.read(hex("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565")), third);
  t.same(coded.read(hex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")), third);
});

t.test("RFC 7541 C.5: responses with a table of 256 bytes, entries leave it", async (t) => {
  const peer = new Peer();
  const resize = "3fe101";
  t.same(
    peer.read(
      hex(
        `${resize}4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d`,
      ),
    ),
    [":status: 302", "cache-control: private", DATE, LOCATION],
  );
  t.same(peer.read(hex("4803333037c1c0bf")), [":status: 307", "cache-control: private", DATE, LOCATION]);
  t.same(
    peer.read(
      hex(
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
      ),
    ),
    [
      ":status: 200",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:22 GMT",
      LOCATION,
      "content-encoding: gzip",
      "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ],
  );
});

t.test("what breaks the code ends with a verdict", async (t) => {
  t.equal(new Peer().read(hex("80")), null, "index 0");
  t.equal(new Peer().read(hex("be")), null, "an entry that is not there");
  t.equal(new Peer().read(hex("8220")), null, "a resize behind a field");
  t.equal(new Peer().read(hex("3fe21f")), null, "a table larger than we allowed");
  t.equal(new Peer().read(hex("ffffffffffff7f")), null, "an integer without end");
  t.equal(new Peer().read(hex("400a6375")), null, "a text that is cut");
  const out = new Uint8Array(64);
  t.equal(decodeHuffman(hex("ffffffff"), 0, 4, out, 0, 64), -1, "EOS");
  t.equal(decodeHuffman(hex("1f"), 0, 1, out, 0, 64), 1, "a byte and padding of ones");
  t.equal(decodeHuffman(hex("18"), 0, 1, out, 0, 64), -1, "padding of zeros");
  t.equal(decodeHuffman(hex("1fff"), 0, 2, out, 0, 64), -1, "padding of more than seven bits");
});

t.test("a block of references to one long entry is counted, not copied", async (t) => {
  const peer = new Peer(4000, 16_384);
  const value = "a".repeat(3900);
  const literal = Buffer.concat([hex("4003782d62"), Buffer.from([0x7f, 0xbd, 0x1d]), Buffer.from(value)]);
  t.same(peer.read(literal), [`x-b: ${value}`]);
  const bomb = new Uint8Array(16_384).fill(0xbe);
  t.not(peer.read(bomb), null);
  t.equal(peer.fields.overflowed, true);
  t.ok(peer.fields.end <= 16_384);
  t.same(peer.read(hex("82be")), [":method: GET", `x-b: ${value}`], "the table is still in step");
});

t.test("noise, and the table under it", async (t) => {
  let seed = 7541;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return seed % below;
  };
  const peer = new Peer();
  let fine = 0;
  for (let round = 0; round < 20_000; round++) {
    const block = Uint8Array.from({ length: random(60) }, () => random(256));
    if (peer.read(block) === null) peer.decoder.reset();
    else fine++;
  }
  t.ok(fine > 100, `${fine} blocks of noise have a meaning`);
});

t.test("fields that we write are read as they were, and the table stays empty", async (t) => {
  const bytes = new Uint8Array(4096);
  const put = (at: number, value: string): number => {
    bytes.set(Buffer.from(value, "latin1"), at);
    return at + value.length;
  };
  const writer = new HpackWriter(bytes);
  writer.begin(2048, 4096);
  const nameEnd = put(0, "content-type");
  const valueEnd = put(nameEnd, "x".repeat(300));
  const ownEnd = put(valueEnd, "x-own");
  writer.forgetTable();
  writer.status(200);
  writer.status(418);
  writer.field(0, nameEnd, nameEnd, valueEnd, false);
  writer.field(valueEnd, ownEnd, valueEnd, valueEnd, true);
  t.equal(writer.failed, false);
  const written = bytes.slice(2048, writer.at);
  t.same(new Peer().read(written), [":status: 200", ":status: 418", `content-type: ${"x".repeat(300)}`, "x-own: "]);
  writer.begin(2048, 2050);
  writer.status(418);
  t.equal(writer.failed, true);
  for (let index = 15; index <= STATIC_COUNT; index++) {
    const name = STATIC_NAMES[index]!;
    t.equal(staticNameIndex(name, 0, name.length), index);
  }
});
