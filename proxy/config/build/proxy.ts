// Proxies of the plan: a draft with HAProxy's defaults where nothing was written.

import type { BalancePlan } from "../../plan/balance.ts";
import type { CompressionPlan } from "../../plan/compression.ts";
import type { UniqueIdPlan } from "../../plan/log.ts";
import type { CookiePlan, PersistencePlan } from "../../plan/persistence.ts";
import type { BackendPlan, FrontendPlan, ProxyPlan, TimeoutsPlan } from "../../plan/plan.ts";
import { RETRY_ON } from "../../plan/retry.ts";
import type { StatsPagePlan } from "../../plan/stats-page.ts";
import { type ConfigurationDraft, findBackend, hasBackend, hasFrontend, type ProxyDraft } from "../draft.ts";
import { settleErrors } from "../errors-draft.ts";
import { joinRules } from "../rules-draft.ts";
import { buildCheck } from "./check.ts";
import { buildLog } from "./global.ts";

const RETRIES_DEFAULT = 3;

/** Where a proxy stands among the others. */
export interface ProxyPlace {
  readonly index: number;
  readonly id: number;
  readonly listeners: readonly number[];
  readonly servers: readonly number[];
  /** `-N`, 0: not given. */
  readonly proxyMaxconn: number;
}

export function buildProxy(draft: ProxyDraft, place: ProxyPlace, configuration: ConfigurationDraft): ProxyPlan {
  const option = (name: string): boolean => draft.options.get(name) ?? false;
  const errors = [...settleErrors(draft.errors, configuration.httpErrors).values()];
  return {
    index: place.index,
    name: draft.name,
    kind: draft.kind === "defaults" ? "listen" : draft.kind,
    id: place.id,
    mode: draft.mode,
    disabled: draft.disabled,
    description: draft.description,
    at: draft.statement.location,
    timeouts: buildTimeouts(draft),
    log: buildLog(draft.log, configuration),
    logTag: draft.texts.get("log-tag") ?? null,
    logOptions: {
      dontLogNull: option("dontlognull"),
      dontLogNormal: option("dontlog-normal"),
      asap: option("logasap"),
      separateErrors: option("log-separate-errors"),
    },
    errorFiles: errors.flatMap((use) => (use.kind === "file" ? [{ status: use.status, bytes: use.bytes }] : [])),
    errorReplies: errors.flatMap((use) => (use.kind === "reply" ? [{ status: use.status, answer: use.answer }] : [])),
    rules: joinRules(draft.spoeRules, draft.inheritedRules, draft.rules),
    useProxyHeader: option("http-use-proxy-header"),
    headerNames: (draft.texts.get("option http-restrict-req-hdr-names") ?? "preserve") as ProxyPlan["headerNames"],
    bufferRequest: option("http-buffer-request"),
    compression: buildCompression(draft),
    frontend: hasFrontend(draft) ? buildFrontend(draft, place, configuration) : null,
    backend: hasBackend(draft) ? buildBackend(draft, place, configuration) : null,
  };
}

function buildCompression({ compression, mode }: ProxyDraft): CompressionPlan | null {
  if (compression === null || mode !== "http") return null;
  const { algorithms, types, minSize, requestAlgorithms, requestTypes, requestMinSize } = compression;
  const request = { algorithms: requestAlgorithms, types: requestTypes, minSizeBytes: requestMinSize };
  return {
    request: compression.compressesRequests ? request : null,
    response: compression.compressesResponses ? { algorithms, types, minSizeBytes: minSize } : null,
    offload: compression.offload,
  };
}

function buildTimeouts({ timeouts }: ProxyDraft): TimeoutsPlan {
  const ms = (name: string): number => timeouts.get(name) ?? 0;
  return {
    requestInspect: ms("tcp-request inspect-delay"),
    responseInspect: ms("tcp-response inspect-delay"),
    client: ms("client"),
    clientFin: ms("client-fin"),
    clientHandshake: ms("client-hs"),
    connect: ms("connect"),
    server: ms("server"),
    serverFin: ms("server-fin"),
    httpRequest: ms("http-request"),
    httpKeepAlive: ms("http-keep-alive"),
    // HAProxy: what is not set for the queue and for tarpits is the connect timeout.
    queue: timeouts.get("queue") ?? ms("connect"),
    tunnel: ms("tunnel"),
    check: ms("check"),
    tarpit: timeouts.get("tarpit") ?? ms("connect"),
  };
}

function buildUniqueId({ otherNodes, uniqueIdHeader }: ProxyDraft): UniqueIdPlan | null {
  const format = otherNodes.get("unique-id-format");
  return format === undefined ? null : { format, header: uniqueIdHeader };
}

