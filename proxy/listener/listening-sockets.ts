// All listening sockets of the process: opened at boot by the main thread, used by the workers, owned here.
//
//              worker 0    worker 1    worker 2
//   :80          fd 21       fd 22       fd 23     TCP: one SO_REUSEPORT socket each, the kernel spreads connections
//   /run/x       fd 24       fd 24       fd 24     UNIX, abstract and fd@N: one socket, all workers accept on it
//
// The process keeps the descriptors open over a worker's death, so that nothing in a backlog is lost while a successor starts. Every failure
// is collected; if there is one, nothing is published and the caller gives up the start.

import { close, unlink } from "../../shared/ffi/file.ts";
import { SHUT_RD, shutdown } from "../../shared/ffi/socket.ts";
import type { ListenerPlan } from "../plan/listener.ts";
import type { Plan, ProxyPlan, SocketAddressPlan, SourceLocation, StatsSocketPlan } from "../plan/plan.ts";
import {
  addressText,
  type BoundSocket,
  bindSocket,
  fileIdentity,
  PLAIN_SOCKET,
  protocolName,
  publish,
  reuseSocket,
  type SocketOptions,
  socketKey,
  type UnixName,
} from "./bind.ts";

export interface BindProblem {
  readonly loudness: "alert" | "warning";
  readonly text: string;
}

/** Sockets that are there already, by what they are bound to. Several of one key belong to one worker each, in their order. */
export type SocketsByKey = ReadonlyMap<string, readonly number[]>;

interface WorkerSocket {
  readonly listener: number;
  readonly fd: number;
  /** Shared by all workers: not closed with one of them. */
  readonly shared: boolean;
}

export class ListeningSockets {
  readonly problems: BindProblem[] = [];
  readonly statsSockets: { readonly plan: StatsSocketPlan; readonly fd: number }[] = [];
  readonly #byWorker: WorkerSocket[][];
  readonly #names: (UnixName & { readonly key: string })[] = [];
  readonly #inherited: SocketsByKey;
  readonly #byKey = new Map<string, number[]>();
  /** The listener that has a key's sockets; the last one where several do. */
  readonly #listenerOf = new Map<string, number>();
  /** Published UNIX sockets and the file each of them was then. */
  readonly #published: { readonly path: string; readonly identity: string; readonly key: string }[] = [];

  /**
   * Opens everything. Afterwards `problems` says what went wrong; without an alert the caller calls `publish`.
   * @param shareSockets one socket per listener for all workers (-dR, `noreuseport`)
   * @param inherited used instead of new ones where they fit; they stay their owner's
   */
  constructor(plan: Plan, shareSockets: boolean, inherited: SocketsByKey = new Map()) {
    this.#inherited = inherited;
    this.#byWorker = Array.from({ length: plan.global.nbthread }, () => []);
    for (const listener of plan.listeners) this.#open(plan, listener, shareSockets);
    this.#serveSurplus();
    for (const stats of plan.global.statsSockets) this.#openStats(stats);
  }

  get failed(): boolean {
    return this.problems.some((problem) => problem.loudness === "alert");
  }

  /** Gives the UNIX sockets their names. Afterwards `problems` may have grown. */
  publish(): void {
    for (const name of this.#names) {
      const error = publish(name);
      const { path, key } = name;
      if (error === null) this.#published.push({ path, identity: fileIdentity(path), key });
      else this.problems.push({ loudness: "alert", text: error });
    }
    this.#names.length = 0;
  }

  /** Everything that was bound or reused here, for the next generation. What is not in use any more is not among it. */
  get byKey(): SocketsByKey {
    return this.#byKey;
  }

  /** What a worker accepts on. */
  of(worker: number): readonly { readonly listener: number; readonly fd: number }[] {
    return this.#byWorker[worker]!.map(({ listener, fd }) => ({ listener, fd }));
  }

