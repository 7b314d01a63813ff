// Servers of the plan: parameters of the line over those of `default-server` over HAProxy's defaults.

import type { AgentPlan, OnError, ServerCheckPlan } from "../../plan/check.ts";
import type { Protocol } from "../../plan/listener.ts";
import type { InitState, ServerPlan, SocketAddressPlan } from "../../plan/plan.ts";
import type { ServerConnectionPlan } from "../../plan/server-connection.ts";
import { isServiceName, networksOf } from "../check/resolution.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { ServerDraft } from "../server-draft.ts";
import { buildCheck } from "./check.ts";
import { dynamicCookie } from "./dynamic-cookie.ts";

const INTER_DEFAULT_MS = 2000;
const RISE_DEFAULT = 2;
const FALL_DEFAULT = 3;
const ERROR_LIMIT_DEFAULT = 10;
const PURGE_DELAY_DEFAULT_MS = 5000;

/** @param index in the plan @param proxy the backend's index @param id inside the backend */
export function buildServer(
  draft: ServerDraft,
  index: number,
  proxy: number,
  id: number,
  backend: ProxyDraft,
  configuration: ConfigurationDraft,
  trackedIndex: number | null,
): ServerPlan {
  const { numbers, texts, flags } = draft.options;
  return {
    index,
    proxy,
    name: draft.name,
    id,
    address: draft.slot.address!,
    portOffset: portOffset(draft),
    fqdn: draft.slot.argument.host,
    weight: numbers.get("weight") ?? 1,
    ...(texts.has("hash-key") ? { hashKey: texts.get("hash-key") as NonNullable<ServerPlan["hashKey"]> } : {}),
    backup: flags.get("backup") ?? false,
    ...(trackedIndex === null ? {} : { track: trackedIndex }),
    ...(texts.has("init-state") && texts.get("init-state") !== "none"
      ? { initState: texts.get("init-state") as InitState }
      : {}),
    disabled: (flags.get("disabled") ?? false) || (draft.isUnresolved && draft.resolversIndex < 0),
    ...buildResolution(draft),
    ...(draft.saved === null ? {} : { saved: draft.saved }),
    maxconn: numbers.get("maxconn") ?? 0,
    minconn: numbers.get("minconn") ?? 0,
    maxqueue: numbers.get("maxqueue") ?? 0,
    cookie: texts.get("cookie") ?? dynamicCookie(draft, backend),
    connection: buildConnection(draft, backend),
    nonStick: flags.get("non-stick") ?? false,
    onMarkedDown: texts.has("on-marked-down") ? "shutdown-sessions" : "none",
    onMarkedUp: texts.has("on-marked-up") ? "shutdown-backup-sessions" : "none",
    ...(numbers.has("pool-low-conn") ? { poolLowConn: Math.max(0, numbers.get("pool-low-conn") ?? 0) } : {}),
    poolMaxConn: numbers.get("pool-max-conn") ?? -1,
    poolPurgeDelayMs: numbers.get("pool-purge-delay") ?? PURGE_DELAY_DEFAULT_MS,
    maxReuse: numbers.get("max-reuse") ?? -1,

    slowstartMs: numbers.get("slowstart") ?? 0,
    check: flags.get("check") === true ? buildServerCheck(draft, configuration) : null,
    agent: flags.get("agent-check") === true ? buildAgent(draft) : null,
    ...(numbers.has("rise") ? { rise: numbers.get("rise") ?? RISE_DEFAULT } : {}),
    ...buildObserve(draft),
    at: draft.statement.location,
  };
}

/** Without a port the server takes the client's; with a port there is nothing to add. */
function portOffset({ slot }: ServerDraft): number | null {
  const { family, host, ports, portOffset: written } = slot.argument;
  // A SRV record brings the port.
  if (host !== null && isServiceName(host)) return null;
  if (family === "unix" || family === "abns" || family === "fd") return null;
  return ports === null || ports.first === 0 ? (written ?? 0) : null;
}

