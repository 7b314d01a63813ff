// HAProxy and ringway: the same configuration file, so that what is compared does the same.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../programs.ts";
import type { Contestant, Duty } from "./contestant.ts";

/** One worker, one server, forwardfor as nearly every deployment has it; nothing that only one of the two would do. */
function configuration(duty: Duty): string {
  const log = duty.logPort === null ? "" : `    log 127.0.0.1:${duty.logPort} local0\n    option ${duty.mode}log\n`;
  const http = duty.mode === "http" ? "    option forwardfor\n" : "";
  const tls =
    duty.certificate === null ? "" : ` ssl crt ${duty.certificate} alpn ${duty.http2 ? "h2,http/1.1" : "http/1.1"}`;
  return `global
    nbthread 1
    maxconn ${duty.connectionsMax}

defaults
    mode ${duty.mode}
    timeout connect 5s
    timeout client 1m
    timeout server 1m
${log}${http}
frontend main
    bind 127.0.0.1:${duty.port}${tls}
${rules(duty.rules)}    default_backend origin

backend origin
    balance ${duty.balance}
${duty.sticks ? STICKS : ""}${servers(duty)}`;
}

const STICKS = `    cookie S insert indirect nocache
    stick-table type ip size 100k expire 1m store http_req_rate(10s)
    http-request track-sc0 src
`;

function servers({ servers, originPort, sticks }: Duty): string {
  return Array.from({ length: servers }, (_, i) => {
    const cookie = sticks ? ` cookie c${i}` : "";
    return `    server o${i + 1} 127.0.0.1:${originPort}${cookie}\n`;
  }).join("");
}

/** Rules as configurations have them: most look at a path, a header or an address and go on, some set something. */
function rules(count: number): string {
  const kinds = [
    (i: number) => `http-request deny if { path_beg /admin${i}/ }`,
    (i: number) => `http-request set-var(txn.v${i}) str(${i})`,
    (i: number) => `http-request deny if { req.hdr(x-denied-${i}) -m found }`,
    (i: number) => `http-request set-header x-network ${i} if { src 10.${i}.0.0/16 }`,
    (i: number) => `http-request redirect location /new${i} if { path /old${i} } or { hdr(host) -i old${i}.example }`,
  ];
  return Array.from({ length: count }, (_, i) => `    ${kinds[i % kinds.length]!(i)}\n`).join("");
}

function writeConfiguration(duty: Duty): string {
  const path = join(duty.folder, "haproxy.cfg");
  writeFileSync(path, configuration(duty));
  return path;
}

/** An installed HAProxy at `program`. */
export function haproxy(program: string): Contestant {
  const version = /version (\d+\.\d+[^\s-]*)/.exec(execFileSync(program, ["-v"], { encoding: "latin1" }))?.[1] ?? "?";
  return {
    name: `haproxy ${version}`,
    refuses: () => null,
    command: (duty) => [program, "-db", "-f", writeConfiguration(duty)],
  };
}

/** This repository's build. @param engine the one to be used in place of the best that there is */
export function ringway(engine: "epoll" | null = null): Contestant {
  const main = join(REPOSITORY, "dist/proxy/main.js");
  const flags = engine === null ? [] : [`--engine=${engine}`];
  return {
    name: engine === null ? "ringway" : `ringway ${engine}`,
    refuses: () => null,
    command: (duty) => [process.execPath, main, "-db", ...flags, "-f", writeConfiguration(duty)],
  };
}
