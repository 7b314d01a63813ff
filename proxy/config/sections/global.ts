// Parsers of the `global` section's keywords. Most set one number, text or switch, which the builder reads by the keyword's name
// (../build/global.ts); `stats socket` and `log` have their own files.

import { type ArgumentProblem, parseSize, parseTime } from "../arguments.ts";
import type { ConfigurationDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";
import { groupId, userId } from "./accounts.ts";
import { parseLog } from "./log.ts";

/** What parses a statement of `global`. */
export type GlobalParser = (statement: Statement, configuration: ConfigurationDraft) => void;

const INTEGER = /^[+-]?\d+$/;

/** `maxconn 4000`, `ulimit-n 8192`: one integer. */
export function integer(statement: Statement, { global }: ConfigurationDraft): void {
  if (!statement.takesAtMost(1)) return;
  const keyword = statement.text(0);
  const text = statement.text(1);
  if (text === "") {
    statement.alert("missing-argument", `'${keyword}' expects an integer argument.`, { at: 1, expected: "an integer" });
  } else if (!INTEGER.test(text)) {
    const message = `cannot parse '${keyword}' value '${text}', an integer is expected.`;
    statement.alert("not-an-integer", message, { at: 1, expected: "an integer" });
  } else {
    global.numbers.set(keyword, Number(text));
  }
}

/** `on` or `off`. */
export const onOff: GlobalParser = (statement, { global }) => {
  if (!statement.takesAtMost(1)) return;
  const [name, value] = [statement.text(0), statement.text(1)];
  if (value === "on" || value === "off") global.texts.set(name, value);
  else statement.alert("bad-argument", `'${name}' expects either 'on' or 'off' but got '${value}'.`, { at: 1 });
};

/** An integer of a range, for keywords whose HAProxy message names it. */
export function integerWithin(min: number, max: number, complaint: (keyword: string) => string): GlobalParser {
  return (statement, { global }) => {
    if (!statement.takesAtMost(1)) return;
    const text = statement.text(1);
    const value = INTEGER.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) {
      global.numbers.set(statement.text(0), value);
      return;
    }
    const expected = `an integer from ${min} to ${max}`;
    statement.alert("out-of-range", complaint(statement.text(0)), { at: 1, expected });
  };
}

/** `nbthread`: HAProxy tells a number it cannot use from what is no number. */
export function nbthread(statement: Statement, { global }: ConfigurationDraft): void {
  const text = statement.text(1);
  const max = 1024;
  if (!INTEGER.test(text)) {
    const message = `'nbthread' passed a missing or unparsable integer value in '${text}'`;
    statement.alert("not-an-integer", message, { at: 1, expected: `an integer from 1 to ${max}` });
  } else if (Number(text) < 1 || Number(text) > max) {
    const message = `'nbthread' value must be between 1 and ${max} (was ${Number(text)})`;
    statement.alert("out-of-range", message, { at: 1 });
  } else {
    global.numbers.set("nbthread", Number(text));
  }
}

/** `daemon`, `quiet`: a switch without arguments. */
export function flag(statement: Statement, { global }: ConfigurationDraft): void {
  if (statement.takesAtMost(0)) global.flags.set(statement.text(0), !statement.negated);
}

/** `master-worker [no-exit-on-failure]`. */
export function masterWorker(statement: Statement, { global }: ConfigurationDraft): void {
  if (!statement.takesAtMost(1)) return;
  const word = statement.text(1);
  if (word === "" || word === "no-exit-on-failure") global.flags.set("master-worker", true);
  else statement.alert("bad-argument", `'master-worker' only supports 'no-exit-on-failure' option`, { at: 1 });
}

/** `chroot DIR`: one text. @param complaint what HAProxy says when it is missing */
export function text(complaint: string): GlobalParser {
  return (statement, { global }) => {
    if (!statement.takesAtMost(1)) return;
    if (statement.has(1)) global.texts.set(statement.text(0), statement.text(1));
    else statement.alert("missing-argument", complaint, { at: 1 });
  };
}

/** `external-check [preserve-env]`: external checks are allowed. */
export function externalCheck(statement: Statement, { global }: ConfigurationDraft): void {
  const word = statement.text(1);
  if (word === "" || word === "preserve-env") global.texts.set("external-check", word);
  else {
    const message = `'external-check' only supports 'preserve-env' as an argument, found '${word}'.`;
    statement.alert("bad-argument", message, { at: 1 });
  }
}

