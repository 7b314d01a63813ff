// The configuration while it is being read: what the statements said so far, not yet checked against each other.
//
//   statements ──▶ drafts (this file) ──▶ check/ (one section against the others) ──▶ build/ ──▶ Plan
//
// Drafts are mutable and keep where things were written, because what is wrong with a whole is told in terms of its lines. A `defaults`
// section is a ProxyDraft as well: a proxy starts as a copy of the defaults section it inherits from (`inherit`).
// Nothing here survives the loading: the Plan is what others see.

import type { Diagnostics } from "../../shared/diagnostic/diagnostic.ts";
import type { CapturesPlan } from "../plan/capture.ts";
import type { AclTestPlan, ConditionPlan, PatternUse, SamplePlan } from "../plan/expression.ts";
import type { ForwardedPlan } from "../plan/forwarded.ts";
import type { LogNodePlan } from "../plan/log.ts";
import type { CookiePlan, PersistRulePlan } from "../plan/persistence.ts";
import type { ForwardForPlan, HttpConnectionMode, ProxyMode, SocketAddressPlan } from "../plan/plan.ts";
import type { SourcePlan } from "../plan/server-connection.ts";
import type { StatsAccessRulePlan } from "../plan/stats-page.ts";
import type { StickRulePlan } from "../plan/stick-table.ts";
import type { AddressArgument } from "./address.ts";
import type { BindDraft, BindOptions } from "./bind-draft.ts";
import { type CheckDraft, copyCheck, type HealthcheckDraft } from "./check-draft.ts";
import type { GlobalDraft } from "./draft-global.ts";
import type { PeersDraft, ResolversDraft, StickTableDraft, TableUse } from "./draft-tables.ts";
import type { Environment } from "./environment.ts";
import type { ErrorUse, HttpErrorsDraft, HttpErrorsUse } from "./errors-draft.ts";
import type { PatternSource } from "./expression/pattern-source.ts";
import type { ExpressionReference } from "./expression/typed-arguments.ts";
import {
  type CacheDraft,
  type CacheReference,
  type CompressionDraft,
  type FilterDraft,
  type FilterDrafts,
  inheritCompression,
} from "./filter-draft.ts";
import type { LogDraft, LogForwardDraft, LogProfileDraft, RingDraft } from "./log-draft.ts";
import { newRules, type RuleStatement, type RulesDraft } from "./rules-draft.ts";
import type { PatternEditUse } from "./sections/rules/patterns.ts";
import type { UserlistDraft } from "./sections/userlist.ts";
import { copyServerOptions, newServerOptions, type ServerDraft, type ServerOptions } from "./server-draft.ts";
import type { Statement } from "./statement.ts";
import type { TlsStore } from "./tls-store.ts";

export type DraftKind = "defaults" | "frontend" | "backend" | "listen";

/** What the command line says beside the files. */
export interface CommandLineSettings {
  /** `-L`. */
  readonly localpeer: string | null;
  /** `-n`; 0: not given. */
  readonly maxconn: number;
  /** `-N`: default maxconn of the proxies; 0: not given. */
  readonly proxyMaxconn: number;
}

export interface ConfigurationDraft {
  readonly diagnostics: Diagnostics;
  readonly environment: Environment;
  readonly global: GlobalDraft;
  /** Frontends, backends and listens in the order of the files. */
  readonly proxies: ProxyDraft[];
  /** Defaults sections in the order of the files; the last one is what a proxy without `from` starts from. */
  readonly defaults: ProxyDraft[];
  /** Proxies and servers named in expressions, to be found when all sections have been read. */
  readonly references: PendingReference[];
  /** Stick-tables in the order of the files, those of `peers` sections among them. */
  readonly stickTables: StickTableDraft[];
  /** Tables named by rules, to be found when all sections have been read. */
  readonly tableUses: TableUse[];
  readonly peers: PeersDraft[];
  readonly resolvers: ResolversDraft[];
  readonly caches: CacheDraft[];
  readonly rings: RingDraft[];
  readonly logForwards: LogForwardDraft[];
  /** `log ring@…` and `log backend@…`. */
  readonly ringReferences: {
    readonly kind: "ring" | "backend";
    readonly ring: string;
    readonly statement: Statement;
  }[];
  readonly cacheReferences: CacheReference[];
  readonly logProfiles: LogProfileDraft[];
  /** `healthcheck` sections. */
  readonly healthchecks: HealthcheckDraft[];
  /** Lists of patterns in the order in which they were met, see check/patterns.ts. */
  readonly patternLists: PatternListDraft[];
  readonly patternEdits: PatternEditUse[];
  /** TLS files, each read once. */
  readonly tlsStore: TlsStore;
  readonly httpErrors: HttpErrorsDraft[];
  readonly userlists: UserlistDraft[];
  /** Rules that answer with pages of such sections. */
  readonly httpErrorsUses: HttpErrorsUse[];
  readonly filters: FilterDrafts;
  /** Host names of bind lines and log targets, to be resolved; those of servers stand with the servers. */
  readonly names: PendingName[];
}

