// Encrypted connections of clients: certificates by name, versions, clients' certificates, resumption at any worker, bodies of any size, half-closed and
// broken connections, and what all of it leaves behind. The peers are curl, the openssl program and Node's own TLS.

import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { connect as connectPlain, createServer } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import t from "tap";
import { CertificateShop } from "./lab/certificates.ts";
import { basics } from "./lab/config.ts";
import { get, startHttpOrigin } from "./lab/http-origin.ts";
import { needs } from "./lab/needs.ts";
import { freePort, freePorts } from "./lab/ports.ts";
import { runProgram, startProgram } from "./lab/program.ts";
import { command } from "./lab/runtime-api.ts";
import { startSyslog } from "./lab/syslog.ts";
import { until, within } from "./lab/time.ts";

t.setTimeout(180_000);
const run = promisify(execFile);
const skip = needs("openssl", "curl");

/** A TLS connection that is through its handshake, or the error. */
function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return within(
    "a handshake",
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options }, () => resolve(socket));
      socket.on("error", reject);
    }),
  );
}

/** One request on it, and everything that comes back until it is closed. */
async function ask(socket: TLSSocket, path = "/"): Promise<string> {
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await within("the answer", new Promise((resolve) => socket.once("end", resolve)));
  socket.destroy();
  return text;
}

