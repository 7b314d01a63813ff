// Where the parts of one stick-table stand in the shared state. All of it are 32-bit words:
//
//   header    16 words                 number of entries, where the next search for an old one begins
//   meta      slots                    who uses the slot (table.ts)
//   hashes    slots                    hash of the slot's key, so that a search looks at neighbouring words
//   expiries  slots                    when the entry ends, milliseconds of the shared clock
//   changed   slots, ring 2^n          only where peers want to know what changed: see changes.ts
//   rows      slots × rowWords         key and data
//
// There are twice as many slots as entries: a key stands within WINDOW slots of where its hash points, and half of them being free, a window
// that is full is one in a million. Pages that no entry has touched cost no memory.

import type { StickTablePlan } from "../plan/stick-table.ts";
import { DATA_TYPE_BY_NAME, DATA_TYPES, KIND_WORDS } from "./data-types.ts";

export const WINDOW = 64;
export const HEADER_WORDS = 16;
/** Words of the header. */
export const TABLE_HEADER = {
  /** Entries, those that are about to come included. */
  count: 0,
  /** Where the next search for an old entry begins. */
  hand: 1,
  /** Changes that were put into the ring, and those taken out. */
  changesHead: 2,
  changesTail: 3,
} as const;

export interface StickTableLayout {
  readonly slots: number;
  readonly homes: number;
  readonly keyWords: number;
  readonly rowWords: number;
  /** Word offsets from the table's first. */
  readonly metaAt: number;
  readonly hashesAt: number;
  readonly expiriesAt: number;
  readonly changedAt: number;
  readonly ringAt: number;
  /** 0: nobody wants to know of changes. */
  readonly ringSlots: number;
  readonly rowsAt: number;
  readonly words: number;
  /** By data type: word of its first element in a row, -1: not stored; its elements and its period. */
  readonly dataAt: Int32Array;
  readonly dataCount: Int32Array;
  readonly dataPeriodMs: Int32Array;
}

export function layOut(plan: StickTablePlan): StickTableLayout {
  const homes = Math.max(2 * plan.size, WINDOW);
  const slots = homes + WINDOW;
  const isText = plan.keyType === "string";
  const keyWords = Math.ceil(plan.keyBytes / 4) + (isText ? 1 : 0);
  const dataAt = new Int32Array(DATA_TYPES.length).fill(-1);
  const dataCount = new Int32Array(DATA_TYPES.length);
  const dataPeriodMs = new Int32Array(DATA_TYPES.length);
  let rowWords = keyWords;
  for (const { name, count, periodMs } of plan.stores) {
    const type = DATA_TYPE_BY_NAME.get(name)!;
    dataAt[type.id] = rowWords;
    dataCount[type.id] = count;
    dataPeriodMs[type.id] = periodMs;
    rowWords += count * KIND_WORDS[type.kind];
  }
  const ringSlots = plan.peers < 0 ? 0 : 2 ** Math.ceil(Math.log2(slots));
  const metaAt = HEADER_WORDS;
  const hashesAt = metaAt + slots;
  const expiriesAt = hashesAt + slots;
  const changedAt = expiriesAt + slots;
  const ringAt = changedAt + (ringSlots > 0 ? slots : 0);
  const rowsAt = ringAt + ringSlots;
  return {
    ...{ slots, homes, keyWords, rowWords, metaAt, hashesAt, expiriesAt, changedAt, ringAt, ringSlots, rowsAt },
    ...{ words: rowsAt + slots * rowWords, dataAt, dataCount, dataPeriodMs },
  };
}
