// Certificates while the process runs: replaced, added and taken away over the runtime API, in all workers and in those that come later; crt-lists with
// policies of their own; OCSP responses; sessions that are not resumed where they were not made.

import { execFileSync } from "node:child_process";
import { randomBytes, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import t from "tap";
import { CertificateShop } from "./lab/certificates.ts";
import { basics } from "./lab/config.ts";
import { needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { command, connectTo } from "./lab/runtime-api.ts";
import { sleep, until, within } from "./lab/time.ts";

t.setTimeout(120_000);
const skip = needs("openssl");

/** A command with its payload, and all that is answered. */
function say(port: number, line: string): Promise<string> {
  return within(
    `the answer to ${line.split("\n")[0]}`,
    new Promise((resolve, reject) => {
      let text = "";
      const socket = connectTo(`127.0.0.1:${port}`);
      socket.setEncoding("latin1").on("data", (chunk: string) => {
        text += chunk;
      });
      socket.on("error", reject).on("end", () => {
        socket.destroy();
        resolve(text);
      });
      socket.write(`${line}\n`);
    }),
  );
}

const withPayload = (line: string, file: string): string => `${line} <<\n${readFileSync(file, "latin1").trim()}\n`;

/** Who answers there; "" when the handshake fails. */
function shown(port: number, options: ConnectionOptions = {}): Promise<string> {
  return within(
    "a handshake",
    new Promise((resolve) => {
      const socket: TLSSocket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options }, () => {
        resolve(
          `${socket.getPeerCertificate().subject.CN}/${new X509Certificate(socket.getPeerCertificate().raw).serialNumber}`,
        );
        socket.destroy();
      });
      socket.on("error", () => resolve(""));
    }),
  );
}

const serialOf = (file: string): string => new X509Certificate(readFileSync(file)).serialNumber;

