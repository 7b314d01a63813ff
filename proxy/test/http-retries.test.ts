// `retry-on`: requests that are sent again because a server answered badly or not at all, and those that are not.

import t from "tap";
import { basics, listen } from "./lab/config.ts";
import { get, startHttpOrigin } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { startRawOrigin } from "./lab/raw-socket.ts";
import { startSyslog } from "./lab/syslog.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);

const syslog = await startSyslog(t);
/** Closes without a word, says something else than HTTP, says nothing, answers 503: by the path. */
const bad = await startRawOrigin(t);
bad.server.on("connection", (socket) => {
  socket.on("data", (data: Buffer) => {
    const text = data.toString("latin1");
    if (text.includes("/empty")) socket.end();
    else if (text.includes("/junk")) socket.end("220 smtp\r\n");
    else if (text.includes("/partial")) socket.end("HTTP/1.1 200 OK\r\ncontent-le");
    else if (text.includes("/503")) socket.write("HTTP/1.1 503 No\r\ncontent-length: 3\r\n\r\nbad");
    else if (text.includes("/404")) socket.write("HTTP/1.1 404 No\r\ncontent-length: 3\r\n\r\nbad");
  });
});
const good = await startHttpOrigin(t, {
  handler: (message, response) => {
    let body = "";
    message.on("data", (data) => {
      body += String(data);
    });
    message.on("end", () => response.end(`${message.method} ${body}`));
  },
});
const names = ["none", "default", "empty", "junk", "timeout", "status", "all"] as const;
const ports = await freePorts(names.length);
const portOf = (name: (typeof names)[number]): number => ports[names.indexOf(name)]!;
const RETRY: Readonly<Record<(typeof names)[number], string>> = {
  none: "retry-on none",
  default: "",
  empty: "retry-on empty-response",
  junk: "retry-on junk-response",
  timeout: "retry-on response-timeout\ntimeout server 200ms",
  status: "retry-on 404 503",
  all: "retry-on all-retryable-errors\ntimeout server 200ms",
};
await startProgram(t, {
  config:
    basics(`nbthread 1\nlog ${syslog.address} local0`, "log global\noption httplog\nretries 1\noption redispatch 1") +
    names
      .map((name, i) =>
        listen(
          name,
          ports[i]!,
          `balance roundrobin\n${RETRY[name]}\nserver bad 127.0.0.1:${bad.port}\nserver good 127.0.0.1:${good.port} backup`,
        ),
      )
      .join(""),
});

/** Status and retries of one request, as its log line tells them. */
async function ask(
  name: (typeof names)[number],
  path: string,
  options: { method?: string; body?: string } = {},
): Promise<string> {
  const from = syslog.messages.length;
  const answer = await get(portOf(name), path, options).catch(() => null);
  const { text } = await syslog.expect(new RegExp(` ${name}/`), from);
  const counted = / (?:\d+\/){4}(\+?\d+) \d+\/\d+ /.exec(text)![1];
  return `${answer?.status ?? 0} ${counted} ${answer?.body ?? ""}`.trim();
}

t.test("each keyword is for its own failure", async (t) => {
  t.match(await ask("default", "/empty"), /^502 0/, "conn-failure alone is the default");
  t.match(await ask("none", "/empty"), /^502 0/);
  // `option redispatch 1`, and no other active server: the same one is asked once more, and fails again.
  t.match(await ask("empty", "/empty"), /^502 1/);
  t.match(await ask("empty", "/junk"), /^502 0/);
  t.match(await ask("empty", "/partial"), /^502 0/, "a part of a head is not nothing");
  t.match(await ask("junk", "/junk"), /^502 1/);
  t.match(await ask("junk", "/partial"), /^502 1/);
  t.match(await ask("junk", "/empty"), /^502 0/);
  t.match(await ask("timeout", "/silence"), /^504 1/);
  t.match(await ask("status", "/503"), /^503 1 bad/, "the last answer goes to the client");
  t.match(await ask("status", "/404"), /^404 1 bad/);
  t.match(await ask("all", "/404"), /^404 0 bad/, "404 is not among all-retryable-errors");
  t.match(await ask("all", "/503"), /^503 1 bad/);
});

t.test("a body that is kept goes out again, byte for byte", async (t) => {
  const before = bad.connections.length;
  t.match(await ask("empty", "/empty", { method: "POST", body: "x".repeat(3000) }), /^502 1/);
  await until("both attempts", () => bad.connections.length === before + 2);
  const [first, second] = bad.connections.slice(before);
  t.ok(first!.received.endsWith("x".repeat(3000)));
  t.equal(second!.received, first!.received);
});

t.test("a body that is too large to be kept is not sent twice", async (t) => {
  t.match(await ask("empty", "/empty", { method: "POST", body: "x".repeat(300_000) }), /^(502|0) 0/);
});
