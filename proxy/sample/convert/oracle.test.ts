// HAProxy as the judge of converters: every expression of a family is asked about every input of the family, fixed and pseudo-random ones, of us
// and of a real HAProxy, and the answers must be equal: found or not found, and byte for byte what was found.
//
// Inputs travel base64-encoded in a header; `@` in an expression is `req.hdr(d),b64dec`. Each expression is asked twice, as `…,hex` (all bytes,
// and all 64 bits of integers) and as `…,length` (which tells an empty value from none).
//
// Which HAProxy: $HAPROXY, otherwise `haproxy` of the system. Without one the test is skipped and says so; with CI=true that is a failure.
// Converters that the HAProxy at hand does not know are left out, rows whose meaning changed say since when.

import { spawnSync } from "node:child_process";
import t from "tap";
import { parseSample } from "../../config/expression/sample.ts";
import { PROXY } from "../../shared-state/layout.ts";
import { compileSample } from "../expression.ts";
import { makeContext, makePlan, makeStream } from "../fixture.ts";
import { startRawProxy } from "../oracle.fixture.ts";
import type { Case } from "./oracle.fixture.ts";
import { FORMAT_CASES } from "./oracle-formats.fixture.ts";
import { TEXT_CASES } from "./oracle-text.fixture.ts";
import { VALUE_CASES } from "./oracle-values.fixture.ts";

const HAPROXY = process.env.HAPROXY ?? "haproxy";
const CLIENT = "127.0.0.9";
/** Expressions of one answer. */
const CHUNK = 60;

/** The backends of oracle-values.fixture.ts: b with two servers, e with none. */
const bare = makePlan([{ serverSettings: [{}, {}] }, {}]);
const ctx = makeContext({ ...bare, proxies: bare.proxies.map((proxy, i) => ({ ...proxy, name: "be"[i]! })) });
ctx.shared.words[ctx.shared.proxyAt(0) + PROXY.activeServers] = 2;

function haproxy(...args: string[]): string {
  return spawnSync(HAPROXY, args, { encoding: "latin1" }).stdout ?? "";
}

const version = Number(/^HA-?Proxy version (\d+\.\d+)/.exec(haproxy("-v"))?.[1] ?? Number.NaN);
const isMissing = Number.isNaN(version);
if (isMissing && process.env.CI === "true") throw new Error("needs haproxy, and with CI=true its absence is a failure");
const skip = isMissing ? "needs haproxy (not installed)" : false;

const known = new Set(
  haproxy("-dKcnv", "-q", "-c", "-f", "/dev/null")
    .split("\n")
    .map((line) => /^\s*([\w-]+)/.exec(line)?.[1]),
);

const escaped = (text: string): string => text.replace(/[\\"#$]/g, "\\$&");
const full = (expression: string): string => expression.replace("@", "req.hdr(d),b64dec");

/** Converters' names in an expression: words behind commas outside of parentheses. */
function converterNames(expression: string): string[] {
  const bare = expression.replace(/'[^']*'/g, "").replace(/\([^()]*\)/g, "");
  return bare.split(",").slice(1);
}

const isKnown = (expression: string): boolean => converterNames(expression).every((name) => known.has(name));

function head(path: string, input: string): string {
  const data = Buffer.from(input, "latin1").toString("base64");
  return `GET ${path} HTTP/1.1\r\nhost: h\r\nd: ${data}\r\n\r\n`;
}

/** The text that we give, null: not found. */
function ours(expression: string, input: string): string | null {
  const parsed = parseSample(full(expression));
  if (!parsed.ok) throw new Error(`${expression}: ${parsed.message}`);
  const { first } = compileSample(parsed.sample, ctx, false, "str");
  return first(makeStream(ctx, head("/", input))) === 2 ? ctx.value.text() : null;
}

interface Question {
  readonly path: string;
  readonly of: Case;
  readonly expressions: readonly string[];
}

const questions: Question[] = [];
for (const of of [...TEXT_CASES, ...VALUE_CASES, ...FORMAT_CASES]) {
  if (version < (of.since ?? 0)) continue;
  const expressions = of.expressions.filter(isKnown);
  for (let i = 0; i < expressions.length; i += CHUNK) {
    questions.push({ path: `/${questions.length}`, of, expressions: expressions.slice(i, i + CHUNK) });
  }
}

t.test("converters give what HAProxy's give", { skip, timeout: 120_000 }, async (t) => {
  const rules = questions.map(({ path, expressions }) => {
    const asked = [
      ...expressions.map((text) => `${full(text)},hex`),
      ...expressions.map((text) => `${full(text)},length`),
    ];
    const format = asked.map((text) => `%[${escaped(text)}]`).join("\\x1f");
    return `http-request return status 200 content-type text/plain lf-string "${format}" if { path ${path} }`;
  });
  const ask = await startRawProxy(t, HAPROXY, CLIENT, rules);
  for (const { path, of, expressions } of questions) {
    const different = new Set<string>();
    for (const input of of.inputs) {
      const theirs = (await ask(head(path, input))).split("\x1f");
      t.equal(theirs.length, expressions.length * 2, "an answer to everything");
      expressions.forEach((text, i) => {
        const expected = theirs[expressions.length + i] === "" ? null : theirs[i]!;
        const actual = ours(`${text},hex`, input);
        if (actual === expected || different.has(text)) return;
        different.add(text);
        t.equal(actual, expected, `${text} of ${JSON.stringify(input).slice(0, 200)}`);
      });
    }
    t.same([...different], [], `${of.name}: ${expressions.length} expressions, ${of.inputs.length} inputs`);
  }
});
