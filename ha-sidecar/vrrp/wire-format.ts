// What an instance's plan means on the wire: which packets it expects, and the writer of its adverts. Shared by the daemon and the
// simulation of the tests, so that both speak exactly the same.

import type { InstancePlan } from "../plan/vrrp.ts";
import { AdvertHmac } from "./advert-hmac.ts";
import { AuthenticationHeader } from "./authentication-header.ts";
import { AdvertWriter, type Expectation } from "./packet.ts";

/** The advertised addresses in the order of the configuration, concatenated. */
function advertisedAddresses(plan: InstancePlan): Uint8Array {
  return new Uint8Array(Buffer.concat(plan.addresses.map(({ address }) => address.bytes)));
}

function password(plan: InstancePlan): Uint8Array | null {
  return plan.version === 2 && plan.authentication.type === "pass" ? plan.authentication.data : null;
}

/** What signs and checks signatures: one of each per instance, because what was sent and heard counts for both directions. */
export interface Signatures {
  readonly authenticationHeader: AuthenticationHeader | null;
  readonly hmac: AdvertHmac | null;
}

export function signaturesOf(plan: InstancePlan): Signatures {
  const { authentication, transport, hmac } = plan;
  return {
    authenticationHeader:
      authentication.type === "ah" ? new AuthenticationHeader(authentication.data, transport.mode === "unicast") : null,
    hmac: hmac === null ? null : new AdvertHmac(hmac, plan, transport.peers.length),
  };
}

export function expectationOf(plan: InstancePlan, multicastGroup: Uint8Array, signatures: Signatures): Expectation {
  const { transport } = plan;
  const acceptsOldChecksum = transport.mode === "unicast" && transport.oldUnicastChecksum !== "never";
  return {
    version: plan.version,
    virtualRouterId: plan.virtualRouterId,
    password: password(plan),
    ...signatures,
    intervalMs: plan.advertIntervalMs,
    mode: transport.mode,
    addresses: advertisedAddresses(plan),
    strictAddresses: plan.strict,
    peers:
      transport.mode === "unicast" && transport.checkUnicastSource
        ? transport.peers.map(({ address, minTtl, maxTtl }) => ({ address: address.bytes, minTtl, maxTtl }))
        : null,
    oldUnicastGroup: acceptsOldChecksum ? multicastGroup : null,
  };
}

export function advertWriterOf(plan: InstancePlan, { authenticationHeader, hmac }: Signatures): AdvertWriter {
  return new AdvertWriter({
    version: plan.version,
    family: plan.family,
    virtualRouterId: plan.virtualRouterId,
    intervalMs: plan.advertIntervalMs,
    addresses: advertisedAddresses(plan),
    password: password(plan),
    isAh: authenticationHeader !== null,
    hmac,
    withPseudoHeader: plan.transport.v3ChecksumWithPseudoHeader,
  });
}
