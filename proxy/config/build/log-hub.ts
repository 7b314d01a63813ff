// Rings and log-forward sections of the plan.

import type { LogBackendPlan, LogForwardPlan, LogHubPlan, RingPlan } from "../../plan/log-hub.ts";
import type { ProxyPlan, ServerPlan, SocketAddressPlan } from "../../plan/plan.ts";
import type { AddressSlot, ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { LogForwardDraft, RingDraft } from "../log-draft.ts";
import { buildLog } from "./global.ts";

const SYSLOG_PORT = 514;

/** @param plan the proxies of the plan, and its servers */
export function buildLogHub(
  configuration: ConfigurationDraft,
  plan: readonly ProxyPlan[],
  servers: readonly ServerPlan[],
): LogHubPlan {
  return {
    backends: plan.flatMap(({ index, name }) => {
      const draft = configuration.proxies.find(
        (proxy) => proxy.isLog && proxy.name === name && proxy.kind !== "frontend",
      );
      return draft === undefined ? [] : [buildBackend(draft, index, servers)];
    }),
    rings: configuration.rings.map(buildRing),
    forwards: configuration.logForwards.map((forward) => buildForward(forward, configuration)),
  };
}

function buildBackend(draft: ProxyDraft, proxy: number, servers: readonly ServerPlan[]): LogBackendPlan {
  const algorithm = draft.balance?.algorithm ?? "roundrobin";
  return {
    ...{ proxy, name: draft.name, balance: algorithm as LogBackendPlan["balance"] },
    converters: draft.balance?.sample?.converters ?? [],
    servers: servers
      .filter((server) => server.proxy === proxy)
      .map(({ index, name, address, backup }) => {
        const own = draft.servers.find((server) => server.name === name)!;
        return {
          ...{ index, name, backup },
          address: own.slot.argument.ports === null && "port" in address ? { ...address, port: SYSLOG_PORT } : address,
          isDatagram: own.slot.argument.socket === "datagram",
          octetCount: own.options.texts.get("log-proto") === "octet-count",
          bufferBytes: own.options.numbers.get("log-bufsize") ?? null,
        };
      }),
  };
}

function buildRing({
  name,
  description,
  format,
  lineBytesMax,
  bytesMax,
  connectTimeoutMs,
  servers,
}: RingDraft): RingPlan {
  return {
    ...{ name, description, format, lineBytesMax, bytesMax, connectTimeoutMs },
    servers: servers.flatMap(({ name, slot, octetCount }) =>
      slot.address === null ? [] : [{ name, address: slot.address, octetCount }],
    ),
  };
}

function buildForward(forward: LogForwardDraft, configuration: ConfigurationDraft): LogForwardPlan {
  const { name, connectionsMax, clientTimeoutMs, parses, linesOnly, host } = forward;
  return {
    ...{ name, connectionsMax, clientTimeoutMs, parses, linesOnly, host },
    streams: addresses(forward.streams),
    datagrams: addresses(forward.datagrams),
    targets: buildLog(forward.log, configuration),
  };
}

function addresses(slots: readonly AddressSlot[]): SocketAddressPlan[] {
  return slots.flatMap(({ address }) => (address === null ? [] : [address]));
}
