// Lines byte for byte. The expected ones were read from HAProxy 3.2 with the same requests and configuration; addresses, names and
// times are those of fixture.ts.

process.env.TZ = "UTC";

import t from "tap";
import { leastHeapGrowth } from "../../shared/tools/heap-growth.fixture.ts";
import { CONNECTION } from "../connection/table.ts";
import { WORKER } from "../shared-state/layout.ts";
import { STREAM, STREAM_BYTES } from "../stream/stream.ts";
import { LOG_WHEN } from "./access-log.ts";
import { LOG_VARIABLE_NAMES } from "./compile.ts";
import { logFormat, TCPLOG, TestLog, udpTarget } from "./fixture.ts";

const HEADER = "<134>Nov 23 01:49:42 haproxy[4711]: ";

t.test("httplog", async (t) => {
  const test = new TestLog();
  t.equal(
    test.lineOf(test.stream()),
    `${HEADER}127.0.0.1:4000 [23/Nov/2026:01:49:42.650] f b/s1 2/0/1/5/9 200 107 - - ---- 1/1/0/0/0 0/0 "GET /a?b=c HTTP/1.1"\n`,
  );
  t.equal(test.log.when[0], LOG_WHEN.end);
  t.equal(test.log.when[1], LOG_WHEN.never, "a backend logs nothing");

  const refused = test.stream(null);
  const nothing = { backend: -1, serverIndex: -1, queueDoneMs: -1, connectDoneMs: -1, responseHeadMs: -1, status: 408 };
  Object.assign(refused, nothing, { endBy: 99, endState: 82, requestStartMs: 9499 });
  t.equal(
    test.lineOf(refused),
    `${HEADER}127.0.0.1:4000 [23/Nov/2026:01:49:42.650] f f/<NOSRV> -1/-1/-1/-1/501 408 0 - - cR-- 1/1/0/0/0 0/0 "<BADREQ>"\n`,
    "what never was a request",
  );

  const redispatched = test.stream();
  redispatched.flags |= STREAM.redispatched;
  Object.assign(redispatched, { retriesDone: 2, serverQueue: 3, backendQueue: 4, status: 503, serverConnections: 5 });
  t.match(test.lineOf(redispatched), "503 107 - - ---- 1/1/0/5/+2 3/4 ");
  redispatched.flags |= STREAM.stats;
  t.match(test.lineOf(redispatched), " f b/<STATS> ");
});

t.test("tcplog, logasap, and the default format", async (t) => {
  const tcp = new TestLog({ mode: "tcp", format: logFormat(TCPLOG) });
  const stream = tcp.stream(null);
  stream.flags = 0;
  stream.queueDoneMs = 9991;
  t.equal(
    tcp.lineOf(stream),
    `${HEADER}127.0.0.1:4000 [23/Nov/2026:01:49:42.050] f b/s1 1/3/10 107 -- 1/1/0/0/0 0/0\n`,
  );

  const asap = new TestLog({ logOptions: { asap: true } });
  t.match(asap.lineOf(asap.stream()), " 2/0/1/5/+9 200 +107 - - ---- ");
  t.equal(asap.log.when[0], LOG_WHEN.responseHead);

  const byDefault = new TestLog({ format: null });
  t.equal(byDefault.lineOf(byDefault.stream()), `${HEADER}Connect from 127.0.0.1:4000 to 127.0.0.1:80 (f/HTTP)\n`);
  t.equal(byDefault.lineOf(byDefault.stream(null)), undefined, "no line for what was refused");
  t.equal(byDefault.log.when[0], LOG_WHEN.start);
  const tcpDefault = new TestLog({ format: null, mode: "tcp" });
  stream.client = 0;
  t.match(tcpDefault.lineOf(tcpDefault.stream(null)), " (f/TCP)\n");
});

