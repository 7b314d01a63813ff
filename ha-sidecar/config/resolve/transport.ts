// Where an instance's adverts go and come from: multicast or unicast, source, peers, macvlan.

import type { IpAddressPlan } from "../../plan/network.ts";
import type { TransportPlan, UnicastPeerPlan, VmacPlan } from "../../plan/vrrp.ts";
import type { InstanceDraft } from "../drafts.ts";
import { isMulticast } from "../keywords/global-vrrp.ts";
import { keywordOf, placeOf, type Statement } from "../statement.ts";
import { parseInteger, parseIp } from "../values.ts";
import { type Resolver, vmacName } from "./resolver.ts";

export function resolveTransport(draft: InstanceDraft, family: 4 | 6, resolver: Resolver): TransportPlan {
  const { report } = resolver;
  const { global } = resolver.draft;
  const peers = draft.peers.flatMap((entry) => readPeer(draft, entry, family, resolver));
  const faultWithoutPeers = draft.faultWithoutPeers && peers.length === 0;
  const isUnicast = peers.length > 0 || faultWithoutPeers;
  if (draft.mentionsUnicast && !isUnicast) {
    const message =
      `(${draft.name}) A unicast keyword has been specified without any unicast peers. ` +
      "Defaulting to multicast. This usage is deprecated - please update your configuration.";
    report.fault("no-peers", draft.place, message, {
      hint: "Name the other machines in unicast_peer, or write unicast_fault_no_peer.",
    });
  }
  if (draft.unicastTtl !== null && peers.length === 0) {
    const message = `(${draft.name}): Cannot use unicast_ttl without unicast peers - resetting`;
    report.fault("no-peers", draft.unicastTtl.place, message);
  }
  return {
    mode: isUnicast ? "unicast" : "multicast",
    multicastDestination: isUnicast ? null : multicastDestination(draft, family, resolver),
    source: resolveSource(draft, family, resolver),
    trackSource: draft.trackSource,
    peers,
    unicastTtl: draft.unicastTtl?.value ?? 255,
    checkUnicastSource: draft.checkUnicastSource ?? global.checkUnicastSource ?? true,
    faultWithoutPeers,
    v3ChecksumWithPseudoHeader: !(draft.v3ChecksumAsV2 ?? global.v3ChecksumAsV2),
    oldUnicastChecksum: draft.oldUnicastChecksum,
    receiveBufferBytes: draft.receiveBufferBytes,
  };
}

function resolveSource(draft: InstanceDraft, family: 4 | 6, resolver: Resolver): IpAddressPlan | null {
  if (draft.source === null) return null;
  const { text, place } = draft.source;
  const address = parseIp(text);
  const start = `Configuration error: VRRP instance[${draft.name}]`;
  if (address === null) {
    resolver.report.fault("invalid-address", place, `${start} malformed src address[${text}]. Skipping...`);
  } else if (address.family !== family) {
    const message = `${start} and src address[${text}] MUST be of the same family !!! Skipping...`;
    resolver.report.fault("mixed-families", place, message);
  } else return address;
  return null;
}

function multicastDestination(draft: InstanceDraft, family: 4 | 6, resolver: Resolver): IpAddressPlan {
  const { global } = resolver.draft;
  const common = family === 4 ? global.multicastGroup4 : global.multicastGroup6;
  if (draft.multicastDestination === null) return common;
  const { text, place } = draft.multicastDestination;
  const address = parseIp(text);
  if (address === null) {
    resolver.report.fault(
      "invalid-address",
      place,
      `(${draft.name}) malformed mcast dest address ${text}. Skipping...`,
    );
  } else if (address.family !== family || !isMulticast(address)) {
    resolver.report.fault("invalid-address", place, `(${draft.name}) mcast_dst_ip ${text} not multicast. Skipping...`);
  } else return address;
  return common;
}

/** `ADDRESS [min_ttl N] [max_ttl N]`; a list of none or one. */
function readPeer(draft: InstanceDraft, entry: Statement, family: 4 | 6, resolver: Resolver): UnicastPeerPlan[] {
  const { report } = resolver;
  const text = keywordOf(entry);
  const address = parseIp(text);
  const start = `Configuration error: VRRP instance[${draft.name}]`;
  if (address === null) {
    report.fault("invalid-address", placeOf(entry), `${start} malformed unicast peer address[${text}]. Skipping...`);
    return [];
  }
  if (address.family !== family) {
    const message = `${start} and unicast peer address[${text}] MUST be of the same family !!! Skipping...`;
    report.fault("mixed-families", placeOf(entry), message);
    return [];
  }
  const limits = { min_ttl: 0, max_ttl: 255 };
  for (let index = 1; index < entry.words.length; index += 2) {
    const option = entry.words[index]!.text;
    const value = entry.words[index + 1];
    if (value === undefined) {
      report.fault("missing-parameter", placeOf(entry, index + 1), `(${draft.name}) ${option} is missing a value`);
    } else if (option !== "min_ttl" && option !== "max_ttl") {
      report.fault("unknown-option", placeOf(entry, index), `(${draft.name}) unknown unicast_peer option ${option}`);
    } else {
      const number = parseInteger(value.text, { min: 0, max: 255 });
      const details = { expected: "a number from 0 to 255" };
      if (number !== null) limits[option] = number;
      else report.fault("invalid-number", value.place, `number '${value.text}' outside range [0, 255]`, details);
    }
  }
  if (limits.min_ttl > limits.max_ttl) {
    const message = `(${draft.name}) min_ttl ${limits.min_ttl} > max_ttl ${limits.max_ttl} - all packets will be discarded`;
    report.fault("invalid-value", placeOf(entry), message);
  }
  return [{ address, minTtl: limits.min_ttl, maxTtl: limits.max_ttl }];
}

export function resolveVmac(
  draft: InstanceDraft,
  family: 4 | 6,
  isUnicast: boolean,
  resolver: Resolver,
): VmacPlan | null {
  const { report } = resolver;
  if (draft.vmac === null) {
    const message = `(${draft.name}) vmac_xmit_base is only valid with a vmac`;
    if (draft.vmacTransmitBase !== null) report.fault("invalid-value", draft.vmacTransmitBase, message);
    return null;
  }
  if (isUnicast && draft.vmacTransmitBase === null) {
    const message = `(${draft.name}) unicast with use_vmac requires vmac_xmit_base - setting`;
    report.fault("missing-option", draft.vmac.place, message);
  }
  const id = draft.virtualRouterId ?? 0;
  const written = draft.vmac.mac;
  const mac =
    written === null
      ? Uint8Array.of(0x00, 0x00, 0x5e, 0x00, family === 4 ? 0x01 : 0x02, id)
      : written.length === 6
        ? written
        : Uint8Array.of(...written, id);
  return {
    interface: vmacName(resolver.draft, draft),
    mac,
    transmitBase: draft.vmacTransmitBase !== null || isUnicast,
  };
}

/** Two instances hear each other's adverts: same group, or a peer in common (or one multicast, one unicast: they do not). */
export function shareAdverts(a: TransportPlan, b: TransportPlan): boolean {
  if (a.mode !== b.mode) return false;
  if (a.mode === "multicast") return a.multicastDestination!.text === b.multicastDestination!.text;
  return a.peers.some((peer) => b.peers.some((other) => other.address.text === peer.address.text));
}
