// `show cache`: what the caches hold.

import { CacheStore, ENTRY, STATE } from "../../cache/store.ts";
import type { Command } from "./command.ts";

const STATE_NAMES: readonly string[] = ["free", "incomplete", "full", "dead"];

export const showCache: Command = {
  words: ["show", "cache"],
  usage: "show cache",
  description: "show cache status",
  level: "user",
  run(_call, { control }) {
    const { plan, shared } = control;
    const now = Math.floor(Date.now() / 1000);
    const lines = plan.caches.flatMap((cache, index) => {
      const store = new CacheStore(cache, shared.caches[index]!, plan.global.nbthread, -1);
      return [`${index}: ${cache.name} (shctx:${index}, available blocks:${store.freeBlocks})`, ...entries(store, now)];
    });
    return { text: lines.map((line) => `${line}\n`).join("") };
  },
};

function entries(store: CacheStore, now: number): string[] {
  const lines: string[] = [];
  const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
  for (let entry = 0; entry < store.entryCount; entry++) {
    const at = store.at(entry);
    const word = (offset: number): number => store.words[at + offset]!;
    const state = word(ENTRY.state);
    if (state !== STATE.complete && state !== STATE.filling) continue;
    const vary = [ENTRY.encodings, ENTRY.refererLow, ENTRY.refererHigh, ENTRY.originLow, ENTRY.originHigh].map(word);
    lines.push(
      `${entry} hash:${word(ENTRY.hashLow) >>> 0} vary:0x${vary.map(hex).join("")} type:${STATE_NAMES[state]} ` +
        `size:${word(ENTRY.bytes)} (${word(ENTRY.blocks)} blocks), refcount:${word(ENTRY.refs)}, expire:${Math.max(0, word(ENTRY.expires) - now)}`,
    );
  }
  return lines;
}
