// Converters alone: published vectors, what HAProxy's regression tests of 3.5 expect, what HAProxy does otherwise and we on purpose do not, refused
// arguments, and random bytes through every converter: nothing throws, nothing writes beyond its scratch area. That converters give what
// HAProxy's give is oracle.test.ts's matter.

import t from "tap";
import { parseSample } from "../../config/expression/sample.ts";
import { CONVERTERS } from "../converters.table.ts";
import { compileSample } from "../expression.ts";
import { addPatterns, makeContext, makePlan, makeStream } from "../fixture.ts";
import { TYPE } from "../types.ts";
import type { SampleValue } from "../value.ts";
import { randomNumbers } from "./oracle.fixture.ts";

const ctx = makeContext(makePlan([{ serverSettings: [{}] }]));
const stream = makeStream(ctx, null);

/** A sample whose fetch is replaced by `input`; null: not found. */
function convert(input: string, converters: string): string | null {
  const parsed = parseSample(`env(HOME),${converters}`);
  if (!parsed.ok) throw new Error(`${converters}: ${parsed.message}`);
  const sample = { ...parsed.sample, fetch: "str", arguments: [input] };
  return compileSample(sample, ctx, false, "str").first(stream) === 2 ? ctx.value.text() : null;
}

function problem(expression: string): string {
  const parsed = parseSample(expression);
  return parsed.ok ? "accepted" : parsed.message;
}

t.test("published vectors", (t) => {
  t.equal(convert("abc", "sha1,hex,lower"), "a9993e364706816aba3e25717850c26c9cd0d89d", "RFC 3174");
  t.equal(convert("abc", "xxh32"), String(0x32d153ff));
  t.equal(convert("abc", "xxh64,hex"), "44BC2CF5AD770999");
  t.equal(convert("abc", "xxh3,hex"), "78AF5F94892F3950");
  t.equal(convert("123456789", "crc32,hex"), "00000000CBF43926");
  t.equal(convert("123456789", "crc32c,hex"), "00000000E3069283");
  t.equal(convert("foob", "base64"), "Zm9vYg==", "RFC 4648");
  t.equal(
    convert("Hi There", `hmac(sha256,${Buffer.alloc(20, 0x0b).toString("base64")}),bytes(0,4),hex`),
    "B0344C61",
    "RFC 4231",
  );
  t.equal(convert("784111777", "http_date"), "Sun, 06 Nov 1994 08:49:37 GMT", "RFC 9110");
  t.end();
});

t.test("where we are not HAProxy 3.2", (t) => {
  t.equal(convert("012345", "bytes(2,7)"), "2345", "a length beyond the end is cut, as 3.5 does");
  t.equal(convert("h:8x", "port_only"), "8", "digits only");
  t.equal(convert("en;q=0,fr;q=0.1", "language(en;fr)"), "fr", "q=0 is not wanted, the next one is");
  t.equal(convert("Zg==", "ub64dec"), null, "base64url has no padding");
  t.equal(convert('{"a":"\\u20ac\\/\\ud83d\\ude00"}', "json_query('$.a'),hex"), "E282AC2FF09F9880");
  t.equal(convert("784111777007", "http_date(0,ms)"), "Sun, 06 Nov 1994 08:49:37.007 GMT");
  t.equal(convert("-1", "ms_utime(%F %T.%3N)"), "1969-12-31 23:59:59.999");
  t.equal(convert("Sun, 06 Nov 1932 08:49:37 GMT", "date"), "-1172416223", "before 1970");
  t.end();
});

