// maxconn at its three levels and the queue behind the third: global and frontend leave connections in the kernel's backlog,
// a server's keeps requests waiting in order.

import t from "tap";
import { basics } from "./lab/config.ts";
import { findProgram, needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { command, showInfo, showStat } from "./lab/runtime-api.ts";
import type { Tap } from "./lab/tap.ts";
import { sleep, until } from "./lab/time.ts";

t.setTimeout(120_000);

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SETTLE_MS = 150;

t.test("a server's maxconn: the rest queues, first come first served", async (t) => {
  for (const threads of [1, 2]) {
    await t.test(`${threads} workers`, async (t) => {
      const origin = await startRawOrigin(t);
      const [port, stats] = await freePorts(2);
      await startProgram(t, {
        config: `${basics(`nbthread ${threads}\nstats socket 127.0.0.1:${stats} level admin`)}
listen main
  bind 127.0.0.1:${port}
  http-reuse never
  server s 127.0.0.1:${origin.port} maxconn 2
`,
      });
      const api = `127.0.0.1:${stats}`;
      const clients: RawSocket[] = [];
      for (let i = 0; i < 6; i++) {
        const client = await connect(t, port);
        client.send(GET(`/${i}`));
        clients.push(client);
        await sleep(30);
      }
      const inService = (): RawSocket[] => origin.connections.filter((one) => one.received !== "" && one.isOpen);
      await until("four wait", async () => {
        const rows = await showStat(api);
        return Number(rows.get("main/s")!.qcur) + Number(rows.get("main/BACKEND")!.qcur) >= 4;
      });
      await until("two are in service", () => inService().length >= 2);
      t.equal(inService().length, 2, "never more than two at the server");
      t.equal((await showStat(api)).get("main/s")!.scur, "2");

      const served: string[] = [];
      for (let i = 0; i < 6; i++) {
        await until("somebody is in service", () => inService().length > 0);
        const next = inService()[0]!;
        const request = await next.request();
        served.push(request.startLine.split(" ")[1]!);
        next.send(OK);
        await sleep(40);
        t.ok(inService().length <= 2);
      }
      if (threads === 1) t.same(served, ["/0", "/1", "/2", "/3", "/4", "/5"], "in the order of arrival");
      else t.same([...served].sort(), ["/0", "/1", "/2", "/3", "/4", "/5"], "all of them");
      for (const client of clients) t.equal((await client.response()).status, 200);
      const row = (await showStat(api)).get("main/s")!;
      t.equal(row.smax, "2");
      t.equal(row.slim, "2");
      t.ok(Number(row.qmax) + Number((await showStat(api)).get("main/BACKEND")!.qmax) >= 4);
    });
  }
});

/** The order in which one server at its maxconn of 1 gets requests that came in the order of `requests`. */
async function servedOrder(t: Tap, requests: readonly string[], command?: readonly string[]): Promise<string[]> {
  const origin = await startRawOrigin(t);
  const [port, stats] = await freePorts(2);
  const program = await startProgram(t, {
    ...(command === undefined ? {} : { command }),
    config: `${basics(`nbthread 1\nstats socket 127.0.0.1:${stats} level admin`)}
listen main
  bind 127.0.0.1:${port}
  http-reuse never
  http-request set-priority-class int(-5) if { path_beg /first }
  http-request set-priority-class int(7) if { path_beg /last }
  http-request set-priority-offset int(-2000) if { path_beg /sooner }
  http-request set-priority-offset int(2000) if { path_beg /later }
  server s 127.0.0.1:${origin.port} maxconn 1
`,
  });
  const clients: RawSocket[] = [];
  for (const [index, path] of requests.entries()) {
    const client = await connect(t, port);
    client.send(GET(path));
    clients.push(client);
    await until(`${path} has its place`, async () => {
      const rows = await showStat(`127.0.0.1:${stats}`);
      const [server, backend] = [rows.get("main/s")!, rows.get("main/BACKEND")!];
      return Number(server.qcur) + Number(backend.qcur) === index && server.scur === "1";
    });
  }
  const served: string[] = [];
  while (served.length < requests.length) {
    await until("one is in service", () => origin.connections.some((one) => one.received !== "" && one.isOpen));
    const next = origin.connections.find((one) => one.received !== "" && one.isOpen)!;
    served.push((await next.request()).startLine.split(" ")[1]!);
    next.send(OK.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    next.socket.end();
    await until("it is over", () => !next.isOpen);
  }
  for (const client of clients) t.equal((await client.response()).status, 200);
  await program.stop();
  return served;
}

t.test("priorities: classes first, then the time of arrival with its offset", async (t) => {
  const requests = [
    "/at-once",
    "/last",
    "/plain-1",
    "/later",
    "/plain-2",
    "/sooner",
    "/first-1",
    "/last-2",
    "/first-2",
  ];
  const served = await servedOrder(t, requests);
  t.same(served, [
    ...["/at-once", "/first-1", "/first-2", "/sooner", "/plain-1", "/plain-2", "/later", "/last", "/last-2"],
  ]);
  if (!needs("haproxy").skip) t.same(served, await servedOrder(t, requests, [findProgram("haproxy")!]), "as HAProxy");
});

t.test("a queue with room for some: maxqueue sends the rest to another server", async (t) => {
  const [full, other] = [await startRawOrigin(t), await startRawOrigin(t)];
  const port = (await freePorts(1))[0]!;
  await startProgram(t, {
    config: `${basics("nbthread 1")}
listen main
  bind 127.0.0.1:${port}
  balance first
  http-reuse never
  server full 127.0.0.1:${full.port} maxconn 1 maxqueue 1
  server other 127.0.0.1:${other.port}
`,
  });
  for (let i = 0; i < 3; i++) {
    const client = await connect(t, port);
    client.send(GET(`/${i}`));
    await sleep(40);
  }
  await until("the other one serves", () => other.connections.length > 0);
  t.equal(full.connections.length, 1);
});

t.test("a frontend's maxconn: the rest waits in the backlog", async (t) => {
  const origin = await startRawOrigin(t);
  origin.onConnection = (connection) => connection.socket.on("data", () => connection.send(OK));
  const [port, stats] = await freePorts(2);
  await startProgram(t, {
    config: `${basics(`nbthread 2\nstats socket 127.0.0.1:${stats} level admin`)}
frontend main
  bind 127.0.0.1:${port}
  maxconn 3
  default_backend out
backend out
  server s 127.0.0.1:${origin.port}
`,
  });
  const api = `127.0.0.1:${stats}`;
  const clients: RawSocket[] = [];
  for (let i = 0; i < 5; i++) {
    const client = await connect(t, port);
    client.send(GET("/"));
    clients.push(client);
  }
  await until("three are served", () => clients.filter((client) => client.received !== "").length === 3);
  await sleep(SETTLE_MS);
  t.equal(clients.filter((client) => client.received !== "").length, 3, "and no more");
  const row = (await showStat(api)).get("main/FRONTEND")!;
  t.equal(row.scur, "3");
  t.equal(row.slim, "3");
  clients.find((client) => client.received !== "")!.destroy();
  await until(
    "one that goes makes room for the next",
    () => clients.filter((client) => client.received !== "").length === 4,
  );

  await command(api, "set maxconn frontend main 10");
  await until("a higher limit at run time takes effect", () => clients.every((client) => client.received !== ""));
});

t.test("the global maxconn: all frontends together", async (t) => {
  const origin = await startRawOrigin(t);
  origin.onConnection = (connection) => connection.socket.on("data", () => connection.send(OK));
  const [a, b, stats] = await freePorts(3);
  await startProgram(t, {
    config: `${basics(`nbthread 2\nmaxconn 4\nstats socket 127.0.0.1:${stats} level admin`)}
listen a
  bind 127.0.0.1:${a}
  server s 127.0.0.1:${origin.port}
listen b
  bind 127.0.0.1:${b}
  server s 127.0.0.1:${origin.port}
`,
  });
  const api = `127.0.0.1:${stats}`;
  const clients: RawSocket[] = [];
  for (let i = 0; i < 6; i++) {
    const client = await connect(t, i % 2 === 0 ? a : b);
    client.send(GET("/"));
    clients.push(client);
    await sleep(20);
  }
  const served = (): number => clients.filter((client) => client.received !== "").length;
  await until("four are served", () => served() === 4);
  await sleep(SETTLE_MS);
  t.equal(served(), 4, "and no more");
  const info = await showInfo(api);
  t.equal(info.Maxconn, "4");
  t.equal(info.CurrConns, "4", "the stats socket does not count");
  for (const client of clients.filter((one) => one.received !== "")) client.destroy();
  await until("the others get their turn", () => served() === 6);
});
