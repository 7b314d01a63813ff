// The plan: what a configuration comes to, as plain data that can be posted to a worker thread (structured clone).
// config/ writes it, control/ and the workers read it; nobody changes it afterwards. What changes at run time lives in the shared state, under the
// same indices. Times are milliseconds, 0 means "not set"; sizes are bytes; indices are positions in the arrays of `Plan`.
// Text from the configuration is a byte string (one character per byte, latin1), as config/line.ts has it: names, patterns, headers, URIs,
// UNIX socket paths. `chroot` and `pidfile` are decoded, because they go to Node as paths.

import type { BalancePlan } from "./balance.ts";
import type { BandwidthLimitPlan } from "./bandwidth.ts";
import type { CachePlan } from "./cache.ts";
import type { CapturesPlan } from "./capture.ts";
import type { CaseAdjustPlan } from "./case-adjust.ts";
import type { AgentPlan, CheckPlan, ObservePlan, ServerCheckPlan } from "./check.ts";
import type { CompressionLimitsPlan, CompressionPlan } from "./compression.ts";
import type { ErrorFilePlan, ErrorReplyPlan } from "./errors.ts";
import type { ConditionPlan, PatternListPlan } from "./expression.ts";
import type { ForwardedPlan } from "./forwarded.ts";
import type { Http2Plan } from "./http2.ts";
import type { ListenerPlan } from "./listener.ts";
import type { LogNodePlan, LogProfilePlan, LogSamplePlan, UniqueIdPlan } from "./log.ts";
import type { HubAddressPlan, LogHubPlan } from "./log-hub.ts";
import type { PersistencePlan } from "./persistence.ts";
import type { ResolutionPlan, ResolversPlan } from "./resolvers.ts";
import type { RulesPlan } from "./rules.ts";
import type { ServerConnectionPlan } from "./server-connection.ts";
import type { SavedServerState } from "./server-state.ts";
import type { SpoeEnginePlan } from "./spoe.ts";
import type { StatsFilePlan } from "./stats-file.ts";
import type { StatsPagePlan } from "./stats-page.ts";
import type { PeersPlan, StickTablePlan } from "./stick-table.ts";
import type { TlsGlobalPlan } from "./tls.ts";
import type { UserlistPlan } from "./userlist.ts";
import type { VariablesPlan } from "./variables.ts";

export interface Plan {
  readonly global: GlobalPlan;
  /** Frontends, backends and listens in the order of the configuration; the index is the proxy's identity inside ringway. */
  readonly proxies: readonly ProxyPlan[];
  /** All servers of all backends; the index is the row in the server table. */
  readonly servers: readonly ServerPlan[];
  readonly caches: readonly CachePlan[];
  readonly logHub: LogHubPlan;
  /** One per address and port that is bound (a port range gives several). */
  readonly listeners: readonly ListenerPlan[];
  /** Stick-tables of proxies and of `peers` sections. */
  readonly stickTables: readonly StickTablePlan[];
  readonly resolvers: readonly ResolversPlan[];
  readonly peers: readonly PeersPlan[];
  readonly patternLists: readonly PatternListPlan[];
  readonly bandwidthLimits: readonly BandwidthLimitPlan[];
  readonly caseAdjust: CaseAdjustPlan;
  /** Engines of `filter spoe`. */
  readonly spoe: readonly SpoeEnginePlan[];
  readonly logProfiles: readonly LogProfilePlan[];
  readonly variables: VariablesPlan;
  readonly userlists: readonly UserlistPlan[];
  readonly statsFile?: StatsFilePlan;
}

export interface SourceLocation {
  readonly file: string;
  readonly line: number;
}

