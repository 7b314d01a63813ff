// The runtime API over real sockets: its protocol, and its answers side by side with an installed HAProxy on the same configuration.
//
// Longer than 400 lines because all parts ask the one control plane that is built here.
//
// Written against 3.2 and run against whatever `haproxy` is in PATH (2.6 in CI); where 2.6 answers differently it is said below.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { ListeningSockets } from "../../listener/listening-sockets.ts";
import type { StatsSocketPlan } from "../../plan/plan.ts";
import { findProgram, needs } from "../../test/lab/needs.ts";
import { startProgram } from "../../test/lab/program.ts";
import { command, connectTo } from "../../test/lab/runtime-api.ts";
import type { Tap } from "../../test/lab/tap.ts";
import { until } from "../../test/lab/time.ts";
import { ControlFixture, planOf } from "../fixture.ts";
import { parseLine } from "./line.ts";
import { RuntimeApi } from "./runtime-api.ts";

interface Running {
  readonly fixture: ControlFixture;
  /** Paths of the sockets by level. */
  readonly admin: string;
  readonly operator: string;
  readonly user: string;
}

const AT = { file: "test", line: 1 };

/** The configuration that both programs run; `folder` holds the sockets. */
function configuration(folder: string, port: number): string {
  return `global
  stats socket ${folder}/admin.sock mode 600 level admin
  stats socket ${folder}/operator.sock mode 600 level operator
  stats socket ${folder}/user.sock mode 600 level user
defaults
  mode http
  timeout client 10s
  timeout connect 1s
  timeout server 10s
frontend fe
  bind unix@${folder}/fe.sock
  default_backend be
backend be
  server s1 127.0.0.1:${port} check inter 100s weight 3
  server s2 127.0.0.1:8002 weight 2 maxconn 9
  server s3 127.0.0.1:8003 check disabled
  server s4 127.0.0.1:8004 backup
backend fixed
  balance static-rr
  server s1 127.0.0.1:8001 weight 3
backend raw
  mode tcp
  balance leastconn
  server s1 [::1]:8001
backend empty
`;
}

/** @param port where a checked server listens, 0: checks do not run */
async function startOurs(t: Tap, timeoutMs = 0, port = 0): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), "ringway-api-"));
  const statsSockets = (["admin", "operator", "user"] as const).map((level): StatsSocketPlan => {
    const address = { kind: "unix" as const, path: join(folder, `${level}.sock`) };
    return { address, level, mode: 0o600, uid: null, gid: null, timeoutMs, at: AT };
  });
  const servers = [
    { weight: 3, check: { interMs: 100_000 }, address: { kind: "ipv4" as const, host: "127.0.0.1", port } },
    { weight: 2, maxconn: 9 },
    { disabled: true, check: true as const },
    { backup: true },
  ];
  const plan = planOf(
    [
      { name: "fe", frontend: { defaultBackend: 1 } },
      { name: "be", servers },
      {
        name: "fixed",
        backend: { balance: { ...BALANCE, algorithm: "static-rr" } },
        servers: [{ weight: 3 }],
      },
      {
        name: "raw",
        mode: "tcp",
        backend: { balance: { ...BALANCE, algorithm: "leastconn" } },
        servers: [{ address: { kind: "ipv6", host: "::1", port: 8001, v6only: false, v4v6: false } }],
      },
      { name: "empty", backend: {} },
    ],
    { statsSockets, nbthread: 1 },
  );
  const sockets = new ListeningSockets(plan, false);
  t.strictSame(sockets.problems, []);
  sockets.publish();
  const fixture = new ControlFixture(plan, sockets.statsSockets);
  fixture.nowMs = Date.now();
  if (port !== 0) fixture.checks.start();
  const api = new RuntimeApi(fixture);
  await api.start();
  t.teardown(() => {
    api.close();
    fixture.close();
    sockets.closeAll();
    rmSync(folder, { recursive: true, force: true });
  });
  const path = (level: string): string => join(folder, `${level}.sock`);
  return { fixture, admin: path("admin"), operator: path("operator"), user: path("user") };
}

const BALANCE = {
  ...{ algorithm: "roundrobin" as const, arguments: [], hashType: "map-based" as const, hashFunction: "sdbm" as const },
  avalanche: false,
};

