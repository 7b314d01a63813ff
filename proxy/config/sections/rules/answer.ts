// The arguments of `deny` and `return`: a status, a body from one of several sources, headers.
//
// Without any argument, or with deny_status alone, a denial shows the proxy's error page; `deny status 403` has no body, as in HAProxy.
//
//   deny [ { status | deny_status } <code> ] [ content-type <type> ]
//        [ { default-errorfiles | errorfile <file> | file <file> | lf-file <file> | string <str> | lf-string <fmt> } ]
//        [ hdr <name> <fmt> ]*

import type { AnswerBodyPlan, AnswerPlan } from "../../../plan/rules.ts";
import type { ActionParser } from "../../keywords/action.ts";
import { ERROR_STATUSES } from "../error-file.ts";
import type { RuleReader } from "./rule-reader.ts";

type Kind = "deny" | "return" | "tarpit" | "http-error";

interface Draft {
  status: number;
  contentType: string | null;
  /** The word that said what the body is, "" for none. */
  source: string;
  body: AnswerBodyPlan;
  headers: AnswerPlan["headers"][number][];
}

const BODY_SOURCES: ReadonlySet<string> = new Set([
  ...["default-errorfiles", "errorfile", "errorfiles", "file", "lf-file", "string", "lf-string"],
]);

export function answerAction(kind: Exclude<Kind, "http-error">): ActionParser {
  return (reader) => {
    const answer = readAnswer(reader, kind);
    return answer === null ? null : { kind, answer };
  };
}

/** Reads the arguments of an answer; null after a report. */
export function readAnswer(reader: RuleReader, kind: Kind): AnswerPlan | null {
  const draft: Draft = {
    ...{ status: kind === "return" ? 200 : kind === "tarpit" ? 500 : reader.isResponse ? 502 : 403, contentType: null },
    ...{ source: "", body: { kind: "none" }, headers: [] },
  };
  const first = reader.word;
  const meansErrorPages = (kind === "deny" || kind === "tarpit") && (reader.isAtEnd || first === "deny_status");
  while (!reader.isAtEnd) {
    const { word } = reader;
    if (word === "status" || (word === "deny_status" && (kind === "deny" || kind === "tarpit"))) {
      if (!status(reader, draft)) return null;
    } else if (word === "content-type") {
      const type = reader.statement.text(reader.at + 1);
      if (type === "") return reader.fault("'content-type' expects <ctype> as argument.", { at: reader.at + 1 });
      draft.contentType = type;
      reader.at += 2;
    } else if (word === "hdr") {
      if (!header(reader, draft)) return null;
    } else if (BODY_SOURCES.has(word)) {
      if (!body(reader, draft)) return null;
    } else break;
  }
  if (meansErrorPages && draft.source === "") draft.body = { kind: "errorfiles", section: null };
  return conclude(reader, draft);
}

function status(reader: RuleReader, draft: Draft): boolean {
  const text = reader.statement.text(reader.at + 1);
  if (text === "") {
    reader.fault("'status' expects <status_code> as argument.", { at: reader.at + 1 });
    return false;
  }
  draft.status = Number.parseInt(text, 10) || 0;
  if (draft.status < 200 || draft.status > 599) {
    const fault = { at: reader.at + 1, expected: "a status from 200 to 599" };
    reader.fault(`Unexpected status code '${draft.status}'.`, fault);
    return false;
  }
  reader.at += 2;
  return true;
}

function header(reader: RuleReader, draft: Draft): boolean {
  const name = reader.statement.text(reader.at + 1);
  if (name === "" || reader.statement.text(reader.at + 2) === "") {
    reader.fault("'hdr' expects <name> and <value> as arguments.");
    return false;
  }
  reader.at += 2;
  const value = reader.nextFormat();
  if (value === null) return false;
  reader.checkName(name);
  draft.headers.push({ name: name.toLowerCase(), value });
  return true;
}

