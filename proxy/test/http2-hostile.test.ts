// HTTP/2 from peers that break its rules or try to make us work for nothing: each rule of RFC 9113 has the answer that the RFC names, and each flood that has
// a CVE (rapid reset, MadeYouReset, CONTINUATION, SETTINGS, PING, empty frames, the HPACK bomb, windows that never open) leaves memory flat and others served.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { basics } from "./lab/config.ts";
import { FrameClient, frame, literal, PREFACE, request, TYPE, word } from "./lab/http2-frames.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { command } from "./lab/runtime-api.ts";
import type { Tap } from "./lab/tap.ts";
import { sleep, until } from "./lab/time.ts";

t.setTimeout(180_000);

const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const PADDED = 8;
const BOTH = END_STREAM | END_HEADERS;
const MEGABYTE = 1_000_000;

const origin = createServer((_, response) => response.end(Buffer.alloc(2 * MEGABYTE, "x")));
await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
t.teardown(() => {
  origin.closeAllConnections();
  origin.close();
});
const [port, stats] = await freePorts(2);
const program = await startProgram(t, {
  config: `${basics(`nbthread 1\nstats socket 127.0.0.1:${stats} level admin`)}
listen main
  bind 127.0.0.1:${port} proto h2
  http-request return status 200 content-type text/plain string "ok" if { path /ok }
  http-request return status 200 content-type text/plain lf-string "%[req.hdrs]" if { path /hdrs }
  server s 127.0.0.1:${(origin.address() as AddressInfo).port}
`,
});

const open = (t: Tap, settings: Uint8Array | number[] = []): FrameClient => new FrameClient(t, port).hello(settings);
const used = async (): Promise<string> =>
  [...(await command(`127.0.0.1:${stats}`, "show activity")).matchAll(/^(streams|buffers)_used: (\d+)/gm)]
    .map(([, name, count]) => `${name} ${count}`)
    .join(", ");
const isServed = async (t: Tap): Promise<void> => {
  const client = open(t).send(frame(TYPE.headers, BOTH, 1, request("/ok")));
  await until("others are served", () => client.find(TYPE.data, 1)?.payload.toString() === "ok");
  client.socket.destroy();
};

const ok = frame(TYPE.headers, BOTH, 1, request("/ok"));
const post = frame(TYPE.headers, END_HEADERS, 1, request("/x"));
const fields = (...more: (readonly [string, string])[]): Buffer => frame(TYPE.headers, BOTH, 1, request("/ok", more));
const block = (...parts: Buffer[]): Buffer => frame(TYPE.headers, BOTH, 1, Buffer.concat(parts));