t.test("every variable, plain, quoted and hexadecimal", async (t) => {
  const all =
    "T=%T Tl=%Tl Ts=%Ts t=%t ms=%ms tr=%tr trg=%trg trl=%trl Ta=%Ta Tc=%Tc Td=%Td Th=%Th Ti=%Ti Tq=%Tq TR=%TR Tr=%Tr Tt=%Tt Tu=%Tu Tw=%Tw " +
    "B=%B CC=%CC CS=%CS H=%H HM=%HM HP=%HP HPO=%HPO HQ=%HQ HU=%HU HV=%HV ID=%ID ST=%ST U=%U ac=%ac b=%b bc=%bc bi=%bi bp=%bp bq=%bq " +
    "ci=%ci cp=%cp f=%f fc=%fc fi=%fi fp=%fp ft=%ft lc=%lc hr=%hr hrl=%hrl hs=%hs hsl=%hsl OG=%OG pid=%pid r=%r rc=%rc rt=%rt s=%s sc=%sc " +
    "si=%si sp=%sp sq=%sq sslc=%sslc sslv=%sslv ts=%ts tsc=%tsc";
  for (const name of LOG_VARIABLE_NAMES) t.match(all, `${name}=%${name}`, `${name} is part of this test`);

  const plain = new TestLog({ format: logFormat(all) });
  const dates =
    "T=23/Nov/2026:01:49:42 +0000 Tl=23/Nov/2026:01:49:42 +0000 Ts=1795398582 t=23/Nov/2026:01:49:42.050 ms=050 " +
    "tr=23/Nov/2026:01:49:42.650 trg=23/Nov/2026:01:49:42 +0000 trl=23/Nov/2026:01:49:42 +0000 ";
  t.equal(
    plain.lineOf(plain.stream()),
    `${HEADER}${dates}Ta=9 Tc=1 Td=1 Th=0 Ti=1 Tq=3 TR=2 Tr=5 Tt=10 Tu=9 Tw=0 B=107 CC=- CS=- H=vm HM=GET HP=/a HPO=/a HQ=?b=c HU=/a?b=c HV=HTTP/1.1 ` +
      "ID=- ST=200 U=51 ac=1 b=b bc=0 bi=- bp=- bq=0 ci=127.0.0.1 cp=4000 f=f fc=1 fi=127.0.0.1 fp=80 ft=f lc=0 hr= hrl= hs= hsl= " +
      "OG=txn_close pid=4711 r=GET /a?b=c HTTP/1.1 rc=0 rt=0 s=s1 sc=0 si=127.0.0.1 sp=8080 sq=0 sslc=- sslv=- ts=-- tsc=----\n",
  );
  t.match(plain.lineOf(plain.stream()), " lc=1 ", "the frontend's lines are counted");

  const quoted = new TestLog({ format: logFormat(`%{+Q}o ${all}`) });
  t.equal(
    quoted.lineOf(Object.assign(quoted.stream(null), { queueDoneMs: -1, connectDoneMs: -1, responseHeadMs: -1 })),
    `${HEADER}${dates}Ta=9 Tc=-1 Td=-1 Th=0 Ti=1 Tq=-1 TR=-1 Tr=-1 Tt=10 Tu=9 Tw=-1 B=0 CC="" CS="" H="vm" HM="<BADREQ>" HP="<BADREQ>" HPO="<BADREQ>" HQ="<BADREQ>" ` +
      'HU="<BADREQ>" HV="<BADREQ>" ID="" ST=200 U=0 ac=1 b="b" bc=0 bi="" bp="" bq=0 ci="127.0.0.1" cp=4000 f="f" fc=1 fi="127.0.0.1" fp=80 ft="f" ' +
      'lc=0 hr= hrl= hs= hsl= OG="sess_error" pid=4711 r="<BADREQ>" rc=0 rt=0 s="s1" sc=0 si="127.0.0.1" sp=8080 sq=0 sslc="" sslv="" ts=-- tsc=----\n',
  );

  const hex = new TestLog({ format: logFormat("%{+X}o %Ts %ms %B %ci %cp %fi %fp %si %sp %bi %bp %pid %rt %ST %lc") });
  t.equal(
    hex.lineOf(hex.stream()),
    `${HEADER}6B039BB6 32 107 7F000001 0FA0 7F000001 0050 7F000001 1F90 - - 1267 0000 200 0000\n`,
  );
});