export interface GlobalPlan {
  /** Number of worker threads (`nbthread`), already resolved: at least 1. */
  readonly nbthread: number;
  /** `maxconn` as configured (or -n), 0: derive from the descriptor limit. */
  readonly maxconn: number;
  /** `tune.bufsize`, default 16384. */
  readonly bufsizeBytes: number;
  /** `tune.maxrewrite`, default 1024: part of the buffer that a received head may not use. */
  readonly maxrewriteBytes: number;
  readonly tls: TlsGlobalPlan;
  readonly h2: Http2Plan;
  /** `tune.http.maxhdr`, default 101: header lines a head may have. */
  readonly maxHeaders: number;
  /** `tune.http.logurilen`, default 1023: bytes of a request line that are logged. */
  readonly logUriBytes: number;
  readonly compression: CompressionLimitsPlan;
  /** `maxconnrate`, `maxsessrate`, `maxsslrate`: per second, 0: no limit. */
  readonly rates: { readonly connections: number; readonly sessions: number; readonly tls: number };
  readonly daemon: boolean;
  readonly quiet: boolean;
  readonly pidfile: string | null;
  readonly chroot: string | null;
  readonly user: string | null;
  readonly uid: number | null;
  readonly group: string | null;
  readonly gid: number | null;
  /** `node`, default: the host's name. */
  readonly node: string;
  readonly description: string | null;
  /** `localpeer` or -L. */
  readonly localpeer: string;
  readonly hardStopAfterMs: number;
  readonly graceMs: number;
  readonly spreadChecksPercent: number;
  /** `max-spread-checks`: first checks come within so much time, 0: within their interval. */
  readonly maxSpreadChecksMs: number;
  readonly ulimitN: number;
  /** Former generations that a master lets live, 0: any number. */
  readonly mworkerMaxReloads: number;
  /** `tune.stick-counters`: how many `track-sc` there are. */
  readonly stickCounters: number;
  /** `http-err-codes`, `http-fail-codes`: status codes that stick-tables count as the client's and as the server's fault. */
  readonly httpErrorCodes: readonly number[];
  readonly httpFailCodes: readonly number[];
  readonly statsSockets: readonly StatsSocketPlan[];
  readonly statsTimeoutMs: number;
  readonly statsMaxconn: number;
  readonly log: readonly LogTargetPlan[];
  readonly logTag: string;
  /** `log-send-hostname`: the name to put into the syslog header, or null. */
  readonly logSendHostname: string | null;
  /** `set-dumpable`, `zero-warning` and friends that control/ reads by name. */
  readonly flags: Readonly<Record<string, boolean>>;
}

export interface StatsSocketPlan {
  readonly address: SocketAddressPlan;
  readonly level: "user" | "operator" | "admin";
  /** UNIX sockets: `mode 600`, `user`, `group`. */
  readonly mode: number | null;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly timeoutMs: number;
  readonly at: SourceLocation;
}

/** Where to bind or connect. `port` is 0 when the form has none. */
export type SocketAddressPlan =
  | { readonly kind: "ipv4"; readonly host: string; readonly port: number }
  | {
      readonly kind: "ipv6";
      readonly host: string;
      readonly port: number;
      readonly v6only: boolean;
      readonly v4v6: boolean;
    }
  | { readonly kind: "unix"; readonly path: string }
  /** Abstract namespace. `zeroTerminated` (`abnsz@`): the kernel gets the name's own length; otherwise it is padded with NULs to 107 bytes. */
  | { readonly kind: "abns"; readonly name: string; readonly zeroTerminated?: boolean }
  | { readonly kind: "fd"; readonly fd: number };

export type ProxyKind = "frontend" | "backend" | "listen";
export type ProxyMode = "http" | "tcp";

export interface ProxyPlan {
  readonly index: number;
  readonly name: string;
  readonly kind: ProxyKind;
  /** HAProxy's proxy id (`id`, or counted), the `iid` of show stat and `be_id` of show servers state. */
  readonly id: number;
  readonly mode: ProxyMode;
  readonly disabled: boolean;
  readonly description: string | null;
  readonly at: SourceLocation;
  readonly timeouts: TimeoutsPlan;
  readonly log: readonly LogTargetPlan[];
  readonly logTag: string | null;
  /** `option dontlognull`, `dontlog-normal`, `logasap`, `log-separate-errors`. */
  readonly logOptions: {
    readonly dontLogNull: boolean;
    readonly dontLogNormal: boolean;
    readonly asap: boolean;
    readonly separateErrors: boolean;
  };
  readonly errorFiles: readonly ErrorFilePlan[];
  readonly errorReplies: readonly ErrorReplyPlan[];
  readonly rules: RulesPlan;
  /** `option http-buffer-request`. */
  readonly bufferRequest: boolean;
  /** `option http-restrict-req-hdr-names`: what becomes of headers whose names have other characters than letters, digits and `-`. */
  readonly headerNames: "preserve" | "delete" | "reject";
  /** `option http-use-proxy-header`. */
  readonly useProxyHeader: boolean;
  readonly compression: CompressionPlan | null;
  readonly frontend: FrontendPlan | null;
  readonly backend: BackendPlan | null;
}

