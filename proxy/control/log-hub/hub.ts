// The control plane's part in logging: rings, and forwarding of other programs' log lines (`log-forward`). Workers know none of it: a target that
// is a ring is a UDP socket to them, to a port of the loopback on which only their own sockets are listened to.
//
//   worker ── line ──▶ 127.0.0.1:N ──▶ ring ──▶ show events, servers
//   others ── UDP, TCP ──▶ log-forward ──▶ targets: sockets, rings, backends of mode log

import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import { sockaddrPort } from "../../../shared/abi/sockaddr.ts";
import { getsockname } from "../../../shared/ffi/socket.ts";
import { endpointKey, type LogEndpoint } from "../../log/targets.ts";
import type { LogForwardPlan } from "../../plan/log-hub.ts";
import type { LogTargetPlan, Plan, SocketAddressPlan } from "../../plan/plan.ts";
import type { SharedState } from "../../shared-state/layout.ts";
import { LogBackend } from "./backend.ts";
import { SyslogFraming } from "./framing.ts";
import { formatSyslog, hostnameOf, parseSyslog, type SyslogMessage } from "./message.ts";
import { Ring } from "./ring.ts";

/** Sends a line to the log socket of an endpoint (log/syslog-sender.ts has the descriptors). */
export type SendLine = (endpoint: number, isFile: boolean, line: Buffer) => void;

const ROOM = 128;
/** What ends a line, or a text, for some reader. */
const BREAKS = /[\r\n\0]/g;

export class LogHub {
  readonly rings: ReadonlyMap<string, Ring>;
  /** What could not be listened on, in words. */
  readonly problems: string[] = [];
  readonly #backends = new Map<string, LogBackend>();
  readonly #inlets = new Map<string, UdpSocket>();
  /** Ports of our own sockets: nobody else's datagrams are taken for ours. */
  readonly #ownPorts = new Set<number>();
  readonly #servers: Server[] = [];
  readonly #datagrams: UdpSocket[] = [];
  readonly #connections = new Set<Socket>();
  #endpoints = new Map<string, number>();
  #send: SendLine = () => {};

  private constructor(plan: Plan) {
    this.rings = new Map(plan.logHub.rings.map((ring) => [ring.name, new Ring(ring)]));
  }

  /** Opens what listens; before privileges go. */
  static async open(plan: Plan): Promise<LogHub> {
    const hub = new LogHub(plan);
    const names = [...hub.rings.keys()].map((name) => `ring@${name}`);
    for (const { name } of plan.logHub.backends) names.push(`backend@${name}`);
    for (const name of names) await hub.#openInlet(name);
    for (const forward of plan.logHub.forwards) await hub.#openForward(forward);
    return hub;
  }

  async #openInlet(key: string): Promise<void> {
    const socket = createSocket("udp4");
    await bound(socket, "127.0.0.1", 0);
    socket.on("message", (bytes, from) => {
      if (!this.#ownPorts.has(from.port)) return;
      this.#write(key, bytes.toString("latin1").replace(/\n$/, ""));
    });
    socket.unref();
    this.#inlets.set(key, socket);
  }

