// One row of the reload table: a program as a master with its CLI, an origin, clients of three habits, and reloads while they work.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../programs.ts";
import { DownloadClient, RequestClient, type Tally } from "./clients.ts";

const LONG_CHUNKS = 40;
const LONG_CHUNK = Buffer.alloc(16_384, "x");
/** Between two chunks of a long download. */
const LONG_PAUSE_MS = 50;
const START_MS = 20_000;

export interface ReloadJob {
  readonly command: readonly string[];
  readonly reloads: number;
  readonly pauseMs: number;
  readonly keepAlive: number;
  readonly close: number;
  readonly downloads: number;
}

export interface ReloadResult {
  readonly reloads: number;
  readonly seconds: number;
  readonly tallies: Readonly<Record<"keep-alive" | "close" | "downloads", Tally>>;
  /** What `reload` took, milliseconds, one each. */
  readonly reloadMs: readonly number[];
}

export async function measureReloads(job: ReloadJob): Promise<ReloadResult> {
  const folder = mkdtempSync(join(tmpdir(), "ringway-reload-"));
  const origin = await startOrigin();
  const port = await freePort();
  const cli = join(folder, "master.sock");
  const file = join(folder, "cfg");
  writeFileSync(file, configuration(port, (origin.address() as AddressInfo).port));
  const [program = "", ...args] = job.command;
  const master = spawn(program, [...args, "-W", "-S", cli, "-f", file], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  master.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4_000);
  });
  try {
    await untilServing(port, master, () => said);
    return await work(job, port, cli);
  } finally {
    master.kill("SIGTERM");
    await new Promise((resolve) => (master.exitCode === null ? master.once("exit", resolve) : resolve(null)));
    origin.close();
    origin.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function work(job: ReloadJob, port: number, cli: string): Promise<ReloadResult> {
  const tally = (): Tally => ({ answered: 0, failed: [], longestGapMs: 0 });
  const tallies = { "keep-alive": tally(), close: tally(), downloads: tally() };
  const bytes = LONG_CHUNKS * LONG_CHUNK.length;
  const clients = [
    ...Array.from({ length: job.keepAlive }, () => new RequestClient(port, "keep-alive", tallies["keep-alive"])),
    ...Array.from({ length: job.close }, () => new RequestClient(port, "close", tallies.close)),
    ...Array.from({ length: job.downloads }, () => new DownloadClient(port, bytes, tallies.downloads)),
  ];
  const startMs = performance.now();
  for (const client of clients) client.start();
  const reloadMs: number[] = [];
  for (let i = 0; i < job.reloads; i++) {
    await sleep(job.pauseMs);
    const beginMs = performance.now();
    const answer = await ask(cli, "reload");
    // HAProxy 2.6 says nothing, and does not wait either.
    if (answer !== "" && !answer.startsWith("Success=1")) throw new Error(`reload ${i + 1}: ${answer}`);
    reloadMs.push(Math.round(performance.now() - beginMs));
  }
  await sleep(job.pauseMs);
  const seconds = (performance.now() - startMs) / 1000;
  await Promise.all(clients.map((client) => client.stop()));
  return { reloads: job.reloads, seconds, tallies, reloadMs };
}

function configuration(port: number, origin: number): string {
  return `global
  nbthread 2
  maxconn 2000
  mworker-max-reloads 100
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen l
  bind 127.0.0.1:${port}
  server s 127.0.0.1:${origin}
`;
}

async function startOrigin(): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    if (request.url !== "/long") {
      response.end("ok\n");
      return;
    }
    let sent = 0;
    response.setHeader("content-length", LONG_CHUNKS * LONG_CHUNK.length);
    const timer = setInterval(() => {
      response.write(LONG_CHUNK);
      if (++sent < LONG_CHUNKS) return;
      clearInterval(timer);
      response.end();
    }, LONG_PAUSE_MS);
    response.on("close", () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Sockets are open before anybody serves them: the first answer tells. */
async function untilServing(port: number, master: ChildProcess, said: () => string): Promise<void> {
  const answered = new Promise<void>((resolve, reject) => {
    const attempt = (): void => {
      const probe = connect(port, "127.0.0.1", () => probe.write("GET / HTTP/1.1\r\nHost: bench\r\n\r\n"));
      probe.once("data", () => {
        probe.destroy();
        resolve();
      });
      probe.once("error", () => setTimeout(attempt, 50));
    };
    attempt();
    setTimeout(() => reject(new Error(`nobody serves: ${said()}`)), START_MS).unref();
    master.once("exit", () => reject(new Error(`the master ended: ${said()}`)));
  });
  await answered;
}

function ask(path: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = "";
    socket.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
    socket.write(`${line}\n`);
  });
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
