// What compiler and linter do not check: the order of the house. Who may import whom, how long a file may be, words that must not stay
// in it, files that nothing uses, folders without a test.
//
// It reads the sources, not the build. A rule that must be broken is broken in this file, with the reason beside it.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const COMPONENTS = ["shared", "proxy", "ha-sidecar", "bench"];
const LINES_MAX = 400;
/** What the header of a longer file has to say; the reason follows it. */
const LENGTH_EXCUSE = /Longer than 400 lines because/;
const HEADER_LINES_MAX = 40;

/** Folders of proxy/ that belong to the control plane, or to neither plane. Everything else runs in workers. */
const CONTROL_SIDE = ["config", "control", "master", "stats", "demo", "test"];
/** What a worker must not pull in, not even through others: comfortable code that allocates, blocks and throws. */
const NOT_IN_WORKERS = ["proxy/config/", "proxy/control/", "proxy/master/"];

/** Where execution starts, apart from tests: what is reachable from none of them is dead. */
const ENTRIES = [
  "proxy/main.ts",
  "proxy/worker/main.ts",
  "proxy/demo/demo.ts",
  "proxy/config/write-reference.ts",
  "proxy/control/write-packaging.ts",
  "ha-sidecar/main.ts",
  "ha-sidecar/config/write-reference.ts",
  "ha-sidecar/config/write-packaging.ts",
  "bench/main.ts",
  "bench/micro/reactor.ts",
  "bench/origin/node-origin.ts",
  "shared/tools/bundle.ts",
  "shared/tools/run-tests.ts",
];

/** Folders without tests of their own whose work shows only in the running program: the end-to-end test that looks at it. */
const TESTED_BY: Readonly<Record<string, string>> = {
  proxy: "proxy/test/command-line.test.ts",
  "proxy/backend": "proxy/test/http-failures.test.ts",
  "proxy/connection": "proxy/test/http-connections.test.ts",
  "proxy/demo": "proxy/test/demo.test.ts",
  "proxy/frontend": "proxy/test/routing.test.ts",
  "proxy/stream": "proxy/test/http-timeouts.test.ts",
  "proxy/tcp": "proxy/test/tcp-mode.test.ts",
  "proxy/worker": "proxy/test/http-connections.test.ts",
};

/** Default exports exist where piscina asks for one. */
const DEFAULT_EXPORTS = ["proxy/worker/main.ts", "proxy/control/fixtures/stand-in-worker.ts"];

interface Source {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  /** Paths of the sources it imports, types included. */
  readonly imports: readonly string[];
}

const sources = new Map(COMPONENTS.flatMap(listSources).map((path) => [path, readSource(path)]));

t.test("layers: shared imports nothing of the others, workers nothing of the control plane", async (t) => {
  t.ok(sources.size > 50, "the sources are found");
  const faults: string[] = [];
  for (const source of sources.values()) {
    for (const imported of source.imports) {
      const [from, to] = [component(source.path), component(imported)];
      const allowed = from === to || to === "shared" || from === "bench";
      if (!allowed) faults.push(`${source.path} imports ${imported}`);
      if (!existsSync(join(ROOT, imported))) faults.push(`${source.path} imports ${imported}, which is not there`);
      const intoControl = NOT_IN_WORKERS.some((folder) => imported.startsWith(folder));
      if (intoControl && isWorkerSide(source.path)) faults.push(`${source.path} (worker side) imports ${imported}`);
    }
  }
  t.same(faults, []);
});

t.test("what a worker loads, directly or not, holds nothing of the control plane", async (t) => {
  const loaded = reachable(["proxy/worker/main.ts"]);
  const faults = [...loaded].filter((path) => NOT_IN_WORKERS.some((folder) => path.startsWith(folder)));
  t.same(faults, []);
});

t.test("files are short, begin with a header and hold none of the words that must not stay", async (t) => {
  const faults: string[] = [];
  for (const { path, lines } of sources.values()) {
    const header = headerOf(lines);
    if (header.length === 0) faults.push(`${path}: no header comment that says what lives here and why`);
    const excused = LENGTH_EXCUSE.test(header.join(" "));
    if (lines.length > LINES_MAX && !excused)
      faults.push(`${path}: ${lines.length} lines, and the header gives no reason`);
  }
  for (const path of listTexts()) faults.push(...wordFaults(path));
  t.same(faults, []);
});

t.test("no barrels, no default exports, imports end in .ts", async (t) => {
  const faults: string[] = [];
  for (const { path, text, lines } of sources.values()) {
    if (path.endsWith("/index.ts")) faults.push(`${path}: a barrel or a name that says nothing`);
    const reexports = lines.filter((line) => /^export (\*|\{[^}]*\}) from /.test(line)).length;
    if (reexports > 0 && !/\bthe seam\b/.test(headerOf(lines).join(" "))) faults.push(`${path}: re-exports`);
    if (/^export default /m.test(text) && !DEFAULT_EXPORTS.includes(path)) faults.push(`${path}: default export`);
    if (/from "\.{1,2}\/[^"]*(?<!\.ts)"/.test(text)) faults.push(`${path}: an import without its .ts`);
  }
  t.same(faults, []);
});

