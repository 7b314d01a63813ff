// Options of a bind line and of `stats socket`, section 5.1. Each parser gets the statement and the index of the option's word.

import { parseTime } from "../arguments.ts";
import { BIND_LEVELS, type BindOptions } from "../bind-draft.ts";
import type { Statement } from "../statement.ts";
import { groupId, userId } from "./accounts.ts";
import { guidPrefixProblem } from "./guid.ts";

/** Parses the option whose word stands at `at` into `options`; says what is wrong as HAProxy does, null when nothing is. */
export type BindParser = (statement: Statement, at: number, options: BindOptions) => string | null;

/** A switch. */
export function flag(
  field: "transparent" | "deferAccept" | "tcpFastOpen" | "v6only" | "v4v6" | "acceptProxy",
): BindParser {
  return (_statement, _at, options) => {
    options[field] = true;
    return null;
  };
}

/** An integer in a range. */
export function number(field: "maxconn" | "backlog" | "mss" | "id", complaints: NumberComplaints): BindParser {
  return (statement, at, options) => {
    const text = statement.text(at + 1);
    if (text === "") return complaints.missing;
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= complaints.min && value <= complaints.max)) return complaints.wrong(text);
    options[field] = value;
    return null;
  };
}

export interface NumberComplaints {
  readonly min: number;
  readonly max: number;
  readonly missing: string;
  readonly wrong: (text: string) => string;
}

export const name: BindParser = (statement, at, options) => {
  if (!statement.has(at + 1)) return "'name' : missing name";
  options.name = statement.text(at + 1);
  return null;
};

export const guidPrefix: BindParser = (statement, at, options) => {
  const problem = guidPrefixProblem(statement.text(at + 1));
  if (problem === null) options.guidPrefix = statement.text(at + 1);
  return problem;
};

export const networkInterface: BindParser = (statement, at, options) => {
  if (!statement.has(at + 1)) return "'interface' : missing interface name";
  options.interface = statement.text(at + 1);
  return null;
};

export const mode: BindParser = (statement, at, options) => {
  const text = statement.text(at + 1);
  if (!/^[0-7]+$/.test(text)) return `'mode' : missing or invalid mode '${text}' (octal integer expected)`;
  options.mode = Number.parseInt(text, 8);
  return null;
};

export const user: BindParser = (statement, at, options) => {
  const account = statement.text(at + 1);
  const id = userId(account);
  if (id === null) return account === "" ? "'user' : missing user name" : `'user' : unknown user name '${account}'`;
  options.uid = id;
  return null;
};

export const group: BindParser = (statement, at, options) => {
  const account = statement.text(at + 1);
  const id = groupId(account);
  if (id === null) return account === "" ? "'group' : missing group name" : `'group' : unknown group name '${account}'`;
  options.gid = id;
  return null;
};

/** `uid` and `gid`. */
export function accountId(field: "uid" | "gid"): BindParser {
  return (statement, at, options) => {
    const text = statement.text(at + 1);
    if (!/^\d+$/.test(text)) return `'${field}' : missing or invalid value '${text}' (integer expected)`;
    options[field] = Number(text);
    return null;
  };
}

export const level: BindParser = (statement, at, options) => {
  const text = statement.text(at + 1);
  const found = BIND_LEVELS.find((known) => known === text);
  if (found === undefined) return `'level' only supports 'user', 'operator', and 'admin' (got '${text}')`;
  options.level = found;
  return null;
};

/** `accept-netscaler-cip <magic>`: a number in C notation. */
export const netscalerMagic: BindParser = (statement, at, options) => {
  const text = statement.text(at + 1);
  if (text === "") return "'accept-netscaler-cip' : missing <magic number> value";
  const value = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && value <= 0xffffffff)) return `'accept-netscaler-cip' : invalid magic number '${text}'`;
  options.netscalerMagic = value;
  return null;
};

export const tcpUserTimeout: BindParser = (statement, at, options) => {
  const parsed = parseTime(statement.text(at + 1), "ms");
  if (!parsed.ok) return `'tcp-ut' : expects a positive delay in milliseconds`;
  options.tcpUserTimeoutMs = parsed.value.value;
  return null;
};
