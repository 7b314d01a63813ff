// Runs every compiled test with tap and ends with one line that machines and humans can read: "N passed, N failed".
//
// tap's own output is kept whole in .tap/output.tap; the terminal gets one line per test file, everything about a file that failed, and every
// skipped test with its reason. The numbers are tap's count of assertions, skipped and "todo" ones left out. They also go to
// .tap/summary, for whoever prints them after other programs have had their say.
//
// The exit status is tap's; a run that counted nothing is a failure.

import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const TAP = "node_modules/.bin/tap";
const FOLDER = ".tap";
/** tap's last words: `# { total: 109, pass: 107, fail: 1, skip: 1 }`. */
const COUNTS = /^# \{ (.*total: \d+.*) \}$/;

/** What tap said about the file that is running. */
let block: string[] = [];
let counts: Readonly<Record<string, number>> = {};

mkdirSync(FOLDER, { recursive: true });
const record = createWriteStream(`${FOLDER}/output.tap`);
const child = spawn(TAP, ["--reporter=tap", ...process.argv.slice(2)], { stdio: ["ignore", "pipe", "inherit"] });
const status = new Promise<number>((resolve) => {
  child.on("close", (code) => resolve(code ?? 1));
});
for await (const line of createInterface({ input: child.stdout })) {
  record.write(`${line}\n`);
  take(line);
}
record.end();
say(block);

const passed = counts["pass"] ?? 0;
const failed = counts["fail"] ?? 0;
const code = (await status) || (passed === 0 ? 1 : 0);
// A file that could not even be run counts nothing; the summary must not look like a success then.
const summary = `${passed} passed, ${code !== 0 && failed === 0 ? 1 : failed} failed\n`;
writeFileSync(`${FOLDER}/summary`, summary);
process.stdout.write(summary);
process.exit(code);

function take(line: string): void {
  const found = COUNTS.exec(line);
  if (found !== null) counts = parseCounts(found[1]!);
  if (/^ok /.test(line)) {
    say([...block.filter((each) => /^ +ok .*# SKIP/.test(each)), line]);
    block = [];
  } else if (/^not ok /.test(line)) {
    say([...block, line]);
    block = [];
  } else if (block.length > 0 || /^# Subtest/.test(line)) {
    block.push(line);
  } else if (line !== "") {
    say([line]);
  }
}

/** `total: 3, pass: 2, skip: 1` as an object. */
function parseCounts(text: string): Record<string, number> {
  return Object.fromEntries([...text.matchAll(/(\w+): (\d+)/g)].map(([, name, count]) => [name, Number(count)]));
}

function say(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
}
