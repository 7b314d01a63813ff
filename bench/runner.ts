// Runs one scenario: all proxies stand ready on the same core, one at a time is loaded, round after round.
//
//   origin ─ start proxies ─ warm each up ─┬ round 1: A B C ┬ round 2: A B C ┬ … ─ stop
//                                          └─ so that what changes on the machine meanwhile meets them all
//
// A proxy that cannot do a scenario is left out and the reason kept; one that fails in the middle is an error row, not a crash.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CertificateShop } from "../proxy/test/lab/certificates.ts";
import { encodeInternetAddress, SOCKADDR_BYTES_MAX, sockaddrPort } from "../shared/abi/sockaddr.ts";
import { close } from "../shared/ffi/file.ts";
import { AF_INET, bind, getsockname, SOCK_CLOEXEC, SOCK_DGRAM, socket } from "../shared/ffi/socket.ts";
import type { Contestant, Duty } from "./contestants/contestant.ts";
import { type Cores, pinned } from "./cores.ts";
import { autocannon } from "./load/autocannon.ts";
import { h2load } from "./load/h2load.ts";
import { handshakes } from "./load/handshakes.ts";
import { IdleClients } from "./load/idle-clients.ts";
import type { LoadGenerator } from "./load/load.ts";
import type { TransferReport } from "./load/transfer.ts";
import { wrk } from "./load/wrk.ts";
import { cpuDuring } from "./measure/cpu.ts";
import { MemoryWatch, residentBytes } from "./measure/memory.ts";
import type { Options } from "./options.ts";
import { startOrigin } from "./origin/origin.ts";
import { findProgram, freePort, REPOSITORY, run, Server } from "./programs.ts";
import type { IdleScenario, LoadScenario, Scenario, TransferScenario } from "./scenarios.ts";

/** What one round of one proxy gave: numbers by name (report/columns.ts), and failures. */
export interface Sample {
  readonly metrics: Readonly<Record<string, number>>;
  readonly requests: number;
  readonly errors: number;
}

export interface Entry {
  readonly proxy: string;
  readonly samples: readonly Sample[];
}

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly origin: string;
  readonly entries: readonly Entry[];
  readonly leftOut: readonly { readonly proxy: string; readonly why: string }[];
}

/** How long memory is given to settle before it is read. */
const SETTLE_MS = 700;
const PLAIN_SHAPE = { path: "/", close: false, pipelined: 1, generator: "fast" } as const;
const WARM_UP_CONNECTIONS = 64;
const WARM_UP_TRANSFERS = 3;
const WARM_UP_IDLE = 300;
const WARM_UP_SETTLE_MS = 5000;
/**
 * What proxies are configured for. Generous, as in real deployments: HAProxy keeps no idle connections to servers once a fifth of its
 * descriptors is in use (tune.pool-low-fd-ratio), and with a tight maxconn it would be measured reconnecting.
 */
const CONNECTIONS_MAX = 4000;
const CONNECTIONS_SPARE = 50;

interface Running {
  readonly contestant: Contestant;
  readonly server: Server;
  readonly port: number;
  readonly samples: Sample[];
}

