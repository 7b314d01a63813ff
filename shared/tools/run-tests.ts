// Runs every compiled test with tap and ends with one line that machines and humans can read: "N passed, N failed".
//
// tap's own output is kept whole in .tap/output.tap; the terminal gets one line per test file, everything about a file that failed, and every
// skipped test with its reason. The numbers are tap's count of assertions, skipped and "todo" ones left out. They also go to
// .tap/summary, for whoever prints them after other programs have had their say.
//
// A few files that failed are run a second time, one after the other with nothing beside them. What fails again is a failure. What passes
// then is named as "unsteady" with everything that it said the first time: most tests here talk to other programs in real time, and on a
// machine that is shared a whole second may be missing. It is a defect to look into, of the test or of the program, but not one that tells
// that this change is wrong.
//
// The exit status is tap's; a run that counted nothing is a failure.

import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const TAP = "node_modules/.bin/tap";
const FOLDER = ".tap";
/** tap's last words: `# { total: 109, pass: 107, fail: 1, skip: 1 }`. */
const COUNTS = /^# \{ (.*total: \d+.*) \}$/;
/** More failures than this come from no disturbance. */
const SECOND_LOOK_MAX = 8;

interface Run {
  readonly code: number;
  readonly passed: number;
  readonly failed: number;
  /** What each file that failed said. */
  readonly failures: ReadonlyMap<string, readonly string[]>;
}

mkdirSync(FOLDER, { recursive: true });
const record = createWriteStream(`${FOLDER}/output.tap`);
const first = await run(process.argv.slice(2));
let { code, passed, failed } = first;
if (first.failures.size > 0 && first.failures.size <= SECOND_LOOK_MAX) {
  const files = [...first.failures.keys()];
  say(["", `# a second look at what failed, alone: ${files.join(" ")}`]);
  const second = await run(["--jobs=1", ...files]);
  for (const [file, lines] of first.failures) {
    if (second.failures.has(file)) say(second.failures.get(file)!);
    else say([`# unsteady: ${file} failed beside other tests and passed alone`, ...lines.map((line) => `#   ${line}`)]);
  }
  // A file that ended before its time counted nothing in the first run.
  passed += Math.max(0, failed - second.failed);
  ({ code, failed } = second);
} else {
  for (const lines of first.failures.values()) say(lines);
}
record.end();

// A file that could not even be run counts nothing; the summary must not look like a success then.
if (passed === 0) code ||= 1;
const summary = `${passed} passed, ${code !== 0 && failed === 0 ? 1 : failed} failed\n`;
writeFileSync(`${FOLDER}/summary`, summary);
process.stdout.write(summary);
process.exit(code);

/** Runs tap, shows what it says but for what failed, and records everything. */
async function run(args: readonly string[]): Promise<Run> {
  const child = spawn(TAP, ["--reporter=tap", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const status = new Promise<number>((resolve) => {
    child.on("close", (code) => resolve(code ?? 1));
  });
  /** What was said about the file that is running. */
  let block: string[] = [];
  let counts: Readonly<Record<string, number>> = {};
  const failures = new Map<string, string[]>();
  for await (const line of createInterface({ input: child.stdout })) {
    record.write(`${line}\n`);
    const found = COUNTS.exec(line);
    if (found !== null) counts = parseCounts(found[1]!);
    if (/^ok /.test(line)) {
      say([...block.filter((each) => /^ +ok .*# SKIP/.test(each)), line]);
      block = [];
    } else if (/^not ok /.test(line)) {
      const name = /^not ok \d+ - (\S+)/.exec(line)?.[1] ?? line;
      failures.set(name, [...block, line]);
      say([`# failed: ${name}`]);
      block = [];
    } else if (block.length > 0 || /^# Subtest/.test(line)) {
      block.push(line);
    } else if (line !== "") {
      say([line]);
    }
  }
  say(block);
  return { code: await status, passed: counts["pass"] ?? 0, failed: counts["fail"] ?? 0, failures };
}

/** `total: 3, pass: 2, skip: 1` as an object. */
function parseCounts(text: string): Record<string, number> {
  return Object.fromEntries([...text.matchAll(/(\w+): (\d+)/g)].map(([, name, count]) => [name, Number(count)]));
}

function say(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
}
