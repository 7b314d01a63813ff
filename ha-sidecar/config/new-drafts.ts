// Drafts before anything has been read into them; see drafts.ts.

import { NOWHERE, type Place } from "../../shared/diagnostic/diagnostic.ts";
import type { FifoDraft, GarpDraft, InstanceDraft, NotifyDraft, TrackingDraft } from "./drafts.ts";

export function newGarpDraft(): GarpDraft {
  return {
    masterDelayMs: null,
    masterRepeat: null,
    lowerPriorityDelayMs: null,
    lowerPriorityRepeat: null,
    refreshMs: null,
    refreshRepeat: null,
  };
}

export function newNotifyDraft(): NotifyDraft {
  return {
    master: null,
    backup: null,
    fault: null,
    stop: null,
    deleted: null,
    tellsDeleted: false,
    masterReceivedLowerPriority: null,
    any: null,
    priorityChanges: null,
    mail: null,
  };
}

export function newTrackingDraft(): TrackingDraft {
  return { interfaces: [], scripts: [], processes: [], files: [], bfds: [], proxies: [] };
}

export function newFifoDraft(): FifoDraft {
  return { path: null, user: null, group: null, place: NOWHERE, script: null };
}

export function newInstanceDraft(name: string, place: Place): InstanceDraft {
  return {
    name,
    place,
    wantedState: "BACKUP",
    statePlace: place,
    interface: null,
    interfacePlace: place,
    virtualRouterId: null,
    routerIdPlace: place,
    priority: null,
    priorityPlace: place,
    advertIntervalMs: null,
    advertIntervalPlace: place,
    adoptedIntervalMs: null,
    downTimerAdverts: null,
    timerExpiredBackup: null,
    version: null,
    versionPlace: place,
    auth: null,
    hmac: null,
    addresses: [],
    excludedAddresses: [],
    routes: [],
    rules: [],
    peers: [],
    source: null,
    trackSource: false,
    multicastDestination: null,
    mentionsUnicast: false,
    unicastTtl: null,
    checkUnicastSource: null,
    faultWithoutPeers: false,
    oldUnicastChecksum: "auto",
    v3ChecksumAsV2: null,
    vmac: null,
    vmacTransmitBase: null,
    promoteSecondaries: false,
    dontTrackPrimary: false,
    tracking: newTrackingDraft(),
    peerBfd: null,
    preempt: true,
    nopreemptPlace: place,
    preemptDelayMs: 0,
    preemptDelayPlace: place,
    garp: newGarpDraft(),
    lowerPriorityNoAdvert: null,
    higherPrioritySendAdvert: null,
    accept: null,
    acceptPlace: place,
    strict: null,
    skipCheckAdvertAddresses: null,
    noVirtualAddresses: false,
    receiveBufferBytes: 0,
    nativeIpv6: null,
    notify: newNotifyDraft(),
  };
}
