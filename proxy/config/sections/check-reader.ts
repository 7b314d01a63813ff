// Reading `tcp-check` and `http-check` lines word by word. The first fault ends a line: it is thrown as a CheckFault and becomes a diagnostic where the
// line began to be read (`readCheckLine`); nobody else throws or catches here.

import type { CheckText } from "../../plan/check.ts";
import type { SamplePlan } from "../../plan/expression.ts";
import type { LogNodePlan } from "../../plan/log.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { parseLogFormat } from "../expression/log-format.ts";
import { parseSample } from "../expression/sample.ts";
import { COLUMN, missingData } from "../keywords/fetch.ts";
import { FETCH_KEYWORDS } from "../keywords/fetches.ts";
import type { Statement } from "../statement.ts";
import { rememberReferences } from "./condition.ts";

/** What is wrong with a line, and at which word. */
export class CheckFault extends Error {
  readonly code: string;
  readonly at: number;

  constructor(code: string, message: string, at: number) {
    super(message);
    this.code = code;
    this.at = at;
  }
}

export class CheckReader {
  readonly family: "tcp-check" | "http-check";
  readonly statement: Statement;
  readonly configuration: ConfigurationDraft;
  /** The word that is read next. */
  at = 2;
  readonly #proxy: ProxyDraft;

  constructor(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft) {
    this.family = statement.text(0) === "tcp-check" ? "tcp-check" : "http-check";
    this.statement = statement;
    this.configuration = configuration;
    this.#proxy = proxy;
  }

  has(): boolean {
    return this.at < this.statement.length;
  }

  peek(): string {
    return this.statement.text(this.at);
  }

  /** The next word, "" behind the last one. */
  word(): string {
    return this.statement.text(this.at++);
  }

  /** The next word, which must be there. */
  value(complaint: string): string {
    const value = this.word();
    if (value === "") throw this.fault("missing-argument", complaint, this.at - 1);
    return value;
  }

  fault(code: string, message: string, at: number): CheckFault {
    return new CheckFault(code, message, at);
  }

  /** A log-format string; one without variable parts is its text. */
  format(text: string): CheckText {
    const nodes = this.nodes(text);
    if (nodes.length === 0) return "";
    const [first] = nodes;
    return nodes.length === 1 && first?.kind === "text" ? first.text : nodes;
  }

  nodes(text: string): readonly LogNodePlan[] {
    const parsed = parseLogFormat(text, { keepsBlanks: true, missing: missingInChecks });
    if (!parsed.ok)
      throw this.fault("bad-log-format", `'${text}' invalid log-format string (${parsed.message}).`, this.at - 1);
    rememberReferences(this.statement, this.#proxy, this.configuration, this.family, parsed.references);
    return parsed.nodes;
  }

  sample(text: string): SamplePlan {
    const parsed = parseSample(text);
    if (!parsed.ok) throw this.fault("bad-expression", `${parsed.message}.`, this.at - 1);
    const missing = missingInChecks(parsed.fetchName);
    if (missing !== null) {
      const message = `error detected while parsing ${this.family} rule : fetch method '${text}' extracts information from '${missing}', none of which is available here.`;
      throw this.fault("bad-expression", message, this.at - 1);
    }
    rememberReferences(this.statement, this.#proxy, this.configuration, this.family, parsed.references);
    return parsed.sample;
  }
}

/** Runs `read`; what it throws as a fault is reported. Null: it was. */
export function readCheckLine<Result>(
  statement: Statement,
  proxy: ProxyDraft,
  configuration: ConfigurationDraft,
  read: (reader: CheckReader) => Result,
): Result | null {
  const reader = new CheckReader(statement, proxy, configuration);
  try {
    return read(reader);
  } catch (fault) {
    if (!(fault instanceof CheckFault)) throw fault;
    const keyword = statement.text(1).replace(/\(.*$/, "");
    statement.alert(fault.code, `'${reader.family} ${keyword}' : ${fault.message}`, { at: fault.at });
    return null;
  }
}

function missingInChecks(fetchName: string): string | null {
  const availability = FETCH_KEYWORDS.get(fetchName)?.availability;
  if (availability === undefined || availability[COLUMN.check] === "Y") return null;
  return missingData(availability) || "the client's connection";
}

export function hexProblem(text: string): string | null {
  const wrong = /[^0-9A-Fa-f]/.exec(text);
  if (wrong !== null) return `an hex digit is expected (found '${wrong[0]}')`;
  return text.length % 2 === 0 ? null : "an even number of hex digit is expected";
}

export function fromHex(text: string): string {
  return Buffer.from(text, "hex").toString("latin1");
}
