// `http-errors <name>`: a section of error files that proxies and rules take by its name; `errorfiles`, `errorloc*` and `http-error` of proxies.

import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { HttpErrorsDraft } from "../errors-draft.ts";
import type { ConfigLine } from "../line.ts";
import { Statement } from "../statement.ts";
import { ERROR_STATUSES, readErrorFile } from "./error-file.ts";
import { readAnswer } from "./rules/answer.ts";
import { RuleReader } from "./rules/rule-reader.ts";

export function openHttpErrors(statement: Statement, { httpErrors }: ConfigurationDraft): HttpErrorsDraft {
  const name = statement.text(1);
  if (name === "") {
    statement.alert("missing-name", "'http-errors' expects <name> as argument.", { at: 1 });
  } else if (httpErrors.some((section) => section.name === name)) {
    statement.alert("duplicate-name", `http-errors section '${name}' already exists.`, { at: 1 });
  }
  const section = { name, files: new Map<number, Uint8Array | null>() };
  httpErrors.push(section);
  return section;
}

export function httpErrorsLine(line: ConfigLine, section: HttpErrorsDraft, configuration: ConfigurationDraft): void {
  const statement = new Statement(line, configuration.diagnostics);
  if (statement.text(0) !== "errorfile") {
    const message = `unknown keyword '${statement.text(0)}' in 'http-errors' section`;
    statement.alert("unknown-keyword", message, { suggestions: ["errorfile"] });
    return;
  }
  const file = readErrorFile(statement);
  if (file !== null) section.files.set(file.status, file.bytes);
}

/** `errorfiles <name> [<code> …]` */
export function errorFiles(statement: Statement, proxy: ProxyDraft): void {
  const name = statement.text(1);
  if (name === "") {
    statement.alert("missing-argument", "errorfiles : expects <name> as argument.", { at: 1 });
    return;
  }
  const codes = statement.textsFrom(2);
  const wrong = codes.findIndex((code) => !ERROR_STATUSES.includes(Number(code)));
  if (wrong >= 0) {
    const message = `errorfiles : status code '${codes[wrong]}' not handled.`;
    statement.alert("bad-status", message, { at: 2 + wrong, expected: `some of ${ERROR_STATUSES.join(", ")}` });
    return;
  }
  const statuses = codes.length === 0 ? null : codes.map(Number);
  proxy.errors.push({ kind: "section", name, statuses, statement });
}

/** `errorloc <code> <url>` (302), `errorloc302`, `errorloc303` */
export function errorLocation(statement: Statement, proxy: ProxyDraft): void {
  const keyword = statement.text(0);
  const [status, url] = [statement.text(1), statement.text(2)];
  if (status === "" || url === "") {
    const message = `${keyword} : expects <status_code> and <url> as arguments.\n`;
    statement.alert("missing-argument", message, { at: status === "" ? 1 : 2 });
    return;
  }
  if (!ERROR_STATUSES.includes(Number(status))) {
    const expected = `one of ${ERROR_STATUSES.join(", ")}`;
    statement.alert("bad-status", `${keyword} : status code '${status}' not handled.`, { at: 1, expected });
    return;
  }
  const line = keyword === "errorloc303" ? "303 See Other" : "302 Found";
  const head = `HTTP/1.1 ${line}\r\nCache-Control: no-cache\r\nContent-length: 0\r\nLocation: ${url}\r\n\r\n`;
  const bytes = new Uint8Array(Buffer.from(head, "latin1"));
  proxy.errors.push({ kind: "file", status: Number(status), bytes });
}

/** `http-error status <code> …`: the arguments of `http-request return`. */
export function httpError(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const reader = new RuleReader(statement, proxy, configuration, "http-error");
  if (!statement.has(1)) {
    reader.fault("expects at least a <status> as arguments.");
    return;
  }
  const answer = readAnswer(reader, "http-error");
  if (answer === null) return;
  if (reader.word !== "") {
    reader.fault(`unknown keyword '${reader.word}'.`);
    return;
  }
  const { status } = answer;
  if (!ERROR_STATUSES.includes(status)) {
    const expected = `one of ${ERROR_STATUSES.join(", ")}`;
    reader.fault(`status code '${status}' not handled.`, { expected });
  } else proxy.errors.push({ kind: "reply", status, answer });
}

/** Sections that proxies and rules name must be there. */
export function checkErrors(configuration: ConfigurationDraft): void {
  const { httpErrors, httpErrorsUses, proxies } = configuration;
  const find = (name: string): HttpErrorsDraft | undefined => httpErrors.find((section) => section.name === name);
  for (const proxy of proxies) {
    for (const use of proxy.errors) {
      if (use.kind === "section" && find(use.name) === undefined) unknownSection(use.statement, use.name, proxy.name);
    }
  }
  for (const { name, statement, proxy, settle } of httpErrorsUses) {
    const section = find(name);
    if (section === undefined) unknownSection(statement, name, proxy.name);
    else settle(section);
  }
}

function unknownSection(statement: Statement, name: string, proxy: string): void {
  const { file, line } = statement.location;
  const message = `proxy '${proxy}': unknown http-errors section '${name}' (at ${file}:${line}).`;
  statement.alert("unknown-section", message, { at: 1, introduction: "none" });
}
