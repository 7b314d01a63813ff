// Reads the cases of fixtures/statements (their form: fixtures/statements/README) and runs them: one statement each, in a section. For
// tests only.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadConfiguration } from "./load.ts";

/** The fixtures stand beside the sources, the compiled tests do not. */
const FOLDER = new URL("../../../proxy/config/fixtures/statements/", import.meta.url);

/** How the file under test is called in messages. */
export const FILE_NAME = "t.cfg";

export interface StatementCase {
  /** The configuration: the lines of the context, then the statement. */
  readonly text: string;
  readonly statement: string;
  /** `[ALERT] message`, in order. */
  readonly expected: readonly string[];
  /** Why HAProxy is meant to differ, or null. */
  readonly ours: string | null;
  /** Why older HAProxys give another verdict, or null. */
  readonly only32: string | null;
}

export function readStatements(): Map<string, StatementCase[]> {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".txt"));
  return new Map(files.map((name) => [name, parseStatements(readFileSync(new URL(name, FOLDER), "latin1"))]));
}

export function parseStatements(text: string): StatementCase[] {
  const cases: { text: string; statement: string; expected: string[]; ours: string | null; only32: string | null }[] =
    [];
  let context: string[] = [];
  let inContext = false;
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const current = cases[cases.length - 1];
    if (line.startsWith("@")) {
      context = inContext ? [...context, line.slice(2)] : [line.slice(2)];
      inContext = true;
    } else if (line.startsWith("    ours: ")) {
      current!.ours = line.slice(10);
    } else if (line.startsWith("    3.2: ")) {
      current!.only32 = line.slice(9);
    } else if (line.startsWith("    ")) {
      current!.expected.push(line.slice(4).replaceAll("\\n", "\n"));
    } else {
      inContext = false;
      cases.push({
        text: `${[...context, ` ${line}`].join("\n")}\n`,
        statement: line,
        expected: [],
        ours: null,
        only32: null,
      });
    }
  }
  return cases;
}

/** What loading says, as `expected`. Only localhost resolves. */
export async function runStatement(folder: string, text: string): Promise<string[]> {
  const file = `${folder}/${FILE_NAME}`;
  writeFileSync(file, text, "latin1");
  const { diagnostics } = await loadConfiguration({
    files: [file],
    environment: {},
    lookup: async (host) => (host === "localhost" ? "127.0.0.1" : null),
  });
  return diagnostics.list
    .filter((one) => one.severity !== "diag")
    .map((one) => comparable(`[${one.severity.toUpperCase()}] ${one.message}`, folder));
}

/** Messages without what differs from run to run. */
export function comparable(message: string, folder: string): string {
  return message.replaceAll(`${folder}/`, "").trimEnd();
}
