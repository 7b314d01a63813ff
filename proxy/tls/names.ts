// Which certificates of a listener are for which server name. Exact names come before wildcards (`*.` stands for one label); with several kinds of
// keys for a name OpenSSL takes the one that the client can use. Pure: what a group of entries becomes is the caller's.

import type { CertificatePlan, TlsEntryPlan } from "../plan/tls.ts";

type KeyType = CertificatePlan["keyType"];

/** Names of one listener. */
export interface NameTable<T> {
  /** Also names that a line takes out of its wildcards (`!a.example.com`); null: nobody has it. */
  readonly exact: ReadonlyMap<string, T | null>;
  /** By what follows the first label: `.example.com`. */
  readonly wild: ReadonlyMap<string, T>;
  /** `*`: what everybody gets whose name is nobody's. */
  readonly any: T | null;
}

/** @param make a value for entries of different key types and the same policy, the same one for the same entries */
export function groupEntries<T>(
  entries: readonly TlsEntryPlan[],
  make: (entries: readonly TlsEntryPlan[]) => T,
): { readonly initial: T; readonly names: NameTable<T> } {
  const exactEntries = new Map<string, TlsEntryPlan[]>();
  const wildEntries = new Map<string, TlsEntryPlan[]>();
  const anyEntries: TlsEntryPlan[] = [];
  const remember = (map: Map<string, TlsEntryPlan[]>, key: string, entry: TlsEntryPlan): void => {
    const known = map.get(key);
    if (known === undefined) map.set(key, [entry]);
    else known.push(entry);
  };
  const special = new Set<string>();
  for (const entry of entries) {
    for (const filter of entry.filters) if (filter.startsWith("!")) special.add(filter.slice(1).toLowerCase());
    for (const name of namesOf(entry)) {
      if (name === "*") anyEntries.push(entry);
      else if (name.startsWith("*.")) remember(wildEntries, name.slice(1), entry);
      else {
        special.add(name);
        remember(exactEntries, name, entry);
      }
    }
  }
  const exact = new Map<string, T | null>();
  for (const name of special) {
    const dot = name.indexOf(".");
    const wild = (dot < 0 ? undefined : wildEntries.get(name.slice(dot))) ?? [];
    const fitting = [...(exactEntries.get(name) ?? []), ...wild.filter((entry) => !excludes(entry, name))];
    exact.set(name, fitting.length === 0 ? null : make(oneOfEachKey(fitting)));
  }
  const wild = new Map([...wildEntries].map(([suffix, group]) => [suffix, make(oneOfEachKey(group))]));
  const any = anyEntries.length === 0 ? null : make(oneOfEachKey(anyEntries));
  return { initial: make(firstGroup(entries)), names: { exact, wild, any } };
}

/** Lower case, without what is taken out. */
function namesOf({ certificate, filters }: TlsEntryPlan): readonly string[] {
  if (filters.length === 0) return certificate.names;
  return filters.filter((filter) => !filter.startsWith("!")).map((filter) => filter.toLowerCase());
}

const excludes = ({ filters }: TlsEntryPlan, name: string): boolean =>
  filters.some((filter) => filter.startsWith("!") && filter.slice(1).toLowerCase() === name);

/** The first of each key type, as long as it has the first one's policy: they share a context. */
function oneOfEachKey(entries: readonly TlsEntryPlan[]): TlsEntryPlan[] {
  const chosen = new Map<KeyType, TlsEntryPlan>();
  for (const entry of entries) {
    const { keyType } = entry.certificate;
    if (!chosen.has(keyType) && entry.policy === entries[0]!.policy) chosen.set(keyType, entry);
  }
  return [...chosen.values()];
}

/** The first entry, with those of other key types that have the very same names. */
function firstGroup(entries: readonly TlsEntryPlan[]): TlsEntryPlan[] {
  const [first] = entries;
  if (first === undefined) return [];
  const idOf = (entry: TlsEntryPlan): string => [...namesOf(entry)].sort().join(" ") || entry.certificate.file;
  return oneOfEachKey(entries.filter((entry) => idOf(entry) === idOf(first)));
}

/** Null: no name of the table is meant. @param name lower case */
export function findName<T>({ exact, wild, any }: NameTable<T>, name: string): T | null {
  const found = exact.get(name);
  if (found !== undefined) return found ?? any;
  const dot = name.indexOf(".");
  return (dot < 0 ? undefined : wild.get(name.slice(dot))) ?? any;
}
