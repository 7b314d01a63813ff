// All lists of patterns of a process, as one thread has them: entries by version, and per version the sets that expressions look up.
//
//   list ─┬─ version 0 (current) ─┬─ entries by key
//         │                       └─ sets: [str], [beg -i], …   one for each way in which some expression uses the list
//         └─ version 1 (prepared)   the same, filled before it becomes current: a commit is a change of one pointer
//
// The control plane's copy is the one that counts (control/patterns/): it gives ids and tells the workers every change as a PatternChange.
// A worker's own rules change its copy at once (worker/pattern-changes.ts): such entries have provisional ids until the answer comes.
// Changes name entries by id and key, and are such that applying them twice does no harm.

import type { PatternListPlan, PatternUse } from "../../plan/expression.ts";
import { AddressSet } from "./address-tree.ts";
import { PatternEntry, type PatternSet, PROVISIONAL } from "./entry.ts";
import { IntegerSet } from "./integer-set.ts";
import { MethodSet } from "./method-set.ts";
import { RegexSet } from "./regex-set.ts";
import { BlockSet, ExactSet, PrefixSet, SubstringSet, SuffixSet, WordSet } from "./text-sets.ts";

/** What happened to a list. Versions are HAProxy's: unsigned 32-bit numbers. */
export type PatternChange =
  /** Entries that are new, or whose value is; `values` null: keys only. */
  | {
      readonly kind: "put";
      readonly list: number;
      readonly version: number;
      readonly ids: readonly number[];
      readonly keys: readonly string[];
      readonly values: readonly string[] | null;
    }
  | {
      readonly kind: "remove";
      readonly list: number;
      readonly version: number;
      readonly id: number;
      readonly key: string;
    }
  | { readonly kind: "clear"; readonly list: number; readonly version: number }
  /** The version becomes the current one; all others that are older than it are forgotten (`dropped`). */
  | { readonly kind: "commit"; readonly list: number; readonly version: number; readonly dropped: readonly number[] };

/** How a list is looked up by an expression. `set` changes when another version becomes current. */
export interface PatternView<Set extends PatternSet = PatternSet> {
  set: Set;
}

type Method = Pick<PatternUse, "match" | "ignoreCase" | "isMethod">;

/** An empty set for a method that looks at patterns. */
function newSet({ match, ignoreCase, isMethod }: Method): PatternSet {
  switch (match) {
    case "int":
      return new IntegerSet(false);
    case "len":
      return new IntegerSet(true);
    case "ip":
      return new AddressSet();
    case "bin":
      return new BlockSet();
    case "beg":
      return new PrefixSet(ignoreCase);
    case "end":
      return new SuffixSet(ignoreCase);
    case "sub":
      return new SubstringSet(ignoreCase);
    case "dir":
      return new WordSet("/", ignoreCase);
    case "dom":
      return new WordSet("/?.:", ignoreCase);
    case "reg":
      return new RegexSet(ignoreCase);
    case "str":
      return isMethod ? new MethodSet(ignoreCase) : new ExactSet(ignoreCase);
    case "bool":
    case "found":
      throw new Error(`the method ${match} has no patterns`);
  }
}

/** One version of a list. */
class Version {
  /** Key → its entries, chained by rising id. */
  readonly entries = new Map<string, PatternEntry>();
  /** By the index of the list's uses. */
  readonly sets: PatternSet[] = [];
  count = 0;

  /** Every entry, in the order of their ids. */
  sorted(): PatternEntry[] {
    const all: PatternEntry[] = [];
    for (const entry of this.entries.values())
      for (let at: PatternEntry | null = entry; at !== null; at = at.twin) all.push(at);
    return all.sort((a, b) => a.id - b.id);
  }

  add(entry: PatternEntry): void {
    const first = this.entries.get(entry.key);
    if (first === undefined || first.id > entry.id) {
      entry.twin = first ?? null;
      this.entries.set(entry.key, entry);
    } else {
      let at = first;
      while (at.twin !== null && at.twin.id < entry.id) at = at.twin;
      entry.twin = at.twin;
      at.twin = entry;
    }
    this.count++;
    for (const set of this.sets) set.add(entry);
  }

  remove(entry: PatternEntry): void {
    const first = this.entries.get(entry.key);
    if (first === undefined) return;
    if (first === entry) {
      if (entry.twin === null) this.entries.delete(entry.key);
      else this.entries.set(entry.key, entry.twin);
    } else {
      let at = first;
      while (at.twin !== null && at.twin !== entry) at = at.twin;
      if (at.twin === null) return;
      at.twin = entry.twin;
    }
    this.count--;
    for (const set of this.sets) set.remove(entry);
  }
}

