// Conditions and match methods: what each method says to each kind of sample, three-valued logic, and equality with naive versions
// on random input. What a real HAProxy says to the same tables stands in differential.test.ts.

import t from "tap";
import type { AclTestPlan, ConditionPlan, MatchMethod } from "../plan/expression.ts";
import { addPatterns, makeContext, makePlan, makeStream, setClient } from "../sample/fixture.ts";
import { compileCondition } from "./condition.ts";

const ctx = makeContext(makePlan([{}]));

interface Options {
  readonly fetch?: string;
  readonly arguments?: readonly (string | number)[];
  readonly ignoreCase?: boolean;
}

function acl(match: MatchMethod, patterns: readonly string[], options: Options = {}): ConditionPlan {
  const sample = { fetch: options.fetch ?? "path", arguments: options.arguments ?? [], converters: [] };
  const list = addPatterns(ctx, patterns);
  const test: AclTestPlan = { sample, match, lists: [{ list, ignoreCase: options.ignoreCase ?? false }] };
  return { kind: "acl", name: "", tests: [test] };
}

/** What a condition says to a GET of `path`. */
function onPath(condition: ConditionPlan, path: string): number {
  return compileCondition(condition, ctx)(makeStream(ctx, `GET ${path} HTTP/1.1\r\nhost: h\r\n\r\n`));
}

t.test("byte-wise methods", (t) => {
  const rows: readonly [MatchMethod, readonly string[], string, boolean, Options?][] = [
    ["str", ["/a"], "/a", true],
    ["str", ["/a"], "/A", false],
    ["str", ["/a"], "/A", true, { ignoreCase: true }],
    ["str", ["/a"], "/ab", false],
    ["beg", ["/img", "/css"], "/css/x", true],
    ["beg", ["/img"], "/im", false],
    ["end", [".JPG"], "/x.jpg", true, { ignoreCase: true }],
    ["end", [".jpg"], "/.jpg2", false],
    ["sub", ["b/c"], "/a/b/c/d", true],
    ["sub", ["b/d"], "/a/b/c/d", false],
    ["dir", ["b"], "/a/b/c", true],
    ["dir", ["/a/b/"], "/a/b/c", true],
    ["dir", ["b/"], "/a/bb/c", false],
    ["dir", ["C"], "/a/b/c", true, { ignoreCase: true }],
    ["dom", ["b.c"], "/a.b.c", true],
    ["dom", ["eu"], "/x.dc-eu.y", false],
    ["reg", ["^/a+$"], "/aaa", true],
    ["reg", ["^/[A-Z]+$"], "/abc", true, { ignoreCase: true }],
    ["reg", ["^/[A-Z]+$"], "/abc", false],
    ["len", ["3"], "/ab", true],
    ["len", ["lt 3"], "/ab", false],
    ["bin", ["2f61"], "/a", true],
    ["found", [], "/a", true],
    ["str", [], "/a", false],
  ];
  for (const [match, patterns, path, expected, options] of rows) {
    const name = `${match} ${patterns.join(" ")} on ${path}${options?.ignoreCase ? " -i" : ""}`;
    t.equal(onPath(acl(match, patterns, options), path), expected ? 2 : 0, name);
  }
  t.end();
});

