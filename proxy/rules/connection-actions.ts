// Actions on what comes before and after a request's own way: `expect-proxy`, `expect-netscaler-cip`, `disable-l7-retry`.

import { AWAITED } from "../listener/proxy-protocol.ts";
import { STREAM } from "../stream/stream.ts";
import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const NO_RETRY = STREAM.noRetry;

/** The connection begins with a header (listener/proxy-protocol.ts). */
export function compileExpectHeader({ ctx }: RuleParts, header: "proxy" | "netscaler-cip"): Action {
  const awaited = header === "proxy" ? AWAITED.proxy : AWAITED.netscaler;
  return (stream) => {
    ctx.proxyProtocol.expect(stream.client, awaited);
    return CONTINUE;
  };
}

export function compileDisableRetry(): Action {
  return (stream) => {
    stream.flags |= NO_RETRY;
    return CONTINUE;
  };
}

/** `switch-mode http`: the connection's stream gives way to HTTP's; in one that is HTTP's already it has nothing to do. */
export function compileSwitchMode({ ctx }: RuleParts): Action {
  return (stream) => {
    if ((stream.flags & STREAM.http) !== 0) return CONTINUE;
    ctx.relay.upgrade(stream);
    return VERDICT.answered;
  };
}
