// The balancing algorithms of one worker: order, weights, room, exclusion, state changes. Several threads: threads.test.ts. A real
// HAProxy's choices: oracle.test.ts and hash-oracle.test.ts. Keys of hashes: hashing.test.ts.

import t from "tap";
import type { BalancePlan } from "../plan/balance.ts";
import type { ProxyPlan } from "../plan/plan.ts";
import type { SampleContext } from "../sample/context.ts";
import {
  type BackendSettings,
  makeContext,
  makePlan,
  makeStream,
  type ServerSettings,
  setClient,
} from "../sample/fixture.ts";
import { PROXY, SERVER } from "../shared-state/layout.ts";
import { ALL_FULL, type Balance, NO_SERVER } from "./balance.ts";
import { compileBalance } from "./compile.ts";
import { staticOrder } from "./order.ts";
import { publishWeights } from "./sequence.ts";

const BALANCE: BalancePlan = {
  algorithm: "roundrobin",
  arguments: [],
  hashType: "map-based",
  hashFunction: "sdbm",
  avalanche: false,
};

interface Farm {
  readonly ctx: SampleContext;
  readonly proxy: ProxyPlan;
  readonly balance: Balance;
  /** The next `count` choices, servers counted from 1, as one string. */
  order(count: number, exclude?: number): string;
  /** As the control plane does: effective weights, and what follows from them. */
  setWeights(weights: readonly number[]): void;
  set(server: number, word: number, value: number): void;
}

function makeFarm(
  balance: Partial<BalancePlan>,
  servers: readonly ServerSettings[],
  settings: BackendSettings = {},
): Farm {
  const plan = makePlan([{ balance: { ...BALANCE, ...balance }, serverSettings: servers, ...settings }]);
  const ctx = makeContext(plan);
  const proxy = plan.proxies[0]!;
  const { shared } = ctx;
  const set = (server: number, word: number, value: number) => {
    shared.words[shared.serverAt(server) + word] = value;
  };
  const setWeights = (weights: readonly number[]) => {
    weights.forEach((weight, i) => {
      set(i, SERVER.effectiveWeight, weight);
    });
    publishWeights(plan, shared, proxy, weights);
    Atomics.add(shared.words, shared.proxyAt(0) + PROXY.generation, 1);
  };
  plan.servers.forEach(({ index, maxconn, weight }) => {
    set(index, SERVER.maxconn, maxconn);
    set(index, SERVER.userWeight, weight);
  });
  setWeights(plan.servers.map(({ weight }) => weight));
  setClient(ctx, "127.0.0.1");
  const stream = makeStream(ctx, null);
  const object = compileBalance(proxy, ctx);
  const order = (count: number, exclude = -1) =>
    Array.from({ length: count }, () => object.pick(stream, exclude) + 1).join("");
  return { ctx, proxy, balance: object, order, setWeights, set };
}

const weighted = (...weights: number[]) => weights.map((weight) => ({ weight }));

t.test("roundrobin and static-rr keep HAProxy's order", (t) => {
  // Observed with HAProxy 3.2, one thread.
  const observed: readonly [readonly number[], string, string][] = [
    [[1, 1, 1, 1], "1234", "1234"],
    [[3, 2, 1], "121312", "112123"],
    [[5, 1, 1], "1112113", "1112113"],
    [[1, 2], "221", "122"],
    [[1, 5, 3], "223213223", "123223223"],
    [[2, 2, 4], "3132", "1323"],
    [[7, 2, 2, 1], "112131141213", "112131121314"],
    [[10, 4, 7, 1], "1312311321314132131213", "1213123113123131213134"],
  ];
  for (const [weights, roundrobin, staticRr] of observed) {
    const turns = (algorithm: "roundrobin" | "static-rr") =>
      makeFarm({ algorithm }, weighted(...weights)).order(2 * roundrobin.length);
    t.equal(turns("roundrobin"), roundrobin.repeat(2), `roundrobin ${weights}`);
    t.equal(turns("static-rr"), staticRr.repeat(2), `static-rr ${weights}`);
  }
  t.end();
});

