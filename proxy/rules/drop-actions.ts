// `silent-drop`: the connection is gone for us while the client thinks that it lives. The kernel is told to forget the socket without a
// word (TCP_REPAIR, which needs CAP_NET_ADMIN); where it does not allow that, a reset is sent that dies after `rst-ttl` hops (1 by default).
// `tarpit`: the answer of `deny` after `timeout tarpit`.

import { setsockopt, setsockoptInt } from "../../shared/ffi/socket.ts";
import { CONNECTION } from "../connection/table.ts";
import { COUNTER } from "../shared-state/layout.ts";
import { TIMEOUT, timeoutOf } from "../stream/settings.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import { countEverywhere, type RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const ANSWERED = VERDICT.answered;
const BY_PROXY = 80; // P
const IN_REQUEST = 82; // R
const IN_TARPIT = 84; // T
const IN_DATA = 68; // D
const SOL_SOCKET = 1;
const SO_LINGER = 13;
const IPPROTO_TCP = 6;
const TCP_REPAIR = 19;
const IPPROTO_IP = 0;
const IP_TTL = 2;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
/** struct linger { 1, 0 }: what was not sent is thrown away, and close sends a reset. */
const NO_LINGER = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);

/** @param ttl hops of the reset where the kernel sends one, 0: 1, and only where nothing better is allowed */
export function compileSilentDrop(parts: RuleParts, ttl: number): Action {
  const { ctx, phase } = parts;
  const { connections, lifecycle, transport } = ctx;
  const drop = (slot: number): void => {
    const fd = connections.fd[slot]!;
    const flags = connections.flags[slot]!;
    if ((flags & CONNECTION.unix) !== 0) return;
    if (ttl === 0 && setsockoptInt(fd, IPPROTO_TCP, TCP_REPAIR, 1) === 0) return;
    const isIpv6 = (flags & CONNECTION.ipv6) !== 0;
    if (isIpv6) setsockoptInt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl || 1);
    else setsockoptInt(fd, IPPROTO_IP, IP_TTL, ttl || 1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, NO_LINGER);
  };
  if (phase === "connection" || phase === "session") {
    const column = phase === "connection" ? COUNTER.deniedConnections : COUNTER.deniedSessions;
    return (stream) => {
      drop(stream.client);
      lifecycle.count(lifecycle.frontendAt[stream.frontend]!, column);
      lifecycle.count(lifecycle.listenerAt[stream.listener]!, column);
      return ANSWERED;
    };
  }
  const isResponse = phase === "response";
  return (stream) => {
    const carrier = connections.carrier[stream.client]!;
    const isMultiplexed = carrier !== stream.client;
    drop(carrier);
    countEverywhere(ctx, stream, isResponse ? COUNTER.deniedResponses : COUNTER.deniedRequests);
    if (!isResponse && ctx.tracking.count > 0) ctx.tracking.error(stream);
    lifecycle.endReason(stream, BY_PROXY, isResponse ? IN_DATA : IN_REQUEST);
    ctx.replies.drop(stream);
    if (isMultiplexed) transport.close(carrier);
    return ANSWERED;
  };
}

/** @param answer gives the answer and counts the denial */
export function compileTarpit({ ctx, waiting }: RuleParts, answer: Action): Action {
  return (stream: Stream) => {
    const proxy = stream.backend >= 0 ? stream.backend : stream.frontend;
    const timeoutMs = timeoutOf(stream, TIMEOUT.tarpit, ctx.timeouts[proxy]!.tarpit);
    if (timeoutMs > 0 && (stream.flags & STREAM.waitIsOver) === 0) {
      ctx.lifecycle.endReason(stream, BY_PROXY, IN_TARPIT);
      return waiting.wait(stream, timeoutMs);
    }
    waiting.end(stream);
    ctx.lifecycle.endReason(stream, BY_PROXY, IN_TARPIT);
    return answer(stream);
  };
}