/** Sends lines one by one, each after the answer to the one before, and returns everything received. */
async function talk(path: string, lines: readonly string[], endings: readonly string[]): Promise<string> {
  const socket = connectTo(path);
  let received = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    received += text;
  });
  for (const [i, line] of lines.entries()) {
    const before = received.length;
    socket.write(`${line}\n`);
    await until(`answer to ${line}`, () => received.slice(before).endsWith(endings[i] ?? "\n"));
  }
  socket.destroy();
  return received;
}

/** The same for both programs: changes of state come in the same order. `#` stands for numbers that time decides. */
const COMMANDS = [
  "show servers state",
  "show servers state be",
  "show servers state nobody",
  "show servers conn nobody",
  "show stat nobody 4 -1",
  "show stat be 4 99",
  "show stat be 1 -1",
  "show backend",
  "get weight be/s1",
  "get weight be",
  "get weight be/nobody",
  "get weight nobody/s1",
  "set weight be/s1 50%",
  "get weight be/s1",
  "set weight be/s1 100%",
  "set weight be/s1",
  "set weight be/s1 abc",
  "set weight be/s1 20x",
  "set weight be/s1 300",
  "set weight be/s1 -1%",
  "set weight fixed/s1 2",
  "set weight fixed/s1 0%",
  "set weight fixed/s1 100%",
  "set server",
  "set server be",
  "set server nobody/s1 state ready",
  "set server be/s1 state nonsense",
  "set server be/s1 health nonsense",
  "set server be/s1 weight",
  "set server be/s2 state maint",
  "set server be/s3 state ready; set server be/s3 state drain",
  "set server be/s4 health down",
  "show servers state be",
  "set server be/s2 state drain",
  "set server be/s2 state ready",
  "set server be/s4 health up",
  "disable server be/s1",
  "disable server",
  "enable server be/s1",
  "enable health be/s2",
  "disable health be/s1",
  "show servers state be",
  "enable health be/s1",
  "enable frontend",
  "enable frontend nobody",
  "enable frontend fe",
  "disable frontend fe",
  "disable frontend fe",
  "enable frontend fe",
  "shutdown frontend be",
  "shutdown sessions server be/s1",
  "shutdown sessions server be",
  "set maxconn server be/s1",
  "set maxconn server be/s1 5",
  "set maxconn server be/s1 5x",
  "set maxconn server be/s1 x",
  "set maxconn server be/nobody 5",
  "set maxconn frontend",
  "set maxconn frontend fe",
  "set maxconn frontend fe 100",
  "set maxconn frontend fe -1",
  "set maxconn frontend nobody 1",
  "set maxconn global",
  "set maxconn global 100000000",
  "set timeout",
  "set timeout cli",
  "set timeout cli 60",
  "set timeout cli 10s",
  "set timeout cli nonsense",
  "set timeout cli 0",
  "set severity-output",
  "set severity-output number; get weight nobody/s1; get weight be/s1",
  "set severity-output string; get weight nobody/s1",
  "clear counters",
  "clear counters all",
  "expert-mode",
  "expert-mode on; expert-mode",
  "experimental-mode",
  "show cli level",
  "operator; show cli level; set weight be/s1 3",
  "user; operator",
  "show env RINGWAY_NOT_SET",
  "  show   backend ",
  "",
  ";get weight be/s1;",
  "quit; show backend",
  "help get weight",
  "help set maxconn",
  "set rate-limit",
  "set rate-limit nonsense global 1",
  "set rate-limit connections nobody 1",
  "set rate-limit connections global",
  "set rate-limit connections global 100",
  "set rate-limit sessions global 0",
  "set rate-limit ssl-sessions global 0",
  "set rate-limit http-compression global 1000",
  "set server be/s1 addr",
  "set server be/s1 addr nonsense",
  "set server be/s1 addr 127.0.0.2",
  "set server be/s1 addr 127.0.0.2",
  "set server be/s1 addr ::1 port 8009",
  "set server be/s1 addr 127.0.0.1 port nonsense",
  "set server be/s1 addr 127.0.0.1 port 8001",
  "set server be/s1 check-port",
  "set server be/s1 check-port nonsense",
  "set server be/s1 check-port 70000",
  "set server be/s2 check-port 80",
  "set server be/s1 check-addr",
  "set server be/s1 agent up",
  "set server be/s1 agent-addr 127.0.0.1",
  "set server be/s1 fqdn",
  "set server be/s1 fqdn somewhere",
  "disable agent be/s1",
  "enable agent be/s1",
  "disable dynamic-cookie backend",
  "disable dynamic-cookie backend nobody",
  "enable dynamic-cookie backend be",
  "set dynamic-cookie-key backend",
  "set dynamic-cookie-key backend nobody",
  "set dynamic-cookie-key backend be",
  "set dynamic-cookie-key backend be secret",
  // Its servers get values even where no cookie line would carry them.
  "disable dynamic-cookie backend be",
  "shutdown session",
  "shutdown session nonsense",
  "shutdown session 0x1234",
  "show errors nobody",
  "show sess 0x1234",
  "show fd nonsense",
  "show stat domain",
  "show stat domain nonsense",
  "show schema json",
  "clear counters server nobody/s1",
  "clear counters server be/s1",
  "wait",
  "wait nonsense",
  "wait 1ms",
  "wait 1ms srv-removable",
  "wait 1ms srv-removable nobody/s1",
  "wait 1ms srv-removable be/s1",
  "wait 1ms nonsense",
  "shutdown frontend fe",
  "shutdown frontend fe",
  "enable frontend fe",
];

