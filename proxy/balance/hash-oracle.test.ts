// HAProxy as the judge of hashing: the same server for the same key, for every algorithm, hash-type, function and modifier, on farms with
// weights, ids, disabled and backup servers; the same round robin without a key; the same way out when a server has its share.
//
// Which HAProxy: $HAPROXY, otherwise `haproxy` of the system. Without one the test is skipped and says so; with CI=true that is a failure.
// $HASH_KEYS: keys per algorithm, hash-type, function and modifier (300 by default; 10000 take some minutes).

import { spawnSync } from "node:child_process";
import { get } from "node:http";
import t from "tap";
import { startHttpOrigin } from "../test/lab/http-origin.ts";
import { until } from "../test/lab/time.ts";
import { makeCandidates, ORIGIN, placed, type Question, startJudge } from "./hash-oracle.fixture.ts";

const HAPROXY = process.env.HAPROXY ?? "haproxy";
const KEYS = Number(process.env.HASH_KEYS ?? 300);
t.setTimeout(600_000);

/** 2.6, 3.2 …; 0: there is none. */
const version = Number(
  /version (\d+\.\d+)/.exec(spawnSync(HAPROXY, ["-v"], { encoding: "latin1" }).stdout ?? "")?.[1] ?? 0,
);
const isThere = version > 0;
if (!isThere && process.env.CI === "true") throw new Error("needs haproxy, and with CI=true its absence is a failure");
const skip = isThere ? false : "needs haproxy (not installed)";
/** Older HAProxys place servers on the circle otherwise. */
const is3 = version >= 3;

let seed = 11;
const random = (n: number): number => {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return (seed >>> 8) % n;
};
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789-_.~%";
const word = (max: number): string =>
  Array.from({ length: 1 + random(max) }, () => letters[random(letters.length)]).join("");
const digits = (max: number): string => Array.from({ length: 1 + random(max) }, () => random(10)).join("");
const path = (): string => Array.from({ length: 1 + random(4) }, () => `/${word(8)}`).join("");
const address4 = (): string => `${1 + random(223)}.${random(256)}.${random(256)}.${random(256)}`;
const address6 = (): string =>
  Array.from({ length: 8 }, (_, i) => (i === 0 ? "2001" : random(65536).toString(16))).join(":");
const some = <T>(...choices: readonly (() => T)[]): T => choices[random(choices.length)]!();
/** Digits, which `hash-type none` reads, or words; at times both. */
const value = (): string =>
  some(
    () => word(24),
    () => String(random(1 << 24) * random(1 << 24)),
    () => `${random(1000)}${word(3)}`,
    () => `-${random(100000)}`,
    () =>
      `${some(
        () => "",
        () => "-",
        () => "+",
        () => "+-",
      )}${digits(30)}`,
  );

/** Older HAProxys do not give it the path `/`. */
const withoutPath = is3 ? "http://h.example" : "http://h.example/";

const target = (): Question => ({
  target: some(
    () => path(),
    () => `${path()}?${word(6)}=${word(9)}/${word(4)}`,
    () => `http://h.example${path()}?${word(5)}`,
    () =>
      some<string>(
        () => "/",
        () => "*",
        () => "//",
        () => withoutPath,
        () => "/?",
      ),
  ),
});
const parameter = (): Question => ({
  target: `${path()}?${some(
    () => "",
    () => `${word(5)}=${word(5)}&`,
    () => "id&",
  )}id=${value()}${some(
    () => "",
    () => "&z=1",
  )}`,
});
const header = (content: () => string) => (): Question => ({
  target: "/",
  headers: `x: ${content()}${some(
    () => "",
    () => `, ${word(3)}`,
    () => `\r\nx: ${word(3)}`,
  )}\r\n`,
});
const posted = (): Question => {
  const body = some(
    () => "",
    () => `${word(5)}=${word(5)}&id=${value()}`,
    () => `id=${value()}&z=${word(3)}`,
    // Older HAProxys take these as they are.
    () => `id=${word(3)}${is3 ? "(" : ""}${word(3)}`,
    () => `id=${word(3)}${is3 ? " " : ""}${word(3)}`,
    () => `idea=1&${word(4)}`,
  );
  return { target: some(path, () => parameter().target), body };
};
const domain = (): string => Array.from({ length: 1 + random(4) }, () => word(6)).join(".");

