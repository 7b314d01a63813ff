// struct tcp_info — linux/tcp.h: what the kernel knows of a TCP connection. The fields that are looked at; all are u32.

/** As much of it as is asked for: to the end of the last field below. Newer kernels have more. */
export const TCP_INFO_BYTES = 104;

export const TCP_INFO = {
  //                       offset
  tcpi_unacked: /*       */ 24,
  tcpi_sacked: /*        */ 28,
  tcpi_lost: /*          */ 32,
  tcpi_retrans: /*       */ 36,
  tcpi_fackets: /*       */ 40,
  tcpi_rtt: /*           */ 68, // microseconds
  tcpi_rttvar: /*        */ 72, // microseconds
  tcpi_reordering: /*    */ 88,
  tcpi_total_retrans: /* */ 100,
} as const;
