// DNS messages: what is written is what RFC 1035 says, what is read is a stranger's word.

import t from "tap";
import { isQueryable, RECORD, readAnswer, writeQuestion } from "./message.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");
const QUESTION = "03 777777 04 74657374 00";

t.test("a question", async (t) => {
  t.equal(
    writeQuestion(0x1234, "www.test.", RECORD.aaaa, 1232).toString("hex"),
    hex(`1234 0100 0001 0000 0000 0001 ${QUESTION} 001c 0001 00 0029 04d0 00000000 0000`).toString("hex"),
  );
  t.equal(isQueryable("a..b"), false);
  t.equal(isQueryable(`${"a".repeat(64)}.test`), false);
  t.equal(isQueryable("_http._tcp.web.test"), true);
});

t.test("answers: addresses, aliases, services, names that point back", async (t) => {
  const alias = `c00c 0005 0001 00000005 0006 03 776562 c010`;
  const address = "c026 0001 0001 00000005 0004 0a000001";
  const got = readAnswer(hex(`1234 8180 0001 0002 0000 0000 ${QUESTION} 0001 0001 ${alias} ${address}`));
  t.match(got, { id: 0x1234, code: 0, name: "www.test", type: 1, addresses: ["10.0.0.1"], hasAlias: true });
  const service = "c00c 0021 0001 00000005 000c 0000 0100 1f90 03 776562 c010";
  t.match(readAnswer(hex(`0001 8180 0001 0001 0000 0000 ${QUESTION} 0021 0001 ${service}`)), {
    services: [{ target: "web.test", port: 8080, weight: 256 }],
  });
  for (const [bytes, text] of [
    ["20010db8 00000000 00000000 00000001", "2001:db8::1"],
    ["00000000 00000000 00000000 00000000", "::"],
    ["00000000 00000000 00000000 00000001", "::1"],
    ["20010db8 00000001 00010001 00010000", "2001:db8:0:1:1:1:1:0"],
  ] as const) {
    const record = `c00c 001c 0001 00000005 0010 ${bytes}`;
    t.same(readAnswer(hex(`0001 8180 0001 0001 0000 0000 ${QUESTION} 001c 0001 ${record}`))?.addresses, [text]);
  }
  t.match(readAnswer(hex(`0001 8383 0001 0000 0000 0000 ${QUESTION} 0001 0001`)), { code: 3, isTruncated: true });
});

t.test("what is no answer", async (t) => {
  const head = "0001 8180 0001 0001 0000 0000";
  for (const [what, bytes] of [
    ["nothing", ""],
    ["a question", `0001 0100 0001 0000 0000 0000 ${QUESTION} 0001 0001`],
    ["two questions", `0001 8180 0002 0000 0000 0000 ${QUESTION} 0001 0001`],
    ["a name that points to itself", `${head} c00c 0001 0001`],
    ["a name that points forward", `${head} c020 0001 0001`],
    ["a label beyond the end", `${head} 3f 61`],
    ["a label of another kind", `${head} 80 00 0001 0001`],
    ["a record that is cut", `${head} ${QUESTION} 0001 0001 c00c 0001 0001 00000005 0004 0a00`],
    ["an address of five bytes", `${head} ${QUESTION} 0001 0001 c00c 0001 0001 00000005 0005 0a00000101`],
    ["fewer records than it says", `${head} ${QUESTION} 0001 0001`],
  ] as const)
    t.equal(readAnswer(hex(bytes)), null, what);
  let seed = 1035;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
  const good = hex(`${head} ${QUESTION} 0001 0001 c00c 0001 0001 00000005 0004 0a000001`);
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(good.subarray(0, random(good.length + 1)));
    for (let k = random(4); k > 0 && bytes.length > 0; k--) bytes[random(bytes.length)] = random(256);
    readAnswer(bytes);
  }
  t.pass("noise ends with a verdict");
});
