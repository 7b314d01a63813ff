// HTTP/2 with peers that are not ours: Node's client and server (nghttp2), curl, h2load where it is (gRPC: grpc.test.ts). Every way in (TLS and ALPN, prior
// knowledge, `proto h2`) meets every way out (HTTP/1, HTTP/2), and what leaves is compared with what was sent.

import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { CertificateShop } from "./lab/certificates.ts";
import { basics } from "./lab/config.ts";
import { needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { type Program, startProgram } from "./lab/program.ts";
import { command } from "./lab/runtime-api.ts";
import type { Tap } from "./lab/tap.ts";
import { sleep, until, within } from "./lab/time.ts";

t.setTimeout(180_000);
const run = promisify(execFile);
const BODY = randomBytes(3_000_000);
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

interface Answer {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: http2.IncomingHttpHeaders;
}

/** What both origins answer: the body back, or what the path asks for. */
type Reply = {
  head(status: number, headers: Record<string, string>): void;
  write(bytes: Uint8Array | string): void;
  end(trailers?: Record<string, string>): void;
};

function serve(
  path: string,
  headers: http2.IncomingHttpHeaders,
  body: Buffer,
  trailers: http2.IncomingHttpHeaders,
  reply: Reply,
): void {
  if (path.startsWith("/big")) {
    reply.head(200, { "content-length": String(BODY.length) });
    reply.write(BODY);
    reply.end();
  } else if (path.startsWith("/pieces")) {
    reply.head(200, {});
    for (let i = 0; i < 50; i++) reply.write(`piece ${i};`);
    reply.end();
  } else if (path.startsWith("/trailers")) {
    reply.head(200, { trailer: "x-sum" });
    reply.write("abc");
    reply.end({ "x-sum": "6" });
  } else if (path.startsWith("/empty")) {
    reply.head(204, {});
    reply.end();
  } else {
    const told = { path, headers, bytes: body.length, sum: digest(body), trailers };
    reply.head(200, { "content-type": "application/json", "set-cookie": "a=b" });
    reply.write(JSON.stringify(told));
    reply.end();
  }
}

async function startOrigins(t: { teardown(fn: () => unknown): unknown }): Promise<{ one: number; two: number }> {
  const one = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () =>
      serve(request.url!, request.headers, Buffer.concat(parts), request.trailers, {
        head: (status, headers) => response.writeHead(status, headers),
        write: (bytes) => response.write(bytes),
        end: (trailers) => {
          if (trailers !== undefined) response.addTrailers(trailers);
          response.end();
        },
      }),
    );
  });
  const two = http2.createServer();
  two.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    if (headers[":path"] === "/lies") {
      stream.respond({ ":status": 200, "content-length": "5" }, { endStream: true });
      return;
    }
    const parts: Buffer[] = [];
    let trailers = {};
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("trailers", (got) => {
      trailers = got;
    });
    stream.on("end", () => {
      const late: { trailers?: Record<string, string> } = {};
      stream.on("wantTrailers", () => stream.sendTrailers(late.trailers ?? {}));
      serve(String(headers[":path"]), headers, Buffer.concat(parts), trailers, {
        head: (status, fields) =>
          stream.respond(
            { ":status": status, ...fields },
            { waitForTrailers: status !== 204, endStream: status === 204 },
          ),
        write: (bytes) => stream.write(bytes),
        end: (fields) => {
          if (fields !== undefined) late.trailers = fields;
          if (!stream.writableEnded) stream.end();
        },
      });
    });
  });
  for (const server of [one, two]) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    one.closeAllConnections();
    one.close();
    two.close();
  });
  return { one: (one.address() as AddressInfo).port, two: (two.address() as AddressInfo).port };
}

/** A session with whoever listens there. */
async function open(t: Tap, url: string): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(url, { rejectUnauthorized: false });
  session.on("error", () => {});
  t.teardown(() => session.destroy());
  await within("a session", new Promise((resolve) => session.once("connect", resolve)));
  return session;
}

