// Makes one listening socket of an address and its options. Who asks for which sockets, and for how many, is listening-sockets.ts; who accepts
// on them is the worker. Failures are values, worded as HAProxy words them ("cannot bind socket (Address already in use)").
//
//   TCP        socket → SO_REUSEADDR, SO_REUSEPORT, … → bind → TCP options that accepted sockets inherit → listen
//   UNIX       bind to PATH.PID.tmp → mode, owner → listen; PATH itself is taken over by `publish`, a rename, once everything else is bound
//   abstract   as UNIX, in the kernel's own name space: nothing to rename or to unlink
//   fd@N       somebody else bound it: taken as it is, and put into listening if it is not
//
// On Linux an accepted socket inherits TCP_NODELAY, SO_KEEPALIVE, TCP_MAXSEG and TCP_USER_TIMEOUT from the listening one; setting
// them here saves system calls per connection.

import { chmodSync, chownSync, renameSync, statSync } from "node:fs";
import { errnoMeaning } from "../../shared/abi/errno.ts";
import { encodeInternetAddress, encodeUnixAbstract, encodeUnixPath } from "../../shared/abi/sockaddr.ts";
import { assert } from "../../shared/assert.ts";
import { close, unlink } from "../../shared/ffi/file.ts";
import * as sockets from "../../shared/ffi/socket.ts";
import { parseAddress } from "../../shared/ip/text.ts";
import type { SocketAddressPlan } from "../plan/plan.ts";

/** What a `bind` line or a `stats socket` says about its socket. */
export interface SocketOptions {
  /** 0: the kernel's maximum. */
  readonly backlog: number;
  /** Several sockets may listen on the same address and port, and the kernel spreads connections over them. */
  readonly reusePort: boolean;
  readonly interface: string | null;
  readonly transparent: boolean;
  readonly deferAccept: boolean;
  readonly tcpFastOpen: boolean;
  readonly tcpUserTimeoutMs: number;
  /** 0: the kernel's. */
  readonly mss: number;
  readonly keepAlive: boolean;
  /** `option nolinger`. */
  readonly noLinger: boolean;
  /** UNIX sockets: permission bits and owner, null: as umask and process have it. */
  readonly mode: number | null;
  readonly uid: number | null;
  readonly gid: number | null;
}

export const PLAIN_SOCKET: SocketOptions = {
  backlog: 0,
  reusePort: false,
  interface: null,
  transparent: false,
  deferAccept: false,
  tcpFastOpen: false,
  tcpUserTimeoutMs: 0,
  mss: 0,
  keepAlive: false,
  noLinger: false,
  mode: null,
  uid: null,
  gid: null,
};

export interface BoundSocket {
  /** -1: there is none, `error` says why. */
  readonly fd: number;
  /** HAProxy's words, address included, or null. */
  readonly error: string | null;
  /** What did not work but does not keep it from listening. */
  readonly warnings: readonly string[];
  /** UNIX sockets wait under a temporary name until they are published. */
  readonly unix: UnixName | null;
}

/** A UNIX socket's way to its name. */
export interface UnixName {
  readonly path: string;
  readonly temporary: string;
}

/** The kernel clamps it to net.core.somaxconn. */
const BACKLOG_MAX = 0x7fffffff;

/** HAProxy's name of the protocol, for messages. */
export function protocolName(address: SocketAddressPlan): string {
  switch (address.kind) {
    case "ipv4":
      return "tcpv4";
    case "ipv6":
      return "tcpv6";
    case "unix":
      return "unix_stream";
    case "abns":
      return "abns_stream";
    case "fd":
      return "fd";
  }
}

/** The address as HAProxy puts it between brackets. */
export function addressText(address: SocketAddressPlan): string {
  switch (address.kind) {
    case "ipv4":
    case "ipv6":
      return `${address.host}:${address.port}`;
    case "unix":
      return address.path;
    case "abns":
      return `abns@${address.name}`;
    case "fd":
      return `fd@${address.fd}`;
  }
}

/** What a socket is bound to, so that a later generation of the process can tell whether one that is there already will do. */
export function socketKey(address: SocketAddressPlan, options: SocketOptions): string {
  const { reusePort, interface: device, transparent } = options;
  return JSON.stringify([address, reusePort, device, transparent]);
}

/** A socket that a former generation bound: listens already, and takes the options of the configuration that uses it now. */
export function reuseSocket(fd: number, options: SocketOptions): BoundSocket {
  return adopt(fd, options);
}

/** Opens, configures, binds and listens. Never throws for what the kernel says. */
export function bindSocket(address: SocketAddressPlan, options: SocketOptions): BoundSocket {
  switch (address.kind) {
    case "ipv4":
    case "ipv6":
      return bindInternet(address, options);
    case "unix":
      return bindUnix(address.path, options);
    case "abns":
      return bindAbstract(address.name, address.zeroTerminated !== true, options);
    case "fd":
      return adopt(address.fd, options);
  }
}

