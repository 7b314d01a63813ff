// The PROXY header that servers get before the client's bytes (`send-proxy`, `send-proxy-v2`): who the client is and where it wanted to go,
// in text or in binary with TLVs. haproxy.org/download/3.2/doc/proxy-protocol.txt. It is the first thing on a new connection, before TLS.

import { serverNameOf } from "../../shared/ffi/openssl.ts";
import { protocolOf } from "../../shared/ffi/openssl-inspect.ts";
import { ADDRESS_TEXT_BYTES_MAX, writeIpv4, writeIpv6 } from "../../shared/ip/address.ts";
import { latin1 } from "../../shared/latin1.ts";
import { CONNECTION } from "../connection/table.ts";
import { SIGNATURE, TLV, V2_HEADER_BYTES } from "../listener/proxy-header.ts";
import type { SendProxyPlan } from "../plan/server-connection.ts";
import type { Value, Values } from "../rules/value.ts";
import { crc32c } from "../sample/hash.ts";
import type { Stream } from "../stream/stream.ts";
import { sslTlvValue } from "../tls/ssl-tlv.ts";
import type { WorkerContext } from "../worker/context.ts";

const IPV6 = CONNECTION.ipv6;
const UNIX = CONNECTION.unix;
const ENCRYPTED = CONNECTION.tls;
const VERSION2_PROXY = 0x21;
const VERSION2_LOCAL = 0x20;
const FAMILY_TCP4 = 0x11;
const FAMILY_TCP6 = 0x21;

const UNKNOWN = latin1("PROXY UNKNOWN\r\n");
const TCP4 = latin1("PROXY TCP4 ");
const TCP6 = latin1("PROXY TCP6 ");

interface Sender {
  readonly plan: SendProxyPlan;
  readonly tlvs: readonly { readonly type: number; readonly value: Value | null }[];
  readonly checksum: boolean;
  readonly authority: boolean;
  readonly uniqueId: boolean;
  readonly ssl: boolean;
}

/** The two ends of the client's connection as the header names them. */
export class ClientEnds {
  /** 4 or 16; 0: at least one end has no address. */
  addressBytes = 0;
  readonly source = new Uint8Array(16);
  readonly destination = new Uint8Array(16);
  sourcePort = 0;
  destinationPort = 0;
  readonly #ctx: WorkerContext;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
  }

  read(stream: Stream): void {
    const { connections, accept } = this.#ctx;
    const slot = stream.client;
    const flags = connections.flags[slot]!;
    this.addressBytes = 0;
    if ((flags & UNIX) !== 0) return;
    const sourceBytes = (flags & IPV6) !== 0 ? 16 : 4;
    for (let i = 0; i < sourceBytes; i++) this.source[i] = connections.address[slot * 16 + i]!;
    this.sourcePort = connections.port[slot]!;
    const set = stream.addresses;
    let destinationBytes = set === null ? 0 : set.destinationBytes;
    if (destinationBytes > 0) for (let i = 0; i < destinationBytes; i++) this.destination[i] = set!.destination[i]!;
    else destinationBytes = accept.localAddress(connections.socketOf(slot), this.destination);
    if (destinationBytes === 0) return;
    this.destinationPort =
      set !== null && set.destinationPort >= 0 ? set.destinationPort : accept.localPort(slot, stream.listener);
    this.addressBytes = Math.max(sourceBytes, destinationBytes);
    if (sourceBytes < this.addressBytes) mapToIpv6(this.source);
    if (destinationBytes < this.addressBytes) mapToIpv6(this.destination);
  }
}

/** ::ffff:a.b.c.d */
function mapToIpv6(address: Uint8Array): void {
  address.copyWithin(12, 0, 4);
  address.fill(0, 0, 10);
  address[10] = address[11] = 0xff;
}

export class SendProxy {
  readonly #ctx: WorkerContext;
  readonly #senders: readonly (Sender | null)[];
  readonly #ends: ClientEnds;
  readonly #text = new Uint8Array(ADDRESS_TEXT_BYTES_MAX);
  /** Evaluates `unique-id-format`; null: there is none. */
  uniqueId: Value | null = null;
  #at = 0;
  #limit = 0;
  #failed = false;

