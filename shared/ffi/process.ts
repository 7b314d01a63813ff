// What a daemon asks of the kernel about itself: root directory, session, limits, locked memory, processor affinity.
// User and group ids are not here: Node's process.setgid/setgroups/setuid already apply to every thread.

import { library, valueOrErrno } from "./library.ts";

export const PR_SET_PDEATHSIG = 1;
export const PR_SET_DUMPABLE = 4;
export const PR_SET_NAME = 15;
export const PR_SET_NO_NEW_PRIVS = 38;
export const RLIMIT_NOFILE = 7;
export const RLIMIT_MEMLOCK = 8;
export const MCL_CURRENT = 1;
export const MCL_FUTURE = 2;
/** Pages are locked when they are first touched: a mapping's untouched rest costs nothing. */
export const MCL_ONFAULT = 4;
export const SCHED_RR = 2;
/** With a scheduling policy: children get the ordinary one. */
export const SCHED_RESET_ON_FORK = 0x40000000;
/** Microseconds that a real-time thread may run without a blocking call. */
export const RLIMIT_RTTIME = 15;

type Prctl = (option: number, argument: number, a3: number, a4: number, a5: number) => number;
type Rlimit = (resource: number, limits: BigUint64Array) => number;

const chrootC: (path: Uint8Array) => number = library.func("int chroot(const void *path)");
const setsidC: () => number = library.func("int setsid()");
const umaskC: (mask: number) => number = library.func("uint32_t umask(uint32_t mask)");
const mlockallC: (flags: number) => number = library.func("int mlockall(int flags)");
const prctlC: Prctl = library.func("int prctl(int option, long argument, long a3, long a4, long a5)");
const prctlNameC: (option: number, name: Uint8Array) => number = library.func(
  "int prctl(int option, const void *name)",
);
const getrlimitC: Rlimit = library.func("int getrlimit(int resource, void *limits)");
const setrlimitC: Rlimit = library.func("int setrlimit(int resource, const void *limits)");
const gettidC: () => number = library.func("int gettid()");
const schedSetaffinityC: (thread: number, bytes: number, mask: Uint8Array) => number = library.func(
  "int sched_setaffinity(int thread, size_t bytes, const void *mask)",
);

const schedSetschedulerC: (thread: number, policy: number, priority: Int32Array) => number = library.func(
  "int sched_setscheduler(int thread, int policy, const void *priority)",
);
const setpriorityC: (which: number, who: number, nice: number) => number = library.func(
  "int setpriority(int which, uint32_t who, int nice)",
);

const execvpC: (file: string, words: readonly (string | null)[]) => number = library.func(
  "int execvp(const char *file, const char **words)",
);

/** A resource limit; Infinity stands for RLIM_INFINITY. */
export interface ResourceLimit {
  readonly soft: number;
  readonly hard: number;
}

const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

/** chroot(2) for the whole process. 0 or -errno. The working directory is the caller's to change. */
export function chroot(path: string): number {
  return valueOrErrno(chrootC(Buffer.from(`${path}\0`)));
}

/** setsid(2). The session's id or -errno (EPERM: already a group leader). */
export function setsid(): number {
  return valueOrErrno(setsidC());
}

/** umask(2) for the whole process. The mask that was; it cannot fail. */
export function umask(mask: number): number {
  return umaskC(mask);
}

/** mlockall(2). 0 or -errno. */
export function mlockall(flags: number): number {
  return valueOrErrno(mlockallC(flags));
}

/** prctl(2) with one integer argument. The option's value or -errno. */
export function prctl(option: number, argument: number): number {
  return valueOrErrno(prctlC(option, argument, 0, 0, 0));
}

/** Names the calling thread as ps and top show it (15 bytes are kept). 0 or -errno. */
export function setThreadName(name: string): number {
  return valueOrErrno(prctlNameC(PR_SET_NAME, Buffer.from(`${name.slice(0, 15)}\0`)));
}

/** getrlimit(2). The limits, or -errno. */
export function getrlimit(resource: number): ResourceLimit | number {
  const limits = new BigUint64Array(2);
  const returned = valueOrErrno(getrlimitC(resource, limits));
  if (returned < 0) return returned;
  const decode = (limit: bigint) => (limit === RLIM_INFINITY ? Number.POSITIVE_INFINITY : Number(limit));
  return { soft: decode(limits[0]!), hard: decode(limits[1]!) };
}

/** setrlimit(2). 0 or -errno (EPERM: raising the hard limit takes CAP_SYS_RESOURCE). */
export function setrlimit(resource: number, limit: ResourceLimit): number {
  const encode = (value: number) => (value === Number.POSITIVE_INFINITY ? RLIM_INFINITY : BigInt(value));
  return valueOrErrno(setrlimitC(resource, BigUint64Array.of(encode(limit.soft), encode(limit.hard))));
}

/**
 * Makes room for `wanted` descriptors: raises the soft limit, and the hard one too where that is allowed.
 * Returns the soft limit that holds afterwards (maybe less than wanted), or -errno when it cannot even be read.
 */
export function raiseDescriptorLimit(wanted: number): number {
  const before = getrlimit(RLIMIT_NOFILE);
  if (typeof before === "number") return before;
  if (before.soft >= wanted) return before.soft;
  if (setrlimit(RLIMIT_NOFILE, { soft: wanted, hard: Math.max(before.hard, wanted) }) === 0) return wanted;
  const reachable = Math.min(wanted, before.hard);
  return setrlimit(RLIMIT_NOFILE, { soft: reachable, hard: before.hard }) === 0 ? reachable : before.soft;
}

/** gettid(2): the kernel's id of the calling thread. */
export function gettid(): number {
  return gettidC();
}

/** sched_setaffinity(2): the thread (0: the calling one) runs on these processors only. 0 or -errno. */
export function setAffinity(thread: number, processors: readonly number[]): number {
  const mask = new Uint8Array(128);
  for (const processor of processors) mask[processor >> 3]! |= 1 << (processor & 7);
  return valueOrErrno(schedSetaffinityC(thread, mask.length, mask));
}

/** sched_setscheduler(2): the thread (0: the calling one) gets `policy` with real-time `priority` 1 … 99. 0 or -errno (EPERM). */
export function setScheduler(thread: number, policy: number, priority: number): number {
  return valueOrErrno(schedSetschedulerC(thread, policy, Int32Array.of(priority)));
}

/** setpriority(2) of one thread (0: the calling one): nice -20 … 19. 0 or -errno. */
export function setNice(thread: number, nice: number): number {
  return valueOrErrno(setpriorityC(0, thread, nice));
}

/**
 * execvp(3): this process goes on as another program, found by PATH; threads end, descriptors without close-on-exec stay. Returns only
 * when it fails: -errno.
 */
export function execvp(file: string, words: readonly string[]): number {
  return valueOrErrno(execvpC(file, [...words, null]));
}
