// `http-request normalize-uri <normalizer>`: path and query in one of the forms that mean the same (RFC 3986 6.2.2, configuration.txt
// `http-request normalize-uri`). Normalizers work on text, one character a byte, and take time in proportion to its length, sorting aside.

import type { UriNormalizer } from "../plan/rules.ts";
import { latin1, textBytes } from "../sample/value.ts";
import { type RuleParts, rewriteFailed } from "./parts.ts";
import { replacePathAndQuery } from "./request-part.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const ANSWERED = VERDICT.answered;
const BY_PROXY = 80; // P
const IN_REQUEST = 82; // R
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** What becomes of path and query; null: they are not valid. */
export type Normalizer = (text: string) => string | null;

function onPath(normalize: (path: string) => string): Normalizer {
  return (text) => {
    const mark = text.indexOf("?");
    return mark < 0 ? normalize(text) : normalize(text.slice(0, mark)) + text.slice(mark);
  };
}

function stripDot(path: string): string {
  const segments = path.split("/");
  const last = segments.length - 1;
  return (
    segments.filter((segment, i) => segment !== "." || (i === last && last === 0)).join("/") +
    (segments[last] === "." && last > 0 ? "/" : "")
  );
}

/** `..` takes the segment before it along. `full`: those at the beginning, which have none before them, go as well. */
function stripDotDot(path: string, full: boolean): string {
  if (!path.startsWith("/")) return path;
  const kept: string[] = [];
  const segments = path.slice(1).split("/");
  segments.forEach((segment, i) => {
    if (segment !== "..") {
      kept.push(segment);
      return;
    }
    const before = kept[kept.length - 1];
    if (before !== undefined && before !== "..") kept.pop();
    else if (!full) kept.push("..");
    else if (i === segments.length - 1) return;
    // What ended in `..` was a folder.
    if (i === segments.length - 1 && kept[kept.length - 1] !== "..") kept.push("");
  });
  return `/${kept.join("/")}`;
}

/** Calls `replace` for each %XX; null: `strict`, and a percent sign stands without two digits. */
function percents(strict: boolean, replace: (digits: string) => string): Normalizer {
  return (text) => {
    let isValid = true;
    const result = text.replace(/%([0-9A-Fa-f]{2})?/g, (written, digits: string | undefined) => {
      if (digits !== undefined) return replace(digits);
      isValid = false;
      return written;
    });
    return strict && !isValid ? null : result;
  };
}

function decodeUnreserved(digits: string): string {
  const character = String.fromCharCode(Number.parseInt(digits, 16));
  return UNRESERVED.test(character) ? character : `%${digits}`;
}

/** Stable; shorter names before longer ones. */
function sortQuery(text: string): string {
  const mark = text.indexOf("?");
  if (mark < 0) return text;
  const hash = text.indexOf("#", mark);
  const end = hash < 0 ? text.length : hash;
  const parameters = text.slice(mark + 1, end).split("&");
  const named = parameters.map((parameter) => ({ name: parameter.split("=", 1)[0]!, parameter }));
  named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return `${text.slice(0, mark + 1)}${named.map(({ parameter }) => parameter).join("&")}${text.slice(end)}`;
}

/** The function of a normalizer. `strict` and `full` are the words behind it. */
export function normalizerOf({ name, strict, full }: UriNormalizer): Normalizer {
  switch (name) {
    case "fragment-encode":
      return (text) => text.replaceAll("#", "%23");
    case "fragment-strip":
      return (text) => text.replace(/#.*$/s, "");
    case "path-merge-slashes":
      return onPath((path) => path.replace(/\/+/g, "/"));
    case "path-strip-dot":
      return onPath(stripDot);
    case "path-strip-dotdot":
      return onPath((path) => stripDotDot(path, full));
    case "percent-decode-unreserved":
      return percents(strict, decodeUnreserved);
    case "percent-to-uppercase":
      return percents(strict, (digits) => `%${digits.toUpperCase()}`);
    case "query-sort-by-name":
      return sortQuery;
  }
}

export function compileNormalizeUri(parts: RuleParts, plan: UriNormalizer): Action {
  const { ctx, edits } = parts;
  const normalize = normalizerOf(plan);
  return (stream) => {
    const { pathStart, targetEnd } = stream.request;
    if (pathStart === stream.request.pathEnd) return CONTINUE;
    const before = latin1(edits.bytes, pathStart, targetEnd);
    const after = normalize(before);
    if (after === null) {
      ctx.front.abort(stream, BY_PROXY, IN_REQUEST, 400);
      return ANSWERED;
    }
    if (after === before) return CONTINUE;
    const value = textBytes(after);
    return replacePathAndQuery(parts, stream, value) ? CONTINUE : rewriteFailed(parts, stream);
  };
}
