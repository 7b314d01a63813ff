// What is a message and where does it end? Some 500 raw requests and answers, good and evil, go through the program, and what
// becomes of each is compared with what HAProxy 3.2 makes of the same bytes under the same configuration.
//
// HAProxy's verdicts are recorded in http-framing/observed.jsonl, so the comparison needs no HAProxy. Where one of version 3.2 is
// named by RINGWAY_TEST_ORACLE, the record itself is checked against it; RINGWAY_TEST_RECORD=FILE writes a new record of whatever
// program is under test. A difference is only right where ringway is *stricter* than HAProxy or tells its client more, and then
// it stands with its reason in http-framing/differences.ts; being laxer is always a failure.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { RequestCase, ResponseCase } from "./http-framing/cases.ts";
import { DIFFERENCES } from "./http-framing/differences.ts";
import { type Lane, overLanes, startLanes, type Verdict } from "./http-framing/exchange.ts";
import { HUGE_CHUNK_CASES, REQUEST_BODY_CASES } from "./http-framing/request-body-cases.ts";
import { REQUEST_HEADER_CASES } from "./http-framing/request-header-cases.ts";
import { REQUEST_LINE_CASES } from "./http-framing/request-line-cases.ts";
import { HUGE_CHUNK_RESPONSES, RESPONSE_CASES } from "./http-framing/response-cases.ts";
import { REPOSITORY } from "./lab/program.ts";
import type { Tap } from "./lab/tap.ts";

t.setTimeout(240_000);

const LANES = 16;
/** A verdict that differs is asked for again with this quiet before it counts: the first one may have been a slow machine's. */
const PATIENT_QUIET_MS = 700;
const OBSERVED = join(REPOSITORY, "proxy/test/http-framing/observed.jsonl");

type Record_ = Record<string, Verdict>;
/** A line for each case: its name and its verdict. */
const observed: Record_ = Object.fromEntries(
  readFileSync(OBSERVED, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as [string, Verdict]),
);

interface Case {
  readonly name: string;
  judge(lane: Lane, quietMs?: number, cut?: number): Promise<Verdict>;
}
const ofRequest = (test: RequestCase): Case => ({
  name: test.name,
  judge: (lane, quietMs, cut) => lane.request(test, quietMs, cut),
});
const ofResponse = (test: ResponseCase): Case => ({
  name: test.name,
  judge: (lane, quietMs) => lane.response(test, quietMs),
});

const TABLES: readonly (readonly [string, readonly Case[]])[] = [
  ["request lines", REQUEST_LINE_CASES.map(ofRequest)],
  ["request headers", REQUEST_HEADER_CASES.map(ofRequest)],
  ["request bodies", REQUEST_BODY_CASES.map(ofRequest)],
  ["responses", RESPONSE_CASES.map(ofResponse)],
  ["huge chunks", [...HUGE_CHUNK_CASES.map(ofRequest), ...HUGE_CHUNK_RESPONSES.map(ofResponse)]],
];
const ALL = TABLES.flatMap(([, cases]) => cases);

/** The verdict of a program over `cases`, patiently where it is not the expected one (null: everywhere). */
async function judge(lanes: readonly Lane[], cases: readonly Case[], expected: Record_ | null): Promise<Record_> {
  const verdicts: Record_ = {};
  const isExpected = (name: string) => JSON.stringify(verdicts[name]) === JSON.stringify(expected?.[name]);
  await overLanes(lanes, cases, async (lane, test) => {
    verdicts[test.name] = await test.judge(lane);
  });
  const doubtful = cases.filter(({ name }) => !isExpected(name));
  await overLanes(lanes, doubtful, async (lane, test) => {
    verdicts[test.name] = await test.judge(lane, PATIENT_QUIET_MS);
  });
  return verdicts;
}

t.test("the tables are in order", async (t) => {
  const names = ALL.map(({ name }) => name);
  t.same(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
    "no name twice",
  );
  const excepted = DIFFERENCES.flatMap(({ cases }) => cases);
  t.same(
    excepted.filter((name, i) => !names.includes(name) || excepted.indexOf(name) !== i),
    [],
    "no exception without a case, and one at most",
  );
  if (process.env.RINGWAY_TEST_RECORD === undefined) {
    t.same(
      names.filter((name) => observed[name] === undefined),
      [],
      "HAProxy's verdict is recorded for every case",
    );
    t.same(
      Object.keys(observed).filter((name) => !names.includes(name)),
      [],
      "no record without a case",
    );
  }
});

const record = process.env.RINGWAY_TEST_RECORD;
if (record !== undefined) {
  t.test("record", { timeout: 240_000 }, async (t) => {
    const verdicts = await judge((await startLanes(t, LANES)).lanes, ALL, null);
    writeFileSync(record, ALL.map(({ name }) => `${JSON.stringify([name, verdicts[name]])}\n`).join(""));
  });
} else {
  const expected: Record_ = { ...observed };
  for (const { cases, verdict } of DIFFERENCES) {
    for (const name of cases) expected[name] = typeof verdict === "function" ? verdict(observed[name]!) : verdict;
  }
  const wanted = process.env.RINGWAY_TEST_PROGRAM?.endsWith("haproxy") ? observed : expected;
  t.test("program under test", { timeout: 240_000 }, (t) => compare(t, wanted));

  // Heads are judged alike however they are cut; bodies are not, as what came before the fault may have been passed on already.
  t.test("in two segments", { timeout: 240_000 }, async (t) => {
    const heads = [...REQUEST_LINE_CASES, ...REQUEST_HEADER_CASES].filter(({ send }) => send.endsWith("\r\n\r\n"));
    const cases = heads.map(ofRequest).map((test, i) => {
      const cut = ((i * 37) % 89) / 89;
      return { ...test, judge: (lane: Lane, quietMs?: number) => test.judge(lane, quietMs, cut) };
    });
    const verdicts = await judge((await startLanes(t, LANES)).lanes, cases, wanted);
    for (const { name } of cases) t.same(verdicts[name], wanted[name], name);
  });

  const oracle = process.env.RINGWAY_TEST_ORACLE;
  const skip = oracle === undefined ? "RINGWAY_TEST_ORACLE names no HAProxy 3.2; the record stands for it" : false;
  t.test("the record against HAProxy 3.2", { skip, timeout: 240_000 }, (t) => compare(t, observed, [oracle!]));
}

async function compare(t: Tap, expected: Record_, command?: readonly string[]): Promise<void> {
  const { program, lanes } = await startLanes(t, LANES, { command });
  for (const [title, cases] of TABLES) {
    const verdicts = await judge(lanes, cases, expected);
    await t.test(title, async (t) => {
      for (const { name } of cases) t.same(verdicts[name], expected[name], name);
    });
  }
  t.equal(program.exit, null, "the program still runs");
  t.equal(
    program.stderr
      .split("\n")
      .filter((line) => /\bALERT\b|assert/i.test(line))
      .join("\n"),
    "",
    "and has nothing to complain of",
  );
}
