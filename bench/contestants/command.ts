// Any other proxy, given on the command line: `--contestant 'name=program --listen {port} --origin {originPort}'`. It serves mode http,
// keep-alive, without logging; what it refuses is told by its failed requests.

import type { Contestant } from "./contestant.ts";

export function commandContestant(definition: string): Contestant {
  const match = /^([^=]+)=(.+)$/.exec(definition);
  if (match === null) throw new Error(`--contestant ${definition}: expected name=command`);
  const words = match[2]!.split(" ");
  return {
    name: match[1]!,
    refuses: (duty) =>
      duty.mode === "tcp" || duty.logPort !== null || duty.rules > 0 || duty.servers > 1 || duty.sticks
        ? "it is started without options"
        : null,
    command: (duty) =>
      words.map((word) =>
        word.replaceAll("{port}", String(duty.port)).replaceAll("{originPort}", String(duty.originPort)),
      ),
  };
}
