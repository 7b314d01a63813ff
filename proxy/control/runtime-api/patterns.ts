// `show|get|add|set|del|clear|prepare|commit map|acl`: the lists of patterns behind ACLs and maps (management.txt §9.3). Texts and answers
// are HAProxy's. What changes a list answers when every worker has the change.

import type { PatternEntry } from "../../acl/patterns/entry.ts";
import type { PatternList } from "../../acl/patterns/pattern-lists.ts";
import {
  type Answer,
  type Command,
  type CommandCall,
  failure,
  message,
  NOTHING,
  type RuntimeContext,
} from "./command.ts";
import { lookUp } from "./pattern-lookup.ts";

type Kind = "map" | "acl";
const NAMES = { map: "map", acl: "ACL" } as const;

/** Entries are shown by a number like a pointer, and can be named by it. */
const REFERENCE_BASE = 0x550000000000;
const REFERENCES_PER_LIST = 0x100000000;
const REFERENCE_STEP = 16;

function referenceOf(list: number, { id }: PatternEntry): string {
  return `0x${(REFERENCE_BASE + list * REFERENCES_PER_LIST + id * REFERENCE_STEP).toString(16)}`;
}

/** `#0x…`: the id inside of this list, -1: not one of its references; null: the text is none at all. */
function idOf(list: number, text: string): number | null {
  if (!/^#(?:0x)?[0-9a-f]+$/i.test(text)) return null;
  const number = Number.parseInt(text.slice(1).replace(/^0x/i, ""), 16);
  const id = (number - REFERENCE_BASE - list * REFERENCES_PER_LIST) / REFERENCE_STEP;
  return Number.isInteger(id) && id >= 0 && id < REFERENCES_PER_LIST / REFERENCE_STEP ? id : -1;
}

function unknown(kind: Kind): Answer {
  return failure(`Unknown ${NAMES[kind]} identifier. Please use #<id> or <file>.\n`);
}

/** `@<ver>` in front of the arguments. */
function takeVersion(args: readonly string[]): { version: number | undefined; rest: readonly string[] } {
  const [first] = args;
  if (first === undefined || !first.startsWith("@")) return { version: undefined, rest: args };
  const digits = /^@(\d*)/.exec(first)![1]!;
  return { version: Number(digits) >>> 0, rest: args.slice(1) };
}

function find(kind: Kind, name: string, { patterns }: RuntimeContext): { index: number; list: PatternList } | null {
  const index = patterns.find(name);
  if (index < 0) return null;
  const list = patterns.lists.list(index);
  const isShown = kind === "map" ? list.plan.isMap : list.plan.isAcl;
  return isShown ? { index, list } : null;
}

function showLists(kind: Kind, { patterns }: RuntimeContext): Answer {
  const lines = patterns.lists.all
    .map((list, index) => ({ list, index }))
    .filter(({ list }) => (kind === "map" ? list.plan.isMap : list.plan.isAcl))
    .sort((a, b) => a.list.plan.id - b.list.plan.id)
    .map(({ list: { plan, current, size }, index }) => {
      const versions = `curr_ver=${current} next_ver=${patterns.nextVersion(index)} entry_cnt=${size}`;
      return `${plan.id} (${plan.name ?? ""}) ${plan.description}. ${versions}\n`;
    });
  return { text: `# id (file) description\n${lines.join("")}` };
}

function show(kind: Kind): Command["run"] {
  return ({ args }, context) => {
    const { version, rest } = takeVersion(args);
    const [name] = rest;
    if (name === undefined) return showLists(kind, context);
    const found = find(kind, name, context);
    if (found === null) return unknown(kind);
    const { index, list } = found;
    const lines = list
      .entries(version)
      .map((entry) => `${referenceOf(index, entry)} ${entry.key}${entry.value === null ? "" : ` ${entry.value}`}\n`);
    return { text: lines.join("") };
  };
}

function get(kind: Kind): Command["run"] {
  return ({ args: [name, key] }, context) => {
    if (name === undefined || key === undefined) return failure(`Missing ${NAMES[kind]} identifier and/or key.\n`);
    const found = find(kind, name, context);
    return found === null ? unknown(kind) : { text: lookUp(found.list, key, kind === "map") };
  };
}

const ADD_MAP_USAGE =
  "'add map' expects three parameters (map identifier, key and value) or one parameter (map identifier) and a payload\n";

/** `key value with blanks`, one a line. A key without a value ends it, but what stands before is added. */
function readPayload(payload: string): { entries: [string, string][]; keyWithoutValue: string | null } {
  const entries: [string, string][] = [];
  for (const line of payload.split("\n")) {
    const [, key = "", value = ""] = /^[ \t]*([^ \t]*)[ \t]*(.*)$/s.exec(line)!;
    if (key === "") continue;
    if (value === "") return { entries, keyWithoutValue: key };
    entries.push([key, value]);
  }
  return { entries, keyWithoutValue: null };
}

async function addEntries(kind: Kind, { args, payload }: CommandCall, context: RuntimeContext): Promise<Answer> {
  const { version, rest } = takeVersion(args);
  const [name, key, value] = rest;
  if (kind === "acl") {
    if (name === undefined || key === undefined) {
      return failure("'add acl' expects two parameters: ACL identifier and pattern.\n");
    }
  } else if (name === undefined || (payload === "" ? value === undefined : key !== undefined)) {
    return failure(ADD_MAP_USAGE);
  }
  const { patterns } = context;
  const index = patterns.find(name);
  if (index < 0) return unknown(kind);
  if (version !== undefined && version > patterns.nextVersion(index)) {
    return failure(`Version number in the future, please use 'prepare ${kind}' before.\n`);
  }
  if (kind === "acl" && patterns.lists.list(index).plan.values !== null) {
    return failure(
      "This ACL is shared with a map containing samples. You must use the command 'add map' to add values.\n",
    );
  }
  const { entries, keyWithoutValue } =
    payload === "" ? { entries: [[key!, value ?? ""] as const], keyWithoutValue: null } : readPayload(payload);
  const problem = patterns.add(index, version, entries);
  await patterns.settled();
  if (problem !== null) return failure(`${problem}.\n`);
  return keyWithoutValue === null ? NOTHING : failure(`Missing value for key '${keyWithoutValue}'.\n`);
}

async function setMapEntry({ args: [name, key, value] }: CommandCall, { patterns }: RuntimeContext): Promise<Answer> {
  if (name === undefined || key === undefined || value === undefined) {
    return failure("'set map' expects three parameters: map identifier, key and value.\n");
  }
  const index = patterns.find(name);
  if (index < 0) return unknown("map");
  const id = key.startsWith("#") ? idOf(index, key) : undefined;
  if (id === null) return failure("Malformed identifier. Please use #<id> or <file>.\n");
  const problem = patterns.set(index, id === undefined ? { key } : { id }, value);
  await patterns.settled();
  return problem === null ? NOTHING : failure(`${problem}.\n`);
}

function del(kind: Kind): Command["run"] {
  return async ({ args: [name, key] }, { patterns }) => {
    if (name === undefined || key === undefined) {
      return failure(`This command expects two parameters: ${NAMES[kind]} identifier and key.\n`);
    }
    const index = patterns.find(name);
    if (index < 0) return unknown(kind);
    const id = key.startsWith("#") ? idOf(index, key) : undefined;
    if (id === null) return failure("Malformed identifier. Please use #<id> or <file>.\n");
    if (!patterns.remove(index, id === undefined ? { key } : { id })) return failure("Key not found.\n");
    await patterns.settled();
    return NOTHING;
  };
}

function clear(kind: Kind): Command["run"] {
  return async ({ args }, { patterns }) => {
    const { version, rest } = takeVersion(args);
    const [name] = rest;
    if (name === undefined) return failure(`Missing ${NAMES[kind]} identifier.\n`);
    const index = patterns.find(name);
    if (index < 0) return unknown(kind);
    patterns.clear(index, version);
    await patterns.settled();
    return NOTHING;
  };
}

function prepare(kind: Kind): Command["run"] {
  return ({ args: [name = ""] }, { patterns }) => {
    const index = patterns.find(name);
    return index < 0 ? unknown(kind) : message(`New version created: ${patterns.prepare(index)}\n`);
  };
}

function commit(kind: Kind): Command["run"] {
  return async ({ args }, { patterns }) => {
    const { version, rest } = takeVersion(args);
    const [name] = rest;
    if (version === undefined) return failure("Missing version number.\n");
    if (name === undefined) return failure(`Missing ${NAMES[kind]} identifier.\n`);
    const index = patterns.find(name);
    if (index < 0) return unknown(kind);
    if (!patterns.commit(index, version)) return failure("Version number out of range.\n");
    await patterns.settled();
    return NOTHING;
  };
}

const add = (kind: Kind): Command["run"] => {
  return (call, context) => addEntries(kind, call, context);
};

function command(verb: string, kind: Kind, usage: string, description: string, run: Command["run"]): Command {
  return { words: [verb, kind], usage: `${verb} ${kind} ${usage}`, description, level: "user", run };
}

// biome-ignore format: a table
export const PATTERN_COMMANDS: readonly Command[] = [
  command("add", "acl", "[@<ver>] <acl> <pattern>", "add an acl entry", add("acl")),
  command("add", "map", "[@<ver>] <map> <key> <val>", "add a map entry (payload supported instead of key/val)", add("map")),
  command("clear", "acl", "[@<ver>] <acl>", "clear the contents of this acl", clear("acl")),
  command("clear", "map", "[@<ver>] <map>", "clear the contents of this map", clear("map")),
  command("commit", "acl", "@<ver> <acl>", "commit the ACL at this version", commit("acl")),
  command("commit", "map", "@<ver> <map>", "commit the map at this version", commit("map")),
  command("del", "acl", "<acl> [<key>|#<ref>]", "delete acl entries matching <key>", del("acl")),
  command("del", "map", "<map> [<key>|#<ref>]", "delete map entries matching <key>", del("map")),
  command("get", "acl", "<acl> <value>", "report the patterns matching a sample for an ACL", get("acl")),
  command("get", "map", "<map> <value>", "report the keys and values matching a sample for a map", get("map")),
  command("prepare", "acl", "<acl>", "prepare a new version for atomic ACL replacement", prepare("acl")),
  command("prepare", "map", "<map>", "prepare a new version for atomic map replacement", prepare("map")),
  command("set", "map", "<map> [<key>|#<ref>] <value>", "modify a map entry", setMapEntry),
  command("show", "acl", "[@<ver>] <acl>", "report available acls or dump an acl's contents", show("acl")),
  command("show", "map", "[@<ver>] [map]", "report available maps or dump a map's contents", show("map")),
];
