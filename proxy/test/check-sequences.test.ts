// `tcp-check` rules and protocols' checks side by side with HAProxy: the same configuration, the same servers, the first line that each program logs
// about every one of them.

import { createServer, type Socket } from "node:net";
import t from "tap";
import { findProgram, needs } from "./lab/needs.ts";
import { freePort, freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { showStat } from "./lab/runtime-api.ts";
import { startSyslog } from "./lab/syslog.ts";
import type { Tap } from "./lab/tap.ts";
import { sleep, until } from "./lab/time.ts";

/** What a server does with a connection. */
const SERVERS: Readonly<Record<string, (socket: Socket) => void>> = {
  redis: (socket) =>
    socket.on("data", (bytes) => socket.write(String(bytes).includes("PING") ? "+PONG\r\n" : "-ERR\r\n")),
  loading: (socket) => socket.on("data", () => socket.write("-LOADING Redis is loading\r\n")),
  silent: (socket) => socket.resume(),
  closing: (socket) => socket.end("bye\r\n"),
  mail: (socket) => {
    socket.write("220 hello\r\n");
    socket.on("data", (bytes) =>
      socket.write(String(bytes).startsWith("QUIT") ? "221 bye\r\n" : "250-you\r\n250 ok\r\n"),
    );
  },
  full: (socket) => socket.resume().write("452 no space\r\n"),
  alert: (socket) => socket.on("data", () => socket.write(Buffer.from("15030100020228", "hex"))),
  postgres: (socket) => socket.on("data", () => socket.write(Buffer.from("520000000c0000000501020304", "hex"))),
};

/** Name, server, rules. Those with a mark are only compared in their verdict: HAProxy's texts are the server's. */
const CHECKS: readonly (readonly [name: string, server: string, rules: string])[] = [
  ["ping", "redis", "option tcp-check\n tcp-check connect\n tcp-check send PING\\r\\n\n tcp-check expect string +PONG"],
  ["implicit", "redis", "option tcp-check\n tcp-check send PING\\r\\n\n tcp-check expect rstring ^.PONG"],
  [
    "binary",
    "redis",
    "option tcp-check\n tcp-check send-binary 50494e470d0a\n tcp-check expect binary 2b504f4e47\n tcp-check expect rbinary ^2B504F",
  ],
  ["unwanted", "redis", "option tcp-check\n tcp-check send PING\\r\\n\n tcp-check expect ! string PONG"],
  ["unmatched", "loading", "option tcp-check\n tcp-check send PING\\r\\n\n tcp-check expect min-recv 8 string +PONG"],
  ["commented", "closing", "option tcp-check\n tcp-check comment why\n tcp-check expect rstring ^hello"],
  ["explained", "closing", 'option tcp-check\n tcp-check expect on-error "not today" string hello'],
  ["late", "silent", "option tcp-check\n tcp-check send x\n tcp-check expect string +PONG"],
  ["status", "closing", "option tcp-check\n tcp-check expect error-status L7STS min-recv 1 string hello"],
  ["connects", "redis", "option tcp-check\n tcp-check connect\n tcp-check connect"],
  ["sends", "redis", "option tcp-check\n tcp-check connect\n tcp-check send x"],
  ["redis*", "redis", "option redis-check"],
  ["loading*", "loading", "option redis-check"],
  ["smtp*", "mail", "option smtpchk EHLO me.example"],
  ["smtpfull*", "full", "option smtpchk"],
  ["ssl*", "alert", "option ssl-hello-chk"],
  ["sslno*", "closing", "option ssl-hello-chk"],
  ["pgsql*", "postgres", "option pgsql-check user me"],
  ["pgsqlno*", "closing", "option pgsql-check user me"],
];

t.setTimeout(90_000);

const nameOf = (name: string): string => name.replace("*", "");

t.test("sequences, as HAProxy runs them", needs("haproxy"), async (t) => {
  const ports = new Map<string, number>();
  for (const [name, behave] of Object.entries(SERVERS)) ports.set(name, await serve(t, behave));
  const backends = CHECKS.map(
    ([name, server, rules]) =>
      `backend ${nameOf(name)}\n ${rules}\n server s 127.0.0.1:${ports.get(server)} check inter 2s rise 1 fall 1\n`,
  );
  const says = async (command: readonly string[] | undefined): Promise<Map<string, string>> => {
    const syslog = await startSyslog(t);
    const port = await freePort();
    const config = `global\n log ${syslog.address} local0\n spread-checks 0\ndefaults\n mode tcp\n log global\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n option log-health-checks\nlisten l\n bind 127.0.0.1:${port}\n${backends.join("")}`;
    await startProgram(t, command === undefined ? { config } : { command, config });
    const first = new Map<string, string>();
    await until("every check has been told of", () => {
      for (const { text } of syslog.messages) {
        const [, backend, words] = /Health check for server (\w+)\/s (.*?), check duration/.exec(text) ?? [];
        if (backend !== undefined && !first.has(backend)) first.set(backend, words!);
      }
      return first.size === CHECKS.length;
    });
    return first;
  };
  const [ours, theirs] = await Promise.all([says(undefined), says([findProgram("haproxy")!, "-db"])]);
  for (const [name] of CHECKS) {
    const [mine, his] = [ours.get(nameOf(name))!, theirs.get(nameOf(name))!];
    if (name.endsWith("*")) t.equal(verdict(mine), verdict(his), `${name}: ${mine} | ${his}`);
    else t.equal(mine, his, name);
  }
});

function verdict(words: string): string {
  return /^(?:succeeded|failed), reason: [^,]*/.exec(words)![0];
}

async function serve(t: Tap, behave: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

/** What the agent says next, and what both programs must show then. */
const AGENT_LINES: readonly (readonly [line: string, shown: Readonly<Record<string, string>>])[] = [
  ["up\n", { status: "no check", last_agt: "via agent : up", agent_health: "1" }],
  ["down #out to lunch\n", { status: "DOWN (agent)", last_agt: "via agent : down (out to lunch)", agent_health: "0" }],
  ["UP,50%\r\n", { status: "no check", weight: "50" }],
  ["up 100% maxconn:7\n", { status: "no check", weight: "100", slim: "7" }],
  ["drain\n", { status: "DRAIN (agent)", weight: "100" }],
  ["ready\n", { status: "no check" }],
  ["stopped\n", { status: "DOWN (agent)", last_agt: "via agent : stopped" }],
  ["maint\n", { status: "MAINT" }],
  ["ready up\n", { status: "no check" }],
];

t.test("agents, as HAProxy hears them", needs("haproxy"), async (t) => {
  let line = "up\n";
  const agent = await serve(t, (socket) => socket.end(line));
  const start = async (command: readonly string[] | undefined): Promise<string> => {
    const [port, stats] = await freePorts(2);
    const config = `global\n stats socket 127.0.0.1:${stats} level admin\ndefaults\n mode tcp\n timeout client 5s\n timeout connect 5s\n timeout server 5s\nlisten l\n bind 127.0.0.1:${port}\n server s 127.0.0.1:1 weight 100 agent-check agent-port ${agent} agent-inter 100ms\n`;
    await startProgram(t, command === undefined ? { config } : { command, config });
    return `127.0.0.1:${stats}`;
  };
  const programs = await Promise.all([start(undefined), start([findProgram("haproxy")!, "-db"])]);
  for (const [next, shown] of AGENT_LINES) {
    line = next;
    for (const [i, program] of programs.entries()) {
      const name = i === 0 ? "ringway" : "HAProxy";
      let row: Record<string, string> = {};
      const isShown = async (): Promise<boolean> => {
        row = { ...(await showStat(program)).get("l/s") };
        return Object.entries(shown).every(([column, value]) => row[column] === value);
      };
      for (let tries = 0; tries < 100 && !(await isShown()); tries++) await sleep(50);
      t.match(row, shown, `${name}: ${JSON.stringify(next)}`);
    }
  }
});
