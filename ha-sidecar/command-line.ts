// The command line: keepalived's flags (keepalived(8)), and `status` and `drill`, which are ours. One row per flag; usage text and parser derive from the
// table. A flag is served, accepted without effect (the row says why that is honest), or refused with a sentence; none is silently ignored.

export interface CommandLine {
  /** -f; null: keepalived's default path. */
  readonly file: string | null;
  /** -t: check the configuration and exit; a path: write the result there; "": to standard error. null: not asked for. */
  readonly test: string | null;
  /** -i. */
  readonly configId: string | null;
  /** --peer, ours, with -t: the other machine's configuration, to be compared with this one; null: not asked for. */
  readonly peer: string | null;
  /** --peer-id, ours: the other machine's configuration id; null: the same. */
  readonly peerId: string | null;
  /** -e: every included file must be there. */
  readonly allConfig: boolean;
  /** -P: instances only, -C: virtual servers only; both or none: everything. */
  readonly vrrpOnly: boolean;
  readonly checkersOnly: boolean;
  /** -s; null: not given. */
  readonly namespace: string | null;
  /** -u, overrules the configuration; null: not given. */
  readonly umask: number | null;
  /** -p, -r, -c and -b: files that get the process's number. */
  readonly pidFiles: readonly string[];
  /** -R: end when the VRRP thread dies instead of starting it again. */
  readonly dontRespawn: boolean;
  /** --control-socket, ours: overrules the configuration. */
  readonly controlSocket: string | null;
}

export type CommandLineResult =
  | { readonly kind: "run"; readonly options: CommandLine }
  /** `drill`: let the running daemon rehearse a failover; null: of the only instance that is MASTER. */
  | { readonly kind: "drill"; readonly controlSocket: string | null; readonly instance: string | null }
  /** `status`: ask the running daemon. */
  | { readonly kind: "status"; readonly controlSocket: string | null; readonly json: boolean }
  /** Print on standard output, exit 0. */
  | { readonly kind: "text"; readonly text: string }
  /** Print on standard error, exit 1. */
  | { readonly kind: "refused"; readonly message: string };

type Refused = Extract<CommandLineResult, { kind: "refused" }>;

interface Draft {
  file: string | null;
  test: string | null;
  peer: string | null;
  peerId: string | null;
  configId: string | null;
  allConfig: boolean;
  vrrpOnly: boolean;
  checkersOnly: boolean;
  namespace: string | null;
  umask: number | null;
  pidFiles: string[];
  dontRespawn: boolean;
  controlSocket: string | null;
}

interface Flag {
  readonly short: string | null;
  readonly long: string;
  /** `optional`: only as `--long=value` or `-t=value`. */
  readonly value: "none" | "required" | "optional";
  readonly help: string;
  /** What it returns ends the program: a text is printed, a refusal is told. */
  readonly apply: (draft: Draft, value: string) => unknown;
  /** Why it is refused. */
  readonly refusal?: string;
}

const nothing = () => undefined;
/** For flags without effect. */
const inForeground = "accepted: this program stays in the foreground and logs to standard output";

const SIGNALS: Readonly<Record<string, number>> = { STOP: 15, RELOAD: 1, DATA: 10, STATS: 12 };

