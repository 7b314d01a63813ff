// From the command line to a running process or an exit status: the order of HAProxy's main().
//
//   command line ─▶ -v, -vv, usage, refusals
//        │
//   -C, -cc, configuration ─▶ diagnostics, -dK, -c
//        │
//   daemon? ── parent: start the child, wait, exit (daemon.ts)
//        │ child, or foreground
//   boot.ts ─▶ serve ─▶ signals end it
//
// Exit statuses: 0 fine; 1 bad command line, bad configuration, failed start, crash loop; death by SIGTERM or SIGINT as HAProxy's.

import { availableParallelism, constants } from "node:os";
import { chdir } from "node:process";
import { errnoMeaning } from "../../shared/abi/errno.ts";
import { setUpRing } from "../../shared/reactor/io-uring/setup.ts";
import { listKeywords } from "../config/keywords/listing.ts";
import { startMaster } from "../master/start.ts";
import type { Plan } from "../plan/plan.ts";
import { boot } from "./boot.ts";
import { type CommandLine, NO_FLAGS, parseCommandLine, usageText, versionText } from "./command-line.ts";
import { type Configuration, evaluate, listens, load, report, verdict } from "./configuration.ts";
import { Detachment, spawnDaemon, takeReadinessPipe } from "./daemon.ts";
import { wantEngine } from "./engine.ts";
import { isSubcommand, runSubcommand } from "./explain/subcommand.ts";
import { MasterLink, takeGenerationMark } from "./generation.ts";
import { loadedObjects } from "./loaded-objects.ts";
import { startParts } from "./parts.ts";
import { ProcessLog, writeToStderr } from "./process-log.ts";
import type { ProxyProcess } from "./proxy-process.ts";
import { COMMANDS } from "./runtime-api/commands.ts";
import type { Signals } from "./signals.ts";
import { dumpServerStates } from "./state-dump.ts";
import { detailedVersionText } from "./version.ts";

const WORKER_ENTRY = new URL("../worker/main.js", import.meta.url);
const PROGRAM = "ringway";
/** Rings of the smallest size, to see whether the kernel gives any. */
const PROBE_ENTRIES = 8;
/** What shells report for a death by signal, above the signal's number. */
const SIGNAL_STATUS = 128;
const DEATH_MS = 500;
/** How long log files may take for the last line. */
const LAST_WORDS_MS = 500;

/** Runs the program; the process ends inside, or serves until a signal ends it. */
export async function start(words: readonly string[], signals: Signals): Promise<void> {
  const readinessPipe = takeReadinessPipe();
  if (takeGenerationMark()) return await serveAsGeneration(signals);
  if (isSubcommand(words)) return leave(await runSubcommand(words, NO_FLAGS));
  const parsed = parseCommandLine(words);
  switch (parsed.kind) {
    case "version":
      process.stdout.write(parsed.detailed ? detailedVersionText(runtimeFacts()) : versionText());
      return leave(0);
    case "text":
      process.stdout.write(parsed.text);
      return leave(0);
    case "usage":
      process.stdout.write(versionText());
      process.stderr.write(usageText(PROGRAM));
      if (parsed.message !== null) process.stderr.write(`${PROGRAM}: ${parsed.message}\n`);
      return leave(1);
    case "refused":
      process.stderr.write(`[ALERT]    (${process.pid}) : ${parsed.message}\n`);
      return leave(1);
    case "run":
      return await run(parsed.options, signals, readinessPipe);
  }
}

async function run(options: CommandLine, signals: Signals, readinessPipe: number | null): Promise<void> {
  const processLog = openProcessLog(options, options.quiet);
  if (options.engine !== null) wantEngine(options.engine);
  if (options.directory !== null && !changeDirectory(options.directory, processLog)) return leave(1);
  if (options.condition !== null) return leave(evaluate(options.condition, processLog));
  const configuration = await load(options);
  const { plan } = configuration;
  const daemon = plan !== null && isDaemon(options, plan);
  if (daemon && readinessPipe === null && !options.check) {
    // The child reads the configuration again and says what there is to say.
    const child = await spawnDaemon(plan);
    if (child.status !== 0) processLog.alert(`Process ${child.pid} exited with code ${child.status} (Exit)`);
    return leave(child.status);
  }
  const status = report(configuration, options, processLog);
  if (options.dumpKeywords.length > 0) process.stdout.write(listKeywords(options.dumpKeywords, runtimeCommands()));
  if (options.dumpLibraries && plan !== null) process.stdout.write(loadedObjects());
  if (options.check) return leave(verdict(configuration, options, status));
  if (status !== 0 || plan === null) return leave(1);
  if (!listens(configuration)) {
    processLog.alert("[ringway.main()] No enabled listener found (check for 'bind' directives) ! Exiting.");
    return leave(1);
  }
  if (isMaster(options, plan)) await superviseAsMaster(plan, configuration, options, signals, readinessPipe);
  else await serve(plan, configuration, options, signals, readinessPipe);
}