function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body: Uint8Array | null = null,
  trailers: Record<string, string> | null = null,
): Promise<Answer> {
  return within(
    `the answer to ${JSON.stringify(headers)}`,
    new Promise((resolve, reject) => {
      const stream = session.request(headers, { endStream: body === null, waitForTrailers: trailers !== null });
      const parts: Buffer[] = [];
      let got: Omit<Answer, "body" | "trailers"> = { status: 0, headers: {} };
      let late: http2.IncomingHttpHeaders = {};
      stream.on("response", (fields) => {
        got = { status: Number(fields[":status"]), headers: fields };
      });
      stream.on("wantTrailers", () => stream.sendTrailers(trailers!));
      stream.on("trailers", (fields) => {
        late = fields;
      });
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("error", reject);
      stream.on("close", () => resolve({ ...got, body: Buffer.concat(parts), trailers: late }));
      if (body !== null) stream.end(body);
    }),
    60_000,
  );
}

const shop = new CertificateShop(t);
const certificate = shop.selfSigned("localhost");
const origins = await startOrigins(t);
const [plain, secure, toTwo, secureTwo, inner, stats, upgraded] = await freePorts(7);
const CONFIG = `${basics(`nbthread 2\nstats socket 127.0.0.1:${stats} level admin`, "http-reuse always\ntimeout http-keep-alive 20s")}
listen prior
  bind 127.0.0.1:${plain} proto h2
  http-request return status 200 content-type text/plain lf-string "%[req.ver] %[fc_http_major] %[url] %[path] %[req.hdr(host)] %HV" if { path /told }
  http-request return status 403 if { path /no }
  http-response set-header x-seen "%[res.ver] %[bc_http_major]"
  server s 127.0.0.1:${origins.one}
listen upgraded
  bind 127.0.0.1:${upgraded}
  server s 127.0.0.1:${origins.one}
listen alpn
  option http-buffer-request
  http-request deny deny_status 403 if { path /no }
  bind 127.0.0.1:${secure} ssl crt ${certificate.bundle}
  server s 127.0.0.1:${origins.one}
listen two
  bind 127.0.0.1:${toTwo}
  http-response set-header x-seen "%[res.ver] %[bc_http_major]"
  server s 127.0.0.1:${origins.two} proto h2
listen both
  bind 127.0.0.1:${secureTwo} ssl crt ${certificate.bundle} alpn h2
  server s 127.0.0.1:${inner} ssl verify none alpn h2,http/1.1
listen inner
  bind 127.0.0.1:${inner} ssl crt ${certificate.bundle} alpn h2
  http-request set-header x-inner "%[req.ver] %[ssl_fc_alpn]"
  server s 127.0.0.1:${origins.two} proto h2
`;
const program: Program = await startProgram(t, { config: CONFIG });

const WAYS: readonly (readonly [name: string, url: string])[] = [
  ["prior knowledge to HTTP/1", `http://127.0.0.1:${plain}`],
  ["a preface on an HTTP/1 listener", `http://127.0.0.1:${upgraded}`],
  ["ALPN by default to HTTP/1", `https://127.0.0.1:${secure}`],
  ["to HTTP/2", `http://127.0.0.1:${toTwo}`],
  ["TLS to TLS to HTTP/2", `https://127.0.0.1:${secureTwo}`],
];

