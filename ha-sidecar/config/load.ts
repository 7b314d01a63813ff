// From a file name to a plan: what starts and reloads call, and what `-t` prints.
//
//   load("/etc/keepalived/keepalived.conf") ─▶ statements (reader.ts) ─▶ drafts (keywords/) ─▶ plan (resolve/) ─▶ lints (lint.ts)
//
// A plan comes out whatever the file holds; `isFatal` says that it must not be used. Everything else is as with keepalived: what was
// wrong has been left out or corrected, and the diagnostics say so.

import { Diagnostics, type Place } from "../../shared/diagnostic/diagnostic.ts";
import { renderDiagnostic } from "../../shared/diagnostic/render.ts";
import type { HaPlan } from "../plan/plan.ts";
import { type Host, thisHost } from "./host.ts";
import { readSection } from "./keyword.ts";
import { newConfigurationDraft, TOP_LEVEL } from "./keywords/top-level.ts";
import { lint } from "./lint.ts";
import { defaultConfigId, Parameters } from "./parameters.ts";
import { comparePeers } from "./peers.ts";
import { readStatements } from "./reader.ts";
import { Report, TEST_STATUS, type TestStatus } from "./report.ts";
import { resolvePlan } from "./resolve/resolve.ts";

/** keepalived's own default. */
export const DEFAULT_PATH = "/etc/keepalived/keepalived.conf";

/** More than a file can have. */
const LINES_MAX = 2 ** 32;

/** `--peer=FILE` and `--peer-id=ID`: one file for both machines has @conditions. */
export interface Peer {
  readonly path: string;
  /** null: the same as this machine's. */
  readonly configId: string | null;
}

export interface LoadOptions {
  /** -f: a file, or a pattern that stands for several. */
  readonly path: string;
  /** -i: what `@conditions` are compared with; null: the host's name without its domain. */
  readonly configId?: string | null;
  /** -e: every included file must be there. */
  readonly allConfig?: boolean;
  /** The other machine's configuration, to be compared with this one. Its own faults are not shown, except that it cannot be read. */
  readonly peer?: Peer | null;
  /** What the configuration is checked against; default: this machine. */
  readonly host?: Host;
}

export interface LoadedConfiguration {
  readonly plan: HaPlan;
  readonly diagnostics: Diagnostics;
  /** The plan must not be used: an interface is absent, ids collide, a file cannot be read. */
  readonly isFatal: boolean;
  /** What `-t` exits with. */
  readonly testStatus: TestStatus;
}

export function load(options: LoadOptions): LoadedConfiguration {
  const report = new Report(new Diagnostics());
  const plan = loadInto(options, report);
  if (options.peer != null) compareWith(options.peer, plan, options, report);
  return { plan, diagnostics: report.diagnostics, isFatal: report.isFatal, testStatus: report.testStatus };
}

function loadInto(options: LoadOptions, report: Report): HaPlan {
  const host = options.host ?? thisHost();
  const configId = options.configId ?? defaultConfigId(host.hostname);
  const statements = readStatements({
    path: options.path,
    configId,
    parameters: new Parameters(configId, host.environment),
    report,
    allConfig: options.allConfig ?? false,
  });
  const configuration = newConfigurationDraft();
  readSection(TOP_LEVEL, configuration, statements, { report, host, configuration, top: TOP_LEVEL });
  const plan = resolvePlan(configuration, host, report);
  lint(plan, configuration, report);
  return plan;
}

/**
 * All diagnostics as text: file by file in the order they were opened, from top to bottom, then those without a place. They are found in
 * several passes, and a reader with an editor has one.
 */
export function renderDiagnostics(diagnostics: Diagnostics, pid: number): string {
  const files = [...new Set(diagnostics.list.map((diagnostic) => diagnostic.file)), ""];
  const rank = ({ file, line }: Place) =>
    file === "" ? Number.MAX_SAFE_INTEGER : files.indexOf(file) * LINES_MAX + line;
  const sorted = diagnostics.list.toSorted((a, b) => rank(a) - rank(b));
  return sorted.map((diagnostic) => renderDiagnostic(diagnostic, pid)).join("");
}

function compareWith({ path, configId }: Peer, plan: HaPlan, options: LoadOptions, report: Report): void {
  const host = options.host ?? thisHost();
  // Interfaces have other names over there, and its scripts are not here.
  const there: Host = { ...host, interfaces: new AnyInterface() };
  const peer = load({ ...options, path, configId: configId ?? options.configId, host: there, peer: null });
  const unread = peer.diagnostics.list.filter((one) => one.line === 0 && one.code.startsWith("file-"));
  for (const one of unread) report.fatal(one.code, one, one.message, { introduction: "none" }, TEST_STATUS.insecure);
  if (unread.length === 0) comparePeers(plan, peer.plan, report);
}

/** A machine that has every interface. */
class AnyInterface extends Set<string> {
  override has(): boolean {
    return true;
  }
}
