// Takes the lines of the configuration one by one: section headers open drafts, everything else goes to the section that is open.
//
//   global ─▶ global keywords     defaults, frontend, listen, backend ─▶ proxy-section.ts     peers, resolvers … ─▶ other.ts

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { HealthcheckDraft } from "../check-draft.ts";
import { type ConfigurationDraft, type DraftKind, kindInMessages, newProxy, type ProxyDraft } from "../draft.ts";
import type { PeersDraft, ResolversDraft } from "../draft-tables.ts";
import type { HttpErrorsDraft } from "../errors-draft.ts";
import type { CacheDraft } from "../filter-draft.ts";
import { OTHER_SECTIONS, type OtherSection } from "../keywords/sections.ts";
import { GLOBAL_KEYWORDS } from "../keywords/tables.ts";
import type { ConfigLine } from "../line.ts";
import type { LogForwardDraft, LogProfileDraft, RingDraft } from "../log-draft.ts";
import type { ReadContext } from "../source.ts";
import { Statement } from "../statement.ts";
import { cacheLine, openCache } from "./cache.ts";
import { type CrtStoreSection, crtStoreLine, openCrtStore } from "./crt-store.ts";
import { findKeyword, reportStanding, reportUnknown } from "./dispatch.ts";
import { healthcheckLine, openHealthcheck } from "./healthcheck.ts";
import { httpErrorsLine, openHttpErrors } from "./http-errors.ts";
import { logProfileLine, openLogProfile } from "./log-profile.ts";
import { logForwardLine, openLogForward, openRing, ringLine } from "./log-sections.ts";
import { openOther, otherLine } from "./other.ts";
import { openPeers, peersLine } from "./peers.ts";
import { prefixOf, proxyLine } from "./proxy-section.ts";
import { openResolvers, resolversLine } from "./resolvers.ts";
import { inheritRules } from "./rule.ts";
import { openUserlist, type UserlistDraft, userlistLine } from "./userlist.ts";

/** `lost`: a section whose header was wrong; its lines are skipped, one fault is enough. */
type Open =
  | { readonly kind: "none" | "global" | "lost" }
  | { readonly kind: "proxy"; readonly proxy: ProxyDraft }
  | { readonly kind: "peers"; readonly peers: PeersDraft }
  | { readonly kind: "resolvers"; readonly resolvers: ResolversDraft }
  | { readonly kind: "http-errors"; readonly section: HttpErrorsDraft }
  | { readonly kind: "crt-store"; readonly section: CrtStoreSection }
  | { readonly kind: "cache"; readonly cache: CacheDraft }
  | { readonly kind: "userlist"; readonly list: UserlistDraft }
  | { readonly kind: "healthcheck"; readonly section: HealthcheckDraft }
  | { readonly kind: "ring"; readonly ring: RingDraft }
  | { readonly kind: "log-forward"; readonly forward: LogForwardDraft }
  | { readonly kind: "log-profile"; readonly profile: LogProfileDraft }
  | { readonly kind: "other"; readonly section: OtherSection; readonly name: string };

const PROXY_SECTIONS: readonly string[] = ["defaults", "frontend", "listen", "backend"];
const NOT_IN_NAMES = /[^A-Za-z0-9_.:-]/;

export class SectionReader {
  readonly #configuration: ConfigurationDraft;
  #open: Open = { kind: "none" };
  #hasOtherThanGlobal = false;

  constructor(configuration: ConfigurationDraft) {
    this.#configuration = configuration;
  }

  /** A section ends with its file. */
  startFile(): void {
    this.#open = { kind: "none" };
  }

