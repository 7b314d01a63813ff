// The command line: HAProxy's flags (management.txt, section 3), one row per flag. The table is the registry: the parser and the usage text
// derive from it. A flag is served, accepted without effect (and the row says why that is honest), or refused with a sentence; nothing is
// silently ignored.
//
// Difference to HAProxy on purpose: an unknown `-d…` is an error here, where HAProxy takes it for `-d`.

import type { EngineChoice } from "../../shared/reactor/create.ts";
import { isEngine } from "./engine.ts";
import { VERSION_LINES } from "./version.ts";

/** What the command line asks for; `null` means "not given", so that the configuration decides. */
export interface CommandLine {
  /** -f and -- in order: files and directories as written. */
  readonly sources: readonly string[];
  /** -C: change there before files are loaded. */
  readonly directory: string | null;
  /** -c: check only. */
  readonly check: boolean;
  /** -cc: evaluate this condition and exit. */
  readonly condition: string | null;
  readonly daemon: boolean;
  /** -db: stay in the foreground. */
  readonly foreground: boolean;
  /** -d: foreground, and speak in plain lines. */
  readonly debug: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** -dD. */
  readonly diagnostics: boolean;
  /** -dW. */
  readonly zeroWarning: boolean;
  /** -dr. */
  readonly ignoreResolutionFailures: boolean;
  /** -dR: one listening socket for all workers instead of one each. */
  readonly noReusePort: boolean;
  /** -dL. */
  readonly dumpLibraries: boolean;
  /** -dK<class[,class]>: the classes. */
  readonly dumpKeywords: readonly string[];
  readonly pidfile: string | null;
  /** -n; 0 or less: as if not given. */
  readonly maxconn: number | null;
  /** -W, -Ws; and whether systemd wants to be told (-Ws). */
  readonly master: boolean;
  readonly notify: boolean;
  /** -S: addresses of the master CLI, as written. */
  readonly masterSockets: readonly string[];
  /** -sf: processes that are told to finish once we serve; -st: to stop at once. */
  readonly finish: readonly number[];
  readonly terminate: readonly number[];
  /** --engine; null: as the environment says. */
  readonly engine: EngineChoice | null;
  /** -N. */
  readonly maxconnPerProxy: number | null;
  /** -L. */
  readonly localpeer: string | null;
}

export type CommandLineResult =
  | { readonly kind: "run"; readonly options: CommandLine }
  /** -v, -vv: print and exit 0. */
  | { readonly kind: "version"; readonly detailed: boolean }
  /** -dMhelp: print the text and exit 0. */
  | { readonly kind: "text"; readonly text: string }
  /** Usage on stderr, exit 1. `message` is null when nothing was wrong but that nothing was asked for. */
  | { readonly kind: "usage"; readonly message: string | null }
  /** A clear refusal, exit 1. */
  | { readonly kind: "refused"; readonly message: string };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Lists = "sources" | "masterSockets" | "finish" | "terminate";
type Draft = Mutable<Omit<CommandLine, Lists>> & {
  sources: string[];
  masterSockets: string[];
  finish: number[];
  terminate: number[];
};

/** What a flag does to the draft; a result ends parsing. `value` is the next argument, or what is glued to the flag. */
type Effect = (draft: Draft, value: string) => CommandLineResult | undefined;

interface Flag {
  readonly flag: string;
  /** "none": alone. "value": the next argument. "glued": what follows in the same argument, maybe nothing. "pids": numbers until the next option. */
  readonly takes: "none" | "value" | "glued" | "pids";
  readonly effect: Effect;
  /** Its line in the usage text. */
  readonly usage: string;
}

const MEMORY_HELP = `-dM is accepted and changes nothing: ringway's buffers are typed arrays and mapped pages that are allocated once and
cleared by the kernel; there is no allocator whose leftovers could be poisoned.
`;

function refuse(message: string): Effect {
  return () => ({ kind: "refused", message });
}

/** Accepted without effect; the reason stands in the usage text. */
const nothing: Effect = () => undefined;

/** `apply` gets the number; what it returns, if anything, ends parsing. */
function wholeNumber(flag: string, apply: (draft: Draft, value: number) => CommandLineResult | undefined): Effect {
  return (draft, value) => {
    if (/^[+-]?\d+$/.test(value)) return apply(draft, Number(value));
    return { kind: "refused", message: `option ${flag} expects a number, found '${value}'.` };
  };
}

/** A list of process ids, separated by blanks in one argument or by arguments of their own. */
function pids(list: (draft: Draft) => number[]): Effect {
  return (draft, value) => {
    for (const word of value.split(" ").filter((each) => each !== "")) {
      const pid = Number(word);
      if (!/^\d+$/.test(word) || pid <= 0)
        return { kind: "refused", message: `option expects process ids, found '${word}'.` };
      list(draft).push(pid);
    }
    return undefined;
  };
}

function chooseEngine(draft: Draft, word: string): CommandLineResult | undefined {
  if (!isEngine(word))
    return { kind: "refused", message: `--engine is one of auto, io_uring and epoll, found '${word}'.` };
  draft.engine = word;
  return undefined;
}

