// `normalize-uri <normalizer> [strict | full]`, which HAProxy calls experimental and wants to be unlocked first.

import { URI_NORMALIZERS, type UriNormalizer } from "../../../plan/rules.ts";
import type { ActionParser } from "../../keywords/action.ts";

const STRICT: readonly string[] = ["percent-decode-unreserved", "percent-to-uppercase"];

export const normalizeUri: ActionParser = (reader) => {
  const name = reader.word as UriNormalizer["name"];
  if (reader.isAtEnd) return reader.fault("missing argument <normalizer>.");
  if (!URI_NORMALIZERS.includes(name)) {
    return reader.fault(`unknown normalizer '${name}'.`, { suggestions: [...URI_NORMALIZERS] });
  }
  reader.at++;
  const { word } = reader;
  const strict = word === "strict" && STRICT.includes(name);
  const full = word === "full" && name === "path-strip-dotdot";
  if (strict || full) reader.at++;
  return { kind: "normalize-uri", normalizer: { name, strict, full } };
};