  /** Which listener each descriptor belongs to. */
  get listenerByFd(): ReadonlyMap<number, number> {
    return new Map(this.#byWorker.flat().map(({ fd, listener }) => [fd, listener]));
  }

  /** A worker's seat stays empty: its own sockets must go, or the kernel would queue connections that nobody accepts. */
  closeOf(worker: number): void {
    for (const socket of this.#byWorker[worker]!.splice(0)) {
      if (socket.shared) continue;
      // The dead worker's ring may hold the socket for a while yet: closing alone would let it go on listening until then.
      shutdown(socket.fd, SHUT_RD);
      close(socket.fd);
    }
  }

  /** Stops listening everywhere (soft stop: the port is free for another process) and unlinks what is still ours. */
  closeAll(): void {
    const descriptors = new Set(this.#byWorker.flatMap((sockets) => sockets.splice(0).map((socket) => socket.fd)));
    for (const fd of descriptors) close(fd);
    for (const { path, identity } of this.#published.splice(0)) {
      // A newer process may have put its own socket there; and after a chroot the path leads elsewhere.
      if (identity !== "" && fileIdentity(path) === identity) unlink(path);
    }
    for (const { temporary } of this.#names.splice(0)) unlink(temporary);
  }

  /**
   * `other` has what is needed from now on: closes what it does not use. The files of UNIX sockets that it does use are its to unlink. For a
   * successor that serves, and for one that failed, the other way round.
   */
  yieldTo(other: ListeningSockets): void {
    const used = new Set([...other.#byKey.values()].flat());
    for (const fd of new Set([...this.#byKey.values()].flat())) if (!used.has(fd)) close(fd);
    for (const published of this.#published.splice(0)) {
      if (other.#byKey.has(published.key)) other.#published.push(published);
      else if (published.identity !== "" && fileIdentity(published.path) === published.identity) unlink(published.path);
    }
    for (const { temporary } of this.#names.splice(0)) unlink(temporary);
    this.#byKey.clear();
    for (const sockets of this.#byWorker) sockets.length = 0;
  }

  #open(plan: Plan, listener: ListenerPlan, shareSockets: boolean): void {
    const proxy = plan.proxies[listener.proxy]!;
    if (proxy.disabled) return;
    const own = (listener.address.kind === "ipv4" || listener.address.kind === "ipv6") && !shareSockets;
    const options = optionsOf(listener, proxy, own);
    let socket: BoundSocket | undefined;
    const key = socketKey(listener.address, options);
    for (let worker = 0; worker < this.#byWorker.length; worker++) {
      if (worker === 0 || own) {
        socket = this.#bind(listener.address, options, key);
        // One sentence per listener: if its first socket cannot be had, the others cannot either; and warnings would repeat.
        this.#note(socket, listener.at, proxyLabel(proxy), listener.address, key, worker > 0);
      }
      if (socket === undefined || socket.fd < 0) return;
      this.#byWorker[worker]!.push({ listener: listener.index, fd: socket.fd, shared: !own });
    }
    this.#listenerOf.set(key, listener.index);
  }

  /** A former generation with more workers left more sockets: what waits in their backlogs wants to be accepted too. */
  #serveSurplus(): void {
    for (const [key, listener] of this.#listenerOf) {
      const used = this.#byKey.get(key)!;
      const surplus = (this.#inherited.get(key) ?? []).slice(used.length);
      for (const [i, fd] of surplus.entries())
        this.#byWorker[i % this.#byWorker.length]!.push({ listener, fd, shared: false });
      used.push(...surplus);
    }
  }

  /** An inherited socket that nobody here has taken yet, or a new one. */
  #bind(address: SocketAddressPlan, options: SocketOptions, key: string): BoundSocket {
    const taken = this.#byKey.get(key) ?? [];
    const inherited = this.#inherited.get(key)?.[taken.length];
    const socket = inherited === undefined ? bindSocket(address, options) : reuseSocket(inherited, options);
    if (socket.fd >= 0) this.#byKey.set(key, [...taken, socket.fd]);
    return socket;
  }

  #openStats(plan: StatsSocketPlan): void {
    const options = { ...PLAIN_SOCKET, mode: plan.mode, uid: plan.uid, gid: plan.gid };
    const key = socketKey(plan.address, options);
    const socket = this.#bind(plan.address, options, key);
    this.#note(socket, plan.at, "frontend GLOBAL", plan.address, key, false);
    if (socket.fd >= 0) this.statsSockets.push({ plan, fd: socket.fd });
  }

  #note(
    socket: BoundSocket,
    at: SourceLocation,
    label: string,
    address: SocketAddressPlan,
    key: string,
    repeated: boolean,
  ): void {
    const lead = `Binding [${at.file}:${at.line}] for ${label}: protocol ${protocolName(address)}:`;
    if (!repeated) {
      for (const warning of socket.warnings) this.problems.push({ loudness: "warning", text: `${lead} ${warning}` });
    }
    if (socket.error !== null) this.problems.push({ loudness: "alert", text: `${lead} ${socket.error}` });
    if (socket.unix !== null) this.#names.push({ ...socket.unix, key });
  }
}

/** HAProxy's word for a proxy that listens: a `listen` section is a "proxy". */
function proxyLabel(proxy: ProxyPlan): string {
  return `${proxy.kind === "listen" ? "proxy" : "frontend"} ${proxy.name}`;
}

/** For start-up messages: where a listener can be reached. */
export function listenerText(listener: ListenerPlan): string {
  return addressText(listener.address);
}

function optionsOf(listener: ListenerPlan, proxy: ProxyPlan, reusePort: boolean): SocketOptions {
  const frontend = proxy.frontend;
  return {
    backlog: listener.backlog || frontend?.backlog || listener.maxconn || frontend?.maxconn || 0,
    reusePort,
    interface: listener.interface,
    transparent: listener.transparent,
    deferAccept: listener.deferAccept,
    tcpFastOpen: listener.tcpFastOpen,
    tcpUserTimeoutMs: listener.tcpUserTimeoutMs,
    mss: listener.mss,
    keepAlive: frontend?.clientTcpKeepAlive ?? false,
    noLinger: frontend?.noLinger ?? false,
    mode: listener.mode,
    uid: listener.uid,
    gid: listener.gid,
  };
}