/**
 * What 2.6 answers differently: it checks fewer arguments, ranks no look-alikes, takes an empty command for an unknown one, and wraps
 * the lines of `help`.
 */
const SINCE_3 = new Set([
  "show stat nobody 4 -1",
  "set weight be/s1 abc",
  "set weight be/s1 20x",
  "set maxconn server be/s1 5x",
  "set maxconn server be/s1 x",
  "",
  ";get weight be/s1;",
  "help get weight",
  "help set maxconn",
  "set server be/s1 addr nonsense",
  "set server be/s1 addr 127.0.0.2",
  "set server be/s1 addr 127.0.0.1 port nonsense",
  "set server be/s1 addr 127.0.0.1 port 8001",
  "set server be/s1 check-port nonsense",
  "set server be/s1 check-port 70000",
  "set server be/s2 check-port 80",
  "set server be/s1 agent-addr 127.0.0.1",
  "show schema json",
  "show stat domain",
  "show fd nonsense",
  "clear counters server nobody/s1",
  "clear counters server be/s1",
  "wait",
  "wait nonsense",
  "wait 1ms",
  "wait 1ms srv-removable",
  "wait 1ms srv-removable nobody/s1",
  "wait 1ms srv-removable be/s1",
  "wait 1ms nonsense",
]);