function body(reader: RuleReader, draft: Draft): boolean {
  const source = reader.word;
  if (draft.source !== "") {
    reader.fault(`unexpected '${source}' argument, '${draft.source}' already defined.`);
    return false;
  }
  draft.source = source;
  reader.at++;
  if (source === "default-errorfiles") {
    draft.body = { kind: "errorfiles", section: null };
    return true;
  }
  const argument = reader.word;
  if (argument === "") {
    const what = { string: "<str>", "lf-string": "<fmt>", errorfiles: "<name>" }[source] ?? "<file>";
    reader.fault(`'${source}' expects ${what} as argument.`);
    return false;
  }
  const found = bodyOf(reader, draft, source, argument);
  if (found === null) return false;
  draft.body = found;
  return true;
}

function bodyOf(reader: RuleReader, draft: Draft, source: string, argument: string): AnswerBodyPlan | null {
  if (source === "string") {
    reader.at++;
    return { kind: "bytes", bytes: new Uint8Array(Buffer.from(argument, "latin1")) };
  }
  if (source === "lf-string") {
    const format = reader.nextFormat();
    return format && { kind: "format", format };
  }
  if (source === "errorfiles") {
    reader.at++;
    return { kind: "errorfiles", section: argument };
  }
  const bytes = reader.nextFile(source === "errorfile" ? ".." : ".");
  if (bytes === null) return null;
  if (source === "file") return { kind: "bytes", bytes };
  if (source === "errorfile") return { kind: "errorfile", file: { status: draft.status, bytes } };
  const format = reader.format(Buffer.from(bytes).toString("latin1"));
  return format && { kind: "format", format };
}

/** What only shows when everything has been read: the status and the content type that the body needs. */
function conclude(reader: RuleReader, draft: Draft): AnswerPlan | null {
  const { contentType, status } = draft;
  let { body, headers } = draft;
  if (body.kind === "errorfile") body = { kind: "errorfile", file: { ...body.file, status } };
  if (body.kind === "errorfiles" && !ERROR_STATUSES.includes(status)) {
    const message = `status code '${status}' not handled by default with 'default-errorfiles' argument..`;
    return reader.fault(message, { expected: `one of ${ERROR_STATUSES.join(", ")}` });
  }
  if (body.kind === "format" && contentType === null) {
    return reader.fault("a content type must be defined with a log-format payload.");
  } else if (body.kind === "bytes" && body.bytes.length > 0 && contentType === null) {
    return reader.fault("a content type must be defined when non-empty payload is configured.");
  }
  if (headers.length > 0 && (body.kind === "errorfile" || body.kind === "errorfiles")) {
    reader.warning("ignored", "hdr parameters ignored by the http reply when used with an erorrfile.");
    headers = [];
  }
  const hasBody = body.kind === "format" || (body.kind === "bytes" && body.bytes.length > 0);
  if (hasBody && (status === 204 || status === 304)) {
    return reader.fault(`No body expected for ${status} responses.`);
  }
  if (contentType !== null && draft.source === "") {
    const message = `content-type '${contentType}' ignored by the http reply because neither errorfile nor payload defined.`;
    reader.warning("ignored", message);
  }
  const answer = { status, body, contentType: hasBody ? contentType : null, headers };
  if (body.kind === "errorfiles" && body.section !== null) rememberSection(reader, answer, body.section);
  return answer;
}

/** The page is that of an `http-errors` section; where that has none for the status it is the proxy's own. */
function rememberSection(reader: RuleReader, answer: { status: number; body: AnswerBodyPlan }, name: string): void {
  const { configuration, proxy, statement } = reader;
  const { status } = answer;
  configuration.httpErrorsUses.push({
    ...{ name, proxy, statement },
    settle: ({ files }) => {
      const bytes = files.get(status);
      answer.body =
        bytes === undefined ? { kind: "errorfiles", section: null } : { kind: "errorfile", file: { status, bytes } };
    },
  });
}