  constructor(ctx: WorkerContext, values: Values) {
    this.#ctx = ctx;
    this.#ends = new ClientEnds(ctx);
    this.#senders = ctx.plan.servers.map(({ connection }) => compile(connection.sendProxy, values));
  }

  /**
   * Queues the header of a server that wants one as the first bytes of the new connection; of an encrypted one `queueBeforeTls` has done it.
   * False: there is no buffer, or a value does not fit.
   */
  queue(stream: Stream, slot: number): boolean {
    const { connections } = this.#ctx;
    return (connections.flags[slot]! & ENCRYPTED) !== 0 || this.queueBeforeTls(stream, slot);
  }

  /** Before the connection is there: the header stands in front of the handshake. */
  queueBeforeTls(stream: Stream, slot: number): boolean {
    const { connections, transport } = this.#ctx;
    const server = connections.owner[slot]!;
    if (this.#senders[server] === null) return true;
    const buffer = this.write(stream, server);
    if (buffer >= 0) transport.queuePlain(slot, buffer);
    return buffer >= 0;
  }

  /** The header for a server in a buffer of its own, -1: there is none, or a value does not fit. */
  write(stream: Stream, server: number): number {
    const { pool } = this.#ctx;
    const sender = this.#senders[server]!;
    const buffer = pool.take();
    if (buffer < 0) return -1;
    this.#at = pool.start[buffer]!;
    this.#limit = pool.offsetOf(buffer) + pool.size;
    this.#failed = false;
    this.#ends.read(stream);
    if (sender.plan.version === 1) this.#writeLine();
    else this.#writeBinary(stream, sender);
    if (this.#failed) {
      pool.free(buffer);
      return -1;
    }
    pool.end[buffer] = this.#at;
    return buffer;
  }

  // ---- version 1 --------------------------------------------------------------------------------------------------

  #writeLine(): void {
    const ends = this.#ends;
    if (ends.addressBytes === 0) {
      this.#bytes(UNKNOWN, 0, UNKNOWN.length);
      return;
    }
    this.#bytes(ends.addressBytes === 4 ? TCP4 : TCP6, 0, TCP4.length);
    this.#address(ends.source, ends.addressBytes);
    this.#address(ends.destination, ends.addressBytes);
    this.#decimal(ends.sourcePort);
    this.#byte(32);
    this.#decimal(ends.destinationPort);
    this.#byte(13);
    this.#byte(10);
  }

  #address(address: Uint8Array, length: number): void {
    const end = length === 4 ? writeIpv4(this.#text, 0, address, 0) : writeIpv6(this.#text, 0, address, 0);
    this.#bytes(this.#text, 0, end);
    this.#byte(32);
  }

