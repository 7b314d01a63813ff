// Hashing without a HAProxy beside it: which bytes are the key, what `none` reads, shares of bounded loads, ways out, and that a pick
// allocates nothing. All expectations are what HAProxy 3.2 was seen to do; hash-oracle.test.ts asks one.

import t, { type Test } from "tap";
import { leastHeapGrowth } from "../../shared/tools/heap-growth.fixture.ts";
import type { BalancePlan } from "../plan/balance.ts";
import type { BackendPlan } from "../plan/plan.ts";
import { makeContext, makePlan, makeStream, type ServerSettings, setClient } from "../sample/fixture.ts";
import { crc32, sdbm } from "../sample/hash.ts";
import { PROXY, SERVER } from "../shared-state/layout.ts";
import type { Stream } from "../stream/stream.ts";
import { ALL_FULL, NO_SERVER } from "./balance.ts";
import { BoundedLoad } from "./bounded-load.ts";
import { compileBalance } from "./compile.ts";
import { type HashKey, KeyHash } from "./hash-key.ts";
import { HeaderKey } from "./hdr.ts";
import { publishWeights } from "./sequence.ts";
import { UriKey } from "./uri.ts";
import { UrlParameterKey } from "./url-param.ts";

const BALANCE: BalancePlan = {
  algorithm: "uri",
  arguments: [],
  hashType: "map-based",
  hashFunction: "sdbm",
  avalanche: false,
};

/** A row: the key that is expected (null: none) for a request's target or header. */
type Row = readonly [request: string, key: string | null];

function checkKeys(t: Test, rows: readonly Row[], head: (request: string) => string, make: MakeKey): void {
  const ctx = makeContext(makePlan([{}]));
  const key = make(ctx);
  for (const [request, expected] of rows) {
    const found = key.find(makeStream(ctx, head(request)));
    t.equal(found, expected !== null, `${request}: ${found ? "a key" : "no key"}`);
    if (expected === null) continue;
    const bytes = Buffer.from(expected, "latin1");
    t.equal(key.hash, sdbm(bytes, 0, bytes.length), `${request} → ${expected}`);
  }
}

type MakeKey = (ctx: ReturnType<typeof makeContext>) => HashKey;

t.test("uri", (t) => {
  const cases: readonly [options: string, rows: readonly Row[]][] = [
    [
      "",
      [
        ["/a/b/c/d?x=1/2/3", "/a/b/c/d"],
        ["/?", "/"],
        ["/a?b?c", "/a"],
        ["http://h.com/a/b?x", "http://h.com/a/b"],
        ["http://h.com", "http://h.com/"],
      ],
    ],
    [
      "whole",
      [
        ["/a/b?x=1/2", "/a/b?x=1/2"],
        ["/?", "/?"],
      ],
    ],
    [
      "depth 2",
      [
        ["/a/b/c/d?x=1/2/3", "/a/b"],
        ["//a//b", "//a"],
        ["/abc?q", "/abc"],
        ["http://h.com/a/b", "http://h.com"],
        ["http://h.com", "http://h.com"],
      ],
    ],
    ["whole depth 4", [["/a/b/c/d?x=1/2/3", "/a/b/c/d?x=1"]]],
    [
      "len 4 depth 2",
      [
        ["/a/b/c", "/a/b"],
        ["//a//b", "//a"],
        ["/abcdef", "/abc"],
        ["/", "/"],
      ],
    ],
    [
      "path-only",
      [
        ["http://h.com/a/b?x", "/a/b"],
        ["http://h.com", "/"],
        ["*", ""],
      ],
    ],
    ["path-only whole len 3", [["http://h.com/?xyz", "/?x"]]],
  ];
  for (const [options, rows] of cases) {
    const head = (target: string) => `${target === "*" ? "OPTIONS" : "GET"} ${target} HTTP/1.1\r\nhost: h.com\r\n\r\n`;
    checkKeys(t, rows, head, (ctx) => new UriKey(ctx, { ...BALANCE, arguments: options.split(" ") }));
  }
  checkKeys(
    t,
    [["h.com:80", "h.com:80"]],
    (target) => `CONNECT ${target} HTTP/1.1\r\nhost: h.com:80\r\n\r\n`,
    (ctx) => new UriKey(ctx, BALANCE),
  );
  t.end();
});

