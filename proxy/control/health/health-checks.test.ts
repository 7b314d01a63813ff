// Health checks: what is sent, how answers are judged, when a server goes down and up, and all of it side by side with an installed HAProxy
// against the same misbehaving origin, through its own log lines.

import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import t from "tap";
import { newExpect } from "../../config/sections/check-expect.ts";
import type { CheckExpectation, CheckPatternPlan, CheckStepRequestPlan } from "../../plan/check.ts";
import { findProgram, needs } from "../../test/lab/needs.ts";
import { startProgram } from "../../test/lab/program.ts";
import { resetSocket } from "../../test/lab/raw-socket.ts";
import { startSyslog } from "../../test/lab/syslog.ts";
import type { Tap } from "../../test/lab/tap.ts";
import { sleep, until } from "../../test/lab/time.ts";
import { ControlFixture, HTTP_CHECK, planOf } from "../fixture.ts";
import { compileExpect } from "./check-expect.ts";
import { compileRequest } from "./check-request.ts";
import { CheckResponseReader } from "./check-response.ts";
import { CheckSamples, CheckScope } from "./check-samples.ts";
import { CHECK_STATUS } from "./check-status.ts";
import { judgeProtocol } from "./protocol-answers.ts";
import { CheckSchedule } from "./schedule.ts";

/** What the origin does with a connection. */
type Behaviour = "refuse" | "hang" | "close" | "reset" | "garbage" | "partial" | "body" | "empty" | number;

/** A server on a port of its own that changes its mind when told. */
class Origin {
  readonly requests: string[] = [];
  behaviour: Behaviour = 200;
  port = 0;
  #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(t: Tap) {
    this.#server = createServer((socket) => this.#accept(socket));
    t.teardown(() => {
      for (const socket of this.#sockets) socket.destroy();
      this.#server.close();
    });
  }

  async start(): Promise<this> {
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async become(behaviour: Behaviour): Promise<void> {
    const wasRefusing = this.behaviour === "refuse";
    this.behaviour = behaviour;
    if (behaviour === "refuse") {
      for (const socket of this.#sockets) socket.destroy();
      this.#server.close();
    } else if (wasRefusing) await this.start();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      this.requests.push(bytes.toString("latin1"));
      this.#answer(socket);
    });
  }

