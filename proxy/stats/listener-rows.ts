// Rows of listening addresses, with `option socket-stats`. HAProxy's names for those without `name` are `sock-1`, `sock-2` …

import type { ListenerPlan } from "../plan/listener.ts";
import type { ProxyPlan } from "../plan/plan.ts";
import { COUNTER, LISTENER, type SharedState } from "../shared-state/layout.ts";
import type { CounterRow } from "./aggregate.ts";
import { ROW_KIND } from "./columns.ts";
import { addressText, type StatRow } from "./stat-row.ts";

/** @param number its place among the proxy's listeners, from 1 on @param frontendState a frontend that is paused has no open listener */
export function listenerRow(
  proxy: ProxyPlan,
  listener: ListenerPlan,
  number: number,
  counters: CounterRow,
  shared: SharedState,
  isOpen: boolean,
): StatRow {
  const current = shared.words[shared.listenerAt(listener.index) + LISTENER.connections];
  const { kind } = listener.address;
  const isFull = listener.maxconn > 0 && current >= listener.maxconn;
  return {
    ...{ kind: "listener", proxy, server: null },
    values: {
      ...{ pxname: proxy.name, svname: listener.isNamed ? listener.name : `sock-${number}` },
      ...{ pid: 1, iid: proxy.id, sid: listener.id, type: ROW_KIND.listener.type, mode: proxy.mode },
      ...{ scur: current, smax: Math.max(current, counters[COUNTER.sessions] > 0 ? 1 : 0), slim: listener.maxconn },
      ...{ stot: counters[COUNTER.sessions], bin: counters[COUNTER.bytesIn], bout: counters[COUNTER.bytesOut] },
      ...{ dreq: counters[COUNTER.deniedRequests], dresp: counters[COUNTER.deniedResponses] },
      ereq: counters[COUNTER.errorRequests],
      status: isOpen ? (isFull ? "FULL" : "OPEN") : "WAITING",
      addr: addressText(listener.address),
      conn_tot: counters[COUNTER.sessions],
      ...{ dcon: counters[COUNTER.deniedConnections], dses: counters[COUNTER.deniedSessions] },
      ...{ wrew: counters[COUNTER.failedRewrites], eint: counters[COUNTER.internalErrors] },
      proto: kind === "ipv4" ? "tcpv4" : kind === "ipv6" ? "tcpv6" : kind === "fd" ? "tcpv4" : "unix_stream",
      reqbin: counters[COUNTER.requestBytesIn],
      reqbout: counters[COUNTER.requestBytesOut],
      resbin: counters[COUNTER.responseBytesIn],
      resbout: counters[COUNTER.responseBytesOut],
      ...{ ssl_sess: 0, ssl_reused_sess: 0, ssl_failed_handshake: 0, ssl_ocsp_staple: 0, ssl_failed_ocsp_staple: 0 },
    },
  };
}