for (const [name, url] of WAYS) {
  t.test(name, async (t) => {
    const session = await open(t, url);
    const told = await ask(session, { ":path": "/a?b=c", cookie: ["x=1", "y=2"], "x-own": "v" });
    t.equal(told.status, 200);
    const seen = JSON.parse(told.body.toString()) as { path: string; headers: Record<string, string> };
    t.equal(seen.path, "/a?b=c");
    t.equal(seen.headers["cookie"], "x=1; y=2");
    t.equal(seen.headers["x-own"], "v");
    t.equal(seen.headers["host"] ?? seen.headers[":authority"], new URL(url).host);
    t.same(told.headers["set-cookie"], ["a=b"]);

    for (const path of ["/big", "/pieces", "/trailers", "/empty"]) {
      const answer = await ask(session, { ":path": path });
      t.equal(answer.status, path === "/empty" ? 204 : 200, path);
      if (path === "/big") t.equal(digest(answer.body), digest(BODY));
      if (path === "/pieces") t.match(answer.body.toString(), /^piece 0;.*piece 49;$/);
      if (path === "/trailers") t.equal(answer.trailers["x-sum"], "6");
    }
    const head = await ask(session, { ":path": "/big", ":method": "HEAD" });
    t.equal(head.headers["content-length"], String(BODY.length));
    t.equal(head.body.length, 0);

    for (const fields of [{}, { "content-length": String(BODY.length) }]) {
      const sent = await ask(session, { ":path": "/up", ":method": "POST", ...fields }, BODY);
      t.match(JSON.parse(sent.body.toString()), { bytes: BODY.length, sum: digest(BODY) });
    }
    const late = await ask(session, { ":path": "/up", ":method": "POST" }, Buffer.from("abc"), { "x-late": "yes" });
    t.match(JSON.parse(late.body.toString()), { bytes: 3, trailers: { "x-late": "yes" } });

    const many = await Promise.all(
      Array.from({ length: 90 }, (_, i) =>
        ask(session, { ":path": `/n${i}`, ":method": "POST" }, BODY.subarray(0, i * 1000)),
      ),
    );
    many.forEach((answer, i) => {
      t.match(JSON.parse(answer.body.toString()), {
        path: `/n${i}`,
        bytes: i * 1000,
        sum: digest(BODY.subarray(0, i * 1000)),
      });
    });
    session.close();
  });
}

t.test("what rules, samples and logs see", async (t) => {
  const session = await open(t, `http://127.0.0.1:${plain}`);
  const host = `127.0.0.1:${plain}`;
  t.equal((await ask(session, { ":path": "/no" })).status, 403);
  t.equal((await ask(session, { ":path": "/" })).headers["x-seen"], "1.1 1");
  const local = await ask(session, { ":path": "/told" });
  t.equal(local.body.toString(), `2.0 2 http://${host}/told /told ${host} HTTP/2.0`);
  const two = await open(t, `http://127.0.0.1:${toTwo}`);
  t.equal((await ask(two, { ":path": "/" })).headers["x-seen"], "2.0 2");
  const lie = await ask(two, { ":path": "/lies" });
  t.equal(lie.status, 502, "a length that no body follows");
  const { status, headers } = await ask(two, { ":path": "/lies", ":method": "HEAD" });
  t.same([status, headers["content-length"]], [200, "5"], "to HEAD it is the length of what is not sent");
});

t.test("who expects a word of ours before the body gets it, when it is we who wait for the body", async (t) => {
  const session = await open(t, `https://127.0.0.1:${secure}`);
  const stream = session.request({ ":path": "/up", ":method": "POST", expect: "100-continue" });
  await within("100", new Promise((resolve) => stream.once("continue", resolve)));
  const parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => parts.push(part));
  stream.end("body");
  await within("the answer", new Promise((resolve) => stream.once("close", resolve)));
  const seen = JSON.parse(Buffer.concat(parts).toString()) as { headers: Record<string, string>; bytes: number };
  t.equal(seen.bytes, 4);
  t.equal(seen.headers["expect"], undefined, "it is answered");
});

t.test("curl speaks it by ALPN, and HTTP/1 beside it", needs("curl"), async (t) => {
  const curl = async (...args: string[]): Promise<string> =>
    (
      await run("curl", [
        "-sk",
        "-m",
        "20",
        "-o",
        "/dev/null",
        "-w",
        "%{http_version} %{http_code} %{size_download}",
        ...args,
      ])
    ).stdout;
  t.equal(await curl(`https://127.0.0.1:${secure}/big`), `2 200 ${BODY.length}`);
  t.equal(await curl("--http1.1", `https://127.0.0.1:${secure}/big`), `1.1 200 ${BODY.length}`);
  t.equal(await curl("--http2-prior-knowledge", `http://127.0.0.1:${upgraded}/big`), `2 200 ${BODY.length}`);
  t.equal(await curl(`http://127.0.0.1:${upgraded}/big`), `1.1 200 ${BODY.length}`);
  // An answer that comes before the end of the request arrives, although the stream ends with it.
  const body = join(shop.folder, "body");
  writeFileSync(body, BODY);
  for (let i = 0; i < 5; i++) t.match(await curl("-T", body, `https://127.0.0.1:${secure}/no`), /^2 403 /);
});