t.test("certificates are replaced, added and taken away", skip, async (t) => {
  const shop = new CertificateShop(t);
  const first = shop.selfSigned("one.test");
  const second = shop.selfSigned("one.test");
  const other = shop.selfSigned("two.test");
  const third = shop.selfSigned("three.test");
  const [port, listed, api] = await freePorts(3);
  const list = join(shop.folder, "list");
  writeFileSync(
    list,
    `# a comment\n${first.bundle} [ssl-min-ver TLSv1.3] one.test\n${other.bundle} *.wild.test !not.wild.test\n`,
  );
  const program = await startProgram(t, {
    config: `${basics(`nbthread 2\nstats socket 127.0.0.1:${api} level admin`)}
frontend f
  bind 127.0.0.1:${port} ssl crt ${first.bundle}
  bind 127.0.0.1:${listed} ssl strict-sni crt-list ${list}
  http-request return status 200 content-type text/plain lf-string "%[thread] %[ssl_fc_is_resumed]"
`,
  });
  const ask = (line: string) => say(api!, line);
  t.equal(await shown(port!), `one.test/${serialOf(first.certificate)}`);
  t.match(
    await ask(`show ssl cert ${first.bundle}`),
    new RegExp(`^Filename: ${first.bundle}\nStatus: Used\nSerial: 0*${serialOf(first.certificate)}\n`),
  );
  t.match(
    await ask(withPayload(`set ssl cert ${first.bundle}`, second.bundle)),
    /^Transaction created for certificate/,
  );
  t.match(await ask("show ssl cert"), /^# transaction\n\*.*\n# filename\n/);
  t.equal(await shown(port!), `one.test/${serialOf(first.certificate)}`, "not before it is committed");
  t.match(await ask(`commit ssl cert ${other.bundle}`), /^The ongoing transaction is about .*\nCan't commit /);
  t.match(await ask(`commit ssl cert ${first.bundle}`), /^Committing .*\.\.\nSuccess!\n/);
  for (let i = 0; i < 8; i++)
    t.equal(await shown(port!), `one.test/${serialOf(second.certificate)}`, "in every worker");
  t.equal(
    await shown(listed!, { servername: "one.test" }),
    `one.test/${serialOf(second.certificate)}`,
    "and in every place",
  );
  t.equal(await shown(listed!, { servername: "one.test", maxVersion: "TLSv1.2" }), "", "with its line's policy");
  t.match(await shown(listed!, { servername: "a.wild.test", maxVersion: "TLSv1.2" }), /^two\.test/);
  t.equal(await shown(listed!, { servername: "not.wild.test" }), "");

  // A key that is another one's is refused, and nothing changes.
  await ask(withPayload(`set ssl cert ${first.bundle}`, third.certificate));
  t.match(await ask(`commit ssl cert ${first.bundle}`), /^inconsistencies between private key and certificate/);
  t.match(await ask(`abort ssl cert ${first.bundle}`), /^Transaction aborted for certificate/);
  t.match(await ask(`set ssl cert ${first.bundle} <<\nnonsense\n`), /^Can't load the payload\nCan't update/);

  t.match(await ask("new ssl cert three"), /^New empty certificate store 'three'!/);
  t.match(await ask(`add ssl crt-list ${list} three`), /certificate 'three' is empty!/);
  await ask(withPayload("set ssl cert three", third.bundle));
  t.match(await ask("commit ssl cert three"), /Success!/);
  t.equal(await shown(listed!, { servername: "three.test" }), "");
  t.match(await ask(`add ssl crt-list ${list} <<\nthree [verify none] three.test *.three.test\n`), /Success!/);
  t.match(await shown(listed!, { servername: "a.three.test" }), /^three\.test/);
  t.match(await ask(`show ssl crt-list -n ${list}`), /three:0 \[verify none\] three\.test \*\.three\.test\n/);
  t.match(await ask("show ssl sni -f f"), /\*\.three\.test\t-\tecdsa\tthree\t/);
  t.match(await ask("del ssl cert three"), /in use, can't be deleted!/);

  t.match(await ask(`del ssl crt-list ${list} three`), /^Entry 'three' deleted in crtlist/);
  t.equal(await shown(listed!, { servername: "three.test" }), "");
  t.match(await ask("del ssl cert three"), /^Certificate 'three' deleted!/);
  t.equal(program.exit, null);
});

/** One request: the `resumed=…` of the answer, and the session that came with it. */
function visit(options: ConnectionOptions & { port: number }): Promise<{ text: string; session: Buffer | undefined }> {
  return within(
    "a visit",
    new Promise((resolve) => {
      let text = "";
      let session: Buffer | undefined;
      const socket = connect({ host: "127.0.0.1", rejectUnauthorized: false, ...options }, () =>
        socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
      );
      socket.on("session", (each: Buffer) => {
        session = each;
      });
      socket.setEncoding("latin1").on("data", (chunk: string) => {
        text += chunk;
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve({ text: /resumed=\d/.exec(text)?.[0] ?? "", session }));
    }),
  );
}

t.test("sessions stay where they were made", skip, async (t) => {
  const shop = new CertificateShop(t);
  const open = shop.selfSigned("open.test");
  const closed = shop.selfSigned("closed.test");
  const [port, without, cli] = await freePorts(3);
  const kept: { maxVersion: "TLSv1.2" | "TLSv1.3"; session: Buffer; port: number }[] = [];
  const list = join(shop.folder, "list");
  writeFileSync(
    list,
    `${open.bundle} open.test\n${closed.bundle} [verify optional ca-file ${shop.authority.certificate}] closed.test\n`,
  );
  await startProgram(t, {
    args: ["-W", "-S", `127.0.0.1:${cli}`],
    config: `${basics("nbthread 2")}
frontend f
  bind 127.0.0.1:${port} ssl crt-list ${list}
  bind 127.0.0.1:${without} ssl crt-list ${list} no-tls-tickets
  http-request return status 200 content-type text/plain lf-string "resumed=%[ssl_fc_is_resumed]"
`,
  });
  for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
    const { session } = await visit({ port: port!, servername: "open.test", maxVersion });
    t.equal((await visit({ port: port!, servername: "open.test", maxVersion, session: session! })).text, "resumed=1");
    t.equal(
      (await visit({ port: port!, servername: "closed.test", maxVersion, session: session! })).text,
      "resumed=0",
      "another policy",
    );
    t.equal((await visit({ port: port!, maxVersion, session: session! })).text, "resumed=1", "no name: the first's");
    kept.push({ maxVersion, session: session!, port: port! });
    const { session: known } = await visit({ port: without!, servername: "open.test", maxVersion });
    kept.push({ maxVersion, session: known!, port: without! });
  }
  t.match(await command(`127.0.0.1:${cli}`, "reload"), /^Success=1/);
  // Until the former generation has let go of its sockets a connection may still be its own.
  for (const each of kept)
    await until("a session of the former generation is resumed", async () => {
      const attempt = visit({ servername: "open.test", ...each }).catch(() => null);
      const visited = await Promise.race([attempt, sleep(2000)]);
      return visited?.text === "resumed=1";
    });
});

t.test("tickets are sealed with keys of a file, at every machine that has it; keys are changed", skip, async (t) => {
  const shop = new CertificateShop(t);
  const server = shop.selfSigned("server.test");
  const keysOf = (bytes: number): string =>
    [0, 0, 0, 0].map(() => `${randomBytes(bytes).toString("base64")}\n`).join("");
  const files = { small: join(shop.folder, "small"), large: join(shop.folder, "large") };
  writeFileSync(files.small, keysOf(48));
  writeFileSync(files.large, keysOf(80));
  const start = async () => {
    const [small, large, api] = await freePorts(3);
    const program = await startProgram(t, {
      config: `${basics(`nbthread 2\nstats socket 127.0.0.1:${api} level admin`)}
frontend f
  bind 127.0.0.1:${small} ssl crt ${server.bundle} tls-ticket-keys ${files.small}
  bind 127.0.0.1:${large} ssl crt ${server.bundle} tls-ticket-keys ${files.large}
  http-request return status 200 content-type text/plain lf-string "resumed=%[ssl_fc_is_resumed]"
`,
    });
    return { program, small, large, ask: (line: string) => command(`127.0.0.1:${api}`, line) };
  };
  const [here, there] = [await start(), await start()];
  for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
    const resumed = async (port: number, session: Buffer) => (await visit({ port, maxVersion, session })).text;
    for (const [own, others] of [
      [here.small, there.small],
      [here.large, there.large],
    ] as const) {
      const { session } = await visit({ port: own, maxVersion });
      for (const port of [own, own, others]) t.equal(await resumed(port, session!), "resumed=1", maxVersion);
    }
    const { session } = await visit({ port: here.small, maxVersion });
    t.equal(await resumed(here.large, session!), "resumed=0", "keys of another file");

    const key = randomBytes(48).toString("base64");
    t.match(await here.ask(`set ssl tls-key ${files.small} ${key}`), /^TLS ticket key updated!/);
    t.match(await here.ask("show tls-keys *"), `1.2 ${key}\n`);
    t.equal(await resumed(here.small, session!), "resumed=1", "the former key opens still");
    const { session: next } = await visit({ port: here.small, maxVersion });
    t.equal(await resumed(there.small, next!), "resumed=1", "the next key is known everywhere already");
    for (let i = 0; i < 2; i++) await here.ask(`set ssl tls-key #1 ${randomBytes(48).toString("base64")}`);
    t.equal(await resumed(here.small, session!), "resumed=0", "its key is gone");
    await here.ask(`set ssl tls-key #1 ${readFileSync(files.small, "latin1").split("\n")[1]}`);
    for (const line of [2, 3])
      await here.ask(`set ssl tls-key #1 ${readFileSync(files.small, "latin1").split("\n")[line]}`);
  }
  t.match(await here.ask("show tls-keys"), `# id (file)\n0 (${files.large})\n1 (${files.small})\n`);
  t.match(await here.ask("show tls-keys #2"), /^'show tls-keys' unable to locate referenced filename/);
  const refusals: readonly [line: string, answer: RegExp][] = [
    ["#1", /^'set ssl tls-key' expects a filename and the new TLS key in base64 encoding\./],
    ["#9 AAAA", /^'set ssl tls-key' unable to locate referenced filename/],
    ["#1 AAA", /^'set ssl tls-key' received invalid base64 encoded TLS key\./],
    [`#0 ${randomBytes(48).toString("base64")}`, /^'set ssl tls-key' received a key of wrong size\./],
  ];
  for (const [line, answer] of refusals) t.match(await here.ask(`set ssl tls-key ${line}`), answer);
  t.same([here.program.exit, there.program.exit], [null, null]);
});

t.test("OCSP responses are stapled, shown and replaced", skip, async (t) => {
  const shop = new CertificateShop(t);
  const server = shop.issue("stapled.test");
  const plain = shop.issue("plain.test");
  const { certificate: ca, key } = shop.authority;
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "ignore"] });
  const index = join(shop.folder, "index.txt");
  const serial = serialOf(server.certificate);
  const respond = (status: string, out: string) => {
    writeFileSync(
      index,
      status === "V"
        ? `V\t491231235959Z\t\t${serial}\tunknown\t/CN=stapled.test\n`
        : `R\t491231235959Z\t250101000000Z\t${serial}\tunknown\t/CN=stapled.test\n`,
    );
    openssl("ocsp", "-issuer", ca, "-cert", server.certificate, "-reqout", `${out}.req`, "-no_nonce");
    openssl(
      "ocsp",
      "-index",
      index,
      "-CA",
      ca,
      "-rsigner",
      ca,
      "-rkey",
      key,
      "-reqin",
      `${out}.req`,
      "-respout",
      out,
      "-ndays",
      "7",
    );
  };
  respond("V", `${server.bundle}.ocsp`);
  respond("R", join(shop.folder, "revoked"));
  writeFileSync(`${server.bundle}.issuer`, readFileSync(ca));
  const [port, api] = await freePorts(2);
  mkdirSync(join(shop.folder, "store"));
  await startProgram(t, {
    config: `${basics(`nbthread 2\nstats socket 127.0.0.1:${api} level admin`)}
crt-store web
  crt-base ${shop.folder}
  load crt ${plain.certificate} key ${plain.key} alias plain
frontend f
  bind 127.0.0.1:${port} ssl crt ${server.bundle} crt @web/plain
  http-request return status 200
`,
  });
  const stapled = (servername: string): Promise<Buffer | null> =>
    within(
      "a handshake",
      new Promise((resolve) => {
        // A client option that the types only know of servers.
        const options: ConnectionOptions & { requestOCSP: boolean } = {
          port: port!,
          host: "127.0.0.1",
          rejectUnauthorized: false,
          servername,
          requestOCSP: true,
        };
        const socket = connect(options);
        socket.on("OCSPResponse", (response: Buffer | null) => {
          socket.destroy();
          resolve(response);
        });
        socket.on("error", () => {});
      }),
    );
  t.ok((await stapled("stapled.test"))?.equals(readFileSync(`${server.bundle}.ocsp`)));
  t.equal((await stapled("plain.test"))?.length ?? 0, 0, "nothing for others");
  const shownList = await say(api!, "show ssl ocsp-response");
  const id = /Certificate ID key : ([0-9a-f]+)\n/.exec(shownList)?.[1];
  t.match(await say(api!, `show ssl ocsp-response ${id}`), /Cert Status: good/);
  const revoked = readFileSync(join(shop.folder, "revoked"));
  t.match(await say(api!, `set ssl ocsp-response ${revoked.toString("base64")}`), /^OCSP Response updated!/);
  t.ok((await stapled("stapled.test"))?.equals(revoked));
  t.match(await say(api!, `show ssl cert ${server.bundle}`), new RegExp(`OCSP Response Key: ${id}`));
  t.match(await say(api!, `show ssl cert ${server.bundle}.ocsp`), /Cert Status: revoked/);
  t.match(await say(api!, "set ssl ocsp-response !!"), /received invalid base64/);
  t.match(await say(api!, "set ssl ocsp-response AAAA"), /Unable to parse/);
});

