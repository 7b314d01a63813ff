#!/usr/bin/env node
// ringway-ha: reads keepalived.conf, speaks VRRP, moves addresses.
//
//   main.ts ─▶ loader.ts ─▶ config/ (file → plan, in a process of its own) ─▶ refusals.ts ─▶ daemon.ts ─▶ thread/ (VRRP)
//
// Signals are keepalived's: TERM and INT hand over and end (again: at once), USR1 writes the state to /tmp/keepalived.data, USR2 the
// counters to /tmp/keepalived.stats, HUP reloads (a configuration that cannot be used changes nothing).

import { closeSync, constants, openSync, rmSync, writeFileSync } from "node:fs";
import { renderMessage } from "../shared/diagnostic/render.ts";
import { setThreadName } from "../shared/ffi/process.ts";
import { missingCapabilities } from "./capabilities.ts";
import { type CommandLine, parseCommandLine } from "./command-line.ts";
import { askControlSocket, DEFAULT_CONTROL_SOCKET, openControlSocket } from "./control/control-socket.ts";
import { formatData, formatStats } from "./control/dumps.ts";
import { MetricsServer } from "./control/metrics-server.ts";
import { Daemon } from "./daemon.ts";
import type { DrillReport } from "./drill.ts";
import { type ConfigurationSource, loadConfiguration } from "./loader.ts";
import { log } from "./log.ts";
import { enteredNamespace, enterNamespace } from "./net-namespace.ts";
import { OrphanedGuards } from "./orphaned-guards.ts";
import type { HaPlan } from "./plan/plan.ts";
import { refusalsOf, remarksOf } from "./refusals.ts";

import { releaseStartPages, START_IS_OVER_MS } from "./start-pages.ts";
import type { InstanceState } from "./thread/messages.ts";

/** keepalived's own. */
const DEFAULT_PATH = "/etc/keepalived/keepalived.conf";
/** What keepalived -t exits with when the configuration has faults. */
const TEST_STATUS_FAULTY = 5;
const DATA_FILE = "/tmp/keepalived.data";
const STATS_FILE = "/tmp/keepalived.stats";

process.exitCode = await main(process.argv.slice(2));
// Timers and sockets that are still open belong to nobody any more.
process.exit();

async function main(words: readonly string[]): Promise<number> {
  const parsed = parseCommandLine(words);
  switch (parsed.kind) {
    case "text":
      process.stdout.write(parsed.text);
      return 0;
    case "refused":
      process.stderr.write(`ringway-ha: ${parsed.message}\n`);
      return 1;
    case "status":
      return printStatus(parsed.controlSocket ?? DEFAULT_CONTROL_SOCKET, parsed.json);
    case "drill":
      return drill(parsed.controlSocket ?? DEFAULT_CONTROL_SOCKET, parsed.instance);
    case "run":
      return run(parsed.options);
  }
}

async function printStatus(path: string, json: boolean): Promise<number> {
  try {
    process.stdout.write(await askControlSocket(path, json ? "state" : "status"));
    return 0;
  } catch (error) {
    process.stderr.write(`ringway-ha: ${path}: ${(error as Error).message}\n`);
    return 1;
  }
}

async function drill(path: string, instance: string | null): Promise<number> {
  try {
    const question = instance === null ? "drill" : `drill ${instance}`;
    const { ok, text } = JSON.parse(await askControlSocket(path, question)) as DrillReport;
    process.stdout.write(text);
    return ok ? 0 : 1;
  } catch (error) {
    process.stderr.write(`ringway-ha: ${path}: ${(error as Error).message}\n`);
    return 1;
  }
}

async function run(options: CommandLine): Promise<number> {
  const source: ConfigurationSource = {
    path: options.file ?? DEFAULT_PATH,
    configId: options.configId,
    allConfig: options.allConfig,
    peer: options.peer === null ? null : { path: options.peer, configId: options.peerId },
  };
  if (options.test !== null) return test(source, options.test, options.namespace);
  // First of all: they wait for nothing.
  const orphans = OrphanedGuards.pause();
  const loaded = loadConfiguration(source);
  if (typeof loaded === "string") {
    log("error", loaded);
    return 1;
  }
  const { messages, isFatal } = loaded;
  const plan = restricted(loaded.plan, options);
  const namespace = options.namespace ?? plan.global.netNamespace;
  const obstacle = namespace === null ? null : enterNamespace(namespace);
  if (obstacle !== null) {
    log("error", obstacle);
    return 1;
  }
  process.stderr.write(messages);
  if (isFatal || !canServe(plan)) return 1;
  if (isEmpty(plan)) {
    log("error", "no vrrp_instance and no virtual_server to run");
    return 1;
  }
  const missing = missingCapabilities(plan);
  if (missing.length > 0) {
    log(
      "error",
      `missing privileges: ${missing.join(", ")}: run it as root, or give it AmbientCapabilities= in its unit`,
    );
    return 1;
  }
  for (const path of options.pidFiles) writeFileSync(path, `${process.pid}\n`);
  process.umask(options.umask ?? plan.global.umask);
  if (plan.global.processName !== null) setThreadName(plan.global.processName);
  const daemon = new Daemon(plan, log, orphans, options.dontRespawn);
  const socketPath = options.controlSocket ?? plan.global.sidecar.controlSocket ?? DEFAULT_CONTROL_SOCKET;
  openControlSocket(socketPath, daemon, log);
  const metrics = new MetricsServer(daemon, log);
  void metrics.follow(plan.global.sidecar);
  listenToSignals(daemon, source, options, metrics);
  setTimeout(releaseStartPages, START_IS_OVER_MS).unref();
  const status = await daemon.run();
  for (const path of [...options.pidFiles, socketPath]) rmSync(path, { force: true });
  return status;
}