interface Algorithm {
  readonly name: string;
  readonly variants: readonly { readonly line: string; readonly ask: () => Question }[];
}

// hdr_val is asked for digits below 2^31: what it gives otherwise is the fetch's business (sample/integer.ts).
const ALGORITHMS: readonly Algorithm[] = [
  {
    name: "uri",
    variants: ["", "whole", "depth 2", "len 9 path-only", "path-only whole depth 3 len 20"].map((options) => ({
      line: `uri ${options}`,
      ask: target,
    })),
  },
  {
    name: "url_param",
    variants: [
      { line: "url_param id", ask: parameter },
      { line: "url_param id check_post\n  option http-buffer-request", ask: posted },
    ],
  },
  {
    name: "hdr",
    variants: [
      { line: "hdr(X)", ask: header(value) },
      { line: "hdr(x) use_domain_only", ask: header(domain) },
    ],
  },
  {
    name: "hash",
    variants: [
      { line: "hash req.hdr(x)", ask: header(value) },
      { line: "hash path,lower", ask: () => ({ target: path() }) },
      { line: "hash req.hdr_val(x,1)", ask: header(() => String(random(1 << 24) * random(1 << 7))) },
      { line: "hash req.hdr_ip(x)", ask: header(() => some(address4, address6)) },
      { line: "hash src", ask: () => ({ target: "/", source: some(address4, address6) }) },
    ],
  },
  { name: "source", variants: [{ line: "source", ask: () => ({ target: "/", source: some(address4, address6) }) }] },
];

/** Servers with weights, at times ids, disabled ones and backups; at least one takes part. */
function servers(options = ""): string {
  const count = 2 + random(9);
  const maxWeight = [1, 3, 12, 60][random(4)]!;
  const hasIds = random(2) === 0;
  return Array.from({ length: count }, (_, i) => {
    const id = hasIds ? ` id ${i * 37 + 1 + random(37)}` : "";
    const state = i === 0 ? "" : ["", "", "", " disabled", " backup"][random(5)];
    return `  server s${i} ${ORIGIN} weight ${1 + random(maxWeight)}${id}${state}${options}\n`;
  }).join("");
}

const FUNCTIONS = is3 ? ["sdbm", "djb2", "wt6", "crc32", "none"] : ["sdbm", "djb2", "wt6", "crc32"];
const HASH_TYPES = (is3 ? ["map-based", "consistent"] : ["map-based"]).flatMap((method) =>
  FUNCTIONS.flatMap((name) => [`${method} ${name}`, `${method} ${name} avalanche`]),
);

for (const { name, variants } of ALGORITHMS) {
  t.test(`balance ${name}: the same server for the same key`, { skip }, async (t) => {
    const farms = HASH_TYPES.flatMap((hashType) =>
      variants.map(({ line, ask }) => ({ lines: `  balance ${line}\n  hash-type ${hashType}\n${servers()}`, ask })),
    );
    const texts = farms.map(({ lines }) => lines);
    const judge = await startJudge(t, HAPROXY, texts);
    const candidates = await makeCandidates(t, texts);
    for (const [i, { lines, ask }] of farms.entries()) {
      const questions = Array.from({ length: Math.ceil(KEYS / variants.length) }, ask);
      const theirs = await judge.ask(i, questions);
      const different = questions
        .map((question, k) => ({ ...question, theirs: theirs[k], ours: candidates[i]!.pick(question) }))
        .filter((one) => one.ours !== one.theirs);
      t.same(different.slice(0, 3), [], `${different.length} of ${questions.length} differ\n${lines}`);
    }
  });
}

