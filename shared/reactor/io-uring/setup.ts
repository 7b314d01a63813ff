// Sets an io_uring up and maps it: everything that happens once, before the first request. What can go wrong here is an answer of the
// kernel's, so it comes back as a reason that a start-up line can print, and the caller takes another engine.
//
// The floor is Linux 6.6: IORING_SETUP_NO_SQARRAY came last of what is used (multishot receive 6.0, deferred task work 6.1).

import { IORING_OP } from "../../abi/io-uring-entries.ts";
import {
  IO_CQRING_OFFSETS,
  IO_SQRING_OFFSETS,
  IO_URING_PARAMS,
  IORING_FEAT,
  IORING_OFF_SQ_RING,
  IORING_OFF_SQES,
  IORING_SETUP,
} from "../../abi/io-uring-params.ts";
import {
  IO_URING_PROBE,
  IO_URING_PROBE_OP,
  IO_URING_RSRC_UPDATE,
  IORING_REGISTER,
} from "../../abi/io-uring-register.ts";
import { close } from "../../ffi/file.ts";
import { ioUringRegister, ioUringSetup } from "../../ffi/io-uring.ts";
import { viewOfMemory } from "../../ffi/library.ts";
import { MAP_POPULATE, MAP_SHARED, mmap, munmap, PROT_READ, PROT_WRITE } from "../../ffi/memory.ts";

const EPERM = 1;
const ENOMEM = 12;
const EACCES = 13;
const EINVAL = 22;
const ENOSYS = 38;
const EMFILE = 24;
const ENFILE = 23;

/** A ring, mapped. Word indices are positions in `ring`; `sqes` and `cqes` are 16 and 4 words an entry. */
export interface MappedRing {
  readonly fd: number;
  /** What io_uring_enter is given: the registered index, which spares the kernel a look-up under contention, or `fd`. */
  readonly enterFd: number;
  readonly registered: boolean;
  /** A receive can fill several provided buffers. */
  readonly bundles: boolean;
  readonly sqEntries: number;
  readonly cqEntries: number;
  readonly ring: Int32Array;
  readonly sqes: Int32Array;
  readonly sqHead: number;
  readonly sqTail: number;
  readonly sqFlags: number;
  readonly cqHead: number;
  readonly cqTail: number;
  readonly cqes: number;
  /** Unmaps and closes. No view of the ring may be touched afterwards. */
  release(): void;
}

export interface SetupFailure {
  readonly ok: false;
  /** A sentence's worth: what failed and what would help. */
  readonly reason: string;
  /** Positive errno, 0 when it is not a system call that failed. */
  readonly errno: number;
}

export type SetupResult = { readonly ok: true; readonly mapped: MappedRing } | SetupFailure;

const NEEDED_FEATURES =
  IORING_FEAT.SINGLE_MMAP |
  IORING_FEAT.NODROP |
  IORING_FEAT.SUBMIT_STABLE |
  IORING_FEAT.FAST_POLL |
  IORING_FEAT.EXT_ARG;

/** Both sizes are powers of two. */
export function setUpRing(sqEntries: number, cqEntries: number): SetupResult {
  const params = new Uint8Array(IO_URING_PARAMS.sizeof);
  const view = new DataView(params.buffer);
  const flags =
    IORING_SETUP.CQSIZE |
    IORING_SETUP.SUBMIT_ALL |
    IORING_SETUP.SINGLE_ISSUER |
    IORING_SETUP.DEFER_TASKRUN |
    IORING_SETUP.NO_SQARRAY;
  view.setUint32(IO_URING_PARAMS.cq_entries, cqEntries, true);
  view.setUint32(IO_URING_PARAMS.flags, flags, true);
  const fd = ioUringSetup(sqEntries, params);
  if (fd < 0) return { ok: false, reason: setupReason(-fd), errno: -fd };

  const missing = missingFeature(fd, view.getUint32(IO_URING_PARAMS.features, true));
  if (missing !== null) {
    close(fd);
    return { ok: false, reason: missing, errno: 0 };
  }
  const mapped = map(fd, view);
  if (typeof mapped === "number") {
    close(fd);
    return { ok: false, reason: "the io_uring could not be mapped", errno: -mapped };
  }
  return { ok: true, mapped };
}

