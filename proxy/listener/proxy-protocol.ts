// Connections that begin with a header of the proxy in front of us (`accept-proxy`, `accept-netscaler-cip`): waits for it, takes what it
// says about the client, and only then lets the connection's own protocol begin. Nothing of HTTP, TLS or rules has seen the
// connection before.
//
//   accept ─▶ handshake ─(header complete)─▶ Accept.begin ─▶ TLS, http1/front.ts, tcp/relay.ts
//                 └─ no header, a broken one, too late, closed: a line in the log, and the connection goes
//
// HAProxy wants the whole header in the first segment; here it may come in pieces, as the specification allows, within `timeout client-hs`
// (else `timeout client`).

import { CONNECTION, KIND } from "../connection/table.ts";
import type { ConnectionUser } from "../connection/transport.ts";
import type { WorkerContext } from "../worker/context.ts";
import { HEADER_FAULT, ProxyHeader, readNetscalerHeader, readProxyHeader } from "./proxy-header.ts";

/** What a connection is waiting for, see `begin`. */
export const AWAITED = { proxy: 1, netscaler: 2 } as const;

const IPV6 = CONNECTION.ipv6;
const UNIX = CONNECTION.unix;

/** HAProxy's texts (fc_err_str, and the log), by what was awaited. Those that `option dontlognull` keeps out of the log say so. */
interface Complaints {
  readonly closed: string;
  readonly broken: string;
  readonly timeout: string;
  readonly faults: Readonly<Record<number, string>>;
}

const PROXY: Complaints = {
  closed: "Connection closed while waiting for PROXY protocol header",
  broken: "Connection error while waiting for PROXY protocol header",
  timeout: "Timeout while waiting for PROXY protocol header",
  faults: {
    [HEADER_FAULT.truncated]: "Truncated PROXY protocol header received",
    [HEADER_FAULT.notHeader]: "Received something which does not look like a PROXY protocol header",
    [HEADER_FAULT.bad]: "Received an invalid PROXY protocol header",
    [HEADER_FAULT.badProtocol]: "Received an unhandled protocol in the PROXY protocol header",
  },
};

const NETSCALER: Complaints = {
  closed: "Connection closed while waiting for NetScaler Client IP header",
  broken: "Connection error while waiting for NetScaler Client IP header",
  timeout: "Timeout while waiting for a NetScaler Client IP header",
  faults: {
    [HEADER_FAULT.truncated]: "Truncated NetScaler Client IP header received",
    [HEADER_FAULT.badMagic]: "Received an invalid NetScaler Client IP magic number",
    [HEADER_FAULT.badProtocol]: "Received an unhandled protocol in the NetScaler Client IP header",
  },
};

