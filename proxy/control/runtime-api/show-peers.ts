// `show peers [dict|-] [<section>]`: peers, their sessions and how far their tables are told.

import type { Peer } from "../peers/peer.ts";
import type { PeersSection } from "../peers/section.ts";
import { type Command, failure } from "./command.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export const showPeers: Command = {
  words: ["show", "peers"],
  usage: "show peers [dict|-] [section]",
  description: "dump some information about all the peers or this peers section",
  level: "user",
  run({ args }, { peers }) {
    const wanted = args[0] === "dict" || args[0] === "-" ? args[1] : args[0];
    const { sections } = peers;
    const chosen = wanted === undefined ? sections : sections.filter(({ plan }) => plan.name === wanted);
    if (wanted !== undefined && chosen.length === 0) return failure("No such peers\n");
    return { text: chosen.map((section, index) => sectionText(section, index)).join("") };
  },
};

/** HAProxy prints addresses of its memory; numbers that tell one from the other do the same. */
function pointer(kind: number, index: number): string {
  return `0x${(0x7f1000000000 + kind * 0x1000000 + index * 0x100).toString(16)}`;
}

function sectionText(section: PeersSection, index: number): string {
  const date = new Date(section.lastChangeMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  const head =
    `${pointer(0, index)}: [${day}:${time}] id=${section.plan.name} disabled=0 flags=0x${section.isUpToDate ? 3 : 0} ` +
    `resync_timeout=${remaining(section.resyncUntilMs)} task_calls=0\n`;
  return head + section.peers.map((peer, at) => peerText(section, peer, index * 64 + at)).join("");
}

/** `4s`, or that there is nothing to wait for. */
function remaining(atMs: number): string {
  if (atMs === 0) return "<NEVER>";
  const left = atMs - Date.now();
  return left <= 0 ? "<PAST>" : human(left);
}

function human(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [
    [Math.floor(seconds / 86400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value}${unit}`)
    .join("");
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  0: "NONE",
  200: "ESTA",
  300: "RETR",
  501: "PROT",
  502: "VERS",
  503: "NAME",
  504: "UNKN",
};

function peerText(section: PeersSection, peer: Peer, index: number): string {
  const { session } = peer;
  const place =
    section.plan.peers.find(({ name }) => name === peer.name)?.address ?? (peer.isLocal ? section.plan.bind : null);
  const address =
    place === null || "fd" in place ? "-:0" : "path" in place ? `${place.path}:0` : `${place.host}:${place.port}`;
  const handshake = peer.lastHandshakeMs === 0 ? "<NEVER>" : human(Date.now() - peer.lastHandshakeMs);
  const learning = peer.learning === "asked" ? "PROCESSING" : "NOTASSIGNED";
  return [
    `  ${pointer(1, index)}: id=${peer.name}(${peer.isLocal ? "local" : "remote"},${session === null ? "inactive" : "active"}) ` +
      `addr=${address} app_state=${session === null ? "STOPPED" : "RUNNING"} learn_state=${learning} ` +
      `last_status=${STATUS_TEXTS[peer.lastStatus] ?? "NONE"} last_hdshk=${handshake}`,
    `        reconnect=${remaining(section.reconnectAt(peer))} heartbeat=<NEVER> confirm=0 ` +
      `tx_hbt=${session?.sentHeartbeats ?? 0} rx_hbt=${session?.receivedHeartbeats ?? 0} no_hbt=0 ` +
      `new_conn=${peer.newConnections} proto_err=${peer.protocolErrors} coll=${peer.collisions}`,
    `        flags=0x0${session === null ? "" : ` state=EST remote=${session.remote}`}`,
    "        shared tables:",
    ...peer.tables.flatMap((table, at) => [
      `          ${pointer(2, index * 64 + at)} local_id=${table.id} remote_id=${table.remoteId} flags=0x0`,
      `              last_acked=${Math.max(0, table.confirmed)} last_pushed=${table.pushed} ` +
        `last_get=${Math.max(0, table.received)} teaching_origin=0 update=${table.acknowledged}`,
      `              table:${pointer(3, table.log.table.plan.index)} id=${table.log.table.plan.name} ` +
        `update=${table.log.last} localupdate=${table.log.last} refcnt=1`,
    ]),
  ]
    .map((line) => `${line}\n`)
    .join("");
}