  #decimal(value: number): void {
    let divisor = 10_000;
    while (divisor > 1 && value < divisor) divisor /= 10;
    for (; divisor >= 1; divisor /= 10) this.#byte(48 + (Math.floor(value / divisor) % 10));
  }

  // ---- version 2 --------------------------------------------------------------------------------------------------

  #writeBinary(stream: Stream, sender: Sender): void {
    const { bytes } = this.#ctx;
    const start = this.#at;
    const ends = this.#ends;
    this.#bytes(SIGNATURE, 0, SIGNATURE.length);
    const family = ends.addressBytes === 4 ? FAMILY_TCP4 : ends.addressBytes === 16 ? FAMILY_TCP6 : 0;
    this.#byte(family === 0 ? VERSION2_LOCAL : VERSION2_PROXY);
    this.#byte(family);
    this.#word(0);
    if (family !== 0) {
      this.#bytes(ends.source, 0, ends.addressBytes);
      this.#bytes(ends.destination, 0, ends.addressBytes);
      this.#word(ends.sourcePort);
      this.#word(ends.destinationPort);
    }
    const checksumAt = this.#writeTlvs(stream, sender);
    if (this.#failed) return;
    const length = this.#at - start - V2_HEADER_BYTES;
    bytes[start + 14] = length >> 8;
    bytes[start + 15] = length & 255;
    if (checksumAt < 0) return;
    const checksum = crc32c(bytes, start, this.#at);
    for (let i = 0; i < 4; i++) bytes[checksumAt + i] = (checksum >>> (24 - 8 * i)) & 255;
  }

  /** In HAProxy's order. Returns where the checksum goes, -1: none is wanted. */
  #writeTlvs(stream: Stream, sender: Sender): number {
    for (const { type, value } of sender.tlvs) {
      if (value === null) this.#tlv(type, this.#text, 0, 0);
      else if (value.evaluate(stream)) this.#tlv(type, value.bytes, 0, value.length);
      else this.#failed = true;
    }
    let checksumAt = -1;
    if (sender.checksum) {
      checksumAt = this.#at + 3;
      this.#text.fill(0, 0, 4);
      this.#tlv(TLV.crc32c, this.#text, 0, 4);
    }
    this.#passAlpn(stream);
    if (sender.authority) this.#passAuthority(stream);
    if (sender.uniqueId && this.uniqueId !== null) {
      if (this.uniqueId.evaluate(stream)) this.#tlv(TLV.uniqueId, this.uniqueId.bytes, 0, this.uniqueId.length);
    }
    if (sender.ssl) this.#writeSsl(stream, sender.plan);
    return checksumAt;
  }

  #passAlpn(stream: Stream): void {
    const ssl = this.#ctx.transport.tls.sslOf(stream.client);
    const protocol = ssl === 0 ? "" : protocolOf(ssl);
    if (protocol !== "") this.#tlv(TLV.alpn, Buffer.from(protocol, "latin1"), 0, protocol.length);
  }

  /** The host name that the client asked for, as a proxy in front told it or its TLS hello did. */
  #passAuthority(stream: Stream): void {
    const said = this.#ctx.proxied.of(stream.client);
    const at = said === undefined ? -1 : said.find(TLV.authority);
    if (at < 0) {
      const ssl = this.#ctx.transport.tls.sslOf(stream.client);
      const name = ssl === 0 ? "" : serverNameOf(ssl);
      if (name !== "") this.#tlv(TLV.authority, Buffer.from(name, "latin1"), 0, name.length);
      return;
    }
    const { tlvs } = said!;
    this.#tlv(TLV.authority, tlvs, at + 3, at + 3 + ((tlvs[at + 1]! << 8) | tlvs[at + 2]!));
  }

  #writeSsl(stream: Stream, plan: SendProxyPlan): void {
    const value = sslTlvValue(this.#ctx.transport.tls.sslOf(stream.client), plan);
    this.#tlv(TLV.ssl, value, 0, value.length);
  }

  #tlv(type: number, value: Uint8Array, from: number, to: number): void {
    this.#byte(type);
    this.#word(to - from);
    this.#bytes(value, from, to);
  }

  // ---- bytes ------------------------------------------------------------------------------------------------------

  #byte(byte: number): void {
    if (this.#at < this.#limit) this.#ctx.bytes[this.#at++] = byte;
    else this.#failed = true;
  }

  #word(word: number): void {
    this.#byte((word >> 8) & 255);
    this.#byte(word & 255);
  }

  #bytes(from: Uint8Array, start: number, end: number): void {
    if (end - start > this.#limit - this.#at) {
      this.#failed = true;
      return;
    }
    const { bytes } = this.#ctx;
    for (let i = start; i < end; i++) bytes[this.#at++] = from[i]!;
  }
}

function compile(plan: SendProxyPlan | null, values: Values): Sender | null {
  if (plan === null) return null;
  const wants = (option: SendProxyPlan["options"][number]): boolean => plan.options.includes(option);
  return {
    plan,
    tlvs: plan.tlvs.map(({ type, value }) => ({ type, value: value.length === 0 ? null : values.compileBody(value) })),
    ...{ checksum: wants("crc32c"), authority: wants("authority"), uniqueId: wants("unique-id"), ssl: wants("ssl") },
  };
}
