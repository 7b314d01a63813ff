// The pieces of sample/: that tables and implementations fit together, casts, converters, hashes, responses, what is not there (yet). What
// each fetch gives for real requests is HAProxy's say: oracle.test.ts.

import t from "tap";
import { parseResponse } from "../http1/parser.ts";
import type { SamplePlan, SampleType } from "../plan/expression.ts";
import { CONVERTERS } from "./converters.table.ts";
import { CONVERTER_COMPILERS, compileSample, FETCH_COMPILERS } from "./expression.ts";
import { FETCHES } from "./fetches.table.ts";
import { makeContext, makePlan, makeStream, setClient } from "./fixture.ts";
import { avalanche, crc32, djb2, sdbm } from "./hash.ts";
import { canCast, TYPE } from "./types.ts";
import { textBytes } from "./value.ts";

const ctx = makeContext(
  makePlan([{ serverSettings: [{}] }], 1, [
    { index: 0, address: { kind: "ipv4", host: "127.0.0.1", port: 81 } },
    { index: 1, address: { kind: "ipv6", host: "::", port: 82, v6only: false, v4v6: true } },
    { index: 2, address: { kind: "unix", path: "/s" } },
  ]),
);
const plan = (fetch: string, args: readonly (string | number)[] = [], ...converters: string[]): SamplePlan => ({
  fetch,
  arguments: args,
  converters: converters.map((name) => ({ name, arguments: [] })),
});

/** The expression's text, or its result when it gives none. */
function text(
  sample: SamplePlan,
  as: SampleType = "str",
  head: string | null = "GET /p HTTP/1.1\r\n\r\n",
): string | number {
  const result = compileSample(sample, ctx, false, as).first(makeStream(ctx, head));
  return result === 2 ? ctx.value.text() : result;
}

t.test("every entry of the tables is implemented, and nothing else is", (t) => {
  const canonical = [...FETCHES.values()].filter(({ aliasOf }) => aliasOf === null).map(({ name }) => name);
  t.same(Object.keys(FETCH_COMPILERS).sort(), canonical.sort());
  t.same(Object.keys(CONVERTER_COMPILERS).sort(), [...CONVERTERS.keys()].sort());
  t.throws(() => compileSample(plan("nope"), ctx, false), /not served/);
  t.throws(() => compileSample(plan("path", [], "nope"), ctx, false), /not served/);
  t.throws(() => compileSample(plan("src"), ctx, false, "meth"), /let a cast/);
  t.throws(() => compileSample(plan("nbsrv"), ctx, false), /resolve/);
  t.end();
});

t.test("every allowed cast gives the type it promises", (t) => {
  const values: Readonly<Record<string, SamplePlan>> = {
    bool: plan("bool", ["true"]),
    sint: plan("int", [16909060]),
    ipv4: plan("ipv4", ["1.2.3.4"]),
    ipv6: plan("ipv6", ["::ffff:1.2.3.4"]),
    addr: plan("src"),
    str: plan("str", ["1.2.3.4"]),
    meth: plan("method"),
  };
  setClient(ctx, "9.8.7.6");
  for (const [from, sample] of Object.entries(values)) {
    for (const to of Object.keys(TYPE) as SampleType[]) {
      if (!canCast(from as SampleType, to)) continue;
      const result = compileSample(sample, ctx, false, to).first(makeStream(ctx, "GET / HTTP/1.1\r\n\r\n"));
      // 1.2.3.4 is no IPv6 address as text; everything else can be had.
      t.equal(result, from === "str" && to === "ipv6" ? 0 : 2, `${from} to ${to}`);
    }
  }
  const address = (sample: SamplePlan, as: SampleType) => {
    compileSample(sample, ctx, false, as).first(makeStream(ctx, null));
    return [...ctx.value.address.subarray(0, ctx.value.type === TYPE.ipv6 ? 16 : 4)].join(".");
  };
  t.equal(address(plan("ipv6", ["2002:102:304::"]), "ipv4"), "1.2.3.4");
  t.equal(address(plan("ipv4", ["1.2.3.4"]), "ipv6"), "0.0.0.0.0.0.0.0.0.0.255.255.1.2.3.4");
  t.equal(text(plan("ipv6", ["2001:db8::1"]), "ipv4"), 0, "no IPv4 address inside");
  t.equal(text(plan("int", [-42])), "-42");
  t.equal(text(plan("int", [4294967296])), "4294967296");
  t.equal(text(plan("int", [-2]), "bin"), "\xff\xff\xff\xff\xff\xff\xff\xfe");
  t.equal(text(plan("int", [258]), "bin"), "\0\0\0\0\0\0\x01\x02");
  t.end();
});

