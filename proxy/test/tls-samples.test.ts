// What rules see of TLS: connections that pass through undecrypted, certificates of clients, servers and our own, what was captured of hellos, why
// handshakes failed, what servers are told in PROXY headers, and tokens whose signatures are verified.

import { createHmac, createSign, generateKeyPairSync, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect as connectPlain, createServer } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, connect, createServer as createTls } from "node:tls";
import t from "tap";
import { CertificateShop } from "./lab/certificates.ts";
import { basics } from "./lab/config.ts";
import { get, startHttpOrigin } from "./lab/http-origin.ts";
import { needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { startSyslog } from "./lab/syslog.ts";
import { until, within } from "./lab/time.ts";

t.setTimeout(120_000);
const skip = needs("openssl");

/** One request over TLS; what stands behind the head, "" when the handshake or the request failed. */
function ask(port: number, options: ConnectionOptions = {}, head = "GET / HTTP/1.1"): Promise<string> {
  return within(
    "an answer",
    new Promise((resolve) => {
      let text = "";
      const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options }, () =>
        socket.write(`${head}\r\nHost: x\r\nConnection: close\r\n\r\n`),
      );
      socket.setEncoding("latin1").on("data", (chunk: string) => {
        text += chunk;
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(text.slice(text.indexOf("\r\n\r\n") + 4)));
    }),
  );
}

