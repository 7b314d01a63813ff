// `retry-on <keyword> …`, section 4.2.

import { RETRY_WORDS, retryStatusBit } from "../../plan/retry.ts";
import type { ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";

export function retryOn(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.has(1)) {
    const message = "'retry-on' needs at least one keyword to specify when to retry";
    statement.alert("missing-argument", message, { at: 1, expected: "a keyword such as 'conn-failure'" });
    return;
  }
  let bits = 0;
  for (let at = 1; at < statement.length; at++) {
    const word = statement.text(at);
    if (word === "none") {
      if (at > 1 || statement.has(2)) {
        statement.alert("bad-retry-on", "'retry-on' 'none' keyword only usable alone", { at });
        return;
      }
      continue;
    }
    const bit = RETRY_WORDS[word] ?? (/^\d+$/.test(word) ? retryStatusBit(Number(word)) : 0);
    if (bit === 0) {
      statement.alert("bad-retry-on", `'retry-on': unknown keyword '${word}'`, { at });
      return;
    }
    bits |= bit;
  }
  proxy.numbers.set("retry-on", bits);
}
