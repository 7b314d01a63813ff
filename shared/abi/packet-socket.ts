// What raw and packet sockets take and give: addresses of link layers, multicast memberships, control messages, poll's entries
// (linux/if_packet.h, netinet/in.h, sys/socket.h, poll.h).

//                                       offset   type   meaning
export const SOCKADDR_LL = {
  sll_family: /*                      */ 0, //    u16    AF_PACKET
  sll_protocol: /*                    */ 2, //    be16   EtherType
  sll_ifindex: /*                     */ 4, //    s32
  sll_hatype: /*                      */ 8, //    u16
  sll_pkttype: /*                     */ 10, //   u8
  sll_halen: /*                       */ 11, //   u8
  sll_addr: /*                        */ 12, //   u8×8
  sizeof: /*                          */ 20,
} as const;

export const SOCKADDR_NL = {
  nl_family: /*                       */ 0, //    u16    AF_NETLINK
  nl_pid: /*                          */ 4, //    u32    0: the kernel chooses, or is meant
  nl_groups: /*                       */ 8, //    u32    RTMGRP_*
  sizeof: /*                          */ 12,
} as const;

export const IP_MREQN = {
  imr_multiaddr: /*                   */ 0, //    u8×4
  imr_address: /*                     */ 4, //    u8×4   0: by index
  imr_ifindex: /*                     */ 8, //    s32
  sizeof: /*                          */ 12,
} as const;

export const IPV6_MREQ = {
  ipv6mr_multiaddr: /*                */ 0, //    u8×16
  ipv6mr_interface: /*                */ 16, //   u32
  sizeof: /*                          */ 20,
} as const;

export const IN6_PKTINFO = {
  ipi6_addr: /*                       */ 0, //    u8×16
  ipi6_ifindex: /*                    */ 16, //   u32
  sizeof: /*                          */ 20,
} as const;

export const CMSGHDR = {
  cmsg_len: /*                        */ 0, //    u64    with this header
  cmsg_level: /*                      */ 8, //    s32
  cmsg_type: /*                       */ 12, //   s32    the data follows, the next header begins at a multiple of 8
  sizeof: /*                          */ 16,
} as const;

export const POLLFD = {
  fd: /*                              */ 0, //    s32    negative: left out
  events: /*                          */ 4, //    s16
  revents: /*                         */ 6, //    s16
  sizeof: /*                          */ 8,
} as const;

/** Options of IPv4 and IPv6 sockets that shared/ffi/socket.ts does not need. */
export const RAW_SOCKET = {
  SOCK_RAW: 3,
  AF_NETLINK: 16,
  AF_PACKET: 17,
  NETLINK_ROUTE: 0,
  SO_RCVBUFFORCE: 33,
  IP_TOS: 1,
  IP_TTL: 2,
  IP_HDRINCL: 3,
  IP_RECVTTL: 12,
  IP_MULTICAST_IF: 32,
  IP_MULTICAST_TTL: 33,
  IP_MULTICAST_LOOP: 34,
  IP_ADD_MEMBERSHIP: 35,
  IP_MULTICAST_ALL: 49,
  IPV6_CHECKSUM: 7,
  IPV6_UNICAST_HOPS: 16,
  IPV6_MULTICAST_IF: 17,
  IPV6_MULTICAST_HOPS: 18,
  IPV6_MULTICAST_LOOP: 19,
  IPV6_JOIN_GROUP: 20,
  IPV6_RECVPKTINFO: 49,
  IPV6_PKTINFO: 50,
  IPV6_RECVHOPLIMIT: 51,
  IPV6_HOPLIMIT: 52,
  IPV6_TCLASS: 67,
  MSG_DONTROUTE: 4,
  MSG_TRUNC: 0x20,
  POLLIN: 1,
} as const;
