// "Did you mean …": the known words nearest to an unknown one.
//
// Nearness is the optimal-string-alignment form of the Damerau-Levenshtein distance: insertions, deletions, substitutions and swaps of
// neighbours count one each. Cost is O(words × length²), fine for a few hundred keywords once per fault, not for a hot path.

/** Never propose more than this: a longer list helps nobody. */
const SUGGESTIONS_MAX = 3;

/**
 * Up to three of `known` that are near to `word`, nearest first (ties in the order of `known`). A word counts as near when about a
 * third of its letters or fewer have to change, or when it goes on where `word` ends (`httpch` → `httpchk`).
 */
export function suggest(word: string, known: Iterable<string>): string[] {
  const wanted = word.toLowerCase();
  const distanceMax = Math.max(1, Math.floor(wanted.length / 3));
  const ranked: { candidate: string; distance: number }[] = [];
  for (const candidate of new Set(known)) {
    const lower = candidate.toLowerCase();
    const isContinuation = wanted.length >= 3 && lower.startsWith(wanted);
    if (!isContinuation && Math.abs(lower.length - wanted.length) > distanceMax) continue;
    const distance = isContinuation ? 1 : editDistance(wanted, lower);
    if (distance <= distanceMax && candidate !== word) ranked.push({ candidate, distance });
  }
  ranked.sort((a, b) => a.distance - b.distance);
  return ranked.slice(0, SUGGESTIONS_MAX).map((entry) => entry.candidate);
}

/** Number of single-character edits (insert, delete, replace, swap neighbours) that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replace, previous[j]! + 1, current[j - 1]! + 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) best = Math.min(best, beforePrevious[j - 2]! + 1);
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}
