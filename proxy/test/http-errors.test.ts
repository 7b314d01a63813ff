// The answers that the proxy gives itself: HAProxy 3.2's pages byte for byte, each provoked by what really causes it, errorfile in
// its three places, and monitor-uri.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { basics } from "./lab/config.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);

/** Status, reason and sentence of each page that HAProxy 3.2 has, odd punctuation included. */
const PAGES: readonly (readonly [number, string, string])[] = [
  [400, "Bad request", "Your browser sent an invalid request."],
  [401, "Unauthorized", "You need a valid user and password to access this content."],
  [403, "Forbidden", "Request forbidden by administrative rules."],
  [404, "Not Found", "The resource could not be found."],
  [405, "Method Not Allowed", "A request was made of a resource using a request method not supported by that resource"],
  [407, "Unauthorized", "You need a valid user and password to access this content."],
  [408, "Request Time-out", "Your browser didn't send a complete request in time."],
  [410, "Gone", "The resource is no longer available and will not be available again."],
  [413, "Payload Too Large", "The request entity exceeds the maximum allowed."],
  [414, "URI Too Long", "The URI provided was too long for the server to process."],
  [421, "Misdirected Request", "Request sent to a non-authoritative server."],
  [422, "Unprocessable Content", "The server cannot process the contained instructions."],
  [425, "Too Early", "Your browser sent early data."],
  [429, "Too Many Requests", "You have sent too many requests in a given amount of time."],
  [431, "Request Header Fields Too Large", ">Request Header Fields Too Large."],
  [500, "Internal Server Error", "An internal server error occurred."],
  [501, "Not Implemented", ".The server does not support the functionality required to fulfill the request."],
  [502, "Bad Gateway", "The server returned an invalid or incomplete response."],
  [503, "Service Unavailable", "No server is available to handle this request."],
  [504, "Gateway Time-out", "The server didn't respond in time."],
];

/** An answer with its header names in lower case and its header lines sorted: case and order are not what is promised. */
function normalised(bytes: string): string {
  const end = bytes.indexOf("\r\n\r\n");
  const [status, ...lines] = bytes.slice(0, end).split("\r\n");
  const sorted = lines.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase())).sort();
  return [status, ...sorted, bytes.slice(end)].join("\n");
}

/** The whole answer with this status, normalised. 400 and 408 always announce that the connection ends. */
function page(status: number, connection = ""): string {
  const [, reason, sentence] = PAGES.find(([code]) => code === status)!;
  const body = `<html><body><h1>${status} ${reason}</h1>\n${sentence}\n</body></html>\n`;
  const closing = connection || (status === 400 || status === 408 ? "connection: close\r\n" : "");
  return normalised(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-length: ${body.length}\r\ncache-control: no-cache\r\n` +
      `content-type: text/html\r\n${closing}\r\n${body}`,
  );
}

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const folder = t.testdir({});
const errorFile = (name: string, status: number): string => {
  const path = join(folder, `${name}.http`);
  writeFileSync(path, `HTTP/1.1 ${status} Mine\r\nX-From: ${name}\r\nContent-Length: 5\r\n\r\n${name.slice(0, 4)}\n`);
  return path;
};

const origin = await startRawOrigin(t);
const [main, noServer, dead, quick, files, inherited, monitored] = await freePorts(7);
const [deadServer] = await freePorts(1);
const program = await startProgram(t, {
  config: `${basics("nbthread 1", "retries 0")}
frontend main
  bind 127.0.0.1:${main}
${PAGES.map(([status]) => `  http-request deny deny_status ${status} if { path /deny/${status} }`).join("\n")}
  default_backend origin
frontend no-server
  bind 127.0.0.1:${noServer}
frontend dead
  bind 127.0.0.1:${dead}
  default_backend dead
frontend monitored
  bind 127.0.0.1:${monitored}
  monitor-uri /health
  monitor fail if { path /never }
frontend quick
  bind 127.0.0.1:${quick}
  timeout http-request 300ms
  timeout client 300ms
  default_backend slow
backend origin
  server s 127.0.0.1:${origin.port}
backend slow
  timeout server 300ms
  server s 127.0.0.1:${origin.port}
backend dead
  server s 127.0.0.1:${deadServer}
defaults with-files
  mode http
  timeout connect 5s
  timeout client 300ms
  timeout server 5s
  errorfile 400 ${errorFile("defaults-400", 400)}
  errorfile 408 /dev/null
  errorfile 503 ${errorFile("defaults-503", 503)}
frontend files from with-files
  bind 127.0.0.1:${files}
  errorfile 400 ${errorFile("frontend-400", 400)}
  http-request deny deny_status 400 if { path /denied }
  use_backend with-own if { path /own }
  default_backend with-defaults
frontend inherited from with-files
  bind 127.0.0.1:${inherited}
  http-request deny deny_status 400 if { path /denied }
backend with-own from with-files
  errorfile 503 ${errorFile("backend-503", 503)}
backend with-defaults from with-files
`,
});

t.test("the pages, byte for byte", async (t) => {
  for (const [status] of PAGES) {
    const client = await connect(t, main);
    client.send(`GET /deny/${status} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.expect("</html>\n");
    t.equal(normalised(client.received), page(status), `${status}`);
    client.destroy();
  }
});

