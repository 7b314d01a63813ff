// Small commands about the process itself: `show version`, `show env`, `show backend`, `show cli sockets`.

import type { BoundStatsSocket } from "../control-plane.ts";
import { type Command, failure, message } from "./command.ts";

export const showVersion: Command = {
  words: ["show", "version"],
  usage: "show version",
  description: "show version of the current process",
  level: "user",
  run: (_call, { control }) => message(`${control.process.version}\n`),
};

export const showEnv: Command = {
  words: ["show", "env"],
  usage: "show env [var]",
  description: "dump environment variables known to the process",
  level: "operator",
  run({ args }) {
    if (args.length > 0) {
      const value = process.env[args[0]];
      return value === undefined ? failure("Variable not found\n") : { text: `${args[0]}=${value}\n` };
    }
    return {
      text: Object.entries(process.env)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(""),
    };
  },
};

export const showBackend: Command = {
  words: ["show", "backend"],
  usage: "show backend",
  description: "list backends in the current running config",
  level: "user",
  run(_call, { control }) {
    const names = control.plan.proxies.filter((proxy) => proxy.backend !== null).map((proxy) => `${proxy.name}\n`);
    return { text: `# name\n${names.join("")}` };
  },
};

export const showCliSockets: Command = {
  words: ["show", "cli", "sockets"],
  usage: "show cli sockets",
  description: "dump list of cli sockets",
  level: "user",
  run: (_call, { control }) => ({ text: `# socket lvl processes\n${control.statsSockets.map(socketLine).join("")}` }),
};

function socketLine({ plan, fd }: BoundStatsSocket): string {
  return `${socketName(plan.address, fd)} ${plan.level} all\n`;
}

/** `unix@/run/x.sock`, `ipv4@127.0.0.1:9999`. */
export function socketName(address: BoundStatsSocket["plan"]["address"], fd: number): string {
  switch (address.kind) {
    case "unix":
      return `unix@${address.path}`;
    case "abns":
      return `abns@${address.name}`;
    case "ipv4":
      return `ipv4@${address.host}:${address.port}`;
    case "ipv6":
      return `ipv6@[${address.host}]:${address.port}`;
    default:
      return `fd@${fd}`;
  }
}