/** An address as written, and what it comes to: null while its name has not been resolved. */
export interface AddressSlot {
  readonly argument: AddressArgument;
  readonly written: string;
  address: SocketAddressPlan | null;
}

export interface PendingName {
  readonly slot: AddressSlot;
  /** Says that the name could not be resolved. */
  readonly report: () => void;
}

export interface PendingReference {
  readonly reference: ExpressionReference;
  /** The proxy in which the expression stands. */
  readonly proxy: ProxyDraft;
  /** The fetch, for messages. */
  readonly keyword: string;
  readonly statement: Statement;
}

/** A list of patterns, and all that use it. */
export interface PatternListDraft {
  readonly source: PatternSource;
  readonly uses: PatternUse[];
  /** Who uses it, as `show acl` tells. */
  readonly users: string[];
  isAcl: boolean;
  isMap: boolean;
}

export interface StatsSocketDraft {
  readonly slot: AddressSlot;
  readonly options: BindOptions;
  readonly statement: Statement;
}

export type OtherFormat = "error-log-format" | "log-format-sd" | "unique-id-format";

/** What `option httplog` and its kin say the log lines look like. */
export interface LogFormatDraft {
  readonly kind: "tcplog" | "httplog" | "clf" | "custom";
  readonly text: string;
  readonly statement: Statement;
}

export interface UseBackendDraft {
  readonly name: string;
  /** A name that is made for each stream, null: `name` is it. */
  readonly format: readonly LogNodePlan[] | null;
  readonly condition: ConditionPlan | null;
  readonly statement: Statement;
}

export interface StatsDraft {
  uri: string | null;
  realm: string | null;
  auth: { user: string; password: string }[];
  refreshSeconds: number;
  hideVersion: boolean;
  /** "": the process's node name. */
  showNode: string | null;
  /** "": the global description. */
  showDescription: string | null;
  showLegends: boolean;
  showModules: boolean;
  scope: string[];
  admin: ConditionPlan[] | null;
  readonly httpRequest: StatsAccessRulePlan[];
  readonly statement: Statement;
}

export interface BalanceDraft {
  algorithm: string;
  arguments: readonly string[];
  /** `hash`: what was written, and the sample that it comes to for one proxy (check/balance.ts). */
  expression?: { readonly text: string; readonly statement: Statement };
  sample?: SamplePlan;
}

/** `isDynamic`: servers without a value of their own get one made of their address and `dynamic-cookie-key`. */
export type CookieDraft = CookiePlan & { readonly isDynamic: boolean };

export interface HashTypeDraft {
  method: "map-based" | "consistent";
  function: "sdbm" | "djb2" | "wt6" | "crc32" | "none";
  avalanche: boolean;
}

export interface ProxyDraft {
  readonly kind: DraftKind;
  readonly name: string;
  readonly statement: Statement;
  /** `from X`, or the implicit last defaults section. */
  readonly defaults: ProxyDraft | null;
  mode: ProxyMode;
  disabled: boolean;
  description: string | null;
  /** `id`, 0: to be counted. */
  id: number;
  /** Milliseconds by the word after `timeout`; no entry: not set. */
  timeouts: Map<string, number>;
  /** Yes/no options by the word after `option`; no entry: HAProxy's default. */
  options: Map<string, boolean>;
  connectionMode: HttpConnectionMode;
  forwardFor: ForwardForPlan | null;
  originalTo: ForwardForPlan | null;
  forwarded: ForwardedPlan | null;
  redispatch: number;
  /** Numbers by keyword (`maxconn`, `retries` …); no entry: not set. */
  numbers: Map<string, number>;
  /** Texts by keyword (`log-tag`, `monitor-uri` …). */
  texts: Map<string, string>;
  log: LogDraft[];
  logFormat: LogFormatDraft | null;
  /** `error-log-format`, `log-format-sd`, `unique-id-format` by keyword, and what they come to. */
  readonly otherFormats: Map<OtherFormat, LogFormatDraft>;
  readonly otherNodes: Map<OtherFormat, readonly LogNodePlan[]>;
  uniqueIdHeader: string | null;
  /** `logFormat` parsed for this proxy's mode (check/log-format.ts). */
  logNodes: readonly LogNodePlan[] | null;
  errors: ErrorUse[];
  stats: StatsDraft | null;
  balance: BalanceDraft | null;
  /** `mode log`; `mode` is tcp then. */
  isLog: boolean;
  hashType: HashTypeDraft;
  preserveAffinity: "always" | "maxconn" | "maxqueue";
  httpReuse: "never" | "safe" | "aggressive" | "always";
  cookie: CookieDraft | null;
  readonly persistRules: PersistRulePlan[];
  readonly stick: StickRulePlan[];
  readonly stickResponse: StickRulePlan[];
  check: CheckDraft | null;
  /** Which `option` chose the check; null: none did. */
  checkOption: "httpchk" | "tcp-check" | "protocol" | "external" | null;
  compression: CompressionDraft | null;
  readonly filters: FilterDraft[];
  defaultServer: ServerOptions;
  /** `default-server name …`: only lines that say `from` use them; `line` is where the last one stands. */
  readonly namedDefaultServers: Map<string, { readonly options: ServerOptions; readonly line: number }>;
  /** `source` of the proxy. */
  source: SourcePlan | null;
  defaultBackend: { readonly name: string; readonly statement: Statement } | null;
  readonly binds: BindDraft[];
  readonly acls: Map<string, AclTestPlan[]>;
  readonly useBackends: UseBackendDraft[];
  readonly useServers: UseBackendDraft[];
  readonly captures: {
    -readonly [Part in keyof CapturesPlan]: CapturesPlan[Part] extends readonly (infer Slot)[]
      ? Slot[]
      : CapturesPlan[Part];
  };
  readonly rules: RulesDraft;
  /** The same of its `defaults` section, which come first. */
  readonly inheritedRules: RulesDraft;
  /** What SPOE filters send in front of the rules; null: the section has none. */
  spoeRules: RulesDraft | null;
  /** Of a `defaults` section: its rules as written, to be read again in each proxy that inherits them. */
  readonly ruleStatements: RuleStatement[];
  readonly monitorFails: ConditionPlan[];
  readonly forceSwitches: ConditionPlan[];
  readonly servers: ServerDraft[];
}