/**
 * -t: the result goes to standard error or into a file; the exit status is keepalived's. What the daemon would refuse at the start is an
 * alert here too: a test that succeeds has to mean that it starts.
 */
function test(source: ConfigurationSource, file: string, wanted: string | null): number {
  const loaded = loadConfiguration(source);
  const namespace = wanted ?? (typeof loaded === "string" ? null : loaded.plan.global.netNamespace);
  // Its interfaces count, where we may look at them.
  const obstacle = namespace === null || process.getuid?.() !== 0 ? null : enterNamespace(namespace);
  if (obstacle !== null) process.stderr.write(`ringway-ha: ${obstacle}\n`);
  const refusals = typeof loaded === "string" ? [] : refusalsOf(loaded.plan);
  const alerts = refusals.map(({ at, text }) => {
    const place = at === null ? "" : `parsing [${at.file}:${at.line}] : `;
    return renderMessage("alert", process.pid, `config : ${place}not served yet: ${text}`);
  });
  const output = typeof loaded === "string" ? `${loaded}\n` : loaded.messages + alerts.join("");
  if (file === "") process.stderr.write(output);
  else writeFileSync(file, output);
  if (typeof loaded === "string") return 1;
  return loaded.testStatus === 0 && refusals.length > 0 ? TEST_STATUS_FAULTY : loaded.testStatus;
}

/** -P and -C: what the other half of keepalived would do is left out. */
function restricted(plan: HaPlan, { vrrpOnly, checkersOnly }: CommandLine): HaPlan {
  if (vrrpOnly === checkersOnly) return plan;
  if (vrrpOnly) return { ...plan, virtualServers: [], virtualServerGroups: [] };
  return {
    ...{ ...plan, instances: [], syncGroups: [], scripts: [], processes: [], files: [], bfds: [], proxies: [] },
    ...{ staticAddresses: [], staticRoutes: [], staticRules: [] },
  };
}

function isEmpty({ instances, virtualServers }: HaPlan): boolean {
  return instances.length === 0 && virtualServers.length === 0;
}

function canServe(plan: HaPlan): boolean {
  const refusals = refusalsOf(plan);
  for (const { at, text } of refusals) {
    log("error", `${at === null ? "" : `${at.file}:${at.line}: `}not served yet: ${text}`);
  }
  for (const remark of remarksOf(plan)) log("warn", remark);
  return refusals.length === 0;
}

function listenToSignals(
  daemon: Daemon,
  source: ConfigurationSource,
  options: CommandLine,
  metrics: MetricsServer,
): void {
  process.on("SIGTERM", () => daemon.stop());
  process.on("SIGINT", () => daemon.stop());
  process.on("SIGHUP", () => reload(daemon, source, options, metrics));
  const dumpWith = (path: string, format: (states: readonly InstanceState[]) => string) =>
    void daemon.states().then((states) => dump(path, format(states)));
  process.on("SIGUSR1", () =>
    dumpWith(DATA_FILE, (states) => formatData(daemon.plan, states, daemon.trackers(), Date.now())),
  );
  process.on("SIGUSR2", () => dumpWith(STATS_FILE, formatStats));
}

function reload(daemon: Daemon, source: ConfigurationSource, options: CommandLine, metrics: MetricsServer): void {
  const loaded = loadConfiguration(source);
  if (typeof loaded === "string") {
    log("error", loaded);
    return;
  }
  process.stderr.write(loaded.messages);
  const plan = restricted(loaded.plan, options);
  if ((options.namespace ?? plan.global.netNamespace) !== enteredNamespace) {
    log("error", "Cannot change network namespace at a reload - please restart");
    return;
  }
  if (loaded.isFatal || !canServe(plan) || isEmpty(plan)) {
    log("error", "the new configuration cannot be used, the old one stays in force");
    return;
  }
  daemon.reload(plan);
  void metrics.follow(plan.global.sidecar);
}

/** The folder is everybody's: whatever stands there under our name is removed, never followed. */
function dump(path: string, text: string): void {
  try {
    rmSync(path, { force: true });
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
    writeFileSync(fd, text);
    closeSync(fd);
  } catch (error) {
    log("error", `${path}: ${(error as Error).message}`);
  }
}