export async function runScenario(
  scenario: Scenario,
  field: readonly Contestant[],
  options: Options,
  cores: Cores,
): Promise<ScenarioResult> {
  const missing = missingGenerator(scenario);
  if (missing !== null) {
    return { scenario, origin: "none", entries: [], leftOut: [{ proxy: "all", why: `${missing} is not installed` }] };
  }
  const folder = mkdtempSync(join(tmpdir(), "ringway-bench-"));
  const origin = await startOrigin(folder, cores, scenario.kind === "transfer");
  const logSink = scenario.log ? openLogSink() : null;
  const endings: (() => void)[] = [];
  const shop = scenario.tls ? new CertificateShop({ teardown: (end) => void endings.push(end) }) : null;
  const certificate = shop?.selfSigned("localhost").bundle ?? null;
  const running: Running[] = [];
  const leftOut: { proxy: string; why: string }[] = [];
  try {
    for (const contestant of field) {
      const duty: Duty = {
        ...{
          port: await freePort(),
          originPort: origin.port,
          mode: scenario.mode,
          ...{ rules: scenario.rules, servers: scenario.servers, balance: scenario.balance, sticks: scenario.sticks },
          ...{ logPort: logSink?.port ?? null, certificate, http2: scenario.http2 },
        },
        ...{
          connectionsMax: Math.max(CONNECTIONS_MAX, connectionsOf(scenario) + CONNECTIONS_SPARE),
          folder: join(folder, String(running.length)),
        },
      };
      const why = contestant.refuses(duty);
      if (why !== null) {
        leftOut.push({ proxy: contestant.name, why });
        continue;
      }
      mkdirSync(duty.folder, { recursive: true });
      try {
        const server = await Server.start(pinned(cores.proxy, contestant.command(duty)), duty.port);
        running.push({ contestant, server, port: duty.port, samples: [] });
      } catch (error) {
        leftOut.push({ proxy: contestant.name, why: String(error) });
      }
    }
    await runRounds(scenario, running, options, cores);
  } finally {
    await Promise.all(running.map(({ server }) => server.stop()));
    await origin.stop();
    if (logSink !== null) close(logSink.fd);
    rmSync(folder, { recursive: true, force: true });
    for (const end of endings) end();
  }
  const entries = running.map(({ contestant, samples }) => ({ proxy: contestant.name, samples }));
  return { scenario, origin: origin.program, entries, leftOut };
}

async function runRounds(
  scenario: Scenario,
  running: readonly Running[],
  options: Options,
  cores: Cores,
): Promise<void> {
  const rounds = Math.max(1, Math.round(options.rounds * scenario.weight));
  if (options.warmUpSeconds > 0) for (const proxy of running) await warmUp(scenario, proxy, options, cores);
  for (let round = 0; round < rounds; round++) {
    for (const proxy of running) {
      try {
        proxy.samples.push(await measure(scenario, proxy, options, cores));
      } catch (error) {
        console.error(`${proxy.contestant.name}, ${scenario.name}: ${String(error)}`);
        proxy.samples.push({ metrics: {}, requests: 0, errors: 1 });
      }
    }
  }
}

function measure(scenario: Scenario, proxy: Running, options: Options, cores: Cores): Promise<Sample> {
  switch (scenario.kind) {
    case "load":
      return measureLoad(scenario, proxy, options, cores);
    case "transfer":
      return measureTransfer(scenario, proxy, cores);
    case "idle":
      return measureIdle(scenario, proxy, cores);
  }
}

/** Compilers, pools and caches reach their working state before anything counts. */
async function warmUp(scenario: Scenario, proxy: Running, options: Options, cores: Cores): Promise<void> {
  const { path, close, pipelined, generator } = scenario.kind === "load" ? scenario : PLAIN_SHAPE;
  const connections = scenario.kind === "load" && generator === "h2load" ? scenario.connections : WARM_UP_CONNECTIONS;
  const job = { port: proxy.port, connections, path, close, pipelined, tls: scenario.tls };
  const seconds = options.warmUpSeconds * scenario.warmUp;
  // autocannon warms up as wrk does; it costs so much that little would get warm by it.
  const by = generatorOf(generator === "autocannon" ? "fast" : generator, options, cores);
  await by.run({ ...job, seconds, requests: options.requests });
  if (scenario.kind === "transfer") {
    for (let i = 0; i < WARM_UP_TRANSFERS; i++) await measureTransfer(scenario, proxy, cores);
  } else if (scenario.kind === "idle") {
    // What grows with the first connections, and a heap that has yet to shrink, are not the price of the others.
    await measureIdle({ ...scenario, connections: Math.min(scenario.connections, WARM_UP_IDLE) }, proxy, cores);
    await sleep(WARM_UP_SETTLE_MS);
  }
}

