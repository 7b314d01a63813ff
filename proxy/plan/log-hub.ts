// Where log lines go that are not sent to a socket by themselves: `ring` sections, and `log-forward` sections that take lines from others
// (configuration.txt 12.5, 12.6). Data of the plan (plan.ts).

import type { ConverterCallPlan } from "./expression.ts";
import type { LogTargetPlan, SocketAddressPlan } from "./plan.ts";

/** In place of an address: a ring or a log backend of this process. */
export interface HubAddressPlan {
  readonly kind: "hub";
  /** `ring@<name>`, `backend@<name>` */
  readonly name: string;
}

export interface RingPlan {
  readonly name: string;
  readonly description: string;
  readonly format: LogTargetPlan["format"] | null;
  readonly lineBytesMax: number;
  readonly bytesMax: number;
  readonly connectTimeoutMs: number;
  readonly servers: readonly RingServerPlan[];
}

export interface RingServerPlan {
  readonly name: string;
  readonly address: SocketAddressPlan;
  /** `log-proto octet-count`: each line behind its length, else each line ended by LF. */
  readonly octetCount: boolean;
}

export interface LogForwardPlan {
  readonly name: string;
  readonly streams: readonly SocketAddressPlan[];
  readonly datagrams: readonly SocketAddressPlan[];
  readonly targets: readonly LogTargetPlan[];
  readonly connectionsMax: number;
  readonly clientTimeoutMs: number;
  /** false: `option dont-parse-log`. */
  readonly parses: boolean;
  /** `option assume-rfc6587-ntf`: digits in front are no length. */
  readonly linesOnly: boolean;
  readonly host: HostStrategy;
}

/** `option host`: whose name a message bears, its own or the address of who sent it. */
export type HostStrategy = "replace" | "fill" | "keep" | "append";

/** A backend of mode log. */
export interface LogBackendPlan {
  /** Index of its proxy. */
  readonly proxy: number;
  readonly name: string;
  readonly balance: "roundrobin" | "random" | "sticky" | "log-hash";
  /** `log-hash`: what makes the key of a line. */
  readonly converters: readonly ConverterCallPlan[];
  readonly servers: readonly LogServerPlan[];
}

export interface LogServerPlan {
  /** Index in the plan's servers. */
  readonly index: number;
  readonly name: string;
  readonly address: SocketAddressPlan;
  readonly isDatagram: boolean;
  readonly backup: boolean;
  readonly octetCount: boolean;
  /** `log-bufsize` of a stream, bytes; null: the default. */
  readonly bufferBytes: number | null;
}

export interface LogHubPlan {
  readonly backends: readonly LogBackendPlan[];
  readonly rings: readonly RingPlan[];
  readonly forwards: readonly LogForwardPlan[];
}