t.test("the static map is the one of its definition", (t) => {
  /** Every score is looked at for every position. */
  const naive = (weights: readonly number[]): string => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const scores: number[] = weights.map(() => 0);
    const order = [];
    for (let position = 0; position < total; position++) {
      weights.forEach((weight, i) => {
        scores[i]! += weight;
      });
      const rounds = weights.map((weight, i) => (weight === 0 ? -1 : Math.floor((scores[i]! + total) / total)));
      const best = rounds.indexOf(Math.max(...rounds));
      scores[best]! -= total;
      order.push(best);
    }
    return order.join();
  };
  let seed = 3;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  let different = 0;
  for (let round = 0; round < 300; round++) {
    const weights = Array.from({ length: 1 + random(12) }, () => random(30));
    if (Math.max(...weights) === 0) weights[0] = 1;
    if (staticOrder(weights).join() !== naive(weights)) different++;
  }
  t.equal(different, 0);
  t.end();
});

t.test("roundrobin follows weights and states without a message", (t) => {
  const farm = makeFarm({}, weighted(1, 1, 1));
  t.equal(farm.order(3), "123");
  farm.set(1, SERVER.effectiveWeight, 0);
  t.notMatch(farm.order(6), /2/, "a server that went away is passed over before the sequence is rebuilt");
  farm.setWeights([1, 0, 3]);
  t.equal([...farm.order(8)].filter((server) => server === "3").length, 6);
  farm.setWeights([0, 0, 0]);
  t.equal(farm.balance.pick(makeStream(farm.ctx, null), -1), NO_SERVER);
  farm.setWeights([1, 1, 0]);
  t.equal(farm.order(3, 0), "222", "the excluded server is avoided");
  farm.setWeights([1, 0, 0]);
  t.equal(farm.order(2, 0), "11", "unless it is the only one");
  t.end();
});

t.test("servers without room are passed over", (t) => {
  for (const algorithm of ["roundrobin", "static-rr", "leastconn", "first", "random"] as const) {
    const farm = makeFarm({ algorithm }, [{ maxconn: 1 }, { maxconn: 1 }, { maxconn: 2 }]);
    farm.set(0, SERVER.served, 1);
    t.notMatch(farm.order(10), /1/, `${algorithm}: a full server`);
    farm.set(1, SERVER.served, 1);
    t.equal(farm.order(3), "333", `${algorithm}: the last with room`);
    farm.set(2, SERVER.queued, 1);
    if (algorithm !== "leastconn")
      t.equal(farm.balance.pick(makeStream(farm.ctx, null), -1), ALL_FULL, `${algorithm}: who waits goes first`);
    farm.set(2, SERVER.queued, 0);
    farm.set(2, SERVER.served, 2);
    t.equal(farm.balance.pick(makeStream(farm.ctx, null), -1), ALL_FULL, `${algorithm}: nobody has room`);
    farm.set(2, SERVER.served, 1);
    t.equal(farm.order(1, 2), "3", `${algorithm}: the excluded one is the only one with room`);
  }
  t.end();
});

t.test("leastconn", (t) => {
  const farm = makeFarm({ algorithm: "leastconn" }, weighted(1, 1, 1, 1));
  t.equal(farm.order(8), "12341234", "equals take turns");
  farm.set(0, SERVER.served, 1);
  t.equal(farm.order(6), "234234");
  farm.set(1, SERVER.served, 1);
  farm.set(2, SERVER.queued, 1);
  t.equal(farm.order(3), "444", "queued streams count");
  const heavy = makeFarm({ algorithm: "leastconn" }, weighted(1, 4));
  heavy.set(0, SERVER.served, 1);
  heavy.set(1, SERVER.served, 6);
  t.equal(heavy.order(2), "22", "7/4 is less than 2/1");
  heavy.set(1, SERVER.served, 8);
  t.equal(heavy.order(1), "1", "9/4 is more than 2/1");
  const queueing = makeFarm({ algorithm: "leastconn" }, [{ maxconn: 1, maxqueue: 2 }]);
  queueing.set(0, SERVER.served, 1);
  queueing.set(0, SERVER.queued, 1);
  t.equal(queueing.order(1), "1", "maxqueue lets streams wait at the server");
  queueing.set(0, SERVER.queued, 2);
  t.equal(queueing.order(1), String(ALL_FULL + 1));
  t.end();
});

