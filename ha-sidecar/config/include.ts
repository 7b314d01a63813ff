// `include` and its stricter forms, and which files may be read at all: from a pattern to the bytes of files.
//
// keepalived takes no directories, no devices and no executable files for configuration (an `include conf.d/*` would otherwise run into
// the notify scripts that lie there). What is missing is only logged, unless `include_check` or the form of the keyword asks for more.

import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Place } from "../../shared/diagnostic/diagnostic.ts";
import { expandBraces, hasBraces, hasWildcard, matchFiles } from "./glob.ts";
import { type Report, TEST_STATUS } from "./report.ts";

const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** What must be there (`include_check`). All but `readable` imply it. */
export type IncludeCheck = "readable" | "match" | "wildcard_match" | "brace_match";
export const INCLUDE_CHECKS: readonly IncludeCheck[] = ["readable", "match", "wildcard_match", "brace_match"];

/** What each form of the keyword adds to the checks that are in force. */
export const INCLUDE_KEYWORDS: ReadonlyMap<string, readonly IncludeCheck[]> = new Map([
  ["include", []],
  ["includer", ["readable"]],
  ["includem", ["match"]],
  ["includew", ["wildcard_match"]],
  ["includeb", ["brace_match"]],
  ["includea", INCLUDE_CHECKS],
] as const);

export interface SourceFile {
  /** As messages show it. */
  readonly name: string;
  /** Where its relative includes and `${_PWD}` look. */
  readonly directory: string;
  /** Byte string. */
  readonly text: string;
}

/** The files of an include, or (place without a file) of the command line. @param directory of the including file */
export function openFiles(
  pattern: string,
  directory: string,
  checks: ReadonlySet<IncludeCheck>,
  place: Place,
  report: Report,
): SourceFile[] {
  const alternatives = expandBraces(pattern);
  const found = alternatives.map((alternative) => matchFiles(alternative, directory));
  const names = found.flat();
  const missing = (isFault: boolean, message: string) => {
    if (isFault) report.fatal("file-not-found", place, message, {}, TEST_STATUS.insecure);
    else report.warning("file-not-found", place, message);
  };
  if (names.length === 0) {
    const isChecked = checks.has("match") || checks.has("wildcard_match") || checks.has("brace_match");
    if (!hasWildcard(pattern)) missing(isChecked, `Config files missing '${pattern}'.`);
    else if (checks.has("wildcard_match")) missing(true, `No config files matched '${pattern}'.`);
  } else if (hasBraces(pattern) && found.some((one) => one.length === 0)) {
    missing(checks.has("brace_match"), `Some config files missing: "${pattern}".`);
  }
  return names.flatMap((name) => openFile(name, directory, checks.size > 0, place, report));
}

function openFile(name: string, directory: string, isChecked: boolean, place: Place, report: Report): SourceFile[] {
  const path = resolve(directory, name);
  const skip = (problem: string) => {
    const message = `Configuration file '${name}' ${problem} - skipping`;
    if (isChecked) report.fatal("file-unreadable", place, message, {}, TEST_STATUS.insecure);
    else report.fault("file-unreadable", place, message);
    return [];
  };
  try {
    const status = statSync(path);
    if (status.isDirectory()) return skip("is a directory");
    if (!status.isFile() || (status.mode & 0o111) !== 0) {
      return skip("is not a regular non-executable file");
    }
    if (status.size > FILE_BYTES_MAX) return skip(`is larger than ${FILE_BYTES_MAX} bytes`);
    return [{ name, directory: dirname(path), text: readFileSync(path).toString("latin1") }];
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return skip(`open problem (${errorText(error)})`);
    throw error;
  }
}

/** Node writes `ENOENT: no such file or directory, open 'x'`. */
function errorText(error: Error): string {
  const text = /^[A-Z0-9]+: ([^,]*)/.exec(error.message)?.[1] ?? error.message;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The path of an include for comparing: two names of one file are equal. */
export function pathOf(file: SourceFile): string {
  return join(file.directory, file.name.slice(file.name.lastIndexOf("/") + 1));
}