/** The start-up line's words for an errno of io_uring_setup. */
export function setupReason(errno: number): string {
  switch (errno) {
    case EPERM:
    case EACCES:
      return "io_uring is forbidden here (sysctl kernel.io_uring_disabled, or the container's seccomp profile)";
    case ENOSYS:
      return "the kernel has no io_uring (or the container's seccomp profile hides it)";
    case EINVAL:
      return "the kernel's io_uring is too old (Linux 6.6 or later is needed)";
    case ENOMEM:
      return "there is not enough memory (or locked memory, RLIMIT_MEMLOCK) for an io_uring";
    case EMFILE:
    case ENFILE:
      return "no descriptor is left for an io_uring (ulimit -n)";
    default:
      return `io_uring_setup failed with errno ${errno}`;
  }
}

/** Every operation the engine submits must be there: a kernel may be new and yet have been built or filtered without one. */
function missingFeature(fd: number, features: number): string | null {
  if ((features & NEEDED_FEATURES) !== NEEDED_FEATURES) {
    return `the kernel's io_uring lacks features (it has 0x${features.toString(16)})`;
  }
  const operations = 256;
  const probe = new Uint8Array(IO_URING_PROBE.sizeof + operations * IO_URING_PROBE_OP.sizeof);
  const result = ioUringRegister(fd, IORING_REGISTER.PROBE, probe, operations);
  if (result < 0) return `the io_uring could not be probed (errno ${-result})`;
  for (const [name, operation] of Object.entries(IORING_OP)) {
    const at = IO_URING_PROBE.ops + operation * IO_URING_PROBE_OP.sizeof + IO_URING_PROBE_OP.flags;
    const known = operation <= probe[IO_URING_PROBE.last_op]! && (probe[at]! & 1) === 1;
    if (!known) return `the kernel's io_uring lacks the operation ${name}`;
  }
  return null;
}

/** The mapped ring, or -errno. */
function map(fd: number, params: DataView): MappedRing | number {
  const word = (offset: number) => params.getUint32(offset, true);
  const sq = (offset: number) => word(IO_URING_PARAMS.sq_off + offset) >> 2;
  const cq = (offset: number) => word(IO_URING_PARAMS.cq_off + offset) >> 2;
  const sqEntries = word(IO_URING_PARAMS.sq_entries);
  const cqEntries = word(IO_URING_PARAMS.cq_entries);
  const ringBytes = (cq(IO_CQRING_OFFSETS.cqes) << 2) + cqEntries * 16;
  const sqesBytes = sqEntries * 64;

  const protection = PROT_READ | PROT_WRITE;
  const ringAddress = mmap(0, ringBytes, protection, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
  if (ringAddress < 0) return ringAddress;
  const sqesAddress = mmap(0, sqesBytes, protection, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQES);
  if (sqesAddress < 0) {
    munmap(ringAddress, ringBytes);
    return sqesAddress;
  }
  const enterFd = registerRing(fd);
  return {
    fd,
    enterFd: enterFd < 0 ? fd : enterFd,
    registered: enterFd >= 0,
    bundles: (word(IO_URING_PARAMS.features) & IORING_FEAT.RECVSEND_BUNDLE) !== 0,
    sqEntries,
    cqEntries,
    ring: new Int32Array(viewOfMemory(ringAddress, ringBytes)),
    sqes: new Int32Array(viewOfMemory(sqesAddress, sqesBytes)),
    sqHead: sq(IO_SQRING_OFFSETS.head),
    sqTail: sq(IO_SQRING_OFFSETS.tail),
    sqFlags: sq(IO_SQRING_OFFSETS.flags),
    cqHead: cq(IO_CQRING_OFFSETS.head),
    cqTail: cq(IO_CQRING_OFFSETS.tail),
    cqes: cq(IO_CQRING_OFFSETS.cqes),
    release() {
      if (enterFd >= 0) updateRegistration(fd, IORING_REGISTER.UNREGISTER_RING_FDS, enterFd);
      close(fd);
      munmap(sqesAddress, sqesBytes);
      munmap(ringAddress, ringBytes);
    },
  };
}

/** Registers the ring with the calling thread. The index, or -errno: then the descriptor does as well, a little slower. */
function registerRing(fd: number): number {
  return updateRegistration(fd, IORING_REGISTER.RING_FDS, 0xffff_ffff);
}

function updateRegistration(fd: number, operation: number, offset: number): number {
  const update = new Uint8Array(IO_URING_RSRC_UPDATE.sizeof);
  const view = new DataView(update.buffer);
  view.setUint32(IO_URING_RSRC_UPDATE.offset, offset, true);
  if (operation === IORING_REGISTER.RING_FDS) view.setUint32(IO_URING_RSRC_UPDATE.data, fd, true);
  const result = ioUringRegister(fd, operation, update, 1);
  return result < 0 ? result : view.getUint32(IO_URING_RSRC_UPDATE.offset, true);
}