/** `description A few words`: all that follows. */
export function sentence(statement: Statement, { global }: ConfigurationDraft): void {
  if (statement.has(1)) global.texts.set(statement.text(0), statement.textsFrom(1).join(" "));
  else {
    statement.alert("missing-argument", `'${statement.text(0)}' expects a string argument.`, {
      at: 1,
      introduction: "tight",
    });
  }
}

/** `http-err-codes 400-499 -450 +500`: each word replaces, extends or reduces what there is. */
export function statusCodes(statement: Statement, { global }: ConfigurationDraft): void {
  const keyword = statement.text(0);
  if (!statement.has(1)) {
    const message = `'${keyword}' expects one or more status code ranges.`;
    statement.alert("missing-argument", message, { at: 1 });
    return;
  }
  const codes = keyword === "http-err-codes" ? global.httpErrorCodes : global.httpFailCodes;
  for (let at = 1; at < statement.length; at++) {
    const word = statement.text(at);
    const ranges = word.replace(/^[+-]/, "").split(",").map(codeRange);
    if (ranges.includes(null)) {
      const message = `'${keyword}' : invalid status code or range in '${word}', codes from 100 to 599 are expected.`;
      statement.alert("bad-codes", message, { at });
      return;
    }
    if (!/^[+-]/.test(word)) codes.clear();
    for (const code of ranges.flat())
      if (word.startsWith("-")) codes.delete(code!);
      else codes.add(code!);
  }
}