t.test("what is not there fails, what may still come misses", (t) => {
  t.equal(text(plan("path"), "str", null), 0, "mode tcp has no path");
  const stream = makeStream(ctx, "GET / HTTP/1.1\r\n\r\n");
  stream.request.reset();
  for (const name of ["path", "url", "query", "method", "base", "req.ver", "urlp"]) {
    t.equal(compileSample(plan(name), ctx, false).first(stream), 1, name);
  }
  t.equal(compileSample(plan("hdr", ["x"]), ctx, true).first(stream), 1);
  t.equal(
    compileSample(plan("status"), ctx, false).first(makeStream(ctx, "GET / HTTP/1.1\r\n\r\n")),
    1,
    "no response yet",
  );
  t.equal(text(plan("path", [], "upper", "lower", "upper")), "/P", "converters pass scratch areas back and forth");
  t.equal(text(plan("base", [], "upper"), "str", "GET /p HTTP/1.1\r\nHost: h\r\n\r\n"), "H/P");
  t.end();
});

t.test("responses", (t) => {
  const stream = makeStream(ctx, "GET / HTTP/1.1\r\n\r\n");
  const head = Buffer.from("HTTP/1.0 503 No\r\nX-A: 1, 2\r\nX-A: 3\r\n\r\n", "latin1");
  ctx.bytes.set(head, 4096);
  t.equal(parseResponse(ctx.bytes, 4096, 4096 + head.length, stream.response), 1);
  const read = (sample: SamplePlan) =>
    compileSample(sample, ctx, false, "str").first(stream) === 2 ? ctx.value.text() : null;
  t.equal(read(plan("status")), "503");
  t.equal(read(plan("res.ver")), "1.0");
  t.equal(read(plan("shdr", ["x-a"])), "3");
  t.equal(read(plan("res.hdr", ["X-A", 2])), "2");
  t.equal(read(plan("res.hdr_cnt", ["x-a"])), "3");
  t.equal(read(plan("res.fhdr", ["x-a", 1])), "1, 2");
  t.equal(read(plan("res.hdr", ["x-b"])), null);
  t.end();
});

t.test("cookies of responses, names of what was chosen", (t) => {
  const stream = makeStream(ctx, "GET / HTTP/1.1\r\n\r\n");
  const head = Buffer.from(
    "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Expires=Sun, 06 Nov 1994 08:49:37 GMT; b=2\r\nSet-Cookie: a=3\r\nSet-Cookie: c\r\n\r\n",
  );
  ctx.bytes.set(head, 4096);
  t.equal(parseResponse(ctx.bytes, 4096, 4096 + head.length, stream.response), 1);
  const read = (sample: SamplePlan) =>
    compileSample(sample, ctx, false, "str").first(stream) === 2 ? ctx.value.text() : null;
  t.equal(read(plan("res.cook", ["a"])), "3", "the last one");
  t.equal(read(plan("res.cook")), "1", "without a name the first one");
  t.equal(read(plan("res.cook", ["b"])), null, "an attribute is no cookie");
  t.equal(read(plan("res.cook_cnt")), "2", "c has no value");
  t.equal(read(plan("res.cook_val", ["a"])), "3");
  t.equal(read(plan("res.cook_names")), "a,a");
  t.equal(read(plan("res.hdr_names", ["|"])), "set-cookie|set-cookie|set-cookie");
  t.equal(read(plan("be_name")), "be0", "as long as none was chosen, the frontend's");
  t.equal(read(plan("srv_name")), null);
  t.equal(read(plan("txn.status")), null);
  stream.serverIndex = 0;
  stream.status = 302;
  t.same([read(plan("srv_name")), read(plan("srv_id")), read(plan("txn.status"))], ["s1", "1", "302"]);
  t.match(read(plan("uuid", [4])) ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.match(read(plan("uuid", [7])) ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.ok(Math.abs(Number(read(plan("date"))) - Date.now() / 1000) < 5);
  t.equal(read(plan("pid")), String(process.pid));
  t.equal(read(plan("env", ["PATH"])), process.env["PATH"] ?? null);
  t.end();
});

t.test("addresses of the connection", (t) => {
  setClient(ctx, "2001:db8::7", 5555);
  t.equal(text(plan("src")), "2001:db8::7");
  t.equal(text(plan("src_port")), "5555");
  t.equal(text(plan("dst")), "127.0.0.1");
  t.equal(text(plan("dst_port")), "81");
  const stream = makeStream(ctx, null);
  stream.listener = 1;
  t.equal(
    compileSample(plan("dst"), ctx, false).first(stream),
    0,
    "behind a wildcard the kernel is asked, which says nothing here",
  );
  t.equal(compileSample(plan("dst_port"), ctx, false, "str").first(stream), 2);
  t.equal(ctx.value.text(), "82");
  stream.listener = 2;
  t.equal(compileSample(plan("dst_port"), ctx, false).first(stream), 0, "a UNIX socket has none");
  t.end();
});

t.test("hashes are HAProxy's", (t) => {
  // Observed with the converters of HAProxy 3.2.
  const of = (hash: (bytes: Uint8Array, start: number, end: number) => number, value: string) =>
    hash(textBytes(value), 0, value.length) >>> 0;
  t.same([of(sdbm, "h"), of(djb2, "h"), of(crc32, "h"), of(sdbm, "a")], [104, 177677, 2439710439, 97]);
  t.same([avalanche(104) >>> 0, avalanche(97) >>> 0, avalanche(0) >>> 0], [1228821030, 1830748055, 2874071335]);
  t.equal(avalanche(of(sdbm, "h/")) >>> 0, 1983837113);
  t.end();
});
