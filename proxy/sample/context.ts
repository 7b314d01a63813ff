// What compiled expressions, conditions and balancing close over: the worker's views, made once when the worker starts.

import type { Clock } from "../../shared/time/clock.ts";
import { PatternLists } from "../acl/patterns/pattern-lists.ts";
import { Userlists } from "../auth/userlists.ts";
import type { ProxiedConnections } from "../connection/proxied.ts";
import type { Connections } from "../connection/table.ts";
import type { ConditionPlan } from "../plan/expression.ts";
import type { Plan } from "../plan/plan.ts";
import type { Value } from "../rules/value.ts";
import type { SharedState } from "../shared-state/layout.ts";
import type { Tracking } from "../stick-table/tracking.ts";
import { Captures } from "../stream/captures.ts";
import type { Input } from "../stream/input.ts";
import type { Stream } from "../stream/stream.ts";
import type { Tls } from "../tls/tls.ts";
import { Variables } from "../variables/variables.ts";
import { type Result, SampleValue } from "./value.ts";

/**
 * Writes the local address of a connected socket: 4 or 16 bytes to `address`, and returns their number; 0: no such address.
 * The worker provides it (getsockname); only `dst` on a wildcard listener calls it.
 */
export type LocalAddress = (fd: number, address: Uint8Array) => number;

export class SampleContext {
  readonly plan: Plan;
  readonly shared: SharedState;
  /** 0 … nbthread - 1. */
  readonly worker: number;
  /** The arena, which `Message` offsets refer to. */
  readonly bytes: Uint8Array;
  readonly connections: Connections;
  readonly localAddress: LocalAddress;
  /** What proxies in front said about connections; null in tests without connections. */
  proxied: ProxiedConnections | null = null;
  /** What is encrypted, and how; null in tests without connections. */
  tls: Tls | null = null;
  /** Stick counters of the worker, null where there is none (tests). Set before anything is compiled. */
  tracking: Tracking | null = null;
  /** What ACLs and maps compare with. */
  readonly patterns: PatternLists;
  /** Rules that can wait are being evaluated: what is not there may still come. */
  mayMiss = false;
  /** What has come of messages (bodies, raw bytes of mode tcp); set once the worker has it, null in tests of expressions alone. */
  input: Pick<Input, "start" | "end" | "isComplete" | "request" | "response"> | null = null;
  readonly variables: Variables;
  readonly captures: Captures;
  readonly userlists: Userlists;
  /** `unique-id-format`; null in tests of expressions alone. */
  uniqueIds: Value | null = null;
  /** Compiles ACLs inside of expressions: acl/condition.ts, which imports this folder. Set before anything is compiled. */
  compileCondition: (plan: ConditionPlan, ctx: SampleContext) => (stream: Stream) => Result = () => () => 0;
  /** The worker's clock and its counters of bytes (Streams.bytes); null in tests of expressions alone. */
  clock: Clock | null = null;
  streamBytes: Float64Array | null = null;
  /** The one value that fetches write. */
  readonly value: SampleValue;

  constructor(
    plan: Plan,
    shared: SharedState,
    worker: number,
    bytes: Uint8Array,
    connections: Connections,
    localAddress: LocalAddress,
  ) {
    this.plan = plan;
    this.shared = shared;
    this.worker = worker;
    this.bytes = bytes;
    this.connections = connections;
    this.localAddress = localAddress;
    this.patterns = new PatternLists(plan.patternLists);
    this.userlists = new Userlists(plan.userlists);
    this.captures = new Captures(plan);
    this.variables = new Variables(plan.variables, shared.procVariables, connections.carrier);
    this.value = new SampleValue(plan.global.bufsizeBytes);
  }
}
