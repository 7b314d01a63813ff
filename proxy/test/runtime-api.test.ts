// The runtime API on a proxy with traffic: streams are listed and ended, invalid messages are shown, servers move to other addresses, the
// process's rates are limited.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { basics } from "./lab/config.ts";
import { get, startHttpOrigin } from "./lab/http-origin.ts";
import { needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, startRawOrigin } from "./lab/raw-socket.ts";
import { command, showInfo } from "./lab/runtime-api.ts";
import { until } from "./lab/time.ts";

t.test("what happens on the wire", async (t) => {
  const one = await startHttpOrigin(t, { name: "one" });
  const two = await startHttpOrigin(t, { name: "two" });
  const raw = await startRawOrigin(t);
  const [port, apiPort, tcp] = await freePorts(3);
  const api = `127.0.0.1:${apiPort}`;
  await startProgram(t, {
    config: `${basics(`nbthread 2\nstats socket ${api} level admin`)}
frontend fe
  bind 127.0.0.1:${port}
  use_backend raw if { path_beg /raw }
  default_backend be
backend be
  server one 127.0.0.1:${one.port}
backend raw
  server r 127.0.0.1:${raw.port}
listen pass
  mode tcp
  bind 127.0.0.1:${tcp}
  server r 127.0.0.1:${raw.port}
`,
  });

  t.equal((await get(port)).headers["x-server"], "one");
  t.match(
    await command(api, `set server be/one addr 127.0.0.1 port ${two.port}`),
    `port changed from '${one.port}' to '${two.port}'`,
  );
  await until("the server has moved", async () => (await get(port)).headers["x-server"] === "two");
  t.match(await command(api, "show servers state be"), ` ${two.port} `);

  const slow = await connect(t, port);
  slow.send("GET /raw?a=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  const held = await raw.accept();
  await held.request();
  const passing = await connect(t, tcp);
  passing.send("hello");
  await (await raw.accept()).expect("hello");
  const list = await command(api, "show sess show-uri");
  t.match(list, /^0x[0-9a-f]+: proto=tcpv4 src=127\.0\.0\.1:\d+ fe=fe be=raw srv=r .* uri="\/raw\?a=1"$/m);
  t.match(list, /fe=pass be=pass srv=r/);
  t.equal((await command(api, "show sess frontend pass")).trim().split("\n").length, 1);
  const id = /^(0x[0-9a-f]+):.* be=raw /m.exec(list)?.[1] ?? "";
  t.match(await command(api, `show sess ${id}`), /backend=raw \(id=\d+ mode=http\)/);
  t.equal(await command(api, `shutdown session ${id}`), "\n");
  t.equal((await slow.response()).status, 503, "the client is told");
  await held.closed();
  t.match(await command(api, `shutdown session ${id}`), "No such session");
  t.equal(await command(api, "shutdown sessions server pass/r"), "\n");
  await passing.closed();

  const bad = await connect(t, port);
  bad.send("GET /x HTTP/1.1\r\nHost: a\r\nb@d name: 1\r\n\r\n");
  t.equal((await bad.response()).status, 400);
  const errors = await until("the capture", async () => {
    const text = await command(api, "show errors fe request");
    return text.includes("invalid request") && text;
  });
  t.match(errors, /error at position 27\n/);
  t.match(errors, "00026  b@d name: 1\\r\\n");

  t.equal(await command(api, "set rate-limit connections global 1000"), "\n");
  t.equal((await showInfo(api))["ConnRateLimit"], "1000");
  t.equal((await get(port)).status, 200);
});

t.test("hatop and socat, in a terminal and in a script", needs("hatop", "script", "socat"), async (t) => {
  const [port, server] = await freePorts(2);
  const folder = mkdtempSync(join(tmpdir(), "ringway-hatop-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const socket = join(folder, "api.sock");
  await startProgram(t, {
    config: `${basics(`nbthread 1\nstats socket ${socket} level admin`)}
listen watched
  bind 127.0.0.1:${port}
  server s1 127.0.0.1:${server} weight 7
`,
  });
  const asked = "set timeout cli 5; show info; get weight watched/s1";
  const said = execFileSync("socat", ["-t10", "-", `unix:${socket}`], { input: `${asked}\n`, encoding: "utf8" });
  t.match(said, /^\nName: HAProxy\n[\s\S]*\n\n7 \(initial 7\)\n\n$/);
  const terminal = spawn("script", ["-qfec", `stty rows 30 cols 120; hatop -s ${socket}`, "/dev/null"], {
    env: { ...process.env, TERM: "xterm" },
  });
  const gone = new Promise((resolve) => terminal.once("exit", resolve));
  t.teardown(async () => {
    terminal.kill("SIGKILL");
    await gone;
  });
  let screen = "";
  terminal.stdout.setEncoding("latin1").on("data", (text: string) => {
    screen += text;
  });
  await until("the proxies are on the screen", () => screen.includes("watched") && screen.includes("s1"));
  t.match(screen, "HATop version");
  t.match(screen, "3.2.0-ringway");
  terminal.stdin.write("q");
});

t.test("default-servers: servers got their settings from them, and they are listed", async (t) => {
  const [port, apiPort] = await freePorts(2);
  const api = `127.0.0.1:${apiPort}`;
  await startProgram(t, {
    config: `${basics(`stats socket ${api} level admin`)}
frontend fe
  bind 127.0.0.1:${port}
backend none
backend be
  default-server weight 10
  server a 127.0.0.1:${port}
  server b 127.0.0.1:${port} from none
  default-server name zz weight 5
  server c 127.0.0.1:${port} from srv:zz
  default-server name abc
backend emptied
  default-server check
  default-server from none
backend copied
  default-server from be:be
backend named
  default-server name x
listen li
  default-server no-check
`,
  });
  for (const [server, weight] of [
    ["a", 10],
    ["b", 1],
    ["c", 5],
  ]) {
    t.equal((await command(api, `get weight be/${server}`)).trim(), `${weight} (initial ${weight})`);
  }
  const list = async (of: string): Promise<string> => (await command(api, `show default-server${of}`)).trim();
  t.equal(await list(""), "* be\n  be/abc\n  be/zz\n* copied\n* named/x\n* li");
  t.equal(await list(" be"), "* be\n  be/abc\n  be/zz");
  t.equal(await list(" emptied"), "");
  for (const unknown of [" fe", " zz"]) t.equal(await list(unknown), "Can't find backend.");
});