export function hasFrontend(proxy: ProxyDraft): boolean {
  return proxy.kind === "frontend" || proxy.kind === "listen";
}

export function hasBackend(proxy: ProxyDraft): boolean {
  return proxy.kind === "backend" || proxy.kind === "listen";
}

/** The backend or listen of that name; a frontend is none. */
export function findBackend(name: string, configuration: ConfigurationDraft): ProxyDraft | null {
  return configuration.proxies.find((proxy) => proxy.name === name && hasBackend(proxy)) ?? null;
}

/** How HAProxy calls a section of this kind in its messages: a `listen` is a `proxy`. */
export function kindInMessages(proxy: ProxyDraft): string {
  return proxy.kind === "listen" ? "proxy" : proxy.kind;
}

/** A new section: a copy of what its defaults section settled, or HAProxy's own defaults without one. */
export function newProxy(kind: DraftKind, name: string, statement: Statement, defaults: ProxyDraft | null): ProxyDraft {
  return {
    kind,
    name,
    statement,
    defaults,
    mode: defaults?.mode ?? "tcp",
    disabled: defaults?.disabled ?? false,
    description: null,
    id: 0,
    timeouts: new Map(defaults?.timeouts),
    options: new Map(defaults?.options),
    connectionMode: defaults?.connectionMode ?? "keep-alive",
    forwardFor: defaults?.forwardFor ?? null,
    originalTo: defaults?.originalTo ?? null,
    forwarded: defaults?.forwarded ?? null,
    redispatch: defaults?.redispatch ?? 0,
    numbers: new Map(defaults?.numbers),
    texts: new Map(defaults?.texts),
    log: [...(defaults?.log ?? [])],
    logFormat: defaults?.logFormat ?? null,
    otherFormats: new Map(defaults?.otherFormats),
    otherNodes: new Map(),
    uniqueIdHeader: defaults?.uniqueIdHeader ?? null,
    logNodes: null,
    errors: [...(defaults?.errors ?? [])],
    stats: copyStats(defaults?.stats ?? null),
    balance: defaults?.balance ?? null,
    isLog: defaults?.isLog ?? false,
    hashType: defaults?.hashType ?? { method: "map-based", function: "sdbm", avalanche: false },
    preserveAffinity: defaults?.preserveAffinity ?? "always",
    httpReuse: defaults?.httpReuse ?? "safe",
    cookie: defaults?.cookie ?? null,
    persistRules: [],
    stick: [],
    stickResponse: [],
    check: copyCheck(defaults?.check ?? null),
    checkOption: defaults?.checkOption ?? null,
    defaultServer: copyServerOptions(defaults?.defaultServer ?? newServerOptions()),
    namedDefaultServers: new Map(),
    compression: inheritCompression(defaults?.compression ?? null),
    filters: [],
    source: defaults?.source ?? null,
    defaultBackend: defaults?.defaultBackend ?? null,
    binds: [],
    acls: new Map([...(defaults?.acls ?? [])].map(([aclName, tests]) => [aclName, [...tests]])),
    useBackends: [],
    useServers: [],
    captures: { request: [], response: [], cookie: null },
    rules: newRules(),
    ...{ inheritedRules: newRules(), spoeRules: null },
    ruleStatements: [],
    ...{ monitorFails: [], forceSwitches: [] },
    servers: [],
  };
}

export function newStats(statement: Statement): StatsDraft {
  return {
    uri: null,
    realm: null,
    auth: [],
    refreshSeconds: 0,
    httpRequest: [],
    hideVersion: false,
    showNode: null,
    showDescription: null,
    showLegends: false,
    showModules: false,
    scope: [],
    admin: null,
    statement,
  };
}

function copyStats(stats: StatsDraft | null): StatsDraft | null {
  return stats && { ...stats, auth: [...stats.auth], scope: [...stats.scope], admin: stats.admin && [...stats.admin] };
}
