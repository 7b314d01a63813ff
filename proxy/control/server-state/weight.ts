// Weights as administrators give them: absolute, or in per cent of the configured weight.

/** HAProxy's SRV_UWGHT_MAX. */
const WEIGHT_MAX = 256;

/** The new weight, or why the text is none, in HAProxy's words. */
export type WeightResult = { readonly weight: number } | { readonly error: string };

/**
 * Reads `N` (0 … 256) or `N%` of `initialWeight`. A percentage above 100 raises the weight up to 256, as in HAProxy.
 */
export function parseWeight(text: string, initialWeight: number): WeightResult {
  if (text === "") return { error: "Require <weight> or <weight%>.\n" };
  const match = /^([+-]?\d+)(.*)$/s.exec(text);
  if (match === null) return { error: "Empty weight string empty or preceded by garbage\n" };
  const number = Number(match[1]);
  const rest = match[2];
  if (rest === "%") {
    if (number < 0) return { error: "Relative weight must be positive.\n" };
    return { weight: Math.min(WEIGHT_MAX, Math.floor((initialWeight * number) / 100)) };
  }
  if (rest !== "") return { error: "Trailing garbage in weight string\n" };
  if (number < 0 || number > WEIGHT_MAX) {
    return { error: "Absolute weight can only be between 0 and 256 inclusive.\n" };
  }
  return { weight: number };
}
