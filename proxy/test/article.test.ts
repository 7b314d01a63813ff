// The configurations that this project began with (proxy/examples/) run as they stand: port 80, host names, chroot, user and group,
// pidfile, daemon, log /dev/log. Only their hosts are made to exist, in namespaces of the test's own (lab/small-world.ts).

import { once } from "node:events";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import t from "tap";
import { CertificateShop } from "./lab/certificates.ts";
import { get } from "./lab/http-origin.ts";
import { needs } from "./lab/needs.ts";
import { listeningPorts } from "./lab/ports.ts";
import { IS_HAPROXY, REPOSITORY, runProgram, startProgram } from "./lab/program.ts";
import { bindInto, IS_INSIDE, needsSmallWorld, PROXY_ADDRESS, runInside, SmallWorld } from "./lab/small-world.ts";
import { SEVERITY, type SyslogMessage, startUnixSyslog } from "./lab/syslog.ts";
import type { Tap } from "./lab/tap.ts";
import { sleep, until, within } from "./lab/time.ts";

t.setTimeout(120_000);

const WEB1 = "10.230.150.68";
const WEB2 = "10.230.150.70";
const WEB3 = "10.230.150.69";
/** fall 2 × inter 3s, one interval more because the first failing check may come late in one, and a busy machine. */
const DOWN_LIMIT_MS = 12_000;
/** The test of the whole file: servers live as long as it does. */
const whole = t;
const example = (name: string): string => join(REPOSITORY, "proxy/examples", name);
/** The file as it stands, but for a maxconn that this machine's descriptors do not suffice for: HAProxy does not start then either. */
function startable(t: Tap, name: string): string {
  const config = readFileSync(example(name), "latin1");
  const limit = /^Max open files +\d+ +(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  if (limit === undefined || Number(limit) > 50_000) return example(name);
  const file = join(t.testdir(), name);
  writeFileSync(file, config.replace(/^( *maxconn +)20000$/m, "$14000"));
  return file;
}

/** Runs a configuration that says `daemon`, and gives the process that it leaves behind. */
async function startDaemon(t: Tap, name: string, ports: readonly number[]): Promise<number> {
  const started = await runProgram(["-f", startable(t, name)], { limitMs: 20_000 });
  t.same([started.code, started.signal], [0, null], `daemon: the parent returns\n${started.stderr}`);
  const pid = Number(readFileSync("/var/run/haproxy.pid", "latin1"));
  t.teardown(() => {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended as it was asked to.
    }
  });
  await until("its ports listen", () => ports.every((port) => listeningPorts().has(port)));
  return pid;
}

async function endDaemon(pid: number): Promise<void> {
  process.kill(pid, "SIGTERM");
  await until("nobody listens", () => !listeningPorts().has(80));
  await until("the process is gone", () => {
    try {
      return readlinkSync(`/proc/${pid}/exe`) === "";
    } catch {
      return true;
    }
  });
}

/** Which server answers on port 443. */
function securely(path: string, host = "www.example.com"): Promise<string> {
  return within(
    `https://${host}${path}`,
    new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", path, headers: { host }, rejectUnauthorized: false, agent: false } as const;
      request(options, (response) => {
        response.resume();
        resolve(String(response.headers["x-server"] ?? response.statusCode));
      })
        .on("error", reject)
        .end();
    }),
  );
}

const serverOf = async (): Promise<string> => String((await get(80)).headers["x-server"]);