async function measureLoad(
  scenario: LoadScenario & Pick<Scenario, "tls">,
  proxy: Running,
  options: Options,
  cores: Cores,
): Promise<Sample> {
  const { path, connections, close, pipelined, tls } = scenario;
  const shape = { path, connections, close, pipelined, tls };
  const job = { port: proxy.port, ...shape, seconds: options.seconds, requests: options.requests };
  const wanted = generatorOf(scenario.generator, options, cores);
  const why = wanted.refuses(job);
  if (why !== null) throw new Error(`${wanted.name}: ${why}`);
  const idle = scenario.idle === 0 ? null : await IdleClients.open(proxy.port, scenario.idle, tls, cores);
  const { result, cpu } = await cpuDuring(proxy.server.pid, () => wanted.run(job)).finally(() => idle?.close());
  const { requests, seconds, p50Us, p99Us, p999Us, errors } = result;
  return {
    metrics: {
      ...{ cpuUs: cpu.totalUs / requests, userUs: cpu.userUs / requests, systemUs: cpu.systemUs / requests },
      ...{ requestsPerSecond: requests / seconds, p50Us, p99Us, p999Us },
    },
    ...{ requests, errors: errors + (idle?.failed ?? 0) },
  };
}

async function measureTransfer(scenario: TransferScenario, proxy: Running, cores: Cores): Promise<Sample> {
  const program = join(REPOSITORY, "dist/bench/load/transfer.js");
  const words = [process.execPath, program, String(proxy.port), scenario.direction, String(scenario.bytes)];
  const memory = new MemoryWatch(proxy.server.pid, 10);
  const transfer = (): Promise<string> => run(pinned(cores.others, words));
  const { result, cpu } = await cpuDuring(proxy.server.pid, transfer).finally(() => memory.stop());
  const report: TransferReport = JSON.parse(result);
  const mebibytes = scenario.bytes / (1 << 20);
  return {
    metrics: {
      ...{ cpuUs: cpu.totalUs / mebibytes, userUs: cpu.userUs / mebibytes, systemUs: cpu.systemUs / mebibytes },
      ...{ mebibytesPerSecond: mebibytes / report.seconds, growthKb: memory.growthBytes / 1024 },
    },
    requests: 1,
    errors: report.isIntact && report.bytes === scenario.bytes ? 0 : 1,
  };
}

async function measureIdle(
  scenario: IdleScenario & Pick<Scenario, "tls">,
  proxy: Running,
  cores: Cores,
): Promise<Sample> {
  await sleep(SETTLE_MS);
  const beforeBytes = residentBytes(proxy.server.pid);
  const clients = await IdleClients.open(proxy.port, scenario.connections, scenario.tls, cores);
  await sleep(SETTLE_MS);
  const growthBytes = residentBytes(proxy.server.pid) - beforeBytes;
  await clients.close();
  const { held, failed } = clients;
  return {
    metrics: { bytesPerConnection: growthBytes / held, residentKb: beforeBytes / 1024, connections: held },
    requests: held,
    errors: failed,
  };
}

/** With --requests, wrk and openssl cannot do: they run for a time. */
function generatorOf(kind: LoadScenario["generator"], options: Options, cores: Cores): LoadGenerator {
  switch (kind) {
    case "fast":
      return options.requests === null ? fastGenerator(cores) : autocannon(cores);
    case "autocannon":
      return autocannon(cores);
    case "h2load":
      return h2load(cores);
    case "new":
    case "reuse":
      return handshakes(cores, kind);
  }
}

/** The program that makes this scenario's load, if it is one that no other can stand in for and that is not here. */
function missingGenerator(scenario: Scenario): string | null {
  if (scenario.kind !== "load" || scenario.generator === "fast" || scenario.generator === "autocannon") return null;
  const name = scenario.generator === "h2load" ? "h2load" : "openssl";
  return findProgram(name) === null ? name : null;
}

function fastGenerator(cores: Cores): LoadGenerator {
  const program = findProgram("wrk");
  return program === null ? autocannon(cores) : wrk(program, cores);
}

function connectionsOf(scenario: Scenario): number {
  if (scenario.kind === "transfer") return 1;
  return scenario.connections + (scenario.kind === "load" ? scenario.idle : 0);
}

/** A socket that takes log lines and that nobody reads: what its buffer does not hold, the kernel throws away. */
function openLogSink(): { fd: number; port: number } {
  const fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bound = fd < 0 ? fd : bind(fd, encodeInternetAddress(Uint8Array.of(127, 0, 0, 1), 0));
  const name = new Uint8Array(SOCKADDR_BYTES_MAX);
  if (bound < 0 || getsockname(fd, name) < 0) throw new Error(`no UDP socket for log lines: errno ${-bound}`);
  return { fd, port: sockaddrPort(name, 0) };
}
