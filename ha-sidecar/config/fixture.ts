// Reads the cases of fixtures/*.conftest (their form: fixtures/README) and runs them. For tests only.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Diagnostics } from "../../shared/diagnostic/diagnostic.ts";
import type { Host } from "./host.ts";
import { type LoadedConfiguration, load, renderDiagnostics } from "./load.ts";
import { Parameters } from "./parameters.ts";
import { readStatements } from "./reader.ts";
import { Report } from "./report.ts";
import type { Statement } from "./statement.ts";

/** The fixtures stand beside the sources, the compiled tests do not. */
export const SOURCES = new URL("../../../ha-sidecar/", import.meta.url);
const FOLDER = new URL("config/fixtures/", SOURCES);

/** The name under which cases are shown. */
export const FILE_NAME = "t.conf";
export const CONFIG_ID = "main";

/** Real configurations, which are no part of this repository: $KEEPALIVED_CORPUS, or shared/corpus/keepalived in a folder above. */
export function findCorpus(): string | null {
  if (process.env.KEEPALIVED_CORPUS !== undefined) return process.env.KEEPALIVED_CORPUS;
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const corpus = join(folder, "shared/corpus/keepalived");
    if (existsSync(corpus)) return corpus;
    if (folder === dirname(folder)) return null;
  }
}

/** The machine of all cases. */
export const HOST: Host = {
  hostname: "main.example",
  interfaces: new Set(["lo", "eth0", "eth1"]),
  loopbacks: new Set(["lo"]),
  username: "root",
  uid: 0,
  gid: 0,
  user: (name) => (name === "root" ? { uid: 0, gid: 0 } : name === "daemon" ? { uid: 1, gid: 1 } : null),
  group: (name) => (name === "root" ? 0 : name === "daemon" ? 1 : null),
  environment: { NAME: "value" },
  uptimeMs: 20_000,
};

export interface FixtureCase {
  readonly title: string;
  readonly text: string;
  readonly expected: string;
  /** Why keepalived is meant to differ, or null. */
  readonly ours: string | null;
}

export function readCases(file: string): FixtureCase[] {
  const text = readFileSync(new URL(file, FOLDER), "utf8");
  return text
    .split(/^=== /m)
    .slice(1)
    .map((block) => {
      const [, title, configuration, result] = /^(.*)\n([\s\S]*?)^---\n([\s\S]*)/m.exec(block)!;
      const bytes = Buffer.from(configuration!, "utf8").toString("latin1");
      return {
        title: title!.replace(/ *\[.*/, ""),
        text: title!.includes("[no-lf]") ? bytes.slice(0, -1) : bytes,
        expected: result!.replace(/\n#[\s\S]*/, "").trim(),
        ours: /\[ours: ([^\]]*)\]/.exec(title!)?.[1] ?? null,
      };
    });
}

/** A whole configuration of the folder. */
export function readFixture(file: string): string {
  return readFileSync(new URL(file, FOLDER), "latin1");
}

/** Runs `use` with a file of the given text; its path in messages becomes FILE_NAME. */
export function withFile<Result>(text: string, use: (path: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), "ringway-"));
  try {
    const path = join(folder, FILE_NAME);
    writeFileSync(path, text, "latin1");
    return use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function loadText(text: string, host: Host = HOST): LoadedConfiguration {
  return withFile(text, (path) => load({ path, configId: CONFIG_ID, host }));
}

/** What is shown of a configuration, with short names of files. */
export function shownText(text: string): string {
  return withFile(text, (path) => show(load({ path, configId: CONFIG_ID, host: HOST }).diagnostics, path));
}

function show(diagnostics: Diagnostics, path: string): string {
  return renderDiagnostics(diagnostics, 1).replaceAll(path, FILE_NAME).replaceAll("(1) : config : ", "").trim();
}

/** The statements of a configuration and what was reported of them. */
export function statementsOf(text: string): { readonly statements: Statement[]; readonly shown: string } {
  return withFile(text, (path) => {
    const diagnostics = new Diagnostics();
    const parameters = new Parameters(CONFIG_ID, HOST.environment);
    const report = new Report(diagnostics);
    const statements = readStatements({ path, configId: CONFIG_ID, parameters, report, allConfig: false });
    return { statements, shown: show(diagnostics, path) };
  });
}

/** Statements as the fixtures write them: `2: word | word {`. */
export function formatStatements(statements: readonly Statement[], indentation = ""): string {
  return statements
    .map((statement) => {
      const words = statement.words.map((word) => word.text).join(" | ");
      const line = `${indentation}${statement.words[0]!.place.line}: ${words}`;
      if (statement.block === null) return `${line}\n`;
      const inside = formatStatements(statement.block, `${indentation}  `);
      return `${line} {\n${inside}${indentation}}${statement.closed ? "" : " (open)"}\n`;
    })
    .join("");
}
