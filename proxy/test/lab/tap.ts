// The type of tap's test object, for functions that several tests share.

import type t from "tap";

/** What `t.test((t) => …)` hands to its function. */
export type Tap = Parameters<NonNullable<Parameters<typeof t.test>[0]>>[0];
