// How long conditions take: `node dist/proxy/acl/condition.bench.js`. A browser's request with 8 headers, rules as `use_backend` has
// them, evaluated in order as routing does, none of which matches; the best of several rounds.

import type { AclTestPlan, ConditionPlan } from "../plan/expression.ts";
import { addPatterns, makeContext, makePlan, makeStream, setClient } from "../sample/fixture.ts";
import { compileCondition } from "./condition.ts";

const ctx = makeContext(makePlan([{}]));

const ROUNDS = 7;
const REQUESTS = 40_000;

const REQUEST = `GET /static/js/application.js?v=17 HTTP/1.1\r
Host: www.example.com\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r
Accept: */*\r
Accept-Language: en-US,en;q=0.5\r
Accept-Encoding: gzip, deflate, br\r
Referer: https://www.example.com/\r
Cookie: session=0123456789abcdef0123456789abcdef\r
Connection: keep-alive\r
\r
`;

function test(
  fetch: string,
  match: AclTestPlan["match"],
  patterns: readonly string[],
  argument?: string,
): ConditionPlan {
  const sample = { fetch, arguments: argument === undefined ? [] : [argument], converters: [] };
  const lists = [{ list: addPatterns(ctx, patterns), ignoreCase: match === "end" }];
  return { kind: "acl", name: "", tests: [{ sample, match, lists }] };
}

/** Kinds of rules, each for the i-th rule. */
const KINDS: Readonly<Record<string, (i: number) => ConditionPlan>> = {
  "path_beg, one pattern": (i) => test("path", "beg", [`/api${i}/`]),
  "path_beg, 100 patterns": (i) =>
    test(
      "path",
      "beg",
      Array.from({ length: 100 }, (_, p) => `/api${i}/${p}`),
    ),
  "path_end -i, 5 patterns": (i) => test("path", "end", [".png", ".gif", ".css", ".jpg", `.x${i}`]),
  "hdr(host)": (i) => test("req.hdr", "str", [`host${i}.example.com`], "host"),
  "hdr(host), 10000 patterns": (i) =>
    test(
      "req.hdr",
      "str",
      Array.from({ length: 10_000 }, (_, p) => `h${p}.host${i}.example.com`),
      "host",
    ),
  "path_sub, 10000 patterns": (i) =>
    test(
      "path",
      "sub",
      Array.from({ length: 10_000 }, (_, p) => `p${p}.host${i}.php`),
    ),
  "src, 100000 networks": (i) =>
    test(
      "src",
      "ip",
      Array.from(
        { length: 100_000 },
        (_, p) => `${10 + i}.${p >> 8}.${(p * 7) & 255}.${(p * 16) & 255}/${20 + (p % 13)}`,
      ),
    ),
  "src, 3 networks": (i) => test("src", "ip", ["10.0.0.0/8", "172.16.0.0/12", `192.0.${i}.0/24`]),
  path_reg: (i) => test("path", "reg", [`^/api/v${i}/[0-9]+$`]),
  "host and path": (i) => ({
    kind: "and",
    terms: [test("req.hdr", "str", ["www.example.com"], "host"), test("path", "beg", [`/api${i}/`])],
  }),
  "method and not path": (i) => ({
    kind: "and",
    terms: [test("method", "str", ["POST"]), { kind: "not", term: test("path", "str", [`/x${i}`]) }],
  }),
};

function nanosecondsPerRule(kind: (i: number) => ConditionPlan, rules: number): number {
  setClient(ctx, "198.51.100.7");
  const stream = makeStream(ctx, REQUEST);
  const conditions = Array.from({ length: rules }, (_, i) => compileCondition(kind(i), ctx));
  const requests = Math.ceil(REQUESTS / rules);
  let best = Number.POSITIVE_INFINITY;
  let passed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < requests; i++) {
      for (let rule = 0; rule < rules; rule++) if (conditions[rule]!(stream) === 2) passed++;
    }
    best = Math.min(best, Number(process.hrtime.bigint() - start) / requests / rules);
  }
  if (passed > 0) throw new Error("a rule matched that should not");
  return best;
}

console.log("ns per rule                    1 rule  10 rules  100 rules");
for (const [name, kind] of Object.entries(KINDS)) {
  const cells = [1, 10, 100].map((rules) => {
    if ((name.includes("10000") && rules > 10) || (name.includes("100000") && rules > 1)) return "-".padStart(10);
    return nanosecondsPerRule(kind, rules).toFixed(0).padStart(10);
  });
  console.log(name.padEnd(27) + cells.join(""));
}
