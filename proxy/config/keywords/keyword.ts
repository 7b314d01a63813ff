// What a keyword of HAProxy's configuration language is to ringway. The tables in this folder are the only registry: the parser, the
// suggestions ("did you mean"), `-dK` and the reference page (../REFERENCE.md) all derive from them.
//
// Every keyword of HAProxy 3.2 has a row, and so has every keyword that HAProxy once had and answers with a text of its own.
// A row never silently ignores anything: it is parsed, or accepted for a reason that it states, or refused.

/**
 * - `served`: parsed, and done at run time as HAProxy does it.
 * - `inert`: accepted because ignoring it harms nothing; the remark says why.
 * - `unserved`: known but not served yet; an error that says what there is instead.
 * - `gone`: left HAProxy; an error in HAProxy's words (the remark).
 */
export type Standing = "served" | "inert" | "unserved" | "gone";

/** Kinds of sections a proxy keyword may stand in, one letter each: defaults, frontend, listen, backend. */
export type SectionLetters = string;

export interface Keyword<Parse = null> {
  /** All its words: `timeout client`, `option httplog`. */
  readonly name: string;
  readonly standing: Standing;
  /** Its arguments as the documentation writes them, "" when it has none. */
  readonly usage: string;
  /** `inert`: why ignoring is harmless. `unserved`: what is served instead. `gone`: HAProxy's text. `served`: limits, if any. */
  readonly remark: string;
  /** Section of HAProxy 3.2's configuration manual that describes it. */
  readonly manual: string;
  /** Proxy keywords: where it is allowed (letters of "DFLB"). Other families: "". */
  readonly sections: SectionLetters;
  /** Options of bind and server lines: how many arguments follow, -1 when that varies. */
  readonly takes: number;
  readonly parse: Parse | null;
}

/** The manual's anchor of a keyword. */
export function manualUrl(keyword: { readonly name: string; readonly manual: string }): string {
  return `https://docs.haproxy.org/3.2/configuration.html#${keyword.manual}-${encodeURIComponent(keyword.name)}`;
}

/** Where the reference page made of these tables stands; errors about unserved keywords point to it. */
export const REFERENCE_PAGE = "proxy/config/REFERENCE.md";

/** All keywords of one family (global, proxy, bind …), found by their name. */
export class KeywordTable<Parse> {
  readonly list: readonly Keyword<Parse>[];
  readonly #byName = new Map<string, Keyword<Parse>>();

  constructor(...parts: readonly (readonly Keyword<Parse>[])[]) {
    this.list = parts.flat();
    for (const keyword of this.list) {
      if (this.#byName.has(keyword.name)) throw new Error(`keyword '${keyword.name}' stands twice in its table`);
      this.#byName.set(keyword.name, keyword);
    }
  }

  find(name: string): Keyword<Parse> | null {
    return this.#byName.get(name) ?? null;
  }

  /** Words that may follow `first` (`timeout` → client, server …), empty when no keyword begins with that word and a blank. */
  following(first: string): string[] {
    const prefix = `${first} `;
    return this.list
      .filter((keyword) => keyword.name.startsWith(prefix))
      .map((keyword) => keyword.name.slice(prefix.length));
  }

  /** First words that may be proposed for an unknown one: what is gone is never proposed. */
  proposals(accepts: (keyword: Keyword<Parse>) => boolean = () => true): string[] {
    const usable = this.list.filter((keyword) => keyword.standing !== "gone" && accepts(keyword));
    return [...new Set(usable.map((keyword) => keyword.name.split(" ")[0]!))];
  }
}

/** Rows of one section of the manual; the functions below make them. */
export type Row<Parse> = Omit<Keyword<Parse>, "manual">;

/** Gives the rows of one section of the manual its number. */
export function manual<Parse>(section: string, rows: readonly Row<Parse>[]): Keyword<Parse>[] {
  return rows.map((row) => ({ ...row, manual: section }));
}

const BARE = { sections: "", takes: 0, remark: "", parse: null } as const;

export function served<Parse>(name: string, usage: string, parse: Parse, remark = ""): Row<Parse> {
  return { ...BARE, name, standing: "served", usage, parse, remark };
}

export function inert(name: string, usage: string, remark: string): Row<never> {
  return { ...BARE, name, standing: "inert", usage, remark };
}

export function unserved(name: string, usage: string, remark: string): Row<never> {
  return { ...BARE, name, standing: "unserved", usage, remark };
}

/** Several keywords that are harmless for the same reason. */
export function inertAll(remark: string, rows: readonly (readonly [name: string, usage: string])[]): Row<never>[] {
  return rows.map(([name, usage]) => inert(name, usage, remark));
}

/** Several keywords that are not served for the same reason. */
export function unservedAll(remark: string, rows: readonly (readonly [name: string, usage: string])[]): Row<never>[] {
  return rows.map(([name, usage]) => unserved(name, usage, remark));
}

export function gone(name: string, remark: string): Row<never> {
  return { ...BARE, name, standing: "gone", usage: "", remark };
}

/** The same row, for a proxy keyword: allowed in the sections of these letters. */
export function within<Parse>(sections: SectionLetters, rows: readonly Row<Parse>[]): Row<Parse>[] {
  return rows.map((row) => ({ ...row, sections }));
}

/** The same row, for an option of a bind or server line that takes `takes` arguments. */
export function taking<Parse>(takes: number, rows: readonly Row<Parse>[]): Row<Parse>[] {
  return rows.map((row) => ({ ...row, takes }));
}