t.test("blanks merge around what is empty", async (t) => {
  const test = new TestLog({ format: logFormat("  a   %hr  %hs %ID  b %hr%hs c %ID") });
  t.equal(test.lineOf(test.stream()), `${HEADER}a - b c -\n`);
  const query = new TestLog({ format: logFormat("%HU @ %HQ @ %HPO|%{+Q}HQ") });
  t.equal(query.lineOf(query.stream("GET /500 HTTP/1.1")), `${HEADER}/500 @ @ /500|""\n`);
  t.equal(query.lineOf(query.stream("OPTIONS * HTTP/1.0")), `${HEADER}* @ @ |""\n`);
  t.equal(query.lineOf(query.stream("CONNECT h:80 HTTP/1.1")), `${HEADER}h:80 @ @ |""\n`);
  t.equal(query.lineOf(query.stream("GET http://h/p/q?z HTTP/1.1")), `${HEADER}http://h/p/q?z @ ?z @ /p/q|"?z"\n`);
});

t.test("a request's bytes are encoded", async (t) => {
  const test = new TestLog({ format: logFormat("%r @ %{+E}r @ %{+Q}r @ %{+Q,+E}HU @ %HQ") });
  t.equal(
    test.lineOf(test.stream("GET /a\"#\\]{|}'<>~\x80\xff? HTTP/1.1")),
    `${HEADER}GET /a#22#23\\]{|}'<>~#80#FF? HTTP/1.1 @ GET /a#22#23\\\\\\]{|}'<>~#80#FF? HTTP/1.1 @ ` +
      `"GET /a#22#23\\]{|}'<>~#80#FF? HTTP/1.1" @ "/a#22#23\\\\\\]{|}'<>~#80#FF?" @ ?\n`,
  );

  const long = new TestLog({ format: logFormat("%r|%HU|%HQ"), targets: [udpTarget({ maxBytes: 16000 })] });
  const beyond = `/${"a".repeat(1500)}?${"b".repeat(100)}`;
  t.equal(
    long.lineOf(long.stream(`GET ${beyond} HTTP/1.1`)),
    `${HEADER}GET ${beyond.slice(0, 1019)}|${beyond.slice(0, 1019)}|\n`,
    "1023 bytes of the line are logged",
  );
  const just = `/${"a".repeat(1013)}`;
  t.equal(long.lineOf(long.stream(`GET ${just} HTTP/1.1`)), `${HEADER}GET ${just} HTTP|${just}|\n`);

  let seed = 20261123;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  const { maxBytes } = udpTarget();
  for (let round = 0; round < 3000; round++) {
    const target = Array.from({ length: random(round % 50 === 0 ? 3000 : 60) }, () => String.fromCharCode(random(256)));
    const line = test.lineOf(test.stream(`GET /${target.join("").replaceAll("\n", "\r")} HTTP/1.1`))!;
    test.streams.give(test.streams.all[3]!);
    if (!/^[\x20-\x7e]*\n$/.test(line) || line.length > maxBytes) t.fail(`round ${round}: ${JSON.stringify(line)}`);
  }
});

