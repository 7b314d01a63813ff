// All BFD sessions of a plan and their sockets: single hop over UDP (RFC 5881), or multihop (RFC 5883). It runs in the VRRP thread, whose
// loop gives it packets and time.
//
// One socket receives for all sessions of a family and port, each session sends through one of its own, because its source port must not change.

import { ERRNO, errnoMeaning } from "../../shared/abi/errno.ts";
import { RAW_SOCKET } from "../../shared/abi/packet-socket.ts";
import { encodeInternetAddress, SOCKADDR_IN, SOCKADDR_IN6 } from "../../shared/abi/sockaddr.ts";
import { close } from "../../shared/ffi/file.ts";
import {
  AF_INET,
  AF_INET6,
  bind,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  sendto,
  setsockoptInt,
  socket,
} from "../../shared/ffi/socket.ts";
import type { ReceiveMemory } from "../address/vrrp-socket.ts";
import type { BfdPlan } from "../plan/track.ts";
import { readBfdPacket } from "./packet.ts";
import { BfdSession } from "./session.ts";

const PORT_SINGLE_HOP = 3784;
const PORT_MULTIHOP = 4784;
/** Source ports (RFC 5881 §4). */
const SOURCE_PORT_FIRST = 49152;
const SOURCE_PORTS = 16384;
const BIND_ATTEMPTS = 20;
const PACKETS_PER_TURN = 64;
const TOS_CONTROL = 0xc0;
/** What a packet that has not passed a router arrives with: keepalived sends IPv6 with 64. */
const HOPS_FROM = { 4: 255, 6: 64 } as const;

export interface BfdListener {
  /** `isLost`: the neighbour fell silent. */
  onBfdChanged(index: number, isUp: boolean, isLost: boolean): void;
  log(level: "info" | "warn" | "error", text: string): void;
}

interface Receiver {
  readonly fd: number;
  readonly family: 4 | 6;
  readonly port: number;
}

interface Session {
  readonly session: BfdSession;
  readonly fd: number;
  sendErrno: number;
}

export class BfdEngine {
  readonly #receivers: Receiver[] = [];
  readonly #sessions: Session[] = [];
  readonly #memory: ReceiveMemory;

  private constructor(memory: ReceiveMemory) {
    this.#memory = memory;
  }

  /** Opens what the sessions need; nothing is sent before `start`. A text says why it does not work. */
  static open(plans: readonly BfdPlan[], memory: ReceiveMemory, listener: BfdListener): BfdEngine | string {
    const engine = new BfdEngine(memory);
    for (const [index, plan] of plans.entries()) {
      const failed = engine.#add(index, plan, listener);
      if (failed === 0) continue;
      engine.close();
      return `bfd_instance ${plan.name}: ${errnoMeaning(failed)}`;
    }
    return engine;
  }

  /** `wasUp`: names of sessions that were up before a reload. */
  start(wasUp: readonly string[]): void {
    for (const { session } of this.#sessions) session.start(wasUp.includes(session.plan.name));
  }

  get descriptors(): number[] {
    return this.#receivers.map(({ fd }) => fd);
  }

  isUp(index: number): boolean {
    return this.#sessions[index]!.session.isUp;
  }

  /** Names of the sessions that are up. */
  get up(): string[] {
    return this.#sessions.filter(({ session }) => session.isUp).map(({ session }) => session.plan.name);
  }

  get nextDeadlineMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { session } of this.#sessions) next = Math.min(next, session.nextDeadlineMs);
    return next;
  }