t.test("leastconn agrees with a naive choice on random loads", (t) => {
  let seed = 7;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  let wrong = 0;
  for (let round = 0; round < 500; round++) {
    const weights = Array.from({ length: 1 + random(8) }, () => 1 + random(10));
    const farm = makeFarm({ algorithm: "leastconn" }, weighted(...weights));
    const streams = weights.map(() => random(12));
    streams.forEach((served, i) => {
      farm.set(i, SERVER.served, served);
    });
    const load = (i: number) => (streams[i] === 0 ? 0 : (streams[i]! + 1) / weights[i]!);
    const least = Math.min(...weights.map((_, i) => load(i)));
    if (Math.abs(load(Number(farm.order(1)) - 1) - least) > 1e-12) wrong++;
  }
  t.equal(wrong, 0);
  t.end();
});

t.test("first goes by id, random by weight and load", (t) => {
  const first = makeFarm({ algorithm: "first" }, [{ id: 9 }, { id: 3, maxconn: 1 }, { id: 5 }]);
  t.equal(first.order(2), "22");
  first.set(1, SERVER.served, 1);
  t.equal(first.order(2), "33");

  const one = makeFarm({ algorithm: "random", arguments: ["1"] }, weighted(3, 1));
  const share = [...one.order(4000)].filter((server) => server === "1").length / 4000;
  t.ok(Math.abs(share - 0.75) < 0.05, `one draw: ${share} of 0.75`);
  const two = makeFarm({ algorithm: "random" }, weighted(1, 1, 1));
  two.set(0, SERVER.served, 50);
  const loaded = [...two.order(3000)].filter((server) => server === "1").length / 3000;
  t.ok(loaded < 1 / 9 + 0.05, `two draws: the loaded one only when drawn twice, ${loaded}`);
  t.end();
});

t.test("source", (t) => {
  const choices = (farm: Farm) =>
    ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6", "127.3.4.9", "127.200.7.33"]
      .map((address) => {
        setClient(farm.ctx, address);
        return farm.order(1);
      })
      .join("");
  // Observed with HAProxy 3.2.
  t.equal(choices(makeFarm({ algorithm: "source" }, weighted(1, 1, 1))), "31231232");
  t.equal(choices(makeFarm({ algorithm: "source" }, weighted(3, 2, 1))), "31121231");
  t.equal(choices(makeFarm({ algorithm: "source", avalanche: true }, weighted(3, 2, 1))), "11111111");
  t.equal(choices(makeFarm({ algorithm: "source", avalanche: true }, weighted(1, 1, 1))), "21112111");

  const six = makeFarm({ algorithm: "source" }, weighted(1, 1));
  setClient(six.ctx, "2001:db8::1");
  t.match(six.order(1), /[12]/);
  t.equal(six.order(5), six.order(1).repeat(5), "the same client, the same server");
  t.end();
});

t.test("consistent hashing moves only the clients of the server that left", (t) => {
  const farm = makeFarm({ algorithm: "source", hashType: "consistent", avalanche: true }, weighted(1, 1, 1, 1));
  const addresses = Array.from({ length: 1000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  const choices = () =>
    addresses.map((address) => {
      setClient(farm.ctx, address);
      return farm.order(1);
    });
  const before = choices();
  for (const server of "1234") {
    const share = before.filter((choice) => choice === server).length;
    t.ok(share > 100 && share < 450, `server ${server}: ${share} of 1000`);
  }
  farm.setWeights([1, 1, 0, 1]);
  const after = choices();
  t.ok(before.every((choice, i) => (choice === "3" ? after[i] !== "3" : after[i] === choice)));
  farm.setWeights([1, 1, 1, 1]);
  t.same(choices(), before);
  t.end();
});

t.test("a thousand servers with large weights fit the sequence", (t) => {
  const farm = makeFarm(
    {},
    Array.from({ length: 1000 }, (_, i) => ({ weight: 1 + (i % 256) })),
  );
  const seen = new Set<number>();
  const stream = makeStream(farm.ctx, null);
  for (let i = 0; i < 65536; i++) seen.add(farm.balance.pick(stream, -1));
  t.equal(seen.size, 1000, "every server has its turn");
  t.end();
});
