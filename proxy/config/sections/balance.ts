// `balance`, `hash-type` and what else settles hashing. Which algorithms are served is in the table ../keywords/balance.ts; the expression of
// `balance hash` is read in ../check/balance.ts, when the mode is known.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { HashTypeDraft, ProxyDraft } from "../draft.ts";
import { parseSample } from "../expression/sample.ts";
import { BALANCE_ALGORITHMS } from "../keywords/balance.ts";
import type { Statement } from "../statement.ts";

/** The cookie of terminal services. */
const RDP_COOKIE = "mstshash";

const COMPLAINT =
  "balance only supports 'roundrobin', 'static-rr', 'leastconn', 'source', 'uri', 'url_param', 'hash', 'hdr(name)', " +
  "'rdp-cookie(name)', 'log-hash' and 'sticky' options.";

/** `balance <algorithm> [<arguments>]`; without an algorithm it is HAProxy's default. */
export function balance(statement: Statement, proxy: ProxyDraft): void {
  const word = statement.text(1);
  if (word === "") {
    proxy.balance = { algorithm: "roundrobin", arguments: [] };
    return;
  }
  const [name, parenthesis] = splitAt(word, "(");
  const algorithm = BALANCE_ALGORITHMS.get(name);
  const parse = PARSERS[name];
  if (algorithm === undefined) {
    const suggestions = suggest(name, BALANCE_ALGORITHMS.keys());
    statement.alert("unknown-algorithm", COMPLAINT, { at: 1, suggestions });
  } else if (algorithm.standing !== "served") {
    const message = `balance ${name} is known to HAProxy but not served yet.`;
    statement.alert("unserved", message, { at: 1, hint: algorithm.remark });
  } else if (parse !== undefined) {
    parse(statement, proxy, parenthesis);
  } else {
    proxy.balance = { algorithm: name, arguments: [] };
  }
}

/** @param parenthesis what follows `name(` in the first word, null: no parenthesis */
type AlgorithmParser = (statement: Statement, proxy: ProxyDraft, parenthesis: string | null) => void;

const PARSERS: Readonly<Record<string, AlgorithmParser>> = {
  ...{ random, uri, url_param: urlParameter, hdr: header, hash },
  "rdp-cookie": rdpCookie,
  "log-hash": logHash,
};

/** `random(<draws>)`: the best of so many servers drawn, 2 by default. */
function random(statement: Statement, proxy: ProxyDraft, parenthesis: string | null): void {
  const fail = (message: string): void => statement.alert("bad-draws", `balance random : ${message}`, { at: 1 });
  if (parenthesis === null) {
    proxy.balance = { algorithm: "random", arguments: ["2"] };
    return;
  }
  const [draws, rest] = splitAt(parenthesis, ")");
  const wrong = /[^0-9]/.exec(draws);
  if (wrong !== null) fail(`unexpected character '${wrong[0]}' after argument.`);
  else if (rest === null) fail("missing closing parenthesis.");
  else if (Number(draws) < 1) fail("number of draws must be at least 1.");
  else proxy.balance = { algorithm: "random", arguments: [draws] };
}

/** `uri [ len <len> ] [ depth <depth> ] [ path-only ] [ whole ]`; of a number written twice the last counts. */
function uri(statement: Statement, proxy: ProxyDraft): void {
  const numbers = new Map<string, string>();
  const flags = new Set<string>();
  for (let at = 2; statement.has(at); at++) {
    const word = statement.text(at);
    if (word === "len" || word === "depth") {
      const value = statement.text(++at);
      if (!/^[0-9]+$/.test(value) || Number(value) === 0) {
        const message = `balance uri : '${word}' expects a positive integer (got '${value}').`;
        statement.alert("not-an-integer", message, { at, expected: "a positive integer" });
        return;
      }
      numbers.set(word, value);
    } else if (word === "whole" || word === "path-only") {
      flags.add(word);
    } else {
      const message = `balance uri only accepts parameters 'len', 'depth', 'path-only', and 'whole' (got '${word}').`;
      statement.alert("unknown-word", message, {
        at,
        suggestions: suggest(word, ["len", "depth", "path-only", "whole"]),
      });
      return;
    }
  }
  proxy.balance = { algorithm: "uri", arguments: [...[...numbers].flat(), ...flags] };
}

