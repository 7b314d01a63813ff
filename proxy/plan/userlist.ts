// `userlist` sections as data.

export interface UserlistPlan {
  readonly name: string;
  readonly users: readonly UserPlan[];
}

export interface UserPlan {
  readonly name: string;
  /** As written; null: none, which no password matches. */
  readonly password: string | null;
  /** `password`: a hash of crypt(3); else it is the password itself (`insecure-password`). */
  readonly isHash: boolean;
  readonly groups: readonly string[];
}
