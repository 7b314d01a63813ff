// The master CLI (-S): a server on each of its sockets. HAProxy's protocol is that of the runtime API, with a prefix that says which process
// a command is for (management.txt, section 9.4).

import { createServer, type Server, type Socket } from "node:net";
import { socketName } from "../../control/runtime-api/show-process.ts";
import type { StatsSocketPlan } from "../../plan/plan.ts";
import type { Master } from "../master.ts";
import { MasterSession } from "./session.ts";

const SESSIONS_MAX = 10;

export class MasterCli {
  readonly #master: Master;
  readonly #servers: Server[] = [];
  readonly #open = new Set<Socket>();
  /** As `show cli sockets` lists them. */
  readonly #sockets: string[] = [];

  constructor(master: Master) {
    this.#master = master;
  }

  /** Serves a bound, listening socket. */
  listen(fd: number, plan: StatsSocketPlan): void {
    this.#sockets.push(`${socketName(plan.address, fd)} ${plan.level}`);
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#open.add(socket);
      socket.once("close", () => this.#open.delete(socket));
      new MasterSession(socket, this.#master, plan.level, this.#sockets);
    });
    server.maxConnections = SESSIONS_MAX;
    // Errors come from accepting (EMFILE): the client waits in the backlog.
    server.on("error", () => {});
    server.listen({ fd });
    this.#servers.push(server);
  }

  close(): void {
    for (const server of this.#servers.splice(0)) server.close();
    for (const socket of this.#open) socket.destroy();
  }
}
