// keepalived as the judge: of the fixtures, of every keyword with good, bad and missing values, of the collection of real configurations.
//
// What is compared: the status of -t; every alert of ours is one of its messages, on the same line; and where it complains, so do we.
// Without keepalived, or without the privileges for a network namespace, the test is skipped and says so. With CI=true a missing keepalived is a
// failure.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { Diagnostics } from "../../shared/diagnostic/diagnostic.ts";
import { findCorpus, HOST, loadText, readCases, SOURCES, statementsOf } from "./fixture.ts";
import { judge, keepalivedVersion, namespaceProblem, type Verdict } from "./keepalived-oracle.ts";
import { type KeywordInfo, readSection, type SectionInfo } from "./keyword.ts";
import { newConfigurationDraft, TOP_LEVEL } from "./keywords/top-level.ts";
import { Report } from "./report.ts";
import { keywordOf, type Statement } from "./statement.ts";

const version = keepalivedVersion();
const missing = version === null ? "keepalived does not run" : namespaceProblem();
if (version === null && process.env.CI === "true") t.fail(`CI must have keepalived to compare with: ${missing}`);
if (missing !== null) t.comment(`not compared with keepalived: ${missing}`);
const skip = missing ?? (version!.startsWith("2.2.") ? false : `keepalived ${version}: the fixtures are of 2.2`);

/** Our words where it has two for one fault: a number is bad, and what that means. We say the second. */
const ABOUT_NUMBERS = /^(invalid number|number|negative number) '/;

function compare(t: Test, title: string, text: string, theirs: Verdict): void {
  const { diagnostics, testStatus } = loadText(text);
  const alerts = diagnostics.list.filter((one) => one.severity === "alert" || one.code === "script-security");
  if (theirs.status === null) {
    t.comment(`${title}: keepalived crashes`);
    return;
  }
  t.equal(testStatus, theirs.status, `${title}: status`);
  for (const alert of alerts) {
    const same = theirs.said.filter((said) => said.message === alert.message);
    t.ok(same.length > 0, `${title}: keepalived also says: ${alert.message}`);
    // What it only finds at the end of a block has the line of the closing brace there.
    const lines = same.map((said) => said.line).filter((line) => line !== null);
    const isThere = lines.length === 0 || lines.some((line) => line >= alert.line);
    t.ok(isThere, `${title}: on line ${lines}, not ${alert.line}: ${alert.message}`);
  }
  const ourLines = new Set(diagnostics.list.map((one) => one.line));
  for (const { line, message } of theirs.said) {
    // A brace that closed too much is complained of at the one that is left over.
    if (message === "" || ABOUT_NUMBERS.test(message) || message === "Unknown keyword '}'") continue;
    const covered = (line !== null && ourLines.has(line)) || alerts.some((alert) => alert.message === message);
    t.ok(covered, `${title}: we also say something of line ${line}: ${message}`);
  }
}

t.test("fixtures", { skip }, (t) => {
  t.comment(`compared with keepalived ${version}`);
  const cases = readCases("diagnostics.conftest").filter((one) => one.ours === null);
  const verdicts = judge(cases.map((one) => one.text));
  for (const [index, { title, text }] of cases.entries()) compare(t, title, text, verdicts[index]!);
  t.end();
});

/** First words and their lines, outer before inner. */
function flatten(statements: readonly Statement[]): string[] {
  return statements.flatMap((statement) => {
    const word = `${statement.words[0]!.place.line} ${keywordOf(statement)}`;
    return [word, ...flatten(statement.block ?? [])];
  });
}

t.test("the language: the same words on the same lines", { skip }, (t) => {
  const known = new Set(TOP_LEVEL.keywords.map((keyword) => keyword.name));
  const cases = readCases("language.conftest").filter((one) => {
    // Only of words that it does not know does keepalived say that it has read them.
    return one.ours === null && !/^\s*(include|vrrp_)/m.test(one.text);
  });
  const verdicts = judge(cases.map((one) => one.text));
  for (const [index, { title, text }] of cases.entries()) {
    const ours = flatten(statementsOf(text).statements).filter((word) => !known.has(word.slice(word.indexOf(" ") + 1)));
    const theirs = verdicts[index]!.said.filter((said) => said.byParent)
      .map((said) => [said.line, /^Unknown keyword '(.*)'$/.exec(said.message)?.[1]])
      .filter(([, word]) => word !== undefined && word !== "}")
      .map(([line, word]) => `${line} ${word}`);
    t.same(ours, theirs, title);
  }
  t.end();
});

