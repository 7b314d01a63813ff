// Servers that fail and come back while traffic flows, and an administrator at the runtime API: what clients notice, what the log
// says in HAProxy's words, what `show stat` and its kin report.

import t from "tap";
import { basics } from "./lab/config.ts";
import { get, startHttpOrigin } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, startRawOrigin } from "./lab/raw-socket.ts";
import { command, connectTo, showInfo, showStat } from "./lab/runtime-api.ts";
import { SEVERITY, startSyslog } from "./lab/syslog.ts";
import { sleep, until } from "./lab/time.ts";

t.setTimeout(120_000);

const INTER_MS = 300;
const FALL = 2;
/** A check that has just passed may be followed by a failing one a whole interval later; and a busy machine is late. */
const NOTICED_MS = INTER_MS * (FALL + 1) + 2_000;

const syslog = await startSyslog(t);
let isHealthy = true;
let checks = 0;
const a = await startHttpOrigin(t, {
  handler: (request, response) => {
    if (request.url !== "/health") {
      response.setHeader("x-server", "a").end("a");
      return;
    }
    checks++;
    response.statusCode = isHealthy ? 200 : 500;
    response.end();
  },
});
const b = await startHttpOrigin(t, { name: "b" });
const held = await startRawOrigin(t);
const [http, tcp, slow, stats] = await freePorts(4);
const api = `127.0.0.1:${stats}`;
const program = await startProgram(t, {
  config: `${basics(`nbthread 2\nlog ${syslog.address} local0\nstats socket ${api} level admin`, `log global\n  timeout check 5s\ndefault-server inter ${INTER_MS}ms fall ${FALL} rise 2\nretries 3\noption redispatch 1`)}
listen http
  bind 127.0.0.1:${http}
  option httpchk GET /health
  server a 127.0.0.1:${a.port} check
  server b 127.0.0.1:${b.port}
listen tcp-checks
  bind 127.0.0.1:${tcp}
  server b 127.0.0.1:${b.port} check
listen slow
  bind 127.0.0.1:${slow}
  server s 127.0.0.1:${held.port} check on-marked-down shutdown-sessions
`,
});
const status = async (server: string): Promise<string> => (await showStat(api)).get(server)!.status!;

t.test("an HTTP check that fails takes its server out, and brings it back", async (t) => {
  await until("first checks", () => checks > 1);
  t.equal(await status("http/a"), "UP");
  const used = new Set<string>();
  for (let i = 0; i < 4; i++) used.add(String((await get(http)).headers["x-server"]));
  t.same([...used].sort(), ["a", "b"]);

  let from = syslog.messages.length;
  const failing = performance.now();
  isHealthy = false;
  const down = await syslog.expect(/^Server http\/a is DOWN/, from);
  t.ok(performance.now() - failing < NOTICED_MS, "within fall × inter");
  t.equal(down.severity, SEVERITY.alert);
  t.match(
    down.text,
    /^Server http\/a is DOWN, reason: Layer7 wrong status, code: 500, (info: "[^"]*", )?check duration: \d+ms\. 1 active and 0 backup servers left\. 0 sessions active, 0 requeued, 0 remaining in queue\.$/,
  );
  t.equal(await status("http/a"), "DOWN");
  for (let i = 0; i < 6; i++) t.equal((await get(http)).headers["x-server"], "b", "clients do not notice");

  from = syslog.messages.length;
  isHealthy = true;
  const up = await syslog.expect(/^Server http\/a is UP/, from);
  t.equal(up.severity, SEVERITY.notice);
  t.match(
    up.text,
    /^Server http\/a is UP, reason: Layer7 check passed, code: 200, (info: "[^"]*", )?check duration: \d+ms\. 2 active and 0 backup servers online\. 0 sessions requeued, 0 total in queue\.$/,
  );
  const row = (await showStat(api)).get("http/a")!;
  t.match(row, {
    status: "UP",
    check_status: "L7OK",
    check_code: "200",
    chkdown: "1",
    check_desc: "Layer7 check passed",
  });
  t.ok(Number(row.downtime) <= 5);
});

t.test("a server that is gone: the last one of its backend", async (t) => {
  const from = syslog.messages.length;
  await b.stop();
  const down = await syslog.expect(/^Server tcp-checks\/b is DOWN, reason: Layer4 connection problem/, from);
  t.match(down.text, /info: "(ECONNREFUSED returned by OS \(Connection refused\))"/);
  const empty = await syslog.expect(/^proxy tcp-checks has no server available!$/, from);
  t.equal(empty.severity, SEVERITY.emerg);
  t.equal((await get(tcp)).status, 503);
  t.match((await showStat(api)).get("tcp-checks/BACKEND"), { status: "DOWN", act: "0" });

  // http/b has no check: it is still in the rotation, and each request that meets it goes to another server.
  for (let i = 0; i < 4; i++) t.equal((await get(http)).headers["x-server"], "a", "redispatched");
  await b.start();
  await syslog.expect(/^Server tcp-checks\/b is UP/, from);
  t.equal((await get(tcp)).status, 200);
});

