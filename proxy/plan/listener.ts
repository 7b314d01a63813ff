// One listening address of a frontend, with the options of its bind line. Data of the plan (plan.ts).

import type { SocketAddressPlan, SourceLocation } from "./plan.ts";
import type { TlsBindPlan } from "./tls.ts";

/** Names of `proto`. */
export type Protocol = "h1" | "h2" | "none";

export interface ListenerPlan {
  readonly index: number;
  /** The frontend or listen it belongs to. */
  readonly proxy: number;
  /** `name X` or the address as written. */
  readonly name: string;
  /** `name X` was given. */
  readonly isNamed: boolean;
  readonly id: number;
  readonly address: SocketAddressPlan;
  /** `maxconn` of the bind line, 0: the frontend's. */
  readonly maxconn: number;
  readonly backlog: number;
  readonly interface: string | null;
  readonly mode: number | null;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly transparent: boolean;
  readonly deferAccept: boolean;
  readonly tcpFastOpen: boolean;
  readonly tcpUserTimeoutMs: number;
  readonly mss: number;
  /** Connections begin with a PROXY header. */
  readonly acceptProxy: boolean;
  /** Connections begin with a NetScaler client IP header of this magic number; 0: they do not. */
  readonly netscalerMagic: number;
  /** `proto`: the protocol that is spoken without asking; null: HTTP/1, or what TLS agrees on. */
  readonly proto: Protocol | null;
  /** `ssl`; null: connections are not encrypted. */
  readonly tls: TlsBindPlan | null;
  readonly at: SourceLocation;
}
