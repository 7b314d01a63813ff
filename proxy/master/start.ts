// The start of a master: pid file, master CLI, first generation, and the word to systemd. In that order, because whoever waits for the word
// reads the pid file next.

import { renderDiagnostic } from "../../shared/diagnostic/render.ts";
import { loadMasterSockets } from "../config/load.ts";
import type { CommandLine } from "../control/command-line.ts";
import type { Configuration } from "../control/configuration.ts";
import { writePidfile } from "../control/pidfile.ts";
import type { ProcessLog } from "../control/process-log.ts";
import { bindSocket, PLAIN_SOCKET, protocolName, publish } from "../listener/bind.ts";
import type { Plan, StatsSocketPlan } from "../plan/plan.ts";
import { MasterCli } from "./cli/master-cli.ts";
import { Master } from "./master.ts";
import type { GenerationVoice } from "./messages.ts";
import { SystemdNotifier } from "./notify.ts";

export interface MasterStart {
  readonly options: CommandLine;
  readonly configuration: Configuration;
  readonly plan: Plan;
  readonly processLog: ProcessLog;
  readonly voice: GenerationVoice;
  readonly pidfile: string | null;
}

/** @returns the master with its first generation at work, or null: alerts say why there is none. */
export async function startMaster(start: MasterStart): Promise<Master | null> {
  const { options, configuration, plan, processLog, voice, pidfile } = start;
  const notifier = new SystemdNotifier(options.notify);
  const pidProblem = pidfile === null ? null : writePidfile(pidfile);
  if (pidProblem !== null) {
    processLog.alert(pidProblem);
    return null;
  }
  const master = new Master({ options, processLog, voice, notifier });
  const cli = new MasterCli(master);
  if (!(await openCli(cli, options, processLog))) return null;
  if (!(await master.start(configuration, plan))) {
    cli.close();
    return null;
  }
  notifier.ready();
  void master.ended.then(() => cli.close());
  return master;
}

async function openCli(cli: MasterCli, options: CommandLine, processLog: ProcessLog): Promise<boolean> {
  if (options.masterSockets.length === 0) return true;
  const { sockets, diagnostics } = await loadMasterSockets(options.masterSockets);
  for (const each of diagnostics.list) processLog.rendered(each.severity, renderDiagnostic(each, process.pid));
  if (sockets === null) {
    processLog.alert("Cannot create the master's CLI (-S).");
    return false;
  }
  for (const socket of sockets) if (!openSocket(cli, socket, processLog)) return false;
  return true;
}

function openSocket(cli: MasterCli, plan: StatsSocketPlan, processLog: ProcessLog): boolean {
  const { mode, uid, gid } = plan;
  const bound = bindSocket(plan.address, { ...PLAIN_SOCKET, mode, uid, gid });
  const problem = bound.error ?? (bound.unix === null ? null : publish(bound.unix));
  if (problem !== null) {
    processLog.alert(`Cannot bind the master's CLI: protocol ${protocolName(plan.address)}: ${problem}`);
    return false;
  }
  cli.listen(bound.fd, plan);
  return true;
}