t.test("samples", async (t) => {
  const format = (fetch: string, flags: { quote: boolean; escape: boolean }, argument?: string) => {
    const sample = { fetch, arguments: argument === undefined ? [] : [argument], converters: [] };
    return [{ kind: "sample", sample, hex: true, ...flags }] as const;
  };
  const none = { quote: false, escape: false };
  const both = { quote: true, escape: true };
  const header = (test: TestLog, value: string | null) => {
    const stream = test.stream();
    const { request } = stream;
    if (value === null) return stream;
    test.arena.write(`user-agent${value}`, 2000, "latin1");
    request.end = 2100;
    request.headerCount = 1;
    request.headers.set([2000, 2010, 2010, 2010 + value.length, 2012 + value.length]);
    return stream;
  };
  const agent = new TestLog({ format: format("req.hdr", none, "user-agent") });
  t.equal(agent.lineOf(header(agent, 'a\x01b\x7f"\\]c\xe9')), `${HEADER}a#01b#7F"\\]c\xe9\n`, "UTF-8 as it is");
  t.equal(agent.lineOf(header(agent, "a\r\nb")), `${HEADER}a#0D#0Ab\n`, "no line can be forged");
  const escaped = new TestLog({ format: format("req.hdr", both, "user-agent") });
  t.equal(escaped.lineOf(header(escaped, 'a"\\]c')), `${HEADER}"a\\"\\\\\\]c"\n`);
  t.equal(escaped.lineOf(escaped.stream()), `${HEADER}""\n`);
  const address = new TestLog({ format: format("src", none) });
  t.equal(address.lineOf(address.stream()), `${HEADER}127.0.0.1\n`, "+X does not touch samples");
});

t.test("addresses", async (t) => {
  const test = new TestLog({ format: logFormat("%ci|%{+Q}ci|%{+X}ci %cp") });
  const line = (bytes: number[]) => {
    const stream = test.stream();
    test.connections.address.set(bytes, 0);
    test.connections.flags[0] = CONNECTION.ipv6;
    const shown = test.lineOf(stream)!.slice(HEADER.length).split("|")[0];
    test.streams.give(stream);
    return shown;
  };
  const words = (...values: number[]) => values.flatMap((word) => [word >> 8, word & 255]);
  t.equal(line(words(0, 0, 0, 0, 0, 0, 0, 1)), "::1");
  t.equal(line(words(0, 0, 0, 0, 0, 0, 0, 0)), "::");
  t.equal(line(words(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1)), "::ffff:127.0.0.1");
  t.equal(line(words(0, 0, 0, 0, 0, 0, 0x0102, 0x0304)), "::1.2.3.4");
  t.equal(line(words(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1)), "2001:db8::1:0:0:1");
  t.equal(line(words(0x2001, 0xdb8, 0, 1, 1, 1, 1, 1)), "2001:db8:0:1:1:1:1:1");
  t.equal(line(words(0xfe80, 0, 0, 0, 0, 0, 0, 0)), "fe80::");
  t.equal(line(words(0, 0, 0, 0x10, 0, 0, 0, 0xabcd)), "::10:0:0:0:abcd");
  const stream = test.stream();
  test.connections.flags[0] = CONNECTION.ipv6;
  test.connections.address.set(words(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), 0);
  t.equal(test.lineOf(stream), `${HEADER}::ffff:127.0.0.1|"::ffff:127.0.0.1"|00000000000000000000FFFF7F000001 4000\n`);
  test.connections.flags[0] = CONNECTION.unix;
  t.match(test.lineOf(stream), 'unix|"unix"|unix 3\n', "a UNIX socket, with the listener's id as its port");
});

