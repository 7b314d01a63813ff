// rtnetlink: building requests, sending them and reading answers. The kernel answers a request within the call that sends it, so a
// request is synchronous and takes some 20 µs; the socket has a receive timeout all the same, because nothing here may wait for ever.
//
// A request's failure is a value, a negative errno. Watching (`openWatch`) is another socket, of which only messages that the kernel sends on
// its own are read.

import { RAW_SOCKET, SOCKADDR_NL } from "../../shared/abi/packet-socket.ts";
import { NLMSGERR, NLMSGHDR, RTATTR, RTNETLINK } from "../../shared/abi/rtnetlink.ts";
import { assert } from "../../shared/assert.ts";
import { close } from "../../shared/ffi/file.ts";
import {
  bind,
  recv,
  SO_RCVBUF,
  SO_RCVTIMEO,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  send,
  setsockopt,
  setsockoptInt,
  socket,
} from "../../shared/ffi/socket.ts";

/** The kernel's messages of a dump come in parts of up to 32 KiB. */
const RECEIVE_BYTES = 32 * 1024;
const ANSWER_TIMEOUT_S = 2;
const WATCH_BUFFER_BYTES = 1024 * 1024;

const { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR } = RTNETLINK;

/** A request under construction. Attributes follow the family header; `nest` … `unnest` put attributes into an attribute. */
export class Request {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** `header`: ifinfomsg, ifaddrmsg, rtmsg or fib_rule_hdr. */
  constructor(type: number, flags: number, header: Uint8Array) {
    this.#view.setUint16(NLMSGHDR.nlmsg_type, type, true);
    this.#view.setUint16(NLMSGHDR.nlmsg_flags, flags | NLM_F_REQUEST | NLM_F_ACK, true);
    this.#length = NLMSGHDR.sizeof;
    this.append(header);
  }

  attribute(type: number, value: Uint8Array): this {
    const at = this.nest(type);
    this.append(value);
    return this.unnest(at);
  }

  attributeU32(type: number, value: number): this {
    return this.attribute(type, new Uint8Array(Uint32Array.of(value).buffer));
  }

