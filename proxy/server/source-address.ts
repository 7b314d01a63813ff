// Where connections to a server come from: `source` with an address, a range of ports, an interface, and `usesrc` with somebody else's
// address, which the kernel allows to whom it gives CAP_NET_ADMIN (IP_TRANSPARENT). configuration.txt 4.2 "source".

import { encodeInternetAddress } from "../../shared/abi/sockaddr.ts";
import {
  AF_INET,
  bind,
  IP_BIND_ADDRESS_NO_PORT,
  IP_TRANSPARENT,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_TRANSPARENT,
  SO_BINDTODEVICE,
  SO_REUSEADDR,
  SOL_SOCKET,
  setsockopt,
  setsockoptInt,
} from "../../shared/ffi/socket.ts";
import { CONNECTION } from "../connection/table.ts";
import type { SourcePlan } from "../plan/server-connection.ts";
import type { SampleContext } from "../sample/context.ts";
import { type CompiledSample, compileSample } from "../sample/expression.ts";
import { TYPE } from "../sample/types.ts";
import type { Stream } from "../stream/stream.ts";
import { encodeAddress } from "./encode-address.ts";

const PASS = 2;
const EADDRINUSE = -98;
const EADDRNOTAVAIL = -99;
/** Ports of a range that one connection tries. */
const PORT_TRIES = 10;

/** Binds sockets as one `source` says. */
export class SourceAddress {
  readonly #address: Uint8Array;
  readonly #plan: SourcePlan;
  readonly #device: Uint8Array | null;
  readonly #shownAddress: Uint8Array | null;
  readonly #shownSample: CompiledSample | null;
  readonly #samples: SampleContext;
  #nextPort: number;

  /** @param worker its number: workers begin at different ports of a range */
  constructor(plan: SourcePlan, samples: SampleContext, worker: number) {
    this.#plan = plan;
    this.#samples = samples;
    this.#address = encodeAddress(plan.address);
    this.#device = plan.interface === null ? null : Buffer.from(`${plan.interface}\0`);
    const { shown } = plan;
    this.#shownAddress = shown !== null && shown.kind === "address" ? encodeAddress(shown.address) : null;
    this.#shownSample = shown !== null && shown.kind === "header" ? compileSample(shown.sample, samples, false) : null;
    this.#nextPort = plan.ports === null ? 0 : plan.ports.first + worker;
  }

  /** 0 or -errno. */
  bind(fd: number, family: number, stream: Stream): number {
    if (this.#device !== null) {
      const failed = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, this.#device);
      if (failed < 0) return failed;
    }
    const shown = this.#plan.shown === null ? null : this.#shownFor(stream);
    if (shown !== null) {
      const failed =
        family === AF_INET
          ? setsockoptInt(fd, IPPROTO_IP, IP_TRANSPARENT, 1)
          : setsockoptInt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1);
      if (failed < 0) return failed;
      setsockoptInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      return bind(fd, shown);
    }
    return this.#plan.ports === null ? this.#bindAnyPort(fd) : this.#bindInRange(fd);
  }

  #bindAnyPort(fd: number): number {
    // The port is chosen at connect, when the destination is known: thousands of connections may share one.
    setsockoptInt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    return bind(fd, this.#address);
  }

  #bindInRange(fd: number): number {
    const { first, last } = this.#plan.ports!;
    setsockoptInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    let failed = EADDRINUSE;
    for (let tries = 0; tries < PORT_TRIES && failed === EADDRINUSE; tries++) {
      if (this.#nextPort > last) this.#nextPort = first;
      const port = this.#nextPort++;
      this.#address[2] = port >> 8;
      this.#address[3] = port & 255;
      failed = bind(fd, this.#address);
    }
    return failed === EADDRINUSE ? EADDRNOTAVAIL : failed;
  }

  /** The address that the server is to see; null: the connection has none, and ours is shown. */
  #shownFor(stream: Stream): Uint8Array | null {
    if (this.#shownAddress !== null) return this.#shownAddress;
    if (this.#shownSample !== null) return this.#fromHeader(stream, this.#shownSample);
    const { connections } = this.#samples;
    const slot = stream.client;
    const flags = connections.flags[slot]!;
    if ((flags & CONNECTION.unix) !== 0) return null;
    const length = (flags & CONNECTION.ipv6) !== 0 ? 16 : 4;
    const address = connections.address.subarray(slot * 16, slot * 16 + length);
    return encodeInternetAddress(address, this.#plan.shown!.kind === "client" ? connections.port[slot]! : 0);
  }

  #fromHeader(stream: Stream, sample: CompiledSample): Uint8Array | null {
    if (sample.first(stream) !== PASS) return null;
    const { value } = this.#samples;
    if (value.type !== TYPE.ipv4 && value.type !== TYPE.ipv6) return null;
    return encodeInternetAddress(value.address.subarray(0, value.type === TYPE.ipv6 ? 16 : 4), 0);
  }
}