t.test("hash-key: servers on the circle by their addresses", { skip: skip || !is3 }, async (t) => {
  const addresses = [...Array.from({ length: 8 }, (_, i) => `127.0.0.${i * 29 + 1}:1`), "[::1]:1"];
  const texts = ["addr", "addr-port", "id"].map((key) => {
    const lines = addresses.map((address, i) => `  server s${i} ${address} weight ${1 + random(9)} hash-key ${key}\n`);
    return `  balance url_param id\n  hash-type consistent\n${lines.join("")}`;
  });
  const judge = await startJudge(t, HAPROXY, texts);
  const candidates = await makeCandidates(
    t,
    texts.map((text) => placed(text, judge.originPort)),
  );
  for (const [i, text] of texts.entries()) {
    const questions = Array.from({ length: KEYS }, parameter);
    const theirs = await judge.ask(i, questions);
    const ours = questions.map((question) => candidates[i]!.pick(question));
    t.equal(ours.filter((server, k) => server !== theirs[k]).length, 0, text);
  }
});

t.test("no key: round robin in the same order, whatever was hashed meanwhile", { skip }, async (t) => {
  const missing: Question = { target: "/nothing?idea=1&id", headers: "x:\r\n" };
  const lines = ["url_param id", "hdr(x)", "hdr(nope) use_domain_only", "hash req.hdr(nope)", "hash urlp(nope)"];
  const farms = lines.flatMap((line) =>
    (is3 ? ["map-based", "consistent"] : ["map-based"]).map(
      (method) => `  balance ${line}\n  hash-type ${method} crc32\n${servers()}`,
    ),
  );
  const judge = await startJudge(t, HAPROXY, farms);
  const candidates = await makeCandidates(t, farms);
  for (const [i, text] of farms.entries()) {
    const questions = Array.from({ length: 150 }, () => (random(4) === 0 ? parameter() : missing));
    const theirs = await judge.ask(i, questions);
    t.same(questions.map((question) => candidates[i]!.pick(question)).join(" "), theirs.join(" "), text);
  }
});

t.test("a server that has its share passes streams on to the same other one", { skip: skip || !is3 }, async (t) => {
  // Origins that never answer: whoever they are given to stays with them.
  const origins = await Promise.all(Array.from({ length: 5 }, () => startHttpOrigin(t, { handler: () => {} })));
  const farms: readonly { readonly lines: string; readonly weights: readonly number[]; readonly options?: string }[] = [
    { lines: "hash-balance-factor 101", weights: [1, 1, 1] },
    { lines: "hash-balance-factor 110", weights: [5, 10, 20, 7, 1] },
    { lines: "hash-balance-factor 150", weights: [1, 4] },
    { lines: "hash-balance-factor 300", weights: [3, 2, 1] },
    { lines: "hash-preserve-affinity maxconn", weights: [1, 2, 1], options: "maxconn 10" },
    { lines: "hash-preserve-affinity always", weights: [1, 2, 1] },
  ];
  const serverLines = (weights: readonly number[], options = "", port?: (s: number) => number) =>
    weights.map((weight, s) => `  server s${s} 127.0.0.1:${port?.(s) ?? 1} weight ${weight} ${options}\n`).join("");
  const texts = (port?: (s: number) => number) =>
    farms.map(
      ({ lines, weights, options }) =>
        `  balance url_param id\n  hash-type consistent\n  ${lines}\n${serverLines(weights, options, port)}`,
    );
  const judge = await startJudge(
    t,
    HAPROXY,
    texts((s) => origins[s]!.port),
  );
  const candidates = await makeCandidates(t, texts());
  for (const [i, { lines, weights }] of farms.entries()) {
    const streams = weights.map(() => 0);
    const different: string[] = [];
    for (let turn = 0; turn < 30; turn++) {
      const question = { target: `/?id=${random(2) === 0 ? "favourite" : word(9)}` };
      const before = origins.map((origin) => origin.requests.length);
      const request = get({
        host: "127.0.0.1",
        port: judge.port,
        path: question.target,
        headers: { "x-b": i },
        agent: false,
      }).on("error", () => {});
      t.teardown(() => request.destroy());
      const arrived = () => origins.findIndex((origin, s) => origin.requests.length > before[s]!);
      await until("the request is with an origin", () => arrived() >= 0);
      candidates[i]!.setStreams(streams);
      const ours = candidates[i]!.pick(question);
      const theirs = arrived();
      if (ours !== `s${theirs}`) different.push(`${ours} for s${theirs} at ${streams} for ${question.target}`);
      streams[theirs]!++;
    }
    t.same(different, [], `${lines}, weights ${weights}, in the end ${streams}`);
  }
});