t.test("certificates by name, samples and logs", skip, async (t) => {
  const shop = new CertificateShop(t);
  const main = shop.selfSigned("main.test");
  const ec = shop.selfSigned("www.test", ["www.test", "*.wild.test"]);
  const rsa = shop.selfSigned("www.test", ["www.test", "*.wild.test"], "rsa");
  const origin = await startHttpOrigin(t, { name: "o" });
  const log = await startSyslog(t);
  const [port, strict, plain] = await freePorts(3);
  const info = "%[ssl_fc] %[ssl_fc_protocol] %[ssl_fc_cipher] [%[ssl_fc_sni]] [%[ssl_fc_alpn]] %[ssl_fc_has_sni]";
  await startProgram(t, {
    config: `${basics(`log ${log.address} local0`, "log global\noption httplog")}
frontend main
  bind 127.0.0.1:${port} ssl crt ${main.bundle} crt ${ec.bundle} crt ${rsa.bundle} alpn http/1.1,http/1.0
  bind 127.0.0.1:${strict} ssl crt ${ec.bundle} strict-sni ssl-max-ver TLSv1.2
  bind 127.0.0.1:${plain}
  redirect scheme https if !{ ssl_fc }
  http-request return status 200 content-type text/plain lf-string "${info}" if { path /info }
  default_backend b
backend b
  server s 127.0.0.1:${origin.port}
`,
  });
  const nameOf = async (servername: string, options: ConnectionOptions = {}): Promise<string> => {
    const socket = await handshake(port!, { servername, ...options });
    const certificate = socket.getPeerCertificate();
    socket.destroy();
    return `${certificate.subject.CN} ${certificate.bits}`;
  };
  t.equal(await nameOf(""), "main.test 256", "no name: the first");
  t.equal(await nameOf("nobody.test"), "main.test 256");
  t.equal(await nameOf("WWW.test"), "www.test 256", "ECDSA for those who can");
  t.equal(await nameOf("www.test", { maxVersion: "TLSv1.2", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" }), "www.test 2048");
  t.equal(await nameOf("a.wild.test"), "www.test 256");
  t.equal(await nameOf("a.b.wild.test"), "main.test 256", "a wildcard is one label");
  await t.rejects(handshake(strict!, { servername: "main.test" }), "strict-sni");
  await t.rejects(
    handshake(port!, { maxVersion: "TLSv1.1", minVersion: "TLSv1.1", ciphers: "ALL@SECLEVEL=0" }),
    "too old",
  );
  const old = await handshake(strict!, { servername: "www.test" });
  t.equal(old.getProtocol(), "TLSv1.2");
  old.destroy();

  const socket = await handshake(port!, { servername: "www.test", ALPNProtocols: ["spdy/9", "http/1.1"] });
  t.match(await ask(socket, "/info"), /\r\n\r\n1 TLSv1\.3 TLS_AES_256_GCM_SHA384 \[www\.test\] \[http\/1\.1\] 1$/);
  t.match(await ask(await handshake(port!)), /^HTTP\/1\.1 200 [\s\S]*\no\n$/);
  t.equal((await get(plain!, "/x")).headers.location, `https://127.0.0.1:${plain}/x`);
  const texts = () => log.messages.map(({ text }) => text).join("\n");
  await until("log lines", () => /main~ b\/s .* 200 /.test(texts()) && / main main\/<NOSRV> .* 302 /.test(texts()));
  t.match(texts(), /main\/3|main~?\/\d: SSL handshake failure|SSL handshake failure/, "failed handshakes have a line");

  const { stdout } = await run("curl", [
    "-sS",
    "--cacert",
    main.certificate,
    "--resolve",
    `main.test:${port}:127.0.0.1`,
    `https://main.test:${port}/`,
  ]);
  t.equal(stdout, "o\n", "curl verifies the chain");
});

t.test("clients' certificates", skip, async (t) => {
  const shop = new CertificateShop(t);
  const server = shop.selfSigned("server.test");
  const good = shop.issue("client.test");
  const stranger = shop.selfSigned("stranger.test");
  const [required, optional, lenient] = await freePorts(3);
  const info = "%[ssl_c_used] %[ssl_c_verify] [%{+Q}[ssl_c_s_dn]] [%[ssl_c_s_dn(CN)]] %[ssl_fc_has_crt]";
  await startProgram(t, {
    config: `${basics()}
frontend f
  bind 127.0.0.1:${required} ssl crt ${server.bundle} ca-file ${shop.authority.certificate} verify required
  bind 127.0.0.1:${optional} ssl crt ${server.bundle} ca-file ${shop.authority.certificate} verify optional
  bind 127.0.0.1:${lenient} ssl crt ${server.bundle} ca-file ${shop.authority.certificate} verify optional crt-ignore-err all
  http-request return status 200 content-type text/plain lf-string "${info}"
`,
  });
  const who = ({ certificate, key }: { certificate: string; key: string }) => ({
    cert: readFileSync(certificate),
    key: readFileSync(key),
  });
  const told = async (port: number, options: ConnectionOptions = {}) =>
    /\r\n\r\n(.*)$/.exec(await ask(await handshake(port, options)))?.[1];
  t.equal(await told(required!, who(good)), '1 0 ["/C=FR/O=Ringway/CN=client.test"] [client.test] 1');
  // In TLS 1.3 the client's handshake is through before the server has looked at its certificate.
  t.equal(await told(required!), undefined, "no certificate, no answer");
  t.equal(await told(required!, who(stranger)), undefined);
  t.equal(await told(optional!, who(stranger)), undefined);
  t.match(await told(optional!), /^0 0 /);
  t.match(await told(optional!, who(good)), /^1 0 /);
  t.match(await told(lenient!, who(stranger)), /^1 (18|20) .*stranger\.test/, "the rules may see what was wrong");
});

t.test(
  "sessions are resumed at every worker, with and without tickets, but not at another listener",
  skip,
  async (t) => {
    const shop = new CertificateShop(t);
    const server = shop.selfSigned("server.test");
    const [port, other, without] = await freePorts(3);
    await startProgram(t, {
      config: `${basics("nbthread 4")}
frontend f
  bind 127.0.0.1:${port} ssl crt ${server.bundle}
  bind 127.0.0.1:${without} ssl crt ${server.bundle} no-tls-tickets
  http-request return status 200 content-type text/plain lf-string "%[ssl_fc_is_resumed] %[thread]"
frontend g
  bind 127.0.0.1:${other} ssl crt ${server.bundle} ca-file ${shop.authority.certificate} verify optional
  http-request return status 200 content-type text/plain lf-string "%[ssl_fc_is_resumed]"
`,
    });
    const ways = [
      [port!, "TLSv1.3", without!],
      [port!, "TLSv1.2", without!],
      [without!, "TLSv1.3", port!],
      [without!, "TLSv1.2", port!],
    ] as const;
    for (const [at, maxVersion, elsewhere] of ways) {
      const way = `${maxVersion}${at === without ? ", without tickets" : ""}`;
      const first = await handshake(at, { maxVersion });
      const ticket = new Promise<Buffer>((resolve) => first.once("session", resolve));
      const early = first.getSession();
      await ask(first);
      // TLS 1.2 gives its ticket with the handshake, 1.3 behind it.
      const session = maxVersion === "TLSv1.2" ? early : await within("a ticket", ticket);
      const workers = new Set<string>();
      for (let i = 0; i < 24; i++) {
        const answer = await ask(await handshake(at, { session, maxVersion }));
        t.match(answer, /\r\n\r\n1 \d$/, `${way}: resumed`);
        workers.add(answer.slice(-1));
      }
      t.ok(workers.size > 1, `at ${workers.size} workers`);
      t.match(
        await ask(await handshake(other!, { session, maxVersion })),
        /\r\n\r\n0$/,
        "another policy about clients: not resumed",
      );
      const unresumed = await ask(await handshake(elsewhere, { session, maxVersion }));
      t.match(unresumed, /\r\n\r\n0 \d$/, `${way}: not where the other way is gone`);
    }
  },
);

t.test("bodies both ways, byte for byte; early ends", skip, async (t) => {
  const shop = new CertificateShop(t);
  const server = shop.selfSigned("server.test");
  const big = randomBytes(20 << 20);
  const origin = await startHttpOrigin(t, {
    handler: (message, response) => {
      if (message.method === "GET") return void response.end(big);
      const hash = createHash("sha256");
      message.on("data", (chunk) => hash.update(chunk));
      message.on("end", () => response.end(hash.digest("hex")));
    },
  });
  const [port, relay] = await freePorts(2);
  const program = await startProgram(t, {
    config: `${basics("nbthread 1")}
frontend f
  bind 127.0.0.1:${port} ssl crt ${server.bundle}
  default_backend b
backend b
  server s 127.0.0.1:${origin.port}
listen relay
  mode tcp
  bind 127.0.0.1:${relay} ssl crt ${server.bundle}
  server s 127.0.0.1:${origin.port}
`,
  });
  const sum = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
  for (const each of [port!, relay!]) {
    const body = await new Promise<Buffer>((resolve, reject) => {
      const chunks: Buffer[] = [];
      request({ port: each, host: "127.0.0.1", rejectUnauthorized: false, agent: false }, (response) => {
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve(Buffer.concat(chunks)));
        response.on("error", reject);
      })
        .on("error", reject)
        .end();
    });
    t.equal(sum(body), sum(big), "down");
    const answer = await new Promise<string>((resolve, reject) => {
      const message = request(
        { port: each, host: "127.0.0.1", method: "POST", rejectUnauthorized: false, agent: false },
        (response) => {
          response.setEncoding("latin1").on("data", resolve);
        },
      );
      message.on("error", reject);
      message.end(big);
    });
    t.equal(answer, sum(big), "up");
  }
  // A client that half-closes with its last request still gets the answer.
  const half = await handshake(relay!, {});
  half.allowHalfOpen = true;
  let text = "";
  half.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  half.end("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  await within("the answer", new Promise((resolve) => half.once("end", resolve)));
  t.match(text, new RegExp(`${sum(Buffer.from("ok"))}`));
  t.equal(program.exit, null);
});

t.test("broken, interrupted and foolish handshakes leave nothing behind", skip, async (t) => {
  const shop = new CertificateShop(t);
  const server = shop.selfSigned("server.test");
  const [port, strict, stats] = await freePorts(3);
  const program = await startProgram(t, {
    config: `${basics(`nbthread 1\nstats socket 127.0.0.1:${stats} level admin`, "timeout http-request 5s")}
frontend f
  bind 127.0.0.1:${port} ssl crt ${server.bundle}
  bind 127.0.0.1:${strict} ssl crt ${server.bundle} strict-sni
  http-request return status 200 content-type text/plain string ok
`,
  });
  // What a real client says first, to be cut and bent.
  const hello = await new Promise<Buffer>((resolve) => {
    const catcher = createServer((socket) => socket.once("data", resolve).once("close", () => catcher.close()));
    catcher.listen(0, "127.0.0.1", () => {
      const socket = connect({ port: (catcher.address() as { port: number }).port, host: "127.0.0.1" });
      socket.on("error", () => {});
      setTimeout(() => socket.destroy(), 200);
    });
  });
  const attempt = (bytes: Buffer, reset: boolean): Promise<void> =>
    new Promise((resolve) => {
      const socket = connectPlain(port!, "127.0.0.1", () => {
        socket.write(bytes, () => (reset ? socket.resetAndDestroy() : socket.end()));
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve());
      socket.resume();
    });
  const kinds: (() => Buffer)[] = [
    () => hello.subarray(0, Math.floor(Math.random() * hello.length)),
    () => {
      const bent = Buffer.from(hello);
      bent[Math.floor(Math.random() * bent.length)]! ^= 0xff;
      return bent;
    },
    () => randomBytes(300),
    () => Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    () => Buffer.concat([hello, randomBytes(600)]),
  ];
  /** A whole handshake for a name that nobody has, or one that is left in the middle of everything. */
  const strange = (k: number): Promise<unknown> =>
    k % 2 === 0
      ? handshake(strict!, { servername: "nobody.test" }).catch(() => {})
      : handshake(port!).then(
          (socket) => {
            socket.write("GET / HTTP/1.1\r\n");
            socket.destroy();
          },
          () => {},
        );
  const round = async (times: number) => {
    for (let i = 0; i < times; i += 20)
      await Promise.all([
        ...Array.from({ length: 18 }, (_, k) => attempt(kinds[(i + k) % kinds.length]!(), k % 2 === 0)),
        ...[0, 1].map(strange),
      ]);
  };
  // `make test-handshakes` says 10 000.
  const times = Number(process.env.RINGWAY_HANDSHAKES ?? 1000);
  await round(400);
  const before = program.residentBytes;
  await round(times);
  const grown = program.residentBytes - before;
  t.ok(grown < 12 << 20, `resident memory grew by ${grown} bytes over ${times} bad handshakes`);
  t.match(await ask(await handshake(port!)), /ok$/, "and the next client is served");
  await until("no connection is left", async () =>
    /CurrConns: 0\n/.test(await command(`127.0.0.1:${stats}`, "show info")),
  );
  t.equal(program.exit, null);
});

t.test("what is wrong with certificates is said with its place", skip, async (t) => {
  const shop = new CertificateShop(t);
  const one = shop.selfSigned("one.test");
  const two = shop.selfSigned("two.test");
  writeFileSync(
    join(shop.folder, "mixed.pem"),
    readFileSync(one.certificate, "latin1") + readFileSync(two.key, "latin1"),
  );
  const check = async (line: string): Promise<string> => {
    const file = join(shop.folder, "cfg");
    writeFileSync(file, `${basics()}\nfrontend f\n  ${line}\n  http-request return status 200\n`);
    const { code, stderr } = await runProgram(["-c", "-f", file]);
    return `${code} ${stderr}`;
  };
  const port = await freePort();
  const bind = `bind 127.0.0.1:${port} ssl`;
  t.match(await check(bind), /^1 .*no SSL certificate specified for bind '127\.0\.0\.1:\d+' at \[.*\] \(use 'crt'\)/);
  t.match(await check(`${bind} crt /nowhere.pem`), /unable to stat SSL certificate from file '\/nowhere\.pem'/);
  t.match(await check(`${bind} crt ${one.certificate}`), /No Private Key found in/);
  t.match(
    await check(`${bind} crt ${join(shop.folder, "mixed.pem")}`),
    /inconsistencies between private key and certificate/,
  );
  t.match(await check(`${bind} crt ${one.bundle} ciphers NONSENSE`), /unable to set SSL ciphers list to 'NONSENSE'/);
  t.match(await check(`${bind} crt ${one.bundle} verify required`), /verify is enabled but no CA file specified/);
  t.match(
    await check(`${bind} crt ${one.bundle} ssl-min-ver TLSv1.3 ssl-max-ver TLSv1.2`),
    /all SSL\/TLS versions are disabled/,
  );
  t.match(await check(`${bind} crt ${one.bundle} alpn h3`), /'alpn' : protocol 'h3' is not served/);
  t.match(await check(`bind 127.0.0.1:${port} crt ${one.bundle}`), /^0 .*SSL was not enabled on bind/);
  t.match(await check(`${bind} crt ${shop.folder}/nothing`), /^1 /);
});
