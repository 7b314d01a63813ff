// Compression of answers and requests: every algorithm gives back what the server sent, streams are not held up, clients that stall or leave cost
// nothing, and what must not be compressed is not.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import t from "tap";
import { basics, listen } from "./lab/config.ts";
import { get } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { IS_HAPROXY, startProgram } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";
import { showStat } from "./lab/runtime-api.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);

const LARGE = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `line ${i * 7919} of a text\n`).join(""), "latin1");
/** What gzip cannot make smaller. */
const NOISE = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (Math.imul(i, 0x9e3779b1) ^ (i << 7)) >>> 13));

const bodies = new Map<string, Buffer>();
const origin = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (data: Buffer) => chunks.push(data));
  request.on("end", () => {
    const url = request.url ?? "";
    bodies.set(`${request.method} ${url} ${request.headers["content-encoding"] ?? ""}`, Buffer.concat(chunks));
    response.setHeader("content-type", "text/plain");
    if (url === "/large") response.setHeader("content-length", LARGE.length).end(LARGE);
    else if (url === "/chunked") {
      for (let at = 0; at < LARGE.length; at += 10_000) response.write(LARGE.subarray(at, at + 10_000));
      response.end();
    } else if (url === "/noise") response.end(NOISE);
    else if (url === "/empty") response.setHeader("content-length", 0).end();
    else if (url === "/drip") {
      response.write("first ");
      setTimeout(() => response.write("second "), 100);
    } else response.setHeader("etag", '"v1"').end("small");
  });
});
await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
t.teardown(() => {
  origin.closeAllConnections();
  origin.close();
});
const { port: originPort } = origin.address() as AddressInfo;
const names = ["gzip", "deflate", "raw-deflate", "br", "identity", "all", "requests", "stats"];
const ports = await freePorts(names.length);
const portOf = (name: string): number => ports[names.indexOf(name)]!;
const server = `server s 127.0.0.1:${originPort}`;
await startProgram(t, {
  config:
    basics(`nbthread 2\nstats socket 127.0.0.1:${portOf("stats")} level admin\ntune.comp.maxlevel 2`) +
    ["gzip", "deflate", "raw-deflate", ...(IS_HAPROXY ? [] : ["br"]), "identity"]
      .map((name) => listen(name, portOf(name), `compression algo ${name}\n${server}`))
      .join("") +
    listen("all", portOf("all"), `compression algo deflate gzip\ncompression offload\n${server}`) +
    listen("requests", portOf("requests"), `compression direction both\ncompression algo-req gzip\n${server}`),
});

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  "raw-deflate": inflateRawSync,
  br: brotliDecompressSync,
};

t.test("what comes out is what went in", async (t) => {
  for (const [name, decode] of Object.entries(decoders)) {
    if (IS_HAPROXY && name === "br") continue;
    const token = name === "raw-deflate" ? "deflate" : name;
    for (const [path, expected] of [
      ["/large", LARGE],
      ["/chunked", LARGE],
      ["/noise", NOISE],
    ] as const) {
      const answer = await get(portOf(name), path, { headers: { "accept-encoding": token } });
      t.equal(answer.headers["content-encoding"], token, `${name} ${path}`);
      t.equal(answer.headers.vary, "Accept-Encoding");
      t.ok(decode(Buffer.from(answer.body, "latin1")).equals(expected), `${name} ${path} is whole`);
    }
  }
  const empty = await get(portOf("gzip"), "/empty", { headers: { "accept-encoding": "gzip" } });
  t.equal(empty.headers["content-encoding"], undefined, "nothing is left as it is");
  const identity = await get(portOf("identity"), "/large");
  t.equal(identity.headers["content-encoding"], undefined);
  t.equal(identity.headers["transfer-encoding"], "chunked");
  t.ok(Buffer.from(identity.body, "latin1").equals(LARGE));
});

t.test("the client's weights decide, its order among equals", async (t) => {
  const chosen = async (accepted: string): Promise<string | undefined> =>
    (await get(portOf("all"), "/", { headers: { "accept-encoding": accepted } })).headers["content-encoding"];
  t.equal(await chosen("gzip, deflate"), "gzip");
  t.equal(await chosen("deflate, gzip"), "deflate");
  t.equal(await chosen("deflate;q=0.5, gzip;q=0.7"), "gzip");
  t.equal(await chosen("gzip;q=0, deflate;q=0.001"), "deflate");
  t.equal(await chosen("*"), "gzip", "what was configured last");
  t.equal(await chosen("br, gzipped, x-gzip"), undefined);
  t.equal(await chosen("gzip;q=0"), undefined);
  t.equal((await get(portOf("all"), "/", { headers: { "accept-encoding": "gzip" } })).headers.etag, 'W/"v1"');
});

t.test("a stream is not held up", async (t) => {
  const client = await connect(t, portOf("gzip"));
  client.send("GET /drip HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\n\r\n");
  await until("the second part, though the body goes on", () => {
    const body = client.received.split("\r\n\r\n").slice(1).join("\r\n\r\n");
    const parts: Buffer[] = [];
    for (let at = 0; ; ) {
      const end = body.indexOf("\r\n", at);
      const length = end < 0 ? 0 : Number.parseInt(body.slice(at, end), 16);
      if (!(length > 0) || body.length < end + 2 + length) break;
      parts.push(Buffer.from(body.slice(end + 2, end + 2 + length), "latin1"));
      at = end + 4 + length;
    }
    // A sync flush ends at a byte: what is there can be read without the end of the stream.
    const raw = Buffer.concat(parts).subarray(10);
    if (raw.length === 0) return false;
    const text = inflateRawSync(Buffer.concat([raw, Buffer.from([3, 0])])).toString();
    return text === "first second ";
  });
});

t.test("clients that stall and leave give everything back", async (t) => {
  for (let round = 0; round < 5; round++) {
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect(t, portOf("gzip"))));
    for (const client of clients) {
      client.socket.pause();
      client.send("GET /noise HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\n\r\n");
    }
    await new Promise((resolve) => setTimeout(resolve, 30));
    for (const client of clients) client.reset();
  }
  const answer = await get(portOf("gzip"), "/large", { headers: { "accept-encoding": "gzip" } });
  t.ok(gunzipSync(Buffer.from(answer.body, "latin1")).equals(LARGE));
});

t.test("requests are compressed as well, whatever their size", async (t) => {
  for (const size of [5, 3000, 200_000]) {
    const body = "abc ".repeat(size);
    const answer = await get(portOf("requests"), `/post${size}`, { method: "POST", body });
    t.equal(answer.status, 200);
    const got = bodies.get(`POST /post${size} gzip`);
    t.equal(got === undefined ? "" : gunzipSync(got).toString(), body);
  }
});

t.test("counters", async (t) => {
  const rows = await showStat(`127.0.0.1:${portOf("stats")}`);
  const row = rows.get("gzip/FRONTEND")!;
  t.ok(Number(row.comp_in) > Number(row.comp_out), "bytes in are more than bytes out");
  t.ok(Number(row.comp_rsp) >= 4);
});
