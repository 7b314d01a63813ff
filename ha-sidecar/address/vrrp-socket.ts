// The raw socket (IP protocol 112) through which adverts of one family come and go on one interface, multicast and unicast alike; which virtual
// router a packet is for is decided behind it.
//
//   IPv4  IP_HDRINCL: the header is written here, so that the source address can be any; a received packet begins with its header
//   IPv6  the kernel writes header and checksum (IPV6_CHECKSUM); source, destination and hop limit come as control messages
//
// Nothing is allocated per received packet: buffers and the struct msghdr stand in memory of their own.

import { IOVEC, MSGHDR } from "../../shared/abi/msghdr.ts";
import { CMSGHDR, IP_MREQN, IPV6_MREQ, RAW_SOCKET } from "../../shared/abi/packet-socket.ts";
import { encodeInternetAddress, SOCKADDR_IN6 } from "../../shared/abi/sockaddr.ts";
import { close } from "../../shared/ffi/file.ts";
import { viewOfMemory } from "../../shared/ffi/library.ts";
import { MAP_ANONYMOUS, MAP_PRIVATE, mmap, munmap, PROT_READ, PROT_WRITE } from "../../shared/ffi/memory.ts";
import { recvmsgAt } from "../../shared/ffi/poll.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  recv,
  SO_BINDTODEVICE,
  SO_RCVBUF,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  sendto,
  setsockopt,
  setsockoptInt,
  socket,
} from "../../shared/ffi/socket.ts";
import { AH_BYTES, type AuthenticationHeader, PROTOCOL_AH } from "../vrrp/authentication-header.ts";
import { type Packet, PROTOCOL_VRRP, readPacket4, setPacket6 } from "../vrrp/packet.ts";
import { SendMemory } from "./send-memory.ts";

/** Internetwork control, what routing protocols use. */
const TOS_CONTROL = 0xc0;
const TTL_VRRP = 255;
const IPV4_HEADER_BYTES = 20;

// The memory of `recvmsg`: msghdr, iovec, sockaddr_in6, control messages, then the packet.
const AT_MSGHDR = 0;
const AT_IOVEC = 64;
const AT_NAME = 96;
const AT_CONTROL = 128;
const CONTROL_BYTES = 256;
const AT_PACKET = 512;
const MEMORY_BYTES = 16 * 1024;
/** Longer than any message with its header. */
export const PACKET_BYTES = MEMORY_BYTES - AT_PACKET;

/** Where packets of all sockets are received. One per thread. */
export class ReceiveMemory {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** The packet's part. */
  readonly packet: Uint8Array;
  readonly view: DataView;

  constructor() {
    this.address = mmap(0, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const memory = viewOfMemory(this.address, MEMORY_BYTES);
    this.bytes = new Uint8Array(memory);
    this.view = new DataView(memory);
    this.packet = new Uint8Array(memory, AT_PACKET, PACKET_BYTES);
    this.#pointer(AT_MSGHDR + MSGHDR.msg_name, this.address + AT_NAME);
    this.#pointer(AT_MSGHDR + MSGHDR.msg_iov, this.address + AT_IOVEC);
    this.#pointer(AT_MSGHDR + MSGHDR.msg_iovlen, 1);
    this.#pointer(AT_MSGHDR + MSGHDR.msg_control, this.address + AT_CONTROL);
    this.#pointer(AT_IOVEC + IOVEC.iov_base, this.address + AT_PACKET);
    this.#pointer(AT_IOVEC + IOVEC.iov_len, PACKET_BYTES);
  }

  /** recvmsg(2): bytes or -errno; then `name` and `control` hold what came with the packet. */
  receive(fd: number): number {
    this.view.setUint32(AT_MSGHDR + MSGHDR.msg_namelen, SOCKADDR_IN6.sizeof, true);
    this.view.setUint32(AT_MSGHDR + MSGHDR.msg_controllen, CONTROL_BYTES, true);
    return recvmsgAt(fd, this.address + AT_MSGHDR, 0);
  }

  /** Copies source, destination and hop limit of the IPv6 packet just received. The hop limit, -1: it did not come. */
  copyEnvelope6(packet: Packet): number {
    packet.source.set(this.bytes.subarray(AT_NAME + SOCKADDR_IN6.sin6_addr, AT_NAME + SOCKADDR_IN6.sin6_addr + 16));
    const end = AT_CONTROL + this.view.getUint32(AT_MSGHDR + MSGHDR.msg_controllen, true);
    let hopLimit = -1;
    for (let at = AT_CONTROL; at + CMSGHDR.sizeof <= end; ) {
      const length = this.view.getUint32(at + CMSGHDR.cmsg_len, true);
      if (length < CMSGHDR.sizeof) break;
      const type = this.view.getInt32(at + CMSGHDR.cmsg_type, true);
      const data = at + CMSGHDR.sizeof;
      if (type === RAW_SOCKET.IPV6_HOPLIMIT) hopLimit = this.view.getInt32(data, true);
      if (type === RAW_SOCKET.IPV6_PKTINFO) packet.destination.set(this.bytes.subarray(data, data + 16));
      at += (length + 7) & ~7;
    }
    return hopLimit;
  }

  /** The sender of what was just received, a struct sockaddr. */
  get name(): Uint8Array {
    return this.bytes.subarray(AT_NAME, AT_NAME + SOCKADDR_IN6.sizeof);
  }

  /** The number in the control message of that type that came with what was just received, -1: none did. */
  control(type: number): number {
    const end = AT_CONTROL + this.view.getUint32(AT_MSGHDR + MSGHDR.msg_controllen, true);
    for (let at = AT_CONTROL; at + CMSGHDR.sizeof <= end; ) {
      const length = this.view.getUint32(at + CMSGHDR.cmsg_len, true);
      if (length < CMSGHDR.sizeof) break;
      if (this.view.getInt32(at + CMSGHDR.cmsg_type, true) === type)
        return this.view.getInt32(at + CMSGHDR.sizeof, true);
      at += (length + 7) & ~7;
    }
    return -1;
  }

  free(): void {
    munmap(this.address, MEMORY_BYTES);
  }

  #pointer(at: number, value: number): void {
    this.view.setBigUint64(at, BigInt(value), true);
  }
}

