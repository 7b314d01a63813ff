// `cookie … dynamic`: a server's cookie made of `dynamic-cookie-key` and its address.

import { dynamicCookieValue } from "../../persistence/dynamic-value.ts";
import type { ProxyDraft } from "../draft.ts";
import type { ServerDraft } from "../server-draft.ts";

/** null where there is no address, no key, or nobody asked. */
export function dynamicCookie({ slot }: ServerDraft, { cookie, texts }: ProxyDraft): string | null {
  const key = texts.get("dynamic-cookie-key");
  if (cookie?.isDynamic !== true || key === undefined || slot.address === null) return null;
  return dynamicCookieValue(key, slot.address);
}