function buildConnection(
  { options, tlvs, poolConnName, tlsPlan }: ServerDraft,
  backend: ProxyDraft,
): ServerConnectionPlan {
  const { proxyVersion: version, proxyOptions, numbers, texts } = options;
  return {
    source: options.source ?? backend.source,
    sendProxy: version === 0 ? null : { version, options: [...proxyOptions], tlvs: version === 2 ? tlvs : [] },
    proto: (texts.get("proto") as Protocol | undefined) ?? null,
    ws: (texts.get("ws") ?? "auto") as ServerConnectionPlan["ws"],
    tls: tlsPlan,
    tcpUserTimeoutMs: numbers.get("tcp-ut") ?? 0,
    // As HAProxy: connections under different names are not shared.
    poolConnName: poolConnName ?? tlsPlan?.sni ?? null,
    poolLowConn: numbers.get("pool-low-conn") ?? 0,
  };
}

function buildServerCheck(
  { options, slot, checkTlsPlan, stepTlsPlan }: ServerDraft,
  configuration: ConfigurationDraft,
): ServerCheckPlan {
  const { numbers, checkAddress } = options;
  const own = configuration.healthchecks.find(({ name }) => name === options.texts.get("healthcheck"));
  const isElsewhere = numbers.has("port") || checkAddress !== null;
  // HAProxy: checks send what traffic sends, unless they go elsewhere; `check-send-proxy` alone is version 1.
  const sendsProxy = options.flags.get("check-send-proxy") ?? !isElsewhere;
  return {
    sendProxy: !sendsProxy ? 0 : options.proxyVersion || (options.flags.get("check-send-proxy") === true ? 1 : 0),
    interMs: numbers.get("inter") ?? INTER_DEFAULT_MS,
    fastinterMs: numbers.get("fastinter") ?? 0,
    downinterMs: numbers.get("downinter") ?? 0,
    rise: numbers.get("rise") ?? RISE_DEFAULT,
    fall: numbers.get("fall") ?? FALL_DEFAULT,
    port: numbers.get("port") ?? portOf(checkAddress),
    address: checkAddress === null || isSame(checkAddress, slot.address) ? null : checkAddress,
    tls: checkTlsPlan,
    stepTls: stepTlsPlan,
    sni: options.tls.texts.get("check-sni")?.value ?? "",
    own: own === undefined ? null : buildCheck(own.proxy, configuration),
  };
}

function buildResolution({
  options: { texts },
  resolversIndex,
  slot,
  isUnresolved,
}: ServerDraft): Pick<ServerPlan, "resolution"> {
  const { host } = slot.argument;
  if (resolversIndex < 0) return {};
  const wanted = (texts.get("resolve-opts") ?? "").split(",");
  return {
    resolution: {
      resolvers: resolversIndex,
      hostname: host ?? "",
      isService: isServiceName(host ?? ""),
      prefer: texts.get("resolve-prefer") === "ipv4" ? 4 : 6,
      nets: networksOf(texts.get("resolve-net")),
      allowsDuplicates: wanted.includes("allow-dup-ip") && !wanted.includes("prevent-dup-ip"),
      ignoresWeight: wanted.includes("ignore-weight"),
      isPending: isUnresolved,
    },
  };
}

const OBSERVED_LAYERS: Readonly<Record<string, 4 | 7>> = { layer4: 4, layer7: 7 };

function buildObserve({ options: { numbers, texts } }: ServerDraft): Pick<ServerPlan, "observe"> {
  const layer = OBSERVED_LAYERS[texts.get("observe") ?? "none"];
  if (layer === undefined) return {};
  const onError = (texts.get("on-error") ?? "fail-check") as OnError;
  return { observe: { layer, errorLimit: numbers.get("error-limit") ?? ERROR_LIMIT_DEFAULT, onError } };
}

function buildAgent({ options: { numbers, texts } }: ServerDraft): AgentPlan {
  return {
    host: texts.get("agent-addr") ?? "",
    port: numbers.get("agent-port") ?? 0,
    interMs: numbers.get("agent-inter") ?? numbers.get("inter") ?? INTER_DEFAULT_MS,
    send: texts.get("agent-send") ?? "",
  };
}

function portOf(address: SocketAddressPlan | null): number {
  return address !== null && "port" in address ? address.port : 0;
}

function isSame(a: SocketAddressPlan, b: SocketAddressPlan | null): boolean {
  return b !== null && "host" in a && "host" in b && a.host === b.host;
}
