// From drafts that are right to the plan: indices are given out, defaults are filled in, nothing is checked any more.

import type { ListenerPlan } from "../../plan/listener.ts";
import type { Plan, ProxyPlan, ServerPlan, SocketAddressPlan } from "../../plan/plan.ts";
import type { ResolversPlan } from "../../plan/resolvers.ts";
import type { BindDraft } from "../bind-draft.ts";
import { buildCaches } from "../check/cache.ts";
import { buildPatternLists } from "../check/patterns.ts";
import { buildSpoe } from "../check/spoe.ts";
import type { CommandLineSettings, ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { ResolversDraft } from "../draft-tables.ts";
import { buildCaseAdjust } from "../sections/case-adjust.ts";
import { buildUserlist } from "../sections/userlist.ts";
import { buildGlobal } from "./global.ts";
import { buildLogHub } from "./log-hub.ts";
import { buildProxy } from "./proxy.ts";
import { buildServer } from "./server.ts";
import { buildStatsFile } from "./stats-file.ts";
import { buildPeers, buildStickTable } from "./stick-table.ts";
import { buildVariables } from "./variables.ts";

function buildResolvers({ statement: _, ...plan }: ResolversDraft): ResolversPlan {
  return plan;
}

export function buildPlan(configuration: ConfigurationDraft, settings: CommandLineSettings): Plan {
  const listeners: ListenerPlan[] = [];
  const servers: ServerPlan[] = [];
  /** The places that servers get, for those that track one which comes later. */
  const serverIndices = new Map(
    configuration.proxies.flatMap((draft) => draft.servers).map((draft, at) => [draft, at]),
  );
  // HAProxy serves its stats sockets through a proxy of its own, GLOBAL, which is numbered before all others.
  const hidden = configuration.global.statsSockets.length > 0 ? [0] : [];
  const proxyIds = giveIds([...hidden, ...configuration.proxies.map((proxy) => proxy.id)]).slice(hidden.length);
  const proxies: ProxyPlan[] = configuration.proxies.map((draft, index) => {
    const firstListener = listeners.length;
    listeners.push(...buildListeners(draft, index, firstListener));
    const firstServer = servers.length;
    const serverIds = giveIds(draft.servers.map((server) => server.options.numbers.get("id") ?? 0));
    servers.push(
      ...draft.servers.map((server, at) =>
        buildServer(
          server,
          firstServer + at,
          index,
          serverIds[at]!,
          draft,
          configuration,
          server.tracked === null ? null : serverIndices.get(server.tracked)!,
        ),
      ),
    );
    const place = {
      index,
      id: proxyIds[index]!,
      listeners: indices(firstListener, listeners.length),
      servers: indices(firstServer, servers.length),
      proxyMaxconn: settings.proxyMaxconn,
    };
    return buildProxy(draft, place, configuration);
  });
  const global = buildGlobal(configuration, settings);
  const peers = configuration.peers.map((draft) => buildPeers(draft, global.localpeer));
  const stickTables = configuration.stickTables.map((draft, index) => buildStickTable(draft, index, configuration));
  const patternLists = buildPatternLists(configuration.patternLists);
  const caches = buildCaches(configuration);
  const userlists = configuration.userlists.map(buildUserlist);
  const logHub = buildLogHub(configuration, proxies, servers);
  const plan = {
    global,
    proxies,
    servers,
    listeners,
    stickTables,
    peers,
    resolvers: configuration.resolvers.map(buildResolvers),
    patternLists,
    logProfiles: configuration.logProfiles,
    caches,
    userlists,
    logHub,
    bandwidthLimits: configuration.filters.limits.map((limit) => limit.plan),
    caseAdjust: buildCaseAdjust(configuration),
    spoe: buildSpoe(configuration),
  };
  const statsFile = buildStatsFile(configuration, (bind) => addresses(bind).length);
  return { ...plan, statsFile, variables: buildVariables(plan, configuration.global) };
}

/** HAProxy numbers what has no `id` from 1 on, leaving out the numbers that were given. */
function giveIds(written: readonly number[]): number[] {
  const taken = new Set(written);
  let next = 0;
  return written.map((id) => {
    if (id > 0) return id;
    do next++;
    while (taken.has(next));
    return next;
  });
}

function indices(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, offset) => from + offset);
}

/** One per address and port. */
function buildListeners(draft: ProxyDraft, proxy: number, first: number): ListenerPlan[] {
  const bound = draft.binds.flatMap((bind) => addresses(bind).map((address) => ({ bind, address })));
  // An id on a line with several sockets belongs to the first; the others are counted on from it.
  const ids = giveIds(bound.map(({ bind }, at) => (bind === bound[at - 1]?.bind ? 0 : bind.options.id)));
  return bound.map(({ bind, address }, at) => ({
    index: first + at,
    proxy,
    name: bind.options.name ?? bind.slot.written,
    isNamed: bind.options.name !== null,
    id: ids[at]!,
    address,
    maxconn: bind.options.maxconn,
    backlog: bind.options.backlog,
    interface: bind.options.interface,
    mode: bind.options.mode,
    uid: bind.options.uid,
    gid: bind.options.gid,
    transparent: bind.options.transparent,
    deferAccept: bind.options.deferAccept,
    tcpFastOpen: bind.options.tcpFastOpen,
    tcpUserTimeoutMs: bind.options.tcpUserTimeoutMs,
    mss: bind.options.mss,
    acceptProxy: bind.options.acceptProxy,
    netscalerMagic: bind.options.netscalerMagic,
    proto: bind.options.proto,
    tls: bind.options.tlsPlan,
    at: bind.statement.location,
  }));
}

function addresses({ slot, options }: BindDraft): SocketAddressPlan[] {
  const { address, argument } = slot;
  if (address === null) return [];
  if (address.kind !== "ipv4" && address.kind !== "ipv6") return [address];
  const { first, last } = argument.ports ?? { first: address.port, last: address.port };
  const { v6only, v4v6 } = options;
  return indices(first, last + 1).map((port) =>
    address.kind === "ipv6" ? { ...address, port, v6only, v4v6 } : { ...address, port },
  );
}