t.test("disable, drain and enable", async (t) => {
  let from = syslog.messages.length;
  t.equal(await command(api, "disable server http/a"), "\n");
  t.equal(await status("http/a"), "MAINT");
  t.equal((await syslog.expect(/http\/a is going DOWN for maintenance/, from)).severity, SEVERITY.alert);
  for (let i = 0; i < 4; i++) t.equal((await get(http)).headers["x-server"], "b");
  const before = checks;
  await sleep(INTER_MS * 3);
  t.ok(checks <= before + 1, "a server in maintenance is not checked");

  from = syslog.messages.length;
  t.equal(await command(api, "enable server http/a"), "\n");
  await syslog.expect(/^Server http\/a is UP\/READY \(leaving forced maintenance\)\.$/, from);
  await until("its checks are through", async () => (await status("http/a")) === "UP");
  await until("it serves again", async () => (await get(http)).headers["x-server"] === "a");

  t.equal(await command(api, "set server http/a state drain"), "\n");
  t.equal(await status("http/a"), "DRAIN");
  for (let i = 0; i < 4; i++) t.equal((await get(http)).headers["x-server"], "b");
  t.equal(await command(api, "set server http/a state ready"), "\n");
  await until("it serves again", async () => (await get(http)).headers["x-server"] === "a");
  t.equal(await status("http/a"), "UP");
});

t.test("on-marked-down shutdown-sessions cuts what is in flight", async (t) => {
  held.onConnection = null;
  const client = await connect(t, slow);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await until("the server has it", () => held.connections.some(({ received }) => received.startsWith("GET ")));
  held.server.close();
  const answer = await client.closed().catch(() => client.received);
  t.match(answer, /^(HTTP\/1\.1 503 |$)/);
  await until("the server's connection is closed", () =>
    held.connections.filter(({ received }) => received.startsWith("GET ")).every((one) => !one.isOpen),
  );
});

t.test("refusals, in HAProxy's words", async (t) => {
  t.equal(await command(api, "disable server nothing/a"), "No such backend.\n\n");
  t.equal(await command(api, "disable server http/nothing"), "No such server.\n\n");
  t.match(
    await command(api, "set server http/a state asleep"),
    /'set server <srv> state' expects 'ready', 'drain' and 'maint'\./,
  );
  t.match(await command(api, "set weight http/a 300"), /Absolute weight can only be between 0 and 256 inclusive\./);
  t.match(await command(api, "no such command"), /^Unknown command/);
});

t.test("several commands in one line, and after a half-close", async (t) => {
  const answer = await command(api, "get weight http/a;get weight http/b");
  t.match(answer, /^1 \(initial 1\)\n\n1 \(initial 1\)\n\n$/);
  const info = await showInfo(api);
  t.match(info, { Name: /./, Version: /^3\.2|./, Pid: String(program.pid), Nbthread: "2", Process_num: "1" });
  t.ok(Number(info.Uptime_sec) >= 0 && Number(info.CumReq) > 0);
});

t.test("an interactive session", async (t) => {
  const socket = connectTo(api);
  t.teardown(() => socket.destroy());
  let seen = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    seen += text;
  });
  socket.write("prompt\n");
  await until("a prompt", () => seen.endsWith("\n> "));
  seen = "";
  socket.write("get weight http/a\n");
  await until("an answer and a prompt", () => seen.endsWith("\n> "));
  t.equal(seen, "1 (initial 1)\n\n> ");
  let ended = false;
  socket.on("end", () => {
    ended = true;
  });
  socket.write("quit\n");
  await until("quit ends it", () => ended);
});

t.test("show servers state", async (t) => {
  const lines = (await command(api, "show servers state http")).split("\n");
  t.equal(lines[0], "1");
  t.match(lines[1], /^# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight /);
  t.match(
    lines[2],
    new RegExp(`^\\d+ http 1 a 127\\.0\\.0\\.1 2 0 1 1 \\d+ \\d+ 3 [34] [67] 0 0 0 - ${a.port} - 0 0 - - 0$`),
  );
});

t.test("nothing of this disturbed the program", async (t) => {
  t.equal(program.exit, null);
});