t.test("TLS that passes through goes by its hello", skip, async (t) => {
  const shop = new CertificateShop(t);
  const ports: Record<string, number> = {};
  for (const name of ["a", "b", "other"]) {
    const made = shop.selfSigned(`${name}.test`);
    const options = { cert: readFileSync(made.certificate), key: readFileSync(made.key) };
    const server = createTls(options, (socket) => {
      socket.on("error", () => {});
      socket.end(`HTTP/1.1 200 OK\r\n\r\n${name}`);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.teardown(() => server.close());
    ports[name] = (server.address() as AddressInfo).port;
  }
  const plain = await startHttpOrigin(t, { name: "plain" });
  const [port] = await freePorts(1);
  const log = await startSyslog(t);
  await startProgram(t, {
    config: `${basics(`log ${log.address} local0`)}
frontend f
  mode tcp
  log global
  bind 127.0.0.1:${port}
  tcp-request inspect-delay 10s
  tcp-request content set-var(sess.seen) req.ssl_sni if { req.ssl_hello_type 1 }
  tcp-request content set-var(sess.alpn) req.ssl_alpn if { req.ssl_hello_type 1 }
  tcp-request content accept if { req.ssl_hello_type 1 }
  tcp-request content accept if { req.len gt 0 } !{ req.ssl_hello_type -m found }
  log-format "seen=%[var(sess.seen)] alpn=%[var(sess.alpn)] b=%b"
  use_backend a if { req.ssl_sni -i a.test }
  use_backend b if { req.ssl_sni -m end .b.test } { req.ssl_alpn spdy/9 }
  use_backend other if { req.ssl_hello_type 1 } { req.ssl_ver 3.3 } { req.ssl_st_ext 1 2 } { req.ssl_ec_ext 1 }
  default_backend plain
${Object.entries(ports)
  .map(([name, each]) => `backend ${name}\n  mode tcp\n  server s 127.0.0.1:${each}\n`)
  .join("")}
backend plain
  mode tcp
  server s 127.0.0.1:${plain.port}
`,
  });
  t.equal(await ask(port!, { servername: "A.test" }), "a");
  t.equal(await ask(port!, { servername: "x.b.test", ALPNProtocols: ["http/1.1", "spdy/9"] }), "b");
  t.equal(await ask(port!, { servername: "x.b.test" }), "other", "not without that protocol");
  t.equal(await ask(port!), "other");
  t.equal((await get(port!)).body, "plain\n");
  await until("log lines", () => log.messages.length >= 5);
  t.match(log.messages.map(({ text }) => text).join("\n"), /seen=A\.test alpn=(-|) b=a\n[\s\S]*seen=x\.b\.test alpn=/);
  // A hello that comes byte by byte is waited for.
  const hello = await new Promise<Buffer>((resolve) => {
    const catcher = createServer((socket) => {
      socket.once("data", (bytes) => {
        resolve(bytes);
        socket.destroy();
        catcher.close();
      });
    }).listen(0, "127.0.0.1", () => {
      const { port } = catcher.address() as AddressInfo;
      connect({ port, host: "127.0.0.1", servername: "a.test" }).on("error", () => {});
    });
  });
  const slow = connectPlain(port!, "127.0.0.1");
  slow.setNoDelay(true).on("error", () => {});
  for (let at = 0; at < hello.length; at += 60) {
    slow.write(hello.subarray(at, at + 60));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const [answer] = await within(
    "a server's hello",
    new Promise<Buffer[]>((resolve) => slow.once("data", (...all) => resolve(all))),
  );
  t.equal(answer![0], 0x16);
  slow.destroy();
});

t.test("certificates, captures, errors", skip, async (t) => {
  const shop = new CertificateShop(t);
  const server = shop.issue("server.test", ["server.test", "alt.test"]);
  const client = shop.issue("client.test");
  const stranger = shop.selfSigned("stranger.test");
  const log = await startSyslog(t);
  const [port, plain, lenient] = await freePorts(3);
  const samples = [
    "ssl_c_version", "ssl_c_serial,hex", "ssl_c_sha1,hex", "ssl_c_notbefore", "ssl_c_key_alg", "ssl_c_sig_alg", "ssl_c_i_dn(CN)",
    "ssl_c_s_dn(,0,rfc2253)", "ssl_c_san", "ssl_c_r_dn(CN)", "ssl_f_s_dn", "ssl_f_notafter", "ssl_f_key_alg", "ssl_f_version",
    "ssl_fc_curve", "ssl_fc_alg_keysize", "ssl_fc_use_keysize", "ssl_fc_client_random,hex,length", "ssl_fc_session_key,length", "ssl_fc_unique_id,length",
    "ssl_fc_cipherlist_bin(1),hex", "ssl_fc_cipherlist_str", "ssl_fc_protocol_hello_id", "ssl_fc_supported_versions_bin,hex", "ssl_fc_sigalgs_bin,length",
    "ssl_fc_client_traffic_secret_0,length", "ssl_fc_has_early", "ssl_fc_err", "fc_err_str", "ssl_c_err,x509_v_err_str", "ssl_c_ca_err",
    "ssl_c_chain_der,length", "ssl_c_der,sha1,hex",
  ]; // biome-ignore format: a list
  await startProgram(t, {
    config: `${basics(
      `log ${log.address} local0\ntune.ssl.capture-buffer-size 2000\ntune.ssl.keylog on`,
      "log global\noption httpslog",
    )}
frontend f
  bind 127.0.0.1:${port} ssl crt ${server.bundle} ca-file ${shop.authority.certificate} verify optional
  error-log-format "ERROR %[fc_err]:%[fc_err_str] %[ssl_fc_err,hex] %[ssl_fc_err_str] %[ssl_c_err] %[ssl_c_s_dn(CN)]"
  http-request return status 200 content-type text/plain lf-string "${samples.map((each) => `%[${each}]`).join("|")}"
frontend lenient
  bind 127.0.0.1:${lenient} ssl crt ${server.bundle} ca-file ${shop.authority.certificate} verify required crt-ignore-err 18,20 ca-ignore-err X509_V_ERR_CERT_HAS_EXPIRED
  http-request return status 200 content-type text/plain lf-string "%[ssl_c_err]|%[ssl_c_err,x509_v_err_str]|%[ssl_c_verify]"
frontend p
  bind 127.0.0.1:${plain}
  http-request return status 200 content-type text/plain lf-string "%[ssl_fc]|%[ssl_fc_sni]|%[ssl_c_used]|%[ssl_f_s_dn]|%[fc_err]"
`,
  });
  const who = (made: { certificate: string; key: string }) => ({
    cert: readFileSync(made.certificate),
    key: readFileSync(made.key),
  });
  const said = (await ask(port!, { ...who(client), servername: "server.test", maxVersion: "TLSv1.3" })).split("|");
  const of = (name: string) => said[samples.indexOf(name)];
  const x509 = new X509Certificate(readFileSync(client.certificate));
  t.equal(of("ssl_c_version"), "3");
  t.equal(of("ssl_c_serial,hex")!.replace(/^00/, ""), x509.serialNumber);
  t.equal(of("ssl_c_sha1,hex"), x509.fingerprint.replaceAll(":", ""));
  t.match(of("ssl_c_notbefore"), /^\d{12}Z$/);
  t.equal(of("ssl_c_key_alg"), "id-ecPublicKey");
  t.equal(of("ssl_c_sig_alg"), "ecdsa-with-SHA256");
  t.equal(of("ssl_c_i_dn(CN)"), "Test authority");
  t.equal(of("ssl_c_s_dn(,0,rfc2253)"), "CN=client.test,O=Ringway,C=FR");
  t.equal(of("ssl_c_san"), "DNS:client.test");
  t.equal(of("ssl_c_r_dn(CN)"), "Test authority");
  t.equal(of("ssl_f_s_dn"), "/C=FR/O=Ringway/CN=server.test");
  t.equal(of("ssl_f_version"), "3");
  t.match(of("ssl_fc_curve"), /^(X25519|prime256v1)$/);
  t.equal(of("ssl_fc_use_keysize"), "256");
  t.equal(of("ssl_fc_client_random,hex,length"), "64");
  t.match(of("ssl_fc_cipherlist_bin(1),hex"), /^(....)*1302/);
  t.match(of("ssl_fc_cipherlist_str"), /TLS_AES_256_GCM_SHA384,/);
  t.equal(of("ssl_fc_protocol_hello_id"), "771");
  t.match(of("ssl_fc_supported_versions_bin,hex"), /^0304/);
  t.equal(of("ssl_fc_client_traffic_secret_0,length"), "96");
  t.equal(of("ssl_c_err,x509_v_err_str"), "X509_V_OK");
  t.equal(of("fc_err_str"), "Success");
  t.equal(of("ssl_c_der,sha1,hex"), x509.fingerprint.replaceAll(":", ""));
  t.match(await ask(lenient!, who(stranger)), /^(18\|X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT\|18|20\|.*\|2[01])$/);
  t.equal((await get(plain!)).body, "0||||0");
  t.equal(await ask(port!, who(stranger)), "", "not trusted");
  await until("log lines", () => log.messages.length >= 4);
  const lines = log.messages.map(({ text }) => text).join("\n");
  t.match(lines, /GET \/ HTTP\/1\.1" 0\/0{16}\/0\/0\/0 server\.test\/TLSv1\.3\/TLS_AES_256_GCM_SHA384/);
  t.match(
    lines,
    /ERROR 31:SSL client certificate not trusted 0*A000086 error:0A000086:.*verify failed \d+ stranger\.test/,
  );
});

t.test("servers are told of clients' TLS", skip, async (t) => {
  const shop = new CertificateShop(t);
  const server = shop.issue("server.test");
  const client = shop.issue("client.test");
  const received: Buffer[] = [];
  const raw = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      received.push(bytes);
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
  t.teardown(() => raw.close());
  const [port] = await freePorts(1);
  await startProgram(t, {
    config: `${basics()}
listen l
  bind 127.0.0.1:${port} ssl crt ${server.bundle} ca-file ${shop.authority.certificate} verify optional alpn http/1.1
  server s 127.0.0.1:${(raw.address() as AddressInfo).port} send-proxy-v2-ssl-cn proxy-v2-options ssl-cipher,cert-key,cert-sig,authority,crc32c
`,
  });
  const cert = readFileSync(client.certificate);
  await ask(port!, { servername: "server.test", cert, key: readFileSync(client.key), ALPNProtocols: ["http/1.1"] });
  const [bytes] = received;
  const text = bytes!.toString("latin1");
  const tlv = (type: number, value: string) => String.fromCharCode(type, 0, value.length) + value;
  t.ok(text.includes(tlv(1, "http/1.1")), "ALPN");
  t.ok(text.includes(tlv(2, "server.test")), "authority");
  const at = text.indexOf("\x20\x00", 28);
  t.ok(at > 0);
  t.equal(bytes![at + 3], 7, "TLS, and a certificate on this connection");
  t.equal(bytes!.readUInt32BE(at + 4), 0, "that is trusted");
  for (const each of [
    tlv(0x21, "TLSv1.3"),
    tlv(0x22, "client.test"),
    tlv(0x25, "EC256"),
    tlv(0x24, "ecdsa-with-SHA256"),
  ])
    t.ok(text.includes(each), JSON.stringify(each));
  t.ok(text.includes(tlv(0x23, "TLS_AES_256_GCM_SHA384")));
});

t.test("what came over TLS is cached apart; tokens", skip, async (t) => {
  const shop = new CertificateShop(t);
  const server = shop.selfSigned("server.test");
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (const [name, { publicKey }] of Object.entries({ rsa, ec }))
    writeFileSync(join(shop.folder, `${name}.pub`), publicKey.export({ type: "spki", format: "pem" }));
  const origin = await startHttpOrigin(t, {
    handler: (message, response) =>
      response.setHeader("cache-control", "max-age=60").end(String(message.headers["x-proto"])),
  });
  const [port, plain] = await freePorts(2);
  const bearer = "http_auth_bearer,";
  await startProgram(t, {
    config: `${basics("nbthread 1")}
cache c
  total-max-size 4
frontend f
  bind 127.0.0.1:${port} ssl crt ${server.bundle}
  bind 127.0.0.1:${plain}
  http-request set-var(txn.alg) ${bearer}jwt_header_query('$.alg') if { path /jwt }
  http-request set-var(txn.key) str(${shop.folder}/rsa.pub)
  http-request return status 200 content-type text/plain lf-string "%[${bearer}jwt_payload_query('\\$.sub')] %[${bearer}jwt_verify(txn.alg,secret)] %[${bearer}jwt_verify(RS256,${shop.folder}/rsa.pub)] %[${bearer}jwt_verify(ES256,${shop.folder}/ec.pub)] %[${bearer}jwt_verify(txn.alg,txn.key)]" if { path /jwt }
  http-request cache-use c
  http-response cache-store c
  http-request set-header x-proto %[ssl_fc]
  default_backend b
backend b
  server s 127.0.0.1:${origin.port}
`,
  });
  t.equal((await get(plain!, "/x", { headers: { host: "x" } })).body, "0");
  t.equal(await ask(port!, {}, "GET /x HTTP/1.1"), "1", "not what came in the clear");
  t.equal((await get(plain!, "/x", { headers: { host: "x" } })).body, "0");

  const base = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = (alg: string, sign: (text: string) => string) => {
    const text = `${base({ alg, typ: "JWT" })}.${base({ sub: "me" })}`;
    return `${text}.${sign(text)}`;
  };
  const told = async (token: string) =>
    (await get(plain!, "/jwt", { headers: { authorization: `Bearer ${token}` } })).body;
  const hs = signed("HS256", (text) => createHmac("sha256", "secret").update(text).digest("base64url"));
  const rs = signed("RS256", (text) => createSign("sha256").update(text).sign(rsa.privateKey, "base64url"));
  const es = signed("ES256", (text) =>
    createSign("sha256").update(text).sign({ key: ec.privateKey, dsaEncoding: "ieee-p1363" }, "base64url"),
  );
  t.equal(await told(hs), "me 1 0 0 0", "a public key's path is no secret that anybody knows");
  t.equal(await told(rs), "me -5 1 0 1");
  t.equal(await told(es), "me -5 0 1 0", "the kind of key is not the token's to choose");
  t.equal(
    await told(signed("none", () => "")),
    "me 1 0 0 1",
    "what 'none' is worth is said in the manual: look at the algorithm first",
  );
  t.match(await told("nonsense"), /^ -1|^ -3|^ {2}/);
  t.match(await told(`${hs}.more`), /^me -3 -3 -3 -3$/);
});
