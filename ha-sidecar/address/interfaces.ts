// What the kernel says of interfaces and addresses, kept current by its own reports. Answers at once, without asking the kernel, what
// virtual routers need to know: is the interface there and up, what is its MAC address, which address do adverts come from, is an
// address still there.
//
// When reports were lost (ENOBUFS) everything is asked for anew.

import { ERRNO } from "../../shared/abi/errno.ts";
import { IFADDRMSG, IFINFOMSG, RTNETLINK } from "../../shared/abi/rtnetlink.ts";
import { recv } from "../../shared/ffi/socket.ts";
import { formatAddress } from "../../shared/ip/text.ts";
import { attributesOf, type Message, messagesOf, type Netlink } from "./netlink.ts";
import { type RemovedPath, removedPathOf } from "./removed-path.ts";

const { IFA_ADDRESS, IFA_FLAGS, IFA_LOCAL, IFLA_ADDRESS, IFLA_IFNAME } = RTNETLINK;
const { IFLA_INFO_KIND, IFLA_LINK, IFLA_LINKINFO } = RTNETLINK;
const { RTM_DELADDR, RTM_DELLINK, RTM_GETADDR, RTM_GETLINK, RTM_NEWADDR, RTM_NEWLINK } = RTNETLINK;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly flags: number;
  /** Six bytes on Ethernet; empty where there is none. */
  readonly mac: Uint8Array;
  /** `macvlan`, `veth`, …; empty: hardware. */
  readonly kind: string;
  /** Index of the interface that it stands on; 0: none. */
  readonly parent: number;
}

export interface LocalAddress {
  readonly linkIndex: number;
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly prefixLength: number;
  readonly flags: number;
  readonly scope: number;
}

/** Told after a batch of changes has been taken in. */
export interface InterfacesListener {
  onInterfacesChanged(): void;
  /** An address that was there is gone. */
  onAddressRemoved(address: LocalAddress): void;
  /** A route or a rule is gone; of all of them, where they are watched. */
  onPathRemoved(path: RemovedPath): void;
}

export class Interfaces {
  readonly #netlink: Netlink;
  readonly #watchFd: number;
  readonly #listener: InterfacesListener;
  readonly #links = new Map<number, Link>();
  /** By interface index and address text; in the kernel's order, so that primary addresses come first. */
  readonly #addresses = new Map<string, LocalAddress>();
  readonly #buffer = new Uint8Array(32 * 1024);

  constructor(netlink: Netlink, watchFd: number, listener: InterfacesListener) {
    this.#netlink = netlink;
    this.#watchFd = watchFd;
    this.#listener = listener;
  }

  get watchFd(): number {
    return this.#watchFd;
  }

