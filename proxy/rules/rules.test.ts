// Rule sets and edits by themselves: order and verdicts, where new bytes of a head go and when there is no room for them, what a head
// is when it is written again. What clients and servers see of it all is proxy/test/http-rules.test.ts.

import t from "tap";
import { createArena } from "../../shared/arena/arena.ts";
import { BufferPool } from "../../shared/arena/buffer-pool.ts";
import { HeadWriter, isCanonical } from "../http1/edit.ts";
import { frameRequest } from "../http1/framing.ts";
import { parseRequest, parseResponse } from "../http1/parser.ts";
import type { ConditionPlan } from "../plan/expression.ts";
import { type ActionPlan, NO_RULES, type RulePlan } from "../plan/rules.ts";
import type { SampleContext } from "../sample/context.ts";
import { addPatterns, makeContext, makePlan, makeStream } from "../sample/fixture.ts";
import { latin1, textBytes } from "../sample/value.ts";
import { STREAM, Stream } from "../stream/stream.ts";
import { addedHeadersMax } from "./added-headers.ts";
import { compileRuleSet } from "./compile.ts";
import { RequestEdits, ResponseEdits } from "./head-edits.ts";
import { RequestTarget } from "./request-target.ts";
import { VERDICT } from "./verdict.ts";

const AT = { file: "t.cfg", line: 1 };
const BUFFER_BYTES = 1024;
const REWRITE_BYTES = 256;

function pathIs(path: string, ctx: SampleContext): ConditionPlan {
  const sample = { fetch: "path", arguments: [], converters: [] };
  return {
    kind: "acl",
    name: "",
    tests: [{ sample, match: "str", lists: [{ list: addPatterns(ctx, [path]), ignoreCase: false }] }],
  };
}

t.test("a rule set", (t) => {
  const ctx = makeContext(makePlan([{}]));
  const rule = (action: ActionPlan, condition: ConditionPlan | null = null): RulePlan => ({
    action,
    condition,
    at: AT,
  });
  const ran: boolean[] = [];
  const verdicts = new Map<boolean, number>();
  // strict-mode stands for any action here: `on` tells two of them apart.
  const first: ActionPlan = { kind: "strict-mode", on: true };
  const second: ActionPlan = { kind: "strict-mode", on: false };
  const run = (rules: readonly RulePlan[]): { verdict: number; ran: readonly boolean[] } => {
    ran.length = 0;
    const compiled = compileRuleSet(rules, {
      ...{ samples: ctx, mayMiss: false, numberOf: () => 7 },
      compileAction: (action) => () => {
        const { on } = action as typeof first & { on: boolean };
        ran.push(on);
        return verdicts.get(on) ?? VERDICT.continue;
      },
    });
    return { verdict: compiled!(makeStream(ctx, "GET /here HTTP/1.1\r\n\r\n"), 0), ran: [...ran] };
  };
  const nothing = { samples: ctx, mayMiss: false, numberOf: () => 0, compileAction: () => () => 0 };
  t.equal(compileRuleSet([], nothing), null, "without rules there is no function");
  t.same(run([rule(first), rule(second)]), { verdict: VERDICT.continue, ran: [true, false] });
  t.same(run([rule(first, pathIs("/there", ctx)), rule(second, pathIs("/here", ctx))]).ran, [false]);
  t.same(run([rule(first), rule({ kind: "allow" }), rule(second)]), { verdict: VERDICT.continue, ran: [true] });
  t.same(run([rule({ kind: "allow" }, pathIs("/there", ctx)), rule(second)]).ran, [false]);
  verdicts.set(true, VERDICT.answered);
  t.same(run([rule(first), rule(second)]), { verdict: VERDICT.answered, ran: [true] }, "an answer ends it");
  t.end();
});