/** `url_param <param> [check_post]` */
function urlParameter(statement: Statement, proxy: ProxyDraft): void {
  const name = statement.text(2);
  const modifier = statement.text(3);
  if (name === "") {
    const message = "balance url_param requires an URL parameter name.";
    statement.alert("missing-argument", message, { at: 2, expected: "the name of a parameter" });
  } else if (modifier !== "" && modifier !== "check_post") {
    const message = `balance url_param only accepts 'check_post' modifier (got '${modifier}').`;
    statement.alert("unknown-word", message, { at: 3, suggestions: suggest(modifier, ["check_post"]) });
  } else {
    proxy.balance = { algorithm: "url_param", arguments: modifier === "" ? [name] : [name, modifier] };
  }
}

/** `hdr(<name>) [use_domain_only]` */
function header(statement: Statement, proxy: ProxyDraft, parenthesis: string | null): void {
  const modifier = statement.text(2);
  if (parenthesis === null) {
    statement.alert("unknown-algorithm", COMPLAINT, { at: 1, expected: "hdr(<name>)" });
    return;
  }
  const [name, rest] = splitAt(parenthesis, ")");
  if (name === "" || rest === null) {
    const message = "balance hdr requires an http header field name.";
    statement.alert("missing-argument", message, { at: 1, expected: "hdr(<name>)" });
  } else if (modifier !== "" && modifier !== "use_domain_only") {
    const message = `balance hdr(${name}) only accepts 'use_domain_only' modifier (got '${modifier}').`;
    statement.alert("unknown-word", message, { at: 2, suggestions: suggest(modifier, ["use_domain_only"]) });
  } else {
    proxy.balance = { algorithm: "hdr", arguments: modifier === "" ? [name] : [name, modifier] };
  }
}

/** `rdp-cookie[(<name>)]`: as `hash req.rdp_cookie(<name>)`. */
function rdpCookie(statement: Statement, proxy: ProxyDraft, parenthesis: string | null): void {
  const [name, rest] = parenthesis === null ? [RDP_COOKIE, ""] : splitAt(parenthesis, ")");
  if (name === "" || rest === null) {
    const message = "balance rdp-cookie : missing cookie name.";
    statement.alert("missing-argument", message, { at: 1, expected: "rdp-cookie(<name>)" });
    return;
  }
  const parsed = parseSample(`req.rdp_cookie(${name})`);
  if (parsed.ok) proxy.balance = { algorithm: "rdp-cookie", arguments: [name], sample: parsed.sample };
  else statement.alert("bad-argument", `balance rdp-cookie : ${parsed.message}.`, { at: 1 });
}

/** `log-hash <converters>`: the key is what they make of a line. */
function logHash(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.has(2)) {
    const message = "balance log-hash requires a converter list.";
    statement.alert("missing-argument", message, { at: 2, expected: "converters, such as 'field(2,/),lower'" });
    return;
  }
  const parsed = parseSample(`str(line),${statement.text(2)}`);
  if (parsed.ok) {
    proxy.balance = { algorithm: "log-hash", arguments: [], sample: parsed.sample };
    return;
  }
  const message = `${parsed.message} (from converter list argument in "balance log-hash").`;
  statement.alert("bad-expression", message, { at: 2, suggestions: parsed.suggestions ?? [] });
}