t.test("arguments that are refused, in HAProxy's words", (t) => {
  const args = (converter: string, message: string): string => `invalid args in converter '${converter}' : ${message}`;
  const expected: Readonly<Record<string, string>> = {
    "int(1),add(x)": args("add", "expects an integer or a variable name"),
    "int(1),add(txn.x y)": args("add", "invalid syntax at char ' '"),
    "str(a),bytes(-1)": args("bytes", "expects a non-negative integer"),
    "str(a),bytes(0,0)": args("bytes", "expects a positive integer"),
    "str(a),field(0,a)": args("field", "Unexpected value 0 for index"),
    "str(a),field(1,)": args("field", "Empty separators list"),
    "str(a),field(1)": "invalid arg 2 in converter 'field' : missing arguments (got 1/2), type 'string' expected",
    "str(a),word(x,a)": "invalid arg 1 in converter 'word' : failed to parse 'x' as type 'integer' at position 1",
    "str(a),be2dec(:,9)": args("be2dec", "chunk_size out of [1..8] range (9)"),
    "str(a),be2hex(:,1,2)": args("be2hex", "Unsupported truncate value (2)"),
    "str(a),sha2(5)": args("sha2", "Unsupported number of bits: '5'"),
    "str(a),digest(foo)": args("digest", "algorithm must be a valid OpenSSL message digest name."),
    "str(a),hmac(sha256,!!!)": args("hmac", "failed to parse key : argument needs to be base64 encoded"),
    "src,ipmask(33)": "invalid arg 1 in converter 'ipmask' : failed to parse '33' as type 'IPv4 mask' at position 1",
    "src,ipmask(24,129)":
      "invalid arg 2 in converter 'ipmask' : failed to parse '129' as type 'IPv6 mask' at position 2",
    "int(1),http_date(0,x)": args("http_date", "expects 's', 'ms' or 'us', got 'x'"),
    "str(a),param(a,bb)": args("param", "Delimiter must be exactly 1 character."),
    "str(a),url_enc(x)": args("url_enc", "Unexpected encode type. Allowed value is 'query'"),
    "str(a),regsub(a,b,x)": args("regsub", "invalid regex flag 'x', only 'i' and 'g' are supported"),
    "str(a),json_query('$.a','x')": args("json_query", 'output_type only supports "int" as argument'),
    "str(a),concat(a,b)": args(
      "concat",
      "invalid variable name 'b'. A variable name must start with its scope. The scope can be 'proc', '(p)sess', '(p)txn', '(p)req', '(p)res' or 'check'.",
    ),
    "str(a),add_item(a,,)": args("add_item", "one of the optional arguments has to be nonempty"),
    "str(a),length(1)": "invalid arg 1 in converter 'length' : expected ')' before '1)'",
    "req.hdr(d),b64dec,add(1)": "converter 'add' cannot be applied",
    "str(a),ltrim": "accepted",
    "int(1),add": "accepted",
  };
  for (const [expression, message] of Object.entries(expected)) t.equal(problem(expression), message, expression);
  t.end();
});