  link(name: string): Link | null {
    for (const link of this.#links.values()) if (link.name === name) return link;
    return null;
  }

  all(): Link[] {
    return [...this.#links.values()];
  }

  linkAt(index: number): Link | null {
    return this.#links.get(index) ?? null;
  }

  /** Up, and with a carrier. */
  isUp(link: Link): boolean {
    const wanted = RTNETLINK.IFF_UP | RTNETLINK.IFF_RUNNING;
    return (link.flags & wanted) === wanted;
  }

  addressesOf(link: Link, family: 4 | 6): LocalAddress[] {
    const length = family === 4 ? 4 : 16;
    return [...this.#addresses.values()].filter(
      ({ linkIndex, bytes }) => linkIndex === link.index && bytes.length === length,
    );
  }

  /** True when the address is on that interface, or with null on any. */
  hasAddress(text: string, link: Link | null): boolean {
    if (link !== null) return this.#addresses.has(`${link.index} ${text}`);
    return [...this.#addresses.values()].some((address) => address.text === text);
  }

  /** Asks for everything. 0 or -errno. */
  refresh(): number {
    const links = this.#netlink.dump(RTM_GETLINK, new Uint8Array(IFINFOMSG.sizeof));
    if (typeof links === "number") return links;
    const addresses = this.#netlink.dump(RTM_GETADDR, new Uint8Array(IFADDRMSG.sizeof));
    if (typeof addresses === "number") return addresses;
    this.#links.clear();
    this.#addresses.clear();
    for (const message of [...links, ...addresses]) this.#take(message, []);
    return 0;
  }

  /** Takes in what the kernel reported. To be called when `watchFd` is readable. */
  readReports(): void {
    const removed: LocalAddress[] = [];
    const paths: RemovedPath[] = [];
    let hasChanged = false;
    for (;;) {
      const length = recv(this.#watchFd, this.#buffer, 0);
      if (length === -ERRNO["ENOBUFS"]!) {
        this.refresh();
        hasChanged = true;
        continue;
      }
      if (length <= 0) break;
      for (const message of messagesOf(this.#buffer.subarray(0, length))) {
        const path = removedPathOf(message);
        if (path !== null) paths.push(path);
        else hasChanged = this.#take(message, removed) || hasChanged;
      }
    }
    if (hasChanged) this.#listener.onInterfacesChanged();
    for (const address of removed) this.#listener.onAddressRemoved(address);
    for (const path of paths) this.#listener.onPathRemoved(path);
  }

  /** Whether it was about interfaces or addresses. */
  #take(message: Message, removed: LocalAddress[]): boolean {
    switch (message.type) {
      case RTM_NEWLINK:
      case RTM_DELLINK:
        this.#takeLink(message);
        return true;
      case RTM_NEWADDR:
      case RTM_DELADDR:
        this.#takeAddress(message, removed);
        return true;
      default:
        return false;
    }
  }

  #takeLink(message: Message): void {
    if (message.bytes.length < IFINFOMSG.sizeof) return;
    const view = new DataView(message.bytes.buffer, message.bytes.byteOffset);
    // Reports of a family (a bridge's port, IPv6 settings) repeat the link; their removal is not the link's.
    if (view.getUint8(IFINFOMSG.ifi_family) !== 0) return;
    const index = view.getInt32(IFINFOMSG.ifi_index, true);
    if (message.type === RTM_DELLINK) {
      this.#links.delete(index);
      for (const [key, { linkIndex }] of this.#addresses) if (linkIndex === index) this.#addresses.delete(key);
      return;
    }
    const attributes = attributesOf(message, IFINFOMSG.sizeof);
    const info = attributes.get(IFLA_LINKINFO);
    const kind = info === undefined ? undefined : attributesOf({ ...message, bytes: info }, 0).get(IFLA_INFO_KIND);
    const parent = attributes.get(IFLA_LINK);
    this.#links.set(index, {
      index,
      name: textOf(attributes.get(IFLA_IFNAME)),
      kind: textOf(kind),
      parent: parent === undefined ? 0 : new DataView(parent.buffer, parent.byteOffset).getUint32(0, true),
      flags: view.getUint32(IFINFOMSG.ifi_flags, true),
      mac: Uint8Array.from(attributes.get(IFLA_ADDRESS) ?? []),
    });
  }

  #takeAddress(message: Message, removed: LocalAddress[]): void {
    if (message.bytes.length < IFADDRMSG.sizeof) return;
    const view = new DataView(message.bytes.buffer, message.bytes.byteOffset);
    const attributes = attributesOf(message, IFADDRMSG.sizeof);
    const bytes = Uint8Array.from(attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS) ?? []);
    if (bytes.length !== 4 && bytes.length !== 16) return;
    const flags = attributes.get(IFA_FLAGS);
    const address: LocalAddress = {
      linkIndex: view.getUint32(IFADDRMSG.ifa_index, true),
      bytes,
      text: formatAddress(bytes),
      prefixLength: view.getUint8(IFADDRMSG.ifa_prefixlen),
      flags:
        flags === undefined
          ? view.getUint8(IFADDRMSG.ifa_flags)
          : new DataView(flags.buffer, flags.byteOffset).getUint32(0, true),
      scope: view.getUint8(IFADDRMSG.ifa_scope),
    };
    const key = `${address.linkIndex} ${address.text}`;
    if (message.type === RTM_NEWADDR) this.#addresses.set(key, address);
    else if (this.#addresses.delete(key)) removed.push(address);
  }
}

/** Names end with a zero, or with their attribute. */
function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? [])
    .toString("latin1")
    .replace(/\0.*$/s, "");
}
