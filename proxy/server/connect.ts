// New connections to servers: socket, options, source address, connect through the ring. What comes of it is told to
// http1/back.ts (`onConnected`); idle connections are idle-pool.ts.

import { SOCKADDR_BYTES_MAX } from "../../shared/abi/sockaddr.ts";
import { assert } from "../../shared/assert.ts";
import { close as closeDescriptor } from "../../shared/ffi/file.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_TCP,
  NO_LINGER,
  SO_KEEPALIVE,
  SO_LINGER,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  setsockopt,
  setsockoptInt,
  socket,
  TCP_NODELAY,
  TCP_USER_TIMEOUT,
} from "../../shared/ffi/socket.ts";
import { KIND } from "../connection/table.ts";
import type { ServerPlan, SocketAddressPlan } from "../plan/plan.ts";
import { setMark, setTos } from "../rules/setting-actions.ts";
import type { SampleContext } from "../sample/context.ts";
import { setDestinationBytes, setDestinationPort } from "../stream/addresses.ts";
import { TIMEOUT, timeoutOf } from "../stream/settings.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { encodeAddress } from "./encode-address.ts";
import { SourceAddress } from "./source-address.ts";

const ENOBUFS = -105;
/** Offset of the address in struct sockaddr_in and sockaddr_in6. */
const SOCKADDR_IN_ADDRESS = 4;
const SOCKADDR_IN6_ADDRESS = 8;

/** How one server is reached. */
interface Target {
  family: number;
  /** Arena offset and length of its sockaddr. */
  readonly at: number;
  bytes: number;
  /** Added to the client's destination port when the server has no port of its own; null: it has. */
  portOffset: number | null;
  /** Any address of its family: connections go where the client wanted to. */
  isWildcard: boolean;
  readonly source: SourceAddress | null;
  readonly userTimeoutMs: number;
  readonly keepAlive: boolean;
  readonly noLinger: boolean;
}

const isWildcard = (address: SocketAddressPlan): boolean =>
  (address.kind === "ipv4" && address.host === "0.0.0.0") || (address.kind === "ipv6" && address.host === "::");

/** Whether connections to the server go to an address that depends on the client. */
export const isMapped = ({ address, portOffset }: ServerPlan): boolean => portOffset !== null || isWildcard(address);

function familyOf(address: SocketAddressPlan): number {
  return address.kind === "ipv4" ? AF_INET : address.kind === "ipv6" ? AF_INET6 : AF_UNIX;
}

export class ServerConnections {
  readonly #ctx: WorkerContext;
  readonly #targets: readonly Target[];
  /** Arena offset of a sockaddr per connection row, for servers whose port depends on the client; -1: there are none. */
  readonly #mappedAt: number;
  readonly #destination = new Uint8Array(16);

