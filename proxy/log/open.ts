// Opens the sockets and files that log lines go to: in the control plane, once, before chroot and before privileges are given up, so that
// /dev/log need not exist inside the chroot. Workers get the descriptors (WorkerTask.logFds) and share them with the control plane.
//
// A syslog server that is not there, or goes away, is no failure: the socket stays, lines are refused and counted, and `reconnect`
// points it at the server again once that listens. That works on the descriptor that all threads hold, because connect(2) on a
// datagram socket may be repeated at any time; inside a chroot the path must exist there too, as with HAProxy.

import { encodeInternetAddress, encodeUnixAbstract, encodeUnixPath } from "../../shared/abi/sockaddr.ts";
import { close, F_GETFD, fcntl } from "../../shared/ffi/file.ts";
import { AF_INET, AF_INET6, AF_UNIX, connect, SOCK_CLOEXEC, SOCK_DGRAM, socket } from "../../shared/ffi/socket.ts";
import { parseAddress } from "../../shared/ip/text.ts";
import type { SocketAddressPlan } from "../plan/plan.ts";
import { type SharedState, WORKER } from "../shared-state/layout.ts";
import type { LogEndpoint } from "./targets.ts";

const EINVAL = 22;
const ENAMETOOLONG = 36;
/** How often the workers' refusals are looked at. */
const WATCH_MS = 1000;

/** A log target that cannot be used: its lines will be dropped. */
export interface LogOpenFailure {
  readonly endpoint: LogEndpoint;
  readonly errno: number;
}

interface OpenEndpoint {
  readonly fd: number;
  /** What to connect to again; null: nothing to reconnect (files, and what could not be opened). */
  readonly sockaddr: Uint8Array | null;
  readonly isUnix: boolean;
}

export class LogSockets {
  /** By position in `logTargets(plan)`; -1: could not be opened. */
  readonly fds: readonly number[];
  readonly failures: readonly LogOpenFailure[];
  readonly #opened: readonly OpenEndpoint[];
  #watch: NodeJS.Timeout | undefined;
  #refusedSeen = 0;

  /** Opens all of them; what fails is told in `failures` and does not stop the others. */
  constructor(endpoints: readonly LogEndpoint[], hubPort: (name: string) => number = () => 0) {
    const failures: LogOpenFailure[] = [];
    this.#opened = endpoints.map((endpoint) => {
      const { address } = endpoint;
      const opened = open(
        address.kind === "hub" ? { kind: "ipv4", host: "127.0.0.1", port: hubPort(address.name) } : address,
      );
      if (typeof opened !== "number") return opened;
      failures.push({ endpoint, errno: -opened });
      return { fd: -1, sockaddr: null, isUnix: false };
    });
    this.fds = this.#opened.map(({ fd }) => fd);
    this.failures = failures;
  }

  /** Looks every second whether a worker's lines were refused, and if so reconnects. */
  watch(shared: SharedState): void {
    this.#watch = setInterval(() => {
      let refused = 0;
      for (let worker = 0; worker < shared.nbthread; worker++) {
        refused += shared.words[shared.workerAt(worker) + WORKER.refusedLogs]!;
      }
      if (refused === this.#refusedSeen) return;
      this.#refusedSeen = refused;
      this.#opened.forEach((_, index) => {
        this.reconnect(index);
      });
    }, WATCH_MS).unref();
  }

  /**
   * Points the UNIX socket of an endpoint at whoever listens on its path now. Returns 0, or the negative errno with which nobody
   * does (then its lines go on being refused). UDP needs none of this: a refusal there concerns one datagram.
   */
  reconnect(index: number): number {
    const { fd, sockaddr, isUnix } = this.#opened[index]!;
    return isUnix && sockaddr !== null ? connect(fd, sockaddr) : 0;
  }

  /** Closes what was opened here; inherited descriptors (stdout, fd@N) stay open. */
  close(): void {
    clearInterval(this.#watch);
    for (const { fd, sockaddr } of this.#opened) {
      if (sockaddr !== null) close(fd);
    }
  }
}

/** The descriptor ready for lines, or a negative errno. A UNIX server that does not listen yet is not an error. */
function open(address: SocketAddressPlan): OpenEndpoint | number {
  if (address.kind === "fd") {
    const flags = fcntl(address.fd, F_GETFD, 0);
    return flags < 0 ? flags : { fd: address.fd, sockaddr: null, isUnix: false };
  }
  const sockaddr = encode(address);
  if (typeof sockaddr === "number") return sockaddr;
  const isUnix = address.kind === "unix" || address.kind === "abns";
  const domain = isUnix ? AF_UNIX : address.kind === "ipv4" ? AF_INET : AF_INET6;
  // Blocking on purpose: io_uring then waits for room instead of answering EAGAIN; whoever must not wait says MSG_DONTWAIT.
  const fd = socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  const connected = connect(fd, sockaddr);
  if (connected >= 0 || isUnix) return { fd, sockaddr, isUnix };
  close(fd);
  return connected;
}

function encode(address: Exclude<SocketAddressPlan, { kind: "fd" }>): Uint8Array | number {
  if (address.kind === "unix") return encodeUnixPath(address.path) ?? -ENAMETOOLONG;
  if (address.kind === "abns") return encodeUnixAbstract(address.name, !address.zeroTerminated) ?? -ENAMETOOLONG;
  const bytes = parseAddress(address.host);
  return bytes === null ? -EINVAL : encodeInternetAddress(bytes, address.port);
}
