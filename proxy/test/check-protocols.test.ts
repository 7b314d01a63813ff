// Checks that need more than one step or another program: an `http-check` sequence with variables, protocols' checks, and external commands with the
// arguments and the environment that HAProxy gives them.

import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import t from "tap";
import { basics } from "./lab/config.ts";
import { startHttpOrigin } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { showStat } from "./lab/runtime-api.ts";
import type { Tap } from "./lab/tap.ts";
import { until } from "./lab/time.ts";

t.setTimeout(60_000);

const MYSQL_GREETING = "0d0000000a382e302e3139000a000000ff";

/** A server that answers a connection's first bytes. */
async function answering(t: Tap, hex: string): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("data", () => socket.end(Buffer.from(hex, "hex")));
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return (server.address() as { port: number }).port;
}

t.test("each check says what its server said", async (t) => {
  const folder = t.testdir();
  const origin = await startHttpOrigin(t, {
    handler: (request, response) => {
      if (request.url === "/login") response.setHeader("x-token", "abc, def").end("welcome");
      else response.writeHead(request.url === "/use/abc, def".replace(", ", ",") ? 204 : 403).end();
    },
  });
  const mysql = await answering(t, `${MYSQL_GREETING}0700000200000002000000`);
  const mysqlRefuses = await answering(t, `${MYSQL_GREETING}05000002ffe3046e6f`);
  const ldap = await answering(t, "300c02010161070a010004000400");
  const [front, stats] = await freePorts(2);
  const [good, bad] = [join(folder, "good.sh"), join(folder, "bad.sh")];
  const seen = join(folder, "seen");
  writeFileSync(good, `#!/bin/sh\n{ echo "$@"; env; } >${seen}.new; mv ${seen}.new ${seen}\n`);
  writeFileSync(bad, "#!/bin/sh\nexit 7\n");
  for (const path of [good, bad]) chmodSync(path, 0o755);
  const server = (port: number, more = ""): string =>
    `server s 127.0.0.1:${port} check inter 20s rise 1 fall 1 ${more}`;
  const api = `127.0.0.1:${stats}`;
  await startProgram(t, {
    config: `${basics(`external-check\nmax-spread-checks 200\nstats socket ${api}`)}
healthcheck ldap
  type ldap-check
listen front
  bind 127.0.0.1:${front}
  mode tcp
  option external-check
  external-check command ${good}
  external-check path /usr/bin:/bin
  ${server(origin.port, "maxconn 9")}
backend refused
  option external-check
  external-check command ${bad}
  ${server(origin.port)}
backend sequence
  option httpchk
  http-check connect
  http-check send meth GET uri /login ver HTTP/1.1 hdr host a
  http-check expect status 200
  http-check expect string welcome
  http-check set-var(check.token) res.fhdr(x-token),regsub(" ","")
  http-check connect
  http-check send meth GET uri-lf "/use/%[var(check.token)]" ver HTTP/1.1 hdr host "%[be_name].%[srv_name]"
  http-check expect status 204 on-success "%[var(check.token)] was good"
  ${server(origin.port)}
backend header
  option httpchk GET /login
  http-check expect ! hdr name -m beg x-tok value -m end ef comment "no tokens"
  ${server(origin.port)}
backend mysql
  option mysql-check user me
  ${server(mysql)}
backend mysqlno
  option mysql-check user me
  ${server(mysqlRefuses)}
backend ldap
  ${server(ldap, "healthcheck ldap")}
`,
  });
  const expected: readonly (readonly [name: string, status: string, code: string, said: RegExp])[] = [
    ["front", "PROCOK", "0", /^$/],
    ["refused", "PROCERR", "7", /^$/],
    ["sequence", "L7OK", "204", /^"?abc,?/],
    ["header", "L7RSP", "0", /HTTP header check matched unwanted content comment: no tokens/],
    ["mysql", "L7OK", "0", /^8\.0\.19$/],
    ["mysqlno", "L7STS", "1251", /^no$/],
    ["ldap", "L7OK", "0", /^Success$/],
  ];
  const row = async (name: string) => (await showStat(api)).get(`${name}/s`)!;
  for (const [name, status, code, said] of expected) {
    await until(`${name} has been checked`, async () => (await row(name)).check_status !== "INI");
    const { check_status, check_code, last_chk } = await row(name);
    t.equal(check_status, status, name);
    t.equal(check_code || "0", code, name);
    t.match(last_chk ?? "", said, name);
  }
  t.match(origin.requests.find(({ url }) => url.startsWith("/use/"))?.headers, ["host", "sequence.s"]);
  const [line, ...environment] = readFileSync(seen, "latin1").split("\n");
  t.equal(line, `127.0.0.1 ${front} 127.0.0.1 ${origin.port}`);
  const variables = Object.fromEntries(environment.map((one) => one.split("=")));
  t.match(variables, {
    ...{ HAPROXY_PROXY_NAME: "front", HAPROXY_PROXY_ADDR: "127.0.0.1", HAPROXY_PROXY_PORT: String(front) },
    ...{ HAPROXY_SERVER_NAME: "s", HAPROXY_SERVER_ADDR: "127.0.0.1", HAPROXY_SERVER_PORT: String(origin.port) },
    ...{
      HAPROXY_SERVER_MAXCONN: "9",
      HAPROXY_SERVER_CURCONN: "0",
      HAPROXY_SERVER_SSL: "0",
      HAPROXY_SERVER_PROTO: "tcp",
    },
    PATH: "/usr/bin:/bin",
  });
  t.notOk("HOME" in variables, "nothing of our own environment");
});