t.test(
  "issuers-chain-path completes what comes without a chain, at the start and when it is committed",
  skip,
  async (t) => {
    const shop = new CertificateShop(t);
    const [first, second] = [shop.issue("one.test"), shop.issue("one.test")];
    const chains = join(shop.folder, "chains");
    mkdirSync(chains);
    const chain = join(chains, "authority.pem");
    writeFileSync(chain, readFileSync(shop.authority.certificate));
    writeFileSync(join(chains, "README"), "no certificate\n");
    const [port, api] = await freePorts(2);
    await startProgram(t, {
      config: `${basics(`stats socket 127.0.0.1:${api} level admin\nissuers-chain-path ${chains}`)}
listen f
  bind 127.0.0.1:${port} ssl crt ${first.bundle}
  http-request return status 200
`,
    });
    /** Serial numbers of what the server sends. */
    const sent = (): Promise<string[]> =>
      within(
        "a handshake",
        new Promise((resolve, reject) => {
          const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
            const leaf = socket.getPeerCertificate(true);
            const issuer = leaf.issuerCertificate as typeof leaf | undefined;
            resolve(
              [leaf, ...(issuer === undefined ? [] : [issuer])].map(({ raw }) => new X509Certificate(raw).serialNumber),
            );
            socket.destroy();
          });
          socket.on("error", reject);
        }),
      );
    const authority = serialOf(shop.authority.certificate);
    t.same(await sent(), [serialOf(first.certificate), authority]);
    const shows = await say(api, `show ssl cert ${first.bundle}`);
    t.match(shows, `\nStatus: Used\nChain Filename: ${chain}\n`);
    t.match(shows, "\nChain Subject: /C=FR/O=Ringway/CN=Test authority\n");
    await say(api, withPayload(`set ssl cert ${first.bundle}`, second.bundle));
    t.match(await say(api, `commit ssl cert ${first.bundle}`), /Success!/);
    t.same(await sent(), [serialOf(second.certificate), authority]);
  },
);
