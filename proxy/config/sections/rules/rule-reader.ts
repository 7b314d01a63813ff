// What the parsers of actions share: a cursor over the words of a rule, the words in which HAProxy reports its faults, and the
// log-format strings, sample expressions, regular expressions and files that rules name.
//
//   http-request deny status 404 if { path /x }
//                ▲ action ▲ the cursor starts here  ▲ and must end at `if`, `unless` or the end

import { readFileSync } from "node:fs";
import { regexProblem } from "../../../acl/patterns/pattern-problem.ts";
import type { LogNodePlan } from "../../../plan/log.ts";
import { type ConfigurationDraft, hasBackend, hasFrontend, kindInMessages, type ProxyDraft } from "../../draft.ts";
import { parseLogFormat } from "../../expression/log-format.ts";
import { type ExpressionProblem, type ParsedSample, parseSample } from "../../expression/sample.ts";
import { COLUMN, missingData } from "../../keywords/fetch.ts";
import { FETCH_KEYWORDS } from "../../keywords/fetches.ts";
import type { Fault, Statement } from "../../statement.ts";
import { rememberReferences } from "../condition.ts";

/** Where rules of each set are evaluated, in a proxy with a frontend and in one with a backend. */
const COLUMNS = {
  "tcp-request connection": { frontend: "tcpRequestConnection", backend: "tcpRequestConnection" },
  "tcp-request session": { frontend: "tcpRequestSession", backend: "tcpRequestSession" },
  "tcp-request content": { frontend: "frontendTcpRequest", backend: "backendTcpRequest" },
  "tcp-response content": { frontend: "frontendTcpResponse", backend: "backendTcpResponse" },
  "http-request": { frontend: "frontendHttpRequest", backend: "backendHttpRequest" },
  "http-error": { frontend: "frontendHttpRequest", backend: "backendHttpRequest" },
  redirect: { frontend: "frontendHttpRequest", backend: "backendHttpRequest" },
  "http-response": { frontend: "frontendHttpResponse", backend: "backendHttpResponse" },
  "http-after-response": { frontend: "frontendHttpResponse", backend: "backendHttpResponse" },
} as const satisfies Readonly<Record<string, Readonly<Record<string, keyof typeof COLUMN>>>>;

export type RuleSetName = keyof typeof COLUMNS;

export class RuleReader {
  readonly statement: Statement;
  readonly proxy: ProxyDraft;
  readonly configuration: ConfigurationDraft;
  readonly ruleSet: RuleSetName;
  /** The rule as HAProxy names it: `'http-request deny' rule`, `redirect rule`. */
  readonly #name: string;
  /** Index of the word that is read next. */
  at: number;

  constructor(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft, ruleSet: RuleSetName) {
    this.statement = statement;
    this.proxy = proxy;
    this.configuration = configuration;
    this.ruleSet = ruleSet;
    const words = ruleSet.split(" ").length;
    this.#name = ruleSet === "redirect" ? "redirect rule" : `'${statement.textsOf(words + 1)}' rule`;
    this.at = ruleSet === "redirect" || ruleSet === "http-error" ? 1 : words + 1;
  }

  /** Where the rule's condition is evaluated. */
  get context(): keyof typeof COLUMN {
    const columns = COLUMNS[this.ruleSet];
    return hasBackend(this.proxy) && this.proxy.kind !== "listen" ? columns.backend : columns.frontend;
  }

  /** Whether the rules are those of a response. */
  get isResponse(): boolean {
    return this.ruleSet === "http-response" || this.isAfterResponse || this.ruleSet === "tcp-response content";
  }

  get isAfterResponse(): boolean {
    return this.ruleSet === "http-after-response";
  }

  get isTcp(): boolean {
    return this.ruleSet.startsWith("tcp-");
  }

  /** The action's word as written: `set-var(txn.x)`. */
  get actionWord(): string {
    return this.statement.text(this.ruleSet === "redirect" ? 0 : this.ruleSet.split(" ").length);
  }

  /** The word at the cursor, "" behind the last one. */
  get word(): string {
    return this.statement.text(this.at);
  }

  /** The cursor stands at the condition or behind the last word. */
  get isAtEnd(): boolean {
    return this.word === "" || this.word === "if" || this.word === "unless";
  }