/** `hash <expression>` */
function hash(statement: Statement, proxy: ProxyDraft, parenthesis: string | null): void {
  const text = statement.text(2);
  if (parenthesis !== null) {
    statement.alert("unknown-algorithm", COMPLAINT, { at: 1, expected: "hash <expression>" });
  } else if (text === "") {
    const message = "balance hash requires a sample expression.";
    statement.alert("missing-argument", message, { at: 2, expected: "a sample expression" });
  } else if (statement.has(3)) {
    const message = `balance hash takes no other argument (got '${statement.text(3)}').`;
    statement.alert("extra-argument", message, { at: 3, expected: "nothing more on this line" });
  } else {
    proxy.balance = { algorithm: "hash", arguments: [], expression: { text, statement } };
  }
}

function splitAt(text: string, separator: string): [string, string | null] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, null] : [text.slice(0, index), text.slice(index + 1)];
}

const FUNCTIONS: readonly HashTypeDraft["function"][] = ["sdbm", "djb2", "wt6", "crc32", "none"];

/** `hash-type <method> [<function> [<modifier>]]` */
export function hashType(statement: Statement, proxy: ProxyDraft): void {
  const method = statement.text(1);
  if (method === "avalanche") {
    const message =
      "experimental feature 'hash-type avalanche' is not supported anymore, please use 'hash-type map-based sdbm avalanche' instead.";
    statement.alert("gone", message, { at: 1 });
    return;
  }
  if (method !== "consistent" && method !== "map-based") {
    const message = "'hash-type' only supports 'consistent' and 'map-based'.";
    statement.alert("unknown-word", message, { at: 1, expected: "'map-based' or 'consistent'" });
    return;
  }
  const written = statement.text(2);
  const hashFunction = FUNCTIONS.find((name) => name === (written === "" ? "sdbm" : written));
  if (hashFunction === undefined) {
    const message = "'hash-type' only supports 'sdbm', 'djb2', 'crc32', or 'wt6' hash functions.";
    statement.alert("unknown-word", message, { at: 2, suggestions: suggest(written, FUNCTIONS) });
    return;
  }
  const modifier = statement.text(3);
  if (modifier !== "" && modifier !== "avalanche") {
    const message = "'hash-type' only supports 'avalanche' as a modifier for hash functions.";
    statement.alert("unknown-word", message, { at: 3 });
    return;
  }
  // Consistent hashing needs avalanche to spread well, so HAProxy switches it on there unless a function was named.
  proxy.hashType = {
    method,
    function: hashFunction,
    avalanche: modifier !== "" || (written === "" && method === "consistent"),
  };
}

/** `hash-balance-factor <percent>`: 0 (no bound), or more than 100. */
export function hashBalanceFactor(statement: Statement, proxy: ProxyDraft): void {
  const text = statement.text(1);
  if (!statement.takesAtMost(1)) return;
  if (!/^-?\d+$/.test(text)) {
    const message = "'hash-balance-factor' expects an integer argument.";
    statement.alert("not-an-integer", message, { at: 1, expected: "a percentage" });
  } else if (Number(text) !== 0 && Number(text) <= 100) {
    const message = "'hash-balance-factor' must be 0 or greater than 100.";
    statement.alert("bad-factor", message, { at: 1, expected: "a percentage" });
  } else {
    proxy.numbers.set("hash-balance-factor", Number(text));
  }
}

const AFFINITIES = ["always", "maxconn", "maxqueue"] as const;

/** `hash-preserve-affinity { always | maxconn | maxqueue }` */
export function hashPreserveAffinity(statement: Statement, proxy: ProxyDraft): void {
  const word = statement.text(1);
  const affinity = AFFINITIES.find((name) => name === word);
  if (word === "") {
    const message = "'hash-preserve-affinity' needs a keyword to specify when to preserve hash affinity";
    statement.alert("missing-argument", message, { at: 1, expected: "'always', 'maxconn' or 'maxqueue'" });
  } else if (affinity === undefined) {
    const message = `'hash-preserve-affinity': unknown keyword '${word}'`;
    statement.alert("unknown-word", message, { at: 1, suggestions: suggest(word, AFFINITIES) });
  } else if (statement.takesAtMost(1)) {
    proxy.preserveAffinity = affinity;
  }
}
