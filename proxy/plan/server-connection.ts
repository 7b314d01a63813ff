// How connections to one server are made, beyond its address: where they come from, what is sent before the client's bytes, and which of them
// may be shared. Data of the plan (plan.ts).

import type { SamplePlan } from "./expression.ts";
import type { Protocol } from "./listener.ts";
import type { LogNodePlan } from "./log.ts";
import type { SocketAddressPlan } from "./plan.ts";
import type { TlsServerPlan } from "./tls.ts";

export interface ServerConnectionPlan {
  /** The line's `source`, else the backend's; null: the kernel chooses. */
  readonly source: SourcePlan | null;
  readonly sendProxy: SendProxyPlan | null;
  /** `proto`: what is spoken without asking; null: HTTP/1, or what TLS agrees on. */
  readonly proto: Protocol | null;
  /** `ws`: what WebSockets are spoken in; auto: HTTP/1 where the server can have both. */
  readonly ws: "auto" | "h1" | "h2";
  /** `ssl`; null: the connection is not encrypted. */
  readonly tls: TlsServerPlan | null;
  /** `tcp-ut`, 0: the kernel's. */
  readonly tcpUserTimeoutMs: number;
  /** `pool-conn-name`: connections are shared only among requests for which it comes out the same. */
  readonly poolConnName: SamplePlan | null;
  /** `pool-low-conn`: fewer idle connections than this are not taken from other threads; ours never are. */
  readonly poolLowConn: number;
}

/** Nothing said: HAProxy's defaults. */
export const PLAIN_CONNECTION: ServerConnectionPlan = {
  source: null,
  sendProxy: null,
  proto: null,
  ws: "auto",
  tls: null,
  tcpUserTimeoutMs: 0,
  poolConnName: null,
  poolLowConn: 0,
};

/** `source <addr>[:<port>[-<port>]] [usesrc …] [interface …]` */
export interface SourcePlan {
  readonly address: SocketAddressPlan;
  /** Ports to take turns with; null: the address's own, or any. */
  readonly ports: { readonly first: number; readonly last: number } | null;
  readonly interface: string | null;
  /** Whose address is shown to the server in place of ours (needs CAP_NET_ADMIN); null: ours. */
  readonly shown: ShownSourcePlan | null;
}

export type ShownSourcePlan =
  | { readonly kind: "address"; readonly address: SocketAddressPlan }
  /** The client's address, with its port or with any. */
  | { readonly kind: "client" | "clientip" }
  /** `hdr_ip(name,occurrence)`: as the fetch of that name. */
  | { readonly kind: "header"; readonly sample: SamplePlan };

export const PROXY_V2_OPTIONS = [
  "ssl",
  "cert-cn",
  "ssl-cipher",
  "cert-sig",
  "cert-key",
  "authority",
  "crc32c",
  "unique-id",
] as const;
export type ProxyV2Option = (typeof PROXY_V2_OPTIONS)[number];

export interface SendProxyPlan {
  readonly version: 1 | 2;
  readonly options: readonly ProxyV2Option[];
  /** `set-proxy-v2-tlv-fmt`, in the order of the line. No nodes: an empty value. */
  readonly tlvs: readonly { readonly type: number; readonly value: readonly LogNodePlan[] }[];
}
