// The state words of servers, backends and frontends as they stand before the first request and the first check.
//
// Every server begins as HAProxy's do: a server without `check` is up ("no check"); a server with `check` is up as well, but with
// a health of `rise`, so that its first failed check takes it down and its first passed one makes it fully healthy; `disabled`
// means maintenance, both forced and by configuration (0x05), with its checks paused.

import type { Plan, ServerPlan } from "../../plan/plan.ts";
import { ADMIN_STATE, HEADER, OP_STATE, PROXY, RATE, SERVER, type SharedState } from "../../shared-state/layout.ts";
import { CHECK_STATUS } from "../health/check-status.ts";
import { beginsDown, initialHealth } from "./initial-health.ts";
import { restoreSaved } from "./saved.ts";

/** `rise` of a server without checks: HAProxy's default, visible as its srv_check_health. */
const RISE_DEFAULT = 2;

/** Fills the rows of all servers and proxies. The summaries of the backends follow from them: ServerStates writes those. */
export function writeInitialStates(plan: Plan, shared: SharedState, maxconn: number, nowSeconds: number): void {
  Atomics.store(shared.words, HEADER.maxconn, maxconn);
  const { rates, compression } = plan.global;
  shared.words[HEADER.compressionRateMax] = compression.rateMaxBytes;
  shared.words[HEADER.connectionRate + RATE.max] = rates.connections;
  shared.words[HEADER.sessionRate + RATE.max] = rates.sessions;
  shared.words[HEADER.tlsRate + RATE.max] = rates.tls;
  for (const proxy of plan.proxies) {
    const at = shared.proxyAt(proxy.index);
    shared.words[at + PROXY.lastChange] = nowSeconds;
    shared.words[at + PROXY.frontendState] = proxy.disabled ? 1 : 0;
    shared.words[at + PROXY.unpublished] = proxy.backend?.unpublished ? 1 : 0;
    shared.words[at + PROXY.frontendMaxconn] = proxy.frontend?.maxconn ?? 0;
  }
  for (const server of plan.servers) writeInitialServer(server, shared, nowSeconds);
}

function writeInitialServer(server: ServerPlan, shared: SharedState, nowSeconds: number): void {
  const words = shared.words;
  const at = shared.serverAt(server.index);
  const isPending = server.resolution?.isPending === true;
  const isOut = server.disabled || isPending;
  words[at + SERVER.opState] = isOut || beginsDown(server) ? OP_STATE.stopped : OP_STATE.running;
  words[at + SERVER.adminState] =
    (server.disabled ? ADMIN_STATE.forcedMaint | ADMIN_STATE.configMaint : 0) |
    (isPending ? ADMIN_STATE.resolutionMaint : 0);
  words[at + SERVER.userWeight] = server.weight;
  words[at + SERVER.initialWeight] = server.weight;
  words[at + SERVER.maxconn] = server.maxconn;
  words[at + SERVER.lastChange] = nowSeconds;
  words[at + SERVER.checkStatus] = CHECK_STATUS.INI;
  const health = server.check === null ? (server.rise ?? RISE_DEFAULT) : initialHealth(server.check, server.initState);
  words[at + SERVER.checkHealth] = isOut ? 0 : health;
  words[at + SERVER.checkEnabled] = server.check === null ? 0 : 1;
  if (server.saved !== undefined) restoreSaved(server, server.saved, shared, nowSeconds);
}
