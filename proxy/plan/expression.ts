// Samples, ACLs and conditions as data: what config/ has checked and sample/, acl/ compile to functions in each worker.

/** Types of HAProxy's sample language. `any`: known only when there is a value (what json_query finds). */
export type SampleType = "bool" | "sint" | "ipv4" | "ipv6" | "addr" | "str" | "bin" | "meth" | "any";

/** A fetch and the converters behind it: `req.hdr(host),lower`. */
export interface SamplePlan {
  readonly fetch: string;
  readonly arguments: readonly (string | number)[];
  readonly converters: readonly ConverterCallPlan[];
  /** Of the fetch `acl`: what the ACLs that it names come to. */
  readonly condition?: ConditionPlan;
}

export interface ConverterCallPlan {
  readonly name: string;
  readonly arguments: readonly (string | number)[];
  /** Of `when(acl,…)`. */
  readonly condition?: ConditionPlan;
}

export type MatchMethod =
  | "bool"
  | "int"
  | "ip"
  | "str"
  | "beg"
  | "end"
  | "sub"
  | "dir"
  | "dom"
  | "reg"
  | "len"
  | "bin"
  | "found";

/** What a map gives for a matching key: its value as it is, as a number, as an address, or the key itself. */
export type MapOutput = "str" | "int" | "ip" | "key";

/** How an expression looks a list of patterns up. */
export interface PatternUse {
  readonly match: MatchMethod;
  /** `-i` in front of the list. */
  readonly ignoreCase: boolean;
  /** The sample is the request's method: known methods compare by number. */
  readonly isMethod: boolean;
  /** null: an ACL, which asks only whether a pattern matches. */
  readonly output: MapOutput | null;
}

/** Patterns that ACLs and maps look up, and that the runtime API and rules change: a file, or what stands on an `acl` line. */
export interface PatternListPlan {
  /** HAProxy's number of the list, `#id` for the runtime API: given by `-u`, or counted. */
  readonly id: number;
  /** The file as the configuration names it (without `opt@`, `file@`); null: the patterns of one `acl` line. */
  readonly name: string | null;
  /** What `show acl` and `show map` say about it. */
  readonly description: string;
  readonly isAcl: boolean;
  readonly isMap: boolean;
  /** As text: `int` ones as HAProxy writes them (`lt 5`, `1:10`), `ip` as address[/mask]. */
  readonly keys: readonly string[];
  /** The maps' values, by the same index; null: keys only. */
  readonly values: readonly string[] | null;
  readonly uses: readonly PatternUse[];
}

/** One `acl` line (or one anonymous `{ … }`): the sample matches when a pattern of any of the lists does. */
export interface AclTestPlan {
  readonly sample: SamplePlan;
  readonly match: MatchMethod;
  /** `list` is an index into `Plan.patternLists`. */
  readonly lists: readonly { readonly list: number; readonly ignoreCase: boolean }[];
}

export type ConditionPlan =
  | { readonly kind: "and"; readonly terms: readonly ConditionPlan[] }
  | { readonly kind: "or"; readonly terms: readonly ConditionPlan[] }
  | { readonly kind: "not"; readonly term: ConditionPlan }
  /** A named ACL: all lines of that name in the proxy, the first that matches decides. */
  | { readonly kind: "acl"; readonly name: string; readonly tests: readonly AclTestPlan[] };
