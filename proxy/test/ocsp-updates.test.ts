// `ocsp-update`: responses are fetched from a responder (openssl ocsp), checked, stapled, and told in the log and over the runtime API.

import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import t from "tap";
import { basics } from "./lab/config.ts";
import { needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { command } from "./lab/runtime-api.ts";
import { startSyslog } from "./lab/syslog.ts";
import { until, within } from "./lab/time.ts";

t.setTimeout(120_000);

/** The stapled response, DER; null: none. */
function stapled(port: number, servername: string): Promise<Buffer | null> {
  return within(
    "a handshake",
    new Promise((resolve, reject) => {
      const options = { port, host: "127.0.0.1", servername, requestOCSP: true, rejectUnauthorized: false };
      const socket = connect(options as ConnectionOptions);
      socket.on("OCSPResponse", (response: Buffer | null) => {
        resolve(response);
        socket.destroy();
      });
      socket.on("error", reject);
    }),
  );
}

t.test("responses are fetched, checked and stapled", needs("openssl"), async (t) => {
  const folder = t.testdir();
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  };
  const [port, api, responder] = await freePorts(3);
  const authority = (name: string): void =>
    openssl(
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"],
      ...["-keyout", `${name}.key`, "-out", `${name}.pem`, "-subj", `/CN=${name}`],
      ...["-addext", "basicConstraints=critical,CA:TRUE"],
    );
  authority("authority");
  authority("stranger");
  const issue = (name: string, serial: string, ocspPort: number): void => {
    openssl(
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"],
      ...["-keyout", `${name}.key`, "-out", `${name}.crt`, "-subj", `/CN=${name}`, "-set_serial", serial],
      ...["-CA", "authority.pem", "-CAkey", "authority.key", "-addext", `subjectAltName=DNS:${name}`],
      ...["-addext", `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${ocspPort}/`],
    );
    const parts = [`${name}.crt`, "authority.pem", `${name}.key`].map((part) => readFileSync(file(part), "latin1"));
    writeFileSync(file(`${name}.pem`), parts.join(""));
  };
  // A responder that says nothing but no.
  const broken = createServer((_, response) => response.writeHead(500).end());
  await new Promise<void>((resolve) => broken.listen(0, "127.0.0.1", () => resolve()));
  t.teardown(() => broken.close());
  issue("good.test", "0x1001", responder);
  issue("broken.test", "0x1002", (broken.address() as { port: number }).port);
  issue("quiet.test", "0x1003", responder);
  const valid = (serial: string, name: string): string => `V\t400101000000Z\t\t${serial}\tunknown\t/CN=${name}\n`;
  writeFileSync(file("index.txt"), valid("1001", "good.test") + valid("1003", "quiet.test"));
  const startResponder = (signer: string): { end: () => void } => {
    const args = ["ocsp", "-index", "index.txt", "-CA", "authority.pem", "-rsigner", `${signer}.pem`];
    const more = ["-rkey", `${signer}.key`, "-port", String(responder), "-ndays", "1"];
    const child = spawn("openssl", [...args, ...more], { cwd: folder, stdio: "ignore" });
    t.teardown(() => child.kill("SIGKILL"));
    return { end: () => child.kill("SIGKILL") };
  };
  const lying = startResponder("stranger");
  writeFileSync(
    file("list"),
    `${file("good.test.pem")} [ocsp-update on]\n${file("broken.test.pem")} [ocsp-update on]\n${file("quiet.test.pem")}\n`,
  );
  const syslog = await startSyslog(t);
  const address = `127.0.0.1:${api}`;
  await startProgram(t, {
    config: `${basics(`log ${syslog.address} local0\nstats socket ${address} level admin\nnbthread 2`)}
listen f
  bind 127.0.0.1:${port} ssl crt-list ${file("list")}
  http-request return status 200
`,
  });
  const good = file("good.test.pem");
  await syslog.expect(new RegExp(`^<OCSP-UPDATE> ${file("broken.test.pem")} 2 "HTTP error" 1 0$`));
  // Its first answer is refused: no responder was there yet, or a stranger signed.
  await syslog.expect(new RegExp(`^<OCSP-UPDATE> ${good} [24] "[^"]*" 1 0$`));
  await until("a stranger's word is refused", async () => {
    await command(address, `update ssl ocsp-response ${good}`);
    return syslog.messages.some(({ text }) => text.includes(`${good} 4 "OCSP response check failure"`));
  });
  t.equal(await stapled(port, "good.test"), null, "nothing that the issuer has not signed");
  lying.end();
  startResponder("authority");
  await until("the issuer's word is taken", async () => {
    await command(address, `update ssl ocsp-response ${good}`);
    return syslog.messages.some(({ text }) => text.includes(`${good} 1 "Update successful"`));
  });
  for (let i = 0; i < 6; i++) t.ok((await stapled(port, "good.test"))?.length, "in every worker");
  t.equal(await stapled(port, "quiet.test"), null, "nobody wants that one");
  const [head, ...lines] = (await command(address, "show ssl ocsp-updates")).trim().split("\n");
  t.match(head, /^OCSP Certid \| Path \| Next Update \| /);
  const line = (name: string) => lines.find((each) => each.includes(`| ${file(name)} |`));
  const date = "\\d+/[A-Z][a-z]+/\\d+:\\d\\d:\\d\\d:\\d\\d \\+0000";
  t.match(
    line("good.test.pem"),
    new RegExp(`^30[0-9a-f]+ .* \\| ${date} \\| ${date} \\| [1-9]\\d* \\| \\d+ \\| 1 \\| Update successful$`),
  );
  t.match(line("broken.test.pem"), new RegExp(`${date} \\| - \\| 0 \\| \\d+ \\| 2 \\| HTTP error$`));
  t.equal(line("quiet.test.pem"), undefined);
  t.match(await command(address, "update ssl ocsp-response nothing"), /^Unknown certificate! /);
});
