// The start of a proxy process, in HAProxy's order. Each step can rely on the ones above it, and each takes away something that the ones
// below can do without:
//
//   1  bind all listeners and stats sockets       privileged ports; every failure is collected, none is published
//   2  raise the descriptor limit                 maxconn is known from here on
//   3  open the log targets                       /dev/log and files are out of reach later
//   4  start the threads, wait for their code     files are out of reach later; spare threads stand by (workers.ts)
//   5  write the pid file
//   6  chroot, groups, user                       no files, no privileges from here on
//      under a master: wait here until it is this generation's turn
//   7  start the parts of the control plane       runtime API, health checks, statistics
//   8  give the workers their tasks               the first connection is accepted
//
// main() in start.ts parsed the command line and the configuration before, and detaches the daemon afterwards.

import { readFileSync } from "node:fs";
import { errnoMeaning } from "../../shared/abi/errno.ts";
import { wakeReactor } from "../../shared/ffi/file.ts";
import { createCaches } from "../cache/store.ts";
import { ListeningSockets, type SocketsByKey } from "../listener/listening-sockets.ts";
import { LogSockets } from "../log/open.ts";
import { SyslogSender } from "../log/syslog-sender.ts";
import { endpointKey, logTargets } from "../log/targets.ts";
import type { Plan } from "../plan/plan.ts";
import { HEADER, SharedState } from "../shared-state/layout.ts";
import { preloadCounters } from "../stats/stats-file.ts";
import { budgetDescriptors } from "./descriptor-limit.ts";
import { Handover, type HandoverState } from "./handover.ts";
import { takeIdentity } from "./identity.ts";
import { LogHub } from "./log-hub/hub.ts";
import { writePidfile } from "./pidfile.ts";
import type { ProcessLog } from "./process-log.ts";
import { ProxyProcess } from "./proxy-process.ts";
import { sharesSockets } from "./shares-sockets.ts";
import { TlsSecret } from "./tls-secret.ts";
import { newSessionMemory, TlsSessions } from "./tls-sessions.ts";
import { RELEASE_DATE, VERSION } from "./version.ts";
import { Workers } from "./workers.ts";

export interface BootOptions {
  readonly plan: Plan;
  readonly processLog: ProcessLog;
  /** The worker's module. */
  readonly workerEntry: URL;
  readonly configurationFiles: readonly string[];
  readonly noReusePort: boolean;
  /** Where to write the pid, null: nowhere. */
  readonly pidfile: string | null;
  /** Listening sockets that the master holds; none: everything is bound here. */
  readonly inherited?: SocketsByKey;
  /** Called when nothing is left to do but serve: resolves when it is time, with what the predecessor knew. */
  readonly prepared?: () => Promise<HandoverState>;
  /** Starts runtime API, checks and statistics on the control plane; called without privileges, before traffic. */
  readonly startParts: (proxy: ProxyProcess) => unknown;
}

/** A chroot is left with what is loaded: more spares there. Outside of it one is enough, piscina starts the next at once. */
const SPARES = 1;
const SPARES_IN_CHROOT = 3;

/** @returns the running process, or null: alerts say why there is none. */
export async function boot(options: BootOptions): Promise<ProxyProcess | null> {
  const { plan, processLog } = options;
  const sockets = openSockets(options);
  if (sockets === null) return null;
  const spares = plan.global.chroot === null ? SPARES : SPARES_IN_CHROOT;
  const budget = budgetDescriptors(plan, plan.global.nbthread + spares);
  if (budget.problem !== null) {
    if (budget.problem.fatal) processLog.alert(budget.problem.text);
    else processLog.warning(budget.problem.text);
    if (budget.problem.fatal) return abandon(sockets);
  }
  const hub = await openLogHub(options);
  if (hub === null) return abandon(sockets);
  const logs = openLogs(options, hub);
  const shared = new SharedState(plan);
  shared.caches = createCaches(plan);
  shared.tlsSessions = newSessionMemory(plan);
  Atomics.store(shared.words, HEADER.maxconn, budget.maxconn);
  preloadStatsFile(plan, shared, processLog);
  const tlsSecret = new TlsSecret();
  const workers = new Workers({
    plan,
    shared,
    processLog,
    entry: options.workerEntry,
    spares,
    listenersOf: (worker) => sockets.of(worker),
    closeListenersOf: (worker) => sockets.closeOf(worker),
    logFds: logs.fds,
    maxconn: budget.maxconn,
    wake: wakeReactor,
    tlsSecret: () => tlsSecret.bytes,
  });
  if (!(await settle(options, workers))) {
    await workers.destroy();
    return abandon(sockets);
  }
  const received = options.prepared === undefined ? null : await options.prepared();
  const facts = {
    pid: process.pid,
    startedAtMs: Date.now(),
    version: VERSION,
    releaseDate: RELEASE_DATE,
    maxconn: budget.maxconn,
    descriptorsMax: budget.limit,
    configurationFiles: options.configurationFiles,
  };
  const syslog = new SyslogSender(plan, logs, process.pid);
  mirrorToSyslog(options, syslog);
  hub.begin(logTargets(plan), logs.fds, (endpoint, isFile, line) => syslog.pass(endpoint, isFile, line));
  const handover = new Handover(received);
  handover.register(tlsSecret);
  handover.register(new TlsSessions(plan, shared));
  const proxy = new ProxyProcess({
    plan,
    rings: hub.rings,
    logHub: hub,
    shared,
    workers,
    processLog,
    syslog,
    process: facts,
    sockets,
    handover,
  });
  logs.watch(shared);
  proxy.onStop(async () => {
    await syslog.flushed();
    hub.close();
    logs.close();
  });
  await options.startParts(proxy);
  if (!(await workers.start())) {
    await proxy.ended;
    return null;
  }
  announce(proxy);
  return proxy;
}