export interface VrrpSocketOptions {
  readonly family: 4 | 6;
  /** null: unicast without an interface. */
  readonly link: { readonly index: number; readonly name: string } | null;
  readonly receiveBufferBytes: number;
  /** IPv4 with authentication headers: a protocol of its own. */
  readonly isAh: boolean;
}

export class VrrpSocket {
  readonly fd: number;
  readonly family: 4 | 6;
  readonly linkIndex: number;
  readonly #joined = new Set<string>();
  #identification = 0;
  /** Of IPv6 sockets; freed with the descriptor. */
  readonly #memory6: SendMemory | null;

  private constructor(fd: number, family: 4 | 6, linkIndex: number) {
    this.fd = fd;
    this.family = family;
    this.linkIndex = linkIndex;
    this.#memory6 = family === 6 ? new SendMemory() : null;
  }

  /** Opens and configures the socket, or returns -errno (EPERM: CAP_NET_RAW is missing). */
  static open({ family, link, receiveBufferBytes, isAh }: VrrpSocketOptions): VrrpSocket | number {
    const type = RAW_SOCKET.SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const fd = socket(family === 4 ? AF_INET : AF_INET6, type, isAh ? PROTOCOL_AH : PROTOCOL_VRRP);
    if (fd < 0) return fd;
    const results = [
      link === null ? 0 : setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${link.name}\0`)),
      receiveBufferBytes === 0 ? 0 : setsockoptInt(fd, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes),
      ...(family === 4 ? configure4(fd, link?.index ?? 0) : configure6(fd, link?.index ?? 0)),
    ];
    const failed = results.find((result) => result < 0);
    if (failed === undefined) return new VrrpSocket(fd, family, link?.index ?? 0);
    close(fd);
    return failed;
  }

  /** Joins a multicast group on the interface. 0 or -errno. */
  join(group: Uint8Array): number {
    const key = Buffer.from(group).toString("hex");
    if (this.#joined.has(key)) return 0;
    this.#joined.add(key);
    if (this.family === 4) {
      const membership = new Uint8Array(IP_MREQN.sizeof);
      membership.set(group, IP_MREQN.imr_multiaddr);
      new DataView(membership.buffer).setInt32(IP_MREQN.imr_ifindex, this.linkIndex, true);
      return setsockopt(this.fd, IPPROTO_IP, RAW_SOCKET.IP_ADD_MEMBERSHIP, membership);
    }
    const membership = new Uint8Array(IPV6_MREQ.sizeof);
    membership.set(group, IPV6_MREQ.ipv6mr_multiaddr);
    new DataView(membership.buffer).setUint32(IPV6_MREQ.ipv6mr_interface, this.linkIndex, true);
    return setsockopt(this.fd, IPPROTO_IPV6, RAW_SOCKET.IPV6_JOIN_GROUP, membership);
  }

  /** Receives one packet. False: none waits (or the socket failed). A packet that is none has length 0. */
  receive(memory: ReceiveMemory, packet: Packet): boolean {
    packet.length = 0;
    packet.interfaceIndex = this.linkIndex;
    if (this.family === 4) {
      const length = recv(this.fd, memory.packet, 0);
      if (length < 0) return false;
      if (!readPacket4(packet, length)) packet.length = 0;
      return true;
    }
    const length = memory.receive(this.fd);
    if (length < 0) return false;
    const hopLimit = memory.copyEnvelope6(packet);
    setPacket6(packet, length, hopLimit);
    return true;
  }

  /** Sends a message, `header`: behind an authentication header. Bytes sent or -errno. */
  send(
    message: Uint8Array,
    source: Uint8Array,
    destination: Uint8Array,
    ttl: number,
    header: AuthenticationHeader | null,
  ): number {
    const isMulticast = this.family === 4 ? destination[0]! >> 4 === 14 : destination[0] === 0xff;
    const flags = isMulticast ? RAW_SOCKET.MSG_DONTROUTE : 0;
    if (this.family === 4) return this.#send4(message, source, destination, ttl, flags, header);
    if (!isMulticast) setsockoptInt(this.fd, IPPROTO_IPV6, RAW_SOCKET.IPV6_UNICAST_HOPS, ttl);
    const scope = isMulticast || (destination[0] === 0xfe && destination[1]! >> 6 === 2) ? this.linkIndex : 0;
    const address = encodeInternetAddress(destination, 0, scope);
    return this.#memory6!.send(this.fd, message, source, this.linkIndex, address, flags);
  }

  close(): void {
    close(this.fd);
    this.#memory6?.free();
  }

  /** The kernel fills in total length and checksum of the header. */
  #send4(
    message: Uint8Array,
    source: Uint8Array,
    destination: Uint8Array,
    ttl: number,
    flags: number,
    header: AuthenticationHeader | null,
  ): number {
    const messageAt = IPV4_HEADER_BYTES + (header === null ? 0 : AH_BYTES);
    const packet = new Uint8Array(messageAt + message.length);
    // Never 0: the kernel would put its own number there.
    this.#identification = (this.#identification % 0xffff) + 1;
    packet[0] = 0x45;
    packet[1] = TOS_CONTROL;
    packet[2] = packet.length >> 8;
    packet[3] = packet.length;
    packet[4] = this.#identification >> 8;
    packet[5] = this.#identification;
    packet[8] = ttl;
    packet[9] = header === null ? PROTOCOL_VRRP : PROTOCOL_AH;
    packet.set(source, 12);
    packet.set(destination, 16);
    packet.set(message, messageAt);
    header?.seal(packet, IPV4_HEADER_BYTES);
    return sendto(this.fd, packet, flags, encodeInternetAddress(destination, 0));
  }
}

function configure4(fd: number, linkIndex: number): number[] {
  const membership = new Uint8Array(IP_MREQN.sizeof);
  new DataView(membership.buffer).setInt32(IP_MREQN.imr_ifindex, linkIndex, true);
  return [
    setsockoptInt(fd, IPPROTO_IP, RAW_SOCKET.IP_HDRINCL, 1),
    setsockoptInt(fd, IPPROTO_IP, RAW_SOCKET.IP_MULTICAST_LOOP, 0),
    setsockoptInt(fd, IPPROTO_IP, RAW_SOCKET.IP_MULTICAST_ALL, 0),
    linkIndex === 0 ? 0 : setsockopt(fd, IPPROTO_IP, RAW_SOCKET.IP_MULTICAST_IF, membership),
  ];
}

function configure6(fd: number, linkIndex: number): number[] {
  return [
    setsockoptInt(fd, IPPROTO_IPV6, RAW_SOCKET.IPV6_CHECKSUM, 6),
    setsockoptInt(fd, IPPROTO_IPV6, RAW_SOCKET.IPV6_MULTICAST_HOPS, TTL_VRRP),
    setsockoptInt(fd, IPPROTO_IPV6, RAW_SOCKET.IPV6_MULTICAST_LOOP, 0),
    setsockoptInt(fd, IPPROTO_IPV6, RAW_SOCKET.IPV6_TCLASS, TOS_CONTROL),
    setsockoptInt(fd, IPPROTO_IPV6, RAW_SOCKET.IPV6_RECVHOPLIMIT, 1),
    setsockoptInt(fd, IPPROTO_IPV6, RAW_SOCKET.IPV6_RECVPKTINFO, 1),
    linkIndex === 0 ? 0 : setsockoptInt(fd, IPPROTO_IPV6, RAW_SOCKET.IPV6_MULTICAST_IF, linkIndex),
  ];
}
