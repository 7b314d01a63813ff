// The configuration as the start of the process sees it: load it, say what is wrong with it, and give the verdict of -c and -cc.
//
// Everything about the language is in config/; here are only the messages and statuses around it, which are HAProxy's.

import { hostname } from "node:os";
import { renderDiagnostic } from "../../shared/diagnostic/render.ts";
import { evaluateCondition } from "../config/condition.ts";
import { Environment } from "../config/environment.ts";
import { ENABLED_OPTIONS } from "../config/features.ts";
import { type LoadedConfiguration, loadConfiguration } from "../config/load.ts";
import type { CommandLine } from "./command-line.ts";
import type { ProcessLog } from "./process-log.ts";

export interface Configuration extends LoadedConfiguration {
  /** -f and -- as written. */
  readonly files: readonly string[];
}

export async function load(options: CommandLine): Promise<Configuration> {
  const loaded = await loadConfiguration({
    files: options.sources,
    localpeer: options.localpeer,
    maxconn: Math.max(0, options.maxconn ?? 0),
    ignoreResolutionFailures: options.ignoreResolutionFailures,
    proxyMaxconn: Math.max(0, options.maxconnPerProxy ?? 0),
  });
  return { ...loaded, files: options.sources };
}

/** HAProxy serves nothing without at least one listener; a stats socket is one. */
export function listens(configuration: Configuration): boolean {
  return configuration.hasListeners || (configuration.plan?.global.statsSockets.length ?? 0) > 0;
}

/** Says everything there is to say. @returns the exit status so far: 1 for errors, or for warnings where they are forbidden. */
export function report(configuration: Configuration, options: CommandLine, processLog: ProcessLog): number {
  const { diagnostics, plan } = configuration;
  for (const diagnostic of diagnostics.list) {
    processLog.rendered(diagnostic.severity, renderDiagnostic(diagnostic, process.pid));
  }
  if (diagnostics.hasErrors) {
    const files = new Set(diagnostics.list.flatMap((each) => (each.severity === "alert" ? [each.file] : [])));
    for (const file of files) {
      if (file !== "") processLog.alert(`config : Error(s) found in configuration file : ${file}`);
    }
    processLog.alert("config : Fatal errors found in configuration.");
    return 1;
  }
  const zeroWarning = options.zeroWarning || plan?.global.flags["zero-warning"] === true;
  if (!zeroWarning || diagnostics.counts.warning === 0) return 0;
  processLog.alert("Some warnings were found and 'zero-warning' is set. Aborting.");
  return 1;
}

/** The last words of -c, on stdout. @returns the exit status: 2 for a configuration without fault that would serve nothing. */
export function verdict(configuration: Configuration, options: CommandLine, status: number): number {
  if (status !== 0) return status;
  const quiet = (options.quiet || configuration.plan?.global.quiet === true) && !options.verbose;
  const say = (text: string) => {
    if (!quiet) process.stdout.write(`${text}\n`);
  };
  if (configuration.diagnostics.counts.warning > 0) say("Warnings were found.");
  if (!listens(configuration)) {
    say("Configuration file has no error but will not start (no listener) => exit(2).");
    return 2;
  }
  if (options.verbose) say("Configuration file is valid");
  return 0;
}

/** -cc. @returns 0: true, 1: false, 2: no condition */
export function evaluate(condition: string, processLog: ProcessLog): number {
  const environment = new Environment(process.env);
  environment.provide([], hostname());
  // Where it stands in a file, the line has been expanded by the time it is looked at; here double quotes alone ask for it.
  const expanded = condition.replace(/"(?:[^"\\]|\\.)*"/g, (quoted) =>
    quoted.replace(
      /(?<!\\)\$(?:\{(\w+)\}|([A-Za-z_]\w*))/g,
      (_, braced, bare) => environment.get(braced ?? bare) ?? "",
    ),
  );
  const result = evaluateCondition(expanded, { environment, enabledOptions: new Set(ENABLED_OPTIONS) });
  if (result.ok) return result.value ? 0 : 1;
  processLog.alert(`Failed to evaluate condition: ${result.problem.message}`);
  return 2;
}
