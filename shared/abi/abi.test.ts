// Every table of shared/abi against the C compiler: a small C program prints sizeof and offsetof of what the tables name, and the
// constants. Without a compiler the test says that it did not run; in CI that is a failure.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { EPOLL, EPOLL_CTL, EPOLL_EVENT } from "./epoll.ts";
import { ERRNO, errnoMeaning, errnoName } from "./errno.ts";
import {
  IO_URING_CQE,
  IO_URING_SQE,
  IORING_ACCEPT_MULTISHOT,
  IORING_ASYNC_CANCEL,
  IORING_CQE_F,
  IORING_OP,
  IORING_RECV_MULTISHOT,
} from "./io-uring-entries.ts";
import {
  IO_CQRING_OFFSETS,
  IO_SQRING_OFFSETS,
  IO_URING_PARAMS,
  IORING_FEAT,
  IORING_OFF_SQES,
  IORING_SETUP,
} from "./io-uring-params.ts";
import {
  IO_URING_BUF,
  IO_URING_BUF_REG,
  IO_URING_GETEVENTS_ARG,
  IO_URING_PROBE,
  IO_URING_PROBE_OP,
  IO_URING_RSRC_UPDATE,
  IORING_ENTER,
  IORING_REGISTER,
  IORING_SQ,
  KERNEL_TIMESPEC,
} from "./io-uring-register.ts";
import { GENERIC, GENLMSGHDR, IPVS } from "./ipvs.ts";
import { IOVEC, MSGHDR } from "./msghdr.ts";
import {
  CMSGHDR,
  IN6_PKTINFO,
  IP_MREQN,
  IPV6_MREQ,
  POLLFD,
  RAW_SOCKET,
  SOCKADDR_LL,
  SOCKADDR_NL,
} from "./packet-socket.ts";
import {
  FIB_RULE_HDR,
  IFA_CACHEINFO_STRUCT,
  IFADDRMSG,
  IFINFOMSG,
  NLMSGERR,
  NLMSGHDR,
  RTATTR,
  RTMSG,
  RTNETLINK,
  RTNEXTHOP,
} from "./rtnetlink.ts";
import { SOCKADDR_IN, SOCKADDR_IN6, SOCKADDR_UN } from "./sockaddr.ts";
import { TCP_INFO } from "./tcp-info.ts";

type Table = Readonly<Record<string, number>>;

