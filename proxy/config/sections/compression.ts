// `compression …`, section 4.2. The algorithm `br` is ringway's own.

import { COMPRESSION_ALGORITHMS, type CompressionAlgorithm } from "../../plan/compression.ts";
import { parseSize } from "../arguments.ts";
import type { ProxyDraft } from "../draft.ts";
import { type CompressionDraft, newCompression } from "../filter-draft.ts";
import type { Statement } from "../statement.ts";

const EXPECTED = "'compression' expects 'algo', 'type', 'direction', 'offload', 'minsize-req' or 'minsize-res'.";

export function compression(statement: Statement, proxy: ProxyDraft): void {
  proxy.compression ??= newCompression();
  const draft = proxy.compression;
  const what = statement.text(1);
  switch (what) {
    case "algo":
    case "algo-res":
    case "algo-req":
      algorithms(statement, draft, what === "algo-req");
      break;
    case "type":
    case "type-res":
    case "type-req":
      types(statement, draft, what === "type-req");
      break;
    case "minsize-req":
    case "minsize-res":
      minSize(statement, draft, what);
      break;
    case "offload":
      if (proxy.kind === "defaults") {
        const message = "'compression' : 'offload' ignored in 'defaults' section.";
        statement.warning("ignored", message, { at: 1 });
      } else draft.offload = true;
      break;
    case "direction":
      direction(statement, draft);
      break;
    default:
      statement.alert("unknown-word", EXPECTED, { at: 1 });
  }
}

function algorithms(statement: Statement, draft: CompressionDraft, isRequest: boolean): void {
  if (!statement.has(2)) {
    statement.alert("missing-argument", "'compression' expects <algorithm>.", { at: 2, expected: "gzip" });
    return;
  }
  const known = (word: string): word is CompressionAlgorithm => COMPRESSION_ALGORITHMS.some((name) => name === word);
  const words = statement.textsFrom(2);
  for (const [i, word] of words.entries()) {
    if (known(word)) (isRequest ? draft.requestAlgorithms : draft.algorithms).push(word);
    else {
      const message = `'compression' : '${word}' is not a supported algorithm.`;
      statement.alert("unknown-algorithm", message, { at: 2 + i, expected: COMPRESSION_ALGORITHMS.join(", ") });
    }
  }
}

function types(statement: Statement, draft: CompressionDraft, isRequest: boolean): void {
  if (!statement.has(2)) {
    statement.alert("missing-argument", "'compression' expects <type>.", { at: 2, expected: "text/html" });
    return;
  }
  const list = isRequest ? draft.requestTypes : draft.types;
  list.push(...statement.textsFrom(2).map((type) => type.toLowerCase()));
}

function minSize(statement: Statement, draft: CompressionDraft, what: "minsize-req" | "minsize-res"): void {
  const text = statement.text(2);
  if (text === "") {
    statement.alert("missing-argument", `'${what}' expects an integer argument.`, { at: 2, expected: "a size" });
    return;
  }
  const parsed = parseSize(text);
  if (!parsed.ok) {
    const rest = text.slice(parsed.problem.at);
    statement.alert("bad-size", `unexpected '${rest}' after size passed to '${what}'`, { at: 2 });
  } else if (what === "minsize-req") draft.requestMinSize = parsed.value;
  else draft.minSize = parsed.value;
}

function direction(statement: Statement, draft: CompressionDraft): void {
  const word = statement.text(2);
  if (word !== "request" && word !== "response" && word !== "both") {
    statement.alert("unknown-word", "'compression' expects 'request', 'response', or 'both'.", { at: 2 });
    return;
  }
  draft.compressesRequests = word !== "response";
  draft.compressesResponses = word !== "request";
}