function codeRange(text: string): number[] | null {
  const [, low, high] = /^(\d{3})(?:-(\d{3}))?$/.exec(text) ?? [];
  const [from, to] = [Number(low), Number(high ?? low)];
  if (!(from >= 100 && to <= 599 && from <= to)) return null;
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

export function node(statement: Statement, { global }: ConfigurationDraft): void {
  const name = statement.text(1);
  if (/^[A-Za-z0-9._-]+$/.test(name)) {
    global.texts.set("node", name);
    return;
  }
  const message =
    "'node' requires valid node name - non-empty string with digits(0-9), letters(A-Z, a-z), dot(.), hyphen(-) or underscode(_).";
  statement.alert("bad-name", message, { at: 1, introduction: "tight" });
}

/** `hard-stop-after 30s`: one time, milliseconds. */
export const time: GlobalParser = (statement, configuration) => timeIn("ms", statement, configuration);

/** `tune.ssl.lifetime 300`: one time, seconds. */
export const seconds: GlobalParser = (statement, configuration) => timeIn("s", statement, configuration);

function timeIn(unit: "ms" | "s", statement: Statement, { global }: ConfigurationDraft): void {
  const keyword = statement.text(0);
  if (!statement.takesAtMost(1)) return;
  if (!statement.has(1)) {
    const expected = "a time such as 30s";
    statement.alert("missing-argument", `'${keyword}' expects <time> as argument.`, { at: 1, expected });
    return;
  }
  const parsed = parseTime(statement.text(1), unit);
  if (parsed.ok) global.numbers.set(keyword, parsed.value.value);
  else statement.alert("bad-time", timeMessage(parsed.problem, statement.text(1), keyword), { at: 1 });
}

/** How `hard-stop-after` and its kin word a bad time. */
function timeMessage(problem: ArgumentProblem, text: string, keyword: string): string {
  if (problem.kind !== "overflow") return `unexpected character '${problem.character}' in argument to <${keyword}>.`;
  return `timer overflow in argument '${text}' to <${keyword}> (maximum value is 2147483647 ms or ~24.8 days).`;
}

/** `user` and `group`: a name that /etc/passwd or /etc/group knows. */
export function account(statement: Statement, { global }: ConfigurationDraft): void {
  const isUser = statement.text(0) === "user";
  const name = statement.text(1);
  if (!statement.takesAtMost(1)) return;
  const id = isUser ? userId(name) : groupId(name);
  if (id === null) {
    const what = isUser ? "user" : "group";
    const message = `cannot find ${what} id for '${name}' (0:Success)`;
    statement.alert("unknown-account", message, { at: 1, expected: `a ${what} of this machine` });
    return;
  }
  global.texts.set(isUser ? "user" : "group", name);
  if (isUser) global.uid = id;
  else global.gid = id;
}

/** `uid` and `gid`: HAProxy only warns about what is no number, and so do we. */
export function accountId(statement: Statement, { global }: ConfigurationDraft): void {
  const keyword = statement.text(0);
  const id = statement.text(1);
  if (!statement.takesAtMost(1)) return;
  if (id === "") {
    statement.alert("missing-argument", `'${keyword}' expects an integer argument.`, { at: 1 });
  } else if (!/^\d+$/.test(id)) {
    statement.warning("not-an-integer", ` ${keyword}: string '${id}' is not a number.`, { at: 1 });
  } else if (keyword === "uid") {
    global.uid = Number(id);
  } else {
    global.gid = Number(id);
  }
}

export function logSendHostname(statement: Statement, { global }: ConfigurationDraft): void {
  global.logSendHostname = statement.text(1);
}

export function log(statement: Statement, configuration: ConfigurationDraft): void {
  const { global } = configuration;
  if (statement.negated) global.log.length = 0;
  else parseLog(statement, global.log, true, configuration);
}

/** `setenv` and `presetenv`. */
export function setEnvironment(statement: Statement, { environment }: ConfigurationDraft): void {
  const keyword = statement.text(0);
  const [name, value] = [statement.text(1), statement.words[2]?.text];
  if (name === "") {
    statement.alert("missing-argument", `'${keyword}' expects an environment variable name and its value.`, { at: 1 });
  } else if (value === undefined) {
    statement.alert("missing-argument", `'${keyword}' expects environment variable value for '${name}'.`, { at: 2 });
  } else if (keyword === "setenv") {
    environment.set(name, value);
  } else {
    environment.preset(name, value);
  }
}

export function unsetEnvironment(statement: Statement, { environment }: ConfigurationDraft): void {
  if (!statement.has(1)) {
    statement.alert("missing-argument", "'unsetenv' expects at least one variable name.", { at: 1 });
  }
  for (const name of statement.textsFrom(1)) environment.unset(name);
}

export function resetEnvironment(statement: Statement, { environment }: ConfigurationDraft): void {
  environment.reset(statement.textsFrom(1));
}

/** `tune.bufsize 16k`: one size in bytes. */
export function size(statement: Statement, { global }: ConfigurationDraft): void {
  const keyword = statement.text(0);
  if (!statement.takesAtMost(1)) return;
  const parsed = parseSize(statement.text(1));
  if (parsed.ok) {
    global.numbers.set(keyword, parsed.value);
    return;
  }
  const rest = statement.text(1).slice(parsed.problem.at);
  const message =
    parsed.problem.kind === "empty"
      ? `'${keyword}' expects an integer argument.`
      : `unexpected '${rest}' after size passed to '${keyword}'`;
  statement.alert("bad-size", message, { at: 1, expected: "a size in bytes such as 16384 or 16k" });
}

/** `tune.vars.*-max-size`. */
export function variablesSize(statement: Statement, { global }: ConfigurationDraft): void {
  const keyword = statement.text(0);
  const parsed = parseSize(statement.text(1));
  if (parsed.ok || statement.text(1) === "") global.numbers.set(keyword, parsed.ok ? parsed.value : 0);
  else statement.alert("bad-size", `${keyword}: '${statement.text(1)}' is an invalid size`, { at: 1 });
}

/** `stats timeout 2m`: how long a session of the runtime API may be idle. */
export function statsTimeout(statement: Statement, { global }: ConfigurationDraft): void {
  const parsed = parseTime(statement.text(2), "ms");
  if (parsed.ok) {
    global.numbers.set("stats timeout", parsed.value.value);
    return;
  }
  const message = `'stats timeout' : unexpected character '${parsed.problem.character}'`;
  statement.alert("bad-time", message, { at: 2, expected: "a time such as 30s" });
}

/** `stats maxconn 10`: sessions of the runtime API at a time. */
export function statsMaxconn(statement: Statement, { global }: ConfigurationDraft): void {
  const value = statement.text(2);
  if (/^\d+$/.test(value) && Number(value) > 0) {
    global.numbers.set("stats maxconn", Number(value));
    return;
  }
  const message = "'stats maxconn' expects a positive value";
  statement.alert("out-of-range", message, { at: 2, expected: "a positive integer" });
}
