// Makes the balancing of a backend for one worker: the algorithm's object with its views on the shared state.

import type { BalancePlan } from "../plan/balance.ts";
import type { ProxyPlan } from "../plan/plan.ts";
import type { SampleContext } from "../sample/context.ts";
import { ServerLimits } from "../server/limits.ts";
import type { Balance } from "./balance.ts";
import { BoundedLoad } from "./bounded-load.ts";
import { Consistent } from "./consistent.ts";
import { First } from "./first.ts";
import { ExpressionKey } from "./hash.ts";
import type { HashKey } from "./hash-key.ts";
import { HeaderKey } from "./hdr.ts";
import { LeastConnections } from "./leastconn.ts";
import { MapBased } from "./map-based.ts";
import { Random } from "./random.ts";
import { RoundRobin } from "./round-robin.ts";
import { SourceKey } from "./source.ts";
import { UriKey } from "./uri.ts";
import { UrlParameterKey } from "./url-param.ts";

/** Default of `random`'s argument. */
const DRAWS = 2;

/** @throws for a proxy without a backend half, or an algorithm that config/ should have refused (bugs) */
export function compileBalance(proxy: ProxyPlan, ctx: SampleContext): Balance {
  const backend = proxy.backend;
  if (backend === null) throw new Error(`proxy ${proxy.name} has no servers to balance`);
  const { plan, shared } = ctx;
  const { index } = proxy;
  const { servers, balance } = backend;
  const serverPlans = servers.map((server) => plan.servers[server]!);
  const limits = new ServerLimits(plan, shared);
  switch (balance.algorithm) {
    case "roundrobin":
    case "static-rr":
      return new RoundRobin(shared, index, servers, limits);
    case "leastconn":
      return new LeastConnections(shared, index, servers, limits);
    case "first":
      return new First(shared, serverPlans, limits);
    case "random": {
      const draws = Number(balance.arguments[0] ?? DRAWS);
      const { balanceFactorPercent = 0 } = balance;
      const boundedLoad = balanceFactorPercent > 0 ? new BoundedLoad(shared, servers, balanceFactorPercent) : null;
      return new Random(shared, index, servers, limits, boundedLoad, draws, Math.floor(Math.random() * 2 ** 32));
    }
    case "source":
    case "uri":
    case "url_param":
    case "hdr":
    case "hash":
    case "rdp-cookie": {
      const key = compileKey(balance, ctx);
      if (balance.hashType === "consistent") return new Consistent(key, shared, index, backend, serverPlans, limits);
      return new MapBased(key, new RoundRobin(shared, index, servers, limits), shared, index);
    }
  }
}

function compileKey(balance: BalancePlan, ctx: SampleContext): HashKey {
  switch (balance.algorithm) {
    case "source":
      return new SourceKey(ctx, balance);
    case "uri":
      return new UriKey(ctx, balance);
    case "url_param":
      return new UrlParameterKey(ctx, balance);
    case "hdr":
      return new HeaderKey(ctx, balance);
    case "hash":
    case "rdp-cookie":
      return new ExpressionKey(ctx, balance);
    default:
      throw new Error(`balance ${balance.algorithm} is not served, config/ should have said so`);
  }
}