/** Milliseconds; 0: none (infinite), as in HAProxy. */
export interface TimeoutsPlan {
  /** `tcp-request inspect-delay` and `tcp-response inspect-delay`. */
  readonly requestInspect: number;
  readonly responseInspect: number;
  readonly client: number;
  readonly clientFin: number;
  /** For what comes before the client's own bytes: PROXY header, TLS. 0: `client`. */
  readonly clientHandshake: number;
  readonly connect: number;
  readonly server: number;
  readonly serverFin: number;
  readonly httpRequest: number;
  readonly httpKeepAlive: number;
  readonly queue: number;
  readonly tunnel: number;
  readonly check: number;
  readonly tarpit: number;
}

/** How connections are kept on a side, HAProxy's three modes. */
export type HttpConnectionMode = "keep-alive" | "server-close" | "close";

export interface FrontendPlan {
  readonly captures: CapturesPlan;
  readonly listeners: readonly number[];
  readonly maxconn: number;
  readonly backlog: number;
  readonly connectionMode: HttpConnectionMode;
  readonly forwardFor: ForwardForPlan | null;
  readonly originalTo: ForwardForPlan | null;
  readonly acceptInvalidHttpRequest: boolean;
  readonly httpIgnoreProbes: boolean;
  /** `option disable-h2-upgrade`: a client that begins with HTTP/2's preface without being asked gets an error. */
  readonly noHttp2Upgrade?: boolean;
  /** `option socket-stats`: statistics per listening address. */
  readonly socketStats: boolean;
  /** `option nolinger`: a closed connection is forgotten at once, unsent data with it. */
  readonly noLinger: boolean;
  readonly clientTcpKeepAlive: boolean;
  readonly monitorUri: string | null;
  /** `monitor fail if …`: each line that holds answers 503. */
  readonly monitorFail: readonly ConditionPlan[];
  /** `force-be-switch`: one that holds lets `use_backend` choose backends that are disabled or unpublished. */
  readonly forceSwitch: readonly ConditionPlan[];
  readonly stats: StatsPagePlan | null;
  /** What ends in `format`'s log line; null: HAProxy's default line "Connect from …". */
  readonly logFormat: readonly LogNodePlan[] | null;
  /** Of connections that end before there is a request (`error-log-format`), and structured data of RFC 5424 (`log-format-sd`). */
  readonly errorLogFormat: readonly LogNodePlan[] | null;
  readonly logFormatSd: readonly LogNodePlan[] | null;
  readonly uniqueId: UniqueIdPlan | null;
  /** Bits of LOG_STEPS; 0: one line, when everything that it says is known. */
  readonly logSteps: number;
  readonly useBackend: readonly UseBackendPlan[];
  /** Index of the proxy, -1: none (503). A `listen` is its own. */
  readonly defaultBackend: number;
  readonly rateLimitSessions: number;
}

/** `use-server` rules: the first that holds and whose server can be used names it; by index, or by a name that is made for each stream. */
export interface UseServerPlan {
  readonly server: number | readonly LogNodePlan[];
  readonly condition: ConditionPlan;
}

export interface UseBackendPlan {
  /** An index, or a name that is made for each stream. */
  readonly backend: number | readonly LogNodePlan[];
  /** null: always. */
  readonly condition: ConditionPlan | null;
  readonly at: SourceLocation;
}

export interface ForwardForPlan {
  /** Lower case, e.g. `x-forwarded-for`. */
  readonly header: string;
  /** `if-none`: leave an existing header alone. */
  readonly ifNone: boolean;
  /** `except`: networks whose clients get no header. */
  readonly except: readonly NetworkPlan[];
}

/** An address and a mask, both 4 or 16 bytes. */
export interface NetworkPlan {
  readonly address: Uint8Array;
  readonly mask: Uint8Array;
}

