// What rules do to lists of patterns: set-map, add-acl, del-map, del-acl. This worker's copy changes at once, so that the next rule sees
// it; the control plane is told, gives new entries their place and tells every worker, this one included (acl/patterns/pattern-lists.ts).
//
// An edit that changes nothing is not told: rules that set the same value with every request cost a lookup.

import { PROVISIONAL } from "../acl/patterns/entry.ts";
import type { PatternLists } from "../acl/patterns/pattern-lists.ts";
import type { Mailbox } from "./mailbox.ts";

export class PatternEdits {
  readonly #patterns: PatternLists;
  readonly #mailbox: Mailbox;
  #nextId = PROVISIONAL;

  constructor(patterns: PatternLists, mailbox: Mailbox) {
    this.#patterns = patterns;
    this.#mailbox = mailbox;
  }

  /** `set-map`: gives the key's entries this value, or appends one. Texts have one character per byte. */
  setMap(list: number, key: string, value: string): void {
    const target = this.#patterns.list(list);
    let entry = target.first(key);
    if (entry === null) target.put(target.current, this.#nextId++, key, value);
    else {
      let changes = false;
      for (; entry !== null; entry = entry.twin) {
        if (entry.value === value) continue;
        entry.value = value;
        changes = true;
      }
      if (!changes) return;
    }
    this.#mailbox.post({ type: "pattern-edit", list, kind: "put", key, value });
  }

  /** `add-acl`: appends the key where it is not there yet. */
  addAcl(list: number, key: string): void {
    const target = this.#patterns.list(list);
    if (target.first(key) !== null) return;
    target.put(target.current, this.#nextId++, key, null);
    this.#mailbox.post({ type: "pattern-edit", list, kind: "put", key, value: null });
  }

  /** `del-map`, `del-acl`: removes all entries of the key. */
  remove(list: number, key: string): void {
    const target = this.#patterns.list(list);
    let entry = target.first(key);
    if (entry === null) return;
    for (; entry !== null; entry = target.first(key)) target.remove(target.current, entry.id, key);
    this.#mailbox.post({ type: "pattern-edit", list, kind: "remove", key, value: null });
  }
}
