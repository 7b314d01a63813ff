// HTTP/2 between connections and the rest of the worker, which speaks HTTP/1: every stream is a row of Connections without a socket, and whoever
// owns a client's or a server's row (http1/front.ts, http1/back.ts, tcp/relay.ts) owns such a row in the same way.
//
//   socket ─▶ connection's row ─▶ input.ts ─▶ arrivals.ts, request-text.ts, response-text.ts ─▶ receive queues of streams' rows ─▶ owners
//   socket ◀─ connection's row ◀─ output.ts ◀─ stream-output.ts, head-block.ts ◀─ send queues of streams' rows ◀───────────────────┘
//
// This file only puts the parts together.

import type { WorkerContext } from "../worker/context.ts";
import { Arrivals } from "./arrivals.ts";
import { Carriers } from "./carriers.ts";
import { FieldList } from "./hpack/decoder.ts";
import { Http2Input } from "./input.ts";
import { Http2Output } from "./output.ts";
import { H2_ERROR } from "./protocol.ts";
import { StreamRows } from "./rows.ts";
import { Http2Servers } from "./servers.ts";
import { StreamInput } from "./stream-input.ts";
import { StreamOutput } from "./stream-output.ts";
import { StreamTransport } from "./stream-transport.ts";

/** Fields of a list beyond the headers that a message may have: each piece of a cookie is one. */
const FIELDS_PER_HEADER = 4;

export class Http2 {
  readonly rows: StreamRows;
  /** Fields of the header block that was decoded last. */
  readonly fields: FieldList;
  readonly input: Http2Input;
  readonly output: Http2Output;
  readonly streamInput: StreamInput;
  readonly streamOutput: StreamOutput;
  readonly carriers: Carriers;
  readonly arrivals: Arrivals;
  readonly streams: StreamTransport;
  readonly servers: Http2Servers;

  constructor(ctx: WorkerContext) {
    const { bytes, pool, connections, transport, clock, plan } = ctx;
    this.rows = new StreamRows(connections.capacity);
    this.fields = new FieldList(plan.global.maxHeaders * FIELDS_PER_HEADER, pool.size);
    this.output = new Http2Output(bytes, pool, connections, transport);
    this.streamInput = new StreamInput(bytes, pool, connections, transport, this.rows);
    this.streamOutput = new StreamOutput(bytes, pool, connections, transport, this.rows, this.output);
    this.carriers = new Carriers(ctx, this);
    this.arrivals = new Arrivals(ctx, this);
    this.streams = new StreamTransport(ctx, this);
    this.servers = new Http2Servers(ctx);
    const { rows, output, fields } = this;
    const parts = { bytes, pool, connections, received: transport.received, clock, rows, output, fields };
    this.input = new Http2Input(parts, this.arrivals);
    this.streamOutput.schemeIsHttp = (row) => this.arrivals.schemeIsHttp(row);
    this.streamOutput.onBroken = (row) => this.streams.breakRow(row, H2_ERROR.internal);
  }
}
