// `option external-check`: a program is run and its exit status is the outcome. It gets HAProxy's arguments and environment, no input, and its output
// goes nowhere; when it takes too long it is killed. Nothing waits for it but a callback.

import { type ChildProcess, spawn } from "node:child_process";
import type { ExternalCheckPlan } from "../../plan/check.ts";
import type { ProxyPlan, ServerPlan, SocketAddressPlan } from "../../plan/plan.ts";
import type { CheckOutcome } from "../server-state/event-text.ts";
import { CHECK_STATUS } from "./check-status.ts";

/** What a program is told beside its plan. */
export interface ExternalFacts {
  readonly server: ServerPlan;
  readonly proxy: ProxyPlan;
  readonly address: SocketAddressPlan;
  /** Where the check goes, 0: no port. */
  readonly port: number;
  /** Streams on the server. */
  readonly connections: number;
  readonly maxconn: number;
}

const NOT_USED = "NOT_USED";

function hostOf(address: SocketAddressPlan): string {
  if ("host" in address) return address.host;
  return address.kind === "unix" ? address.path : "";
}

/** `<proxy_address> <proxy_port> <server_address> <server_port>` */
export function externalArguments({ listener }: ExternalCheckPlan, { address, port }: ExternalFacts): string[] {
  const server = port === 0 ? NOT_USED : String(port);
  return [listener?.address ?? NOT_USED, listener?.port ?? NOT_USED, hostOf(address), server];
}

export function externalEnvironment(
  { listener, path, preservesEnvironment }: ExternalCheckPlan,
  { server, proxy, address, port, connections, maxconn }: ExternalFacts,
): Record<string, string | undefined> {
  return {
    ...(preservesEnvironment ? process.env : {}),
    HAPROXY_PROXY_ADDR: listener?.address ?? "",
    HAPROXY_PROXY_ID: String(proxy.id),
    HAPROXY_PROXY_NAME: proxy.name,
    HAPROXY_PROXY_PORT: listener === null || listener.port === NOT_USED ? "" : listener.port,
    HAPROXY_SERVER_ADDR: hostOf(address),
    HAPROXY_SERVER_CURCONN: String(connections),
    HAPROXY_SERVER_ID: String(server.id),
    HAPROXY_SERVER_MAXCONN: String(maxconn),
    HAPROXY_SERVER_NAME: server.name,
    HAPROXY_SERVER_PORT: port === 0 ? "" : String(port),
    HAPROXY_SERVER_PROTO: proxy.mode === "http" ? "h1" : "tcp",
    HAPROXY_SERVER_SSL: server.connection.tls === null ? "0" : "1",
    ...(preservesEnvironment && path === "" ? {} : { PATH: path }),
  };
}

export class ExternalAttempt {
  readonly #child: ChildProcess;
  readonly #timer: NodeJS.Timeout;
  readonly #startedMs = performance.now();
  readonly #done: (outcome: CheckOutcome) => void;
  #ended = false;

  /** Starts at once; `done` is called exactly once, never from inside the constructor, and not after `cancel`. */
  constructor(plan: ExternalCheckPlan, facts: ExternalFacts, limitMs: number, done: (outcome: CheckOutcome) => void) {
    this.#done = done;
    this.#child = spawn(plan.command, externalArguments(plan, facts), {
      env: externalEnvironment(plan, facts),
      stdio: "ignore",
    });
    this.#child.on("error", (error) => this.#end(CHECK_STATUS.PROCERR, -1, error.message));
    this.#child.on("exit", (code) => {
      this.#end(code === 0 ? CHECK_STATUS.PROCOK : CHECK_STATUS.PROCERR, code ?? -1, "");
    });
    this.#timer = setTimeout(() => this.#end(CHECK_STATUS.PROCTOUT, 0, ""), limitMs);
  }

  cancel(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#child.kill("SIGKILL");
  }

  #end(status: number, code: number, info: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
    this.#done({ status, code, info, durationMs: Math.floor(performance.now() - this.#startedMs) });
  }
}