t.test("url_param", (t) => {
  const rows: readonly Row[] = [
    ["/?id=abc", "abc"],
    ["/?x=1&id=abc&y=2", "abc"],
    ["/?id=", ""],
    ["/?id=&id=z", ""],
    ["/?id&id=5", "5"],
    ["/?idx=3&id=4", "4"],
    ["/?a=id=7&id=8", "8"],
    ["/?id=abc;y=2", "abc;y=2"],
    ["/?id=a?id=b", "a?id=b"],
    ["/?id==3", "=3"],
    ["/?=&id=2", "2"],
    ["http://h/?id=5&", "5"],
    ["/p;id=5?id=6", "6"],
    ["/?id", null],
    ["/?xid=1", null],
    ["/?ID=1", null],
    ["/?x=1;id=2", null],
    ["/??id=5", null],
    ["/?i", null],
    ["/?", null],
    ["/", null],
  ];
  checkKeys(
    t,
    rows,
    (target) => `GET ${target} HTTP/1.1\r\nhost: h\r\n\r\n`,
    (ctx) => new UrlParameterKey(ctx, { ...BALANCE, arguments: ["id"] }),
  );
  t.end();
});

t.test("hdr", (t) => {
  const head = (lines: string) => `GET / HTTP/1.1\r\nhost: h\r\n${lines === "" ? "" : `${lines}\r\n`}\r\n`;
  const values: readonly Row[] = [
    ["x: abc", "abc"],
    ["x: a, b", "a"],
    ["X: q\r\nx: r", "q"],
    ['x: "a,b", c', '"a,b"'],
    ["x: a;q=1", "a;q=1"],
    ["x:", null],
    ["x: ,a", null],
    ["x:\r\nx: a", null],
    ["", null],
  ];
  checkKeys(t, values, head, (ctx) => new HeaderKey(ctx, { ...BALANCE, arguments: ["x"] }));
  const domains: readonly Row[] = [
    ["haproxy.1wt.eu", "1wt"],
    ["www.example.com:8080", "example"],
    ["example.com", "example"],
    ["www.example.co.uk", "co"],
    ["localhost", "localhost"],
    ["example:80", "example:80"],
    ["[::1]:80", "[::1]:80"],
    ["example.com.", "com"],
    ["a.com", "a"],
    [".com", ".com"],
    [".", "."],
    ["..", "."],
    ["a..b", "a."],
    [".a.b", "a"],
  ];
  checkKeys(
    t,
    domains,
    (domain) => head(`x: ${domain}`),
    (ctx) => new HeaderKey(ctx, { ...BALANCE, arguments: ["x", "use_domain_only"] }),
  );
  t.end();
});

t.test("none: the key is a number", (t) => {
  const hash = new KeyHash({ ...BALANCE, hashFunction: "none" });
  const rows: readonly [key: string, number: number][] = [
    ["", 0],
    ["abc", 0],
    ["12ab", 12],
    ["010", 10],
    ["+7", 7],
    ["-5", -5],
    ["+-5", 0],
    [" 5", 0],
    ["1.5", 1],
    ["4294967295", -1],
    ["4294967296", 0],
    ["99999999999", 1215752191],
    ["9223372036854775807", -1],
    ["9223372036854775808", -1],
    ["123456789012345678901234", -1],
    ["-123456789012345678901234", 0],
  ];
  for (const [key, number] of rows) t.equal(hash.of(Buffer.from(`${key}9`), 0, key.length), number, `'${key}'`);
  t.end();
});

interface Farm {
  pick(exclude?: number): number;
  readonly stream: Stream;
  set(server: number, word: number, value: number): void;
}

