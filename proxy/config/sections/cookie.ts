// `cookie <name> …`, `force-persist` and `ignore-persist`: how clients are kept on their server.

import type { CookiePlan } from "../../plan/persistence.ts";
import { parseTime } from "../arguments.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";
import { warnOfTrailing } from "../values.ts";
import { parseConditionOf } from "./condition.ts";

/** What the words of the line said so far. */
interface Options {
  readonly words: Set<string>;
  readonly domains: string[];
  readonly attributes: string[];
  maxidleSeconds: number;
  maxlifeSeconds: number;
}

const SWITCHES: ReadonlySet<string> = new Set([
  ...["rewrite", "insert", "prefix", "indirect", "nocache", "postonly", "preserve", "httponly", "secure", "dynamic"],
]);
const MODES = ["rewrite", "insert", "prefix"] as const;

export function cookie(statement: Statement, proxy: ProxyDraft): void {
  const name = statement.text(1);
  if (name === "") {
    statement.alert("missing-argument", "'cookie' expects <cookie_name> as argument.", { at: 1 });
    return;
  }
  const options: Options = { words: new Set(), domains: [], attributes: [], maxidleSeconds: 0, maxlifeSeconds: 0 };
  for (let at = 2; at < statement.length; ) {
    const taken = option(statement, at, options);
    if (taken === 0) return;
    at += taken;
  }
  if (!checkModes(statement, options.words)) return;
  const { words, domains, attributes } = options;
  proxy.cookie = {
    name,
    mode: modeOf(words),
    indirect: words.has("indirect"),
    nocache: words.has("nocache"),
    postonly: words.has("postonly"),
    preserve: words.has("preserve"),
    isDynamic: words.has("dynamic"),
    maxidleSeconds: options.maxidleSeconds,
    maxlifeSeconds: options.maxlifeSeconds,
    attributes: [
      ...domains.map((domain) => `; domain=${domain}`),
      ...(words.has("httponly") ? ["; HttpOnly"] : []),
      ...(words.has("secure") ? ["; Secure"] : []),
      ...attributes.map((attribute) => `; ${attribute}`),
    ].join(""),
  };
}

function modeOf(words: ReadonlySet<string>): CookiePlan["mode"] {
  return MODES.find((mode) => words.has(mode)) ?? "passive";
}

/** How many words the option takes; 0 after a report. */
function option(statement: Statement, at: number, options: Options): number {
  const word = statement.text(at);
  if (SWITCHES.has(word)) {
    options.words.add(word);
    return 1;
  }
  if (word === "domain") return domain(statement, at, options) ? 2 : 0;
  if (word === "attr") return attribute(statement, at, options) ? 2 : 0;
  if (word === "maxidle" || word === "maxlife") {
    const seconds = duration(statement, at);
    if (seconds === null) return 0;
    options[`${word}Seconds`] = seconds;
    return 2;
  }
  const message =
    "'cookie' supports 'rewrite', 'insert', 'prefix', 'indirect', 'nocache', 'postonly', 'domain', 'maxidle', 'dynamic', " +
    "'maxlife' and 'attr' options.";
  statement.alert("unknown-word", message, { at });
  return 0;
}

function domain(statement: Statement, at: number, { domains }: Options): boolean {
  const name = statement.text(at + 1);
  if (name === "") {
    statement.alert("missing-argument", "'domain' expects <domain> as argument.", {
      at: at + 1,
      introduction: "tight",
    });
    return false;
  }
  if (!name.includes(".")) {
    const message = `domain '${name}' contains no embedded dot, this configuration may not work properly (see RFC6265#5.2.3).`;
    statement.warning("bad-domain", message, { at: at + 1, introduction: "tight" });
  }
  const wrong = /[^A-Za-z0-9_.-]/.exec(name);
  if (wrong !== null) {
    const message = `character '${wrong[0]}' is not permitted in domain name '${name}'.`;
    statement.alert("bad-domain", message, { at: at + 1, introduction: "tight" });
    return false;
  }
  domains.push(name);
  return true;
}

function attribute(statement: Statement, at: number, { attributes }: Options): boolean {
  const text = statement.text(at + 1);
  if (text === "") {
    statement.alert("missing-argument", "'attr' expects <value> as argument.", { at: at + 1, introduction: "tight" });
    return false;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const wrong = /[\x00-\x1f\x7f;]/.exec(text);
  if (wrong !== null) {
    const code = wrong[0].charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
    const message = `character '%x${code}' is not permitted in attribute value.`;
    statement.alert("bad-attribute", message, { at: at + 1, introduction: "tight" });
    return false;
  }
  attributes.push(text);
  return true;
}

/** `maxidle 30m`: seconds; null after a report. */
function duration(statement: Statement, at: number): number | null {
  const keyword = statement.text(at);
  const text = statement.text(at + 1);
  const fail = (message: string): null => {
    statement.alert("bad-time", message, { at: at + 1, introduction: "tight" });
    return null;
  };
  if (text === "")
    return fail(`'${keyword}' expects <${keyword === "maxidle" ? "idletime" : "lifetime"}> in seconds as argument.`);
  const parsed = parseTime(text, "s");
  if (parsed.ok) {
    warnOfTrailing(statement, at + 1, parsed.value.trailing);
    return parsed.value.value;
  }
  if (parsed.problem.kind === "overflow") {
    return fail(`timer overflow in argument <${text}> to <${keyword}>, maximum value is 2147483647 s (~68 years).`);
  }
  return fail(`unexpected character '${parsed.problem.character}' in argument to <${keyword}>.`);
}

function checkModes(statement: Statement, words: ReadonlySet<string>): boolean {
  const faults: string[] = [];
  if (words.has("rewrite") && words.has("indirect"))
    faults.push("cookie 'rewrite' and 'indirect' modes are incompatible.");
  if (MODES.filter((mode) => words.has(mode)).length > 1) {
    faults.push("cookie 'rewrite', 'insert' and 'prefix' modes are incompatible.");
  }
  if (words.has("preserve") && !words.has("insert") && !words.has("indirect")) {
    faults.push("cookie 'preserve' requires at least 'insert' or 'indirect'.");
  }
  for (const fault of faults) statement.alert("incompatible", fault, { at: 2 });
  return faults.length === 0;
}

/** `force-persist` and `ignore-persist { if | unless } <condition>` */
export function persistRule(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const keyword = statement.text(0);
  const condition = parseConditionOf(statement, 1, proxy, configuration, {
    context: "useBackend",
    missing: `'${keyword}' requires either 'if' or 'unless' followed by a condition.`,
    broken: `error detected while parsing a '${keyword}' rule`,
  });
  if (condition === null) return;
  proxy.persistRules.push({ kind: keyword === "force-persist" ? "force" : "ignore", condition });
}
