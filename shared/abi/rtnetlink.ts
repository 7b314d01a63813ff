// rtnetlink(7): the structs of its messages (linux/netlink.h, if_addr.h, rtnetlink.h, fib_rules.h) and the numbers that we use.
//
//   nlmsghdr │ family header (ifinfomsg, ifaddrmsg, rtmsg, fib_rule_hdr) │ rtattr value pad │ rtattr value pad │ …
//
// Everything is in host order (little-endian on every architecture we run on), addresses are network-order bytes. Attributes begin at
// multiples of four.

//                                       offset   type   meaning
export const NLMSGHDR = {
  nlmsg_len: /*                       */ 0, //    u32    with this header
  nlmsg_type: /*                      */ 4, //    u16
  nlmsg_flags: /*                     */ 6, //    u16    NLM_F_*
  nlmsg_seq: /*                       */ 8, //    u32    comes back in the answer
  nlmsg_pid: /*                       */ 12, //   u32    port of the sender
  sizeof: /*                          */ 16,
} as const;

export const NLMSGERR = {
  error: /*                           */ 0, //    s32    -errno, 0: done
  msg: /*                             */ 4, //           the request's nlmsghdr
  sizeof: /*                          */ 20,
} as const;

export const RTATTR = {
  rta_len: /*                         */ 0, //    u16    with this header, without padding
  rta_type: /*                        */ 2, //    u16
  sizeof: /*                          */ 4,
} as const;

export const IFINFOMSG = {
  ifi_family: /*                      */ 0, //    u8
  ifi_type: /*                        */ 2, //    u16    ARPHRD_*
  ifi_index: /*                       */ 4, //    s32
  ifi_flags: /*                       */ 8, //    u32    IFF_*
  ifi_change: /*                      */ 12, //   u32
  sizeof: /*                          */ 16,
} as const;

export const IFADDRMSG = {
  ifa_family: /*                      */ 0, //    u8
  ifa_prefixlen: /*                   */ 1, //    u8
  ifa_flags: /*                       */ 2, //    u8     the lower ones; all of them are in IFA_FLAGS
  ifa_scope: /*                       */ 3, //    u8
  ifa_index: /*                       */ 4, //    u32
  sizeof: /*                          */ 8,
} as const;

export const IFA_CACHEINFO_STRUCT = {
  ifa_prefered: /*                    */ 0, //    u32    seconds, 0xffffffff: for ever
  ifa_valid: /*                       */ 4, //    u32
  cstamp: /*                          */ 8, //    u32
  tstamp: /*                          */ 12, //   u32
  sizeof: /*                          */ 16,
} as const;

export const RTMSG = {
  rtm_family: /*                      */ 0, //    u8
  rtm_dst_len: /*                     */ 1, //    u8
  rtm_src_len: /*                     */ 2, //    u8
  rtm_tos: /*                         */ 3, //    u8
  rtm_table: /*                       */ 4, //    u8     RTA_TABLE for numbers above 255
  rtm_protocol: /*                    */ 5, //    u8
  rtm_scope: /*                       */ 6, //    u8
  rtm_type: /*                        */ 7, //    u8
  rtm_flags: /*                       */ 8, //    u32
  sizeof: /*                          */ 12,
} as const;

export const RTNEXTHOP = {
  rtnh_len: /*                        */ 0, //    u16    with its attributes
  rtnh_flags: /*                      */ 2, //    u8
  rtnh_hops: /*                       */ 3, //    u8     weight - 1
  rtnh_ifindex: /*                    */ 4, //    s32
  sizeof: /*                          */ 8,
} as const;

export const FIB_RULE_HDR = {
  family: /*                          */ 0, //    u8
  dst_len: /*                         */ 1, //    u8
  src_len: /*                         */ 2, //    u8
  tos: /*                             */ 3, //    u8
  table: /*                           */ 4, //    u8
  action: /*                          */ 7, //    u8
  flags: /*                           */ 8, //    u32
  sizeof: /*                          */ 12,
} as const;

export const RTNETLINK = {
  NLMSG_ERROR: 2,
  NLMSG_DONE: 3,
  NLM_F_REQUEST: 0x1,
  NLM_F_ACK: 0x4,
  NLM_F_DUMP: 0x300,
  NLM_F_REPLACE: 0x100,
  NLM_F_EXCL: 0x200,
  NLM_F_CREATE: 0x400,
  NLM_F_APPEND: 0x800,
  RTM_NEWLINK: 16,
  RTM_DELLINK: 17,
  RTM_GETLINK: 18,
  RTM_NEWADDR: 20,
  RTM_DELADDR: 21,
  RTM_GETADDR: 22,
  RTM_NEWROUTE: 24,
  RTM_DELROUTE: 25,
  RTM_NEWRULE: 32,
  RTM_DELRULE: 33,
  RTMGRP_LINK: 0x1,
  RTMGRP_IPV4_IFADDR: 0x10,
  RTMGRP_IPV6_IFADDR: 0x100,
  RTMGRP_IPV4_ROUTE: 0x40,
  RTMGRP_IPV6_ROUTE: 0x400,
  RTMGRP_IPV4_RULE: 0x80,
  /** There is no RTMGRP_ of that: the group of number n is bit n - 1. */
  RTNLGRP_IPV6_RULE: 19,
  IFF_UP: 0x1,
  IFF_LOOPBACK: 0x8,
  IFF_RUNNING: 0x40,
  IFLA_ADDRESS: 1,
  IFLA_IFNAME: 3,
  IFLA_LINK: 5,
  IFLA_LINKINFO: 18,
  IFLA_INFO_KIND: 1,
  IFLA_INFO_DATA: 2,
  IFLA_MACVLAN_MODE: 1,
  MACVLAN_MODE_PRIVATE: 1,
  IFA_ADDRESS: 1,
  IFA_LOCAL: 2,
  IFA_LABEL: 3,
  IFA_BROADCAST: 4,
  IFA_CACHEINFO: 6,
  IFA_FLAGS: 8,
  IFA_F_NODAD: 0x02,
  IFA_F_DADFAILED: 0x08,
  IFA_F_HOMEADDRESS: 0x10,
  IFA_F_TENTATIVE: 0x40,
  IFA_F_MANAGETEMPADDR: 0x100,
  IFA_F_NOPREFIXROUTE: 0x200,
  IFA_F_MCAUTOJOIN: 0x400,
  RTA_DST: 1,
  RTA_SRC: 2,
  RTA_OIF: 4,
  RTA_GATEWAY: 5,
  RTA_PRIORITY: 6,
  RTA_PREFSRC: 7,
  RTA_METRICS: 8,
  RTA_MULTIPATH: 9,
  RTA_TABLE: 15,
  RTNH_F_ONLINK: 4,
  RT_SCOPE_UNIVERSE: 0,
  RT_SCOPE_LINK: 253,
  RT_SCOPE_HOST: 254,
  FRA_DST: 1,
  FRA_SRC: 2,
  FRA_IIFNAME: 3,
  FRA_GOTO: 4,
  FRA_PRIORITY: 6,
  FRA_FWMARK: 10,
  FRA_SUPPRESS_IFGROUP: 13,
  FRA_SUPPRESS_PREFIXLEN: 14,
  FRA_TABLE: 15,
  FRA_FWMASK: 16,
  FRA_OIFNAME: 17,
  FRA_L3MDEV: 19,
  FRA_UID_RANGE: 20,
  FRA_PROTOCOL: 21,
  FRA_IP_PROTO: 22,
  FRA_SPORT_RANGE: 23,
  FRA_DPORT_RANGE: 24,
  FIB_RULE_INVERT: 2,
} as const;
