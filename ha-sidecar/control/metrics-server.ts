// metrics_listen: Prometheus metrics by HTTP. It follows the configuration over reloads; a port that is taken is said in the log, because the
// addresses are more important than being asked about them.

import type { Server } from "node:http";
import type { Log } from "../log.ts";
import type { SidecarPlan } from "../plan/plan.ts";
import type { ControlSource } from "./control-source.ts";
import { formatMetrics } from "./metrics.ts";

/** Scrapers are few. */
const CONNECTIONS_MAX = 16;
const REQUEST_TIMEOUT_MS = 10_000;

export class MetricsServer {
  readonly #source: ControlSource;
  readonly #log: Log;
  #server: Server | null = null;
  #key = "";

  constructor(source: ControlSource, log: Log) {
    this.#source = source;
    this.#log = log;
  }

  /** Listens where the configuration says, or nowhere. Resolves when it does, or cannot. */
  async follow({ metrics }: SidecarPlan): Promise<void> {
    const key = metrics === null ? "" : `[${metrics.address.text}]:${metrics.port}`;
    if (key === this.#key) return;
    this.#key = key;
    await this.close();
    if (metrics === null) return;
    // Loaded where it is wanted only: it takes some megabytes.
    const { createServer } = await import("node:http");
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      const { pathname } = new URL(request.url ?? "/", "http://metrics");
      if (pathname !== "/metrics" || !/^(GET|HEAD)$/.test(request.method ?? "")) {
        response.writeHead(pathname === "/metrics" ? 405 : 404, { "content-type": "text/plain" }).end("see /metrics\n");
        return;
      }
      void formatMetrics(this.#source).then((text) => {
        response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
        response.end(request.method === "HEAD" ? undefined : text);
      });
    });
    server.maxConnections = CONNECTIONS_MAX;
    this.#server = server;
    await new Promise<void>((resolve) => {
      server.on("listening", resolve);
      server.on("error", (error) => {
        this.#log("error", `metrics_listen ${key}: ${error.message}`);
        resolve();
      });
      server.listen(metrics.port, metrics.address.text);
    });
    server.unref();
  }

  close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return Promise.resolve();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  }
}
