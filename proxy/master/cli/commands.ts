// The master's own commands: management.txt, section 9.4.1. Everything else is for a generation and needs a prefix.

import type { Level } from "../../control/runtime-api/command.ts";
import { helpText, type Listed, unknownCommand } from "../../control/runtime-api/help.ts";
import { VERSION } from "../../control/version.ts";
import type { Generation } from "../generation.ts";
import type { Master } from "../master.ts";
import type { MasterSettings } from "./session.ts";

const SECONDS_PER_DAY = 86_400;
const SECONDS_PER_HOUR = 3_600;
const SECONDS_PER_MINUTE = 60;
const COLUMN = 16;

export interface MasterCommand {
  readonly words: readonly string[];
  readonly usage: string;
  readonly description: string;
  readonly level: Level;
  run(args: readonly string[], settings: MasterSettings, master: Master): string | Promise<string>;
}

const RANK: Readonly<Record<Level, number>> = { user: 0, operator: 1, admin: 2 };

function lower(level: Level): MasterCommand {
  return {
    ...{ words: [level], usage: level, level: "user" },
    description: `lower the level of the current CLI session to ${level}`,
    run: (_args, settings) => {
      if (RANK[settings.level] < RANK[level]) return "Permission denied\n";
      settings.level = level;
      return "";
    },
  };
}

/** They hold for what is sent to a generation, too. */
function mode(name: "expert" | "experimental"): MasterCommand {
  return {
    ...{ words: [`${name}-mode`], usage: `${name}-mode [on|off]`, level: "admin" },
    description: `${name} commands in the processes`,
    run: (args, settings) => {
      if (args[0] === "on" || args[0] === "off") {
        settings[name] = args[0] === "on";
        return "";
      }
      return `${name}-mode is ${settings[name] ? "ON" : "OFF"}\n`;
    },
  };
}

const PROMPT_USAGE = `Usage: prompt [help | i | p | timed]*
Changes the default prompt and interactive mode. Available options:
  help    display this help
  i       set to interactive mode only (no prompt, multi-command)
  p       set to prompt+interactive mode (prompt + multi-command)
  timed   toggle displaying the current date in the prompt
Without any argument, toggles between i<->p.
`;

function changePrompt(args: readonly string[], settings: MasterSettings): string {
  if (args.length === 0) {
    settings.prompt = !settings.prompt;
    settings.interactive = settings.prompt;
  }
  for (const word of args) {
    if (word === "n") settings.prompt = settings.interactive = false;
    else if (word === "i" || word === "p") {
      settings.interactive = true;
      settings.prompt = word === "p";
    } else if (word === "timed") settings.timedPrompt = !settings.timedPrompt;
    else return PROMPT_USAGE;
  }
  return "";
}

function showEnv([name]: readonly string[]): string {
  if (name === undefined)
    return Object.entries(process.env)
      .map(([key, value]) => `${key}=${value}\n`)
      .join("");
  const value = process.env[name];
  return value === undefined ? "Variable not found\n" : `${name}=${value}\n`;
}

/** Prefixes are no commands, but whoever asks for help wants to know them. */
const PREFIXES: readonly Listed[] = [
  { words: ["@!<pid>"], usage: "@!<pid>", description: "send a command to the <pid> process" },
  { words: ["@<relative pid>"], usage: "@<relative pid>", description: "send a command to the <relative pid> process" },
  { words: ["@master"], usage: "@master", description: "send a command to the master process" },
];

