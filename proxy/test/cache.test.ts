// Caches end to end: what is answered from memory is what the server said, to whom it may be said, in pieces as clients take it; what must not be
// stored is not.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import t from "tap";
import { basics } from "./lab/config.ts";
import { type Answer, type GetOptions, get } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { IS_HAPROXY, startProgram } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";
import { command, showStat } from "./lab/runtime-api.ts";
import { startSyslog } from "./lab/syslog.ts";

t.setTimeout(120_000);

const LARGE = Buffer.from(Array.from({ length: 40_000 }, (_, i) => `line ${i * 7919}\n`).join(""), "latin1");
let served = 0;
const origin = createServer((request, response) => {
  served++;
  const url = request.url ?? "";
  response.setHeader("cache-control", "max-age=30");
  response.setHeader("content-type", "text/plain");
  if (url.startsWith("/large")) response.setHeader("content-length", LARGE.length).end(LARGE);
  else if (url.startsWith("/chunked")) {
    for (let at = 0; at < LARGE.length; at += 50_000) response.write(LARGE.subarray(at, at + 50_000));
    response.end();
  } else if (url.startsWith("/cut")) {
    response.setHeader("content-length", 1000).write("part");
    setTimeout(() => response.socket?.destroy(), 20);
  } else if (url.startsWith("/close")) {
    response.shouldKeepAlive = false;
    response.useChunkedEncodingByDefault = false;
    response.end(`until close ${served}`);
  } else if (url.startsWith("/private")) response.setHeader("cache-control", "private").end(`${served}`);
  else if (url.startsWith("/etag")) response.setHeader("etag", '"v1"').end(`${served}`);
  else response.end(`${request.headers.host} ${served}`);
});
await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
t.teardown(() => {
  origin.closeAllConnections();
  origin.close();
});
const { port: originPort } = origin.address() as AddressInfo;
const syslog = await startSyslog(t);
const [port, compressed, api] = await freePorts(3);
await startProgram(t, {
  config: `${basics(`nbthread 2\nlog ${syslog.address} local0\nstats socket 127.0.0.1:${api}`, "log global\noption httplog")}
cache c
  total-max-size 4
  max-object-size 2000000
  process-vary on
listen plain
  bind 127.0.0.1:${port}
  http-request cache-use c
  http-response cache-store c
  http-response set-header x-hit %[res.cache_hit]
  server s 127.0.0.1:${originPort}
listen compressed
  bind 127.0.0.1:${compressed}
  compression algo gzip
  http-request cache-use c
  http-response cache-store c
  http-response set-header x-hit %[res.cache_hit]
  server s 127.0.0.1:${originPort}
`,
});

const hit = async (path: string, options: GetOptions = {}, to = port): Promise<[string, Answer]> => {
  const answer = await get(to, path, options);
  return [String(answer.headers["x-hit"] ?? ""), answer];
};

t.test("the second time comes from memory, byte for byte", async (t) => {
  for (const path of ["/large", "/chunked"]) {
    t.equal((await hit(path))[0], "0");
    const from = syslog.messages.length;
    const [wasHit, answer] = await hit(path);
    t.equal(wasHit, "1", path);
    t.ok(Buffer.from(answer.body, "latin1").equals(LARGE), "whole");
    t.match(String(answer.headers.age), /^[01]$/);
    t.match((await syslog.expect(/<CACHE>/, from)).text, / plain\/<CACHE> .* 200 \d+ - - LR-- /);
    const [headHit, head] = await hit(path, { method: "HEAD" });
    t.equal(headHit, "1");
    t.equal(head.body, "");
  }
  const first = await hit("/close");
  t.equal((await hit("/close"))[1].body, first[1].body, "a body that ended with its connection");
});

t.test("one host's pages are not another's", async (t) => {
  const [, a] = await hit("/host", { headers: { host: "a.example" } });
  const [isHit, b] = await hit("/host", { headers: { host: "b.example" } });
  t.equal(isHit, "0");
  t.match(a.body, /^a\.example /);
  t.match(b.body, /^b\.example /);
  if (!IS_HAPROXY) t.equal((await hit("/host", { headers: { host: "A.EXAMPLE" } }))[0], "1", "host names have no case");
});

t.test("what must not be stored, or not be given", async (t) => {
  for (const [path, options] of [
    ["/private", {}],
    ["/auth", { headers: { authorization: "Basic eDp5" } }],
    ["/nostore", { headers: { "cache-control": "no-store" } }],
    ["/post", { method: "POST", body: "x" }],
  ] as const) {
    await hit(path, options);
    t.equal((await hit(path, options))[0], "0", path);
  }
  await get(port, "/cut").catch(() => null);
  await get(port, "/cut").catch(() => null);
  t.equal((await command(`127.0.0.1:${api}`, "show cache")).split("incomplete").length, 1, "nothing is half there");
});

t.test("conditional requests, and requests that put an end to an object", async (t) => {
  await hit("/etag");
  const [, same] = await hit("/etag", { headers: { "if-none-match": '"v0", W/"v1"' } });
  t.equal(same.status, 304);
  t.equal(same.headers.etag, '"v1"');
  t.equal(same.body, "");
  t.equal((await hit("/etag", { headers: { "if-none-match": '"v2"' } }))[1].status, 200);
  t.equal((await hit("/etag"))[0], "1");
  await hit("/etag", { method: "DELETE" });
  t.equal((await hit("/etag"))[0], "0", "after DELETE");
});

t.test("slow clients, clients that leave, many at once", async (t) => {
  const slow = await Promise.all(Array.from({ length: 8 }, () => connect(t, port)));
  for (const client of slow) {
    client.socket.pause();
    client.send("GET /large HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
  }
  const answers = await Promise.all(Array.from({ length: 30 }, () => get(port, "/large")));
  t.ok(answers.every(({ body }) => body.length === LARGE.length));
  for (const client of slow.slice(0, 4)) client.reset();
  for (const client of slow.slice(4)) {
    client.socket.resume();
    await client.expect(LARGE.subarray(-200).toString("latin1"));
  }
  if (IS_HAPROXY) return;
  const { text } = { text: await command(`127.0.0.1:${api}`, "show cache") };
  t.match(
    text,
    /^0: c \(shctx:0, available blocks:\d+\)\n(\d+ hash:\d+ vary:0x[0-9a-f]+ type:full size:\d+ \(\d+ blocks\), refcount:0, expire:\d+\n)+/,
  );
});

t.test("compression is behind the cache", async (t) => {
  const accepting = { headers: { "accept-encoding": "gzip" } };
  for (const path of ["/large?z", "/chunked?z"]) {
    const [, first] = await hit(path, accepting, compressed);
    const [isHit, second] = await hit(path, accepting, compressed);
    t.equal(isHit, "1");
    for (const { body, headers } of [first, second]) {
      t.equal(headers["content-encoding"], "gzip");
      t.ok(gunzipSync(Buffer.from(body, "latin1")).equals(LARGE), path);
    }
    const [, plain] = await hit(path, {}, compressed);
    t.ok(Buffer.from(plain.body, "latin1").equals(LARGE), "and as it is for who cannot");
  }
});

t.test("more than fits", async (t) => {
  for (let i = 0; i < 12; i++) await get(port, `/large?${i}`);
  t.equal((await hit("/large?11"))[0], "1");
  t.equal((await hit("/large?0"))[0], "0", "the oldest had to go");
  const row = (await showStat(`127.0.0.1:${api}`)).get("plain/FRONTEND")!;
  t.ok(Number(row.cache_lookups) > Number(row.cache_hits));
  t.ok(Number(row.cache_hits) > 30);
});