t.test("integers and addresses", (t) => {
  const integer = (patterns: readonly string[], n: number) =>
    onPath(acl("int", patterns, { fetch: "int", arguments: [n] }), "/") === 2;
  t.ok(integer(["5"], 5));
  t.notOk(integer(["5"], 6));
  t.ok(integer(["1:3", "7:"], 9));
  t.notOk(integer(["1:3", "7:"], 5));
  t.ok(integer([":10"], -4));
  t.ok(integer(["ge 5"], 5));
  t.notOk(integer(["gt 5"], 5));
  t.ok(integer(["le 5"], 5));
  t.notOk(integer(["lt 5"], 5));
  t.ok(integer(["eq 4", "lt 3"], 2));

  const source = (patterns: readonly string[], address: string) => {
    setClient(ctx, address);
    return onPath(acl("ip", patterns, { fetch: "src" }), "/") === 2;
  };
  t.ok(source(["10.0.0.0/8"], "10.9.8.7"));
  t.notOk(source(["10.0.0.0/8", "11.1.1.1"], "11.1.1.2"));
  t.ok(source(["10.12/8"], "10.200.0.1"), "short address");
  t.ok(source(["127.1"], "127.0.0.1"), "short address without mask");
  t.ok(source(["1.0.3.0/255.0.255.0"], "1.77.3.9"), "mask with holes");
  t.notOk(source(["1.0.3.0/255.0.255.0"], "1.77.4.9"));
  t.ok(source(["2001:db8::/32"], "2001:db8:1::5"));
  t.notOk(source(["2001:db8::/32"], "2001:db9::"));
  t.ok(source(["10.0.0.0/8"], "::ffff:10.1.1.1"), "IPv4 pattern, mapped address");
  t.ok(source(["10.0.0.0/8"], "2002:a01:101::"), "IPv4 pattern, 6to4 address");
  t.ok(source(["::ffff:10.0.0.0/104"], "10.1.1.1"), "IPv6 pattern, IPv4 address");
  t.notOk(source(["::1"], "127.0.0.1"));
  const many = Array.from({ length: 1000 }, (_, i) => `10.${i >> 4}.${(i & 15) << 4}.0/28`);
  t.ok(source(many, "10.3.16.15"));
  t.notOk(source(many, "10.3.16.16"));
  t.end();
});

t.test("every value of a header is tried, and methods compare", (t) => {
  const head = "POST / HTTP/1.1\r\nHost: h\r\nX-A: one, two\r\nX-A: three\r\n\r\n";
  const on = (condition: ConditionPlan) => compileCondition(condition, ctx)(makeStream(ctx, head));
  const header = (patterns: readonly string[], fetch = "hdr") => acl("str", patterns, { fetch, arguments: ["X-A"] });
  t.equal(on(header(["one"])), 2);
  t.equal(on(header(["three"])), 2);
  t.equal(on(header(["two"])), 2);
  t.equal(on(header(["one, two"])), 0);
  t.equal(on(header(["one, two"], "req.fhdr")), 2);
  t.equal(on(acl("str", ["one"], { fetch: "hdr", arguments: ["x-a", -1] })), 0, "an occurrence is one value");
  t.equal(on(acl("str", ["GET", "POST"], { fetch: "method" })), 2);
  t.end();
});

t.test("three-valued logic, all combinations", (t) => {
  const fail: ConditionPlan = acl("bool", [], { fetch: "always_false" });
  const pass: ConditionPlan = acl("bool", [], { fetch: "always_true" });
  const miss: ConditionPlan = acl("found", []); // the path of a head that is not there yet
  const stream = makeStream(ctx, "GET / HTTP/1.1\r\n\r\n");
  stream.request.reset();
  const value = (condition: ConditionPlan) => compileCondition(condition, ctx)(stream);
  const terms = [fail, miss, pass];
  terms.forEach((a, x) => {
    t.equal(value({ kind: "not", term: a }), 2 - x, `not ${x}`);
    terms.forEach((b, y) => {
      t.equal(value({ kind: "and", terms: [a, b] }), Math.min(x, y), `${x} and ${y}`);
      t.equal(value({ kind: "or", terms: [a, b] }), Math.max(x, y), `${x} or ${y}`);
      t.equal(
        value({
          kind: "or",
          terms: [
            { kind: "not", term: a },
            { kind: "and", terms: [b, pass] },
          ],
        }),
        Math.max(2 - x, y),
      );
    });
  });
  t.equal(value({ kind: "and", terms: [] }), 2, "an empty condition holds");
  t.end();
});

t.test("a pattern that would backtrack for ever ends soon", (t) => {
  const started = process.hrtime.bigint();
  t.equal(onPath(acl("reg", ["^/(a+)+$"], { ignoreCase: true }), `/${"a".repeat(5000)}!`), 0);
  const elapsedMs = Number(process.hrtime.bigint() - started) / 1e6;
  t.ok(elapsedMs < 2000, `${elapsedMs} ms`);
  t.end();
});
