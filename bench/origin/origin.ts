// The origin behind every proxy: nginx where it is installed, because it is much faster than what is measured; else node-origin.ts.
//
//   GET /          46 bytes
//   GET /10k       10 KiB
//   GET /1m        1 MiB
//   GET /bytes/N   N bytes in the pattern of pattern.ts   (node-origin only)
//   POST /sink     reads everything, answers how many bytes came and whether they were the pattern   (node-origin only)

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cores, pinned } from "../cores.ts";
import { findProgram, freePort, REPOSITORY, Server } from "../programs.ts";
import { SMALL_ANSWER } from "./pattern.ts";

export interface Origin {
  readonly port: number;
  readonly program: string;
  stop(): Promise<void>;
}

/** @param checked the scenario needs the paths that only node-origin serves */
export async function startOrigin(folder: string, cores: Cores, checked: boolean): Promise<Origin> {
  const port = await freePort();
  const nginx = checked ? null : findProgram("nginx");
  const command = nginx === null ? nodeCommand(port) : nginxCommand(nginx, port, folder);
  const server = await Server.start(pinned(cores.others, command), port);
  return { port, program: nginx === null ? "node" : "nginx", stop: () => server.stop() };
}

function nodeCommand(port: number): string[] {
  return [process.execPath, join(REPOSITORY, "dist/bench/origin/node-origin.js"), String(port)];
}

function nginxCommand(program: string, port: number, folder: string): string[] {
  const root = join(folder, "root");
  mkdirSync(root);
  writeFileSync(join(root, "10k"), Buffer.alloc(10 << 10, "ringway "));
  writeFileSync(join(root, "1m"), Buffer.alloc(1 << 20, "ringway "));
  const path = join(folder, "origin.conf");
  writeFileSync(
    path,
    `worker_processes 1;
daemon off;
master_process off;
pid ${folder}/origin.pid;
error_log stderr crit;
worker_rlimit_nofile 20000;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path ${folder}/origin-body;
  proxy_temp_path ${folder}/origin-proxy;
  fastcgi_temp_path ${folder}/origin-fastcgi;
  uwsgi_temp_path ${folder}/origin-uwsgi;
  scgi_temp_path ${folder}/origin-scgi;
  sendfile on;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = / { return 200 "${SMALL_ANSWER.trimEnd()}\\n"; }
    location / { root ${root}; }
  }
}
`,
  );
  return [program, "-p", folder, "-c", path];
}