  #answer(socket: Socket): void {
    const { behaviour } = this;
    if (behaviour === "close") socket.end();
    else if (behaviour === "reset") resetSocket(socket);
    else if (behaviour === "garbage") socket.end("hello world\r\n\r\n");
    else if (behaviour === "partial") socket.write("HTTP/1.1 200 OK\r\nContent-Le");
    else if (behaviour === "body") socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall good\n");
    else if (behaviour === "empty") socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    else if (behaviour !== "hang") {
      socket.end(`HTTP/1.1 ${behaviour} Because\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    }
  }
}

/** A fixture with one server whose name is `s1`, for samples and formats of checks. */
function samplesOf(t: Tap): { samples: CheckSamples; scope: CheckScope } {
  const fixture = new ControlFixture(planOf([{ name: "be", servers: [{ check: true }] }]));
  t.teardown(() => fixture.close());
  return {
    samples: new CheckSamples(fixture.plan, fixture.shared),
    scope: new CheckScope(fixture.plan.servers[0]!, null),
  };
}

t.test("requests, as HAProxy was seen to send them", async (t) => {
  const { samples, scope } = samplesOf(t);
  const plain = HTTP_CHECK.steps[0] as CheckStepRequestPlan;
  const request = (changes: Partial<CheckStepRequestPlan>, state = ""): string =>
    compileRequest({ ...plain, ...changes }, samples)(scope, state);
  t.equal(request({}), "OPTIONS / HTTP/1.0\r\n\r\n");
  t.equal(
    request({ method: "HEAD", uri: "/old", version: "HTTP/1.1" }),
    "HEAD /old HTTP/1.1\r\nconnection: close\r\n\r\n",
  );
  t.equal(
    request({ method: "GET", uri: "/h", version: "HTTP/1.1", headers: [{ name: "Host", value: "foo" }], body: "x=1" }),
    "GET /h HTTP/1.1\r\nhost: foo\r\ncontent-length: 3\r\nconnection: close\r\n\r\nx=1",
  );
  t.equal(
    request({ method: "POST", uri: "/x", headers: [{ name: "X-Aa", value: "bB" }], body: "abc" }, "UP; name=be/s1"),
    "POST /x HTTP/1.0\r\nx-aa: bB\r\nx-haproxy-server-state: UP; name=be/s1\r\ncontent-length: 3\r\n\r\nabc",
  );
});

t.test("answers", async (t) => {
  const { samples, scope } = samplesOf(t);
  /** The verdict after each piece: "ok", the number of a CHECK_STATUS and why; "more" while undecided, "broken" for what is no HTTP. */
  const judge = (
    expectation: CheckExpectation,
    pieces: readonly (string | null)[],
    { negate = false, method = "GET" } = {},
  ): string => {
    const reader = new CheckResponseReader(method, 16384);
    const expect = compileExpect({ ...newExpect(expectation), negate }, true, samples);
    let result = "";
    for (const piece of pieces) {
      if (piece === null) reader.close();
      else reader.push(piece);
      const response = reader.response();
      if (response === null) return "broken";
      const judgement = expect({ scope, isLast: piece === null, response, context: "" });
      if (judgement !== null) return judgement.passed ? "ok" : `${judgement.status} ${judgement.info}`;
      result = "more";
    }
    return result;
  };
  const { L7STS, L7RSP } = CHECK_STATUS;
  const success: CheckExpectation = { on: "status", pattern: "200-399" };
  const string = (text: string): CheckExpectation => ({ on: "string", text });
  t.equal(judge(success, ["HTTP/1.1 200 OK\r\n\r\n"]), "ok", "a status alone needs no body");
  t.equal(judge(success, ["HT", "TP/1.0 30", "2 Found\r\nLocation: /\r\n", "\r\n"]), "ok", "in pieces");
  t.equal(judge(success, ["HTTP/1.1 503 Busy now\r\n\r\n"]), `${L7STS} Busy now`);
  t.equal(judge(success, ["HTTP/1.1 200 OK\r\nA: b\r\n"]), "more");
  t.equal(judge(success, ["HTTP/1.1 200 OK\r\nA: b\r\n", null]), "broken");
  t.equal(judge(success, ["hello\r\n"]), "broken");
  t.equal(judge(success, [null]), "broken");
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n";
  t.equal(judge(string("good"), [head, "all ", "good"]), "ok");
  t.equal(judge(string("good"), [head, "all ", "bad!"]), `${L7RSP} HTTP content check did not match`);
  t.equal(judge(string("good"), [head, "all good"], { negate: true }), `${L7RSP} HTTP check matched unwanted content`);
  t.equal(judge(string("bad"), [head, "all "], { negate: true }), "more");
  t.equal(judge(string("bad"), [head, "all good"], { negate: true }), "ok");
  t.equal(
    judge(string("x"), ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], { negate: true }),
    `${L7RSP} HTTP content check could not find a response body`,
  );
  t.equal(
    judge(string("good"), [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ngo",
      "o\r\n1;x\r\nd\r\n0\r\n\r\n",
    ]),
    "ok",
    "chunks are taken apart",
  );
  t.equal(judge(string("good"), ["HTTP/1.0 200 OK\r\n\r\nall ", "good"]), "ok", "up to the end of the connection");
  t.equal(
    judge(string("good"), ["HTTP/1.0 200 OK\r\n\r\n", "x".repeat(20_000)]),
    `${L7RSP} HTTP content check did not match`,
    "a buffer is all that is read",
  );
  t.equal(judge(string("x"), [head], { method: "HEAD" }), `${L7RSP} HTTP content check could not find a response body`);
  t.equal(judge({ on: "status", pattern: "200-299,404" }, ["HTTP/1.1 404 No\r\n\r\n"]), "ok");
  const because = ["HTTP/1.1 200 Because\r\n\r\n"];
  t.equal(judge({ on: "status", pattern: "200" }, because, { negate: true }), `${L7STS} Because`);
  t.equal(judge({ on: "rstatus", pattern: "^3.." }, [head]), `${L7STS} OK`);
  t.equal(judge({ on: "rstring", pattern: "^good" }, [head, "all good"]), `${L7RSP} HTTP content check did not match`);
  const lines = "HTTP/1.1 200 OK\r\nX-One: a, b\r\nx-two: C\r\n\r\n";
  const header = (on: "hdr" | "fhdr", name: CheckPatternPlan, value: CheckPatternPlan | null): CheckExpectation => ({
    ...{ on, name, value },
  });
  const is = (text: string): CheckPatternPlan => ({ match: "str", text });
  const none = `${L7RSP} HTTP header check did not match`;
  t.equal(judge(header("hdr", is("x-one"), null), [lines]), "ok");
  t.equal(judge(header("hdr", is("x-three"), null), [lines]), none);
  t.equal(judge(header("hdr", is("x-one"), is("b")), [lines]), "ok", "one of the values");
  t.equal(judge(header("fhdr", is("x-one"), is("b")), [lines]), none, "the whole line");
  t.equal(judge(header("fhdr", { match: "beg", text: "X-" }, { match: "reg", text: "^a, b$" }), [lines]), "ok");
  t.equal(judge(header("fhdr", { match: "end", text: "two" }, { match: "sub", text: "c" }), [lines]), "ok");
});

t.test("answers of protocols", async (t) => {
  const judge = (on: "mysql-greeting" | "mysql-verdict" | "ldap" | "spop", hex: string, ended = false) => {
    const verdict = judgeProtocol({ on, isLast: true }, Buffer.from(hex, "hex"), ended, "8.0.19");
    return verdict === null ? "more" : `${verdict.status} ${verdict.code} ${verdict.info}`;
  };
  const { L7OK, L7RSP, L7STS } = CHECK_STATUS;
  const greeting = "0d0000000a382e302e3139000a000000ff";
  t.equal(judge("mysql-greeting", greeting), `${L7OK} 0 8.0.19`);
  t.equal(judge("mysql-greeting", greeting.slice(0, -2)), "more");
  t.equal(judge("mysql-greeting", greeting.slice(0, -2), true), `${L7RSP} 0 MySQL: malformed packet.`);
  t.equal(judge("mysql-verdict", `${greeting}0700000200000002000000`), `${L7OK} 0 8.0.19`);
  t.equal(judge("mysql-verdict", `${greeting}05000002ffe3046e6f`), `${L7STS} 1251 no`);
  t.equal(judge("ldap", "300c020101610" + "70a010004000400"), `${L7OK} 0 Success`);
  t.equal(judge("ldap", "3084000000100201016184000000070a01"), "more", "a long length");
  t.equal(judge("ldap", "300c02010160070a010004000400"), `${L7RSP} 0 Not LDAPv3 protocol`);
  t.match(judge("ldap", "300c02010161070a013204000400"), new RegExp(`^${L7STS} 50 See RFC`));
  t.equal(judge("spop", "00000014" + "65000000010000" + "0776657273696f6e0803322e30"), `${L7OK} 0 SPOA server is ok`);
  t.equal(
    judge("spop", "00000014" + "65000000010000" + "0776657273696f6e0803312e30"),
    `${L7RSP} 0 unsupported version`,
  );
  t.equal(judge("spop", "00000007" + "65000000000000"), `${L7RSP} 0 invalid frame received`);
});

t.test("the schedule keeps order", async (t) => {
  let nowMs = 0;
  const ran: number[] = [];
  const schedule = new CheckSchedule(
    (server) => ran.push(server),
    () => nowMs,
  );
  t.teardown(() => schedule.close());
  const delays = Array.from({ length: 50 }, (_, i) => (i * 37) % 50);
  for (const [server, delay] of delays.entries()) schedule.add(server, delay / 10);
  nowMs = 100;
  await until("all have run", () => ran.length === 50);
  t.strictSame(
    ran.map((server) => delays[server]),
    [...delays].sort((a, b) => a - b),
  );
});

t.test("rise, fall, intervals and pauses", async (t) => {
  const origin = await new Origin(t).start();
  const address = { kind: "ipv4" as const, host: "127.0.0.1", port: origin.port };
  // An interval is also the time that a check may take: on a busy machine that must not be a few milliseconds.
  const check = { interMs: 300, fastinterMs: 150, downinterMs: 200, rise: 2, fall: 3 };
  const fixture = new ControlFixture(
    planOf([{ name: "be", backend: { check: HTTP_CHECK, logHealthChecks: true }, servers: [{ check, address }] }]),
  );
  t.teardown(() => fixture.close());
  const [server] = fixture.plan.servers;
  const column = (name: "status" | "check_status" | "chkfail"): string =>
    fixture.stat("be", "s1", [name]).replace("* ", "");
  t.equal(fixture.stat("be", "s1", ["check_status", "check_desc", "check_duration"]), "INI,Initializing,");
  fixture.checks.start();
  await until("the first check", () => column("status") === "UP");
  t.match(fixture.takeSaid(), [
    /^5 Health check for server be\/s1 succeeded, reason: Layer7 check passed, code: 200, check duration: \d+ms, status: 3\/3 UP\.$/,
  ]);
  await origin.become(503);
  await until("three failures", () => column("status") === "DOWN");
  t.match(fixture.takeSaid(), [
    /^5 Health check .* failed, reason: Layer7 wrong status, code: 503, info: "Because", check duration: \d+ms, status: 2\/3 UP\.$/,
    /status: 1\/3 UP\.$/,
    /status: 0\/2 DOWN\.$/,
    /^1 Server be\/s1 is DOWN\. 0 active/,
    /^0 backend be has no server available!$/,
  ]);
  t.equal(column("chkfail"), "3");
  await origin.become(200);
  await until("two successes", () => column("status") === "UP");
  t.match(fixture.takeSaid(), [
    /status: 1\/2 DOWN\.$/,
    /status: 3\/3 UP\.$/,
    /^5 Server be\/s1 is UP\. 1 active and 0 backup servers online\. 0 sessions requeued, 0 total in queue\.$/,
  ]);
  fixture.states.disable(server);
  await sleep(350);
  const before = origin.requests.length;
  await sleep(700);
  t.equal(origin.requests.length, before, "maintenance pauses checks");
  fixture.states.enable(server);
  await until("checks go on", () => origin.requests.length > before);
  fixture.states.setCheckEnabled(server, false);
  await sleep(350);
  const disabledAt = origin.requests.length;
  await sleep(700);
  t.equal(origin.requests.length, disabledAt, "disable health");
  t.equal(column("status"), "no check");
});

t.test("first checks are spread over the interval", async (t) => {
  const origin = await new Origin(t).start();
  const address = { kind: "ipv4" as const, host: "127.0.0.1", port: origin.port };
  const servers = Array.from({ length: 10 }, () => ({ check: { interMs: 300 }, address }));
  const fixture = new ControlFixture(planOf([{ name: "be", backend: { check: HTTP_CHECK }, servers }]));
  t.teardown(() => fixture.close());
  fixture.checks.start();
  await until("one request", () => origin.requests.length > 0);
  t.ok(fixture.checks.activity().started < 5, "not all at once");
  await until("ten requests", () => origin.requests.length >= 10);
});

/** The sentences that a sequence of behaviours comes to; durations differ, so they are blanked. */
const normalised = (text: string): string => text.replace(/check duration: \d+ms/g, "check duration: #ms");

t.test("the same origin seen by HAProxy", needs("haproxy"), async (t) => {
  const origins = [await new Origin(t).start(), await new Origin(t).start()];
  const [mine, theirs] = origins;
  const syslog = await startSyslog(t);
  const haproxy = findProgram("haproxy");
  if (haproxy === null) throw new Error("needs() found it");
  const config = `global
  log ${syslog.address} local0
  spread-checks 0
defaults
  mode http
  log global
  timeout client 5s
  timeout connect 5s
  timeout server 5s
  option log-health-checks
frontend needed
  bind abns@ringway-health-${process.pid}
backend be
  option httpchk
  http-check disable-on-404
  server s1 127.0.0.1:${theirs.port} check inter 400ms rise 2 fall 2
`;
  const address = { kind: "ipv4" as const, host: "127.0.0.1", port: mine.port };
  const fixture = new ControlFixture(
    planOf([
      {
        name: "be",
        backend: { check: { ...HTTP_CHECK, disableOn404: true }, logHealthChecks: true },
        servers: [{ check: { interMs: 400, rise: 2, fall: 2 }, address }],
      },
    ]),
  );
  t.teardown(() => fixture.close());
  fixture.checks.start();
  await startProgram(t, { command: [haproxy, "-db"], config });
  const steps: readonly (readonly [Behaviour, RegExp])[] = [
    [200, /status: 3\/3 UP|status: 2\/2 UP/],
    ["refuse", /no server available/],
    [200, /is UP/],
    [404, /no server available/],
    [503, /is DOWN/],
    [200, /is UP/],
    ["hang", /no server available/],
    ["reset", /Socket error/],
    [200, /is UP/],
    ["close", /no server available/],
    [200, /is UP/],
    ["garbage", /no server available/],
    [302, /is UP/],
  ];
  let [saidBefore, sentBefore] = [0, 0];
  for (const [behaviour, last] of steps) {
    await Promise.all(origins.map((origin) => origin.become(behaviour)));
    const ours = (): string[] =>
      fixture.said.slice(saidBefore).map(({ severity, text }) => normalised(`${severity} ${text}`));
    const his = (): string[] =>
      syslog.messages.slice(sentBefore).map(({ severity, text }) => normalised(`${severity} ${text}`));
    await until(`${behaviour} is noticed`, () => [ours, his].every((lines) => lines().some((line) => last.test(line))));
    t.strictSame(comparable(ours()), comparable(his()), String(behaviour));
    [saidBefore, sentBefore] = [fixture.said.length, syslog.messages.length];
  }
  t.equal(mine.requests[0], theirs.requests[0], "the same bytes");
});

/**
 * 2.6 differs in three ways: it does not name the errors of the system, it repeats the reason in a server's line although log-health-checks has given it, and it calls what is
 * no HTTP, and a connection closed without an answer, by other names.
 */
function comparable(lines: readonly string[]): string[] {
  return lines
    .map((line) => line.replace(/(is (?:DOWN|UP|stopping)), reason: .*?check duration: #ms/, "$1"))
    .map((line) => line.replace(/[A-Z]+ returned by OS \((.*?)\)/, "$1"))
    .map((line) =>
      line.replace(/reason: (?:Socket error|Layer7 invalid response)(?:, info: ".*?")?/, "reason: broken"),
    );
}