const FLAGS: readonly Flag[] = [
  flag("f", "use-file", "required", "FILE  configuration file", (draft, value) => {
    draft.file = value;
  }),
  flag("t", "config-test", "optional", "[=FILE]  check the configuration, write the result to FILE", (draft, value) => {
    draft.test = value;
  }),
  flag(null, "peer", "required", "FILE  with -t: compare with the other machine's file (ours)", (draft, value) => {
    draft.peer = value;
  }),
  flag(null, "peer-id", "required", "ID  its configuration id, when one file serves both (ours)", (draft, value) => {
    draft.peerId = value;
  }),
  flag("i", "config-id", "required", "ID  what @conditions are compared with", (draft, value) => {
    draft.configId = value;
  }),
  flag("e", "all-config", "none", "every included file must be there", (draft) => {
    draft.allConfig = true;
  }),
  flag("p", "pid", "required", "FILE  gets the number of the process", (draft, value) => {
    draft.pidFiles.push(value);
  }),
  ...(["r vrrp_pid", "c checkers_pid", "b bfd_pid"] as const).map((names) => {
    const [short, long] = names.split(" ");
    return flag(short!, long!, "required", "FILE  the same number: there is one process", (draft, value) => {
      draft.pidFiles.push(value);
    });
  }),
  flag("R", "dont-respawn", "none", "end when the VRRP thread dies", (draft) => {
    draft.dontRespawn = true;
  }),
  flag(
    "s",
    "namespace",
    "required",
    "NAME  run in this network namespace (overrules net_namespace)",
    (draft, value) => {
      draft.namespace = value;
    },
  ),
  flag(null, "control-socket", "required", "PATH  where `status` asks (ours)", (draft, value) => {
    draft.controlSocket = value;
  }),
  flag("n", "dont-fork", "none", inForeground, nothing),
  flag("l", "log-console", "none", inForeground, nothing),
  flag("G", "no-syslog", "none", inForeground, nothing),
  flag("D", "log-detail", "none", "accepted: the log is always detailed", nothing),
  flag("P", "vrrp", "none", "only instances, no virtual servers", (draft) => {
    draft.vrrpOnly = true;
  }),
  flag("C", "check", "none", "only virtual servers, no instances", (draft) => {
    draft.checkersOnly = true;
  }),
  flag(null, "all", "none", "accepted: there is one process", nothing),
  flag("u", "umask", "required", "MASK  for files that are made", (draft, value) => {
    // As C writes numbers: 022 is octal, 18 the same.
    const mask = /^0[0-7]*$/.test(value) ? Number.parseInt(value, 8) : /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(mask <= 0o777)) return refusal(`--umask: '${value}' is no mask`);
    draft.umask = mask;
    return undefined;
  }),
  flag(null, "signum", "required", "NAME  print the number of a signal and exit", (_, value) => {
    const number = SIGNALS[value];
    return number === undefined ? `unknown signal '${value}'\n` : `${number}\n`;
  }),
  flag(
    "v",
    "version",
    "none",
    "print the version and exit",
    () => "ringway-ha 0.1.0 (speaks to keepalived 2.2, 2.3)\n",
  ),
  flag("h", "help", "none", "print this and exit", () => usage()),
  refused("B", "no_bfd", "none", "leave the bfd_instance out of the configuration"),
  refused("d", "dump-conf", "none", "it is not served; SIGUSR1 writes the state to /tmp/keepalived.data"),
  refused("S", "log-facility", "required", "there is no syslog output; the log goes to standard output"),
  refused("g", "log-file", "optional", "there is no log file; the log goes to standard output"),
  refused(
    "V",
    "dont-release-vrrp",
    "none",
    "a killed daemon keeps its addresses and adopts them; a stopped one hands over",
  ),
  refused("I", "dont-release-ipvs", "none", "rules of virtual servers end with the daemon"),
  refused("X", "release-vips", "none", "addresses are always given up with the role"),
  refused("a", "address-monitoring", "none", "`ip monitor address` does that"),
  refused("T", "genhash", "none", "the checker's log says which digest it got"),
  refused("M", "core-dump-pattern", "required", "Node has --abort-on-uncaught-exception for that"),
  refused("A", "snmp-agent-socket", "required", "there is no SNMP agent"),
  refused("m", "core-dump", "none", "Node has --abort-on-uncaught-exception for that"),
  refused("x", "snmp", "none", "there is no SNMP agent"),
];

function flag(short: string | null, long: string, value: Flag["value"], help: string, apply: Flag["apply"]): Flag {
  return { short, long, value, help, apply };
}

function refused(short: string, long: string, value: Flag["value"], why: string): Flag {
  return { short, long, value, help: `not served: ${why}`, apply: nothing, refusal: why };
}