/** Gives a UNIX socket its name, replacing what a former process left there. Returns null or what went wrong. */
export function publish(name: UnixName): string | null {
  try {
    renameSync(name.temporary, name.path);
    return null;
  } catch (error) {
    unlink(name.temporary);
    return `error when trying to preserve previous UNIX socket (${describe(error)}) [${name.path}].`;
  }
}

/** Identity of the file at `path`, so that its end can be told from a successor's: "" when it is not there. */
export function fileIdentity(path: string): string {
  const status = statSync(path, { throwIfNoEntry: false });
  return status === undefined ? "" : `${status.dev}:${status.ino}`;
}

type InternetAddress = Extract<SocketAddressPlan, { kind: "ipv4" | "ipv6" }>;

function bindInternet(address: InternetAddress, options: SocketOptions): BoundSocket {
  const at = `for [${addressText(address)}].`;
  const domain = address.kind === "ipv4" ? sockets.AF_INET : sockets.AF_INET6;
  const fd = sockets.socket(domain, STREAM, sockets.IPPROTO_TCP);
  if (fd < 0) return failed(-1, `cannot create receiving socket (${errnoMeaning(fd)}) ${at}`);
  const warnings = new Warnings(fd, at);
  warnings.option(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1, "cannot do so_reuseaddr");
  if (options.reusePort) warnings.option(sockets.SOL_SOCKET, sockets.SO_REUSEPORT, 1, "cannot do so_reuseport");
  if (options.transparent) setTransparent(address, warnings);
  if (address.kind === "ipv6" && (address.v6only || address.v4v6)) {
    const only = address.v6only ? 1 : 0;
    warnings.option(sockets.IPPROTO_IPV6, sockets.IPV6_V6ONLY, only, "cannot set socket V6ONLY");
  }
  if (options.interface !== null) bindToDevice(fd, options.interface, warnings);
  const host = parseAddress(address.host);
  assert(host !== null, `the plan has an address that is none: ${address.host}`);
  const bound = sockets.bind(fd, encodeInternetAddress(host, address.port));
  if (bound < 0) return failed(fd, `cannot bind socket (${errnoMeaning(bound)}) ${at}`);
  setTcpOptions(options, warnings);
  if (options.noLinger) sockets.setsockopt(fd, sockets.SOL_SOCKET, sockets.SO_LINGER, sockets.NO_LINGER);
  const listening = sockets.listen(fd, options.backlog > 0 ? options.backlog : BACKLOG_MAX);
  if (listening < 0) return failed(fd, `cannot listen to socket (${errnoMeaning(listening)}) ${at}`);
  return { fd, error: null, warnings: warnings.texts, unix: null };
}

const STREAM = sockets.SOCK_STREAM | sockets.SOCK_NONBLOCK | sockets.SOCK_CLOEXEC;

/** Options whose failure is a warning, collected with the address they belong to. */
class Warnings {
  readonly texts: string[] = [];
  readonly #fd: number;
  readonly #at: string;

  constructor(fd: number, at: string) {
    this.#fd = fd;
    this.#at = at;
  }

