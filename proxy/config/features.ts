// What ringway claims to be, in the one place that conditional blocks, `-v`, `-vv` and the statistics read it from.
//
// A feature is listed as present only when ringway does what HAProxy's feature of that name does. Who adds one flips its line here.

/** The HAProxy release whose configuration language and behaviour is served; `version_atleast()` compares with it. */
export const COMPATIBLE_VERSION = "3.2.0";
export const COMPATIBLE_BRANCH = "3.2";

/** HAProxy's feature names, as `-vv` lists them with `+` or `-`, and whether ringway has them. IO_URING is our own. */
export const FEATURES: Readonly<Record<string, boolean>> = {
  "51DEGREES": false,
  ACCEPT4: true,
  BACKTRACE: false,
  CLOSEFROM: false,
  CPU_AFFINITY: false,
  CRYPT_H: false,
  DEVICEATLAS: false,
  DL: false,
  ENGINE: false,
  EPOLL: false,
  EVPORTS: false,
  GETADDRINFO: true,
  IO_URING: true,
  KQUEUE: false,
  LIBATOMIC: false,
  LIBCRYPT: false,
  LINUX_CAP: false,
  LINUX_SPLICE: false,
  LINUX_TPROXY: false,
  LUA: false,
  MATH: false,
  MEMORY_PROFILING: false,
  NETFILTER: false,
  NS: false,
  OBSOLETE_LINKER: false,
  OPENSSL: false,
  OPENSSL_AWSLC: false,
  OPENSSL_WOLFSSL: false,
  OT: false,
  PCRE: false,
  PCRE2: false,
  PCRE2_JIT: false,
  PCRE_JIT: false,
  POLL: false,
  PRCTL: false,
  PROCCTL: false,
  PROMEX: false,
  PTHREAD_EMULATION: false,
  QUIC: false,
  QUIC_OPENSSL_COMPAT: false,
  RT: false,
  SLZ: false,
  SSL: false,
  STATIC_PCRE: false,
  STATIC_PCRE2: false,
  SYSTEMD: false,
  TFO: false,
  THREAD: true,
  THREAD_DUMP: false,
  TPROXY: false,
  WURFL: false,
  ZLIB: false,
};

/** Options that `enabled()` knows and that are on unless the configuration or the command line turns them off. */
export const ENABLED_OPTIONS: readonly string[] = ["GETADDRINFO", "IO_URING", "REUSEPORT"];

/** Name and version of the TLS library, which is the one inside the Node binary. */
export const TLS_LIBRARY_NAME = `OpenSSL ${process.versions.openssl ?? "0.0.0"}`;
export const TLS_LIBRARY_VERSION = process.versions.openssl ?? "0.0.0";

/**
 * Compares HAProxy versions `major[.minor[.patch]][-devN][-commits]`, missing parts being zero: negative when `a` is older than `b`.
 * A development version is older than the release it leads to. What is no number compares as zero, as HAProxy does.
 */
export function compareVersions(a: string, b: string): number {
  const left = versionParts(a);
  const right = versionParts(b);
  for (let i = 0; i < left.length; i++) {
    const difference = left[i]! - right[i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

const VERSION = /^(\d*)(?:\.(\d*))?(?:\.(\d*))?(?:-dev(\d+))?(?:[-.](\d+)(?![0-9a-z]))?/;

/** Stands for "not a development version": younger than any of them. */
const RELEASED = Number.MAX_SAFE_INTEGER;

function versionParts(version: string): number[] {
  const [, major, minor, patch, development, commits] = VERSION.exec(version)!;
  return [
    Number(major ?? 0),
    Number(minor ?? 0),
    Number(patch ?? 0),
    development === undefined ? RELEASED : Number(development),
    Number(commits ?? 0),
  ];
}