t.test("answers as HAProxy's", needs("haproxy"), async (t) => {
  const origin = createServer((socket) => socket.on("error", () => {}).end()).listen(0, "127.0.0.1");
  t.teardown(() => origin.close());
  await once(origin, "listening");
  const { port } = origin.address() as AddressInfo;
  const ours = await startOurs(t, 0, port);
  const folder = mkdtempSync(join(tmpdir(), "ringway-oracle-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const haproxy = findProgram("haproxy");
  if (haproxy === null) throw new Error("needs() found it");
  const is26 = /version 2\./.test(execFileSync(haproxy, ["-v"], { encoding: "latin1" }));
  await startProgram(t, { command: [haproxy, "-db"], config: configuration(folder, port) });
  const oracle = (level: string): string => join(folder, `${level}.sock`);
  for (const path of [ours.admin, oracle("admin")]) {
    await until("the first check", async () =>
      / s1 127\.0\.0\.1 2 0 3 3 \d+ 6 /.test(await command(path, "show servers state be")),
    );
  }
  for (const line of COMMANDS) {
    const [mine, theirs] = await Promise.all([command(ours.admin, line), command(oracle("admin"), line)]);
    if (is26 && SINCE_3.has(line)) continue;
    t.equal(comparable(line, mine), comparable(line, theirs), line);
  }
  const levels = ["show env HOME", "clear counters", "clear counters all", "set weight be/s1 3", "disable frontend fe"];
  for (const line of [
    ...levels,
    "set rate-limit connections global 1",
    "shutdown session 0x1",
    "show activity",
    "operator",
    "user",
    "show cli level",
    "set timeout cli 5",
  ]) {
    for (const level of ["operator", "user"] as const) {
      const [mine, theirs] = await Promise.all([command(ours[level], line), command(oracle(level), line)]);
      if (line === "show activity" && level === "operator") t.match(mine, /^thread_id: 1 \(1\.\.1\)\n/);
      else if (is26 && line === "show activity") t.equal(mine, "Permission denied\n\n", "2.6 shows it to everybody");
      else t.equal(mine, theirs, `${level}: ${line}`);
    }
  }
  const [header, rows] = compareStat(
    await command(ours.admin, "show stat"),
    await command(oracle("admin"), "show stat"),
  );
  t.equal(header.mine, is26 ? header.mine : header.theirs, "the columns of show stat");
  for (const { name, mine, theirs } of rows) t.strictSame(mine, theirs, `columns filled for ${name}`);
});

/** Blanks out seconds since changes, and the proxy ids that HAProxy counts from its own hidden proxies. */
function comparable(line: string, answer: string): string {
  if (line === "show schema json") return JSON.stringify(JSON.parse(answer));
  if (line.startsWith("show stat")) return answer.replace(/^# .*/, "#");
  if (!line.startsWith("show servers state") || !answer.startsWith("1\n")) return answer;
  return answer
    .split("\n")
    .map((row) => row.split(" "))
    .map((fields) => (fields.length > 20 && fields[0] !== "#" ? fields.with(9, "#") : fields).join(" "))
    .join("\n");
}

interface ColumnComparison {
  readonly name: string;
  readonly mine: readonly string[];
  readonly theirs: readonly string[];
}

/** Which columns have a value, row by row, and the header; only columns that both know. */
function compareStat(mine: string, theirs: string): [{ mine: string; theirs: string }, ColumnComparison[]] {
  const [mineRows, theirRows] = [mine, theirs].map((text) => text.split("\n").map((line) => line.split(",")));
  const known = mineRows[0].slice(0, mineRows[0].indexOf("-")).filter((name) => theirRows[0].includes(name));
  const filled = (table: readonly string[][], row: readonly string[]): string[] =>
    known.filter((name) => row[table[0].indexOf(name)] !== "");
  const rows = mineRows.slice(1).flatMap((row, i) => {
    const their = theirRows[i + 1];
    if (row.length < 2 || row[1] !== their[1]) return [];
    return [{ name: `${row[0]}/${row[1]}`, mine: filled(mineRows, row), theirs: filled(theirRows, their) }];
  });
  return [{ mine: mine.slice(0, mine.indexOf("\n")), theirs: theirs.slice(0, theirs.indexOf("\n")) }, rows];
}

t.test("the protocol", async (t) => {
  const { admin } = await startOurs(t);
  t.equal(await command(admin, "show version"), "3.2.0-test\n\n");
  t.equal(await command(admin, "show version;show version"), "3.2.0-test\n\n3.2.0-test\n\n");
  t.equal(await command(admin, "echo a\\;b c\\ d"), "a;b c d\n\n", "escapes");
  t.equal(
    await talk(admin, ["prompt", "show version", "", "echo x;echo y"], Array(4).fill("> ")),
    "\n> 3.2.0-test\n\n> \n> x\n\ny\n\n> ",
  );
  t.equal(
    await talk(admin, ["prompt i", "show version", "prompt i;show cli level"], Array(3).fill("\n\n").with(0, "\n")),
    "\n3.2.0-test\n\n\nadmin\n\n",
  );
  t.match(await talk(admin, ["prompt timed"], ["> "]), /^\n\[0:00:00:\d\d\]> $/);
  const inPayload = await talk(admin, ["prompt i", "echo one <<\nignored\nlines\n", "echo two <<%END%\n\n%END%"], []);
  t.equal(inPayload, "\none\n\ntwo\n\n");
  t.match(
    await command(admin, "show nonsense"),
    /^Unknown command: 'show', but maybe one of the following ones is a better match:\n {2}show /,
  );
  const unknown = await command(admin, "qqqqqqqqqqqqqqqqqqqqqqqq");
  t.match(unknown, /^Unknown command: 'q+'\. Please enter one of the following commands only:\n/);
  t.ok(unknown.endsWith("  quit                                    : disconnect\n\n"));
  const help = await command(admin, "help");
  for (const line of help.split("\n").slice(1).filter(Boolean)) t.match(line, /^ {2}.{40,}: \S/);
  t.match(await command(admin, "set server be/s1 addr 10.0.0.1"), /IP changed from/);

  const manyCommands = await Promise.all(Array.from({ length: 30 }, () => command(admin, "show backend")));
  t.ok(
    manyCommands.every((text) => text === "# name\nbe\nfixed\nraw\nempty\n\n"),
    "more connections than stats maxconn",
  );
});

t.test("idle and oversized connections are closed", async (t) => {
  const { admin } = await startOurs(t, 100);
  const closed = (send: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connectTo(admin);
      let text = "";
      socket.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(text));
      socket.on("end", () => socket.end());
      if (send !== "") socket.write(send);
    });
  t.equal(await closed(""), "", "stats timeout");
  t.equal(await closed("prompt\n"), "\n> ", "stats timeout in prompt mode");
  t.equal(await closed("x".repeat(3 << 20)), "");
  t.equal(
    await closed(`show version\n${"show backend\n".repeat(10_000)}`),
    "3.2.0-test\n\n",
    "one line, the rest is dropped",
  );
  t.equal(await closed("prompt\nquit\nshow version\n"), "\n> ");
});

t.test("counters, info and typed output", async (t) => {
  const { admin } = await startOurs(t);
  const info = await command(admin, "show info");
  t.match(
    info,
    /^Name: HAProxy\nVersion: 3\.2\.0-test\nRelease_date: 2026\/01\/01\nNbthread: 1\nNbproc: 1\nProcess_num: 1\nPid: \d+\n/,
  );
  t.match(info, /\nMaxconn: 4000\nHard_maxconn: 4000\n/);
  t.notMatch(info, /undefined|null|NaN|\[object/);
  t.match(await command(admin, "show info typed"), /^0\.Name\.1:POS:str:HAProxy\n1\.Version\.1:POS:str:3\.2\.0-test\n/);
  t.equal(JSON.parse(await command(admin, "show info json"))[6].field.name, "Pid");
  await command(admin, "set maxconn global 100");
  t.match(await command(admin, "show info"), /\nMaxconn: 100\nHard_maxconn: 4000\n/);
  await command(admin, "set maxconn global 0");
  t.match(await command(admin, "show info"), /\nMaxconn: 4000\nHard_maxconn: 4000\n/);
  const typed = await command(admin, "show stat be 4 1 typed");
  t.match(typed, /^S\.3\.1\.0\.pxname\.1:KNS:str:be\nS\.3\.1\.1\.svname\.1:KNS:str:s1\n/);
  t.match(typed, /\nS\.3\.1\.19\.act\.1:SGP:u32:1\n/);
  const json = JSON.parse(await command(admin, "show stat -1 2 -1 json"));
  const status = json[0].find(({ field }: { field: { name: string } }) => field.name === "status");
  t.strictSame(status, {
    ...{ objType: "Backend", proxyId: 3, id: 0, field: { pos: 17, name: "status" }, processNum: 1 },
    ...{ tags: { origin: "Status", nature: "Gauge", scope: "Process" }, value: { type: "str", value: "UP" } },
  });
  const up = await command(admin, "show stat up");
  t.match(up, /\nbe,BACKEND,.*,UP \(3\/4\),/, "how many of how many serve");
  t.notMatch(up, /\nbe,s3,/, "what is down is left out");
  const header = (await command(admin, "show stat")).split("\n", 1)[0];
  t.match(
    header,
    /^# pxname,svname,.*,agg_check_status,srid,.*,proto,priv_idle_cur,.*,resbout,-,ssl_sess,.*,h1_spliced_bytes_out,qtime_p50_us,.*,ttime_p999_us,$/,
  );
  t.notMatch(header, /\(null\)|undefined/, "HAProxy's regression test webstats/missing-stats-fields");
});

t.test("lines", async (t) => {
  t.strictSame(parseLine("set server be/s1 state maint ; show\\ stat\\;\\\\"), {
    commands: [["set", "server", "be/s1", "state", "maint"], ["show stat;\\"]],
    payloadEnd: null,
  });
  t.strictSame(parseLine("add map x <<"), { commands: [["add", "map", "x"]], payloadEnd: "" });
  t.strictSame(parseLine("add map x <<%E%"), { commands: [["add", "map", "x"]], payloadEnd: "%E%" });
  t.strictSame(parseLine("a\\b \\"), { commands: [["a\\b", "\\"]], payloadEnd: null }, "other escapes stay");
});
