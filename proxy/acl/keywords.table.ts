// The ACL keywords: a fetch and the match method it implies (`path_beg` is `path -m beg`). Data only, for config/. A name that is not
// here is a plain fetch, whose type implies the method (`defaultMatch`); binary samples need `-m`. Once a converter follows, the
// keyword's own method is ignored and the type of the last converter decides (configuration.txt 7.1).

import type { MatchMethod, SampleType } from "../plan/expression.ts";

export interface AclKeyword {
  /** Canonical name of the fetch, see sample/fetches.table.ts. */
  readonly fetch: string;
  readonly match: MatchMethod;
}

const STRING_METHODS: readonly MatchMethod[] = ["beg", "dir", "dom", "end", "len", "reg", "sub"];

function build(): ReadonlyMap<string, AclKeyword> {
  const table = new Map<string, AclKeyword>();
  const families: readonly (readonly [prefix: string, fetch: string])[] = [
    ["base", "base"],
    ["cook", "req.cook"],
    ["hdr", "req.hdr"],
    ["path", "path"],
    ["scook", "res.cook"],
    ["shdr", "res.hdr"],
    ["url", "url"],
    ["urlp", "urlp"],
  ];
  for (const [prefix, fetch] of families) {
    table.set(prefix, { fetch, match: "str" });
    for (const match of STRING_METHODS) table.set(`${prefix}_${match}`, { fetch, match });
  }
  table.set("method", { fetch: "method", match: "str" });
  table.set("req_ver", { fetch: "req.ver", match: "str" });
  table.set("resp_ver", { fetch: "res.ver", match: "str" });
  return table;
}

/** Every keyword that names fetch and method at once. */
export const ACL_KEYWORDS: ReadonlyMap<string, AclKeyword> = build();

/** The method that a sample's type implies, null: `-m` must be given. */
export function defaultMatch(type: SampleType): MatchMethod | null {
  switch (type) {
    case "bool":
      return "bool";
    case "sint":
      return "int";
    case "ipv4":
    case "ipv6":
    case "addr":
      return "ip";
    case "str":
      return "str";
    case "meth":
    case "bin":
    case "any":
      return null;
  }
}

/** The type that each method works on: the sample is cast to it; null: any type, without a cast. */
export const MATCH_INPUT: Readonly<Record<MatchMethod, SampleType | null>> = {
  found: null,
  bool: "sint",
  int: "sint",
  ip: "addr",
  bin: "bin",
  len: "str",
  str: "str",
  beg: "str",
  end: "str",
  sub: "str",
  dir: "str",
  dom: "str",
  reg: "str",
};

/** Methods that need no pattern. */
export function needsPatterns(match: MatchMethod): boolean {
  return match !== "found" && match !== "bool";
}