function refusal(message: string): Refused {
  return { kind: "refused", message };
}

export function usage(): string {
  const rows = FLAGS.map(({ short, long, help }) => {
    return `  ${short === null ? "   " : `-${short},`} ${`--${long}`.padEnd(18)} ${help}\n`;
  });
  return `usage: ringway-ha [flags]\n       ringway-ha status [--json] [--control-socket PATH]\n       ringway-ha drill [INSTANCE] [--control-socket PATH]\n\n${rows.join("")}`;
}

/** `words`: the arguments without program names. */
export function parseCommandLine(words: readonly string[]): CommandLineResult {
  if (words[0] === "status") return parseStatus(words.slice(1));
  if (words[0] === "drill") return parseDrill(words.slice(1));
  const draft: Draft = {
    file: null,
    test: null,
    peer: null,
    peerId: null,
    configId: null,
    allConfig: false,
    vrrpOnly: false,
    checkersOnly: false,
    namespace: null,
    umask: null,
    pidFiles: [],
    dontRespawn: false,
    controlSocket: null,
  };
  const waiting = [...words];
  for (let word = waiting.shift(); word !== undefined; word = waiting.shift()) {
    const found = find(word, waiting);
    if (typeof found === "string") return { kind: "refused", message: found };
    const { flag, value } = found;
    if (flag.refusal !== undefined) return { kind: "refused", message: `--${flag.long}: ${flag.refusal}` };
    const text = flag.apply(draft, value);
    if (typeof text === "string") return { kind: "text", text };
    if (text !== undefined) return text as Refused;
  }
  if (draft.test === null && (draft.peer !== null || draft.peerId !== null)) {
    return { kind: "refused", message: "--peer and --peer-id need -t" };
  }
  return { kind: "run", options: draft };
}

/** The flag that a word names and its value, which may be the next word. Letters without values may stand together (`-lnD`). */
function find(word: string, waiting: string[]): { flag: Flag; value: string } | string {
  const long = /^--([^=]+)(?:=(.*))?$/.exec(word);
  const short = /^-([A-Za-z])(.*)$/.exec(word);
  if (long === null && short === null) return `'${word}' is no flag (--help lists them)`;
  const name = long?.[1] ?? short![1]!;
  const flag = FLAGS.find((each) => (long === null ? each.short === name : each.long === name));
  if (flag === undefined) return `unknown flag '${word}' (--help lists them)`;
  const rest = long === null ? short![2]! : long[2];
  if (flag.value === "none") {
    if (rest === undefined || rest === "") return { flag, value: "" };
    if (long !== null) return `--${flag.long} takes no value`;
    waiting.unshift(`-${rest}`);
    return { flag, value: "" };
  }
  if (flag.value === "optional") return { flag, value: (rest ?? "").replace(/^=/, "") };
  const value = rest === undefined || rest === "" ? waiting.shift() : rest;
  return value === undefined ? `--${flag.long} needs a value` : { flag, value };
}

function parseStatus(words: readonly string[]): CommandLineResult {
  let controlSocket: string | null = null;
  let json = false;
  const waiting = [...words];
  for (let word = waiting.shift(); word !== undefined; word = waiting.shift()) {
    if (word === "--json") json = true;
    else if (word === "--control-socket" && waiting.length > 0) controlSocket = waiting.shift()!;
    else return { kind: "refused", message: `status: unknown word '${word}'` };
  }
  return { kind: "status", controlSocket, json };
}

function parseDrill(words: readonly string[]): CommandLineResult {
  let controlSocket: string | null = null;
  let instance: string | null = null;
  const waiting = [...words];
  for (let word = waiting.shift(); word !== undefined; word = waiting.shift()) {
    if (word === "--control-socket" && waiting.length > 0) controlSocket = waiting.shift()!;
    else if (instance === null && !word.startsWith("-")) instance = word;
    else return { kind: "refused", message: `drill: unknown word '${word}'` };
  }
  return { kind: "drill", controlSocket, instance };
}
