// `ringway check [--explain] FILE…` and `ringway diff OLD NEW`: words in place of HAProxy's flags, for people. Both only read.

import type { CommandLine } from "../command-line.ts";
import { type Configuration, load, report } from "../configuration.ts";
import { ProcessLog } from "../process-log.ts";
import { diffPlans } from "./diff.ts";
import { explainText } from "./explain.ts";
import { findingsOf } from "./findings.ts";

const USAGE = `Usage: ringway check [--explain] FILE...   says whether the configuration is valid (status 0) and what it comes to
       ringway diff OLD NEW              says what a reload from OLD to NEW would change (status 0: nothing, 1: something)
`;

const TROUBLE = 2;

export function isSubcommand(words: readonly string[]): boolean {
  return words[0] === "check" || words[0] === "diff";
}

/** @param defaults a command line without any flag @returns the exit status */
export async function runSubcommand(words: readonly string[], defaults: CommandLine): Promise<number> {
  const [name, ...rest] = words;
  const flags = rest.filter((word) => word.startsWith("-") && word !== "-f");
  const files = rest.filter((word) => !word.startsWith("-"));
  const isWrong =
    flags.some((flag) => flag !== "--explain") ||
    (name === "diff" ? files.length !== 2 || flags.length > 0 : files.length === 0);
  if (isWrong) {
    process.stderr.write(USAGE);
    return TROUBLE;
  }
  return name === "check" ? check(files, flags.includes("--explain"), defaults) : diff(files[0]!, files[1]!, defaults);
}

async function check(files: readonly string[], explains: boolean, defaults: CommandLine): Promise<number> {
  const configuration = await loadLoudly(files, defaults);
  if (configuration === null) return 1;
  const { plan, acls } = configuration;
  if (plan === null) return 1;
  const findings = findingsOf(plan, acls);
  if (explains) process.stdout.write(explainText(plan, findings));
  else {
    const hint = findings.length === 0 ? "" : ` ${findings.length} things look like mistakes: --explain names them.`;
    process.stdout.write(`Configuration file is valid.${hint}\n`);
  }
  return 0;
}

async function diff(before: string, after: string, defaults: CommandLine): Promise<number> {
  const [old, now] = [await loadLoudly([before], defaults), await loadLoudly([after], defaults)];
  if (old === null || now === null || old.plan === null || now.plan === null) return TROUBLE;
  const lines = diffPlans(old.plan, now.plan);
  process.stdout.write(lines.length === 0 ? "Nothing would change.\n" : `${lines.join("\n")}\n`);
  return lines.length === 0 ? 0 : 1;
}

/** null: it does not load, and the faults have been said. */
async function loadLoudly(files: readonly string[], defaults: CommandLine): Promise<Configuration | null> {
  const options = { ...defaults, sources: files };
  const processLog = new ProcessLog({ quiet: false, verbose: false, diagnostics: false, plain: true });
  const configuration = await load(options);
  return report(configuration, options, processLog) === 0 ? configuration : null;
}
