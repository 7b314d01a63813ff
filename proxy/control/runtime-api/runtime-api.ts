// The runtime API: a server on every bound `stats socket`. HAProxy's protocol (management.txt §9.3) and answers; each verb has its own
// file in this folder, this one only accepts connections.
//
// `stats maxconn` bounds the connections that are served at once; further ones wait for a place, as in HAProxy.

import { createServer, type Server, type Socket } from "node:net";
import type { BoundStatsSocket } from "../control-plane.ts";
import type { RuntimeContext } from "./command.ts";
import { RuntimeSession } from "./session.ts";
import { newSessionSettings, type SessionSettings } from "./session-settings.ts";

/** HAProxy's defaults of `stats maxconn` and `stats timeout`. */
const MAXCONN_DEFAULT = 10;
const TIMEOUT_DEFAULT_MS = 10_000;

export class RuntimeApi {
  readonly #context: RuntimeContext;
  readonly #servers: Server[] = [];
  readonly #open = new Set<Socket>();
  readonly #waiting: (() => void)[] = [];
  #served = 0;

  constructor(context: RuntimeContext) {
    this.#context = context;
  }

  /** Serves the bound sockets; resolves when all of them are accepted from. */
  async start(): Promise<void> {
    await Promise.all(this.#context.control.statsSockets.map((socket) => this.#serve(socket)));
  }

  /** A successor serves these sockets now; sessions that are open go on. */
  stopListening(): void {
    for (const server of this.#servers.splice(0)) server.close();
  }

  /** Serves a connection that was accepted elsewhere, by the master. */
  serve(socket: Socket, settings: SessionSettings): void {
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    new RuntimeSession(socket, this.#context, settings);
  }

  /** Closes the servers and whatever is connected. */
  close(): void {
    this.stopListening();
    for (const socket of this.#open) socket.destroy();
  }

  #serve(bound: BoundStatsSocket): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket, bound));
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ fd: bound.fd }, () => {
        server.off("error", reject);
        // Later errors come from accepting (EMFILE): the client waits in the backlog, nothing has to be done.
        server.on("error", () => {});
        resolve();
      });
    });
  }

  #accept(socket: Socket, { plan }: BoundStatsSocket): void {
    this.#open.add(socket);
    const begin = (): void => {
      if (socket.destroyed) return;
      this.#served++;
      const { statsTimeoutMs } = this.#context.control.plan.global;
      const timeoutMs = plan.timeoutMs || statsTimeoutMs || TIMEOUT_DEFAULT_MS;
      new RuntimeSession(socket, this.#context, newSessionSettings(plan.level, timeoutMs));
      socket.once("close", () => {
        this.#served--;
        this.#waiting.shift()?.();
      });
    };
    socket.once("close", () => this.#open.delete(socket));
    const maxconn = this.#context.control.plan.global.statsMaxconn || MAXCONN_DEFAULT;
    if (this.#served < maxconn) begin();
    else this.#park(socket, begin);
  }

  /** Lets a connection wait for its turn. One that has gone in the meantime must not keep the place. */
  #park(socket: Socket, begin: () => void): void {
    const gaveUp = (): void => {
      socket.destroy();
    };
    socket.on("error", gaveUp);
    this.#waiting.push(() => {
      socket.off("error", gaveUp);
      if (socket.destroyed) this.#waiting.shift()?.();
      else begin();
    });
  }
}