export interface BackendPlan {
  readonly servers: readonly number[];
  /** Names of its default-servers in order, "" first for the one without a name when it says anything. */
  readonly defaultServers: readonly string[];
  readonly useServer: readonly UseServerPlan[];
  readonly balance: BalancePlan;
  readonly connectionMode: HttpConnectionMode;
  readonly httpReuse: "never" | "safe" | "aggressive" | "always";
  readonly preferLastServer: boolean;
  readonly forwardFor: ForwardForPlan | null;
  readonly originalTo: ForwardForPlan | null;
  /** `option forwarded`, and below `be-unpublished`. */
  readonly forwarded: ForwardedPlan | null;
  readonly unpublished: boolean;
  readonly retries: number;
  /** `option redispatch [N]`: 0 off, -1 on the last retry, N every Nth, as HAProxy's redispatch_after. */
  readonly redispatch: number;
  /** `retry-on`: bits of RETRY_ON (retry.ts). */
  readonly retryOn: number;
  readonly allBackups: boolean;
  readonly abortOnClose: boolean;
  readonly acceptInvalidHttpResponse: boolean;
  readonly httpPretendKeepalive: boolean;
  readonly noLinger: boolean;
  readonly serverTcpKeepAlive: boolean;
  readonly fullconn: number;
  readonly stats: StatsPagePlan | null;
  readonly check: CheckPlan;
  readonly logHealthChecks: boolean;
  readonly persistence: PersistencePlan;
}

export type InitState = "fully-up" | "up" | "down" | "fully-down";

export interface ServerPlan {
  readonly index: number;
  /** The backend's proxy index. */
  readonly proxy: number;
  readonly name: string;
  /** HAProxy's server id inside the backend (`id` or counted from 1), the `sid` of show stat. */
  readonly id: number;
  /** Resolved address; port 0 with `portOffset` when the server takes the client's port (`+N`/`-N`/none). */
  readonly address: SocketAddressPlan;
  readonly portOffset: number | null;
  /** The name as written when it had to be resolved, for show servers state. */
  readonly fqdn: string | null;
  readonly weight: number;
  /** `hash-key`: what places it on the circle of `hash-type consistent`; absent: `id`. */
  readonly hashKey?: "id" | "addr" | "addr-port";
  readonly backup: boolean;
  /** `resolvers`: its address is what DNS says; absent: it stays where it is. */
  readonly resolution?: ResolutionPlan;
  /** What a server state file says of it; absent: nothing. */
  readonly saved?: SavedServerState;
  /** `track`: index of the server whose state this one follows; absent: it has its own. */
  readonly track?: number;
  /** `init-state`: how a server that is checked begins, and comes out of maintenance; absent: up, and the first failed check takes it down. */
  readonly initState?: InitState;
  readonly disabled: boolean;
  readonly maxconn: number;
  readonly minconn: number;
  readonly maxqueue: number;
  readonly cookie: string | null;
  readonly connection: ServerConnectionPlan;
  /** `non-stick`: never entered into a stick-table. */
  readonly nonStick: boolean;
  readonly onMarkedDown: "none" | "shutdown-sessions";
  readonly onMarkedUp: "none" | "shutdown-backup-sessions";
  readonly poolMaxConn: number;
  /** Idle connections that are kept although no recent need speaks for them; absent: 0. */
  readonly poolLowConn?: number;
  readonly poolPurgeDelayMs: number;
  readonly maxReuse: number;
  readonly slowstartMs: number;
  readonly check: ServerCheckPlan | null;
  readonly agent: AgentPlan | null;
  /** `rise` of a server that is not checked, which is its health; absent: 2. */
  readonly rise?: number;
  /** Absent: traffic says nothing about the server's health. */
  readonly observe?: ObservePlan;
  readonly at: SourceLocation;
}

export interface LogTargetPlan {
  /** `fd`: stdout is 1, stderr is 2, `fd@N`. */
  readonly address: SocketAddressPlan | HubAddressPlan;
  /** Syslog facility code 0 … 23. */
  readonly facility: number;
  /** Highest severity number that is sent (0 emerg … 7 debug). */
  readonly level: number;
  /** Lower severities are raised to this one. */
  readonly minLevel: number;
  readonly format: "rfc3164" | "rfc5424" | "local" | "priority" | "short" | "timed" | "iso" | "raw";
  /** `len`, default 1024 bytes. */
  readonly maxBytes: number;
  /** `sample`: of every `size` lines those in the ranges are sent, counted from 1. */
  readonly sample?: LogSamplePlan;
  /** `profile`: a name in `Plan.logProfiles`. */
  readonly profile?: string;
}
