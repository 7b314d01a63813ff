// Connections that were accepted over a limit and wait unread for a place (listener/accept.ts), and what may happen meanwhile: they
// leave, the frontend is switched off and on, the program is to stop. No listener may forget to accept because of it.

import t from "tap";
import { basics } from "./lab/config.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram, type Teardown } from "./lab/program.ts";
import { connect, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { command, showStat } from "./lab/runtime-api.ts";
import { sleep, until } from "./lab/time.ts";

t.setTimeout(120_000);

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SETTLE_MS = 150;

async function start(parent: Teardown, frontend: string) {
  const origin = await startRawOrigin(parent);
  origin.onConnection = (connection) => connection.socket.on("data", () => connection.send(OK));
  const [port, stats] = await freePorts(2);
  const program = await startProgram(parent, {
    config: `${basics(`nbthread 1\nstats socket 127.0.0.1:${stats} level admin`)}
listen main
  bind 127.0.0.1:${port}
  ${frontend}
  server s 127.0.0.1:${origin.port}
`,
  });
  return { origin, port, api: `127.0.0.1:${stats}`, program };
}

/** A client that has got its answer and stays. */
async function served(parent: Teardown, port: number): Promise<RawSocket> {
  const client = await connect(parent, port);
  client.send(GET);
  await client.response();
  return client;
}

t.test("a soft stop lets parked connections go", async (t) => {
  for (const mode of ["http", "tcp"]) {
    const { port, program } = await start(t, `maxconn 1\n  mode ${mode}`);
    const first = await served(t, port);
    const parked = [await connect(t, port), await connect(t, port), await connect(t, port)];
    parked[0]!.send(GET);
    parked[1]!.end();
    await sleep(SETTLE_MS);
    program.signal("SIGUSR1");
    for (const client of parked) await client.closed();
    if (mode === "tcp") first.reset();
    t.equal((await program.exited).code, 0, `mode ${mode}: nobody is waited for`);
  }
});

t.test("parked clients that leave or talk before they are let in", async (t) => {
  const { port, api } = await start(t, "maxconn 1\n  backlog 200");
  const first = await served(t, port);
  for (let i = 0; i < 90; i++) {
    const client = await connect(t, port);
    if (i % 3 === 0) client.send(GET);
    if (i % 3 === 1) client.send("GET ");
    if (i % 2 === 0) client.end();
    else client.reset();
  }
  first.destroy();
  t.equal((await served(t, port)).isOpen, true, "and the next one is served");
  await until("one is left", async () => (await showStat(api)).get("main/FRONTEND")!.scur === "1");
});

t.test("a frontend that is switched off and on at once goes on accepting", async (t) => {
  const { port, api } = await start(t, "");
  await served(t, port);
  for (let i = 0; i < 5; i++) await command(api, "disable frontend main; enable frontend main");
  await served(t, port);
  await served(t, port);
  t.pass("accepted");
});
