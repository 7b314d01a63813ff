// `bind <address>[,<address>…] [options]`, section 4.2 and 5.1, and `stats socket`, which is a bind line of its own kind.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import { type BindOptions, newBindOptions } from "../bind-draft.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { BIND_KEYWORDS } from "../keywords/bind.ts";
import { REFERENCE_PAGE } from "../keywords/keyword.ts";
import type { Statement } from "../statement.ts";
import { bindAddresses, statsSocketAddress } from "../values.ts";
import { copyTlsOptions } from "./tls-options.ts";

/** Words it takes to say what is wrong with an option. */
interface Wording {
  /** Message for an option that nobody knows. */
  unknown(word: string, best: string | undefined): string;
  /** Message for a fault of an option. */
  broken(problem: string): string;
  /** Message for an option that is not served. */
  unserved(word: string): string;
}

export function bind(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const written = statement.text(1);
  if (written === "") {
    const message = "'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as arguments.";
    statement.alert("missing-argument", message, { at: 1, expected: "an address such as :80 or 127.0.0.1:8080" });
    return;
  }
  const slots = bindAddresses(statement, 1, configuration);
  const lead = `'bind ${written}' in section '${proxy.kind}'`;
  const options = newBindOptions();
  options.tls.defaults = copyTlsOptions(configuration.global.tlsDefaults.bind);
  parseOptions(statement, 2, options, {
    unknown: (word, best) =>
      `${lead}: unknown keyword '${word}'${best === undefined ? "." : `; did you mean '${best}' maybe ?`}`,
    broken: (problem) => `${lead} : ${problem}`,
    unserved: (word) => `${lead} : '${word}' is known to HAProxy but not served yet`,
  });
  if (slots === null) return;
  for (const slot of slots) proxy.binds.push({ slot, options, statement });
  checkDuplicateId(statement, proxy, options, lead);
}

function checkDuplicateId(statement: Statement, proxy: ProxyDraft, options: BindOptions, lead: string): void {
  if (options.id === 0) return;
  const owner = proxy.binds.find((other) => other.statement !== statement && other.options.id === options.id);
  if (owner === undefined) return;
  const { file, line } = owner.statement.location;
  const message = `${lead} : 'id' : custom id ${options.id} already used at ${file}:${line} ('bind ${owner.statement.text(1)}')`;
  statement.alert("duplicate-id", message, { at: statement.textsFrom(0).indexOf("id") });
}

/** `stats socket <address> [options]` in `global`. */
export function statsSocket(statement: Statement, configuration: ConfigurationDraft): void {
  if (!statement.has(2)) {
    const message = "'stats socket' in global section expects an address or a path to a UNIX socket";
    statement.alert("missing-argument", message, { at: 2, expected: "an address such as /run/haproxy.sock" });
    return;
  }
  const slot = statsSocketAddress(statement, 2, configuration);
  const options = newBindOptions();
  parseOptions(statement, 3, options, {
    unknown: (word, best) =>
      `'stats socket' : unknown keyword '${word}'.${best === undefined ? "" : ` Did you mean '${best}' maybe ?`}`,
    broken: (problem) => `'stats socket' : '${problem}'`,
    unserved: (word) => `'stats socket' : '${word}' is known to HAProxy but not served yet`,
  });
  if (slot !== null) configuration.global.statsSockets.push({ slot, options, statement });
}

/** Reads the options from word `from` on; all faults are reported, what depends on TLS only once. */
function parseOptions(statement: Statement, from: number, options: BindOptions, wording: Wording): void {
  const reported = new Set<string>();
  for (let at = from; at < statement.length; at++) {
    const word = statement.text(at);
    const keyword = BIND_KEYWORDS.find(word);
    if (keyword === null) {
      const suggestions = suggest(word, BIND_KEYWORDS.proposals());
      statement.alert("unknown-keyword", wording.unknown(word, suggestions[0]), {
        at,
        suggestions: suggestions.slice(1),
      });
      return;
    }
    if (keyword.standing === "gone") {
      const message = wording.broken(`'${word} ${statement.text(at + 1)}' ${keyword.remark}`);
      statement.alert("gone", message, { at });
    } else if (keyword.standing === "unserved") {
      if (!reported.has(keyword.remark)) {
        reported.add(keyword.remark);
        const hint = `${keyword.remark} All keywords: ${REFERENCE_PAGE}.`;
        statement.alert("unserved", wording.unserved(word), { at, hint });
      }
    } else if (keyword.parse !== null) {
      const problem = keyword.parse(statement, at, options);
      if (problem !== null) statement.alert("bad-option", wording.broken(problem), { at });
    }
    at += Math.max(keyword.takes, 0);
  }
}