if (!IS_INSIDE) {
  t.test("outside", needsSmallWorld(), (t) => runInside(t, import.meta.url, 110_000));
} else {
  const world = await SmallWorld.create(t, { [WEB1]: "host1", [WEB2]: "host2" }, [WEB1, WEB2, WEB3]);
  const web1 = await world.startServer(t, WEB1, "web1");
  await world.startServer(t, WEB2, "web2");
  await world.startServer(t, WEB3, "web3");

  t.test("haproxy-main.cfg", async (t) => {
    const log = await startUnixSyslog(t, "/dev/log");
    // HAProxy looks for the socket inside its chroot, where Debian's service puts it; ringway has opened it before.
    if (IS_HAPROXY) bindInto("/dev/log", "/var/lib/haproxy/dev/log");
    const pid = await startDaemon(t, "haproxy-main.cfg", [80]);
    t.equal(readlinkSync(`/proc/${pid}/root`), "/var/lib/haproxy", "chroot");
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const haproxy = /^haproxy:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "latin1"))!;
    t.match(status, new RegExp(`^Uid:(\\s+${haproxy[1]}){4}$`, "m"), "user");
    t.match(status, new RegExp(`^Gid:(\\s+${haproxy[2]}){4}$`, "m"), "group");

    await t.test("both servers in turns, logged through /dev/log", async (t) => {
      const order: string[] = [];
      for (let i = 0; i < 6; i++) order.push(await serverOf());
      t.same(order.filter((name) => name === "web1").length, 3);
      t.notOk(
        order.some((name, i) => i > 0 && name === order[i - 1]),
        `in turns: ${order}`,
      );
      const line = await log.expect(/ nginx\/web1 .* 200 .*"GET \/ HTTP\/1\.1"$/);
      t.same([line.facility, line.severity, line.tag], [16, SEVERITY.info, "haproxy"], "local0.info");
      t.match(
        line.text,
        /^127\.0\.0\.1:\d+ \[\d\d\/[A-Z][a-z]{2}\/\d{4}:[\d:.]{12}\] main nginx\/web1 \d+\/\d+\/\d+\/\d+\/\d+ 200 \d+ - - ---- \d+\/\d+\/\d+\/\d+\/0 0\/0 "GET \/ HTTP\/1\.1"$/,
      );
    });

    await t.test("option forwardfor except 127.0.0.0/8", async (t) => {
      t.equal(JSON.parse((await get(80)).body).forwardedFor, null, "not for this machine's own clients");
      const script = `require("node:http").get("http://${PROXY_ADDRESS}/", (r) => r.pipe(process.stdout))`;
      const body = world.amongServers(`'${process.execPath}' -e '${script}'`);
      t.match(JSON.parse(body).forwardedFor, /^10\.230\.150\.(68|70)$/, "but for others");
    });

    await t.test("a server that dies is out within fall × inter, and no client notices", async (t) => {
      const from = log.messages.length;
      const died = once(web1, "exit");
      web1.kill("SIGKILL");
      await died;
      const answers: Promise<string>[] = [];
      const isDown = (): SyslogMessage | undefined =>
        log.messages.slice(from).find(({ text }) => /^Server nginx\/web1 is DOWN, reason: Layer4 /.test(text));
      while (isDown() === undefined && answers.length < 200) {
        answers.push(serverOf());
        await sleep(100);
      }
      t.equal(isDown()?.severity, SEVERITY.alert);
      t.ok(answers.length * 100 < DOWN_LIMIT_MS, `after ${answers.length * 100} ms`);
      t.same([...new Set(await Promise.all(answers))], ["web2"]);
      await world.startServer(whole, WEB1, "web1");
      await log.expect(/^Server nginx\/web1 is UP/, from);
      await until("it serves again", async () => (await serverOf()) === "web1");
    });

    await t.test("SIGTERM ends it", () => endDaemon(pid));
  });

  t.test("haproxy-ssl.cfg, haproxy-route-path.cfg, haproxy-route-host.cfg", needs("openssl"), async (t) => {
    // As the article puts it together: cat web.crt web.key > web.pem.
    const { certificate, key } = new CertificateShop(t).selfSigned("www.example.com", ["www.example.com"], "rsa");
    writeFileSync("/etc/ssl/certs/web.pem", Buffer.concat([readFileSync(certificate), readFileSync(key)]));
    const expected: readonly [config: string, visits: readonly [path: string, host: string, servers: string][]][] = [
      ["haproxy-ssl.cfg", [["/", "www.example.com", "web1 web3"]]],
      [
        "haproxy-route-path.cfg",
        [
          ["/", "www.example.com", "web1"],
          ["/test1/a", "www.example.com", "web3"],
          ["/test2", "www.example.com", "web2"],
          ["/else/test2", "www.example.com", "web1"],
        ],
      ],
      [
        "haproxy-route-host.cfg",
        [
          ["/", "www.example.com", "web1"],
          ["/", "www.test1.com", "web3"],
          ["/", "www.test2.com:443", "web2"],
          ["/test1", "test1.com", "web1"],
        ],
      ],
    ];
    for (const [config, visits] of expected) {
      const pid = await startDaemon(t, config, [80, 443]);
      for (const [path, host, servers] of visits) {
        const plain = await get(80, path, { headers: { host } });
        t.same([plain.status, plain.headers.location], [302, `https://${host}${path}`], `${config}: ${host}${path}`);
        const found = new Set<string>();
        for (let i = 0; i < 4; i++) found.add(await securely(path, host));
        t.equal([...found].sort().join(" "), servers, `${config}: https://${host}${path}`);
      }
      await endDaemon(pid);
    }
  });

  t.test("haproxy-cookie.cfg", async (t) => {
    const config = readFileSync(example("haproxy-cookie.cfg"), "latin1");
    const program = await startProgram(t, { config, ports: [80] });
    const names: Readonly<Record<string, string>> = { web1: "web1", web2: "web3" };
    for (let i = 0; i < 4; i++) {
      const first = await get(80);
      const server = String(first.headers["x-server"]);
      t.same(first.headers["set-cookie"], [`WEBSRV=${names[server]}; path=/`]);
      for (let again = 0; again < 3; again++) {
        const later = await get(80, "/", { headers: { cookie: `WEBSRV=${names[server]}` } });
        t.same([later.headers["x-server"], later.headers["set-cookie"]], [server, undefined], "it stays there");
      }
    }
    await program.stop();
  });

  t.test("haproxy-tcp-source.cfg", async (t) => {
    const config = readFileSync(example("haproxy-tcp-source.cfg"), "latin1");
    const program = await startProgram(t, { config, ports: [80] });
    const servers = new Set<string>();
    for (let host = 1; host <= 20; host++) {
      const localAddress = `127.${host}.${7 * host}.${3 * host}`;
      const found = new Set<string>();
      for (let i = 0; i < 3; i++) found.add(String((await get(80, "/", { localAddress })).headers["x-server"]));
      t.equal(found.size, 1, `${localAddress} stays with its server`);
      for (const name of found) servers.add(name);
    }
    t.same([...servers].sort(), ["web1", "web2"], "and others find the other one");
    t.match(JSON.parse((await get(80)).body), { forwardedFor: null }, "mode tcp adds no header");
    await program.stop();
  });
}