t.test("headers of the eight formats", async (t) => {
  const start = (
    format: "rfc3164" | "rfc5424" | "local" | "priority" | "short" | "timed" | "iso" | "raw",
    host?: string,
  ) => {
    const changes = { targets: [udpTarget({ format, facility: 19 })], logTag: "my]t", format: logFormat("x") };
    const test = new TestLog(host === undefined ? changes : { ...changes, logSendHostname: host });
    return test.lineOf(test.stream());
  };
  t.equal(start("rfc3164"), "<158>Nov 23 01:49:42 localhost my]t[4711]: x\n");
  t.equal(start("rfc3164", "www"), "<158>Nov 23 01:49:42 www my]t[4711]: x\n");
  t.equal(start("rfc5424"), "<158>1 2026-11-23T01:49:42.650000+00:00 - my]t 4711 - - x\n");
  t.equal(start("rfc5424", "www"), "<158>1 2026-11-23T01:49:42.650000+00:00 www my]t 4711 - - x\n");
  t.equal(start("local"), "<158>Nov 23 01:49:42 my]t[4711]: x\n");
  t.equal(start("priority"), "<158>x\n");
  t.equal(start("short"), "<6>x\n");
  t.equal(start("timed"), "<6>2026-11-23T01:49:42.650000+00:00 x\n");
  t.equal(start("iso"), "2026-11-23T01:49:42.650000+00:00 x\n");
  t.equal(start("raw"), "x\n");
});

t.test("len cuts the message, newline included", async (t) => {
  const local = new TestLog({ targets: [udpTarget({ maxBytes: 80 })] });
  const line = local.lineOf(local.stream())!;
  t.equal(line, `${HEADER}127.0.0.1:4000 [23/Nov/2026:01:49:42.650] f\n`.slice(0, 79).replace(/\n?$/, "\n"));
  t.ok(line.length <= 80);
  const raw = new TestLog({ targets: [udpTarget({ maxBytes: 80, format: "raw" })] });
  t.equal(
    raw.lineOf(raw.stream()),
    "127.0.0.1:4000 [23/Nov/2026:01:49:42.650] f b/s1 2/0/1/5/9 200 107 - - ---- 1/1\n",
  );
});

t.test("levels and options", async (t) => {
  const separate = { logOptions: { separateErrors: true } };
  const priority = (test: TestLog, changes: object) => {
    const stream = Object.assign(test.stream(), changes);
    const line = test.lineOf(stream)?.slice(0, 5);
    test.streams.give(stream);
    return line;
  };
  const test = new TestLog(separate);
  t.equal(priority(test, {}), "<134>");
  t.equal(priority(test, { status: 500 }), "<131>");
  t.equal(priority(test, { status: 404 }), "<134>");
  t.equal(priority(test, { endBy: 76, endState: 82, status: 302 }), "<134>", "LR: our own answer is no error");
  t.equal(priority(test, { endBy: 80, endState: 82, status: 403 }), "<131>", "PR: denied");
  t.equal(priority(test, { retriesDone: 1 }), "<131>");
  const err = new TestLog({ ...separate, targets: [udpTarget({ level: 3 })] });
  t.equal(priority(err, {}), undefined);
  t.equal(priority(err, { status: 500 }), "<131>");
  const capped = new TestLog({ ...separate, targets: [udpTarget({ minLevel: 5 })] });
  t.equal(priority(capped, { status: 500 }), "<133>");
  t.equal(priority(capped, {}), "<134>");
  const normal = new TestLog({ logOptions: { dontLogNormal: true } });
  t.equal(priority(normal, {}), undefined);
  t.equal(priority(normal, { status: 500 }), "<134>");
  const nothing = new TestLog({ logOptions: { dontLogNull: true } });
  const stream = nothing.stream();
  nothing.streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.fromClient] = 0;
  t.equal(nothing.lineOf(stream), undefined);

  nothing.streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.fromClient] = 1;
  stream.flags &= ~STREAM.logged;
  nothing.log.log(stream);
  nothing.log.log(stream);
  t.equal(nothing.sent.length, 1, "one line a stream");
});