/** What is sent behind preface and SETTINGS, and what comes of it on stream 1. */
const RULES: readonly (readonly [what: string, sent: Buffer | Buffer[], verdict: string])[] = [
  ["DATA on stream 0", frame(TYPE.data, 0, 0, [1]), "goaway 1"],
  ["HEADERS on stream 0", frame(TYPE.headers, BOTH, 0, request()), "goaway 1"],
  ["a stream of even number", frame(TYPE.headers, BOTH, 2, request()), "goaway 1"],
  [
    "a number that was passed",
    [frame(TYPE.headers, BOTH, 5, request("/ok")), frame(TYPE.headers, BOTH, 3, request("/ok"))],
    "goaway 5",
  ],
  ["a frame that is too long", frame(TYPE.data, 0, 1, Buffer.alloc(16_385)), "goaway 6"],
  ["DATA on an idle stream", frame(TYPE.data, 0, 1, [1]), "goaway 1"],
  ["RST_STREAM on an idle stream", frame(TYPE.rst, 0, 1, word(8)), "goaway 1"],
  ["RST_STREAM of another length", [post, frame(TYPE.rst, 0, 1, [0])], "goaway 6"],
  ["WINDOW_UPDATE on an idle stream", frame(TYPE.window, 0, 1, word(1)), "goaway 1"],
  ["WINDOW_UPDATE of nothing", frame(TYPE.window, 0, 0, word(0)), "goaway 1"],
  ["WINDOW_UPDATE of nothing on a stream", [post, frame(TYPE.window, 0, 1, word(0))], "rst 1"],
  ["a window beyond 2^31", frame(TYPE.window, 0, 0, word(0x7fffffff)), "goaway 3"],
  ["a stream's window beyond 2^31", [post, frame(TYPE.window, 0, 1, word(0x7fffffff))], "rst 3"],
  ["SETTINGS on a stream", frame(TYPE.settings, 0, 1), "goaway 1"],
  ["SETTINGS of another length", frame(TYPE.settings, 0, 0, [0, 1]), "goaway 6"],
  ["an acknowledgement with words", frame(TYPE.settings, ACK, 0, [0, 1, 0, 0, 0, 0]), "goaway 6"],
  ["ENABLE_PUSH of 2", frame(TYPE.settings, 0, 0, [0, 2, 0, 0, 0, 2]), "goaway 1"],
  ["an initial window beyond 2^31", frame(TYPE.settings, 0, 0, [0, 4, 0x80, 0, 0, 0]), "goaway 3"],
  ["a frame size below 16384", frame(TYPE.settings, 0, 0, [0, 5, 0, 0, 1, 0]), "goaway 1"],
  ["PING on a stream", frame(TYPE.ping, 0, 1, Buffer.alloc(8)), "goaway 1"],
  ["PING of another length", frame(TYPE.ping, 0, 0, Buffer.alloc(7)), "goaway 6"],
  ["PUSH_PROMISE from a client", frame(TYPE.push, END_HEADERS, 1, [0, 0, 0, 2]), "goaway 1"],
  ["CONTINUATION of nothing", frame(TYPE.continuation, END_HEADERS, 1), "goaway 1"],
  [
    "another frame inside of a block",
    [frame(TYPE.headers, END_STREAM, 1, request()), frame(TYPE.ping, 0, 0, Buffer.alloc(8))],
    "goaway 1",
  ],
  [
    "CONTINUATION of another stream",
    [frame(TYPE.headers, END_STREAM, 1, request()), frame(TYPE.continuation, END_HEADERS, 3)],
    "goaway 1",
  ],
  ["a block that is no HPACK", frame(TYPE.headers, BOTH, 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), "goaway 9"],
  ["padding that is longer than the frame", [post, frame(TYPE.data, PADDED, 1, [9, 1])], "goaway 1"],
  [
    "a stream that depends on itself",
    [post, frame(TYPE.priority, 0, 1, Buffer.concat([word(1), Buffer.from([1])]))],
    "rst 1",
  ],
  ["DATA behind the end", [frame(TYPE.headers, BOTH, 1, request("/slow")), frame(TYPE.data, 0, 1, [1])], "rst 5"],
  [
    "HEADERS behind the end",
    [frame(TYPE.headers, BOTH, 1, request("/slow")), frame(TYPE.headers, BOTH, 1, literal("a", "b"))],
    "rst 5",
  ],
  ["trailers that are no end", [post, frame(TYPE.headers, END_HEADERS, 1, literal("a", "b"))], "rst 1"],
  [
    "more than Content-Length",
    [
      frame(TYPE.headers, END_HEADERS, 1, request("/x", [["content-length", "2"]])),
      frame(TYPE.data, END_STREAM, 1, [1, 2, 3]),
    ],
    "rst 1",
  ],
  [
    "less than Content-Length",
    [
      frame(TYPE.headers, END_HEADERS, 1, request("/x", [["content-length", "2"]])),
      frame(TYPE.data, END_STREAM, 1, [1]),
    ],
    "rst 1",
  ],
  ["Content-Length without a body", fields(["content-length", "5"]), "rst 1"],
  ["an empty Content-Length", fields(["content-length", ""]), "rst 1"],
  ["two lengths", fields(["content-length", "1"], ["content-length", "2"]), "rst 1"],
  ["a capital in a name", fields(["X-A", "b"]), "rst 1"],
  ["a blank in a name", fields(["x a", "b"]), "rst 1"],
  ["an empty name", fields(["", "b"]), "rst 1"],
  ["a line end in a value", fields(["x", "a\r\nb: c"]), "rst 1"],
  ["NUL in a value", fields(["x", "a\0b"]), "rst 1"],
  ["Connection", fields(["connection", "close"]), "rst 1"],
  ["Transfer-Encoding", fields(["transfer-encoding", "chunked"]), "rst 1"],
  ["Upgrade", fields(["upgrade", "h2c"]), "rst 1"],
  ["TE of something else", fields(["te", "gzip"]), "rst 1"],
  ["a pseudo-field behind a field", fields(["x", "y"], [":scheme", "http"]), "rst 1"],
  ["an unknown pseudo-field", block(Buffer.from([0x82, 0x86]), literal(":path", "/"), literal(":x", "y")), "rst 1"],
  [
    ":status from a client",
    block(Buffer.from([0x82, 0x86]), literal(":path", "/"), literal(":status", "200")),
    "rst 1",
  ],
  ["two paths", block(Buffer.from([0x82, 0x86]), literal(":path", "/"), literal(":path", "/b")), "rst 1"],
  ["no path", block(Buffer.from([0x82, 0x86])), "rst 1"],
  ["an empty path", block(Buffer.from([0x82, 0x86]), literal(":path", "")), "rst 1"],
  ["no scheme", block(Buffer.from([0x82]), literal(":path", "/")), "rst 1"],
  ["no method", block(Buffer.from([0x86]), literal(":path", "/")), "rst 1"],
  [
    "CONNECT with a path",
    block(literal(":method", "CONNECT"), literal(":path", "/"), literal(":authority", "a:1")),
    "rst 1",
  ],
  [
    ":protocol without CONNECT",
    block(Buffer.from([0x82, 0x86]), literal(":path", "/"), literal(":protocol", "websocket")),
    "rst 1",
  ],
];

