// What the control plane hands to a worker thread when it starts, and the messages between them afterwards. Everything that
// changes often goes through the SharedArrayBuffer instead; messages are for what is rare.

import type { MessagePort } from "node:worker_threads";
import type { EngineChoice } from "../../shared/reactor/create.ts";
import type { PatternChange } from "../acl/patterns/pattern-lists.ts";
import type { Plan, SocketAddressPlan } from "../plan/plan.ts";
import type { TlsChange } from "../plan/tls.ts";
import type { StreamReport } from "./stream-report.ts";

export interface WorkerTask {
  /** 0 … nbthread - 1: the worker's row in the shared state. */
  readonly worker: number;
  readonly plan: Plan;
  readonly shared: SharedArrayBuffer;
  /** The memory of `plan.caches`. */
  readonly caches: readonly SharedArrayBuffer[];
  readonly port: MessagePort;
  /** Bound, listening sockets for this worker; the process owns the descriptors and keeps them open over a worker's death. */
  readonly listeners: readonly { readonly listener: number; readonly fd: number }[];
  /** Connected or plain datagram sockets and files for logs, by the order of `logTargets(plan)`; -1: could not be opened. */
  readonly logFds: readonly number[];
  /** Most client connections that this worker may have to hold (process-wide maxconn: any worker may get them all). */
  readonly maxconn: number;
  readonly pid: number;
  readonly engine: EngineChoice;
  /** What TLS session tickets are sealed with: the same in all workers, and handed from generation to generation. */
  readonly tlsSecret: Uint8Array;
  /** Of TLS sessions that are resumed without a ticket (tls/session-cache.ts); null: no listener speaks TLS, or none are kept. */
  readonly tlsSessions: SharedArrayBuffer | null;
}

/**
 * How a worker ends. The task resolves after "drain" or "stop", and rejects when an assertion failed. Either way `run` leaves nothing
 * behind (`try … finally`): it sets its `wakeFd` word to -1, closes every descriptor it opened or accepted, and destroys its reactor. Node closes
 * none of them when a thread ends, and a client whose connection nobody closes hangs. The listening sockets and log descriptors are not
 * the worker's: its successor gets the same ones.
 */

/** Control plane → worker. */
export type ToWorker =
  /**
   * Soft stop: stop accepting, answer what is in flight with Connection: close, close connections that have been idle for `idleGraceMs`
   * as soon as they have, then resolve the task.
   */
  | { readonly type: "drain"; readonly idleGraceMs: number }
  /** Hard stop: close everything and resolve the task. */
  | { readonly type: "stop" }
  /** Close the streams that are bound to this server (`on-marked-down shutdown-sessions`, `shutdown sessions server`). */
  | { readonly type: "shutdown-server-sessions"; readonly server: number; readonly killed?: true }
  /** New connections to this server go there (`set server … addr`). */
  | {
      readonly type: "server-address";
      readonly server: number;
      readonly address: SocketAddressPlan;
      readonly portOffset: number | null;
    }
  /** The cookies of a backend's servers, in their order; null: none. */
  | { readonly type: "server-cookies"; readonly proxy: number; readonly values: readonly (string | null)[] }
  /** Close one stream (`shutdown session`), unless it has ended. */
  | { readonly type: "shutdown-stream"; readonly slot: number; readonly generation: number }
  /** Answered with "streams" and the same number (`show sess`). */
  | { readonly type: "report-streams"; readonly question: number }
  /** Stop or resume accepting for a frontend (`disable/enable frontend`). */
  | { readonly type: "pause-frontend"; readonly proxy: number; readonly paused: boolean }
  /** The answer to `ask`. `headers` without Content-Length and Connection: the worker adds them. */
  | {
      readonly type: "answer";
      readonly id: number;
      readonly status: number;
      readonly headers: readonly (readonly [string, string])[];
      readonly body: Uint8Array;
    }
  /** The answer to `spoe`, by its question. `failure`: see FAILURE in spoe/engines.ts; `actions`: the payload of the agent's ACK. */
  | {
      readonly type: "spoe-answer";
      readonly slot: number;
      readonly question: number;
      readonly failure: number;
      readonly actions: Uint8Array | null;
    }
  /** Lists of patterns changed. The worker answers "patterns-done" with the same number when it has applied them. */
  | { readonly type: "patterns"; readonly sequence: number; readonly changes: readonly PatternChange[] }
  /** TLS files changed. The worker answers "tls-done" with the same number when new connections have them. */
  | { readonly type: "tls"; readonly sequence: number; readonly change: TlsChange }
  /** Servers, states or sequences changed: look at the shared state now (only a wake-up). */
  | { readonly type: "look" }
  /** Fail an assertion in the worker's loop. Only tests post it, to see a worker die and be replaced; nothing a peer sends leads here. */
  | { readonly type: "crash" };

/** Worker → control plane. */
export type FromWorker =
  | {
      readonly type: "ready";
      /** For people: the engine, and in brackets why it is not the better one. */
      readonly engine: string;
      readonly wakeFd: number;
      /** What the worker's stick counters follow (stick-table/tracking.ts), to be released if it dies. */
      readonly tracked?: Int32Array;
    }
  /** A request for something that the control plane answers (the statistics page, metrics). `body` holds at most one buffer. */
  | {
      readonly type: "ask";
      readonly id: number;
      readonly kind: "stats" | "metrics";
      /** The proxy whose `stats` settings matched. */
      readonly proxy: number;
      readonly method: string;
      /** Path and query as received. */
      readonly uri: string;
      readonly authorization: string | null;
      readonly body: string;
      readonly client: string;
      /** A condition of `stats admin` holds for this request: its page may change servers. */
      readonly admin: boolean;
      /** A rule of `stats http-request` lets it in: no password is needed. */
      readonly admitted: boolean;
    }
  /** A rule changed a list of patterns; this worker's copy has the change already. `put` with null: a list of keys only. */
  | {
      readonly type: "pattern-edit";
      readonly list: number;
      readonly kind: "put" | "remove";
      readonly key: string;
      readonly value: string | null;
    }
  | { readonly type: "patterns-done"; readonly sequence: number }
  /** `error-limit` failures in a row of a server that is observed; how often stands in the shared state. */
  | { readonly type: "observed"; readonly server: number }
  /** Messages (the payload of a NOTIFY frame) for an agent of `engine`, on behalf of the stream in `slot`. Always answered. */
  | {
      readonly type: "spoe";
      readonly engine: number;
      readonly slot: number;
      readonly question: number;
      readonly messages: Uint8Array;
    }
  | { readonly type: "tls-done"; readonly sequence: number }
  | { readonly type: "streams"; readonly question: number; readonly streams: readonly StreamReport[] }
  /** A head that could not be understood; `count` of them since the last such message. -1: no backend, no server yet. */
  | {
      readonly type: "invalid";
      readonly side: "request" | "response";
      readonly frontend: number;
      readonly backend: number;
      readonly server: number;
      readonly session: number;
      readonly client: string;
      readonly count: number;
      readonly bytes: Uint8Array;
    }
  /** For the process log (pino). */
  | { readonly type: "event"; readonly level: "info" | "warn" | "error"; readonly text: string };