  attributeU8(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  /** With the zero that the kernel wants of names. */
  attributeText(type: number, value: string): this {
    return this.attribute(type, Buffer.from(`${value}\0`));
  }

  /** Begins an attribute that holds attributes; the result is for `unnest`. */
  nest(type: number): number {
    const at = this.#length;
    this.append(new Uint8Array(RTATTR.sizeof));
    this.#view.setUint16(at + RTATTR.rta_type, type, true);
    return at;
  }

  unnest(at: number): this {
    this.#view.setUint16(at + RTATTR.rta_len, this.#length - at, true);
    this.#pad();
    return this;
  }

  /** Bytes as they are (structs inside an attribute). */
  append(bytes: Uint8Array): void {
    while (this.#length + bytes.length + 4 > this.#bytes.length) this.#grow();
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The finished message. */
  finish(sequence: number): Uint8Array {
    this.#pad();
    this.#view.setUint32(NLMSGHDR.nlmsg_len, this.#length, true);
    this.#view.setUint32(NLMSGHDR.nlmsg_seq, sequence, true);
    return this.#bytes.subarray(0, this.#length);
  }

  #pad(): void {
    this.#length = (this.#length + 3) & ~3;
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** One message of the kernel: `bytes` from its family header on, without the nlmsghdr. */
export interface Message {
  readonly type: number;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** The messages in a datagram. What does not fit its own length ends the reading. */
export function* messagesOf(datagram: Uint8Array): Generator<Message> {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  for (let at = 0; at + NLMSGHDR.sizeof <= datagram.length; ) {
    const length = view.getUint32(at + NLMSGHDR.nlmsg_len, true);
    if (length < NLMSGHDR.sizeof || at + length > datagram.length) return;
    yield {
      type: view.getUint16(at + NLMSGHDR.nlmsg_type, true),
      sequence: view.getUint32(at + NLMSGHDR.nlmsg_seq, true),
      bytes: datagram.subarray(at + NLMSGHDR.sizeof, at + length),
    };
    at += (length + 3) & ~3;
  }
}

/** The attributes behind a family header of `headerBytes` bytes: by type, the last one of a type counts. */
export function attributesOf(message: Message, headerBytes: number): Map<number, Uint8Array> {
  const { bytes } = message;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const attributes = new Map<number, Uint8Array>();
  for (let at = headerBytes; at + RTATTR.sizeof <= bytes.length; ) {
    const length = view.getUint16(at + RTATTR.rta_len, true);
    if (length < RTATTR.sizeof || at + length > bytes.length) break;
    // The upper two bits say "nested" and "network order".
    attributes.set(
      view.getUint16(at + RTATTR.rta_type, true) & 0x3fff,
      bytes.subarray(at + RTATTR.sizeof, at + length),
    );
    at += (length + 3) & ~3;
  }
  return attributes;
}

/** The socket of requests. */
export class Netlink {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(RECEIVE_BYTES);
  #sequence = 0;

  constructor(fd: number) {
    assert(fd >= 0, "the socket is open");
    this.#fd = fd;
  }

  /** Opens the socket, or returns -errno. `protocol`: NETLINK_… */
  static open(protocol: number = RAW_SOCKET.NETLINK_ROUTE): Netlink | number {
    const fd = socket(RAW_SOCKET.AF_NETLINK, RAW_SOCKET.SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (fd < 0) return fd;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(BigInt64Array.of(BigInt(ANSWER_TIMEOUT_S), 0n).buffer));
    return new Netlink(fd);
  }

  /** Sends and waits for the kernel's verdict: 0 or -errno. */
  request(request: Request): number {
    const sequence = ++this.#sequence;
    const sent = send(this.#fd, request.finish(sequence), 0);
    if (sent < 0) return sent;
    for (;;) {
      const length = recv(this.#fd, this.#buffer, 0);
      if (length < 0) return length;
      for (const message of messagesOf(this.#buffer.subarray(0, length))) {
        if (message.sequence === sequence && message.type === NLMSG_ERROR) return errorOf(message);
      }
    }
  }

  /** Asks for everything of a kind. The messages (copies), or -errno. */
  dump(type: number, header: Uint8Array): Message[] | number {
    const sequence = ++this.#sequence;
    const sent = send(this.#fd, new Request(type, NLM_F_DUMP, header).finish(sequence), 0);
    if (sent < 0) return sent;
    const messages: Message[] = [];
    for (;;) {
      const length = recv(this.#fd, this.#buffer, 0);
      if (length < 0) return length;
      for (const message of messagesOf(this.#buffer.slice(0, length))) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_DONE) return messages;
        if (message.type === NLMSG_ERROR) return errorOf(message);
        messages.push(message);
      }
    }
  }

  close(): void {
    close(this.#fd);
  }
}

function errorOf(message: Message): number {
  return new DataView(message.bytes.buffer, message.bytes.byteOffset).getInt32(NLMSGERR.error, true);
}

/** A non-blocking socket on which the kernel reports changes of `groups` (RTMGRP_*). The descriptor or -errno. */
export function openWatch(groups: number): number {
  const type = RAW_SOCKET.SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const fd = socket(RAW_SOCKET.AF_NETLINK, type, RAW_SOCKET.NETLINK_ROUTE);
  if (fd < 0) return fd;
  const address = new Uint8Array(SOCKADDR_NL.sizeof);
  const view = new DataView(address.buffer);
  view.setUint16(SOCKADDR_NL.nl_family, RAW_SOCKET.AF_NETLINK, true);
  view.setUint32(SOCKADDR_NL.nl_groups, groups, true);
  // A burst of changes must not be lost; without privileges the system's limit holds.
  if (setsockoptInt(fd, SOL_SOCKET, RAW_SOCKET.SO_RCVBUFFORCE, WATCH_BUFFER_BYTES) < 0) {
    setsockoptInt(fd, SOL_SOCKET, SO_RCVBUF, WATCH_BUFFER_BYTES);
  }
  const bound = bind(fd, address);
  if (bound === 0) return fd;
  close(fd);
  return bound;
}
