// Commands about the connection itself: its level, its prompt, its timeout, its end, and `echo`.

import { parseTime } from "../../config/arguments.ts";
import { allows, type Command, failure, type Level, message, NOTHING, PERMISSION_DENIED } from "./command.ts";

const SECOND_MS = 1000;

function lower(level: Level): Command {
  return {
    words: [level],
    usage: level,
    description: `lower the level of the current CLI session to ${level}`,
    level: "user",
    run({ session }) {
      if (!allows(session.level, level)) return PERMISSION_DENIED;
      session.level = level;
      session.expert = false;
      session.experimental = false;
      return NOTHING;
    },
  };
}

export const operator = lower("operator");
export const user = lower("user");

export const showCliLevel: Command = {
  words: ["show", "cli", "level"],
  usage: "show cli level",
  description: "display the level of the current CLI session",
  level: "user",
  run: ({ session }) => message(`${session.level}\n`),
};

export const setTimeoutCli: Command = {
  words: ["set", "timeout"],
  usage: "set timeout [cli] <delay>",
  description: "change a timeout setting",
  level: "user",
  run({ args, session }) {
    if (args[0] !== "cli") return failure("'set timeout' only supports 'cli'.\n");
    if (args[1] === undefined) return failure("Expects an integer value.\n");
    const seconds = parseTime(args[1], "s");
    if (!seconds.ok || seconds.value.trailing !== "" || seconds.value.value < 1) {
      return failure("Invalid timeout value.\n");
    }
    session.timeoutMs = seconds.value.value * SECOND_MS;
    return NOTHING;
  },
};

export const setSeverityOutput: Command = {
  words: ["set", "severity-output"],
  usage: "set severity-output [none|number|string]",
  description: "set presence of severity level in feedback information",
  level: "user",
  run({ args, session }) {
    const [wanted] = args;
    if (wanted !== "none" && wanted !== "number" && wanted !== "string") {
      return failure("one of 'none', 'number', 'string' is a required argument\n");
    }
    session.severityOutput = wanted;
    return NOTHING;
  },
};

const PROMPT_USAGE = `Usage: prompt [help | n | i | p | timed]*
Changes the default prompt and interactive mode. Available options:
  help    display this help
  n       set to single-command mode (no prompt, single command)
  i       set to interactive mode only (no prompt, multi-command)
  p       set to prompt+interactive mode (prompt + multi-command)
  timed   toggle displaying the current date in the prompt
Without any argument, toggles between n/i->p, p->n.
`;

export const prompt: Command = {
  words: ["prompt"],
  usage: "prompt [help | n | i | p | timed ]*",
  description: "toggle interactive mode with prompt",
  level: "user",
  run({ args, session }) {
    if (args.length === 0) session.mode = session.mode === "prompt" ? "single" : "prompt";
    for (const word of args) {
      if (word === "n") session.mode = "single";
      else if (word === "i") session.mode = "interactive";
      else if (word === "p") session.mode = "prompt";
      else if (word === "timed") {
        session.timedPrompt = !session.timedPrompt;
        if (session.timedPrompt) session.mode = "prompt";
      } else return message(PROMPT_USAGE);
    }
    return NOTHING;
  },
};

export const quit: Command = {
  words: ["quit"],
  usage: "quit",
  description: "disconnect",
  level: "user",
  run({ session }) {
    session.quit = true;
    return NOTHING;
  },
};

export const echo: Command = {
  words: ["echo"],
  usage: "echo <text>",
  description: "print text to the output",
  level: "user",
  run: ({ args }) => message(`${args.join(" ")}\n`),
};

function mode(name: "expert" | "experimental"): Command {
  return {
    words: [`${name}-mode`],
    usage: null,
    description: `set ${name} mode`,
    level: "admin",
    run({ args, session }) {
      if (args[0] === "on") session[name] = true;
      else if (args[0] === "off") session[name] = false;
      else return message(`${name}-mode is ${session[name] ? "ON" : "OFF"}\n`);
      return NOTHING;
    },
  };
}

/** Clients send them in front of commands; no command of ours needs either. */
export const expertMode = mode("expert");
export const experimentalMode = mode("experimental");
