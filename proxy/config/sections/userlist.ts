// `userlist <name>`: users with passwords, and groups (configuration.txt 12.2).

import { canCrypt, crypt } from "../../../shared/ffi/crypt.ts";
import type { UserlistPlan } from "../../plan/userlist.ts";
import type { ConfigurationDraft } from "../draft.ts";
import type { ConfigLine } from "../line.ts";
import { Statement } from "../statement.ts";

interface UserDraft {
  readonly name: string;
  readonly statement: Statement;
  password: string | null;
  isHash: boolean;
  groups: string[];
}

export interface UserlistDraft {
  readonly name: string;
  readonly users: UserDraft[];
  readonly groups: { readonly name: string; readonly users: readonly string[]; readonly statement: Statement }[];
}

export function openUserlist(statement: Statement, { userlists }: ConfigurationDraft): UserlistDraft {
  const name = statement.text(1);
  const list: UserlistDraft = { name, users: [], groups: [] };
  if (name === "") {
    statement.alert("missing-name", "'userlist' expects <name> as arguments.", { at: 1, introduction: "tight" });
  } else if (userlists.some((other) => other.name === name)) {
    statement.warning("duplicate-name", `ignoring duplicated userlist '${name}'.`, { at: 1, introduction: "tight" });
    return list;
  }
  userlists.push(list);
  return list;
}

export function userlistLine(line: ConfigLine, list: UserlistDraft, configuration: ConfigurationDraft): void {
  const statement = new Statement(line, configuration.diagnostics);
  const keyword = statement.text(0);
  if (keyword !== "user" && keyword !== "group") {
    const message = `unknown keyword '${keyword}' in 'userlist' section`;
    statement.alert("unknown-keyword", message, { introduction: "tight", suggestions: ["user", "group"] });
  } else if (!statement.has(1)) {
    statement.alert("missing-name", `'${keyword}' expects <name> as arguments.`, { at: 1, introduction: "tight" });
  } else if (keyword === "user") user(statement, list);
  else group(statement, list);
}

/** `group <name> [users <user>,<user>…]` */
function group(statement: Statement, list: UserlistDraft): void {
  const name = statement.text(1);
  if (list.groups.some((other) => other.name === name)) {
    const message = `ignoring duplicated group '${name}' in userlist '${list.name}'.`;
    statement.warning("duplicate-name", message, { at: 1, introduction: "tight" });
    return;
  }
  const users: string[] = [];
  for (let at = 2; at < statement.length; at += 2) {
    if (statement.text(at) !== "users") {
      statement.alert("unknown-word", "'group' only supports 'users' option.", { at, introduction: "tight" });
      return;
    }
    users.push(...names(statement.text(at + 1)));
  }
  list.groups.push({ name, users, statement });
}

function names(text: string): string[] {
  return text.split(",").filter((name) => name !== "");
}

/** `user <name> [password <hash> | insecure-password <password>] [groups <group>,<group>…]` */
function user(statement: Statement, list: UserlistDraft): void {
  const name = statement.text(1);
  if (list.users.some((other) => other.name === name)) {
    const message = `ignoring duplicated user '${name}' in userlist '${list.name}'.`;
    statement.warning("duplicate-name", message, { at: 1, introduction: "tight" });
    return;
  }
  const draft: UserDraft = { name, statement, password: null, isHash: false, groups: [] };
  for (let at = 2; at < statement.length; at += 2) {
    const word = statement.text(at);
    const text = statement.text(at + 1);
    if (word === "password" || word === "insecure-password") {
      draft.password = text;
      draft.isHash = word === "password";
      if (draft.isHash) checkHash(statement, at + 1, text);
    } else if (word === "groups") draft.groups.push(...names(text));
    else {
      const message = "'user' only supports 'password', 'insecure-password' and 'groups' options.";
      statement.alert("unknown-word", message, { at, introduction: "tight" });
      return;
    }
  }
  list.users.push(draft);
}

/** A hash that this system cannot compute would refuse its user for ever. */
function checkHash(statement: Statement, at: number, hash: string): void {
  if (!canCrypt()) {
    const message =
      "'password' needs libcrypt, which is not to be found on this system: no hashed password can be checked.";
    statement.alert("no-crypt", message, { at, introduction: "tight", hint: "'insecure-password' needs nothing." });
  } else if (crypt("", hash) === null) {
    const message = "this system's crypt() does not know this kind of hash: its user will never be let in.";
    statement.warning("unknown-hash", message, { at, introduction: "tight" });
  }
}

/** Groups named by users, and users named by groups, must be there. */
export function checkUserlists({ userlists }: ConfigurationDraft): void {
  for (const { name, users, groups } of userlists) {
    for (const { name: group, users: members, statement } of groups) {
      for (const member of members) {
        if (users.some((one) => one.name === member)) continue;
        const message = `userlist '${name}': no such user '${member}' specified in group '${group}'`;
        statement.alert("unknown-user", message, { at: 1, introduction: "none" });
      }
    }
    for (const one of users) {
      for (const group of one.groups) {
        if (groups.some((other) => other.name === group)) continue;
        const message = `userlist '${name}': no such group '${group}' specified in user '${one.name}'`;
        one.statement.alert("unknown-group", message, { at: 1, introduction: "none" });
      }
    }
  }
}

export function buildUserlist({ name, users, groups }: UserlistDraft): UserlistPlan {
  return {
    name,
    users: users.map((user) => ({
      ...{ name: user.name, password: user.password, isHash: user.isHash },
      groups: groups
        .filter((group) => user.groups.includes(group.name) || group.users.includes(user.name))
        .map((group) => group.name),
    })),
  };
}
