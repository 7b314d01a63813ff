// Whether the tables know every keyword of the HAProxy that is installed: its own lists (`-dKall`), by class. Without one the test is
// skipped and says so; with CI=true that is a failure.

import { spawnSync } from "node:child_process";
import t from "tap";
import { CONVERTER_KEYWORDS } from "./converter.ts";
import { ACL_KEYWORDS, FETCH_KEYWORDS } from "./fetches.ts";

const HAPROXY = process.env.HAPROXY ?? "haproxy";
const listed = spawnSync(HAPROXY, ["-dKall", "-q", "-c", "-f", "/dev/null"], { encoding: "latin1" }).stdout ?? "";
if (listed === "" && process.env.CI === "true")
  throw new Error("needs haproxy, and with CI=true its absence is a failure");
const skip = listed === "" ? "needs haproxy (not installed)" : false;

/** The lines behind `# List of registered <what>:`. */
function linesOf(what: string): string[] {
  const [, rest = ""] = listed.split(`# List of registered ${what}:\n`);
  return rest
    .split("# List of")[0]!
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** What HAProxy has for its own tests and developers, or what belongs to libraries that are linked to it. */
const LEFT_OUT = /^(?:internal\.|da-csv|51d\.|wurfl|opentracing|_|lua\.)/;

t.test("sample fetches", { skip }, (t) => {
  const names = linesOf("sample fetch functions").map((line) =>
    /^\[[ A-Z.]*\]\s*([\w.+-]+)|([\w.+-]+)/.exec(line.trim()),
  );
  const missing = names.map((match) => match?.[1] ?? match?.[2] ?? "").filter((name) => /[a-z]/.test(name));
  t.ok(missing.length > 300, `${missing.length} fetches`);
  t.same(
    missing.filter((name) => !LEFT_OUT.test(name) && !FETCH_KEYWORDS.has(name)),
    [],
  );
  t.end();
});

t.test("converters", { skip }, (t) => {
  const names = linesOf("sample converter functions").map((line) => /^\s*([\w.-]+)/.exec(line)?.[1] ?? "");
  t.ok(names.length > 100, `${names.length} converters`);
  t.same(
    names.filter((name) => !LEFT_OUT.test(name) && !CONVERTER_KEYWORDS.has(name)),
    [],
  );
  t.end();
});

t.test("ACL keywords", { skip }, (t) => {
  const lines = linesOf("ACL keywords").map((line) => /^(\S+) = (\S+) -m (\S+)/.exec(line));
  t.ok(lines.length > 50, `${lines.length} keywords`);
  for (const [, name = "", fetch = "", match = ""] of lines.map((line) => line ?? [])) {
    const known = ACL_KEYWORDS.get(name);
    if (known?.match !== match || FETCH_KEYWORDS.get(known.fetch) === undefined) t.equal(known, { fetch, match }, name);
  }
  t.end();
});