function limitMemory(_: Draft, megabytes: number): CommandLineResult | undefined {
  if (megabytes <= 0) return undefined;
  const message =
    "-m is not served: Node reserves more address space than it uses; limit the memory with a control group.";
  return { kind: "refused", message };
}

// biome-ignore format: a table is read by its columns
const FLAGS: readonly Flag[] = [
  { flag: "f", takes: "value", effect: (o, v) => { o.sources.push(v); return undefined; }, usage: "-f <cfgfile|cfgdir> adds a file, or the *.cfg files of a directory in lexical order" },
  { flag: "C", takes: "value", effect: (o, v) => { o.directory = v; return undefined; }, usage: "-C <dir> changes to <dir> before loading files" },
  { flag: "c", takes: "none", effect: (o) => { o.check = true; return undefined; }, usage: "-c check mode : only check config files and exit" },
  { flag: "cc", takes: "value", effect: (o, v) => { o.condition = v; return undefined; }, usage: "-cc <condition> evaluates a condition and exits (0: true, 1: false, 2: error)" },
  { flag: "d", takes: "none", effect: (o) => { o.debug = true; return undefined; }, usage: "-d debug mode : stays in foreground and speaks in plain lines" },
  { flag: "db", takes: "none", effect: (o) => { o.foreground = true; return undefined; }, usage: "-db only disables background mode" },
  { flag: "D", takes: "none", effect: (o) => { o.daemon = true; return undefined; }, usage: "-D goes daemon" },
  { flag: "q", takes: "none", effect: (o) => { o.quiet = true; return undefined; }, usage: "-q quiet mode : doesn't display messages" },
  { flag: "V", takes: "none", effect: (o) => { o.verbose = true; return undefined; }, usage: "-V verbose mode (disables quiet mode)" },
  { flag: "v", takes: "none", effect: () => ({ kind: "version", detailed: false }), usage: "-v displays version" },
  { flag: "vv", takes: "none", effect: () => ({ kind: "version", detailed: true }), usage: "-vv displays version, build and run-time facts" },
  { flag: "p", takes: "value", effect: (o, v) => { o.pidfile = v; return undefined; }, usage: "-p <file> writes the pid to this file" },
  { flag: "n", takes: "value", effect: wholeNumber("-n", (o, v) => { o.maxconn = v; return undefined; }), usage: "-n <limit> sets the maximum total # of connections" },
  { flag: "N", takes: "value", effect: wholeNumber("-N", (o, v) => { o.maxconnPerProxy = v; return undefined; }), usage: "-N <limit> sets the default, per-proxy maximum # of connections" },
  { flag: "L", takes: "value", effect: (o, v) => { o.localpeer = v; return undefined; }, usage: "-L <name> sets the local peer name (default to hostname)" },
  { flag: "m", takes: "value", effect: wholeNumber("-m", limitMemory), usage: "-m <megabytes> only 0 (no limit) is served" },
  { flag: "dD", takes: "none", effect: (o) => { o.diagnostics = true; return undefined; }, usage: "-dD diagnostic mode : warn about suspicious configuration statements" },
  { flag: "dW", takes: "none", effect: (o) => { o.zeroWarning = true; return undefined; }, usage: "-dW fails if any warning is emitted" },
  { flag: "dr", takes: "none", effect: (o) => { o.ignoreResolutionFailures = true; return undefined; }, usage: "-dr ignores server address resolution failures" },
  { flag: "dR", takes: "none", effect: (o) => { o.noReusePort = true; return undefined; }, usage: "-dR disables SO_REUSEPORT usage" },
  { flag: "dL", takes: "none", effect: (o) => { o.dumpLibraries = true; return undefined; }, usage: "-dL dumps loaded object files after config checks" },
  { flag: "dK", takes: "glued", effect: (o, v) => { o.dumpKeywords = v.split(",").filter((word) => word !== ""); return undefined; }, usage: "-dK{class[,...]} dumps known keywords (use 'help' for list)" },
  { flag: "dM", takes: "glued", effect: (_, v) => v.split(",").includes("help") ? { kind: "text", text: MEMORY_HELP } : undefined, usage: "-dM[<byte>,help,...] accepted without effect: no allocator to poison" },
  { flag: "dI", takes: "none", effect: nothing, usage: "-dI accepted without effect: nothing is forked" },
  { flag: "de", takes: "none", effect: nothing, usage: "-de, -dp, -dk, -dv accepted without effect: these pollers are not used" },
  { flag: "dp", takes: "none", effect: nothing, usage: "" },
  { flag: "dk", takes: "none", effect: nothing, usage: "" },
  { flag: "dv", takes: "none", effect: nothing, usage: "" },
  { flag: "dS", takes: "none", effect: nothing, usage: "-dS, -dF, -dZ accepted without effect: no splicing, fast-forward or zero-copy to disable" },
  { flag: "dF", takes: "none", effect: nothing, usage: "" },
  { flag: "dZ", takes: "none", effect: nothing, usage: "" },
  { flag: "W", takes: "none", effect: (o) => { o.master = true; return undefined; }, usage: "-W master-worker mode : a master holds the sockets and reloads" },
  { flag: "Ws", takes: "none", effect: (o) => { o.master = o.notify = true; return undefined; }, usage: "-Ws master-worker mode with notifications to systemd" },
  { flag: "S", takes: "value", effect: (o, v) => { o.masterSockets.push(v); return undefined; }, usage: "-S <bind>[,bind options...] serves the master CLI there" },
  { flag: "sf", takes: "pids", effect: pids((o) => o.finish), usage: "-sf/-st [pid ]* finishes/terminates old pids once we serve" },
  { flag: "st", takes: "pids", effect: pids((o) => o.terminate), usage: "" },
  { flag: "x", takes: "value", effect: (_, v) => v === "/dev/null" ? undefined : { kind: "refused", message: "-x is not served: a master (-W) hands listening sockets on; without one, ports are shared with SO_REUSEPORT and -sf ends the old process." }, usage: "-x <unix_socket> only /dev/null is served" },
  { flag: "-engine=", takes: "glued", effect: (o, v) => chooseEngine(o, v), usage: "--engine={auto|io_uring|epoll} what the workers' event loops are built on" },
  { flag: "dt", takes: "glued", effect: refuse("traces (-dt) are not served."), usage: "-dt, -dC, -dc, -dG, -dV, -4 : not served" },
  { flag: "dC", takes: "glued", effect: refuse("dumping the configuration (-dC) is not served."), usage: "" },
  { flag: "dc", takes: "none", effect: refuse("CPU affinity debugging (-dc) is not served."), usage: "" },
  { flag: "dG", takes: "none", effect: refuse("-dG is not served: server names are resolved by getaddrinfo() only."), usage: "" },
  { flag: "dV", takes: "none", effect: refuse("-dV is not served: TLS to servers is not served yet."), usage: "" },
  { flag: "4", takes: "none", effect: refuse("-4 is not served: 'resolvers' sections are not served yet."), usage: "" },
];

