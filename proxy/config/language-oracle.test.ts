// HAProxy as the judge of the cases in fixtures/ and of conditions: the same verdict and the same first message.
//
// Which HAProxy: $HAPROXY, otherwise `haproxy` of the system. Without one the test is skipped and says so; with CI=true that is a failure.
// Cases that HAProxy is meant to judge otherwise carry their reason (`[ours: …]`), cases that need 3.2 too.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import t from "tap";
import { checkCondition } from "./check-condition.ts";
import { Environment } from "./environment.ts";
import { ENABLED_OPTIONS } from "./features.ts";
import { ENVIRONMENT, FILE_NAME, readConditions, readFixtures, runCase } from "./fixture.ts";

const HAPROXY = process.env.HAPROXY ?? "haproxy";

interface Verdict {
  /** The first error of the language layer, `[ALERT] 3 unmatched quote …`; null: the configuration is valid. */
  readonly error: string | null;
  /** Of a valid one, what it says. (3.2 reads a configuration twice, and with an error it never comes to the notices.) */
  readonly messages: readonly string[];
}

/** Version of the HAProxy at hand, or null. */
function haproxyVersion(): string | null {
  const result = spawnSync(HAPROXY, ["-v"], { encoding: "latin1" });
  return /^HA-?Proxy version ([0-9.]+)/.exec(result.stdout ?? "")?.[1] ?? null;
}

function haproxy(folder: string, ...args: string[]) {
  const environment = { PATH: process.env.PATH, ...ENVIRONMENT };
  return spawnSync(HAPROXY, args, { cwd: folder, env: environment, encoding: "latin1", timeout: 10_000 });
}

/** What HAProxy says of a configuration. Sections and keywords are not the language's: their messages do not count. */
function theirs(folder: string, text: string): Verdict {
  writeFileSync(`${folder}/${FILE_NAME}`, text, "latin1");
  const result = haproxy(folder, "-c", "-f", FILE_NAME);
  // `parsing [file:line]:` introduces the language's messages, `parsing [file:line] :` those of keywords.
  const messages = [...result.stderr.matchAll(/^(\[[A-Z]+\]) +\(\d+\) : config : parsing \[t\.cfg:(\d+)\]: (.*)$/gm)]
    .map(([, label, line, message]) => `${label} ${line} ${comparable(message!)}`)
    .filter((message) => !message.includes("out of section"));
  return verdictOf(messages);
}

function ours(text: string): Verdict {
  const { diagnostics } = runCase(text);
  const messages = diagnostics.list
    .filter((one) => one.severity !== "diag")
    .map((one) => `[${one.severity.toUpperCase()}] ${one.line} ${comparable(one.message)}`);
  return verdictOf(messages);
}

function verdictOf(messages: readonly string[]): Verdict {
  const error = messages.find((message) => message.startsWith("[ALERT]")) ?? null;
  return { error, messages: error === null ? [...new Set(messages)] : [] };
}

/** HAProxy 3.2 gives the position of the first word whichever argument is empty; ours is that of the empty one. */
function comparable(message: string): string {
  return message.replace(/^(argument number \d+ at position) \d+ /, "$1 N ");
}

const version = haproxyVersion();
const missing = version === null && `${HAPROXY} does not run`;
if (missing && process.env.CI === "true") t.fail(`CI must have HAProxy to compare with: ${missing}`);

t.test("HAProxy agrees", { skip: missing }, (t) => {
  t.comment(`compared with HAProxy ${version}`);
  const is32 = version!.startsWith("3.2");
  const folder = t.testdir();
  for (const [file, cases] of readFixtures()) {
    for (const { title, text, ours: why, only32 } of cases) {
      if (why === null && (only32 === null || is32)) t.same(ours(text), theirs(folder, text), `${file}: ${title}`);
    }
  }
  const context = { environment: new Environment(ENVIRONMENT), enabledOptions: new Set(ENABLED_OPTIONS) };
  for (const condition of readConditions(is32)) {
    const check = checkCondition(condition, context);
    const result = haproxy(folder, "-cc", condition);
    const message = /^\[ALERT\] +\(\d+\) : (?:config : )?(.*)$/m.exec(result.stderr)?.[1] ?? "";
    t.same({ status: check.status, message: check.message }, { status: result.status, message }, `-cc ${condition}`);
  }
  t.end();
});