const LISTED: readonly MasterCommand[] = [
  {
    ...{ words: ["echo"], usage: "echo <text>", description: "print text to the output", level: "user" },
    run: (args) => `${args.join(" ")}\n`,
  },
  {
    ...{ words: ["hard-reload"], usage: "hard-reload", level: "admin" },
    description: "achieve a hard-reload (-st) of haproxy",
    run: (_args, _settings, master) => reload(master, true),
  },
  lower("operator"),
  {
    ...{ words: ["reload"], usage: "reload", level: "admin" },
    description: "achieve a soft-reload (-sf) of haproxy",
    run: (_args, _settings, master) => reload(master, false),
  },
  {
    ...{ words: ["set", "severity-output"], usage: "set severity-output [none|number|string]", level: "user" },
    description: "set presence of severity level in feedback information",
    run: (args, settings) => {
      const wanted = args[0];
      if (wanted !== "none" && wanted !== "number" && wanted !== "string")
        return "one of 'none', 'number', 'string' is a required argument\n";
      settings.severityOutput = wanted;
      return "";
    },
  },
  {
    ...{ words: ["show", "cli", "level"], usage: "show cli level", level: "user" },
    description: "display the level of the current CLI session",
    run: (_args, settings) => `${settings.level}\n`,
  },
  {
    ...{ words: ["show", "cli", "sockets"], usage: "show cli sockets", level: "user" },
    description: "dump list of cli sockets",
    run: (_args, settings) => `# socket lvl processes\n${settings.sockets.map((line) => `${line} master\n`).join("")}`,
  },
  {
    ...{ words: ["show", "env"], usage: "show env [var]", level: "operator" },
    description: "dump environment variables known to the process",
    run: (args) => showEnv(args),
  },
  {
    ...{ words: ["show", "proc"], usage: "show proc", description: "show processes status", level: "user" },
    run: (args, _settings, master) => showProc(master, args[0] === "debug"),
  },
  {
    ...{ words: ["show", "startup-logs"], usage: "show startup-logs", level: "operator" },
    description: "report logs emitted during HAProxy startup",
    run: (_args, _settings, master) => master.startupLog,
  },
  {
    ...{ words: ["show", "version"], usage: "show version", level: "user" },
    description: "show version of the current process",
    run: () => `${VERSION}\n`,
  },
  lower("user"),
  {
    ...{ words: ["help"], usage: "help [<command>]", description: "list matching or all commands", level: "user" },
    run: (args) => helpText([...PREFIXES, ...LISTED], args),
  },
  {
    ...{ words: ["prompt"], usage: "prompt [help | n | i | p | timed ]*", level: "user" },
    description: "toggle interactive mode with prompt",
    run: changePrompt,
  },
  {
    ...{ words: ["quit"], usage: "quit", description: "disconnect", level: "user" },
    run: (_args, settings) => quit(settings),
  },
];

/** Known, but not listed, as in HAProxy. */
const COMMANDS: readonly MasterCommand[] = [...LISTED, mode("expert"), mode("experimental")];

export function findMasterCommand(words: readonly string[]): MasterCommand | undefined {
  return COMMANDS.find((command) => command.words.every((word, i) => words[i] === word));
}

export function unknownMasterCommand(words: readonly string[]): string {
  return unknownCommand([...PREFIXES, ...LISTED], words).text;
}

function quit(settings: MasterSettings): string {
  settings.quit = true;
  return "";
}

/** `Success=1`, a line of dashes, and what was said. */
async function reload(master: Master, hard: boolean): Promise<string> {
  const { success, log } = await master.reload(hard);
  return `Success=${success ? 1 : 0}\n--\n${log}`;
}

function showProc(master: Master, debug: boolean): string {
  const row = (pid: number, type: string, reloads: string, startedAtMs: number): string =>
    `${String(pid).padEnd(COLUMN)}${type.padEnd(COLUMN)}${reloads.padEnd(COLUMN)}${uptime(startedAtMs).padEnd(COLUMN)}${VERSION}\n`;
  const generation = (each: Generation): string =>
    row(each.pid, "worker", String(master.reloads - each.options.reloads), each.startedAtMs);
  const head = ["#<PID>", "<type>", "<reloads>", "<uptime>"].map((title) => title.padEnd(COLUMN)).join("");
  const { current, retired, standby } = master;
  // Tools know the sections of HAProxy's table: what it has not is only shown to those who ask for more.
  const standbyLines = !debug || standby === null ? [] : [`# standby (${standby.state})\n`, generation(standby)];
  return [
    `${head}<version>\n`,
    row(process.pid, "master", `${master.reloads} [failed: ${master.failedReloads}]`, master.startedAtMs),
    "# workers\n",
    current === null ? "" : generation(current),
    retired.length === 0 ? "" : "# old workers\n",
    ...retired.map(generation),
    ...standbyLines,
    "# programs\n",
  ].join("");
}

/** `0d00h02m07s`. */
function uptime(startedAtMs: number): string {
  const seconds = Math.floor((Date.now() - startedAtMs) / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = two(Math.floor((seconds % SECONDS_PER_DAY) / SECONDS_PER_HOUR));
  const minutes = two(Math.floor((seconds % SECONDS_PER_HOUR) / SECONDS_PER_MINUTE));
  return `${Math.floor(seconds / SECONDS_PER_DAY)}d${hours}h${minutes}m${two(seconds % SECONDS_PER_MINUTE)}s`;
}