t.test("a rule set that waits", (t) => {
  const ctx = makeContext(makePlan([{}]));
  const stream = makeStream(ctx, "GET /here HTTP/1.1\r\n\r\n");
  const ran: string[] = [];
  const verdicts: number[] = [];
  const set = (rules: readonly RulePlan[], mayMiss: boolean) =>
    compileRuleSet(rules, {
      ...{ samples: ctx, mayMiss, numberOf: (rule) => rules.indexOf(rule) },
      compileAction: (action) => () => {
        ran.push(action.kind);
        return action.kind === "wait-for-body" ? (verdicts.shift() ?? VERDICT.continue) : VERDICT.continue;
      },
    })!;
  const rule = (action: ActionPlan, condition: ConditionPlan | null = null): RulePlan => ({
    action,
    condition,
    at: AT,
  });
  const strict: ActionPlan = { kind: "strict-mode", on: true };
  const waits: ActionPlan = { kind: "wait-for-body", timeoutMs: 5, atLeastBytes: 0 };

  const rules = set(
    [rule(strict), rule(waits, pathIs("/here", ctx)), rule(strict), rule(waits), rule({ kind: "allow" })],
    false,
  );
  verdicts.push(VERDICT.wait, VERDICT.wait, VERDICT.continue, VERDICT.wait);
  t.equal(rules(stream, 0), VERDICT.wait);
  t.same([ran.splice(0), stream.ruleAt], [["strict-mode", "wait-for-body"], 3]);
  stream.request.pathStart = stream.request.pathEnd;
  t.equal(rules(stream, 3), VERDICT.wait, "an action is asked again without its condition");
  t.same(ran.splice(0), ["wait-for-body"]);
  t.equal(rules(stream, 3), VERDICT.wait, "what comes behind it begins anew");
  t.same([ran.splice(0), stream.ruleAt, stream.finalRule], [["wait-for-body", "strict-mode", "wait-for-body"], 7, -1]);
  t.equal(rules(stream, 7), VERDICT.continue);
  t.same([ran.splice(0), stream.finalRule], [["wait-for-body"], 4], "allow is a final rule");

  const later: ConditionPlan = {
    ...{ kind: "acl", name: "" },
    tests: [
      {
        sample: { fetch: "status", arguments: [], converters: [] },
        match: "int",
        lists: [{ list: addPatterns(ctx, ["200"]), ignoreCase: false }],
      },
    ],
  };
  const missing = set([rule(strict), rule(strict, { kind: "not", term: later }), rule(strict)], true);
  t.equal(missing(stream, 0), VERDICT.wait, "data that is not there yet");
  t.same([ran.splice(0), stream.ruleAt], [["strict-mode"], 2]);
  t.equal(missing(stream, 2), VERDICT.wait);
  t.same(ran.splice(0), [], "what ran does not run again");
  stream.flags |= STREAM.dataIsFinal;
  t.equal(missing(stream, 2), VERDICT.continue);
  t.same(ran.splice(0), ["strict-mode", "strict-mode"], "data that will not come does not match");
  t.end();
});

/** A stream whose head (and body) fill a buffer of a small pool, and what edits it. */
function makeEdits(head: string, body = "") {
  const made = createArena(64 * 1024);
  if (!made.ok) throw new Error("no memory");
  const { arena } = made;
  const pool = new BufferPool(arena, 4, BUFFER_BYTES);
  const stream = new Stream(0, 20, 8);
  stream.headBuffer = pool.take();
  const start = pool.start[stream.headBuffer]!;
  arena.bytes.set(textBytes(head + body), start);
  pool.end[stream.headBuffer] = start + head.length + body.length;
  if (parseRequest(arena.bytes, start, start + head.length, stream.request) !== 1) throw new Error("no request");
  frameRequest(arena.bytes, stream.request);
  const edits = new RequestEdits(arena.bytes, pool, REWRITE_BYTES);
  const add = (name: string, value: string): boolean =>
    edits.add(stream, textBytes(`${name}: `), textBytes(value), value.length);
  const written = (): string => {
    const writer = new HeadWriter(arena.bytes);
    writer.begin(pool.offsetOf(3), pool.offsetOf(3) + BUFFER_BYTES);
    writer.requestLine(stream.request);
    writer.headers(stream.request);
    return latin1(arena.bytes, pool.offsetOf(3), writer.at);
  };
  return { arena, pool, stream, edits, add, written };
}

t.test("edits of a head", (t) => {
  const { arena, stream, edits, add, written } = makeEdits(
    "GET / HTTP/1.1\r\nHost: a\r\nX-A:1\r\nx-b: 2\r\nX-A: 3\r\n\r\n",
  );
  t.teardown(() => arena.destroy());
  const { request } = stream;
  t.equal(request.hostIndex, 0);
  t.ok(add("x-c", "4"));
  t.equal(written(), "GET / HTTP/1.1\r\nhost: a\r\nx-a: 1\r\nx-b: 2\r\nx-a: 3\r\nx-c: 4\r\n");
  edits.dropNamed(request, textBytes("x-a"));
  t.equal(written(), "GET / HTTP/1.1\r\nhost: a\r\nx-b: 2\r\nx-c: 4\r\n");
  t.ok(edits.setValue(stream, 2 * 5, textBytes("new"), 3));
  edits.dropNamed(request, textBytes("host"));
  t.equal(request.hostIndex, -1);
  t.ok(add("host", "b"));
  t.equal(
    latin1(arena.bytes, request.headers[request.hostIndex * 5 + 2]!, request.headers[request.hostIndex * 5 + 3]!),
    "b",
  );
  t.equal(written(), "GET / HTTP/1.1\r\nx-b: new\r\nx-c: 4\r\nhost: b\r\n");
  while (request.headerCount < request.headers.length / 5) t.ok(add("n", ""));
  t.notOk(add("n", ""), "no more lines than the plan's rules may add to a head full of them");
  t.end();
});