  line(line: ConfigLine, context: ReadContext): void {
    const keyword = line.words[0]!.text;
    if (keyword === "global" || PROXY_SECTIONS.includes(keyword) || OTHER_SECTIONS.has(keyword)) {
      this.#header(line, keyword);
      context.section = this.#sectionName();
      return;
    }
    const open = this.#open;
    if (open.kind === "global") this.#globalLine(line);
    else if (open.kind === "proxy") proxyLine(line, open.proxy, this.#configuration);
    else if (open.kind === "peers") peersLine(line, open.peers, this.#configuration);
    else if (open.kind === "resolvers") resolversLine(line, open.resolvers, this.#configuration);
    else if (open.kind === "http-errors") httpErrorsLine(line, open.section, this.#configuration);
    else if (open.kind === "crt-store") crtStoreLine(line, open.section, this.#configuration);
    else if (open.kind === "ring") ringLine(line, open.ring, this.#configuration);
    else if (open.kind === "log-forward") logForwardLine(line, open.forward, this.#configuration);
    else if (open.kind === "log-profile") logProfileLine(line, open.profile, this.#configuration);
    else if (open.kind === "cache") cacheLine(line, open.cache, this.#configuration);
    else if (open.kind === "healthcheck") healthcheckLine(line, open.section, this.#configuration);
    else if (open.kind === "userlist") userlistLine(line, open.list, this.#configuration);
    else if (open.kind === "other") otherLine(line, open.section, this.#configuration);
    else if (open.kind === "none") this.#outOfSection(line, keyword);
  }

  #sectionName(): string {
    const open = this.#open;
    if (open.kind === "proxy") return open.proxy.name === "" ? open.proxy.kind : open.proxy.name;
    if (open.kind === "peers") return open.peers.name;
    if (open.kind === "resolvers") return open.resolvers.name;
    if (open.kind === "http-errors" || open.kind === "crt-store") return open.section.name;
    if (open.kind === "cache") return open.cache.name;
    if (open.kind === "userlist") return open.list.name;
    if (open.kind === "healthcheck") return open.section.name;
    if (open.kind === "ring") return open.ring.name;
    if (open.kind === "log-forward") return open.forward.name;
    if (open.kind === "log-profile") return open.profile.name;
    if (open.kind === "other") return open.name === "" ? open.section.name : open.name;
    return open.kind === "global" ? "global" : "";
  }

  #outOfSection(line: ConfigLine, keyword: string): void {
    const statement = new Statement(line, this.#configuration.diagnostics);
    const names = ["global", ...PROXY_SECTIONS, ...OTHER_SECTIONS.keys()];
    statement.alert("out-of-section", `unknown keyword '${keyword}' out of section.`, {
      introduction: "tight",
      suggestions: suggest(keyword, names),
      expected: "a section such as 'global', 'defaults', 'frontend', 'backend' or 'listen'",
    });
  }

  #header(line: ConfigLine, keyword: string): void {
    const statement = new Statement(line, this.#configuration.diagnostics);
    if (keyword === "global") {
      this.#openGlobal(statement);
      return;
    }
    this.#hasOtherThanGlobal = true;
    if (keyword === "ring") {
      this.#open = { kind: "ring", ring: openRing(statement, this.#configuration) };
      return;
    }
    if (keyword === "log-forward") {
      this.#open = { kind: "log-forward", forward: openLogForward(statement, this.#configuration) };
      return;
    }
    if (keyword === "log-profile") {
      this.#open = { kind: "log-profile", profile: openLogProfile(statement, this.#configuration) };
      return;
    }
    if (keyword === "cache") {
      this.#open = { kind: "cache", cache: openCache(statement, this.#configuration) };
      return;
    }
    if (keyword === "peers") {
      this.#open = { kind: "peers", peers: openPeers(statement, this.#configuration) };
      return;
    }
    if (keyword === "resolvers") {
      this.#open = { kind: "resolvers", resolvers: openResolvers(statement, this.#configuration) };
      return;
    }
    if (keyword === "crt-store") {
      this.#open = { kind: "crt-store", section: openCrtStore(statement, this.#configuration) };
      return;
    }
    if (keyword === "http-errors") {
      this.#open = { kind: "http-errors", section: openHttpErrors(statement, this.#configuration) };
      return;
    }
    if (keyword === "healthcheck") {
      this.#open = { kind: "healthcheck", section: openHealthcheck(statement, this.#configuration) };
      return;
    }
    if (keyword === "userlist") {
      this.#open = { kind: "userlist", list: openUserlist(statement, this.#configuration) };
      return;
    }
    const other = OTHER_SECTIONS.get(keyword);
    if (other !== undefined) {
      openOther(statement, other);
      this.#open = { kind: "other", section: other, name: statement.text(1) };
      return;
    }
    const proxy = openProxy(statement, keyword as DraftKind, this.#configuration);
    this.#open = proxy === null ? { kind: "lost" } : { kind: "proxy", proxy };
  }

  #openGlobal(statement: Statement): void {
    if (this.#hasOtherThanGlobal) {
      const message =
        "global section detected after a non-global one, the prevalence of their statements is unspecified";
      statement.report("diag", "late-global", message);
    }
    statement.takesAtMost(0);
    this.#open = { kind: "global" };
  }

  #globalLine(line: ConfigLine): void {
    const prefix = prefixOf(line, this.#configuration);
    if (prefix === "refused") return;
    const statement = new Statement(line, this.#configuration.diagnostics, prefix);
    const keyword = findKeyword(statement, GLOBAL_KEYWORDS);
    if (keyword === null) reportUnknown(statement, GLOBAL_KEYWORDS, "global", () => true);
    else if (!reportStanding(statement, keyword)) keyword.parse?.(statement, this.#configuration);
  }
}

/** Opens a proxy section; null when its header makes no sense, after a report. */
function openProxy(statement: Statement, kind: DraftKind, configuration: ConfigurationDraft): ProxyDraft | null {
  const isDefaults = kind === "defaults";
  // `defaults` and `defaults from x` have no name; elsewhere `from` in the first place would be one.
  const name = isDefaults && statement.text(1) === "from" ? "" : statement.text(1);
  if (name === "" && !isDefaults) {
    const expected = `a name, as in '${kind} web'`;
    statement.alert("missing-name", `'${kind}' expects an <id> argument`, { at: 1, expected });
    return null;
  }
  const wrong = NOT_IN_NAMES.exec(name);
  if (wrong !== null && !isDefaults) {
    const message = `character '${wrong[0]}' is not permitted in '${kind}' name '${name}'.`;
    const expected = "a name of letters, digits, '-', '_', '.' and ':'";
    statement.alert("bad-name", message, { at: 1, expected });
  }
  const next = name === "" ? 1 : 2;
  let from: ProxyDraft | null | undefined = configuration.defaults[configuration.defaults.length - 1] ?? null;
  if (statement.text(next) === "from") {
    from = namedDefaults(statement, next + 1, kind, name, configuration);
    if (from === null) return newProxyAfterFault(statement, kind, name, configuration);
  } else if (statement.has(next)) {
    return afterStrayWord(statement, next, kind, name, configuration);
  } else if (isDefaults) {
    from = null;
  }
  const proxy = newProxy(kind, name, statement, from);
  if (isDefaults) configuration.defaults.push(proxy);
  else addProxy(statement, proxy, configuration);
  if (from !== null && checkInheritance(statement, proxy, from, configuration)) inheritRules(proxy, configuration);
  return proxy;
}

/**
 * Rules of a `defaults` section are for frontends or for backends, and only for those that can evaluate them. False after a report, and
 * for other `defaults` sections.
 */
function checkInheritance(
  statement: Statement,
  proxy: ProxyDraft,
  from: ProxyDraft,
  configuration: ConfigurationDraft,
): boolean {
  if (from.ruleStatements.length === 0) return false;
  const { file, line } = from.statement.location;
  const at = `(defaults section at ${file}:${line})`;
  const refuse = (message: string): false => {
    statement.alert("not-inheritable", message, { at: 1, introduction: "tight" });
    return false;
  };
  const { kind } = proxy;
  if (kind === "defaults") {
    return refuse(`a defaults section cannot inherit from a defaults section defining TCP/HTTP rules ${at}.`);
  }
  if (kind === "listen")
    return refuse("a listen section cannot inherit from a defaults section defining TCP/HTTP rules.");
  const others = configuration.proxies.filter((other) => other !== proxy && other.defaults === from);
  if (others.some((other) => other.kind !== kind)) {
    const message = "frontends and backends cannot inherit from the same defaults section if it defines TCP/HTTP rules";
    return refuse(`${message} ${at}.`);
  }
  const has = (...sets: string[]): boolean => from.ruleStatements.some(({ ruleSet }) => sets.includes(ruleSet));
  if (kind === "backend" && has("tcp-request connection", "tcp-request session")) {
    const what = "'tcp-request connection' or 'tcp-request session' rules";
    return refuse(`a backend section cannot inherit from a defaults section defining ${what} ${at}.`);
  }
  if (kind === "frontend" && has("tcp-response content")) {
    const what = "'tcp-response content' rules";
    return refuse(`a frontend section cannot inherit from a defaults section defining ${what} ${at}.`);
  }
  return true;
}

/** `frontend web 10.0.0.1:80` was HAProxy's way long ago. The lines below are still read, for their own faults. */
function afterStrayWord(
  statement: Statement,
  at: number,
  kind: DraftKind,
  name: string,
  configuration: ConfigurationDraft,
): ProxyDraft {
  const message =
    kind === "defaults" || kind === "backend"
      ? `'${kind}' cannot handle unexpected argument '${statement.text(at)}'.`
      : "please use the 'bind' keyword for listening addresses.";
  statement.alert("extra-argument", message, { at });
  return newProxyAfterFault(statement, kind, name, configuration);
}

function newProxyAfterFault(
  statement: Statement,
  kind: DraftKind,
  name: string,
  configuration: ConfigurationDraft,
): ProxyDraft {
  const last = configuration.defaults[configuration.defaults.length - 1] ?? null;
  const proxy = newProxy(kind, name, statement, kind === "defaults" ? null : last);
  if (kind === "defaults") configuration.defaults.push(proxy);
  else configuration.proxies.push(proxy);
  return proxy;
}

/** The defaults section named after `from`; null after a report. */
function namedDefaults(
  statement: Statement,
  at: number,
  kind: DraftKind,
  name: string,
  configuration: ConfigurationDraft,
): ProxyDraft | null {
  const wanted = statement.text(at);
  const found = configuration.defaults.filter((section) => section.name === wanted && wanted !== "");
  if (found.length === 1) {
    if (!statement.has(at + 1)) return found[0]!;
    statement.alert("extra-argument", `'${kind}' cannot handle unexpected argument '${statement.text(at + 1)}'.`, {
      at: at + 1,
    });
    return null;
  }
  const who = `${kind} '${name}'`;
  if (found.length === 0) {
    const suggestions = suggest(
      wanted,
      configuration.defaults.map((section) => section.name),
    );
    const message = `defaults section '${wanted}' not found for ${who}.`;
    statement.alert("unknown-defaults", message, { at, suggestions });
  } else {
    const [first, second] = [found[found.length - 1]!, found[found.length - 2]!].map((section) => {
      const { file, line } = section.statement.location;
      return `${file}:${line}`;
    });
    const message = `ambiguous defaults section name '${wanted}' referenced by ${who} exists at least at ${first} and ${second}.`;
    statement.alert("ambiguous-defaults", message, { at });
  }
  return null;
}

/** A frontend and a backend may share a name; two of the same kind may not. */
function addProxy(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const twin = configuration.proxies.find((other) => other.name === proxy.name);
  if (twin !== undefined) {
    const { file, line } = twin.statement.location;
    const message = `${kindInMessages(proxy)} '${proxy.name}' has the same name as ${kindInMessages(twin)} '${twin.name}' declared at ${file}:${line}.`;
    const overlaps = twin.kind === proxy.kind || twin.kind === "listen" || proxy.kind === "listen";
    if (overlaps) statement.alert("duplicate-name", message, { at: 1, introduction: "tight" });
    const warning = `${message} This is dangerous and will not be supported anymore in version 3.3.`;
    statement.warning("duplicate-name", warning, { at: 1, introduction: "tight" });
  }
  configuration.proxies.push(proxy);
}