/** `stats-file`: what cannot be read is no reason not to serve. */
function preloadStatsFile(plan: Plan, shared: SharedState, processLog: ProcessLog): void {
  const path = plan.statsFile?.path ?? null;
  if (path === null) return;
  try {
    preloadCounters(readFileSync(path, "latin1"), plan, shared);
  } catch {
    processLog.warning(`config: Can't load stats-file '${path}': cannot open file.`);
  }
}

function openSockets(options: BootOptions): ListeningSockets | null {
  const { plan, processLog } = options;
  const sockets = new ListeningSockets(plan, sharesSockets(plan, options.noReusePort), options.inherited);
  if (!sockets.failed) sockets.publish();
  for (const problem of sockets.problems) {
    if (problem.loudness === "alert") processLog.alert(problem.text, { event: "bind-failed" });
    else processLog.warning(problem.text, { event: "bind" });
  }
  if (!sockets.failed) return sockets;
  processLog.alert("[ringway.main()] Some protocols failed to start their listeners! Exiting.");
  return abandon(sockets);
}

/** Rings, and what listens for other programs' lines; null: an alert says what cannot be listened on. */
async function openLogHub({ plan, processLog }: BootOptions): Promise<LogHub | null> {
  const hub = await LogHub.open(plan);
  for (const problem of hub.problems) processLog.alert(problem, { event: "bind-failed" });
  if (hub.problems.length === 0) return hub;
  hub.close();
  return null;
}

function openLogs({ plan, processLog }: BootOptions, hub: LogHub): LogSockets {
  const logs = new LogSockets(logTargets(plan), (name) => hub.portOf(name));
  for (const { endpoint, errno } of logs.failures) {
    const text = `log target [${endpointKey(endpoint.address)}] cannot be opened (${errnoMeaning(errno)}), its lines are dropped.`;
    processLog.warning(text, { event: "log-target-failed" });
  }
  return logs;
}

/** What the process log says about a proxy goes to that proxy's log targets too, everything else to those of `global`. */
function mirrorToSyslog({ plan, processLog }: BootOptions, syslog: SyslogSender): void {
  const proxies = new Map(plan.proxies.map((proxy) => [proxy.name, proxy]));
  processLog.mirror((severity, text, fields) => {
    if (fields["logged"] === true) return; // Its author has sent it, with a severity of its own (server-state/announcer.ts).
    const proxy = typeof fields["proxy"] === "string" ? proxies.get(fields["proxy"]) : undefined;
    syslog.send(proxy ?? null, severity, text);
  });
}

/** Threads loaded, pid written, privileges dropped. False: an alert says what failed. */
async function settle(options: BootOptions, workers: Workers): Promise<boolean> {
  const { plan, processLog, pidfile } = options;
  try {
    await workers.load();
  } catch (error) {
    processLog.alert(`[ringway.main()] Worker threads cannot be started: ${error}`, {
      stack: error instanceof Error ? error.stack : undefined,
    });
    return false;
  }
  const pidProblem = pidfile === null ? null : writePidfile(pidfile);
  if (pidProblem !== null) {
    processLog.alert(pidProblem);
    return false;
  }
  // The time zone's rules are a file, read once per process: before the chroot hides it, or logs would be in UTC.
  new Date().getTimezoneOffset();
  let settled = true;
  for (const problem of takeIdentity(plan.global)) {
    if (problem.loudness === "alert") settled = false;
    if (problem.loudness === "alert") processLog.alert(problem.text);
    else processLog.warning(problem.text);
  }
  return settled;
}

function abandon(sockets: ListeningSockets): null {
  sockets.closeAll();
  return null;
}

/** One line that says what runs: engine (and why not the better one), workers, capacity. */
function announce(proxy: ProxyProcess): void {
  const { workers, process: facts, plan } = proxy;
  const engines = [...new Set(workers.engines)].join(", ");
  const count = `${workers.count} worker${workers.count === 1 ? "" : "s"}`;
  const text = `ringway is serving: ${count} on ${engines}, ${plan.listeners.length} listeners, maxconn ${facts.maxconn}.`;
  const fields = { event: "serving", workers: workers.count, engines, maxconn: facts.maxconn };
  proxy.processLog.notice(text, fields);
}