interface Place {
  readonly section: SectionInfo;
  readonly before: string;
  readonly after: string;
}

/** Where the keywords of a section stand so that keepalived reads them. */
function placesOf(): Place[] {
  const find = (path: readonly string[]): SectionInfo => {
    let section: SectionInfo = TOP_LEVEL;
    for (const name of path) section = section.keywords.find((keyword) => keyword.name === name)!.section!;
    return section;
  };
  const server = "virtual_server 10.0.0.9 80 {\n protocol TCP\n";
  const real = `${server} real_server 10.0.0.3 80 {\n`;
  const place = (path: readonly string[], before: string, after = "}\n"): Place => ({
    section: find(path),
    before,
    after,
  });
  // Without a URL it crashes.
  const url = "url {\npath /\nstatus_code 200\n}\n";
  const check = (name: string) =>
    place(["virtual_server", "real_server", name], `${real}${name} {\n${name === "HTTP_GET" ? url : ""}`, "}\n}\n}\n");
  return [
    place(["global_defs"], "global_defs {\nscript_user root\n"),
    place(["vrrp_instance"], "vrrp_instance V {\n"),
    place(["vrrp_sync_group"], "vrrp_sync_group g {\n"),
    place(["vrrp_script"], "vrrp_script s {\n"),
    place(["vrrp_track_process"], "vrrp_track_process s {\n"),
    place(["track_file"], "track_file s {\n"),
    place(["bfd_instance"], "bfd_instance s {\n"),
    place(["virtual_server"], server),
    place(["virtual_server", "real_server"], real, "}\n}\n"),
    ...["TCP_CHECK", "HTTP_GET", "SMTP_CHECK", "DNS_CHECK", "UDP_CHECK", "MISC_CHECK", "PING_CHECK"].map(check),
    place(["virtual_server", "real_server", "HTTP_GET", "url"], `${real}HTTP_GET {\nurl {\n`, "}\n}\n}\n}\n"),
  ];
}

/** Keywords that cannot be compared line by line, and why. */
const NOT_COMPARED: Readonly<Record<string, string>> = {
  // It looks at these at once, we when everything is read; diagnostics.conftest has them.
  interface: "later",
  mcast_src_ip: "later",
  unicast_src_ip: "later",
  mcast_dst_ip: "later",
  native_ipv6: "later",
  misc_path: "later",
  script: "later",
  // Names are looked up when a mail is sent.
  smtp_server: "stricter",
  // Fractions are understood since 2.3.2.
  interval: "newer",
  timeout: "newer",
  // These depend on what stood before them.
  version: "state",
  process: "state",
  file: "state",
  "sh-port": "state",
  "sh-fallback": "state",
  "mh-port": "state",
  "mh-fallback": "state",
  neighbor_ip: "crashes",
  neighbour_ip: "crashes",
  // Ours are the ranges of the manual.
  min_auto_priority_delay: "bounds",
  vrrp_cpu_affinity: "depends on the machine",
  regex_min_offset: "we warn",
  regex_max_offset: "we warn",
  // Names of users: it looks them up at once, we later.
  script_user: "later",
  user: "later",
  startup_script: "later",
  shutdown_script: "later",
  // It takes any form of inet_aton for a mask.
  persistence_granularity: "stricter",
  // keepalived takes 2.5 for a name with an empty label.
  name: "its own fault",
  require_reply: "prefix 0 is added differently",
  payload: "prefix 0 is added differently",
};

function comparable(place: Place): KeywordInfo[] {
  return place.section.keywords.filter((keyword) => {
    const isLine = keyword.section === null && !keyword.takesList;
    return isLine && keyword.effect === "served" && keyword.since === undefined && !(keyword.name in NOT_COMPARED);
  });
}

/** Our faults of reading alone, without those of the whole. */
function readFaults(text: string): Map<number, string[]> {
  const diagnostics = new Diagnostics();
  const report = new Report(diagnostics);
  const configuration = newConfigurationDraft();
  const context = { report, host: HOST, configuration, top: TOP_LEVEL };
  readSection(TOP_LEVEL, configuration, statementsOf(text).statements, context);
  const faults = new Map<number, string[]>();
  for (const { line, message, severity } of diagnostics.list) {
    if (severity === "alert") faults.set(line, [...(faults.get(line) ?? []), message]);
  }
  return faults;
}

