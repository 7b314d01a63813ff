// The keyword tables: complete, in order with each other and with the code that serves them, and the page and lists made of them.

import { readFileSync } from "node:fs";
import t from "tap";
import { ACL_KEYWORDS as ACL_SIGNATURES } from "../../acl/keywords.table.ts";
import { CONVERTERS } from "../../sample/converters.table.ts";
import { FETCHES } from "../../sample/fetches.table.ts";
import { PREDEFINED_ACLS } from "../expression/condition.ts";
import { parseLogFormat } from "../expression/log-format.ts";
import { ACTION_KEYWORDS, actionsOf, RULE_SETS } from "./action.ts";
import { BIND_KEYWORDS } from "./bind.ts";
import { CONVERTER_KEYWORDS } from "./converter.ts";
import { ACL_KEYWORDS, FETCH_KEYWORDS } from "./fetches.ts";
import { type Keyword, KeywordTable, REFERENCE_PAGE, served } from "./keyword.ts";
import { listKeywords } from "./listing.ts";
import { HTTP_CLF_LOG_FORMAT, HTTP_LOG_FORMAT, LOG_ALIASES, TCP_CLF_LOG_FORMAT, TCP_LOG_FORMAT } from "./log-format.ts";
import { renderReference } from "./reference.ts";
import { SERVER_KEYWORDS } from "./server.ts";
import { GLOBAL_KEYWORDS, PROXY_KEYWORDS } from "./tables.ts";

const FAMILIES: readonly (readonly [name: string, list: readonly Keyword<unknown>[]])[] = [
  ["global", GLOBAL_KEYWORDS.list],
  ["proxy", PROXY_KEYWORDS.list],
  ["bind", BIND_KEYWORDS.list],
  ["server", SERVER_KEYWORDS.list],
];

t.test("rows say what their standing promises", (t) => {
  for (const [family, list] of FAMILIES) {
    for (const { name, standing, parse, remark, manual, sections } of list) {
      const label = `${family} ${name}`;
      t.equal(parse !== null, standing === "served", `${label}: a parser if and only if it is served`);
      if (standing !== "served") t.match(remark, /^\S.*\S$/, `${label}: says why`);
      t.match(manual, /^\d+(\.\d+)*$/, `${label}: a section of the manual`);
      if (family === "proxy") t.match(sections, /^[DdFLB]+$/, `${label}: allowed somewhere`);
    }
  }
  t.throws(() => new KeywordTable([row("twice"), row("twice")]), /stands twice/);
  t.end();
});

function row(name: string): Keyword<() => void> {
  return { ...served(name, "", () => {}), manual: "1" };
}

t.test("what the workers serve is known, and of the same type", (t) => {
  for (const { name, type, aliasOf } of FETCHES.values()) {
    const keyword = FETCH_KEYWORDS.get(name);
    t.match(keyword, { type, standing: "served" }, name);
    if (aliasOf !== null) t.ok(FETCH_KEYWORDS.has(aliasOf), `${name} is ${aliasOf}`);
  }
  for (const { name, input, output } of CONVERTERS.values()) {
    const keyword = CONVERTER_KEYWORDS.get(name);
    t.ok(keyword, `converter ${name}`);
    // What depends on arguments or on the value is any type for us.
    const isOpen = output === "any" || (output === "same" && keyword!.output === "same");
    const declared = isOpen ? keyword!.output : output === "same" ? keyword!.input : output;
    t.match(keyword, { input, output: declared, standing: "served" }, name);
  }
  for (const [name, { fetch, match }] of ACL_SIGNATURES) t.match(ACL_KEYWORDS.get(name), { fetch, match }, name);
  for (const { fetch } of ACL_KEYWORDS.values()) t.ok(FETCH_KEYWORDS.has(fetch), `${fetch} is a fetch`);
  t.end();
});

t.test("predefined ACLs name fetches that exist", (t) => {
  for (const [name, [criterion]] of PREDEFINED_ACLS) {
    const word = /^[a-z0-9_.]+/.exec(criterion!)![0];
    t.ok(FETCH_KEYWORDS.has(ACL_KEYWORDS.get(word)?.fetch ?? word), name);
  }
  t.end();
});

t.test("the standard log formats parse", (t) => {
  const formats = { HTTP_LOG_FORMAT, HTTP_CLF_LOG_FORMAT, TCP_LOG_FORMAT, TCP_CLF_LOG_FORMAT };
  for (const [name, format] of Object.entries(formats)) t.equal(parseLogFormat(format).ok, true, name);
  t.equal(LOG_ALIASES.get("ci")!.standing, "served");
  t.end();
});

t.test("every action stands in a rule set that a keyword opens", (t) => {
  for (const ruleSet of RULE_SETS) {
    t.ok(PROXY_KEYWORDS.find(ruleSet), ruleSet);
    t.ok(actionsOf(ruleSet).length > 0, `${ruleSet} has actions`);
  }
  for (const action of ACTION_KEYWORDS.values()) t.ok(action.ruleSets.length > 0, action.name);
  t.end();
});

t.test("the reference page is current", (t) => {
  const page = readFileSync(new URL(`../../../../${REFERENCE_PAGE}`, import.meta.url), "utf8");
  t.ok(page === renderReference(), `${REFERENCE_PAGE} is what the tables say (npm run reference writes it)`);
  t.end();
});

t.test("-dK", (t) => {
  t.match(listKeywords(["help"]), /^# List of supported keyword classes:\nall: list all keywords\n/);
  t.equal(listKeywords(["nonsense"]), "");
  t.match(listKeywords(["acl"]), /^# List of registered ACL keywords:\nbase = base -m str\n/);
  t.match(listKeywords(["cnv"]), "\nlower: str => str\n");
  t.match(listKeywords(["smp"]), "\n[ . . Y Y Y Y Y Y Y Y Y . . . . . . . . . . . ] path: str\n");
  const configuration = listKeywords(["cfg"]);
  t.match(configuration, "\nglobal\n\tacme.scheduler\n");
  t.match(configuration, "\n\tserver <name> <addr> weight +1\n");
  t.match(configuration, "\n\toption allbackups [ BE ]\n");
  t.notMatch(configuration, "contimeout", "what is gone is not listed");
  t.equal(listKeywords(["cli"], ["show info"]), "# List of registered CLI keywords:\nshow info\n");
  t.equal(listKeywords(["all"]).match(/^# List of/gm)!.length, 7);
  t.end();
});
