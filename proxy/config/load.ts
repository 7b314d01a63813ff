// Loads a configuration: files in, a plan and diagnostics out. The one door to proxy/config for the rest of the control plane.
//
//   files ─ source.ts ─▶ lines ─ sections/ ─▶ drafts ─ resolve.ts ─▶ addresses ─ check/ ─▶ faults between sections ─ build/ ─▶ Plan
//
// Nothing outside is changed: the process's environment, its directory and all files stay as they are, and no state is left behind, so
// that a configuration can be loaded twice, or only to check it. Every fault that can be found is found, then there is no plan.

import { hostname } from "node:os";
import { Diagnostics } from "../../shared/diagnostic/diagnostic.ts";
import type { Plan, StatsSocketPlan } from "../plan/plan.ts";
import { buildGlobal } from "./build/global.ts";
import { buildPlan } from "./build/plan.ts";
import { checkConfiguration } from "./check/check.ts";
import type { CommandLineSettings, ConfigurationDraft } from "./draft.ts";
import { newGlobal } from "./draft-global.ts";
import { Environment } from "./environment.ts";
import { type Lookup, resolveNames, systemLookup } from "./resolve.ts";
import { SectionReader } from "./sections/reader.ts";
import { addDefaultResolvers } from "./sections/resolvers.ts";
import { loadServerStates } from "./server-state-files.ts";
import { readConfiguration, readText } from "./source.ts";
import { TlsStore } from "./tls-store.ts";

/** What the command line says stands in CommandLineSettings: `localpeer` (-L), `maxconn` (-n), `proxyMaxconn` (-N). */
export interface LoadOptions extends Partial<CommandLineSettings> {
  /** `-f` arguments, in their order: files and directories. */
  readonly files: readonly string[];
  /** What the configuration sees as its environment; default: the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** How names are resolved; default: the system's resolver. */
  readonly lookup?: Lookup;
  /** `-dr`: servers whose names do not resolve start without an address, in maintenance. */
  readonly ignoreResolutionFailures?: boolean;
}

export interface LoadedConfiguration {
  /** Null when there are errors. */
  readonly plan: Plan | null;
  readonly diagnostics: Diagnostics;
  /** Environment variables as the configuration left them, for `show env` and programs that are started. */
  readonly environment: Environment;
  /** Whether anything listens: HAProxy does not start otherwise. */
  readonly hasListeners: boolean;
  /** Names of the ACLs that each section defines, by section; those of its `defaults` among them. */
  readonly acls: ReadonlyMap<string, readonly string[]>;
}

/** The values of -S: each an address and options of `stats socket`, separated by commas. Null: the diagnostics say what is wrong. */
export async function loadMasterSockets(
  values: readonly string[],
): Promise<{ readonly sockets: readonly StatsSocketPlan[] | null; readonly diagnostics: Diagnostics }> {
  const configuration = newConfiguration(process.env);
  const { diagnostics, environment } = configuration;
  const sections = new SectionReader(configuration);
  const lines = values.map((value) => {
    const [address, ...words] = value.split(",");
    // HAProxy's default here, where that of a stats socket is `operator`; a level that was written comes later and counts.
    return `stats socket ${address} level admin ${words.join(" ")}\n`;
  });
  const context = { environment, diagnostics, section: "", enabledOptions: new Set<string>() };
  readText({ name: "-S", text: `global\n${lines.join("")}` }, context, {
    onLine: (line, lineContext) => sections.line(line, lineContext),
  });
  if (!diagnostics.hasErrors) await resolveNames(configuration, systemLookup, false);
  if (diagnostics.hasErrors) return { sockets: null, diagnostics };
  const settings = { localpeer: null, maxconn: 0, proxyMaxconn: 0 };
  return { sockets: buildGlobal(configuration, settings).statsSockets, diagnostics };
}

function newConfiguration(variables: Readonly<Record<string, string | undefined>>): ConfigurationDraft {
  return {
    diagnostics: new Diagnostics(),
    environment: new Environment(variables),
    global: newGlobal(),
    proxies: [],
    defaults: [],
    references: [],
    stickTables: [],
    tableUses: [],
    peers: [],
    resolvers: [],
    caches: [],
    rings: [],
    logForwards: [],
    ringReferences: [],
    cacheReferences: [],
    patternLists: [],
    logProfiles: [],
    patternEdits: [],
    tlsStore: new TlsStore(),
    httpErrors: [],
    userlists: [],
    healthchecks: [],
    httpErrorsUses: [],
    names: [],
    filters: { engines: [], groupUses: [], limits: [], limitUses: [] },
  };
}

export async function loadConfiguration(options: LoadOptions): Promise<LoadedConfiguration> {
  const settings: CommandLineSettings = {
    localpeer: options.localpeer ?? null,
    maxconn: options.maxconn ?? 0,
    proxyMaxconn: options.proxyMaxconn ?? 0,
  };
  const configuration = newConfiguration(options.environment ?? process.env);
  const { diagnostics, environment } = configuration;
  const sections = new SectionReader(configuration);
  readConfiguration({
    paths: options.files,
    environment,
    diagnostics,
    localpeer: settings.localpeer ?? hostname(),
    onFile: () => sections.startFile(),
    onLine: (line, context) => sections.line(line, context),
  });
  // HAProxy checks sections against each other only when each is right by itself, and so it resolves names.
  const isReadable = !diagnostics.hasErrors;
  if (isReadable) {
    addDefaultResolvers(configuration);
    checkConfiguration(configuration);
    loadServerStates(configuration);
    await resolveNames(configuration, options.lookup ?? systemLookup, options.ignoreResolutionFailures ?? false);
  }
  const hasListeners = configuration.proxies.some((proxy) => proxy.binds.length > 0);
  const plan = diagnostics.hasErrors ? null : buildPlan(configuration, settings);
  const acls = new Map(configuration.proxies.map(({ name, acls: own }) => [name, [...own.keys()]]));
  return { plan, diagnostics, environment, hasListeners, acls };
}
