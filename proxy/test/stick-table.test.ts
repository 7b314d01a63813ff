// Stick-tables, stick rules and stick counters, end to end and side by side with HAProxy: the same requests and the same commands to both, the
// answers compared.

import { Agent, request } from "node:http";
import t from "tap";
import { headerValues, readMessage } from "./lab/http-message.ts";
import { findProgram, needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { command } from "./lab/runtime-api.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);

/** Answers with the status and the lines that the request asks for. */
const origin = await startRawOrigin(t);
origin.onConnection = (connection: RawSocket) => {
  connection.socket.on("end", () => connection.socket.end());
  connection.socket.on("data", () => {
    for (let got = readMessage(connection.received, "request"); got?.complete; ) {
      connection.received = connection.received.slice(got.bytes);
      const status = headerValues(got, "x-status")[0] ?? "200";
      const lines = headerValues(got, "x-answer").map((line) => `${line}\r\n`);
      connection.send(`HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n${lines.join("")}\r\nok`);
      got = readMessage(connection.received, "request");
    }
  });
};

/** Everything that can be read of an entry; HAProxy 2.6 knows it, too. */
const READINGS = [
  ...["conn_cnt", "conn_cur", "conn_rate", "sess_cnt", "sess_rate", "http_req_cnt", "http_req_rate", "http_err_cnt"],
  ...["http_err_rate", "http_fail_cnt", "http_fail_rate", "gpc0_rate", "gpc1_rate"],
];
const TRACKED = ["get_gpc0", "get_gpc1", "get_gpt0", "tracked", "trackers", "kbytes_in"];

const STORES =
  "conn_cnt,conn_cur,conn_rate(1h),sess_cnt,sess_rate(1h),http_req_cnt,http_req_rate(1h),http_err_cnt,http_err_rate(1h)," +
  "http_fail_cnt,http_fail_rate(1h),gpc0,gpc0_rate(1h),gpc1,gpc1_rate(1h),gpt0,bytes_in_cnt,bytes_out_cnt";

function configuration(web: number, second: number, plain: number, stats: number, threads: number): string {
  const sc = (index: number): string =>
    [...READINGS, ...TRACKED].map((name) => `${name}=%[sc${index}_${name}]`).join(" ");
  const other = READINGS.map((name) => `${name}=%[src_${name}(web)],%[path,table_${name}(paths)]`).join(" ");
  return `
global
  nbthread ${threads}
  stats socket ipv4@127.0.0.1:${stats} level admin
defaults
  mode http
  retries 0
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend web
  bind 127.0.0.1:${web}
  stick-table type ip size 1k expire 10m store ${STORES}
  tcp-request connection track-sc0 src
  tcp-request session sc-inc-gpc1(0)
  http-request track-sc1 path table paths
  http-request track-sc1 hdr(never) table paths
  http-request track-sc2 hdr(x-user) table users if { hdr(x-user) -m found }
  http-request sc-inc-gpc0(0) if { path /inc }
  http-request sc-inc-gpc1(1) if { path /inc }
  http-request sc-set-gpt0(1) 5 if { path /tag }
  http-request sc-set-gpt0(1) path,length if { path /length }
  http-request deny if { path /deny }
  http-request return status 200 content-type text/plain lf-string "${sc(0)}" if { path /sc0 }
  http-request return status 200 content-type text/plain lf-string "${sc(1)}" if { path /sc1 }
  http-request return status 200 content-type text/plain lf-string "${other}" if { path /other }
  http-request return status 200 content-type text/plain lf-string "%[src_inc_gpc0(web)] %[src_clr_gpc0(web)] %[src_get_gpc0(web)] %[sc_inc_gpc1(1)] %[sc_clr_gpc1(1)] %[sc1_get_gpc1] %[sc_tracked(2)]|" if { path /gpc }
  http-request return status 200 content-type text/plain lf-string "%[path,in_table(paths)] %[str(/nope),in_table(paths)] %[str(/nope),table_http_req_cnt(paths)] %[table_cnt(users)] %[table_avl(users)] %[str(nobody),table_conn_cnt(users)]|" if { path /table }
  http-request return status 200 content-type text/plain lf-string "%[src_updt_conn_cnt(counted)] %[src_conn_cnt(counted)]|" if { path /counted }
  http-request deny deny_status 429 if { path /limited } { sc1_http_req_rate gt 3 }
  use_backend sessions if { path_beg /session }
  use_backend nobody if { path /dead }
  default_backend plain
backend paths
  stick-table type string len 12 size 100 expire 10m store ${STORES}
backend users
  stick-table type integer size 10 expire 10m store http_req_cnt,gpc0
backend counted
  stick-table type ip size 10 store conn_cnt
backend plain
  http-response track-sc2 res.hdr(x-key) table keys
  server one 127.0.0.1:${origin.port}
backend keys
  stick-table type string len 32 size 10 expire 10m store http_req_cnt,http_err_cnt,http_fail_cnt
backend nobody
  server one 127.0.0.1:1
backend sessions
  stick-table type string len 20 size 100 expire 10m
  stick store-response res.cook(JSESSIONID)
  stick match req.cook(JSESSIONID)
  stick match urlp(jsessionid) if { hdr(x-url) 1 }
  server s1 127.0.0.1:${origin.port}
  server s2 127.0.0.1:${origin.port}
  server s3 127.0.0.1:${origin.port} non-stick
  http-response set-header x-server %s
listen by-source
  bind 127.0.0.1:${second}
  stick-table type ip size 10 expire 10m
  stick on src
  server a 127.0.0.1:${origin.port}
  server b 127.0.0.1:${origin.port}
  http-response set-header x-server %s
listen tcp
  mode tcp
  bind 127.0.0.1:${plain}
  stick-table type ip size 10 expire 10m store conn_cnt,conn_cur
  tcp-request content track-sc0 src
  stick on src
  server a 127.0.0.1:${origin.port}
  server b 127.0.0.1:${origin.port}
`;
}

const REQUESTS: readonly string[] = [
  ...[
    "/sc0",
    "/sc1",
    "/sc1",
    "/inc",
    "/inc",
    "/tag",
    "/length",
    "/deny",
    "/deny",
    "/sc0",
    "/sc1",
    "/other",
    "/gpc",
    "/gpc",
    "/table",
  ],
  ...["/missing|X-Status: 404", "/broken|X-Status: 503", "/not-implemented|X-Status: 501", "/dead", "/other"],
  ...["/counted", "/counted", "/limited", "/limited", "/limited", "/limited", "/limited"],
  ...["/u|X-User: 1", "/u|X-User: 2", "/u|X-User: 1", "/u|X-User: -1", "/u|X-User: 77", "/u|X-User: text", "/table"],
  ...["/a-very-long-path-1", "/a-very-long-path-2", "/r|X-Answer: x-key: k1", "/r|X-Answer: x-key: k1|X-Status: 404"],
  "/r|X-Answer: x-key: k2|X-Status: 500",
  ...["/session", "/session|X-Answer: Set-Cookie: JSESSIONID=abc; path=/", "/session|Cookie: JSESSIONID=abc"],
  ...["/session|Cookie: JSESSIONID=abc", "/session|Cookie: JSESSIONID=unknown", "/session?jsessionid=abc"],
  ...[
    "/session?jsessionid=abc|X-Url: 1",
    "/session|X-Answer: Set-Cookie: JSESSIONID=def",
    "/session|Cookie: JSESSIONID=def",
  ],
  ...["/session|X-Answer: Set-Cookie: JSESSIONID=third", "/session|Cookie: JSESSIONID=third"],
];

/** Answers that are the same in all versions that matter. */
const COMMANDS: readonly string[] = [
  ...["show table", "show table nope", "show table users", "show table paths key /inc"],
  ...["show table users key", "show table users key 77", "show table users key 4294967295"],
  ...["show table users data.nope gt 1", "show table users data.conn_cnt gt 1", "show table users data.gpc0 xx 1"],
  ...[
    "show table users data.gpc0 gt x",
    "show table users data.http_req_cnt ge 2",
    "show table users data.http_req_cnt lt 2",
  ],
  ...["set table users key 9 data.gpc0 3", "set table users key 9 data.nope 3"],
  ...["set table users key 9 data.conn_cnt 3", "set table users key 9 gpc0 3", "set table users key 9 data.gpc0 x"],
  ...["set table users data.gpc0 gt 3", "show table users data.gpc0 eq 3"],
  ...["set table web key 10.1.2.3 data.http_req_rate 50 data.bytes_in_cnt 5000000000", "show table web key 10.1.2.3"],
  ...["set table web key 10.1.2.4 data.gpt0 1", "show table web key 10.1.2.4"],
  ...["clear table nope", "clear table web key 10.1.2.3", "show table web key 10.1.2.3"],
  ...[
    "clear table users data.gpc0 eq 3",
    "show table users",
    "clear table paths key /inc",
    "show table paths key /inc",
  ],
  ...[
    "set table paths key a=b\\ c\\\\ data.gpt0 1",
    "show table paths key a=b\\ c\\\\",
    "clear table users",
    "show table users",
  ],
  ...["show table keys", "show table sessions", "show table by-source", "show table counted", "show table tcp"],
];

interface Observed {
  readonly what: string;
  readonly got: string;
}

async function observe(program?: string): Promise<Observed[]> {
  const [web, second, plain, stats] = await freePorts(4);
  const running = await startProgram(t, {
    ...(program === undefined ? {} : { command: [program] }),
    config: configuration(web, second, plain, stats, 1),
  });
  const observed: Observed[] = [];
  const ask = async (port: number, what: string): Promise<void> => {
    const [path, ...lines] = what.split("|");
    const client = await connect(t, port);
    client.send([`GET ${path} HTTP/1.1`, "Host: x", ...lines, "Connection: close"].join("\r\n").concat("\r\n\r\n"));
    const response = await client.response();
    if (port === plain) client.destroy();
    else await client.closed();
    const server = headerValues(response, "x-server").join();
    observed.push({ what, got: `${response.status} ${server} ${response.status === 200 ? response.body : ""}` });
  };
  for (const what of REQUESTS) await ask(web, what);
  for (let i = 0; i < 3; i++) await ask(second, `/by-source-${i}`);
  for (let i = 0; i < 3; i++) await ask(plain, `/tcp-${i}`);
  // What counts when a connection is over counts a moment after its client knows.
  await until("connections are over", async () =>
    /conn_cur=0/.test(await command(`127.0.0.1:${stats}`, "show table tcp")),
  );
  for (const what of COMMANDS) {
    const text = await command(`127.0.0.1:${stats}`, what);
    observed.push({ what, got: comparable(text) });
  }
  await running.stop();
  return observed;
}

/** Without addresses, times, words that only later versions print, and in an order. */
function comparable(text: string): string {
  return text
    .replace(/0x[0-9a-f]+: /g, "")
    .replace(/ exp=\d+/g, "")
    .replace(/ shard=\d+/g, "")
    .replace(/bytes_(in|out)_cnt=\d{1,5}\b/g, "bytes_$1_cnt=n")
    .split("\n")
    .filter(Boolean)
    .sort()
    .join("\n");
}

t.test("as HAProxy does it", needs("haproxy"), async (t) => {
  const [ours, theirs] = (await Promise.all([observe(), observe(findProgram("haproxy")!)])) as [Observed[], Observed[]];
  const differing = ours.filter(({ got }, i) => got !== theirs[i]!.got);
  t.same(
    differing,
    theirs.filter(({ got }, i) => got !== ours[i]!.got),
  );
});

t.test("four workers count together what comes in at the same time", async (t) => {
  const [web, second, plain, stats] = await freePorts(4);
  await startProgram(t, { config: configuration(web, second, plain, stats, 4) });
  const requests = 600;
  const agents = Array.from({ length: 12 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const one = (agent: Agent): Promise<void> =>
    new Promise((resolve, reject) => {
      request({ agent, port: web, path: "/inc" }, (response) => response.resume().on("end", resolve))
        .on("error", reject)
        .end();
    });
  await Promise.all(
    agents.map(async (agent) => {
      for (let i = 0; i < requests / agents.length; i++) await one(agent);
      agent.destroy();
    }),
  );
  const overIn = (table: string): Promise<string> =>
    until(`all connections are over in table ${table}`, async () => {
      const text = await command(`127.0.0.1:${stats}`, `show table ${table}`);
      return / use=0 .* conn_cur=0 /.test(text) ? text : "";
    });
  const entry = await overIn("web");
  t.match(entry, new RegExp(` gpc0=${requests} gpc0_rate\\(3600000\\)=${requests} `));
  t.match(entry, / conn_cnt=12 .* sess_cnt=12 /);
  t.match(entry, new RegExp(` http_req_cnt=${requests} http_req_rate\\(3600000\\)=${requests} `));
  t.match(entry, / gpc1=12 /);
  const path = await overIn("paths key /inc");
  t.match(path, new RegExp(` conn_cnt=${requests} .* http_req_cnt=${requests} .* gpc1=${requests} `));
});