t.test("a slow syslog server costs lines, not time", async (t) => {
  const test = new TestLog({ format: logFormat("x") });
  const stream = test.stream();
  const log = () => {
    stream.flags &= ~STREAM.logged;
    test.log.log(stream);
  };
  for (let i = 0; i < 200; i++) log();
  t.equal(test.sent.length, 128, "as many in flight as there are slots");
  const dropped = () => test.shared.words[test.shared.workerAt(0) + WORKER.droppedLogs];
  const refused = () => test.shared.words[test.shared.workerAt(0) + WORKER.refusedLogs];
  t.equal(dropped(), 72);
  t.equal(new Set(test.sent.map((sent) => sent.slot)).size, 128, "each in memory of its own");
  test.log.onCompletion(test.sent[5]!.slot, 38);
  log();
  t.equal(test.sent.length, 129, "a completion makes room");
  t.equal(test.sent[128]!.slot, test.sent[5]!.slot);
  test.log.onCompletion(test.sent[6]!.slot, -111);
  t.equal(dropped(), 73, "a refused datagram is a dropped line");
  t.equal(refused(), 1);
});

t.test("stdout is written in order, one write at a time", async (t) => {
  const target = udpTarget({ address: { kind: "fd", fd: 1 }, format: "raw" });
  const test = new TestLog({ targets: [target], format: logFormat("line %lc") });
  const stream = test.stream();
  const log = () => {
    stream.flags &= ~STREAM.logged;
    test.log.log(stream);
  };
  log();
  log();
  log();
  t.strictSame(
    test.sent.map((sent) => [sent.call, sent.fd, sent.text]),
    [["write", 5, "line 0\n"]],
  );
  test.log.onCompletion(test.sent[0]!.slot, 3);
  t.equal(test.sent[1]!.text, "e 0\n", "the rest of a short write comes before anything else");
  test.log.onCompletion(test.sent[1]!.slot, 4);
  t.equal(test.sent[2]!.text, "line 1\nline 2\n", "what came meanwhile goes together");
  log();
  test.log.onCompletion(test.sent[2]!.slot, -11);
  const droppedAt = test.shared.workerAt(0) + WORKER.droppedLogs;
  t.equal(test.shared.words[droppedAt], 2, "both lines of the refused write");
  t.equal(test.sent[3]!.text, "line 3\n");
  for (let i = 0; i < 20000; i++) log();
  t.equal(test.sent.length, 4);
  t.ok(test.shared.words[droppedAt]! > 10000, "a pipe that nobody reads fills up and then drops");
});

t.test("several targets", async (t) => {
  const second = udpTarget({
    address: { kind: "unix", path: "/dev/log" },
    format: "rfc3164",
    facility: 3,
    maxBytes: 200,
  });
  const errors = udpTarget({ format: "raw", level: 3 });
  const test = new TestLog({ targets: [udpTarget(), second, errors], format: logFormat("x%lc") });
  test.log.log(test.stream());
  t.strictSame(
    test.sent.map((sent) => [sent.fd, sent.text]),
    [
      [5, `${HEADER}x0\n`],
      [6, "<30>Nov 23 01:49:42 localhost haproxy[4711]: x0\n"],
    ],
  );
});

t.test("a line allocates nothing", async (t) => {
  let completed = 0;
  const test: TestLog = new TestLog(
    { targets: [udpTarget(), udpTarget({ address: { kind: "unix", path: "/dev/log" }, format: "rfc5424" })] },
    {
      arena: (bytes) => Buffer.alloc(bytes),
      reactor: () => ({
        send: (_op, slot) => {
          completed++;
          test.log.onCompletion(slot, 1);
        },
        write: () => {},
      }),
      logFds: [5, 6],
    },
  );
  const stream = test.stream();
  const log = (times: number) => {
    for (let i = 0; i < times; i++) {
      stream.flags &= ~STREAM.logged;
      stream.acceptMs = stream.requestStartMs = i;
      test.log.log(stream);
    }
  };
  let rounds = 0;
  const grown = leastHeapGrowth(() => {
    log(50_000);
    rounds++;
  }, 50_000);
  t.equal(completed, rounds * 100_000);
  t.ok(grown <= 50_000, `heap grew by ${grown} bytes over 50 000 lines`);
});