/** It says our message, or only that the number is bad. */
function isSaid(message: string, theirs: readonly string[]): boolean {
  return theirs.includes(message) || theirs.every((other) => ABOUT_NUMBERS.test(other));
}

t.test("keywords with values", { skip }, (t) => {
  const values = ["x", "-5", "99999", "0", "2.5", "1", "on", "10.0.0.2", "300"];
  const trials = placesOf().flatMap((place) => values.map((value) => ({ place, value, keywords: comparable(place) })));
  const texts = trials.map(({ place, value, keywords }) => {
    return `${place.before}${keywords.map((keyword) => `${keyword.name} ${value}\n`).join("")}${place.after}`;
  });
  const verdicts = judge(texts);
  for (const [index, { place, value, keywords }] of trials.entries()) {
    const { said, status } = verdicts[index]!;
    if (status === null) {
      t.comment(`${place.section.name} with ${value}: keepalived crashes`);
      continue;
    }
    const ours = readFaults(texts[index]!);
    const first = place.before.split("\n").length;
    for (const [offset, keyword] of keywords.entries()) {
      const line = first + offset;
      const theirs = said.filter((one) => one.line === line).map((one) => one.message);
      const name = `${place.section.name}: ${keyword.name} ${value}`;
      const mine = ours.get(line) ?? [];
      t.equal(
        mine.length > 0,
        theirs.length > 0,
        `${name}: ${theirs.join(" / ") || "fine"}; ours: ${mine.join(" / ") || "fine"}`,
      );
      for (const message of mine) t.ok(isSaid(message, theirs), `${name}: "${message}" is one of "${theirs}"`);
    }
  }
  t.end();
});

t.test("keywords without their words", { skip }, (t) => {
  const trials = placesOf().flatMap((place) => comparable(place).map((keyword) => ({ place, keyword })));
  const texts = trials.map(({ place, keyword }) => `${place.before}${keyword.name}\n${place.after}`);
  const verdicts = judge(texts);
  for (const [index, { place, keyword }] of trials.entries()) {
    const { said, status } = verdicts[index]!;
    const line = place.before.split("\n").length;
    const theirs = said.filter((one) => one.line === line).map((one) => one.message);
    const mine = readFaults(texts[index]!).get(line) ?? [];
    const name = `${place.section.name}: ${keyword.name}`;
    if (status === null) continue;
    t.equal(
      mine.length > 0,
      theirs.length > 0,
      `${name}: ${theirs.join(" / ") || "fine"}; ours: ${mine.join(" / ") || "fine"}`,
    );
    for (const message of mine) t.ok(isSaid(message, theirs), `${name}: "${message}" is one of "${theirs}"`);
  }
  t.end();
});

/** keepalived's own samples, as Debian installs them. */
const SAMPLES = "/usr/share/doc/keepalived/samples/";
const ARTICLE = fileURLToPath(new URL("examples/", SOURCES));

t.test("the article, the collection, keepalived's samples: the same verdict", { skip }, (t) => {
  const paths = [findCorpus() ?? "the collection", SAMPLES, ARTICLE].flatMap((folder) => {
    if (!existsSync(folder)) t.comment(`${folder} is not there`);
    const names = existsSync(folder) ? readdirSync(folder) : [];
    return names.filter((name) => /\.conf/.test(name)).map((name) => `${folder}/${name}`);
  });
  const texts = paths.map((path) => readFileSync(path, "latin1"));
  const verdicts = judge(texts);
  for (const [index, path] of paths.entries()) {
    const { status, said } = verdicts[index]!;
    const { testStatus, diagnostics } = loadText(texts[index]!);
    const ours = diagnostics.list.map((one) => `${one.line} ${one.message}`).join(" / ");
    if (status === null) t.comment(`${path}: keepalived crashes`);
    else
      t.equal(
        testStatus,
        status,
        `${path}: ${said.map((one) => `${one.line} ${one.message}`).join(" / ")}; ours: ${ours}`,
      );
  }
  t.end();
});