async function serve(
  plan: Plan,
  configuration: Configuration,
  options: CommandLine,
  signals: Signals,
  readinessPipe: number | null,
): Promise<void> {
  const daemon = isDaemon(options, plan) && readinessPipe !== null;
  const processLog = openProcessLog(options, options.quiet || plan.global.quiet);
  const detachment = daemon ? new Detachment(readinessPipe) : null;
  const proxy = await boot({
    plan,
    processLog,
    workerEntry: WORKER_ENTRY,
    configurationFiles: configuration.files,
    noReusePort: options.noReusePort,
    // As in HAProxy, pid files belong to daemons.
    pidfile: daemon ? (options.pidfile ?? plan.global.pidfile) : null,
    startParts: (control) => startParts(control, configuration.diagnostics.counts.warning),
  });
  if (proxy === null) return leave(1);
  watchForBugs(proxy);
  processLog.running();
  detachment?.complete();
  finishOld(options, processLog);
  let fatalSignal: NodeJS.Signals | null = null;
  signals.attach({
    stop: (signal) => {
      fatalSignal = signal;
      proxy.stop();
    },
    drain: () => proxy.drain(),
    dumpStates: () => dumpServerStates(plan, proxy.shared, processLog),
    dumpMemory: () => dumpMemory(proxy),
    explain: (text) => processLog.notice(text, { event: "signal" }),
  });
  const status = await proxy.ended;
  if (status === 0 && fatalSignal !== null) return dieBy(fatalSignal, signals);
  leave(status);
}

/** -sf, -st: we serve, the old processes may go. One that has gone already is what was wanted. */
function finishOld({ finish, terminate }: CommandLine, processLog: ProcessLog): void {
  const send = (pid: number, signal: NodeJS.Signals): void => {
    try {
      process.kill(pid, signal);
    } catch (error) {
      const reason = error instanceof Error && "errno" in error ? errnoMeaning(Number(error.errno)) : String(error);
      processLog.diag(`Process ${pid} was not told to stop : ${reason}`);
    }
  };
  for (const pid of finish) send(pid, "SIGUSR1");
  for (const pid of terminate) send(pid, "SIGTERM");
}

/** This process was started by a master: what it serves, and when, comes from there. */
async function serveAsGeneration(signals: Signals): Promise<void> {
  const link = new MasterLink();
  const { plan, configurationFiles, warnings, noReusePort, voice, sockets } = await link.birth();
  let starting = true;
  const processLog = new ProcessLog({
    ...voice,
    write: (line) => {
      writeToStderr(line);
      if (starting) link.said(line);
    },
  });
  const proxy = await boot({
    plan,
    processLog,
    workerEntry: WORKER_ENTRY,
    configurationFiles,
    noReusePort,
    pidfile: null,
    inherited: new Map(sockets),
    prepared: () => link.prepared(),
    startParts: async (control) => link.serveWith(await startParts(control, warnings)),
  });
  if (proxy === null) return leave(1);
  watchForBugs(proxy);
  processLog.running();
  starting = false;
  signals.attach({
    // A terminal's ^C reaches the whole group: the master tells us what to do about it.
    stop: (signal) => {
      if (signal === "SIGTERM") proxy.stop();
    },
    drain: () => proxy.drain(),
    dumpStates: () => dumpServerStates(plan, proxy.shared, processLog),
    dumpMemory: () => dumpMemory(proxy),
    explain: (text) => processLog.notice(text, { event: "signal" }),
  });
  link.serving(proxy);
  leave(await proxy.ended);
}

