// Fetches of the two connections of a stream: addresses as the sockets have them, what the kernel knows of them (TCP_INFO), how many
// streams they carry, whether their addresses are this machine's. configuration.txt 7.3.3.

import { networkInterfaces } from "node:os";
import { copySockaddrAddress, sockaddrPort } from "../../../shared/abi/sockaddr.ts";
import { TCP_INFO } from "../../../shared/abi/tcp-info.ts";
import { getpeername, getsockname, getTcpInfo } from "../../../shared/ffi/socket.ts";
import { parseAddress } from "../../../shared/ip/text.ts";
import { CONNECTION } from "../../connection/table.ts";
import { LISTENER, PROXY, SERVER } from "../../shared-state/layout.ts";
import { STREAM, type Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { TYPE } from "../types.ts";
import { type Result, textBytes } from "../value.ts";
import { CLIENT_FETCHES } from "./client.ts";
import { type FetchCompiler, type FetchFunction, single, stringArgument } from "./fetch.ts";

const FAIL = 0;
const PASS = 2;
const SOCKADDR_BYTES = 128;

type Slot = (stream: Stream) => number;
const client: Slot = (stream) => stream.client;
const server: Slot = (stream) => stream.server;

function integer(ctx: SampleContext, int: number): Result {
  ctx.value.type = TYPE.sint;
  ctx.value.int = int;
  return PASS;
}

/** An end of a connection's socket, asked of the kernel: the address, or the port. */
function endFetch(slotOf: Slot, name: typeof getpeername, part: "address" | "port"): FetchCompiler {
  return (ctx) => {
    const sockaddr = new Uint8Array(SOCKADDR_BYTES);
    return single((stream) => {
      const slot = slotOf(stream);
      if (slot < 0 || name(ctx.connections.socketOf(slot), sockaddr) < 0) return FAIL;
      if (part === "port") {
        const port = sockaddrPort(sockaddr, 0);
        return port < 0 ? FAIL : integer(ctx, port);
      }
      const length = copySockaddrAddress(sockaddr, 0, ctx.value.address, 0);
      if (length === 0) return FAIL;
      ctx.value.type = length === 4 ? TYPE.ipv4 : TYPE.ipv6;
      return PASS;
    });
  };
}

const MICROSECONDS = { us: 1, ms: 1000 } as const;

/** A word of the kernel's struct tcp_info. Times are in milliseconds unless `us` is asked. */
function tcpInfoFetch(slotOf: Slot, at: number, isTime = false): FetchCompiler {
  return (ctx, plan) => {
    const divisor = isTime ? MICROSECONDS[stringArgument(plan, 0) === "us" ? "us" : "ms"] : 1;
    return single((stream) => {
      const slot = slotOf(stream);
      if (slot < 0 || (ctx.connections.flags[slot]! & CONNECTION.unix) !== 0) return FAIL;
      const word = getTcpInfo(ctx.connections.socketOf(slot), at);
      return word < 0 ? FAIL : integer(ctx, Math.floor(word / divisor));
    });
  };
}

/** Whether the address that another fetch finds belongs to this machine, as it was when the worker started. */
function isLocalFetch(name: string, other: FetchCompiler | undefined): FetchCompiler {
  return (ctx, plan, iterate) => {
    const compiler = other ?? CLIENT_FETCHES[name]!;
    const fetch = compiler(ctx, plan, iterate).first;
    const own = new Set<string>();
    for (const { address } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
      const bytes = parseAddress(address.replace(/%.*/, ""));
      if (bytes !== null) own.add(bytes.join());
    }
    const { value } = ctx;
    return single((stream) => {
      const result = fetch(stream);
      if (result !== PASS) return result;
      const { address } = value;
      const isIpv4 = value.type === TYPE.ipv4;
      const isLoopback = isIpv4 && address[0] === 127;
      value.int = isLoopback || own.has(address.subarray(0, isIpv4 ? 4 : 16).join()) ? 1 : 0;
      value.type = TYPE.bool;
      return PASS;
    });
  };
}

/** An end of the client's connection as `tcp-request connection` rules left it: `set-src`, `set-dst` of later ones are the session's or the stream's. */
function clientEnd(name: typeof getpeername, part: "address" | "port"): FetchCompiler {
  const ofSocket = endFetch(client, name, part);
  const isSource = name === getpeername;
  return (ctx, plan, iterate) => {
    const { first } = ofSocket(ctx, plan, iterate);
    const { connections, value } = ctx;
    return single((stream) => {
      const isRuled = stream.client >= 0 && (connections.flags[stream.client]! & CONNECTION.proxied) !== 0;
      const entry = isRuled ? ctx.proxied?.of(stream.client) : undefined;
      if (entry === undefined) return first(stream);
      if (part === "port") {
        const port = isSource ? entry.socketSourcePort : entry.socketDestinationPort;
        return port < 0 ? first(stream) : integer(ctx, port);
      }
      const bytes = isSource ? entry.socketSourceBytes : entry.socketDestinationBytes;
      if (bytes === 0) return first(stream);
      const address = isSource ? entry.socketSource : entry.socketDestination;
      for (let i = 0; i < bytes; i++) value.address[i] = address[i]!;
      value.type = bytes === 4 ? TYPE.ipv4 : TYPE.ipv6;
      return PASS;
    });
  };
}

const fcSrc = clientEnd(getpeername, "address");
const fcDst = clientEnd(getsockname, "address");

/** Connections of the listener that took the client's. */
const dstConn: FetchCompiler = (ctx) => {
  const { words } = ctx.shared;
  const ats = ctx.plan.listeners.map(({ index }) => ctx.shared.listenerAt(index) + LISTENER.connections);
  return single((stream) => {
    const at = ats[stream.listener];
    return stream.client < 0 || at === undefined ? FAIL : integer(ctx, words[at]!);
  });
};

/** 2 for streams of HTTP/2, 1 wherever else HTTP is spoken. */
function majorFetch(slotOf: Slot): FetchCompiler {
  return (ctx) =>
    single((stream) => {
      const slot = slotOf(stream);
      return slot < 0 ? FAIL : integer(ctx, ctx.connections.carrier[slot] === slot ? 1 : 2);
    });
}

/** Faults of the peer's protocol that HTTP/2 has lived with. */
function glitches(slotOf: Slot): FetchCompiler {
  return (ctx) =>
    single((stream) => {
      const slot = slotOf(stream);
      return slot < 0 ? FAIL : integer(ctx, ctx.connections.glitches[ctx.connections.carrier[slot]!]!);
    });
}

const reused: FetchCompiler = ({ value }) =>
  single((stream) => {
    if (stream.server < 0) return FAIL;
    value.type = TYPE.bool;
    value.int = (stream.flags & STREAM.reused) !== 0 ? 1 : 0;
    return PASS;
  });

function constant(int: number, slotOf: Slot): FetchCompiler {
  return (ctx) => single((stream) => (slotOf(stream) < 0 ? FAIL : integer(ctx, int)));
}

/** The last error of a connection: none, or a reset, which is all that is known afterwards. */
const ERRORS = {
  none: { code: 0, name: "OK", text: "Success" },
  reset: { code: 6, name: "ECONNRESET", text: "Connection closed by peer" },
} as const;

function errorFetch(slotOf: Slot, part: "code" | "name" | "text"): FetchCompiler {
  return (ctx) => {
    const { value } = ctx;
    const none = textBytes(String(ERRORS.none[part]));
    const reset = textBytes(String(ERRORS.reset[part]));
    return single((stream) => {
      const slot = slotOf(stream);
      if (slot < 0) return FAIL;
      const hasFailed = (ctx.connections.flags[slot]! & CONNECTION.failed) !== 0;
      if (part === "code") return integer(ctx, hasFailed ? ERRORS.reset.code : 0);
      value.type = TYPE.str;
      value.bytes = hasFailed ? reset : none;
      value.start = 0;
      value.end = value.bytes.length;
      return PASS;
    });
  };
}

function rowFetch(row: (stream: Stream) => number, at: (ctx: SampleContext, index: number) => number): FetchCompiler {
  return (ctx) => {
    const { words } = ctx.shared;
    const fetch: FetchFunction = (stream) => {
      const index = row(stream);
      return index < 0 ? FAIL : integer(ctx, words[at(ctx, index)]!);
    };
    return single(fetch);
  };
}

/** By canonical name, see fetches.table.ts. */
export const CONNECTION_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  bc_be_queue: rowFetch(
    ({ backend }) => backend,
    ({ shared }, index) => shared.proxyAt(index) + PROXY.queued,
  ),
  bc_dst: endFetch(server, getpeername, "address"),
  bc_dst_port: endFetch(server, getpeername, "port"),
  bc_err: errorFetch(server, "code"),
  bc_err_name: errorFetch(server, "name"),
  bc_err_str: errorFetch(server, "text"),
  bc_glitches: glitches(server),
  bc_http_major: majorFetch(server),
  bc_nb_streams: constant(1, server),
  bc_reused: reused,
  bc_rtt: tcpInfoFetch(server, TCP_INFO.tcpi_rtt, true),
  bc_rttvar: tcpInfoFetch(server, TCP_INFO.tcpi_rttvar, true),
  bc_src: endFetch(server, getsockname, "address"),
  bc_src_port: endFetch(server, getsockname, "port"),
  bc_srv_queue: rowFetch(
    ({ serverIndex }) => serverIndex,
    ({ shared }, index) => shared.serverAt(index) + SERVER.queued,
  ),
  dst_conn: dstConn,
  dst_is_local: isLocalFetch("dst", undefined),
  fc_dst: fcDst,
  fc_dst_is_local: isLocalFetch("", fcDst),
  fc_dst_port: clientEnd(getsockname, "port"),
  fc_err: errorFetch(client, "code"),
  fc_err_name: errorFetch(client, "name"),
  fc_err_str: errorFetch(client, "text"),
  fc_fackets: tcpInfoFetch(client, TCP_INFO.tcpi_fackets),
  fc_glitches: glitches(client),
  fc_http_major: majorFetch(client),
  fc_lost: tcpInfoFetch(client, TCP_INFO.tcpi_lost),
  fc_nb_streams: constant(1, client),
  fc_reordering: tcpInfoFetch(client, TCP_INFO.tcpi_reordering),
  fc_retrans: tcpInfoFetch(client, TCP_INFO.tcpi_retrans),
  fc_rtt: tcpInfoFetch(client, TCP_INFO.tcpi_rtt, true),
  fc_rttvar: tcpInfoFetch(client, TCP_INFO.tcpi_rttvar, true),
  fc_sacked: tcpInfoFetch(client, TCP_INFO.tcpi_sacked),
  fc_src: fcSrc,
  fc_src_is_local: isLocalFetch("", fcSrc),
  fc_src_port: clientEnd(getpeername, "port"),
  fc_unacked: tcpInfoFetch(client, TCP_INFO.tcpi_unacked),
  src_is_local: isLocalFetch("src", undefined),
};