  constructor(ctx: WorkerContext, samples: SampleContext) {
    this.#ctx = ctx;
    const { arena, plan } = ctx;
    this.#targets = plan.servers.map((server) => {
      const encoded = encodeAddress(server.address);
      const { source } = server.connection;
      const at = arena.alloc(SOCKADDR_BYTES_MAX);
      arena.bytes.set(encoded, at);
      return {
        family: familyOf(server.address),
        at,
        bytes: encoded.length,
        portOffset: server.portOffset,
        isWildcard: isWildcard(server.address),
        source: source === null ? null : new SourceAddress(source, samples, ctx.worker),
        userTimeoutMs: server.connection.tcpUserTimeoutMs,
        keepAlive: plan.proxies[server.proxy]!.backend!.serverTcpKeepAlive,
        noLinger: plan.proxies[server.proxy]!.backend!.noLinger,
      };
    });
    const anyMapped = plan.servers.some(isMapped);
    this.#mappedAt = anyMapped ? arena.alloc(ctx.connections.capacity * SOCKADDR_BYTES_MAX) : -1;
  }

  /** Connections that begin later go there. */
  setAddress(server: number, address: SocketAddressPlan, portOffset: number | null): void {
    const { arena } = this.#ctx;
    const target = this.#targets[server]!;
    const encoded = encodeAddress(address);
    arena.bytes.set(encoded, target.at);
    target.family = familyOf(address);
    target.bytes = encoded.length;
    target.portOffset = portOffset;
    target.isWildcard = isWildcard(address);
    assert(
      this.#mappedAt >= 0 || (portOffset === null && !target.isWildcard),
      "the control plane lets only such through",
    );
  }

  /** Starts connecting to `server` for the stream. 0, or -errno: no descriptor, no row, no source address. */
  open(stream: Stream, server: number): number {
    const { transport, idlePool, clock, wheel, connections } = this.#ctx;
    const target = this.#targets[server]!;
    let fd = socket(target.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // Out of descriptors: an idle connection elsewhere is worth less than this one. Its close is under way, so only the next attempt profits.
    if (fd < 0 && idlePool.evictOne()) fd = socket(target.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return fd;
    const failed = this.#configure(fd, target, stream);
    const slot = failed === 0 ? transport.open(KIND.server, fd, server, clock.nowMs) : -1;
    if (slot < 0) {
      closeDescriptor(fd);
      if (failed === 0) idlePool.evictOne();
      return failed === 0 ? ENOBUFS : failed;
    }
    if (!this.#ctx.serverSessions.prepare(slot, server, stream)) {
      transport.close(slot);
      return ENOBUFS;
    }
    stream.server = slot;
    stream.serverError = stream.serverTlsError = 0;
    connections.stream[slot] = stream.slot;
    connections.peer[slot] = -1;
    const { connectionNames } = this.#ctx;
    const isNamed = connectionNames.varies[server] !== 0;
    connections.nameHigh[slot] = isNamed ? connectionNames.high : 0;
    connections.nameLow[slot] = isNamed ? connectionNames.low : 0;
    const timeoutMs = timeoutOf(stream, TIMEOUT.connect, this.#ctx.timeouts[stream.backend]!.connect);
    if (timeoutMs > 0) wheel.set(slot, clock.nowMs + timeoutMs);
    const isOwn = target.portOffset !== null || target.isWildcard;
    transport.connect(slot, isOwn ? this.#mapped(slot, target, stream) : target.at, target.bytes);
    return 0;
  }

  #configure(fd: number, target: Target, stream: Stream): number {
    if (target.family === AF_UNIX) return 0;
    setsockoptInt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (target.keepAlive) setsockoptInt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (target.noLinger) setsockopt(fd, SOL_SOCKET, SO_LINGER, NO_LINGER);
    if (target.userTimeoutMs > 0) setsockoptInt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, target.userTimeoutMs);
    if (stream.settings !== null) {
      const { serverMark, serverTos } = stream.settings;
      if (serverMark >= 0) setMark(fd, serverMark);
      if (serverTos >= 0) setTos(fd, target.family === AF_INET6, serverTos);
    }
    return target.source === null ? 0 : target.source.bind(fd, target.family, stream);
  }

  /** The server's address with the port that the client came to, plus the offset; of a wildcard, the address that it came to as well. */
  #mapped(slot: number, target: Target, stream: Stream): number {
    const bytes = this.#ctx.bytes;
    const at = this.#mappedAt + slot * SOCKADDR_BYTES_MAX;
    bytes.copyWithin(at, target.at, target.at + target.bytes);
    if (target.isWildcard) this.#writeDestination(at, target, stream);
    if (target.portOffset === null) return at;
    const set = setDestinationPort(stream);
    const clientPort = set >= 0 ? set : this.#ctx.accept.localPort(stream.client, stream.listener);
    const port = (clientPort + target.portOffset) & 0xffff;
    bytes[at + 2] = port >> 8;
    bytes[at + 3] = port & 255;
    return at;
  }

  /** Puts the client's destination into the sockaddr at `at`, if it is of the server's family. */
  #writeDestination(at: number, target: Target, stream: Stream): void {
    const { accept, bytes, connections } = this.#ctx;
    const set = setDestinationBytes(stream);
    const address = set > 0 ? stream.addresses!.destination : this.#destination;
    const length = set > 0 ? set : accept.localAddress(connections.socketOf(stream.client), this.#destination);
    if (length !== (target.family === AF_INET6 ? 16 : 4)) return;
    const offset = at + (length === 16 ? SOCKADDR_IN6_ADDRESS : SOCKADDR_IN_ADDRESS);
    for (let i = 0; i < length; i++) bytes[offset + i] = address[i]!;
  }
}
