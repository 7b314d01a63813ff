// For hash-oracle.test.ts: the same backends, as text, in a HAProxy that says which server it chose, and in ringway's own balancing.

import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { loadConfiguration } from "../config/load.ts";
import type { Plan } from "../plan/plan.ts";
import { makeContext, makeStream, readHead, setClient } from "../sample/fixture.ts";
import { PROXY, SERVER } from "../shared-state/layout.ts";
import type { Input } from "../stream/input.ts";
import { freePort } from "../test/lab/ports.ts";
import { startProgram } from "../test/lab/program.ts";
import type { Tap } from "../test/lab/tap.ts";
import { within } from "../test/lab/time.ts";
import { compileBalance } from "./compile.ts";
import { publishWeights } from "./sequence.ts";

const TIMEOUTS = "  mode http\n  timeout client 60s\n  timeout connect 10s\n  timeout server 60s\n";
/** Requests that may be under way on the judge's connection. */
const PIPELINED = 64;
const HEAD_END = "\r\n\r\n";

/** A request that the backend of that number is asked about. */
export interface Question {
  readonly target: string;
  /** Header lines, each with its line end. */
  readonly headers?: string;
  /** The client's address, default: whoever connects. */
  readonly source?: string;
  /** Makes it a POST. */
  readonly body?: string;
}

/** The lines of a backend; ORIGIN stands for the address of a server that answers. */
export const ORIGIN = "127.0.0.1:1";

/** `x-b` stands last: HAProxy 3.2 may look at the byte behind a value, which is then a letter. */
function head({ target, headers = "", source, body }: Question, backend: number): string {
  const method = target === "*" ? "OPTIONS" : body === undefined ? "GET" : "POST";
  const length = body === undefined ? "" : `content-length: ${body.length}\r\n`;
  const from = source === undefined ? "" : `x-source: ${source}\r\n`;
  return `${method} ${target} HTTP/1.1\r\nhost: h.example\r\n${headers}${from}${length}x-b: ${backend}${HEAD_END}${body ?? ""}`;
}

/** Lines with the origin's port, of whatever address, in place of 1. */
export function placed(lines: string, originPort: number): string {
  return lines.replace(/(127\.0\.0\.\d+|\[::1\]):1\b/g, `$1:${originPort}`);
}

/** Asks a HAProxy which servers it chooses, in the order of the questions. */
export interface Judge {
  readonly port: number;
  /** Where ORIGIN is, and the same port of other local addresses. */
  readonly originPort: number;
  ask(backend: number, questions: readonly Question[]): Promise<string[]>;
}

/** @param backends the lines of each */
export async function startJudge(t: Tap, haproxy: string, backends: readonly string[]): Promise<Judge> {
  const port = await freePort();
  const originPort = await freePort();
  const sections = backends.map((lines, i) => `backend b${i}\n${placed(lines, originPort)}`);
  const config = `global
  nbthread 1
defaults
${TIMEOUTS}
frontend f
  bind 127.0.0.1:${port}
  http-request set-src req.hdr(x-source) if { req.hdr(x-source) -m found }
  http-response set-header x-server %s
  use_backend b%[req.hdr(x-b)]
frontend origin
  bind :${originPort}
  bind [::1]:${originPort}
  http-request return status 200
${sections.join("\n")}
`;
  await startProgram(t, { config, command: [haproxy], ports: [port, originPort] });
  return {
    port,
    originPort,
    ask: (backend, questions) => within("answers", askAll(port, backend, questions), 120_000),
  };
}

/** Pipelines the questions on one connection. */
function askAll(port: number, backend: number, questions: readonly Question[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1").setEncoding("latin1");
    const servers: string[] = [];
    let received = "";
    let sent = 0;
    const send = (): void => {
      const until = Math.min(questions.length, servers.length + PIPELINED);
      if (sent === until) return;
      socket.write(
        questions
          .slice(sent, until)
          .map((question) => head(question, backend))
          .join(""),
        "latin1",
      );
      sent = until;
    };
    socket.on("connect", send).on("error", reject);
    socket.on("data", (text: string) => {
      const heads = (received + text).split(HEAD_END);
      received = heads.pop()!;
      for (const one of heads) servers.push(/\r\nx-server: (.*)/.exec(one)?.[1] ?? one.slice(0, 40));
      if (servers.length < questions.length) {
        send();
        return;
      }
      socket.destroy();
      resolve(servers);
    });
    socket.on("close", () => reject(new Error(`closed after ${servers.length}: ${questions[servers.length]?.target}`)));
  });
}

/** Ringway's balancing of one backend. */
export interface Candidate {
  /** The name of the server chosen. */
  pick(question: Question): string;
  /** Streams that each server serves. */
  setStreams(streams: readonly number[]): void;
}

/** @param backends the lines of each, as for the judge */
export async function makeCandidates(t: Tap, backends: readonly string[]): Promise<Candidate[]> {
  const file = `${t.testdir()}/backends.cfg`;
  const sections = backends.map((lines, i) => `backend b${i}\n${lines}`);
  writeFileSync(file, `global\n  nbthread 1\ndefaults\n${TIMEOUTS}${sections.join("\n")}\n`, "latin1");
  const { plan, diagnostics } = await loadConfiguration({ files: [file] });
  const faults = diagnostics.list.filter(({ severity }) => severity === "alert");
  if (plan === null) throw new Error(faults.map(({ line, message }) => `${line}: ${message}`).join("\n"));
  return plan.proxies.map((_, index) => makeCandidate(plan, index));
}

function makeCandidate(plan: Plan, index: number): Candidate {
  const ctx = makeContext(plan);
  const { shared } = ctx;
  const proxy = plan.proxies[index]!;
  const servers = proxy.backend!.servers.map((server) => plan.servers[server]!);
  // As the control plane has it: backups take part when no other server does, the first one alone.
  const usable = servers.filter(({ disabled, weight }) => !disabled && weight > 0);
  const active = usable.filter(({ backup }) => !backup);
  const taking = active.length > 0 ? active : usable.slice(0, 1);
  const weights = servers.map((server) => (taking.includes(server) ? server.weight : 0));
  for (const [i, server] of servers.entries()) {
    const at = shared.serverAt(server.index);
    shared.words[at + SERVER.effectiveWeight] = weights[i]!;
    shared.words[at + SERVER.userWeight] = server.weight;
    shared.words[at + SERVER.maxconn] = server.maxconn;
  }
  publishWeights(plan, shared, proxy, weights);
  shared.words[shared.proxyAt(index) + PROXY.generation] = 1;
  const balance = compileBalance(proxy, ctx);
  const stream = makeStream(ctx, head({ target: "/" }, 0));
  let headBytes = 0;
  const input = {
    ...{ start: 0, end: 0, isComplete: true },
    request(): void {
      input.start = stream.request.end;
      input.end = stream.request.start + headBytes;
    },
  };
  ctx.input = input as unknown as Input;
  return {
    pick(question) {
      if (question.source !== undefined) setClient(ctx, question.source);
      const text = head(question, index);
      headBytes = text.length;
      readHead(ctx, stream.request, text);
      const server = balance.pick(stream, -1);
      return server < 0 ? String(server) : plan.servers[server]!.name;
    },
    setStreams(streams) {
      for (const [i, { index: server }] of servers.entries()) {
        shared.words[shared.serverAt(server) + SERVER.served] = streams[i]!;
      }
    },
  };
}
