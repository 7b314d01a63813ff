// From a statement to its keyword: the longest of the statement's first words that the table knows (`http-check expect` before
// `http-check`), and what is said when there is none.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import { type Keyword, type KeywordTable, REFERENCE_PAGE } from "../keywords/keyword.ts";
import type { Statement } from "../statement.ts";

/** Keywords have three words at most (`capture request header`). */
const WORDS_MAX = 3;

/** The keyword that the statement begins with, or null. */
export function findKeyword<Parse>(statement: Statement, table: KeywordTable<Parse>): Keyword<Parse> | null {
  for (let words = Math.min(WORDS_MAX, statement.length); words > 0; words--) {
    const keyword = table.find(statement.textsOf(words));
    if (keyword !== null) return keyword;
  }
  // `http-check set-var(x)`: the argument in parentheses belongs to the word.
  const plain = statement.textsOf(2).replace(/\(.*$/, "");
  return table.find(plain);
}

/** HAProxy's words for a keyword whose first word is known and whose second is not. */
const SECOND_WORD: Readonly<Record<string, (got: string, best: string | undefined) => string>> = {
  timeout: (got) =>
    "'timeout' supports 'client', 'server', 'connect', 'check', 'queue', 'handshake', 'http-keep-alive', 'http-request', 'tunnel', " +
    `'tarpit', 'client-fin' and 'server-fin' (got '${got}')`,
  option: (got, best) =>
    got === ""
      ? "'option' expects an option name."
      : `unknown option '${got}'${best === undefined ? "." : `; did you mean '${best}' maybe ?`}`,
  stats: (got) => {
    const expects =
      "expects 'admin', 'uri', 'realm', 'auth', 'scope', 'enable', 'hide-version', 'show-node', 'show-desc' or 'show-legends'.";
    return got === "" ? `missing keyword in 'stats', ${expects}` : `unknown stats parameter '${got}', ${expects}`;
  },
  "http-check": (got) =>
    "'http-check' only supports 'disable-on-404', 'send-state', 'comment', 'connect', 'send', 'expect', 'set-var-fmt(*)', " +
    `'set-var(*)', 'unset-var(*)'. but got '${got}'`,
  "tcp-check": (got) =>
    "'tcp-check' only supports 'comment', 'connect', 'send', 'send-binary', 'expect', 'set-var-fmt(*)', 'set-var(*)', " +
    `'unset-var(*)'. but got '${got}'`,
  monitor: () => "'monitor' only supports 'fail'.",
  stick: () => "'stick' expects 'on', 'match', or 'store'.",
  capture: () => "'capture' expects 'cookie' or 'request header' or 'response header'.",
  declare: (got) => `unknown declaration type '${got}' (supports 'capture')`,
  persist: () => "unknown persist method.",
  "rate-limit": (got) => `'rate-limit' only supports 'sessions' (got '${got}')`,
  "email-alert": (got) => `email-alert: unknown argument '${got}'.`,
  "external-check": (got) => `'external-check' only supports 'command' and 'path'. but got '${got}'`,
  "tcp-request": (got) => `'tcp-request' expects 'inspect-delay', 'connection', or 'content' (got '${got}')`,
  "tcp-response": (got) => `'tcp-response' expects 'inspect-delay' or 'content' (got '${got}')`,
};

/** `stats` in `global` has other words than in a proxy. */
const GLOBAL_STATS = (got: string): string =>
  `'stats' only supports 'socket', 'maxconn', 'bind-process' and 'timeout' (got '${got}')`;

/** HAProxy ends some of these introductions without the blank. */
function introductionOf(first: string, got: string): "spaced" | "tight" {
  return first === "stats" || (first === "option" && got === "") ? "tight" : "spaced";
}

/** Reports a statement whose keyword nobody knows. */
export function reportUnknown<Parse>(
  statement: Statement,
  table: KeywordTable<Parse>,
  section: string,
  accepts: (keyword: Keyword<Parse>) => boolean,
): void {
  const first = statement.text(0);
  const following = table.following(first);
  if (following.length > 0) {
    const got = statement.text(1);
    const [best, ...others] = suggest(got, new Set(following.map((rest) => rest.split(" ")[0]!)));
    const wording = section === "global" ? GLOBAL_STATS : SECOND_WORD[first];
    const message = wording?.(got, best) ?? `unknown keyword '${first} ${got}' in '${section}' section`;
    const suggestions = best === undefined || message.includes("did you mean") ? others : [best, ...others];
    const introduction = section === "global" ? "spaced" : introductionOf(first, got);
    statement.alert("unknown-keyword", message, { at: 1, suggestions, introduction });
    return;
  }
  const [best, ...others] = suggest(first, table.proposals(accepts));
  const ending = best === undefined ? "" : `; did you mean '${best}' maybe ?`;
  const message = `unknown keyword '${first}' in '${section}' section${ending}`;
  const lost = best === undefined ? optionHint(first, table) : null;
  statement.alert("unknown-keyword", message, { suggestions: others, ...(lost === null ? {} : { hint: lost }) });
}

/** Somebody wrote `httplog` or `client 10s` alone: the first word is missing. */
function optionHint<Parse>(word: string, table: KeywordTable<Parse>): string | null {
  const whole = ["option", "timeout", "stats"]
    .map((first) => `${first} ${word}`)
    .find((name) => table.find(name) !== null);
  return whole === undefined ? null : `Did you mean '${whole}'?`;
}

/** Of what has no effect only this much is checked: that an argument it needs is there, and that none is there when it has none. */
function checkInertArguments<Parse>(statement: Statement, { name, usage }: Keyword<Parse>): void {
  const words = name.split(" ").length;
  if (usage === "") statement.takesAtMost(0, words);
  else if (usage.startsWith("<") && !statement.has(words)) {
    statement.alert("missing-argument", `'${name}' expects ${usage} as argument.`, { at: words });
  }
}

/** Reports a keyword that is known but not served, or that left HAProxy. True when there is nothing more to do with it. */
export function reportStanding<Parse>(statement: Statement, keyword: Keyword<Parse>): boolean {
  if (keyword.standing === "gone") {
    const isOption = keyword.name.startsWith("option ") || keyword.name === "grace" || keyword.name === "bind-process";
    statement.alert("gone", keyword.remark, { introduction: isOption ? "tight" : "spaced" });
    return true;
  }
  if (keyword.standing === "inert") checkInertArguments(statement, keyword);
  if (keyword.standing !== "unserved") return keyword.standing === "inert";
  const message = `the keyword '${keyword.name}' is known to HAProxy but not served by ringway yet`;
  statement.alert("unserved", message, { hint: `${keyword.remark} All keywords: ${REFERENCE_PAGE}.` });
  return true;
}
