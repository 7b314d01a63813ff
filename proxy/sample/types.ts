// The types of the sample language by number, and which type may become which. Data only: config/ checks expressions with it,
// the workers compile by it. What a cast does to a value stands in cast.ts.

import type { SampleType } from "../plan/expression.ts";

/** Numbers of the types, as they stand in `SampleValue.type`. */
export const TYPE = {
  bool: 0,
  sint: 1,
  ipv4: 2,
  ipv6: 3,
  /** Either family; a value always has one of the two, only signatures say `addr`. */
  addr: 4,
  str: 5,
  bin: 6,
  meth: 7,
  /** Only in signatures, too. */
  any: 8,
} as const satisfies Record<SampleType, number>;

const NONE: readonly SampleType[] = [];
const ALL: readonly SampleType[] = ["bool", "sint", "ipv4", "ipv6", "addr", "str", "bin", "meth"];

/**
 * What each type may be cast to (configuration.txt 7.1, the compatibility matrix, and what `haproxy -c` accepts). A cast that is
 * allowed may still fail for a value (a string that is no address): then the sample is "not found".
 */
const CASTS: Readonly<Record<SampleType, readonly SampleType[]>> = {
  bool: ["bool", "sint", "str", "bin"],
  sint: ["bool", "sint", "ipv4", "ipv6", "addr", "str", "bin"],
  ipv4: ["sint", "ipv4", "ipv6", "addr", "str", "bin"],
  ipv6: ["ipv4", "ipv6", "addr", "str", "bin"],
  addr: ["ipv4", "ipv6", "addr", "str", "bin"],
  str: ALL,
  bin: ["str", "bin", "meth"],
  meth: ["str", "bin", "meth"],
  any: ALL,
};

/** Whether a value of type `from` may be used where `to` is wanted. */
export function canCast(from: SampleType, to: SampleType): boolean {
  return to === "any" || (CASTS[from] ?? NONE).includes(to);
}
