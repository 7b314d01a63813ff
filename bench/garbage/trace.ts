// Reads what V8 prints under --trace-gc: a line for each collection of each isolate, which is a thread.

export interface Collection {
  /** Names the thread that collected. */
  readonly isolate: string;
  /** Bytes of the heap before and after; V8 prints tenths of a MiB. */
  readonly beforeBytes: number;
  readonly afterBytes: number;
  /** How long the thread stood still for it, in milliseconds. */
  readonly pauseMs: number;
}

export interface Garbage {
  readonly collections: number;
  /** What was allocated from the first of the collections (or the last one before them) to the last. */
  readonly allocatedBytes: number;
  readonly longestMs: number;
}

const LINE =
  /^\[\d+:(0x[0-9a-f]+)\] +\d+ ms: [A-Za-z-]+ (?:\(reduce\) )?([\d.]+) \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB, (?:pooled: \d+ MB, )?([\d.]+) \/ /;
const MEBIBYTE = 1 << 20;

export function collectionsOf(trace: string): Collection[] {
  return trace.split("\n").flatMap((line) => {
    const match = LINE.exec(line);
    if (match === null) return [];
    const [, isolate, before, after, pause] = match;
    return {
      isolate: isolate!,
      ...{ beforeBytes: Number(before) * MEBIBYTE, afterBytes: Number(after) * MEBIBYTE, pauseMs: Number(pause) },
    };
  });
}

/**
 * What the worker's thread did after the first `skipped` collections, and what the main thread did. The main thread is the first one
 * that collects; the worker is, of the others, the one that did it last. Growth beyond a thread's last collection is not in it: that is
 * less than one young generation.
 */
export function garbageOf(all: readonly Collection[], skipped: number): { worker: Garbage; mainThread: Garbage } {
  const main = all[0]?.isolate;
  const worker = all.filter(({ isolate }) => isolate !== main).at(-1)?.isolate;
  return {
    worker: summed(all, skipped, (isolate) => isolate === worker),
    mainThread: summed(all, skipped, (isolate) => isolate === main),
  };
}

function summed(all: readonly Collection[], skipped: number, isWanted: (isolate: string) => boolean): Garbage {
  const last = all
    .slice(0, skipped)
    .filter(({ isolate }) => isWanted(isolate))
    .at(-1);
  const counted = all.slice(skipped).filter(({ isolate }) => isWanted(isolate));
  let base = last?.afterBytes ?? counted[0]?.beforeBytes ?? 0;
  let allocatedBytes = 0;
  for (const { beforeBytes, afterBytes } of counted) {
    allocatedBytes += Math.max(0, beforeBytes - base);
    base = afterBytes;
  }
  return {
    collections: counted.length,
    allocatedBytes,
    longestMs: Math.max(0, ...counted.map(({ pauseMs }) => pauseMs)),
  };
}
