// What a worker says about its streams when it is asked (`show sess`), and how one of them is ended (`shutdown session`). Rare: here things
// may be copied and allocated.

import { KIND } from "../connection/table.ts";
import { clientOf } from "../http1/invalid-messages.ts";
import { STREAM, STREAM_BYTES, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "./context.ts";

/** One stream. Times in milliseconds, -1: not reached. */
export interface StreamReport {
  readonly slot: number;
  readonly generation: number;
  readonly number: number;
  readonly listener: number;
  readonly frontend: number;
  readonly backend: number;
  readonly server: number;
  readonly state: number;
  readonly flags: number;
  readonly client: string;
  readonly clientFd: number;
  readonly serverFd: number;
  readonly ageMs: number;
  readonly startedAtMs: number;
  readonly retries: number;
  readonly queued: boolean;
  /** Bytes: from the client, to the server, from the server, to the client. */
  readonly bytes: readonly number[];
  /** Bytes that wait to be sent to the client and to the server. */
  readonly clientOutput: number;
  readonly serverOutput: number;
  /** "" where there is none any more, or never was one. */
  readonly uri: string;
}

/** More than this nobody reads; the rest is left out. */
const STREAMS_MAX = 20_000;
const BY_ADMIN = 75; // K

export function reportStreams(ctx: WorkerContext): StreamReport[] {
  const reports: StreamReport[] = [];
  for (const stream of ctx.streams.all) {
    if (stream.active && reports.length < STREAMS_MAX) reports.push(report(stream, ctx));
  }
  return reports;
}

function report(stream: Stream, ctx: WorkerContext): StreamReport {
  const { connections, streams, clock } = ctx;
  const at = stream.slot * STREAM_BYTES.columns;
  const { client, server, request } = stream;
  const hasUri = (stream.flags & STREAM.http) !== 0 && stream.headBuffer >= 0;
  const uri = hasUri ? Buffer.from(ctx.bytes.subarray(request.pathStart, request.pathEnd)).toString("latin1") : "";
  return {
    ...{ slot: stream.slot, generation: stream.generation, number: stream.requestCounter, listener: stream.listener },
    ...{ frontend: stream.frontend, backend: stream.backend, server: stream.serverIndex, state: stream.state },
    ...{
      flags: stream.flags,
      client: clientOf(connections, client),
      clientFd: connections.socketOf(client),
      uri,
    },
    serverFd: server < 0 ? -1 : connections.socketOf(server),
    ageMs: (clock.nowMs - stream.requestStartMs) | 0,
    startedAtMs: stream.requestSeconds * 1000 + stream.requestMilliseconds,
    retries: stream.retriesDone,
    queued: stream.queueStartMs !== -1 && stream.queueDoneMs === -1,
    bytes: [...streams.bytes.subarray(at, at + STREAM_BYTES.columns)],
    clientOutput: connections.sendBytes[client]!,
    serverOutput: server < 0 ? 0 : connections.sendBytes[server]!,
  };
}

/** Ends a stream as an administrator's wish; one that has ended already is left alone. */
export function shutDownStream(ctx: WorkerContext, slot: number, generation: number): void {
  const stream = ctx.streams.all[slot];
  if (stream?.active && stream.generation === generation) endStream(ctx, stream, BY_ADMIN);
}

/** Closes what is bound to a server. @param killed an administrator wants it; otherwise the server went down */
export function shutDownStreamsOf(ctx: WorkerContext, server: number, killed: boolean): void {
  for (const stream of ctx.streams.all) {
    if (stream.active && stream.serverIndex === server) endStream(ctx, stream, killed ? BY_ADMIN : undefined);
  }
}

function endStream({ connections, front, relay }: WorkerContext, stream: Stream, by: number | undefined): void {
  if (connections.kind[stream.client] === KIND.client) front.serverGone(stream, by);
  else relay.serverGone(stream, by);
}
