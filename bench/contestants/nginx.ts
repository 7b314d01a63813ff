// nginx as a reverse proxy with one worker and kept-alive connections to its origin.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Contestant, Duty } from "./contestant.ts";

/** As many idle connections to the origin as the largest scenario has clients. */
const IDLE_ORIGIN_CONNECTIONS = 1024;

function configuration(duty: Duty): string {
  const log =
    duty.logPort === null ? "access_log off;" : `access_log syslog:server=127.0.0.1:${duty.logPort},facility=local0;`;
  const tls =
    duty.certificate === null
      ? ""
      : ` ssl; ssl_certificate ${duty.certificate}; ssl_certificate_key ${duty.certificate}`;
  return `worker_processes 1;
daemon off;
master_process off;
pid ${duty.folder}/nginx.pid;
error_log stderr crit;
worker_rlimit_nofile 20000;
events { worker_connections ${duty.connectionsMax + IDLE_ORIGIN_CONNECTIONS + 64}; }
http {
  ${log}
  client_body_temp_path ${duty.folder}/body;
  proxy_temp_path ${duty.folder}/proxy;
  fastcgi_temp_path ${duty.folder}/fastcgi;
  uwsgi_temp_path ${duty.folder}/uwsgi;
  scgi_temp_path ${duty.folder}/scgi;
  client_max_body_size 0;
  keepalive_requests 1000000000;
  keepalive_timeout 60s;
  tcp_nodelay on;
  upstream origin {
    server 127.0.0.1:${duty.originPort};
    keepalive ${IDLE_ORIGIN_CONNECTIONS};
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${duty.port} backlog=4096${duty.http2 ? " http2" : ""}${tls};
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
    }
  }
}
`;
}

/** An installed nginx at `program`. */
export function nginx(program: string): Contestant {
  const version = versionOf(program);
  return {
    name: `nginx ${version}`,
    refuses: (duty) =>
      duty.mode === "tcp"
        ? "its stream module is seldom installed"
        : duty.rules > 0 || duty.servers > 1 || duty.sticks
          ? "it has no such rules"
          : null,
    command: (duty) => {
      const path = join(duty.folder, "nginx.conf");
      writeFileSync(path, configuration(duty));
      return [program, "-p", duty.folder, "-c", path];
    },
  };
}

/** `nginx -v` speaks on stderr. */
function versionOf(program: string): string {
  const said = execFileSync("sh", ["-c", `"${program}" -v 2>&1`], { encoding: "latin1" });
  return /nginx\/(\S+)/.exec(said)?.[1] ?? "?";
}
