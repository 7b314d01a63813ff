// Gratuitous ARP and unsolicited neighbour advertisements: Ethernet frames as keepalived sends them, through a packet socket that
// receives nothing (protocol 0). When they are sent is vrrp/announcements.ts's business.
//
//   ARP   broadcast, REQUEST, sender and target protocol address are the virtual address (RFC 5227 §3's "announcement"),
//         target hardware address all ones; 42 bytes
//   NA    to ff02::1, from the virtual address itself, hop limit 255, Override, and Router where this machine forwards (RFC 4861 §4.4)

import { RAW_SOCKET, SOCKADDR_LL } from "../../shared/abi/packet-socket.ts";
import { SOCK_CLOEXEC, SOCK_NONBLOCK, sendto, socket } from "../../shared/ffi/socket.ts";
import { finishSum, sumWords } from "../vrrp/checksum.ts";

const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERNET_BYTES = 14;
const ARP_BYTES = 28;
const IPV6_BYTES = 40;
const ADVERTISEMENT_BYTES = 32;
const PROTOCOL_ICMPV6 = 58;
const NEIGHBOUR_ADVERTISEMENT = 136;
const FLAG_ROUTER = 0x80;
const FLAG_OVERRIDE = 0x20;
const ALL_NODES = [0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const ALL_NODES_MAC = [0x33, 0x33, 0, 0, 0, 1];
const BROADCAST_MAC = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/** The frame that says "`address` (4 bytes) is at `mac`". */
export function gratuitousArp(mac: Uint8Array, address: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_BYTES + ARP_BYTES);
  writeEthernet(frame, BROADCAST_MAC, mac, ETHERTYPE_ARP);
  // Ethernet (1), IPv4, lengths of their addresses, REQUEST (1).
  frame.set([0, 1, 0x08, 0x00, 6, 4, 0, 1], ETHERNET_BYTES);
  frame.set(mac, ETHERNET_BYTES + 8);
  frame.set(address, ETHERNET_BYTES + 14);
  frame.set(BROADCAST_MAC, ETHERNET_BYTES + 18);
  frame.set(address, ETHERNET_BYTES + 24);
  return frame;
}

/** The frame that says "`address` (16 bytes) is at `mac`". */
export function unsolicitedAdvertisement(mac: Uint8Array, address: Uint8Array, isRouter: boolean): Uint8Array {
  const frame = new Uint8Array(ETHERNET_BYTES + IPV6_BYTES + ADVERTISEMENT_BYTES);
  writeEthernet(frame, ALL_NODES_MAC, mac, ETHERTYPE_IPV6);
  const ip = ETHERNET_BYTES;
  frame.set([0x60, 0, 0, 0, 0, ADVERTISEMENT_BYTES, PROTOCOL_ICMPV6, 255], ip);
  frame.set(address, ip + 8);
  frame.set(ALL_NODES, ip + 24);
  const message = ip + IPV6_BYTES;
  frame.set([NEIGHBOUR_ADVERTISEMENT, 0, 0, 0, FLAG_OVERRIDE | (isRouter ? FLAG_ROUTER : 0), 0, 0, 0], message);
  frame.set(address, message + 8);
  // Option: target link-layer address, one unit of 8 bytes.
  frame.set([2, 1], message + 24);
  frame.set(mac, message + 26);
  const pseudo = sumWords(frame, ip + 8, 32, ADVERTISEMENT_BYTES + PROTOCOL_ICMPV6);
  const checksum = finishSum(sumWords(frame, message, ADVERTISEMENT_BYTES, pseudo));
  frame[message + 2] = checksum >> 8;
  frame[message + 3] = checksum;
  return frame;
}

function writeEthernet(frame: Uint8Array, destination: readonly number[], source: Uint8Array, type: number): void {
  frame.set(destination, 0);
  frame.set(source, 6);
  frame[12] = type >> 8;
  frame[13] = type;
}

/** Opens the socket for announcements. The descriptor or -errno. */
export function openAnnouncementSocket(): number {
  return socket(RAW_SOCKET.AF_PACKET, RAW_SOCKET.SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/** Sends a frame through an interface. Bytes sent or -errno. */
export function sendFrame(fd: number, linkIndex: number, frame: Uint8Array): number {
  const address = new Uint8Array(SOCKADDR_LL.sizeof);
  const view = new DataView(address.buffer);
  view.setUint16(SOCKADDR_LL.sll_family, RAW_SOCKET.AF_PACKET, true);
  view.setInt32(SOCKADDR_LL.sll_ifindex, linkIndex, true);
  view.setUint8(SOCKADDR_LL.sll_halen, 6);
  address.set(frame.subarray(0, 6), SOCKADDR_LL.sll_addr);
  return sendto(fd, frame, 0, address);
}
