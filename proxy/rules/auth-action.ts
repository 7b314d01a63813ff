// `http-request auth [realm <realm>]`: asks for a name and a password with the page for 401 (407 where the client speaks to us as to a proxy,
// with `option http-use-proxy-header`). What comes back is looked at by `http_auth`, in the rule's condition.

import { MESSAGE } from "../http1/message.ts";
import { textBytes } from "../sample/value.ts";
import { COUNTER } from "../shared-state/layout.ts";
import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const ANSWERED = VERDICT.answered;
const BY_LOCAL = 76; // L
const IN_REQUEST = 82; // R
const ABSOLUTE_FORM = MESSAGE.absoluteForm;

export function compileAuth({ ctx }: RuleParts, realm: string | null): Action {
  const { lifecycle, plan } = ctx;
  const text = (name: string, proxy: number): Uint8Array =>
    textBytes(`${name}: Basic realm="${(realm ?? plan.proxies[proxy]!.name).replace(/["\\]/g, "\\$&")}"\r\n`);
  const asks = plan.proxies.map(({ index }) => ({
    server: text("www-authenticate", index),
    proxy: text("proxy-authenticate", index),
  }));
  return (stream) => {
    const proxy = stream.backend >= 0 ? stream.backend : stream.frontend;
    const isProxy = (stream.request.flags & ABSOLUTE_FORM) !== 0 && plan.proxies[stream.frontend]!.useProxyHeader;
    lifecycle.endReason(stream, BY_LOCAL, IN_REQUEST);
    lifecycle.count(lifecycle.frontendAt[stream.frontend]!, COUNTER.intercepted);
    ctx.replies.challenge(stream, isProxy ? 407 : 401, isProxy ? asks[proxy]!.proxy : asks[proxy]!.server);
    return ANSWERED;
  };
}
