// Reads the cases of fixtures/*.cfgtest (their form: fixtures/README) and runs them. For tests only.

import { readdirSync, readFileSync } from "node:fs";
import { Diagnostics } from "../../shared/diagnostic/diagnostic.ts";
import { renderDiagnostic } from "../../shared/diagnostic/render.ts";
import { Environment } from "./environment.ts";
import { ENABLED_OPTIONS } from "./features.ts";
import { type ReadContext, readText } from "./source.ts";

/** The fixtures stand beside the sources, the compiled tests do not. */
const FOLDER = new URL("../../../proxy/config/fixtures/", import.meta.url);

/** The name under which cases are read. */
export const FILE_NAME = "t.cfg";

/** What every case finds in its environment. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  NAME: "value",
  TWO: "a b",
  LIST: " p\tq  r ",
  EMPTY: "",
};

export interface FixtureCase {
  readonly title: string;
  /** The bytes of the configuration, one character each. */
  readonly text: string;
  readonly expected: string;
  /** Why HAProxy is meant to differ, or null. */
  readonly ours: string | null;
  /** Why only HAProxy 3.2 does the same, or null. */
  readonly only32: string | null;
}

/** Conditions to compare with HAProxy: those that every version from 2.6 on evaluates, and those that take 3.2. */
export function readConditions(is32: boolean): string[] {
  const [all, only32] = readFileSync(new URL("conditions.txt", FOLDER), "latin1").split(/^---.*\n/m);
  return (is32 ? all! + only32! : all!).trimEnd().split("\n");
}

/** All fixture files and their cases. */
export function readFixtures(): Map<string, FixtureCase[]> {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".cfgtest"));
  return new Map(files.map((name) => [name, parseCases(readFileSync(new URL(name, FOLDER), "latin1"))]));
}

function parseCases(text: string): FixtureCase[] {
  return text
    .split(/^=== /m)
    .slice(1)
    .map((block) => {
      const [, title, configuration, result] = /^(.*)\n([\s\S]*?)^---\n([\s\S]*)/m.exec(block)!;
      const unescaped = title!.includes("[escapes]") ? unescapeBytes(configuration!) : configuration!;
      return {
        title: title!.replace(/ *\[.*/, ""),
        text: title!.includes("[no-lf]") ? unescaped.slice(0, -1) : unescaped,
        expected: result!.replace(/\n#[\s\S]*/, "").trim(),
        ours: /\[ours: ([^\]]*)\]/.exec(title!)?.[1] ?? null,
        only32: /\[3\.2: ([^\]]*)\]/.exec(title!)?.[1] ?? null,
      };
    });
}

function unescapeBytes(text: string): string {
  return text.replace(/\\(?:r|0|t|x([0-9a-f]{2}))/g, (written, hexadecimal?: string) => {
    if (hexadecimal !== undefined) return String.fromCharCode(Number.parseInt(hexadecimal, 16));
    return written === "\\r" ? "\r" : written === "\\t" ? "\t" : "\0";
  });
}

/** Reads a configuration as a case: its logical lines, and what was reported. Knows `global` and `setenv`, for the cases that need them. */
export function runCase(text: string): { readonly lines: string[]; readonly diagnostics: Diagnostics } {
  const lines: string[] = [];
  const diagnostics = new Diagnostics();
  const environment = new Environment(ENVIRONMENT);
  environment.provide([FILE_NAME], "peer");
  const context: ReadContext = { environment, diagnostics, section: "", enabledOptions: new Set(ENABLED_OPTIONS) };
  readText({ name: FILE_NAME, text }, context, {
    onLine(line) {
      const [keyword, name, value] = line.words.map((word) => word.text);
      if (keyword === "global") context.section = keyword;
      if (keyword === "setenv") environment.set(name ?? "", value ?? "");
      lines.push(`${line.line}: ${line.words.map((word) => word.text).join(" | ")}`);
    },
  });
  return { lines, diagnostics };
}

/** What a case comes to, in the form in which fixtures expect it. */
export function showCase(text: string): string {
  const { lines, diagnostics } = runCase(text);
  const reports = diagnostics.list.map((diagnostic) => renderDiagnostic(diagnostic, 1));
  // Rendered text is Unicode, fixtures are read as bytes.
  return (lines.map((line) => `${line}\n`).join("") + Buffer.from(reports.join(""), "utf8").toString("latin1")).trim();
}