t.test("h2load: many streams on many connections", needs("h2load"), async (t) => {
  for (const url of [`http://127.0.0.1:${plain}/`, `https://127.0.0.1:${secureTwo}/`]) {
    const { stdout } = await run("h2load", ["-n", "4000", "-c", "10", "-m", "50", url]);
    t.match(stdout, /4000 succeeded, 0 failed, 0 errored/, url);
  }
});

t.test("who takes nothing holds up only his own stream, and little memory", async (t) => {
  const session = await open(t, `http://127.0.0.1:${plain}`);
  const stalled = Array.from({ length: 20 }, () => {
    const stream = session.request({ ":path": "/big" });
    stream.pause();
    stream.on("error", () => {});
    return stream;
  });
  await sleep(300);
  session.setLocalWindowSize(64 * 1024 * 1024);
  t.equal((await ask(session, { ":path": "/quick" })).status, 200);
  const used = /^buffers_used: (\d+)/m.exec(await command(`127.0.0.1:${stats}`, "show activity"))?.[1];
  t.ok(Number(used) < 4000, `${used} buffers`);
  for (const stream of stalled) stream.close(http2.constants.NGHTTP2_CANCEL);
  session.destroy();
  await until("all buffers are back", async () => {
    const activity = await command(`127.0.0.1:${stats}`, "show activity");
    return /^buffers_used: 0/m.test(activity) && /^streams_used: 0/m.test(activity);
  });
});

t.test("what can be switched off, and how long a connection may be used", async (t) => {
  const [few, never] = await freePorts(2);
  const settings =
    "tune.h2.fe.max-total-streams 3\ntune.h2.fe.max-concurrent-streams 7\ntune.h2.initial-window-size 20000\nh2-workaround-bogus-websocket-clients";
  const server = `server s 127.0.0.1:${origins.one}`;
  await startProgram(t, {
    config: `${basics(`nbthread 1\n${settings}`)}
listen few
  bind 127.0.0.1:${few}
  ${server}
listen never
  bind 127.0.0.1:${never}
  option disable-h2-upgrade
  ${server}
`,
  });
  const session = await open(t, `http://127.0.0.1:${few}`);
  const goaway = new Promise<number>((resolve) => session.on("goaway", (code) => resolve(code)));
  for (let i = 0; i < 3; i++) t.equal((await ask(session, { ":path": "/" })).status, 200);
  t.equal(await within("GOAWAY behind the third", goaway), 0);
  t.match(session.remoteSettings, { maxConcurrentStreams: 7, initialWindowSize: 20_000, enableConnectProtocol: false });
  const refused = http2.connect(`http://127.0.0.1:${never}`);
  t.teardown(() => refused.destroy());
  await within("the refusal", new Promise((resolve) => refused.once("error", resolve)));
});

t.test("a soft stop: GOAWAY, and what is under way is finished", async (t) => {
  const session = await open(t, `http://127.0.0.1:${plain}`);
  const held = session.request({ ":path": "/up", ":method": "POST" });
  held.write("begin");
  const goaway = new Promise<number>((resolve) => session.on("goaway", (code) => resolve(code)));
  await sleep(200);
  program.signal("SIGUSR1");
  t.equal(await within("GOAWAY", goaway), 0);
  const parts: Buffer[] = [];
  held.on("data", (part: Buffer) => parts.push(part));
  held.end("end");
  await within("the held stream", new Promise((resolve) => held.on("close", resolve)));
  t.match(JSON.parse(Buffer.concat(parts).toString()), { bytes: 8 });
  await within(
    "the connection",
    new Promise<void>((resolve) => (session.closed ? resolve() : session.on("close", resolve))),
  );
  t.match(await within("the process", program.exited), { code: 0 });
});