t.test("each rule has the answer that the RFC names", async (t) => {
  for (const [what, sent, verdict] of RULES) {
    const client = open(t).send(...[sent].flat());
    t.equal(await client.verdict(1), verdict, what);
    if (verdict.startsWith("goaway")) await until(`${what}: the end`, () => !client.isOpen);
    client.socket.destroy();
  }
  const noSettings = new FrameClient(t, port).send(PREFACE, ok);
  t.equal(await noSettings.verdict(1), "goaway 1", "SETTINGS come first");
  const noPreface = new FrameClient(t, port).send("GET / HTTP/1.1\r\n\r\n".padEnd(40, "x"));
  t.equal(await noPreface.verdict(1), "goaway 1", "the preface comes first");
});

t.test("what is allowed, in pieces and out of the ordinary", async (t) => {
  const priority = Buffer.concat([word(7), Buffer.from([1])]);
  const bytes = Buffer.concat([
    ...[Buffer.from(PREFACE), frame(TYPE.settings, 0, 0, [0, 1, 0, 0, 0, 0]), frame(0x42, 0xff, 9, [1, 2, 3])],
    ...[frame(TYPE.priority, 0, 9, priority), frame(TYPE.ping, 0, 0, Buffer.from("ringway!"))],
    frame(
      TYPE.headers,
      END_STREAM | PADDED | 32,
      1,
      Buffer.concat([Buffer.from([2]), priority, request("/hdrs").subarray(0, 5), Buffer.alloc(2)]),
    ),
    ...[
      frame(TYPE.continuation, 0, 1),
      frame(
        TYPE.continuation,
        END_HEADERS,
        1,
        Buffer.concat([
          request("/hdrs").subarray(5),
          literal("x-a", "b"),
          literal("cookie", "c=d"),
          literal("host", "other"),
        ]),
      ),
    ],
  ]);
  const client = new FrameClient(t, port);
  for (const byte of bytes) client.socket.write(Buffer.from([byte]));
  await until("the answer", () => client.find(TYPE.data, 1));
  t.equal(client.find(TYPE.data, 1)!.payload.toString().trim(), "x-a: b\r\nhost: a\r\ncookie: c=d");
  t.equal(client.frames.find(({ type, flags }) => type === TYPE.ping && flags === ACK)?.payload.toString(), "ringway!");
  t.equal(client.find(TYPE.headers, 1)!.payload[0], 0x20, "the smaller table was heard of");
});