  /** @param key `ring@<name>`, `backend@<name>` */
  #write(key: string, line: string): void {
    const name = key.slice(key.indexOf("@") + 1);
    if (key.startsWith("ring@")) this.rings.get(name)?.write(line);
    else this.#backends.get(name)?.write(line);
  }

  /** The loopback port of a target that is no socket. */
  portOf(name: string): number {
    return this.#inlets.get(name)?.address().port ?? 0;
  }

  /** The log sockets are open: those that lead here are known, and lines can be sent on. */
  begin(endpoints: readonly LogEndpoint[], fds: readonly number[], send: SendLine): void {
    const name = new Uint8Array(ROOM);
    for (const [index, { address }] of endpoints.entries()) {
      if (address.kind !== "hub" || getsockname(fds[index]!, name) < 0) continue;
      this.#ownPorts.add(sockaddrPort(name, 0));
    }
    this.#endpoints = new Map(endpoints.map((endpoint, index) => [endpointKey(endpoint.address), index]));
    this.#send = send;
  }

  /** The states of servers are there: lines can be given to backends. */
  balance(plan: Plan, shared: SharedState): void {
    for (const backend of plan.logHub.backends) {
      this.#backends.set(backend.name, new LogBackend(plan, backend, shared));
    }
  }

  /** A server came or went. */
  serverChanged(server: number): void {
    for (const backend of this.#backends.values()) backend.changed(server);
  }

  // ---- log-forward --------------------------------------------------------------------------------------------------

  async #openForward(forward: LogForwardPlan): Promise<void> {
    for (const address of forward.datagrams) {
      if (address.kind !== "ipv4" && address.kind !== "ipv6") continue;
      const socket = createSocket(address.kind === "ipv4" ? "udp4" : "udp6");
      socket.on("message", (bytes: Buffer, from: RemoteInfo) => {
        this.#forward(forward, bytes.toString("latin1").replace(/\r?\n$/, ""), from.address);
      });
      if (await this.#tried(forward, address, bound(socket, address.host, address.port))) this.#datagrams.push(socket);
    }
    for (const address of forward.streams) {
      const server = createServer((socket) => this.#accepted(forward, socket));
      server.maxConnections = forward.connectionsMax;
      if (await this.#tried(forward, address, listening(server, address))) this.#servers.push(server);
    }
  }

  async #tried(forward: LogForwardPlan, address: SocketAddressPlan, opening: Promise<void>): Promise<boolean> {
    try {
      await opening;
      return true;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      const at =
        "host" in address ? `${address.host}:${address.port}` : "path" in address ? address.path : address.kind;
      this.problems.push(`log-forward '${forward.name}': cannot listen on [${at}] (${code})`);
      return false;
    }
  }

  #accepted(forward: LogForwardPlan, socket: Socket): void {
    const framing = new SyslogFraming(forward.linesOnly);
    const sender = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
    this.#connections.add(socket);
    if (forward.clientTimeoutMs > 0) socket.setTimeout(forward.clientTimeoutMs, () => socket.destroy());
    socket.on("data", (bytes: Buffer) => {
      if (!framing.push(bytes, (text) => this.#forward(forward, text, sender))) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => this.#connections.delete(socket));
  }

  #forward(forward: LogForwardPlan, raw: string, sender: string): void {
    if (raw === "") return;
    const read = parseSyslog(raw, forward.parses);
    const message = { ...read, hostname: hostnameOf(read.hostname, sender, forward.host) };
    for (const target of forward.targets) if (message.severity <= target.level) this.#deliver(message, target);
  }

  #deliver(message: SyslogMessage, target: LogTargetPlan): void {
    // A line feed inside would be the end of the line to whoever gets it, and what follows another message.
    const text = formatSyslog(message, target, Date.now()).replace(BREAKS, " ");
    if (target.address.kind === "hub") {
      this.#write(target.address.name, text);
      return;
    }
    const endpoint = this.#endpoints.get(endpointKey(target.address));
    if (endpoint === undefined) return;
    this.#send(
      endpoint,
      target.address.kind === "fd",
      Buffer.from(`${text.slice(0, target.maxBytes - 1)}\n`, "latin1"),
    );
  }

  close(): void {
    for (const socket of [...this.#inlets.values(), ...this.#datagrams]) socket.close();
    for (const server of this.#servers) server.close();
    for (const connection of this.#connections) connection.destroy();
    for (const ring of this.rings.values()) ring.close();
    for (const backend of this.#backends.values()) backend.close();
    this.#inlets.clear();
    this.#datagrams.length = 0;
  }
}

function bound(socket: UdpSocket, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.off("error", reject);
      socket.on("error", () => {});
      resolve();
    });
  });
}

function listening(server: Server, address: SocketAddressPlan): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const ready = (): void => {
      server.off("error", reject);
      server.on("error", () => {});
      resolve();
    };
    if (address.kind === "ipv4" || address.kind === "ipv6") server.listen(address.port, address.host, ready);
    else if (address.kind === "unix") server.listen(address.path, ready);
    else if (address.kind === "fd") server.listen({ fd: address.fd }, ready);
    else server.listen(`\0${address.name}`, ready);
  });
}
