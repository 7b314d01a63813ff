// The `peers` section (11.2): with whom stick-tables are exchanged, and tables of its own.
//
//   peers mypeers
//     bind :10000                     where the local peer listens
//     server haproxy1                 the local peer: its name is that of this process (localpeer, -L)
//     server haproxy2 192.168.0.2:10000
//     table t1 type ip size 1m store http_req_rate(10s)

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { ConfigurationDraft } from "../draft.ts";
import type { PeersDraft } from "../draft-tables.ts";
import { OTHER_SECTIONS } from "../keywords/sections.ts";
import type { ConfigLine } from "../line.ts";
import { Statement } from "../statement.ts";
import { bindAddresses, peerAddress } from "../values.ts";
import { peersTable } from "./stick-table.ts";

/** Words of bind and server lines that change nothing here, and how many arguments they have. */
const WITHOUT_EFFECT: ReadonlyMap<string, number> = new Map([
  ...["check", "backup", "disabled", "enabled", "no-check", "transparent", "defer-accept", "tfo"].map(
    (word) => [word, 0] as const,
  ),
  ...["maxconn", "inter", "fall", "rise", "weight", "id", "name", "mode", "user", "group", "uid", "gid", "level"].map(
    (word) => [word, 1] as const,
  ),
]);

export function openPeers(statement: Statement, configuration: ConfigurationDraft): PeersDraft {
  const name = statement.text(1);
  if (name === "") statement.alert("missing-name", "missing name for peers section.", { at: 1 });
  const twin = configuration.peers.find((section) => section.name === name);
  if (twin !== undefined) {
    // Both would be one section; whoever wrote it twice meant something else.
    const { file, line } = twin.statement.location;
    statement.alert(
      "duplicate-name",
      `peers section '${name}' has the same name as another one declared at ${file}:${line}.`,
      { at: 1 },
    );
  }
  const draft: PeersDraft = { name, statement, disabled: false, peers: [], bind: null };
  configuration.peers.push(draft);
  return draft;
}

export function peersLine(line: ConfigLine, peers: PeersDraft, configuration: ConfigurationDraft): void {
  const statement = new Statement(line, configuration.diagnostics);
  const word = statement.text(0);
  switch (word) {
    case "peer":
    case "server":
      peer(statement, peers, configuration);
      break;
    case "bind":
      bind(statement, peers, configuration);
      break;
    case "default-bind":
    case "default-server":
      checkParameters(statement, 1);
      break;
    case "disabled":
    case "enabled":
      if (statement.takesAtMost(0)) peers.disabled = word === "disabled";
      break;
    case "table":
      peersTable(statement, peers, configuration);
      break;
    case "log":
      // What happens to sessions of peers goes to the process log.
      break;
    case "shards":
      unserved(statement, "shards", "Every peer gets every entry.");
      break;
    default:
      unknown(statement, word);
  }
}

function unknown(statement: Statement, word: string): void {
  const [best, ...suggestions] = suggest(word, OTHER_SECTIONS.get("peers")!.keywords);
  const ending = best === undefined ? "" : `; did you mean '${best}' maybe ?`;
  statement.alert("unknown-keyword", `unknown keyword '${word}' in 'peers' section${ending}`, { suggestions });
}

function unserved(statement: Statement, word: string, hint: string, at = 0): void {
  statement.alert("unserved", `'${word}' in a peers section is known to HAProxy but not served by ringway yet`, {
    at,
    hint,
  });
}

/** `peer <name> <address>`, `server <name> [<address>]` */
function peer(statement: Statement, peers: PeersDraft, configuration: ConfigurationDraft): void {
  const keyword = statement.text(0);
  const name = statement.text(1);
  if (name === "" || (keyword === "peer" && !statement.has(2))) {
    const message = `'${keyword}' expects <name> and <addr>[:<port>] as arguments.`;
    statement.alert("missing-argument", message, { at: name === "" ? 1 : 2, introduction: "located" });
    return;
  }
  if (peers.peers.some((other) => other.name === name)) {
    statement.alert("duplicate-name", `peer '${name}' is already declared in this section.`, { at: 1 });
    return;
  }
  const hasAddress = statement.has(2) && !WITHOUT_EFFECT.has(statement.text(2));
  const slot = hasAddress ? peerAddress(statement, 2, configuration) : null;
  if (hasAddress && slot === null) return;
  if (checkParameters(statement, hasAddress ? 3 : 2)) peers.peers.push({ name, statement, slot });
}

/** `bind <address> …`; a section has one. */
function bind(statement: Statement, peers: PeersDraft, configuration: ConfigurationDraft): void {
  if (peers.bind !== null) {
    const { file, line } = peers.bind.statement.location;
    statement.alert("duplicate-bind", `'bind' is already set at ${file}:${line}.`);
    return;
  }
  const slots = bindAddresses(statement, 1, configuration);
  if (slots === null || !checkParameters(statement, 2)) return;
  if (slots.length === 1) peers.bind = { slot: slots[0]!, statement };
  else statement.alert("bad-address", "'bind' of a peers section takes one address.", { at: 1 });
}

function checkParameters(statement: Statement, from: number): boolean {
  for (let at = from; at < statement.length; at++) {
    const arguments_ = WITHOUT_EFFECT.get(statement.text(at));
    if (arguments_ === undefined) {
      unserved(statement, statement.text(at), "Sessions of peers are plain TCP.", at);
      return false;
    }
    at += arguments_;
  }
  return true;
}