t.test("a header list that is too large is answered, and the table stays in step", async (t) => {
  const client = open(t).send(
    frame(TYPE.headers, END_STREAM, 1, request("/ok", [["x-a", "y".repeat(16_000)]]).subarray(0, 16_000)),
  );
  client.send(frame(TYPE.continuation, END_HEADERS, 1, request("/ok", [["x-a", "y".repeat(16_000)]]).subarray(16_000)));
  await until("431", () => client.find(TYPE.headers, 1)?.payload.toString("latin1").includes("431"));
  // 3900 bytes in the table, and 4000 references to them: 15 MB for 4 KB.
  const entry = Buffer.concat([
    Buffer.from([0x40, 3]),
    Buffer.from("x-b"),
    Buffer.from([0x7f, 0xbd, 0x1d]),
    Buffer.from("z".repeat(3900)),
  ]);
  client.send(frame(TYPE.headers, BOTH, 3, Buffer.concat([request("/ok"), entry, Buffer.alloc(4000, 0xbe)])));
  await until("431 once more", () => client.find(TYPE.headers, 3)?.payload.toString("latin1").includes("431"));
  client.send(frame(TYPE.headers, BOTH, 5, Buffer.concat([request("/ok"), Buffer.from([0xbe])])));
  await until("the next one", () => client.find(TYPE.data, 5)?.payload.toString() === "ok");
});

/** Sends until the verdict is there or the most is sent; how much that was. */
async function flood(client: FrameClient, chunk: (round: number) => Buffer, rounds: number): Promise<number> {
  let round = 0;
  while (round < rounds && client.isOpen && client.find(TYPE.goaway) === undefined) {
    if (!client.socket.write(chunk(round++)))
      await Promise.race([new Promise((resolve) => client.socket.once("drain", resolve)), sleep(200)]);
  }
  return round;
}

const FLOODS: readonly (readonly [what: string, chunk: (round: number) => Buffer, before: Buffer])[] = [
  [
    "rapid reset",
    (i) =>
      Buffer.concat(
        Array.from({ length: 50 }, (_, k) => {
          const id = 1 + 2 * (i * 50 + k);
          return Buffer.concat([frame(TYPE.headers, BOTH, id, request("/slow")), frame(TYPE.rst, 0, id, word(8))]);
        }),
      ),
    Buffer.alloc(0),
  ],
  [
    "MadeYouReset: a window of nothing",
    (i) =>
      Buffer.concat(
        Array.from({ length: 50 }, (_, k) => {
          const id = 1 + 2 * (i * 50 + k);
          return Buffer.concat([frame(TYPE.headers, BOTH, id, request("/slow")), frame(TYPE.window, 0, id, word(0))]);
        }),
      ),
    Buffer.alloc(0),
  ],
  [
    "requests that are malformed",
    (i) =>
      Buffer.concat(
        Array.from({ length: 50 }, (_, k) =>
          frame(TYPE.headers, BOTH, 1 + 2 * (i * 50 + k), request("/", [["A", "b"]])),
        ),
      ),
    Buffer.alloc(0),
  ],
  [
    "CONTINUATION without end",
    () => frame(TYPE.continuation, 0, 1, literal("x", "y".repeat(1000))),
    frame(TYPE.headers, 0, 1, request()),
  ],
  [
    "empty CONTINUATION without end",
    () => Buffer.concat(Array.from({ length: 50 }, () => frame(TYPE.continuation, 0, 1))),
    frame(TYPE.headers, 0, 1, request()),
  ],
  [
    "SETTINGS",
    () => Buffer.concat(Array.from({ length: 200 }, () => frame(TYPE.settings, 0, 0, [0, 4, 0, 0, 0xff, 0xff]))),
    Buffer.alloc(0),
  ],
  [
    "PING",
    () => Buffer.concat(Array.from({ length: 200 }, () => frame(TYPE.ping, 0, 0, Buffer.alloc(8)))),
    Buffer.alloc(0),
  ],
  [
    "PRIORITY",
    () => Buffer.concat(Array.from({ length: 200 }, () => frame(TYPE.priority, 0, 9, [0, 0, 0, 0, 1]))),
    Buffer.alloc(0),
  ],
  ["empty DATA", () => Buffer.concat(Array.from({ length: 200 }, () => frame(TYPE.data, 0, 1))), post],
  ["unknown frames", () => Buffer.concat(Array.from({ length: 200 }, () => frame(0x77, 0, 0, [1]))), Buffer.alloc(0)],
];

