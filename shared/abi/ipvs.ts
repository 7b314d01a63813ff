// IPVS over generic netlink (linux/ip_vs.h, linux/genetlink.h): the header of its messages and the numbers that we use.
//
//   nlmsghdr │ genlmsghdr │ IPVS_CMD_ATTR_SERVICE { IPVS_SVC_ATTR_… } │ IPVS_CMD_ATTR_DEST { IPVS_DEST_ATTR_… }
//
// Numbers are in host order, ports and addresses in network order; an address takes 16 bytes, whatever its family.

//                                       offset   type   meaning
export const GENLMSGHDR = {
  cmd: /*                             */ 0, //    u8
  version: /*                         */ 1, //    u8
  reserved: /*                        */ 2, //    u16
  sizeof: /*                          */ 4,
} as const;

export const GENERIC = {
  GENL_ID_CTRL: 16,
  CTRL_CMD_GETFAMILY: 3,
  CTRL_ATTR_FAMILY_ID: 1,
  CTRL_ATTR_FAMILY_NAME: 2,
  NETLINK_GENERIC: 16,
} as const;

export const IPVS = {
  IPVS_GENL_VERSION: 1,
  IPVS_CMD_NEW_SERVICE: 1,
  IPVS_CMD_SET_SERVICE: 2,
  IPVS_CMD_DEL_SERVICE: 3,
  IPVS_CMD_NEW_DEST: 5,
  IPVS_CMD_SET_DEST: 6,
  IPVS_CMD_DEL_DEST: 7,
  IPVS_CMD_ATTR_SERVICE: 1,
  IPVS_CMD_ATTR_DEST: 2,
  IPVS_SVC_ATTR_AF: 1,
  IPVS_SVC_ATTR_PROTOCOL: 2,
  IPVS_SVC_ATTR_ADDR: 3,
  IPVS_SVC_ATTR_PORT: 4,
  IPVS_SVC_ATTR_FWMARK: 5,
  IPVS_SVC_ATTR_SCHED_NAME: 6,
  IPVS_SVC_ATTR_FLAGS: 7,
  IPVS_SVC_ATTR_TIMEOUT: 8,
  IPVS_SVC_ATTR_NETMASK: 9,
  IPVS_SVC_ATTR_PE_NAME: 11,
  IPVS_DEST_ATTR_ADDR: 1,
  IPVS_DEST_ATTR_PORT: 2,
  IPVS_DEST_ATTR_FWD_METHOD: 3,
  IPVS_DEST_ATTR_WEIGHT: 4,
  IPVS_DEST_ATTR_U_THRESH: 5,
  IPVS_DEST_ATTR_L_THRESH: 6,
  IPVS_DEST_ATTR_ADDR_FAMILY: 11,
  IPVS_DEST_ATTR_TUN_TYPE: 13,
  IPVS_DEST_ATTR_TUN_PORT: 14,
  IPVS_DEST_ATTR_TUN_FLAGS: 15,
  IP_VS_SVC_F_PERSISTENT: 0x1,
  IP_VS_SVC_F_ONEPACKET: 0x4,
  IP_VS_SVC_F_SCHED1: 0x8,
  IP_VS_CONN_F_MASQ: 0,
  IP_VS_CONN_F_TUNNEL: 2,
  IP_VS_CONN_F_DROUTE: 3,
  IP_VS_CONN_F_TUNNEL_TYPE_IPIP: 0,
  IP_VS_CONN_F_TUNNEL_TYPE_GUE: 1,
  IP_VS_CONN_F_TUNNEL_TYPE_GRE: 2,
  IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM: 0,
  IP_VS_TUNNEL_ENCAP_FLAG_CSUM: 1,
  IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM: 2,
} as const;