/** Arguments with which each converter that needs some can run. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  add_item: "(x,,yz)",
  be2dec: "(:,3)",
  be2hex: "(--,3)",
  bytes: "(1,5)",
  digest: "(md5)",
  field: "(2,a)",
  hmac: "(sha256,a2V5)",
  iif: "(y,n)",
  ipmask: "(24,64)",
  json_query: "('$.a[1].b')",
  jwt_verify: "(HS256,secret)",
  language: "(en;fr)",
  ltime: "(%c%Z)",
  ms_ltime: "(%c%N)",
  ms_utime: "(%A%B)",
  param: "(a)",
  regsub: "('[a-f]+','<\\0>',g)",
  us_ltime: "(%G%V)",
  us_utime: "(%s)",
  utime: "(%U%W%j)",
  word: "(-2,'a;')",
  when: "(normal)",
  aes_cbc_dec: "(128,MTIzNDU2Nzg5MDEyMzQ1Ng==,Zm9vb2Zvb29mb29vb29vbw==)",
  aes_cbc_enc: "(128,MTIzNDU2Nzg5MDEyMzQ1Ng==,Zm9vb2Zvb29mb29vb29vbw==)",
  aes_gcm_dec: "(128,MTIzNDU2Nzg5MDEy,Zm9vb2Zvb29mb29vb29vbw==,Zm9vb2Zvb29mb29vb29vbw==)",
  fix_tag_value: "(MsgType)",
  le2dec: "(:,3)",
  mqtt_field_value: "(connect,username)",
  protobuf: "(1.2,sint64)",
  rfc7239_field: "(for)",
  ungrpc: "(2,double)",
  json: "(utf8ps)",
};

const PATTERN_KEYS: Readonly<Record<string, readonly string[]>> = { int: ["1", "5:9"], ip: ["10.0.0.0/8", "::1"] };
const VARIABLES = { debug: true, aes_gcm_enc: true, secure_memcmp: true, strcmp: true };

t.test("random bytes through every converter: no exception, no byte out of bounds", (t) => {
  const random = randomNumbers(99);
  const value: SampleValue = ctx.value;
  for (const { name, input, map, arguments: specs } of CONVERTERS.values()) {
    // Stick-tables have tests of their own; the variables' converters need variables.
    if (
      specs.some(({ kind }) => kind === "table") ||
      name.endsWith("set-var") ||
      name.startsWith("capture-") ||
      name in VARIABLES
    )
      continue;
    const args = map === null ? (ARGUMENTS[name] ?? "") : "(virt@random)";
    const parsed = parseSample(`${input === "bin" ? "bin(00)" : "str(a)"},${name}${args}`);
    if (parsed.ok) {
      for (const reference of parsed.references) {
        if (reference.kind === "patterns")
          reference.found(addPatterns(ctx, PATTERN_KEYS[map!.match] ?? ["a", "b."], ["1", "2"]));
      }
    }
    if (!parsed.ok) {
      t.fail(`${name}: ${parsed.message}`);
      continue;
    }
    // Without the fetch's own bytes: the sample is replaced before each run.
    let bytes = new Uint8Array(0);
    let isSound = true;
    const compiled = compileSample({ ...parsed.sample, fetch: "url", arguments: [] }, ctx, false, null);
    for (let round = 0; round < 300; round++) {
      // Some as long as a buffer, so that what grows does not fit.
      const length = round % 50 === 0 ? ctx.plan.global.bufsizeBytes : random(80);
      bytes = Uint8Array.from({ length }, () => (round % 2 === 0 ? random(256) : 32 + random(96)));
      const message = stream.request;
      stream.flags |= 1;
      message.start = 0;
      message.end = message.targetEnd = length;
      message.targetStart = 0;
      ctx.bytes.set(bytes);
      const result = compiled.first(stream);
      if (result !== 2) continue;
      if (value.type === TYPE.sint || value.type === TYPE.bool) isSound &&= !Number.isNaN(value.int);
      else if (value.type === TYPE.str || value.type === TYPE.bin) {
        isSound &&= value.start >= 0 && value.start <= value.end && value.end <= value.bytes.length;
      }
      isSound &&= ctx.bytes.subarray(0, length).every((byte, i) => byte === bytes[i]);
    }
    t.ok(isSound, name);
  }
  t.end();
});

t.test("expensive input costs linear time", (t) => {
  const deep = "[".repeat(15000);
  const begin = performance.now();
  t.equal(convert(`{"x":${deep},"a":1}`, "json_query('$.a')"), null, "brackets that never close");
  t.equal(convert("a".repeat(15000), "regsub('(a+)+$','x')"), "x");
  t.equal(convert(`${"a".repeat(15000)}!`, "regsub('^(a+)+$','x'),length"), "15001");
  const nested = "\n\x7f".repeat(7000);
  t.equal(convert(nested, "protobuf(1.1.1.1.1.1.1.1,int32)"), null, "messages in messages");
  t.equal(convert(`8=FIX.4.4\x01${"9=1\x01".repeat(3000)}`, "fix_is_valid"), "0");
  t.equal(convert(`for=${'"'.repeat(15000)}`, "rfc7239_is_valid"), "0");
  t.equal(convert(`for="${"\\a".repeat(7000)}`, "rfc7239_is_valid"), "0", "a quoted string that never ends");
  t.equal(convert(`${"a.".repeat(7000)}a`, "reverse_dom,length"), "14001");
  t.equal(
    convert('{"a":1e1000000000}', "json_query('$.a')"),
    "inf",
    "an exponent that nobody can hold (CVE-2025-11230)",
  );
  t.ok(performance.now() - begin < 5000, "all together in less than 5 s");
  t.end();
});