export class PatternList {
  readonly plan: PatternListPlan;
  current = 0;
  readonly #versions = new Map<number, Version>();
  readonly #uses: { readonly method: Method; readonly view: PatternView }[] = [];

  constructor(plan: PatternListPlan) {
    this.plan = plan;
    const version = this.#version(0);
    plan.keys.forEach((key, id) => {
      version.add(new PatternEntry(id, key, plan.values === null ? null : plan.values[id]!));
    });
  }

  /** The way to look the list up by a method; made on its first use. */
  view(method: Method): PatternView {
    const known = this.#uses.find(
      ({ method: { match, ignoreCase, isMethod } }) =>
        match === method.match && ignoreCase === method.ignoreCase && isMethod === method.isMethod,
    );
    if (known !== undefined) return known.view;
    for (const version of this.#versions.values()) {
      const set = newSet(method);
      for (const entry of version.sorted()) set.add(entry);
      version.sets.push(set);
    }
    const view: PatternView = { set: this.#version(this.current).sets[this.#uses.length]! };
    this.#uses.push({ method, view });
    return view;
  }

  #version(number: number): Version {
    let version = this.#versions.get(number);
    if (version === undefined) {
      version = new Version();
      for (const { method } of this.#uses) version.sets.push(newSet(method));
      this.#versions.set(number, version);
    }
    return version;
  }

  /** Numbers of all versions that hold something, and of the current one. */
  get versions(): number[] {
    return [...this.#versions.keys()];
  }

  /** Entries of all versions. */
  get size(): number {
    let size = 0;
    for (const { count } of this.#versions.values()) size += count;
    return size;
  }

  /** A version's entries in their order. */
  entries(version = this.current): PatternEntry[] {
    return this.#versions.get(version)?.sorted() ?? [];
  }

  /** The first entry of a key; its `twin`s are the others. */
  first(key: string, version = this.current): PatternEntry | null {
    return this.#versions.get(version)?.entries.get(key) ?? null;
  }

  byId(id: number, version = this.current): PatternEntry | null {
    for (const entry of this.#versions.get(version)?.entries.values() ?? []) {
      for (let at: PatternEntry | null = entry; at !== null; at = at.twin) if (at.id === id) return at;
    }
    return null;
  }

  put(version: number, id: number, key: string, value: string | null): void {
    const target = this.#version(version);
    let entry = target.entries.get(key) ?? null;
    while (entry !== null && entry.id !== id && entry.id < PROVISIONAL) entry = entry.twin;
    if (entry !== null && entry.id === id) {
      entry.value = value;
      return;
    }
    if (entry !== null) target.remove(entry);
    target.add(new PatternEntry(id, key, value));
  }

  remove(version: number, id: number, key: string): void {
    const target = this.#version(version);
    let entry = target.entries.get(key) ?? null;
    while (entry !== null && entry.id !== id) entry = entry.twin;
    if (entry !== null) target.remove(entry);
  }

  clear(version: number): void {
    this.#versions.delete(version);
    if (version === this.current) this.#look();
  }

  commit(version: number, dropped: readonly number[]): void {
    this.current = version;
    this.#look();
    for (const old of dropped) if (old !== version) this.#versions.delete(old);
  }

  /** Lets every view look at the current version. */
  #look(): void {
    const { sets } = this.#version(this.current);
    this.#uses.forEach(({ view }, i) => {
      view.set = sets[i]!;
    });
  }
}

export class PatternLists {
  readonly #lists: PatternList[];

  constructor(plans: readonly PatternListPlan[]) {
    this.#lists = plans.map((plan) => new PatternList(plan));
  }

  list(index: number): PatternList {
    return this.#lists[index]!;
  }

  get all(): readonly PatternList[] {
    return this.#lists;
  }

  /** One more list; its index. */
  load(plan: PatternListPlan): number {
    return this.#lists.push(new PatternList(plan)) - 1;
  }

  apply(change: PatternChange): void {
    const list = this.#lists[change.list]!;
    switch (change.kind) {
      case "put":
        for (let i = 0; i < change.ids.length; i++) {
          list.put(change.version, change.ids[i]!, change.keys[i]!, change.values === null ? null : change.values[i]!);
        }
        break;
      case "remove":
        list.remove(change.version, change.id, change.key);
        break;
      case "clear":
        list.clear(change.version);
        break;
      case "commit":
        list.commit(change.version, change.dropped);
        break;
    }
  }
}