  receive(): void {
    for (const receiver of this.#receivers) {
      for (let count = 0; count < PACKETS_PER_TURN && this.#receiveOne(receiver); count++);
    }
  }

  tick(): void {
    const nowMs = performance.now();
    for (const { session } of this.#sessions) if (nowMs >= session.nextDeadlineMs) session.tick();
  }

  close(): void {
    for (const { session, fd } of this.#sessions) {
      session.stop();
      close(fd);
    }
    for (const { fd } of this.#receivers) close(fd);
  }

  #receiveOne({ fd, family, port }: Receiver): boolean {
    const memory = this.#memory;
    const length = memory.receive(fd);
    if (length < 0) return false;
    const packet = readBfdPacket(memory.packet.subarray(0, length));
    if (packet === null) return true;
    const hops = memory.control(family === 4 ? RAW_SOCKET.IP_TTL : RAW_SOCKET.IPV6_HOPLIMIT);
    const at = family === 4 ? SOCKADDR_IN.sin_addr : SOCKADDR_IN6.sin6_addr;
    const source = memory.name.subarray(at, at + (family === 4 ? 4 : 16));
    for (const { session } of this.#sessions) {
      const { neighborIp, maxHops, multihop } = session.plan;
      if (Buffer.compare(neighborIp.bytes, source) !== 0 || (multihop ? PORT_MULTIHOP : PORT_SINGLE_HOP) !== port)
        continue;
      if (maxHops < 255 && hops + maxHops < HOPS_FROM[family]) continue;
      session.receive(packet);
    }
    return true;
  }

  #add(index: number, plan: BfdPlan, listener: BfdListener): number {
    const { family } = plan.neighborIp;
    const port = plan.multihop ? PORT_MULTIHOP : PORT_SINGLE_HOP;
    if (!this.#receivers.some((receiver) => receiver.family === family && receiver.port === port)) {
      const fd = openReceiver(family, port);
      if (fd < 0) return fd;
      this.#receivers.push({ fd, family, port });
    }
    const fd = openSender(plan);
    if (fd < 0) return fd;
    const target = encodeInternetAddress(plan.neighborIp.bytes, port);
    const own: Session = {
      fd,
      sendErrno: 0,
      session: new BfdSession(plan, 1 + Math.floor(Math.random() * 0xffff_fffe), {
        nowMs: () => performance.now(),
        random: () => Math.random(),
        send: (bytes) => {
          const sent = Math.min(0, sendto(fd, bytes, 0, target));
          // Nobody listens there yet (ECONNREFUSED) is what the session is for.
          const isNews = sent !== own.sendErrno && sent < 0 && sent !== -ERRNO["ECONNREFUSED"]!;
          own.sendErrno = sent;
          if (isNews) listener.log("warn", `bfd_instance ${plan.name}: sending: ${errnoMeaning(sent)}`);
        },
        onChanged: (isUp, isLost, reason) => {
          listener.log(isUp ? "info" : "warn", `bfd_instance ${plan.name} is ${isUp ? "up" : "down"}: ${reason}`);
          listener.onBfdChanged(index, isUp, isLost);
        },
      }),
    };
    this.#sessions.push(own);
    return 0;
  }
}

function openReceiver(family: 4 | 6, port: number): number {
  const fd = socket(family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fd;
  const any = new Uint8Array(family === 4 ? 4 : 16);
  // During a reload the old and the new thread both have one.
  const results = [
    setsockoptInt(fd, SOL_SOCKET, SO_REUSEADDR, 1),
    setsockoptInt(fd, SOL_SOCKET, SO_REUSEPORT, 1),
    family === 4 ? 0 : setsockoptInt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1),
    family === 4
      ? setsockoptInt(fd, IPPROTO_IP, RAW_SOCKET.IP_RECVTTL, 1)
      : setsockoptInt(fd, IPPROTO_IPV6, RAW_SOCKET.IPV6_RECVHOPLIMIT, 1),
    bind(fd, encodeInternetAddress(any, port)),
  ];
  const failed = results.find((result) => result < 0);
  if (failed === undefined) return fd;
  close(fd);
  return failed;
}

function openSender(plan: BfdPlan): number {
  const { family } = plan.neighborIp;
  const fd = socket(family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fd;
  if (family === 4) {
    setsockoptInt(fd, IPPROTO_IP, RAW_SOCKET.IP_TTL, plan.ttl);
    setsockoptInt(fd, IPPROTO_IP, RAW_SOCKET.IP_TOS, TOS_CONTROL);
  } else {
    setsockoptInt(fd, IPPROTO_IPV6, RAW_SOCKET.IPV6_UNICAST_HOPS, plan.ttl);
    setsockoptInt(fd, IPPROTO_IPV6, RAW_SOCKET.IPV6_TCLASS, TOS_CONTROL);
  }
  const source = plan.sourceIp?.bytes ?? new Uint8Array(family === 4 ? 4 : 16);
  let result = 0;
  for (let attempt = 0; attempt < BIND_ATTEMPTS; attempt++) {
    const port = SOURCE_PORT_FIRST + Math.floor(Math.random() * SOURCE_PORTS);
    result = bind(fd, encodeInternetAddress(source, port));
    if (result !== -ERRNO["EADDRINUSE"]!) break;
  }
  if (result === 0) return fd;
  close(fd);
  return result;
}