const BY_NAME = new Map(FLAGS.map((flag) => [flag.flag, flag]));
const GLUED = FLAGS.filter((flag) => flag.takes === "glued");

/** Parses what follows the program's name. */
export function parseCommandLine(words: readonly string[]): CommandLineResult {
  const draft = emptyDraft();
  let at = 0;
  while (at < words.length) {
    const word = words[at++]!;
    if (word === "--") {
      draft.sources.push(...words.slice(at));
      break;
    }
    if (!word.startsWith("-") || word === "-") return { kind: "usage", message: `unexpected argument '${word}'.` };
    const name = word.slice(1);
    const flag = BY_NAME.get(name) ?? GLUED.find((each) => name.startsWith(each.flag));
    if (flag === undefined) return { kind: "usage", message: `unknown option '${word}'.` };
    let value = name.slice(flag.flag.length);
    if (flag.takes === "value") {
      if (at === words.length) return { kind: "usage", message: `option ${word} expects an argument.` };
      value = words[at++]!;
    }
    if (flag.takes === "pids") {
      const from = at;
      while (at < words.length && !words[at]!.startsWith("-")) at++;
      // An empty list is what `-sf $(pidof …)` gives on the first start: there is nothing to finish.
      value = words.slice(from, at).join(" ");
    }
    const result = flag.effect(draft, value);
    if (result !== undefined) return result;
  }
  if (draft.sources.length === 0 && draft.condition === null) return { kind: "usage", message: null };
  return { kind: "run", options: draft };
}

/** A command line without a single flag. */
export const NO_FLAGS: CommandLine = emptyDraft();

function emptyDraft(): Draft {
  return {
    sources: [],
    directory: null,
    check: false,
    condition: null,
    daemon: false,
    foreground: false,
    debug: false,
    quiet: false,
    verbose: false,
    diagnostics: false,
    zeroWarning: false,
    ignoreResolutionFailures: false,
    noReusePort: false,
    dumpLibraries: false,
    dumpKeywords: [],
    pidfile: null,
    maxconn: null,
    maxconnPerProxy: null,
    localpeer: null,
    master: false,
    notify: false,
    masterSockets: [],
    finish: [],
    terminate: [],
    engine: null,
  };
}

/** Flags with their lines of the usage text, for manual pages and completion. */
export function flagUsages(): readonly { readonly flag: string; readonly usage: string }[] {
  return FLAGS.filter(({ usage }) => usage !== "" && !usage.includes("not served"));
}

/** The usage text, as stderr gets it; the version goes before it on stdout. */
export function usageText(program: string): string {
  const lines = FLAGS.map((flag) => flag.usage).filter((usage) => usage !== "");
  const head = `Usage : ${program} [-f <cfgfile|cfgdir>]* [ -vdVD ] [ -n <maxconn> ] [ -N <maxpconn> ]
        [ -p <pidfile> ] [ -C <dir> ] [-- <cfgfile>*]`;
  return `${head}\n${lines.map((line) => `        ${line}`).join("\n")}\n\n`;
}

/** What -v prints. */
export function versionText(): string {
  return `${VERSION_LINES.join("\n")}\n`;
}