t.test("each from its cause", async (t) => {
  /** Sends `bytes` and gives everything that comes back, once it holds a whole page. */
  async function answerTo(port: number, bytes: string): Promise<RawSocket> {
    const client = await connect(t, port);
    client.send(bytes);
    await client.expect("</html>\n");
    return client;
  }
  await t.test("400: a request that is none", async (t) => {
    const client = await answerTo(main, "rubbish\r\n\r\n");
    t.equal(normalised(await client.closed()), page(400));
  });
  await t.test("408: a head that does not come to its end", async (t) => {
    const client = await answerTo(quick, "GET / HTTP/1.1\r\nHost: ");
    t.equal(normalised(await client.closed()), page(408));
  });
  await t.test("414 and 431: a head that is larger than the buffer leaves room for", async (t) => {
    const long = await answerTo(main, `GET /${"a".repeat(17_000)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    t.equal(normalised(await long.closed()), page(414));
    const wide = await answerTo(main, `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(15_500)}\r\n\r\n`);
    t.equal(normalised(await wide.closed()), page(431));
  });
  await t.test("408: a client that says nothing", async (t) => {
    const client = await connect(t, quick);
    t.equal(normalised(await client.closed()), page(408));
  });
  await t.test("502: an answer that is none, the client is kept", async (t) => {
    origin.onConnection = (connection) => connection.socket.once("data", () => connection.send("rubbish\r\n\r\n"));
    const client = await answerTo(main, GET);
    t.equal(normalised(client.received), page(502));
    t.ok(client.isOpen);
  });
  await t.test("502: a server that hangs up", async (t) => {
    origin.onConnection = (connection) => connection.socket.once("data", () => connection.end());
    t.equal(normalised((await answerTo(main, GET)).received), page(502));
  });
  await t.test("503: no backend, no server, no connection", async (t) => {
    t.equal(normalised((await answerTo(noServer, GET)).received), page(503));
    t.equal(normalised((await answerTo(dead, GET)).received), page(503));
  });
  await t.test("504: a server that is silent", async (t) => {
    origin.onConnection = null;
    t.equal(normalised((await answerTo(quick, GET)).received), page(504));
  });
  await t.test("HEAD gets the head only", async (t) => {
    const client = await connect(t, noServer);
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.expect("\r\n\r\n");
    t.equal(normalised(client.received), page(503).slice(0, page(503).indexOf("\r\n\r\n") + 4));
    client.received = "";
    client.send(GET);
    await client.expect("</html>\n");
    t.equal(normalised(client.received), page(503));
  });
  await t.test("clients of HTTP/1.0 are told that the connection ends", async (t) => {
    const client = await answerTo(noServer, "GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    t.equal(normalised(await client.closed()), page(503, "connection: close\r\n"));
  });
});

t.test("errorfile", async (t) => {
  async function answerTo(port: number, bytes: string): Promise<string> {
    const client = await connect(t, port);
    client.send(bytes);
    await until("an answer", () => /\r\n\r\n.{4}\n/.test(client.received));
    return client.received;
  }
  const DENIED = "GET /denied HTTP/1.1\r\nHost: a\r\n\r\n";
  t.match(await answerTo(files, DENIED), "x-from: frontend-400", "the frontend's before that of defaults");
  t.match(await answerTo(inherited, DENIED), "x-from: defaults-400", "that of defaults");
  t.match(await answerTo(files, GET), "x-from: defaults-503", "a backend without its own");
  t.match(await answerTo(files, "GET /own HTTP/1.1\r\nHost: a\r\n\r\n"), "x-from: backend-503", "a backend's own");
  t.match(await answerTo(files, GET), "HTTP/1.1 503 Mine\r\n", "status line and body are the file's");

  const silent = await connect(t, files);
  silent.send("GET / HTTP/1.1\r\n");
  t.equal(await silent.closed(), "", "/dev/null: closed without a word");
});

t.test("monitor-uri", async (t) => {
  const client = await connect(t, monitored);
  client.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
  await client.expect("</html>\n");
  t.match(client.received, /^HTTP\/1\.1 200 OK\r\n/);
  t.match(client.received, "<html><body><h1>200 OK</h1>\nService ready.\n</body></html>\n");
  const other = await connect(t, monitored);
  other.send("GET /healthy HTTP/1.1\r\nHost: a\r\n\r\n");
  await other.expect("</html>\n");
  t.match(other.received, /^HTTP\/1\.1 503 /);
});

t.test("nothing of this disturbed the program", async (t) => {
  t.equal(program.exit, null);
});