  /** Reports a fault of the action, at the cursor unless `fault` says another word. */
  fault(message: string, fault: Fault = {}): null {
    if (this.ruleSet === "http-error") {
      this.statement.alert("bad-reply", `http-error : ${message}`, { at: this.at, ...fault });
      return null;
    }
    if (this.isTcp) {
      this.statement.alert("bad-rule", message.replace(/\.$/, ""), { at: this.at, ...fault });
      return null;
    }
    const who = `${kindInMessages(this.proxy)} '${this.proxy.name}'`;
    this.statement.alert("bad-rule", `error detected in ${who} while parsing ${this.#name} : ${message}`, {
      at: this.at,
      ...fault,
    });
    return null;
  }

  warning(code: string, message: string, fault: Fault = {}): void {
    this.statement.warning(code, message, fault);
  }

  #problem(problem: ExpressionProblem): null {
    return this.fault(`${problem.message.replace(/\.$/, "")}.`, {
      ...(problem.suggestions === undefined ? {} : { suggestions: problem.suggestions }),
      ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    });
  }

  /** What the rule would need of a fetch and does not have in any place where its proxy evaluates it; null: nothing. */
  #missing(fetchName: string): string | null {
    const columns = COLUMNS[this.ruleSet];
    const isDefaults = this.proxy.kind === "defaults";
    const places = [
      ...(isDefaults || hasFrontend(this.proxy) ? [columns.frontend] : []),
      ...(isDefaults || hasBackend(this.proxy) ? [columns.backend] : []),
    ];
    const availability = FETCH_KEYWORDS.get(fetchName)?.availability;
    if (availability === undefined || places.some((place) => availability[COLUMN[place]] === "Y")) return null;
    return missingData(availability);
  }

  /** Warns of a header name that is none. */
  checkName(name: string): void {
    const wrong = /[^A-Za-z0-9!#$%&'*+.^_`|~-]/.exec(name);
    if (wrong === null) return;
    const message = `header name '${name}' contains forbidden character '${wrong[0]}'.`;
    this.warning("bad-name", message, { at: this.statement.words.findIndex((word) => word.text === name) });
  }

  /** Parses `text` as a log-format string; null after a report. */
  format(text: string): readonly LogNodePlan[] | null {
    const parsed = parseLogFormat(text, { keepsBlanks: true, missing: (fetchName) => this.#missing(fetchName) });
    if (!parsed.ok) return this.#problem(parsed);
    rememberReferences(this.statement, this.proxy, this.configuration, "log-format", parsed.references);
    return parsed.nodes;
  }

  /** Parses the word at the cursor as a log-format string and steps over it. */
  nextFormat(): readonly LogNodePlan[] | null {
    const format = this.format(this.word);
    if (format !== null) this.at++;
    return format;
  }

  /** Parses the word at the cursor as a sample expression and steps over it; null after a report. */
  nextSample(): ParsedSample | null {
    if (this.word === "") return this.fault("missing fetch method.");
    const parsed = parseSample(this.word);
    if (!parsed.ok) return this.#problem(parsed);
    const missing = this.#missing(parsed.fetchName);
    if (missing !== null) {
      const message = `fetch method '${this.word}' extracts information from '${missing}', none of which is available here.`;
      return this.fault(message);
    }
    rememberReferences(this.statement, this.proxy, this.configuration, parsed.fetchName, parsed.references);
    this.at++;
    return parsed;
  }

  /** Checks that the word at the cursor is a regular expression and steps over it; null after a report. */
  nextPattern(introduction = ""): string | null {
    const pattern = this.word;
    const problem = regexProblem(pattern);
    if (problem !== null) return this.fault(`${introduction}${problem}.`);
    this.at++;
    return pattern;
  }

  /** Reads the file named at the cursor and steps over it; null after a report, whose last full stops are `ending`. */
  nextFile(ending: string): Uint8Array | null {
    const path = this.word;
    try {
      const bytes = readFileSync(Buffer.from(path, "latin1"));
      this.at++;
      return new Uint8Array(bytes);
    } catch {
      return this.fault(`error opening file '${path}'${ending}`);
    }
  }
}