function makeFarm(balance: Partial<BalancePlan>, serverSettings: readonly ServerSettings[], head: string): Farm {
  const settings: Partial<BackendPlan> = { balance: { ...BALANCE, ...balance } };
  const plan = makePlan([{ ...settings, serverSettings }]);
  const ctx = makeContext(plan);
  const { shared } = ctx;
  const set = (server: number, word: number, value: number): void => {
    shared.words[shared.serverAt(server) + word] = value;
  };
  for (const { index, weight, maxconn } of plan.servers) {
    set(index, SERVER.effectiveWeight, weight);
    set(index, SERVER.userWeight, weight);
    set(index, SERVER.maxconn, maxconn);
  }
  publishWeights(
    plan,
    shared,
    plan.proxies[0]!,
    plan.servers.map(({ weight }) => weight),
  );
  shared.words[shared.proxyAt(0) + PROXY.generation] = 1;
  setClient(ctx, "192.0.2.200");
  const stream = makeStream(ctx, head);
  const object = compileBalance(plan.proxies[0]!, ctx);
  return { pick: (exclude = -1) => object.pick(stream, exclude), stream, set };
}

const REQUEST = "GET /a/b?id=77&x=1 HTTP/1.1\r\nhost: www.example.com\r\n\r\n";

t.test("a map: the hash modulo its length, and what if that server is away", (t) => {
  const path = Buffer.from("/a/b");
  const position = (crc32(path, 0, path.length) >>> 0) % 3;
  const farm = makeFarm({ hashFunction: "crc32" }, [{}, {}, {}], REQUEST);
  t.equal(farm.pick(), position);
  t.equal(farm.pick(position), (position + 1) % 3, "excluded: the next in the map");
  farm.set(position, SERVER.effectiveWeight, 0);
  t.equal(farm.pick(), (position + 1) % 3, "gone before the map was published");
  t.equal(makeFarm({}, [], REQUEST).pick(), NO_SERVER);
  const keyless = makeFarm({ algorithm: "url_param", arguments: ["none"] }, [{ weight: 2 }, { weight: 1 }], REQUEST);
  t.equal(Array.from({ length: 6 }, () => keyless.pick()).join(""), "001001", "without a key: static-rr");
  t.end();
});

t.test("a circle: who is full, excluded or over its share", (t) => {
  const consistent = { hashType: "consistent", avalanche: true } as const;
  const three = [{ maxconn: 1 }, { maxconn: 1 }, { maxconn: 1 }];
  const always = makeFarm(consistent, three, REQUEST);
  const home = always.pick();
  const second = always.pick(home);
  t.not(second, home, "excluded: another one");
  always.set(home, SERVER.served, 1);
  t.equal(always.pick(), home, "a full server keeps its keys");

  const affinity = makeFarm({ ...consistent, preserveAffinity: "maxconn" }, three, REQUEST);
  affinity.set(home, SERVER.served, 1);
  t.equal(affinity.pick(), second, "maxconn: the next on the circle");
  affinity.set(second, SERVER.served, 1);
  const third = 3 - home - second;
  t.equal(affinity.pick(), third);
  affinity.set(third, SERVER.served, 1);
  const last = affinity.pick();
  t.ok(last >= 0, "all full: one of them, in whose queue the stream waits");
  t.equal(affinity.pick(), last, "always the same");

  const queues = makeFarm(
    { ...consistent, preserveAffinity: "maxqueue" },
    three.map((server) => ({ ...server, maxqueue: 1 })),
    REQUEST,
  );
  queues.set(home, SERVER.served, 1);
  t.equal(queues.pick(), home, "maxqueue: full, but with room in its queue");
  queues.set(home, SERVER.queued, 1);
  t.equal(queues.pick(), second, "the queue is full, too");

  const bounded = makeFarm({ ...consistent, balanceFactorPercent: 150 }, [{}, {}, {}], REQUEST);
  bounded.set(home, SERVER.served, 10);
  t.equal(bounded.pick(), second, "over its share");
  t.equal(bounded.pick(second), third, "over its share, and the next one excluded");

  const keyless = makeFarm({ ...consistent, algorithm: "url_param", arguments: ["none"] }, three, REQUEST);
  for (const server of [0, 1, 2]) keyless.set(server, SERVER.served, 1);
  t.equal(keyless.pick(), ALL_FULL, "without a key nobody insists on a full server");
  keyless.set(1, SERVER.served, 0);
  t.equal(keyless.pick(), 1);
  t.equal(keyless.pick(1), 1, "even if it is the excluded one");
  t.end();
});