t.test("floods end with ENHANCE_YOUR_CALM", async (t) => {
  await isServed(t);
  await sleep(300);
  const residentBefore = program.residentBytes;
  for (const [what, chunk, before] of FLOODS) {
    const client = open(t).send(before);
    const rounds = await flood(client, chunk, 2000);
    t.ok(rounds < 2000, `${what}: over after ${rounds} rounds`);
    await until(`${what}: the end`, () => client.find(TYPE.goaway) ?? !client.isOpen);
    const goaway = client.find(TYPE.goaway);
    if (goaway !== undefined) t.equal(goaway.payload.readUInt32BE(4), 11, what);
    client.socket.destroy();
    await isServed(t);
  }
  await until("nothing is left", async () => (await used()) === "streams 0, buffers 0");
  const grown = (program.residentBytes - residentBefore) / MEGABYTE;
  t.ok(grown < 150, `${grown.toFixed(0)} MB more`);
});

t.test("peers that do not read: questions wait, answers are bounded, and time ends it", async (t) => {
  const deaf = open(t);
  deaf.socket.pause();
  await flood(
    deaf,
    () => Buffer.concat(Array.from({ length: 100 }, () => frame(TYPE.ping, 0, 0, Buffer.alloc(8)))),
    90,
  );
  const stalled = Array.from({ length: 5 }, () => {
    // A window of nothing: 100 answers of 2 MB each that nobody takes.
    const client = open(t, [0, 4, 0, 0, 0, 0]);
    for (let k = 0; k < 100; k++) client.send(frame(TYPE.headers, BOTH, 1 + 2 * k, request(`/big${k}`)));
    return client;
  });
  await sleep(1000);
  await isServed(t);
  const refused = open(t);
  for (let k = 0; k < 105; k++) refused.send(frame(TYPE.headers, END_HEADERS, 1 + 2 * k, request("/x")));
  await until("streams beyond the limit", () => refused.find(TYPE.rst, 209)?.payload.readUInt32BE(0) === 7);
  for (const client of [deaf, refused, ...stalled]) client.socket.destroy();
  await until("nothing is left", async () => (await used()) === "streams 0, buffers 0");
});

t.test("noise behind the preface", async (t) => {
  let seed = 9113;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)));
  for (let round = 0; round < 150; round++) {
    const client = open(t);
    for (let i = 0; i < 10; i++)
      client.send(
        frame(
          random(11),
          random(256),
          [0, 1, 1, 3, 2][random(5)]!,
          random(3) === 0 ? request("/ok") : bytes(random(40)),
        ),
      );
    client.send(bytes(random(100)));
    await sleep(2);
    client.socket.destroy();
  }
  await isServed(t);
  await until("nothing is left", async () => (await used()) === "streams 0, buffers 0");
  t.equal(program.exit, null);
  t.notMatch(program.stderr, /worker.*(died|crash)/i);
});
