// Who a client says it is, and whether that is true: HTTP Basic authentication against `userlist` sections.
//
// Hashes are checked by crypt(3), which takes milliseconds on purpose. What it said is remembered, right or wrong, by a keyed digest of user
// and password, so that a client that comes with every request costs it once. The memory is bounded; nothing of it is a password.

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { crypt } from "../../shared/ffi/crypt.ts";
import type { UserlistPlan, UserPlan } from "../plan/userlist.ts";

const REMEMBERED_MAX = 4096;

/** `Basic dXNlcjpwYXNz`, taken apart; null: it is something else. */
export function readBasic(header: string): { readonly user: string; readonly password: string } | null {
  const encoded = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(header)?.[1];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, "base64").toString("latin1");
  const colon = text.indexOf(":");
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

export class Userlists {
  readonly #lists: readonly ReadonlyMap<string, UserPlan>[];
  readonly #key = randomBytes(32);
  /** The oldest first. */
  readonly #remembered = new Map<string, boolean>();

  constructor(plans: readonly UserlistPlan[]) {
    this.#lists = plans.map(({ users }) => new Map(users.map((user) => [user.name, user])));
  }

  /** The user of the list, if the password is right; null: nobody. */
  authenticate(list: number, name: string, password: string): UserPlan | null {
    const user = this.#lists[list]!.get(name);
    if (user === undefined || user.password === null) return null;
    const isRight = user.isHash ? this.#checkHash(list, user, password) : sameText(password, user.password);
    return isRight ? user : null;
  }

  #checkHash(list: number, user: UserPlan, password: string): boolean {
    const digest = createHmac("sha256", this.#key)
      .update(`${list}\0${user.name}\0${password}`, "latin1")
      .digest("base64");
    const before = this.#remembered.get(digest);
    if (before !== undefined) return before;
    // C strings end at a NUL: a password with one in it is not the one before it.
    const hash = password.includes("\0") ? null : crypt(password, user.password!);
    const isRight = hash !== null && sameText(hash, user.password!);
    if (this.#remembered.size === REMEMBERED_MAX) this.#remembered.delete(this.#remembered.keys().next().value!);
    this.#remembered.set(digest, isRight);
    return isRight;
  }
}

/** Compares without telling by its time where two texts differ. */
function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, "latin1"), Buffer.from(b, "latin1")];
  return left.length === right.length && timingSafeEqual(left, right);
}
