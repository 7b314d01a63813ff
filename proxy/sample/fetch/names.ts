// Fetches of what has been decided about a stream: the names and numbers of its frontend, backend, server and listener, and their
// time-outs. configuration.txt 7.3.3.

import type { TimeoutsPlan } from "../../plan/plan.ts";
import { STREAM, type Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import { type FetchCompiler, single } from "./fetch.ts";

const FAIL = 0;
const PASS = 2;
const REDISPATCHED = STREAM.redispatched;

/** Which row of the plan a stream has to do with, -1: none (yet). */
type Row = (stream: Stream) => number;

const frontend: Row = (stream) => stream.frontend;
const server: Row = (stream) => stream.serverIndex;
const listener: Row = (stream) => stream.listener;
/** As long as none was chosen, HAProxy's backend is the frontend. */
const backend: Row = (stream) => (stream.backend >= 0 ? stream.backend : stream.frontend);

function nameFetch(row: Row, names: (ctx: SampleContext) => readonly (string | null)[]): FetchCompiler {
  return (ctx) => {
    const value = ctx.value;
    const texts = names(ctx).map((name) => (name === null ? null : textBytes(name)));
    return single((stream) => {
      const index = row(stream);
      const bytes = index < 0 ? null : texts[index]!;
      if (bytes === null || bytes === undefined) return FAIL;
      value.type = TYPE.str;
      value.bytes = bytes;
      value.start = 0;
      value.end = bytes.length;
      return PASS;
    });
  };
}

function numberFetch(row: Row, numbers: (ctx: SampleContext) => readonly number[]): FetchCompiler {
  return (ctx) => {
    const value = ctx.value;
    const table = Float64Array.from(numbers(ctx));
    return single((stream) => {
      const index = row(stream);
      if (index < 0 || index >= table.length) return FAIL;
      value.type = TYPE.sint;
      value.int = table[index]!;
      return PASS;
    });
  };
}

const proxyNames = (ctx: SampleContext) => ctx.plan.proxies.map(({ name }) => name);
const proxyIds = (ctx: SampleContext) => ctx.plan.proxies.map(({ id }) => id);
const timeouts = (name: keyof TimeoutsPlan) => (ctx: SampleContext) =>
  ctx.plan.proxies.map((proxy) => proxy.timeouts[name]);

/** Of a proxy without a backend: HAProxy's own number. */
export const retriesOf = ({ plan }: SampleContext): number[] =>
  plan.proxies.map(({ backend }) => backend?.retries ?? 3);

/** The name of the default backend; there may be none. */
function defaultBackendNames({ plan }: SampleContext): (string | null)[] {
  return plan.proxies.map(({ frontend }) => plan.proxies[frontend?.defaultBackend ?? -1]?.name ?? null);
}

const connectionRetries: FetchCompiler = ({ value }) =>
  single((stream) => {
    value.type = TYPE.sint;
    value.int = stream.retriesDone;
    return PASS;
  });

const redispatched: FetchCompiler = ({ value }) =>
  single((stream) => {
    value.type = TYPE.bool;
    value.int = (stream.flags & REDISPATCHED) !== 0 ? 1 : 0;
    return PASS;
  });

/** By canonical name, see fetches.table.ts. */
export const NAME_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  be_id: numberFetch(backend, proxyIds),
  be_name: nameFetch(backend, proxyNames),
  be_connect_timeout: numberFetch(backend, timeouts("connect")),
  be_max_retries: numberFetch(backend, retriesOf),
  be_queue_timeout: numberFetch(backend, timeouts("queue")),
  be_server_timeout: numberFetch(backend, timeouts("server")),
  be_tarpit_timeout: numberFetch(backend, timeouts("tarpit")),
  be_tunnel_timeout: numberFetch(backend, timeouts("tunnel")),
  fe_client_timeout: numberFetch(frontend, timeouts("client")),
  fe_defbe: nameFetch(frontend, defaultBackendNames),
  fe_id: numberFetch(frontend, proxyIds),
  fe_name: nameFetch(frontend, proxyNames),
  so_id: numberFetch(listener, ({ plan }) => plan.listeners.map(({ id }) => id)),
  so_name: nameFetch(listener, ({ plan }) => plan.listeners.map(({ name }) => name)),
  srv_id: numberFetch(server, ({ plan }) => plan.servers.map(({ id }) => id)),
  srv_name: nameFetch(server, ({ plan }) => plan.servers.map(({ name }) => name)),
  "txn.conn_retries": connectionRetries,
  "txn.redispatched": redispatched,
};