  option(level: number, name: number, value: number, text: string): void {
    const result = sockets.setsockoptInt(this.#fd, level, name, value);
    if (result < 0) this.add(text, result);
  }

  add(text: string, errno: number): void {
    this.texts.push(`${text} (${errnoMeaning(errno)}) ${this.#at}`);
  }
}

function setTransparent(address: InternetAddress, warnings: Warnings): void {
  const [level, name] =
    address.kind === "ipv4"
      ? [sockets.IPPROTO_IP, sockets.IP_TRANSPARENT]
      : [sockets.IPPROTO_IPV6, sockets.IPV6_TRANSPARENT];
  warnings.option(level, name, 1, "cannot make listening socket transparent");
}

function bindToDevice(fd: number, device: string, warnings: Warnings): void {
  const result = sockets.setsockopt(fd, sockets.SOL_SOCKET, sockets.SO_BINDTODEVICE, Buffer.from(`${device}\0`));
  if (result < 0) warnings.add(`cannot bind receiver to device '${device}'`, result);
}

/** TCP's part; on a socket that is not TCP (an inherited UNIX socket) none of it applies. */
function setTcpOptions(options: SocketOptions, warnings: Warnings): void {
  const { IPPROTO_TCP: TCP } = sockets;
  warnings.option(TCP, sockets.TCP_NODELAY, 1, "cannot set TCP_NODELAY");
  if (options.keepAlive) warnings.option(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE, 1, "cannot set SO_KEEPALIVE");
  if (options.mss > 0) warnings.option(TCP, sockets.TCP_MAXSEG, options.mss, `cannot set MSS to ${options.mss}`);
  if (options.tcpUserTimeoutMs > 0)
    warnings.option(TCP, sockets.TCP_USER_TIMEOUT, options.tcpUserTimeoutMs, "cannot set TCP User Timeout");
  if (options.deferAccept) warnings.option(TCP, sockets.TCP_DEFER_ACCEPT, 1, "cannot enable DEFER_ACCEPT");
  if (options.tcpFastOpen) {
    const queue = options.backlog > 0 ? options.backlog : FAST_OPEN_QUEUE;
    warnings.option(TCP, sockets.TCP_FASTOPEN, queue, "cannot enable TCP_FASTOPEN");
  }
}

const FAST_OPEN_QUEUE = 1024;

function bindUnix(path: string, options: SocketOptions): BoundSocket {
  const temporary = `${path}.${process.pid}.tmp`;
  const sockaddr = encodeUnixPath(temporary);
  if (sockaddr === null) return failed(-1, `socket path too long, cannot bind UNIX socket [${path}].`);
  const fd = sockets.socket(sockets.AF_UNIX, STREAM, 0);
  if (fd < 0) return failed(-1, `cannot create receiving socket (${errnoMeaning(fd)}) [${path}].`);
  unlink(temporary);
  const bound = sockets.bind(fd, sockaddr);
  if (bound < 0) return failed(fd, `cannot bind UNIX socket (${errnoMeaning(bound)}) [${path}].`);
  const owned = setOwner(temporary, options);
  if (owned !== null) return abandoned(fd, temporary, `cannot change UNIX socket ownership (${owned}) [${path}].`);
  const listening = sockets.listen(fd, options.backlog > 0 ? options.backlog : BACKLOG_MAX);
  if (listening < 0) return abandoned(fd, temporary, `cannot listen to socket (${errnoMeaning(listening)}) [${path}].`);
  return { fd, error: null, warnings: [], unix: { path, temporary } };
}

/** Owner first, then mode: chown may clear bits. Returns null or the system's words. */
function setOwner(path: string, options: SocketOptions): string | null {
  try {
    if (options.uid !== null || options.gid !== null) chownSync(path, options.uid ?? -1, options.gid ?? -1);
    if (options.mode !== null) chmodSync(path, options.mode);
    return null;
  } catch (error) {
    return describe(error);
  }
}

function bindAbstract(name: string, padded: boolean, options: SocketOptions): BoundSocket {
  const sockaddr = encodeUnixAbstract(name, padded);
  if (sockaddr === null) return failed(-1, `socket path too long, cannot bind UNIX socket [abns@${name}].`);
  const fd = sockets.socket(sockets.AF_UNIX, STREAM, 0);
  if (fd < 0) return failed(-1, `cannot create receiving socket (${errnoMeaning(fd)}) [abns@${name}].`);
  const bound = sockets.bind(fd, sockaddr);
  if (bound < 0) return failed(fd, `cannot bind UNIX socket (${errnoMeaning(bound)}) [abns@${name}].`);
  const listening = sockets.listen(fd, options.backlog > 0 ? options.backlog : BACKLOG_MAX);
  if (listening < 0) return failed(fd, `cannot listen to socket (${errnoMeaning(listening)}) [abns@${name}].`);
  return { fd, error: null, warnings: [], unix: null };
}

/** A descriptor that was inherited. It stays open over the process's life even if it cannot be used: it is not ours to close. */
function adopt(fd: number, options: SocketOptions): BoundSocket {
  const at = `[fd@${fd}].`;
  const listens = sockets.getsockoptInt(fd, sockets.SOL_SOCKET, sockets.SO_ACCEPTCONN);
  if (listens < 0) return failed(-1, `cannot use file descriptor '${fd}' : ${errnoMeaning(listens)}.`);
  const warnings = new Warnings(fd, `for ${at}`);
  const name = new Uint8Array(SOCKADDR_ROOM);
  const family = sockets.getsockname(fd, name) >= 2 ? name[0]! | (name[1]! << 8) : 0;
  if (family === sockets.AF_INET || family === sockets.AF_INET6) setTcpOptions(options, warnings);
  if (listens === 0) {
    const listening = sockets.listen(fd, options.backlog > 0 ? options.backlog : BACKLOG_MAX);
    if (listening < 0) return failed(-1, `cannot listen to socket (${errnoMeaning(listening)}) for ${at}`);
  }
  return { fd, error: null, warnings: warnings.texts, unix: null };
}

const SOCKADDR_ROOM = 128;

function failed(fd: number, error: string): BoundSocket {
  if (fd >= 0) close(fd);
  return { fd: -1, error, warnings: [], unix: null };
}

function abandoned(fd: number, temporary: string, error: string): BoundSocket {
  unlink(temporary);
  return failed(fd, error);
}

/** The system's words for what node:fs threw. */
function describe(error: unknown): string {
  if (error instanceof Error && "errno" in error && typeof error.errno === "number") return errnoMeaning(error.errno);
  throw error;
}
