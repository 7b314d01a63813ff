// `observe`: servers that are judged by the traffic they serve, in HAProxy's words; and `on-marked-up shutdown-backup-sessions`.

import t from "tap";
import { basics, listen } from "./lab/config.ts";
import { get, startHttpOrigin } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, startRawOrigin } from "./lab/raw-socket.ts";
import { command, showStat } from "./lab/runtime-api.ts";
import { startSyslog } from "./lab/syslog.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);

const ERROR_LIMIT = 3;
const syslog = await startSyslog(t);
let status = 200;
/** Checks always pass: what takes a server out is traffic. */
const origin = await startHttpOrigin(t, {
  handler: ({ url }, response) => {
    if (url === "/health") response.end();
    else if (status === 0) response.socket!.destroy();
    else response.writeHead(status).end();
  },
});
const backup = await startRawOrigin(t);
const [fast, fail, sudden, down, layer4, pair, closed, stats] = await freePorts(8);
const api = `127.0.0.1:${stats}`;
const observed = (onError: string, more = ""): string =>
  `server s 127.0.0.1:${origin.port} check inter 1h fall 3 rise 2 observe layer7 error-limit ${ERROR_LIMIT} on-error ${onError}${more}`;
await startProgram(t, {
  config: `${basics(
    `nbthread 2\nmax-spread-checks 100\nlog ${syslog.address} local0\nstats socket ${api} level admin`,
    "log global\n  option log-health-checks\n  option httpchk GET /health\n  retries 0",
  )}${[
    listen("fast", fast, observed("fastinter", " fastinter 200ms")),
    listen("fail", fail, observed("fail-check")),
    listen("sudden", sudden, observed("sudden-death")),
    listen("down", down, observed("mark-down", " on-marked-down shutdown-sessions")),
    listen(
      "layer4",
      layer4,
      `server s 127.0.0.1:${closed} check addr 127.0.0.1 port ${origin.port} inter 1h observe layer4 error-limit 2 on-error mark-down`,
    ),
    listen(
      "pair",
      pair,
      `server first 127.0.0.1:${origin.port} on-marked-up shutdown-backup-sessions
       server second 127.0.0.1:${backup.port} backup`,
    ),
  ].join("")}`,
});
const row = async (name: string): Promise<Record<string, string | undefined>> => (await showStat(api)).get(name)!;
const fails = async (port: number, times: number, withStatus: number): Promise<void> => {
  status = withStatus;
  for (let time = 0; time < times; time++) await get(port);
  status = 200;
};
const health = (name: string, from: number, state: string) =>
  syslog.expect(new RegExp(`^Health check for server ${name}/s failed, .*, status: ${state}\\.$`), from);

t.test("every server has been checked once", async (t) => {
  for (const name of ["fast", "fail", "sudden", "down", "layer4"])
    await until(`${name} is up`, async () => (await row(`${name}/s`)).check_status === "L7OK");
  t.equal((await row("fail/s")).hanafail, "0");
});

t.test("fail-check: as a check that failed", async (t) => {
  const from = syslog.messages.length;
  await fails(fail, ERROR_LIMIT - 1, 500);
  await get(fail);
  await fails(fail, ERROR_LIMIT, 501);
  t.equal((await row("fail/s")).hanafail, "0", "one good answer begins anew, and 501 is no failure");
  await fails(fail, ERROR_LIMIT, 500);
  const { text } = await health("fail", from, "2/3 UP");
  t.equal(
    text,
    'Health check for server fail/s failed, reason: Health analyze, info: "Detected 3 consecutive errors, last one was: Wrong http response", status: 2/3 UP.',
  );
  await fails(fail, ERROR_LIMIT, 0);
  t.match((await health("fail", from, "1/3 UP")).text, /last one was: Read error \(http\)"/);
  t.match(await row("fail/s"), { hanafail: "2", chkfail: "2", check_status: "HANA" });
});

t.test("sudden-death: one more failure is the end", async (t) => {
  const from = syslog.messages.length;
  await fails(sudden, ERROR_LIMIT, 503);
  await health("sudden", from, "1/3 UP");
  await fails(sudden, ERROR_LIMIT, 503);
  await health("sudden", from, "0/2 DOWN");
  await syslog.expect(/^Server sudden\/s is DOWN\. 0 active/, from);
  t.equal((await get(sudden)).status, 503);
});

t.test("mark-down, on layer 7 and on layer 4", async (t) => {
  const from = syslog.messages.length;
  await fails(down, ERROR_LIMIT, 500);
  await health("down", from, "0/2 DOWN");
  t.match(await row("down/s"), { status: "DOWN", hanafail: "1" });
  await fails(layer4, 2, 200);
  t.match((await health("layer4", from, "0/2 DOWN")).text, /last one was: L4 unsuccessful connection"/);
});

t.test("fastinter: the next check does not wait", async (t) => {
  const from = syslog.messages.length;
  const checks = origin.requests.length;
  await fails(fast, ERROR_LIMIT, 500);
  await until("it is checked long before the hour", () =>
    origin.requests.slice(checks).some(({ url }) => url === "/health"),
  );
  t.match(await row("fast/s"), { status: "UP", hanafail: "1", chkfail: "0" });
  t.notOk(syslog.messages.slice(from).some(({ text }) => /server fast\/s failed/.test(text)));
});

t.test("on-marked-up shutdown-backup-sessions", async (t) => {
  t.equal(await command(api, "disable server pair/first"), "\n");
  backup.onConnection = null;
  const client = await connect(t, pair);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await until("the backup server has it", () => backup.connections.some(({ received }) => received.startsWith("GET ")));
  t.equal(await command(api, "enable server pair/first"), "\n");
  await until("the session at the backup server ends", () => backup.connections.every(({ isOpen }) => !isOpen));
  t.equal((await get(pair)).status, 200);
});