t.test("room for edits", (t) => {
  const head = "POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\n";
  const full = makeEdits(head, "b".repeat(BUFFER_BYTES - head.length - 10));
  t.teardown(() => full.arena.destroy());
  t.ok(full.add("a", "1"), "ten bytes behind the body are enough for this");
  t.equal(full.stream.editBuffer, -1);
  t.ok(full.add("x-long", "v".repeat(100)), "and a second buffer for more");
  t.not(full.stream.editBuffer, -1);
  t.equal(full.written(), `POST / HTTP/1.1\r\ncontent-length: 2000\r\na: 1\r\nx-long: ${"v".repeat(100)}\r\n`);
  t.notOk(full.add("x-huge", "v".repeat(BUFFER_BYTES - head.length - 110)), "head and edits fit into one buffer");
  const alone = makeEdits(head);
  t.teardown(() => alone.arena.destroy());
  t.notOk(alone.add("x", "v".repeat(BUFFER_BYTES - head.length - 4)));
  t.ok(alone.add("x", "v".repeat(BUFFER_BYTES - head.length - 5)), "to the last byte");
  t.end();
});

t.test("edits of a response stand in the worker's area until the next one", (t) => {
  const { arena, pool, stream } = makeEdits("GET / HTTP/1.1\r\n\r\n");
  t.teardown(() => arena.destroy());
  const buffer = pool.take();
  const head = textBytes("HTTP/1.1 200 OK\r\na: 1\r\n\r\n");
  arena.bytes.set(head, pool.start[buffer]!);
  const edits = new ResponseEdits(arena.bytes, pool.offsetOf(2), BUFFER_BYTES);
  for (const value of ["first", "second"]) {
    parseResponse(arena.bytes, pool.start[buffer]!, pool.start[buffer]! + head.length, stream.response);
    t.ok(isCanonical(arena.bytes, stream.response));
    edits.begin();
    t.ok(edits.add(stream, textBytes("b: "), textBytes(value), value.length));
    t.notOk(isCanonical(arena.bytes, stream.response), "the head cannot leave as it came");
    t.equal(latin1(arena.bytes, pool.offsetOf(2), pool.offsetOf(2) + value.length + 5), `b: ${value}\r\n`);
  }
  t.notOk(edits.add(stream, textBytes("b: "), new Uint8Array(BUFFER_BYTES), BUFFER_BYTES - head.length), "no room");
  t.end();
});

t.test("another target", (t) => {
  const { arena, stream, edits } = makeEdits("GET http://a.b/c?d HTTP/1.1\r\nHost: a.b\r\n\r\n");
  t.teardown(() => arena.destroy());
  const target = new RequestTarget(edits, BUFFER_BYTES);
  const { request } = stream;
  const set = (text: string): boolean => {
    target.begin();
    target.append(textBytes(text), 0, text.length);
    return target.commit(stream);
  };
  const spans = (): string[] => [
    latin1(arena.bytes, request.targetStart, request.targetEnd),
    latin1(arena.bytes, request.pathStart, request.pathEnd),
    request.queryStart === 0 ? "" : latin1(arena.bytes, request.queryStart, request.pathEnd),
  ];
  t.ok(set("/x?y"));
  t.same(spans(), ["/x?y", "/x?y", "y"]);
  const { received } = request;
  t.equal(latin1(arena.bytes, received.targetStart, received.targetEnd), "http://a.b/c?d", "for the log");
  t.ok(set("/a b\r\nEvil: 1\x7f"));
  t.equal(spans()[0], "/a%20b%0D%0AEvil:%201%7F", "no value ends the line");
  for (const wrong of ["", "x", "?q", "a:b", "*"]) t.notOk(set(wrong), `"${wrong}" is no target`);
  t.equal(spans()[0], "/a%20b%0D%0AEvil:%201%7F", "and the old one stays");
  t.ok(set("http://other:81/z"));
  t.ok(target.followTarget(stream));
  t.equal(
    latin1(arena.bytes, request.headers[request.hostIndex * 5 + 2]!, request.headers[request.hostIndex * 5 + 3]!),
    "other:81",
  );
  edits.dropNamed(request, textBytes("host"));
  edits.add(stream, textBytes("host: "), textBytes("third"), 5);
  t.ok(target.followHost(stream));
  t.same(spans(), ["http://third/z", "/z", ""]);
  t.equal(latin1(arena.bytes, received.targetStart, received.targetEnd), "http://a.b/c?d", "still what was received");
  t.notOk(set(`/${"long".repeat(BUFFER_BYTES)}`));
  t.end();
});

t.test("how many lines may be added", (t) => {
  const plan = makePlan([{}, {}]);
  t.equal(addedHeadersMax(plan), 0);
  const add: RulePlan = { action: { kind: "add-header", name: "a", value: [] }, condition: null, at: AT };
  const [one, two] = plan.proxies;
  const rules = { ...NO_RULES, httpRequest: [add, add, add], httpResponse: [add] };
  t.equal(
    addedHeadersMax({
      ...plan,
      proxies: [
        { ...one!, rules },
        { ...two!, rules: { ...rules, httpRequest: [] } },
      ],
    }),
    3,
  );
  t.end();
});
