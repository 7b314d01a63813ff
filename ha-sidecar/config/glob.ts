// File name patterns as glob(3) takes them for `include`: `*`, `?`, `[…]` in any part of the path, `{a,b}` alternatives. Names that begin
// with a dot must be asked for. The result is sorted by bytes within each alternative.

import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Alternatives and directories may multiply; a pattern that gives more than this is a mistake. */
const MATCHES_MAX = 10_000;

export function hasWildcard(pattern: string): boolean {
  return /[*?[]/.test(pattern);
}

export function hasBraces(pattern: string): boolean {
  return /\{[^{}]*\}/.test(pattern);
}

/** `a{b,c{d,e}}` as `ab`, `acd`, `ace`. */
export function expandBraces(pattern: string): string[] {
  const inner = /\{([^{}]*)\}/.exec(pattern);
  if (inner === null) return [pattern];
  const [whole, list] = inner;
  const expanded: string[] = [];
  for (const word of list!.split(",")) {
    const before = pattern.slice(0, inner.index);
    expanded.push(...expandBraces(before + word + pattern.slice(inner.index + whole.length)));
    if (expanded.length > MATCHES_MAX) break;
  }
  return [...new Set(expanded)];
}

/** Paths that match a pattern without braces. @param directory what relative patterns are relative to */
export function matchFiles(pattern: string, directory: string): string[] {
  if (!hasWildcard(pattern)) return existsSync(join(absolute(pattern) ? "/" : directory, pattern)) ? [pattern] : [];
  const parts = pattern.split("/");
  let matches = [absolute(pattern) ? "/" : ""];
  for (const [index, part] of parts.entries()) {
    if (part === "") continue;
    const isLast = index === parts.length - 1;
    matches = matches.flatMap((base) => matchPart(base, part, directory, isLast)).slice(0, MATCHES_MAX);
  }
  return matches;
}

function absolute(path: string): boolean {
  return path.startsWith("/");
}

function matchPart(base: string, part: string, directory: string, isLast: boolean): string[] {
  const here = absolute(base) ? base : join(directory, base);
  const joined = (name: string) => (base === "" ? name : base.endsWith("/") ? base + name : `${base}/${name}`);
  if (!hasWildcard(part)) return existsSync(join(here, part)) ? [joined(part)] : [];
  const expression = toExpression(part);
  return listNames(here)
    .filter((name) => expression.test(name) && (part.startsWith(".") || !name.startsWith(".")))
    .filter((name) => isLast || isDirectory(join(here, name)))
    .sort((a, b) => (a < b ? -1 : 1))
    .map(joined);
}

/** A directory that cannot be read has no names, as for glob(3). */
function listNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return [];
    throw error;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function toExpression(part: string): RegExp {
  let source = "";
  for (let i = 0; i < part.length; i++) {
    const character = part[i]!;
    // A ] directly behind [ or [! belongs to the set.
    const set = character === "[" ? /^\[([!^]?)(\]?[^\]]*)\]/.exec(part.slice(i)) : null;
    if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (set !== null) {
      source += `[${set[1] === "" ? "" : "^"}${set[2]!.replace(/[\\\]^[]/g, "\\$&")}]`;
      i += set[0].length - 1;
    } else source += character.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  }
  try {
    return new RegExp(`^${source}$`, "s");
  } catch (error) {
    // `[z-a]`: a range that is none matches nothing.
    if (error instanceof SyntaxError) return /(?!)/;
    throw error;
  }
}
