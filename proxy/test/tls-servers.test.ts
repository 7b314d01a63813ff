// Encrypted connections to servers: who is trusted, under which name, what is shown and said to them, sessions that are resumed, mode tcp, PROXY
// headers in front, checks, and what becomes of a server that cannot be trusted. The servers are Node's own.

import { readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, connect, createServer as createPlain } from "node:net";
import { join } from "node:path";
import { createServer, TLSSocket, type TlsOptions } from "node:tls";
import t from "tap";
import { CertificateShop, type MadeCertificate } from "./lab/certificates.ts";
import { basics } from "./lab/config.ts";
import { get } from "./lab/http-origin.ts";
import { needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { runProgram, startProgram, type Teardown } from "./lab/program.ts";
import { command, showStat } from "./lab/runtime-api.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);
const skip = needs("openssl");

/** An origin that says what it saw: name asked for, whether the session was resumed, the client's certificate. */
async function startTlsOrigin(t: Teardown, made: MadeCertificate, options: TlsOptions = {}): Promise<number> {
  const server = createHttps(
    { cert: readFileSync(made.certificate), key: readFileSync(made.key), ...options },
    (message, response) => {
      const { socket } = message;
      if (!(socket instanceof TLSSocket)) throw new Error("not encrypted");
      const client = socket.getPeerCertificate().subject?.CN ?? "-";
      const { servername } = socket as { servername?: string | false };
      const name = servername || "-";
      if (message.url === "/close") response.setHeader("connection", "close");
      response.end(`${name} ${socket.isSessionReused() ? "resumed" : "new"} ${client} ${socket.getProtocol()}`);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const body = async (port: number, path = "/", headers: Record<string, string> = {}): Promise<string> => {
  const { status, body } = await get(port, path, { headers });
  return status === 200 ? body : String(status);
};

t.test("who is trusted, and what servers are shown", skip, async (t) => {
  const shop = new CertificateShop(t);
  const ca = shop.authority.certificate;
  const good = await startTlsOrigin(t, shop.issue("good.test", ["good.test", "*.wild.test"]));
  const stranger = await startTlsOrigin(t, shop.selfSigned("good.test"));
  const client = shop.issue("client.test");
  const strict = await startTlsOrigin(t, shop.issue("strict.test"), {
    ...{ requestCert: true, rejectUnauthorized: true, ca: readFileSync(ca) },
  });
  const old = await startTlsOrigin(t, shop.issue("old.test"), { maxVersion: "TLSv1.2" });
  const [port, api] = await freePorts(2);
  const program = await startProgram(t, {
    config: `${basics(
      `ssl-server-verify required\nstats socket 127.0.0.1:${api} level admin`,
      "retries 0\noption log-health-checks",
    )}
frontend f
  bind 127.0.0.1:${port}
  http-response set-header x-tls "%[ssl_bc] %[ssl_bc_protocol] %[ssl_bc_cipher] %[ssl_bc_is_resumed] %[ssl_s_s_dn(CN)]"
  use_backend %[path,field(2,/)]
backend trusted
  server s 127.0.0.1:${good} ssl ca-file ${ca}
backend named
  server s 127.0.0.1:${good} ssl ca-file ${ca} sni req.hdr(host)
backend fixed
  server s 127.0.0.1:${good} ssl ca-file ${ca} verifyhost good.test sni str(whatever)
backend misnamed
  server s 127.0.0.1:${good} ssl ca-file ${ca} verifyhost other.test
backend stranger
  server s 127.0.0.1:${stranger} ssl ca-file ${ca}
backend checked
  server s 127.0.0.1:${stranger} ssl ca-file ${ca} check inter 300 fall 1
backend careless
  default-server ssl verify none
  server s 127.0.0.1:${stranger} check inter 300
backend shown
  server s 127.0.0.1:${strict} ssl verify required ca-file ${ca} crt ${client.bundle}
backend unshown
  server s 127.0.0.1:${strict} ssl verify required ca-file ${ca}
backend tooold
  server s 127.0.0.1:${old} ssl verify none ssl-min-ver TLSv1.3
backend forced
  server s 127.0.0.1:${good} ssl verify none force-tlsv12 ciphers ECDHE-ECDSA-AES256-GCM-SHA384
backend plainly
  default-server ssl verify none
  server s 127.0.0.1:${good} no-ssl
`,
  });
  t.equal(await body(port!, "/trusted/"), "- new - TLSv1.3");
  const answer = await get(port!, "/trusted/");
  t.match(String(answer.headers["x-tls"]), /^1 TLSv1\.3 TLS_AES_256_GCM_SHA384 [01] good\.test$/);
  t.match(await body(port!, "/named/", { host: "good.test" }), /^good\.test new /);
  t.match(
    await body(port!, "/named/", { host: "a.wild.test" }),
    /^a\.wild\.test new /,
    "not the other name's connection",
  );
  t.equal(await body(port!, "/named/", { host: "other.test" }), "503", "the certificate is for others");
  t.match(await body(port!, "/fixed/"), /^whatever new /);
  t.equal(await body(port!, "/misnamed/"), "503");
  t.equal(await body(port!, "/stranger/"), "503");
  t.match(await body(port!, "/careless/"), / new /);
  t.equal(await body(port!, "/shown/"), "- new client.test TLSv1.3");
  // With TLS 1.3 the refusal comes behind the handshake.
  t.match(await body(port!, "/unshown/"), /^50[23]$/);
  t.equal(await body(port!, "/tooold/"), "503");
  t.match(await body(port!, "/forced/"), / TLSv1\.2$/);
  t.match(await body(port!, "/plainly/"), /^50[02]$|^400$/);
  await until("the reasons in the log", () =>
    /misnamed\/s: SSL handshake failure \(.*mismatch\)/i.test(program.stderr),
  );
  t.match(
    program.stderr,
    /stranger\/s: SSL handshake failure \(.*certificate verify failed.*self.signed certificate\)/,
  );
  t.match(program.stderr, /tooold\/s: SSL handshake failure/);
  await until("the checks", async () => {
    const rows = await showStat(`127.0.0.1:${api}`);
    return /^DOWN/.test(rows.get("checked/s")!.status!) && rows.get("careless/s")!.check_status === "L6OK";
  });
  const row = (await showStat(`127.0.0.1:${api}`)).get("checked/s")!;
  t.equal(row.check_status, "L6RSP");
  t.match(row.last_chk, /^SSL handshake failure/);
});

t.test("sessions, mode tcp, PROXY headers", skip, async (t) => {
  const shop = new CertificateShop(t);
  const made = shop.issue("good.test", ["good.test", "b.test"]);
  const origin = await startTlsOrigin(t, made);
  const origin12 = await startTlsOrigin(t, made, { maxVersion: "TLSv1.2" });
  const echo = createServer({ cert: readFileSync(made.certificate), key: readFileSync(made.key) }, (socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  const heads: string[] = [];
  // Takes the header off and passes the rest on.
  const behind = createPlain((socket) => {
    socket.on("error", () => {});
    socket.once("data", (chunk: Buffer) => {
      const end = chunk.indexOf("\r\n") + 2;
      heads.push(chunk.subarray(0, end).toString("latin1"));
      const inner = connect(origin, "127.0.0.1");
      inner.on("error", () => {});
      inner.write(chunk.subarray(end));
      socket.pipe(inner).pipe(socket);
    });
  });
  for (const each of [echo, behind]) await new Promise<void>((resolve) => each.listen(0, "127.0.0.1", resolve));
  t.teardown(() => [echo, behind].map((each) => each.close()));
  const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
  const [port, tcp, api] = await freePorts(3);
  const server = `ssl verify required ca-file ${shop.authority.certificate} sni req.hdr(host)`;
  await startProgram(t, {
    config: `${basics(`nbthread 1\nstats socket 127.0.0.1:${api} level admin`)}
frontend f
  bind 127.0.0.1:${port}
  use_backend %[path,field(2,/)]
backend close
  server s 127.0.0.1:${origin} ${server}
backend close12
  http-request set-path /close
  server s 127.0.0.1:${origin12} ${server}
backend never
  http-request set-path /close
  server s 127.0.0.1:${origin} ${server} no-ssl-reuse
backend behind
  server s 127.0.0.1:${portOf(behind)} ssl verify none send-proxy check inter 500
backend elsewhere
  server s 127.0.0.1:1 check-ssl verify none check port ${origin} inter 500 check-sni good.test
listen t
  mode tcp
  bind 127.0.0.1:${tcp}
  server s 127.0.0.1:${portOf(echo)} ssl verify none
`,
  });
  for (const backend of ["close", "close12"]) {
    const name = { host: "good.test" };
    const first = await body(port!, `/${backend}`, name);
    t.match(first, /^good\.test new /);
    t.match(await body(port!, `/${backend}`, name), /^(-|good\.test) resumed /);
    t.match(await body(port!, `/${backend}`, name), /^(-|good\.test) resumed /, "and again");
    t.match(await body(port!, `/${backend}`, { host: "b.test" }), /^b\.test new /, "never under another name");
  }
  await body(port!, "/never", { host: "good.test" });
  t.match(await body(port!, "/never", { host: "good.test" }), / new /);
  t.match(await body(port!, "/behind"), /^- new /);
  t.match(heads[0], /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/);
  const text = await new Promise<string>((resolve) => {
    let all = "";
    const socket = connect(tcp!, "127.0.0.1", () => socket.end("x".repeat(300_000)));
    socket.on("data", (chunk) => {
      all += chunk;
    });
    socket.on("end", () => resolve(all));
  });
  t.equal(text.length, 300_000, "bytes both ways, and both ends");
  await until("checks with headers and names", async () => {
    const rows = await showStat(`127.0.0.1:${api}`);
    return ["behind/s", "elsewhere/s"].every((each) => rows.get(each)!.check_status === "L6OK");
  });
});

t.test("what is wrong with server lines is said", skip, async (t) => {
  const shop = new CertificateShop(t);
  const file = join(shop.folder, "cfg");
  const [port] = await freePorts(1);
  const check = async (server: string, global = ""): Promise<string> => {
    writeFileSync(file, `${basics(global)}\nlisten b\n  bind 127.0.0.1:${port}\n  server s 127.0.0.1:80 ${server}\n`);
    const { code, stderr } = await runProgram(["-c", "-f", file]);
    return `${code} ${stderr}`;
  };
  t.match(
    await check("ssl"),
    /^1 .*verify is enabled by default but no CA file specified\. If you're running on a LAN/s,
  );
  t.match(await check("ssl verify required"), /^1 .*verify is enabled/s);
  t.match(await check("ssl", "ssl-server-verify none"), /^0 /);
  t.match(await check("ssl ca-file @system-ca"), /^0 /);
  t.match(await check("ssl", "ssl-server-verify sometimes"), /'ssl-server-verify' expects 'none' or 'required'/);
  t.match(await check("ssl verify optional"), /unknown verify method 'optional', only 'none' and 'required'/);
  t.match(await check("ssl verify none ca-file /nowhere"), /unable to load/);
  t.match(await check("ssl verify none sni nonsense"), /^1 .*sni/s);
  t.match(await check("ssl verify none crt /nowhere"), /unable to stat SSL certificate/);
  t.match(await check("check-ssl check"), /^1 .*verify is enabled by default/s);
});

t.test("checks trust whom the runtime API makes trusted", skip, async (t) => {
  const [mine, theirs] = [new CertificateShop(t), new CertificateShop(t)];
  const origin = await startTlsOrigin(t, theirs.issue("good.test"));
  const [port, api] = await freePorts(2);
  const ca = mine.authority.certificate;
  await startProgram(t, {
    config: `${basics(`stats socket 127.0.0.1:${api} level admin`, "timeout check 5s")}
listen f
  bind 127.0.0.1:${port}
  server s 127.0.0.1:${origin} ssl verify required ca-file ${ca} check inter 500 fall 1 rise 1
`,
  });
  const status = async () => (await showStat(`127.0.0.1:${api}`)).get("f/s")!;
  await until("the stranger is refused", async () => (await status()).check_status === "L6RSP");
  const pem = readFileSync(theirs.authority.certificate, "latin1").trim();
  await command(`127.0.0.1:${api}`, `set ssl ca-file ${ca} <<\n${pem}\n`);
  t.match(await command(`127.0.0.1:${api}`, `commit ssl ca-file ${ca}`), /Success!/);
  await until("it is trusted", async () => (await status()).status === "UP");
});
