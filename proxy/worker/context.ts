// What the parts of one worker share: views on memory, tables, clock and each other. Built by boot.ts; nothing is added later.
// The parts know each other only through this object, so that no file of the data plane imports another's state.

import type { Arena } from "../../shared/arena/arena.ts";
import type { BufferPool } from "../../shared/arena/buffer-pool.ts";
import type { Reactor } from "../../shared/reactor/reactor.ts";
import type { Clock } from "../../shared/time/clock.ts";
import type { TimerWheel } from "../../shared/time/timer-wheel.ts";
import type { PatternLists } from "../acl/patterns/pattern-lists.ts";
import type { Dispatch } from "../backend/dispatch.ts";
import type { Bandwidth } from "../bandwidth/bandwidth.ts";
import type { Cache } from "../cache/cache.ts";
import type { Compression } from "../compression/compression.ts";
import type { ProxiedConnections } from "../connection/proxied.ts";
import type { Connections } from "../connection/table.ts";
import type { Transport } from "../connection/transport.ts";
import type { Routing } from "../frontend/routing.ts";
import type { HttpBack } from "../http1/back.ts";
import type { CaseAdjust } from "../http1/case-adjust.ts";
import type { HttpFront } from "../http1/front.ts";
import type { InvalidMessages } from "../http1/invalid-messages.ts";
import type { LocalReplies } from "../http1/reply.ts";
import type { HttpTimers } from "../http1/timers.ts";
import type { Http2 } from "../http2/http2.ts";
import type { Accept } from "../listener/accept.ts";
import type { ProxyProtocol } from "../listener/proxy-protocol.ts";
import type { AccessLog } from "../log/access-log.ts";
import type { UniqueIds } from "../log/unique-id.ts";
import type { Persistence } from "../persistence/persistence.ts";
import type { Plan, TimeoutsPlan } from "../plan/plan.ts";
import type { Rules } from "../rules/rules.ts";
import type { SampleContext } from "../sample/context.ts";
import type { ServerConnections } from "../server/connect.ts";
import type { ConnectionNames } from "../server/connection-name.ts";
import type { IdlePool } from "../server/idle-pool.ts";
import type { Observation } from "../server/observation.ts";
import type { SendProxy } from "../server/send-proxy.ts";
import type { SharedState } from "../shared-state/layout.ts";
import type { SpoeEngines } from "../spoe/engines.ts";
import type { Tracking } from "../stick-table/tracking.ts";
import type { Lifecycle } from "../stream/lifecycle.ts";
import type { Streams } from "../stream/stream.ts";
import type { Relay } from "../tcp/relay.ts";
import type { ClientHandshakes } from "../tls/client-handshakes.ts";
import type { ServerSessions } from "../tls/server-sessions.ts";
import type { Gauges } from "./gauges.ts";
import type { Mailbox } from "./mailbox.ts";
import type { PatternEdits } from "./pattern-edits.ts";

export interface WorkerContext {
  readonly worker: number;
  readonly plan: Plan;
  /** Per proxy, clamped to what the timer wheel can hold. */
  readonly timeouts: readonly TimeoutsPlan[];
  readonly shared: SharedState;
  readonly gauges: Gauges;
  readonly arena: Arena;
  readonly bytes: Uint8Array;
  readonly pool: BufferPool;
  readonly reactor: Reactor;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly connections: Connections;
  readonly streams: Streams;
  readonly transport: Transport;
  readonly accept: Accept;
  readonly clientHandshakes: ClientHandshakes;
  readonly proxied: ProxiedConnections;
  readonly proxyProtocol: ProxyProtocol;
  readonly front: HttpFront;
  readonly http2: Http2;
  readonly samples: SampleContext;
  readonly routing: Routing;
  readonly spoe: SpoeEngines;
  readonly bandwidth: Bandwidth;
  readonly caseAdjust: CaseAdjust;
  readonly rules: Rules;
  readonly persistence: Persistence;
  readonly tracking: Tracking;
  readonly dispatch: Dispatch;
  readonly serverConnections: ServerConnections;
  readonly serverSessions: ServerSessions;
  readonly connectionNames: ConnectionNames;
  readonly sendProxy: SendProxy;
  readonly idlePool: IdlePool;
  readonly back: HttpBack;
  readonly timers: HttpTimers;
  readonly relay: Relay;
  /** null: no proxy compresses. */
  readonly compression: Compression | null;
  /** null: there is no cache. */
  readonly cache: Cache | null;
  readonly replies: LocalReplies;
  readonly lifecycle: Lifecycle;
  readonly invalidMessages: InvalidMessages;
  readonly observation: Observation;
  readonly log: AccessLog;
  readonly mailbox: Mailbox;
  /** What ACLs and maps compare with: this worker's copy, and how rules change it. */
  readonly patterns: PatternLists;
  readonly patternEdits: PatternEdits;
  readonly uniqueIds: UniqueIds;
}
