// `url { … }` of HTTP_GET and SSL_GET: what is asked for and what must come back.

import { type Context, type Keyword, readSection, type Section } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import { flag, line, parseInteger, text, UNSIGNED_MAX } from "../values.ts";
import { type CheckDraft, newUrlDraft, type UrlDraft } from "../virtual-server-drafts.ts";

const DIGEST_LENGTH = 32;

function readStatusCodes(draft: UrlDraft, statement: Statement, context: Context): void {
  for (const word of statement.words.slice(1)) {
    const [low, high, more] = word.text.split("-");
    const first = parseInteger(low!, { min: 100, max: 999 });
    const last = high === undefined ? first : parseInteger(high, { min: 100, max: 999 });
    if (first !== null && last !== null && first <= last && more === undefined) draft.statusCodes.push({ first, last });
    else {
      const details = { expected: "statuses and ranges, such as 200-299 404" };
      context.report.fault("invalid-value", word.place, `Invalid HTTP_GET status code '${word.text}'`, details);
    }
  }
}

function offset(name: "regex_min_offset" | "regex_max_offset", about: string): Keyword<UrlDraft> {
  return line({ name, syntax: "<BYTES>", text: about }, (draft, statement, context) => {
    const value = parseInteger(statement.words[1]?.text ?? "", { min: 0, max: UNSIGNED_MAX });
    if (value !== null) draft[name === "regex_min_offset" ? "regexMinOffset" : "regexMaxOffset"] = value;
    else context.report.warning("invalid-number", placeOf(statement, 1), `${name} needs a number of bytes - ignoring`);
  });
}

export const URL: Section<UrlDraft> = {
  name: "url",
  keywords: [
    text({ name: "path", text: "The path, such as /health." }, (draft, value) => {
      draft.path = value;
    }),
    text(
      { name: "digest", syntax: "<MD5>", text: "The MD5 of the body, 32 hexadecimal digits." },
      (draft, value, statement, context) => {
        if (value.length === DIGEST_LENGTH && /^[0-9a-fA-F]*$/.test(value)) draft.digest = value.toLowerCase();
        else {
          const message =
            value.length === DIGEST_LENGTH
              ? `digest '${value}' is not hexadecimal`
              : `digest '${value}' character length should be ${DIGEST_LENGTH} rather than ${value.length}`;
          context.report.fault("invalid-value", placeOf(statement, 1), message);
        }
      },
    ),
    line(
      { name: "status_code", syntax: "<STATUS>[-<STATUS>] …", text: "Statuses that are right; default 200-299." },
      readStatusCodes,
    ),
    text(
      { name: "virtualhost", text: "The Host of the request.", missing: () => "Missing HTTP_GET virtualhost name" },
      (draft, value) => {
        draft.virtualhost = value;
      },
    ),
    line({ name: "regex", syntax: "<PATTERN>", text: "What the body must hold." }, (draft, statement) => {
      draft.regex = statement.words[1]?.text ?? null;
    }),
    flag({ name: "regex_no_match", text: "What it must not hold." }, (draft) => {
      draft.regexNoMatch = true;
    }),
    line(
      { name: "regex_options", syntax: "<OPTION> …", text: "Options of the pattern, by PCRE2's names." },
      (draft, statement) => {
        draft.regexOptions.push(...statement.words.slice(1).map((word) => word.text));
      },
    ),
    offset("regex_min_offset", "Where matches may begin at the earliest."),
    offset("regex_max_offset", "Where matches may begin at the latest."),
    line(
      {
        name: "regex_stack",
        syntax: "<START> <MAX>",
        text: "Has no meaning here: patterns need no stack of their own.",
      },
      () => {},
    ),
  ],
};

export const URL_KEYWORD: Keyword<CheckDraft> = {
  name: "url",
  syntax: "{ … }",
  text: "Something that is asked for. May be repeated.",
  effect: "served",
  section: URL,
  takesList: false,
  read(draft, statement, context) {
    const url = newUrlDraft();
    readSection(URL, url, statement.block!, context);
    if (url.path !== null) draft.urls.push(url);
    else {
      const message = "HTTP/SSL_GET checker url has no path - ignoring";
      context.report.fault("missing-parameter", placeOf(statement), message);
    }
  },
};
