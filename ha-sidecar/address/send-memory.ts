// The memory through which one IPv6 raw socket sends: the source address of every packet stands in a control message of its own. The kernel would
// choose it otherwise, and once the virtual address is here it chooses that.

import { IOVEC, MSGHDR } from "../../shared/abi/msghdr.ts";
import { CMSGHDR, IN6_PKTINFO, RAW_SOCKET } from "../../shared/abi/packet-socket.ts";
import { SOCKADDR_IN6 } from "../../shared/abi/sockaddr.ts";
import { assert } from "../../shared/assert.ts";
import { sendmsgAt } from "../../shared/ffi/epoll.ts";
import { viewOfMemory } from "../../shared/ffi/library.ts";
import { MAP_ANONYMOUS, MAP_PRIVATE, mmap, munmap, PROT_READ, PROT_WRITE } from "../../shared/ffi/memory.ts";
import { IPPROTO_IPV6 } from "../../shared/ffi/socket.ts";

const AT_IOVEC = 64;
const AT_NAME = 96;
const AT_CONTROL = 128;
/** Rounded up to a multiple of 8. */
const CONTROL_BYTES = CMSGHDR.sizeof + 24;
const AT_MESSAGE = 256;
const MEMORY_BYTES = 8 * 1024;

export class SendMemory {
  readonly #address: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor() {
    this.#address = mmap(0, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const memory = viewOfMemory(this.#address, MEMORY_BYTES);
    this.#bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
    this.#pointer(MSGHDR.msg_name, this.#address + AT_NAME);
    this.#view.setUint32(MSGHDR.msg_namelen, SOCKADDR_IN6.sizeof, true);
    this.#pointer(MSGHDR.msg_iov, this.#address + AT_IOVEC);
    this.#pointer(MSGHDR.msg_iovlen, 1);
    this.#pointer(MSGHDR.msg_control, this.#address + AT_CONTROL);
    this.#pointer(MSGHDR.msg_controllen, CONTROL_BYTES);
    this.#pointer(AT_IOVEC + IOVEC.iov_base, this.#address + AT_MESSAGE);
    this.#pointer(AT_CONTROL + CMSGHDR.cmsg_len, CMSGHDR.sizeof + IN6_PKTINFO.sizeof);
    this.#view.setInt32(AT_CONTROL + CMSGHDR.cmsg_level, IPPROTO_IPV6, true);
    this.#view.setInt32(AT_CONTROL + CMSGHDR.cmsg_type, RAW_SOCKET.IPV6_PKTINFO, true);
  }

  /** sendmsg(2) from `source` through the interface. `destination`: a struct sockaddr_in6. Bytes sent or -errno. */
  send(
    fd: number,
    message: Uint8Array,
    source: Uint8Array,
    linkIndex: number,
    destination: Uint8Array,
    flags: number,
  ): number {
    assert(AT_MESSAGE + message.length <= MEMORY_BYTES, "there is room for the longest message");
    this.#bytes.set(destination, AT_NAME);
    this.#bytes.set(message, AT_MESSAGE);
    this.#pointer(AT_IOVEC + IOVEC.iov_len, message.length);
    const info = AT_CONTROL + CMSGHDR.sizeof;
    this.#bytes.set(source, info + IN6_PKTINFO.ipi6_addr);
    this.#view.setUint32(info + IN6_PKTINFO.ipi6_ifindex, linkIndex, true);
    return sendmsgAt(fd, this.#address, flags);
  }

  free(): void {
    munmap(this.#address, MEMORY_BYTES);
  }

  #pointer(at: number, value: number): void {
    this.#view.setBigUint64(at, BigInt(value), true);
  }
}
