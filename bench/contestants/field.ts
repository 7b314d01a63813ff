// Who takes part in a run: what is installed, and what the command line adds.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Options } from "../options.ts";
import { findProgram, REPOSITORY } from "../programs.ts";
import { commandContestant } from "./command.ts";
import type { Contestant } from "./contestant.ts";
import { haproxy, ringway } from "./haproxy.ts";
import { nginx } from "./nginx.ts";
import { nodeProxy } from "./node-proxy.ts";

export function contestants(options: Options): Contestant[] {
  const installedHaproxy = findProgram("haproxy");
  const installedNginx = findProgram("nginx");
  const all = [
    ...(existsSync(join(REPOSITORY, "dist/proxy/main.js")) ? [ringway(), ringway("epoll")] : []),
    ...(installedHaproxy === null ? [] : [haproxy(installedHaproxy)]),
    ...options.haproxy.map(haproxy),
    ...(installedNginx === null ? [] : [nginx(installedNginx)]),
    nodeProxy(),
    ...options.contestants.map(commandContestant),
  ];
  if (options.only.length === 0) return all;
  return all.filter(({ name }) => options.only.some((beginning) => name.startsWith(beginning)));
}