export class ProxyProtocol implements ConnectionUser {
  readonly #ctx: WorkerContext;
  readonly #header = new ProxyHeader();
  /** AWAITED of each row that waits. */
  readonly #awaited: Uint8Array;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#awaited = new Uint8Array(ctx.connections.capacity);
  }

  /** A rule says that the connection begins with a header (bits of AWAITED). */
  expect(slot: number, awaited: number): void {
    this.#awaited[slot]! |= awaited;
  }

  /** The connection is not let in after all. */
  forget(slot: number): void {
    this.#awaited[slot] = 0;
  }

  /** What rules have said so. */
  expected(slot: number): number {
    return this.#awaited[slot]!;
  }

  /** The connection's first bytes are to be a header. @param awaited bits of AWAITED; both: NetScaler's comes behind the other */
  begin(slot: number, awaited: number): void {
    const { connections, clock, transport, wheel, plan } = this.#ctx;
    this.#awaited[slot] = awaited;
    connections.kind[slot] = KIND.handshake;
    const timeouts = this.#ctx.timeouts[plan.listeners[connections.owner[slot]!]!.proxy]!;
    const timeoutMs = timeouts.clientHandshake || timeouts.client;
    if (timeoutMs > 0) wheel.set(slot, clock.nowMs + timeoutMs);
    if (connections.receiveHead[slot]! >= 0) this.onReceived(slot);
    else transport.receive(slot);
  }

  onReceived(slot: number): void {
    const { connections, transport, pool, bytes } = this.#ctx;
    while (connections.receiveHead[slot]! >= 0) {
      const buffer = transport.received.joined(slot);
      const start = pool.start[buffer]!;
      const end = pool.end[buffer]!;
      const isProxy = (this.#awaited[slot]! & AWAITED.proxy) !== 0;
      const read = isProxy
        ? readProxyHeader(bytes, start, end, this.#header)
        : readNetscalerHeader(bytes, start, end, this.#magicOf(slot), this.#header);
      if (read === HEADER_FAULT.more) {
        // A header that fills the buffer cannot become complete (HAProxy: tune.bufsize).
        if (end - start >= pool.size) this.#fault(slot, HEADER_FAULT.truncated);
        return;
      }
      if (read < 0) {
        this.#fault(slot, read);
        return;
      }
      this.#take(slot);
      pool.start[buffer] = start + read;
      if (start + read === end) pool.free(transport.received.take(slot));
      connections.headSeenBytes[slot] = 0;
      this.#awaited[slot]! &= isProxy ? ~AWAITED.proxy : ~AWAITED.netscaler;
      if (this.#awaited[slot] === 0) {
        this.#ctx.wheel.clear(slot);
        this.#ctx.accept.begin(slot);
        return;
      }
    }
  }

  #magicOf(slot: number): number {
    return this.#ctx.plan.listeners[this.#ctx.connections.owner[slot]!]!.netscalerMagic;
  }

  /** The header's addresses become the connection's. */
  #take(slot: number): void {
    const { connections, proxied, bytes } = this.#ctx;
    const header = this.#header;
    const entry = proxied.of(slot) ?? proxied.add(slot);
    entry.byRule = false;
    entry.keepTlvs(bytes, header.tlvStart, header.tlvEnd);
    const length = header.addressBytes;
    if (length === 0) return;
    entry.destinationBytes = length;
    entry.destinationPort = header.destinationPort;
    for (let i = 0; i < length; i++) {
      entry.destination[i] = header.destination[i]!;
      connections.address[slot * 16 + i] = header.source[i]!;
    }
    connections.port[slot] = header.sourcePort;
    connections.flags[slot] = (connections.flags[slot]! & ~(IPV6 | UNIX)) | (length === 16 ? IPV6 : 0);
  }

  #complaints(slot: number): Complaints {
    return (this.#awaited[slot]! & AWAITED.proxy) !== 0 ? PROXY : NETSCALER;
  }

  #fault(slot: number, fault: number): void {
    const { faults } = this.#complaints(slot);
    this.#end(slot, faults[fault] ?? faults[HEADER_FAULT.badProtocol]!, false);
  }

  /** @param isNull `option dontlognull` spares the line */
  #end(slot: number, text: string, isNull: boolean): void {
    const { log, transport, plan, connections } = this.#ctx;
    this.#awaited[slot] = 0;
    const listener = plan.listeners[connections.owner[slot]!]!;
    if (!isNull || !plan.proxies[listener.proxy]!.logOptions.dontLogNull) log.connection(slot, listener, text);
    transport.close(slot);
  }

  onReceiveEnd(slot: number): void {
    const complaints = this.#complaints(slot);
    if (this.#ctx.connections.receiveHead[slot]! >= 0) this.#fault(slot, HEADER_FAULT.truncated);
    else this.#end(slot, complaints.closed, true);
  }

  onFailed(slot: number, _errno: number): void {
    this.#end(slot, this.#complaints(slot).broken, true);
  }

  onExpired(slot: number): void {
    this.#end(slot, this.#complaints(slot).timeout, this.#ctx.connections.receiveHead[slot]! < 0);
  }

  onSent(): void {}

  onConnected(): void {}
}