t.test("random: nobody over its share", (t) => {
  const balance = { algorithm: "random", arguments: ["2"] } as const;
  const overloaded = (percent: number): number => {
    const farm = makeFarm({ ...balance, balanceFactorPercent: percent }, [{}, {}, {}], REQUEST);
    farm.set(0, SERVER.served, 8);
    return Array.from({ length: 600 }, () => farm.pick()).filter((server) => server === 0).length;
  };
  t.ok(overloaded(0) > 20, "without a bound it is taken when it is drawn twice");
  t.equal(overloaded(150), 0, "with one it is not");
  t.end();
});

t.test("shares of a bounded load are whole and use up all slots", (t) => {
  const plan = makePlan([{ serverSettings: [{}, {}, {}, {}] }]);
  const { shared } = makeContext(plan);
  const check = (weights: readonly number[], served: readonly number[], factor: number, shares: readonly number[]) => {
    for (const server of [0, 1, 2, 3]) {
      shared.words[shared.serverAt(server) + SERVER.effectiveWeight] = weights[server] ?? 0;
      shared.words[shared.serverAt(server) + SERVER.served] = served[server] ?? 0;
    }
    const load = new BoundedLoad(shared, [0, 1, 2, 3], factor);
    load.look();
    const found = weights.map((_, server) => {
      for (let streams = 0; ; streams++) {
        shared.words[shared.serverAt(server) + SERVER.served] = streams;
        if (!load.hasRoom(server)) return streams;
      }
    });
    t.same(found, shares, `weights ${weights}, streams ${served}, ${factor} %`);
  };
  check([1, 1], [5, 4], 110, [5, 6]);
  check([1, 1, 1], [5, 4, 5], 101, [5, 5, 6]);
  check([1, 1, 1], [0, 0, 0], 101, [1, 1, 1]);
  check([1, 0, 4], [0, 0, 1], 150, [1, 0, 3]);
  check([5, 10, 20, 7], [0, 1, 2, 0], 101, [1, 1, 3, 1]);
  t.end();
});

/** Far less than a byte a pick. */
const BYTES_MAX = 10_000;

t.test("a pick allocates nothing", (t) => {
  const servers = [{ weight: 3 }, { weight: 2 }, {}];
  const algorithms: readonly Partial<BalancePlan>[] = [
    { algorithm: "uri", arguments: ["depth", "2"] },
    { algorithm: "url_param", arguments: ["id"] },
    { algorithm: "hdr", arguments: ["host", "use_domain_only"] },
    { algorithm: "hash", sample: { fetch: "path", arguments: [], converters: [] } },
    { algorithm: "source" },
    { algorithm: "url_param", arguments: ["missing"] },
  ];
  for (const algorithm of algorithms) {
    for (const hashType of ["map-based", "consistent"] as const) {
      for (const hashFunction of ["sdbm", "djb2", "wt6", "crc32", "none"] as const) {
        const balance = { ...algorithm, hashType, hashFunction, avalanche: true, balanceFactorPercent: 200 };
        const farm = makeFarm(balance, servers, REQUEST);
        const pick = (times: number): void => {
          for (let i = 0; i < times; i++) farm.pick();
        };
        const grown = leastHeapGrowth(() => pick(30_000), BYTES_MAX);
        t.ok(grown <= BYTES_MAX, `${algorithm.algorithm} ${hashType} ${hashFunction}: ${grown} bytes in 30 000 picks`);
      }
    }
  }
  t.end();
});