t.test("no file is dead and no folder is without a test", async (t) => {
  const tests = [...sources.keys()].filter(isTest);
  // Micro-benchmarks are run by hand.
  const benches = [...sources.keys()].filter((path) => path.endsWith(".bench.ts"));
  const alive = reachable([...ENTRIES.filter((path) => sources.has(path)), ...tests, ...benches]);
  // Named by a URL, not by an import: what threads and other processes start with.
  const named = [...sources.values()].flatMap(({ path, text }) =>
    [...text.matchAll(/new URL\("(\.[^"]+)\.js", import\.meta\.url\)/g)].map(([, target]) =>
      relative(ROOT, resolve(ROOT, dirname(path), `${target}.ts`)),
    ),
  );
  const reached = new Set([...alive, ...reachable(named)]);
  // A component without a program yet is all foundation: nothing can reach it.
  const started = COMPONENTS.filter((name) => name === "shared" || sources.has(`${name}/main.ts`));
  const dead = [...sources.keys()].filter((path) => started.includes(component(path)) && !reached.has(path));
  t.same(dead, []);

  const tested = reachable(tests);
  const rooms = [...sources.keys()].filter((path) => started.includes(component(path))).map(folderOf);
  const folders = new Map(rooms.map((room) => [room, false]));
  for (const path of tested) folders.set(folderOf(path), true);
  for (const [folder, test] of Object.entries(TESTED_BY)) {
    if (tests.includes(test)) folders.set(folder, true);
  }
  const untested = [...folders].filter(([, isTested]) => !isTested).map(([folder]) => folder);
  t.same(untested, []);
});

/** The room a file lives in: `proxy/http1`, `shared/ffi`; the bench is one room. */
function folderOf(path: string): string {
  const parts = path.split("/").slice(0, -1);
  return parts[0] === "bench" ? "bench" : parts.slice(0, 2).join("/");
}

function component(path: string): string {
  return path.slice(0, path.indexOf("/"));
}

function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}

/** Tests and what they share may look at both planes. */
function isWorkerSide(path: string): boolean {
  const [first, folder, ...rest] = path.split("/");
  if (first !== "proxy" || rest.length === 0 || CONTROL_SIDE.includes(folder!)) return false;
  return !isTest(path) && !/fixture/.test(path);
}

/** Everything that the given files import, and what those import; imports of types only count too. */
function reachable(from: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const waiting = [...from];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    waiting.push(...(sources.get(path)?.imports ?? []));
  }
  return seen;
}

/** The comment lines at the top, shebang left out. */
function headerOf(lines: readonly string[]): string[] {
  const start = lines[0]?.startsWith("#!") === true ? 1 : 0;
  const header: string[] = [];
  for (const line of lines.slice(start, start + HEADER_LINES_MAX)) {
    if (!line.startsWith("//")) break;
    header.push(line);
  }
  return header;
}

function wordFaults(path: string): string[] {
  const faults: string[] = [];
  for (const [index, line] of readFileSync(join(ROOT, path), "utf8").split("\n").entries()) {
    const word = BANNED.find(({ pattern }) => pattern.test(line));
    if (word !== undefined) faults.push(`${path}:${index + 1}: ${word.why}`);
  }
  return faults;
}

/** Written in halves, so that this file does not accuse itself. */
const BANNED: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  {
    pattern: new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "HA" + "CK"].join("|")})\\b`),
    why: "unfinished",
  },
  { pattern: new RegExp(`@ts-${"(ignore|nocheck|expect-error)"}`), why: "the compiler is silenced" },
  {
    pattern: new RegExp(`(^|[\\s"'(=])/(${"work"}|${"tmp"}/(wt|ref|ctl)|${"home"}/[a-z]+|${"root"})/`),
    why: "a path of somebody's machine",
  },
];

/** Every file of the repository that people read. */
function listTexts(): string[] {
  const top = readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^(package-lock\.json|LICENSE|\.git)$/.test(entry.name))
    .map((entry) => entry.name);
  const inside = COMPONENTS.flatMap((folder) => walk(folder)).filter((path) =>
    /\.(ts|md|cfg|json|sh|vtc|cfgtest|conf)$/.test(path),
  );
  return [...top, ...inside];
}

function listSources(folder: string): string[] {
  return walk(folder).filter((path) => path.endsWith(".ts"));
}

function walk(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? walk(path) : [path];
  });
}

function readSource(path: string): Source {
  const text = readFileSync(join(ROOT, path), "utf8");
  const specifiers = [...text.matchAll(/(?:from|import\(|^import) ?"(\.[^"]+)"/gm)].map((match) => match[1]!);
  const imports = specifiers.map((specifier) => relative(ROOT, resolve(ROOT, dirname(path), specifier)));
  return { path, text, lines: text.trimEnd().split("\n"), imports };
}
