// Stick-tables against what names them: rules find their table, a table its peers section and the one it writes to.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { SampleType } from "../../plan/expression.ts";
import type { StickKeyType } from "../../plan/stick-table.ts";
import { canCast } from "../../sample/types.ts";
import type { ConfigurationDraft } from "../draft.ts";
import type { StickTableDraft, TableUse } from "../draft-tables.ts";
import { addStore } from "../sections/stick-table.ts";

/** As what type a sample becomes a key. */
const KEY_TYPES: Readonly<Record<StickKeyType, SampleType>> = {
  ...{ ip: "ipv4", ipv6: "ipv6", integer: "sint", string: "str", binary: "bin" },
};

export function checkStickTables(configuration: ConfigurationDraft): void {
  for (const use of configuration.tableUses) checkUse(use, configuration);
  for (const table of configuration.stickTables) checkNames(table, configuration);
  for (const peers of configuration.peers) checkPeers(peers, configuration);
}

function checkUse(use: TableUse, { stickTables }: ConfigurationDraft): void {
  const { proxy, statement, by } = use;
  const name = use.name === "" ? proxy.name : use.name;
  const table = stickTables.find((candidate) => candidate.name === name);
  if (table === undefined) {
    const suggestions = suggest(
      name,
      stickTables.map((candidate) => candidate.name),
    );
    const message =
      by === "stick"
        ? `Proxy '${proxy.name}': unable to find stick-table '${name}'.`
        : `Proxy '${proxy.name}': unable to find table '${name}' referenced by ${by}.`;
    statement.alert("unknown-table", message, { introduction: "none", suggestions });
    return;
  }
  if (!canCast(use.type, KEY_TYPES[table.keyType!])) {
    const message =
      by === "stick"
        ? `Proxy '${proxy.name}': type of fetch not usable with type of stick-table '${name}'.`
        : `Proxy '${proxy.name}': stick-table '${name}' uses a type incompatible with the '${by}' rule.`;
    statement.alert("incompatible-key", message, { introduction: "none" });
    return;
  }
  use.assign(stickTables.indexOf(table));
  if (by !== "stick") return;
  for (const store of ["server_id", "server_key"]) addStore(table, { name: store, count: 1, periodMs: 0 });
}

function checkNames(table: StickTableDraft, { peers, stickTables }: ConfigurationDraft): void {
  const { statement, proxy } = table;
  if (table.peers !== null && !peers.some((section) => section.name === table.peers)) {
    const message = `Proxy '${proxy?.name ?? table.name}': unable to find sync peers '${table.peers}'.`;
    statement.alert("unknown-peers", message, {
      introduction: "none",
      suggestions: suggest(
        table.peers,
        peers.map(({ name }) => name),
      ),
    });
  }
  if (table.writeTo === null) return;
  const target = stickTables.find((candidate) => candidate.name === table.writeTo);
  const fail = (message: string): void => statement.alert("bad-write-to", message, { introduction: "none" });
  if (target === undefined) fail(`stick-table '${table.name}': unable to find write-to table '${table.writeTo}'.`);
  else if (target === table) fail(`stick-table '${table.name}': cannot write to itself.`);
  else if (target.keyType !== table.keyType || target.keyBytes !== table.keyBytes) {
    fail(`stick-table '${table.name}': write-to table '${table.writeTo}' has a different key type or length.`);
  }
}

function checkPeers(
  { name, peers, bind, statement, disabled }: ConfigurationDraft["peers"][number],
  configuration: ConfigurationDraft,
): void {
  if (disabled) return;
  for (const peer of peers) {
    if (peer.slot !== null || bind !== null) continue;
    const message = `peers '${name}': '${peer.name}' has no address, and there is no 'bind' line that would give the local peer one.`;
    peer.statement.warning("no-address", message, { introduction: "none" });
  }
  const used = configuration.stickTables.some((table) => table.section?.name === name || table.peers === name);
  if (!used) {
    const message = `Peers section '${name}' has no table to exchange.`;
    statement.report("diag", "unused", message, { introduction: "none" });
  }
}