/** Fields that headers of other kernels call otherwise; the offset is the same. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  "struct io_sqring_offsets.user_addr": "resv2",
  "struct io_cqring_offsets.user_addr": "resv2",
  "struct io_uring_buf_reg.flags": "pad",
  "struct io_uring_getevents_arg.pad": "min_wait_usec",
};

const STRUCTS: readonly (readonly [struct: string, table: Table])[] = [
  ["struct io_uring_params", IO_URING_PARAMS],
  ["struct io_sqring_offsets", IO_SQRING_OFFSETS],
  ["struct io_cqring_offsets", IO_CQRING_OFFSETS],
  ["struct io_uring_sqe", IO_URING_SQE],
  ["struct io_uring_cqe", IO_URING_CQE],
  ["struct io_uring_buf", IO_URING_BUF],
  ["struct io_uring_buf_reg", IO_URING_BUF_REG],
  ["struct io_uring_getevents_arg", IO_URING_GETEVENTS_ARG],
  ["struct __kernel_timespec", KERNEL_TIMESPEC],
  ["struct io_uring_probe", IO_URING_PROBE],
  ["struct io_uring_probe_op", IO_URING_PROBE_OP],
  ["struct io_uring_rsrc_update", IO_URING_RSRC_UPDATE],
  ["struct msghdr", MSGHDR],
  ["struct iovec", IOVEC],
  ["struct sockaddr_in", SOCKADDR_IN],
  ["struct sockaddr_in6", SOCKADDR_IN6],
  ["struct sockaddr_un", SOCKADDR_UN],
  ["struct sockaddr_ll", SOCKADDR_LL],
  ["struct sockaddr_nl", SOCKADDR_NL],
  ["struct ip_mreqn", IP_MREQN],
  ["struct ipv6_mreq", IPV6_MREQ],
  ["struct in6_pktinfo", IN6_PKTINFO],
  ["struct cmsghdr", CMSGHDR],
  ["struct pollfd", POLLFD],
  ["struct epoll_event", EPOLL_EVENT],
  ["struct tcp_info", TCP_INFO],
  ["struct nlmsghdr", NLMSGHDR],
  ["struct nlmsgerr", NLMSGERR],
  ["struct rtattr", RTATTR],
  ["struct ifinfomsg", IFINFOMSG],
  ["struct ifaddrmsg", IFADDRMSG],
  ["struct ifa_cacheinfo", IFA_CACHEINFO_STRUCT],
  ["struct rtmsg", RTMSG],
  ["struct rtnexthop", RTNEXTHOP],
  ["struct fib_rule_hdr", FIB_RULE_HDR],
  ["struct genlmsghdr", GENLMSGHDR],
];

const prefixed = (prefix: string, table: Table) =>
  Object.entries(table).map(([name, value]) => [prefix + name, value] as const);

const CONSTANTS: readonly (readonly [name: string, value: number])[] = [
  ...prefixed("IORING_OP_", IORING_OP),
  ...prefixed("IORING_SETUP_", IORING_SETUP),
  ...prefixed("IORING_FEAT_", IORING_FEAT),
  ...prefixed("IORING_ENTER_", IORING_ENTER),
  ...prefixed("IORING_SQ_", IORING_SQ),
  ...prefixed("IORING_CQE_F_", IORING_CQE_F),
  ...prefixed("IORING_ASYNC_CANCEL_", IORING_ASYNC_CANCEL),
  ["IORING_REGISTER_PROBE", IORING_REGISTER.PROBE],
  ["IORING_REGISTER_RING_FDS", IORING_REGISTER.RING_FDS],
  ["IORING_UNREGISTER_RING_FDS", IORING_REGISTER.UNREGISTER_RING_FDS],
  ["IORING_REGISTER_PBUF_RING", IORING_REGISTER.PBUF_RING],
  ["IORING_ACCEPT_MULTISHOT", IORING_ACCEPT_MULTISHOT],
  ["IORING_RECV_MULTISHOT", IORING_RECV_MULTISHOT],
  ["IORING_OFF_SQES", IORING_OFF_SQES],
  ...prefixed("EPOLL", EPOLL),
  ...prefixed("EPOLL_CTL_", EPOLL_CTL),
  ...prefixed("", RTNETLINK),
  ...prefixed("", GENERIC),
  ...prefixed("", IPVS),
  ...prefixed("", RAW_SOCKET),
  ...prefixed("", ERRNO),
];

// With GNU's extensions, because struct in6_pktinfo is one to the C library.
const HEADERS = `#define _GNU_SOURCE\n${[
  ...["errno.h", "stddef.h", "stdio.h", "string.h", "netinet/in.h", "sys/socket.h", "sys/uio.h", "sys/un.h"],
  ...[
    "poll.h",
    "sys/epoll.h",
    "net/if.h",
    "linux/if_packet.h",
    "linux/tcp.h",
    "linux/rtnetlink.h",
    "linux/if_link.h",
    "linux/fib_rules.h",
    "linux/genetlink.h",
    "linux/ip_vs.h",
  ],
  ...["linux/io_uring.h", "linux/time_types.h"],
]
  .map((name) => `#include <${name}>\n`)
  .join("")}`;

/** Prints one line per question: `key value`. `headers` is what the preprocessor makes of HEADERS. */
function source(headers: string): string {
  const lines: string[] = [];
  for (const [struct, table] of STRUCTS) {
    const body = new RegExp(`${struct}\\s*\\{[^]*?\\n\\s*\\}[^;\\n]*;`).exec(headers)?.[0] ?? "";
    for (const field of Object.keys(table)) {
      const key = `${struct}.${field}`;
      const name = new RegExp(`\\b${field}\\b`).test(body) ? field : (OTHER_NAMES[key] ?? field);
      const value = field === "sizeof" ? `sizeof(${struct})` : `offsetof(${struct}, ${name})`;
      lines.push(`printf("${key}\\t%zu\\n", ${value});`);
    }
  }
  // The header's operations and register codes are enumerators, which the preprocessor cannot see; the others are macros, and those
  // that the installed headers do not have yet are left out.
  for (const [name] of CONSTANTS) {
    const enumerator =
      /^(IORING_(OP|REGISTER|UNREGISTER)|IFLA|IFA|RTA|FRA|MACVLAN_MODE|RT_SCOPE|CTRL|IPVS_(CMD|SVC|DEST)|IP_VS_CONN_F_TUNNEL_TYPE)_(?!F_)/.test(
        name,
      );
    const print = `printf("${name}\\t%llu\\n", (unsigned long long)(${name}));`;
    lines.push(enumerator ? print : `\n#ifdef ${name}\n${print}\n#endif\n`);
  }
  for (const number of Object.values(ERRNO)) lines.push(`printf("meaning ${number}\\t%s\\n", strerror(${number}));`);
  return `${HEADERS}int main(void) {\n${lines.join("\n")}\nreturn 0; }\n`;
}

function compileAndRun(): Map<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "ringway-abi-"));
  try {
    const file = join(folder, "abi.c");
    const program = join(folder, "abi");
    writeFileSync(file, source(execFileSync("cc", ["-E", "-"], { input: HEADERS, encoding: "utf8" })));
    execFileSync("cc", ["-w", "-o", program, file]);
    const output = execFileSync(program, { encoding: "utf8", env: { LC_ALL: "C" } });
    return new Map(
      output
        .trimEnd()
        .split("\n")
        .map((line) => line.split("\t", 2) as [string, string]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

t.test("tables and constants agree with the C compiler", async (t) => {
  if (spawnSync("cc", ["--version"]).status !== 0) {
    if (process.env["CI"] === "true") t.fail("no C compiler: in CI the kernel structs must be checked");
    else t.comment("SKIPPED: no C compiler (cc), the kernel structs were not checked");
    return;
  }
  const answers = compileAndRun();
  for (const [struct, table] of STRUCTS) {
    for (const [field, value] of Object.entries(table)) {
      // The kernel's struct may grow at its end; what we know of it stays where it is.
      t.equal(Number(answers.get(`${struct}.${field}`)), value, `${struct} ${field}`);
    }
  }
  let unknown = 0;
  for (const [name, value] of CONSTANTS) {
    const answer = answers.get(name);
    if (answer === undefined) unknown++;
    else t.equal(Number(answer), value, name);
  }
  t.ok(unknown <= 2, `${unknown} constants are younger than the installed headers`);
  for (const number of Object.values(ERRNO))
    t.equal(errnoMeaning(number), answers.get(`meaning ${number}`), `${number}`);
});

t.test("every errno that Node knows is in the table", async (t) => {
  for (const [name, number] of Object.entries(constants.errno)) {
    // Two names each for two numbers.
    const synonym = name === "EWOULDBLOCK" ? "EAGAIN" : name === "ENOTSUP" ? "EOPNOTSUPP" : name;
    t.equal(ERRNO[synonym], number, name);
    t.equal(errnoName(-number), synonym);
  }
  t.equal(errnoMeaning(-111), "Connection refused");
  t.equal(errnoName(4095), "errno 4095");
  t.equal(errnoMeaning(4095), "Unknown error 4095");
});
