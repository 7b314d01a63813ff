// Servers while the configuration is being read: the parameters of their lines and of `default-server`. A part of draft.ts.

import type { SamplePlan } from "../plan/expression.ts";
import type { SocketAddressPlan } from "../plan/plan.ts";
import type { ProxyV2Option, SendProxyPlan, SourcePlan } from "../plan/server-connection.ts";
import type { SavedServerState } from "../plan/server-state.ts";
import type { TlsServerPlan } from "../plan/tls.ts";
import type { AddressSlot } from "./draft.ts";
import { copyTlsOptions, newTlsOptions, type TlsOptions } from "./sections/tls-options.ts";
import type { Statement } from "./statement.ts";

/** `set-proxy-v2-tlv-fmt` as written. */
export interface ProxyTlvDraft {
  readonly type: number;
  readonly text: string;
  readonly statement: Statement;
}

/** Parameters of a `server` or `default-server` line; a server starts as a copy of its backend's default-server. */
export interface ServerOptions {
  numbers: Map<string, number>;
  texts: Map<string, string>;
  flags: Map<string, boolean>;
  source: SourcePlan | null;
  /** 0: no PROXY header is sent. */
  proxyVersion: 0 | 1 | 2;
  proxyOptions: Set<ProxyV2Option>;
  proxyTlvs: ProxyTlvDraft[];
  tls: TlsOptions;
  checkAddress: SocketAddressPlan | null;
  /** A parameter was written, here or where they were copied from; even one that changes nothing. */
  isWritten: boolean;
}

export interface ServerDraft {
  readonly name: string;
  readonly options: ServerOptions;
  readonly statement: Statement;
  readonly slot: AddressSlot;
  /** What `set-proxy-v2-tlv-fmt` and `pool-conn-name` come to (check/server-connection.ts). */
  tlvs: SendProxyPlan["tlvs"];
  poolConnName: SamplePlan | null;
  /** What `options.tls` comes to (check/server-tls.ts); null: not encrypted. */
  tlsPlan: TlsServerPlan | null;
  /** The same of its checks. */
  checkTlsPlan: TlsServerPlan | null;
  /** The same of steps of its checks that say `ssl`. */
  stepTlsPlan: TlsServerPlan | null;
  /** Index of the section that `resolvers` names, -1: its name is not asked for at run time. */
  resolversIndex: number;
  /** What a server state file says of it, and the address that its name had then. */
  saved: SavedServerState | null;
  lastAddress: string | null;
  /** What `track` names (check/track.ts). */
  tracked: ServerDraft | null;
  /** Its name could not be resolved and `init-addr none` allows that: it starts in maintenance. */
  isUnresolved: boolean;
}

export function newServerOptions(): ServerOptions {
  return {
    ...{ numbers: new Map(), texts: new Map(), flags: new Map(), source: null, checkAddress: null },
    ...{ proxyVersion: 0, proxyOptions: new Set(), proxyTlvs: [], tls: newTlsOptions(), isWritten: false },
  };
}

export function copyServerOptions(options: ServerOptions): ServerOptions {
  return {
    numbers: new Map(options.numbers),
    texts: new Map(options.texts),
    flags: new Map(options.flags),
    source: options.source,
    proxyVersion: options.proxyVersion,
    proxyOptions: new Set(options.proxyOptions),
    proxyTlvs: [...options.proxyTlvs],
    tls: copyTlsOptions(options.tls),
    checkAddress: options.checkAddress,
    isWritten: options.isWritten,
  };
}