function buildFrontend(draft: ProxyDraft, place: ProxyPlace, configuration: ConfigurationDraft): FrontendPlan {
  const option = (name: string): boolean => draft.options.get(name) ?? false;
  const indexOf = (name: string): number => {
    const backend = findBackend(name, configuration);
    return backend === null ? -1 : configuration.proxies.indexOf(backend);
  };
  const own = draft.kind === "listen" ? place.index : -1;
  return {
    captures: draft.captures,
    listeners: place.listeners,
    maxconn: draft.numbers.get("maxconn") ?? place.proxyMaxconn,
    backlog: draft.numbers.get("backlog") ?? 0,
    connectionMode: draft.connectionMode,
    forwardFor: draft.forwardFor,
    originalTo: draft.originalTo,
    acceptInvalidHttpRequest: option("accept-unsafe-violations-in-http-request"),
    httpIgnoreProbes: option("http-ignore-probes"),
    ...(option("disable-h2-upgrade") ? { noHttp2Upgrade: true } : {}),
    socketStats: option("socket-stats"),
    noLinger: option("nolinger"),
    clientTcpKeepAlive: option("clitcpka"),
    monitorUri: draft.texts.get("monitor-uri") ?? null,
    monitorFail: draft.monitorFails,
    forceSwitch: draft.forceSwitches,
    stats: buildStats(draft, configuration),
    logFormat: draft.logNodes,
    errorLogFormat: draft.otherNodes.get("error-log-format") ?? null,
    logFormatSd: draft.otherNodes.get("log-format-sd") ?? null,
    uniqueId: buildUniqueId(draft),
    logSteps: draft.numbers.get("log-steps") ?? 0,
    useBackend: draft.useBackends.map(({ name, format, condition, statement }) => ({
      backend: format ?? indexOf(name),
      condition,
      at: statement.location,
    })),
    defaultBackend: draft.defaultBackend === null ? own : indexOf(draft.defaultBackend.name),
    rateLimitSessions: draft.numbers.get("rate-limit sessions") ?? 0,
  };
}

function defaultServersOf({ defaultServer, namedDefaultServers }: ProxyDraft): string[] {
  return [...(defaultServer.isWritten ? [""] : []), ...[...namedDefaultServers.keys()].sort()];
}

function buildBackend(draft: ProxyDraft, place: ProxyPlace, configuration: ConfigurationDraft): BackendPlan {
  const option = (name: string): boolean => draft.options.get(name) ?? false;
  return {
    servers: place.servers,
    defaultServers: defaultServersOf(draft),
    useServer: draft.useServers.map(({ name, format, condition }) => ({
      server: format ?? place.servers[draft.servers.findIndex((server) => server.name === name)]!,
      condition: condition!,
    })),
    balance: buildBalance(draft),
    connectionMode: draft.connectionMode,
    httpReuse: draft.httpReuse,
    preferLastServer: option("prefer-last-server"),
    forwardFor: draft.forwardFor,
    originalTo: draft.originalTo,
    forwarded: draft.forwarded,
    unpublished: draft.options.get("be-unpublished") ?? false,
    retries: draft.numbers.get("retries") ?? RETRIES_DEFAULT,
    redispatch: draft.redispatch,
    retryOn: draft.numbers.get("retry-on") ?? RETRY_ON.connFailure,
    allBackups: option("allbackups"),
    abortOnClose: option("abortonclose"),
    acceptInvalidHttpResponse: option("accept-unsafe-violations-in-http-response"),
    httpPretendKeepalive: option("http-pretend-keepalive"),
    noLinger: option("nolinger"),
    serverTcpKeepAlive: option("srvtcpka"),
    fullconn: draft.numbers.get("fullconn") ?? 0,
    stats: buildStats(draft, configuration),
    check: buildCheck(draft, configuration),
    logHealthChecks: option("log-health-checks"),
    persistence: buildPersistence(draft),
  };
}

function buildPersistence({
  cookie,
  options,
  persistRules,
  servers,
  stick,
  stickResponse,
  texts,
}: ProxyDraft): PersistencePlan {
  const { isDynamic, ...plan } = cookie ?? { isDynamic: false };
  const dynamic = {
    ...{ enabled: isDynamic, key: texts.get("dynamic-cookie-key") ?? null },
    given: servers.map((server) => server.options.texts.has("cookie")),
  };
  return {
    cookie: cookie === null ? null : { ...(plan as CookiePlan), dynamic },
    toDownServers: options.get("persist") ?? false,
    checksCache: options.get("checkcache") ?? false,
    rules: persistRules,
    stick,
    stickResponse,
  };
}

function buildBalance({ balance, isLog, hashType, numbers, preserveAffinity }: ProxyDraft): BalancePlan {
  return {
    // Of log backends the control plane knows more (build/log-hub.ts).
    algorithm: isLog ? "roundrobin" : ((balance?.algorithm ?? "roundrobin") as BalancePlan["algorithm"]),
    arguments: balance?.arguments ?? [],
    ...(balance?.sample === undefined ? {} : { sample: balance.sample }),
    hashType: hashType.method,
    hashFunction: hashType.function,
    avalanche: hashType.avalanche,
    balanceFactorPercent: numbers.get("hash-balance-factor") ?? 0,
    preserveAffinity,
  };
}

function buildStats({ stats }: ProxyDraft, { global }: ConfigurationDraft): StatsPagePlan | null {
  if (stats === null) return null;
  return {
    uri: stats.uri ?? "/haproxy?stats",
    realm: stats.realm ?? "HAProxy Statistics",
    auth: stats.auth,
    refreshSeconds: stats.refreshSeconds,
    hideVersion: stats.hideVersion,
    showNode: stats.showNode === "" ? (global.texts.get("node") ?? null) : stats.showNode,
    showDescription: stats.showDescription === "" ? (global.texts.get("description") ?? null) : stats.showDescription,
    showLegends: stats.showLegends,
    showModules: stats.showModules,
    scope: stats.scope,
    admin: stats.admin,
    httpRequest: stats.httpRequest,
  };
}
