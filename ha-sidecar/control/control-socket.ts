// The control socket: a UNIX socket that answers one question per connection. Questions are lines: `state` and `virtual-servers`
// (JSON), `status` (tables), `metrics` (Prometheus), `drill [INSTANCE]` (JSON of DrillReport). Only its owner may connect.

import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import type { Log } from "../log.ts";
import type { ControlSource } from "./control-source.ts";
import { formatMetrics } from "./metrics.ts";
import { formatStatus } from "./status.ts";

export const DEFAULT_CONTROL_SOCKET = "/run/ringway-ha.sock";

const QUESTION_BYTES_MAX = 256;
const SOCKET_MODE = 0o600;
const TIMEOUT_MS = 5000;
/** A drill waits for other machines. */
const DRILL_TIMEOUT_MS = 600_000;

/** Opens it. A failure is logged: the addresses are more important than being asked about them. */
export function openControlSocket(path: string, source: ControlSource, log: Log): Server {
  const server = createServer((socket) => {
    let question = "";
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
    // A client that went away is its own business.
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      question += bytes.toString("latin1");
      if (question.length > QUESTION_BYTES_MAX) socket.destroy();
      if (!question.includes("\n")) return;
      socket.setTimeout(DRILL_TIMEOUT_MS);
      void answer(question.trim(), source).then((text) => socket.end(text));
    });
  });
  server.on("error", (error) => log("error", `control socket ${path}: ${error.message}`));
  // What an earlier run left.
  rmSync(path, { force: true });
  server.listen(path, () => chmodSync(path, SOCKET_MODE));
  server.unref();
  return server;
}

async function answer(question: string, source: ControlSource): Promise<string> {
  if (question === "state") return `${JSON.stringify(await source.states())}\n`;
  if (question === "virtual-servers") return `${JSON.stringify(source.virtualServers())}\n`;
  if (question === "status") return formatStatus(await source.states(), source.virtualServers());
  if (question === "metrics") return formatMetrics(source);
  const drill = /^drill(?: (\S+))?$/.exec(question);
  if (drill !== null) return `${JSON.stringify(await source.drill(drill[1] ?? null))}\n`;
  return "unknown question; known are: state, status, virtual-servers, metrics, drill\n";
}

/** Asks a running daemon. Rejects when there is none. */
export function askControlSocket(path: string, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${question}\n`));
    let text = "";
    const limitMs = question.startsWith("drill") ? DRILL_TIMEOUT_MS : TIMEOUT_MS;
    socket.setTimeout(limitMs, () => socket.destroy(new Error("no answer")));
    socket.on("data", (bytes) => {
      text += bytes.toString("utf8");
    });
    socket.on("end", () => resolve(text));
    socket.on("error", reject);
  });
}