/** -W, -Ws, `master-worker`: this process holds the sockets and puts generations behind them. */
async function superviseAsMaster(
  plan: Plan,
  configuration: Configuration,
  options: CommandLine,
  signals: Signals,
  readinessPipe: number | null,
): Promise<void> {
  const daemon = isDaemon(options, plan) && readinessPipe !== null;
  const voice = {
    quiet: options.quiet || plan.global.quiet,
    verbose: options.verbose || options.debug,
    diagnostics: options.diagnostics,
    plain: options.debug || options.foreground || process.stderr.isTTY === true,
  };
  const processLog = new ProcessLog(voice);
  const detachment = daemon ? new Detachment(readinessPipe) : null;
  const master = await startMaster({
    options,
    processLog,
    voice,
    configuration,
    plan,
    pidfile: options.pidfile ?? (daemon ? plan.global.pidfile : null),
  });
  if (master === null) return leave(1);
  processLog.running();
  detachment?.complete();
  finishOld(options, processLog);
  signals.attach({
    stop: (signal) => master.stop(SIGNAL_STATUS + constants.signals[signal]),
    drain: () => master.drain(),
    reload: () => void master.reload(false),
    dumpStates: () => {},
    dumpMemory: () => {},
    explain: (text) => processLog.notice(text, { event: "signal" }),
  });
  leave(await master.ended);
}

function isMaster(options: CommandLine, plan: Plan): boolean {
  return options.master || plan.global.flags["master-worker"] === true;
}

/**
 * A bug of ours on the main thread ends the process: checks, states and sockets may be half changed, and whoever supervises us can start
 * a sound process. A daemon has no stderr, so the last words go to the log targets too.
 */
function watchForBugs(proxy: ProxyProcess): void {
  let reported = false;
  const end = (bug: unknown): void => {
    if (reported) return;
    reported = true;
    const stack = bug instanceof Error ? bug.stack : undefined;
    proxy.processLog.alert(`The control plane failed, exiting: ${bug}`, { event: "control-failed", stack });
    setTimeout(() => leave(1), LAST_WORDS_MS);
    void proxy.syslog.flushed().then(() => leave(1));
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}

function isDaemon(options: CommandLine, plan: Plan): boolean {
  return (options.daemon || plan.global.daemon) && !options.foreground && !options.debug;
}

function openProcessLog(options: CommandLine, quiet: boolean): ProcessLog {
  return new ProcessLog({
    quiet,
    verbose: options.verbose || options.debug,
    diagnostics: options.diagnostics,
    plain: options.debug || options.foreground || process.stderr.isTTY === true,
  });
}

function changeDirectory(directory: string, processLog: ProcessLog): boolean {
  try {
    chdir(directory);
    return true;
  } catch (error) {
    const reason = error instanceof Error && "errno" in error ? errnoMeaning(Number(error.errno)) : String(error);
    processLog.alert(`Could not change to directory ${directory} : ${reason}`);
    return false;
  }
}

function runtimeFacts(): { engine: string; threadsDefault: number } {
  const probe = setUpRing(PROBE_ENTRIES, PROBE_ENTRIES);
  if (probe.ok) probe.mapped.release();
  return { engine: probe.ok ? "io_uring" : `epoll (${probe.reason})`, threadsDefault: availableParallelism() };
}

function dumpMemory(proxy: ProxyProcess): void {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const megabytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
  const text = `SIGQUIT received, memory of the process: resident ${megabytes(rss)} MB; main thread: heap ${megabytes(heapUsed)} MB, external ${megabytes(external)} MB, buffers ${megabytes(arrayBuffers)} MB.`;
  proxy.processLog.warning(text, { event: "memory", rss, heapUsed, external, arrayBuffers });
}

/** The runtime API's commands as -dKcli lists them: all of them are this process's, there is no master. */
function runtimeCommands(): string[] {
  return COMMANDS.map((command) => `${command.words.join(" ")} [WORKER]`).sort();
}

/** Everything is closed: let whoever waits for us see which signal it was. */
function dieBy(signal: NodeJS.Signals, signals: Signals): void {
  signals.detach();
  process.kill(process.pid, signal);
  // Only where somebody else catches the signal too (a debugger, a tool that preloads itself) is there a later.
  setTimeout(() => leave(SIGNAL_STATUS + constants.signals[signal]), DEATH_MS);
}

/** Never returns in fact: handles that are still open (the daemon's child, say) shall not keep the process. */
function leave(status: number): never {
  process.exit(status);
}
