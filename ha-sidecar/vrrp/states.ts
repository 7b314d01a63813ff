// The state machine of a virtual router, as one table: From × Event → To and what is done on the way. Nothing else decides where an
// instance goes; instance.ts turns packets, timers and faults into events and carries the actions out, in the order in which they
// stand here. `formatTable` prints it (states.test.ts holds the print and walks every cell).
//
//              start                    the down timer expired, nobody superior
//   STOPPED ──────────▶ BACKUP ◀───────────────────────────────▶ MASTER
//      ▲                  ▲ │              a superior advert        │ │
//      │        recovered │ │ fault                           fault │ │ stop
//      │                  │ ▼                                       │ │
//      │                 FAULT ◀────────────────────────────────────┘ │
//      │   the successor was heard, or waited for long enough         ▼
//      └────────────────────────────────────────────────────────── LEAVING
//
// YIELDING, which a drill asks for, is the same on the way to BACKUP, and back to MASTER when there is no successor.
//
// LEAVING is ours: RFC 9568 drops the addresses together with the last advert, which leaves a hole of the successor's skew time. Here
// they stay until the successor has announced itself and had time to add them (make before break): everybody sends the first advert
// before that, and a second one or a moment later the addresses are there.

export const STATES = ["STOPPED", "BACKUP", "MASTER", "FAULT", "LEAVING", "YIELDING"] as const;
export type State = (typeof STATES)[number];

export const EVENTS = [
  /** The instance may begin. */
  "start",
  /** The instance may begin, but there are reasons not to take part. */
  "start-faulty",
  /** After a reload: it was MASTER before and goes on as such. */
  "resume",
  /** Before a reload: whoever goes on keeps addresses and peers as they are. */
  "abandon",
  /** An orderly end: hand over. */
  "stop",
  /** An end at once, or a second `stop`. */
  "stop-now",
  /** A drill: hand over and stay. */
  "yield",
  /** The first reason not to take part appeared (interface, address, tracker, sync group). */
  "fault",
  /** The last of these reasons is gone. */
  "recovered",
  /** A valid advert of priority 0: the master leaves. */
  "advert-zero",
  /** A valid advert that beats us: higher priority, or equal with the higher address. */
  "advert-superior",
  /** Any other valid advert. */
  "advert-inferior",
  /** Nothing was heard from a master for too long, and the sync group agrees. */
  "down-timer",
  /** The next advert is due. */
  "advert-timer",
  /** An advert was so late that others may have elected somebody (`timer_expired_backup`). */
  "overslept",
  /** Another member of the sync group is no master any more. */
  "group-backup",
  /** The successor has the addresses by now. */
  "handed-over",
  /** The successor did not announce itself in time. */
  "no-successor",
  /** Somebody else removed one of our addresses. */
  "address-lost",
] as const;
export type Event = (typeof EVENTS)[number];

export const ACTIONS = [
  /** Looks whether addresses of an earlier run are there: they are kept until a master is heard, or removed at once. */
  "inspect-addresses",
  /** Adds addresses, routes and rules. */
  "claim",
  /** Removes them. */
  "release",
  /** Removes addresses of an earlier run, if any were kept. */
  "release-stale",
  /** Gratuitous ARP and unsolicited neighbour advertisements, now and on schedule. */
  "announce",
  "stop-announcing",
  "send-advert",
  /** An advert of priority 0, repeated once shortly after, because losing it costs the successor a whole down time. */
  "send-zero",
  /** An advert that a yielding master still sends (`higher_prio_send_advert`). */
  "send-last-advert",
  /** The answer to an inferior advert: an advert and announcements, as far as they are configured. */
  "answer-inferior",
  /** In BACKUP an inferior master is tolerated (nopreempt, preempt_delay) or not. */
  "weigh-preemption",
  /** Version 3: the master's interval counts, within bounds. */
  "adopt-interval",
  /** The own interval counts again. */
  "own-interval",
  "arm-down",
  /** The down timer is set to the skew time, or to nothing when the master that left was the only peer. */
  "arm-skew",
  "arm-advert",
  "arm-handover",
  /** The successor was heard for the first time. */
  "arm-linger",
  "disarm",
] as const;
export type Action = (typeof ACTIONS)[number];

export interface Cell {
  readonly to: State;
  readonly actions: readonly Action[];
}

/** `ignored`: nothing happens. `impossible`: only a bug of ours can bring the event about in this state. */
export type CellOrNot = Cell | "ignored" | "impossible";

const ignored = "ignored";
const impossible = "impossible";

function go(to: State, ...actions: Action[]): Cell {
  return { to, actions };
}

/** TABLE[from][event]. */
export const TABLE: Readonly<Record<State, Readonly<Record<Event, CellOrNot>>>> = {
  STOPPED: {
    start: go("BACKUP", "inspect-addresses", "own-interval", "arm-down"),
    "start-faulty": go("FAULT", "inspect-addresses", "release-stale"),
    resume: go("MASTER", "own-interval", "send-advert", "arm-advert", "claim", "announce"),
    abandon: ignored,
    stop: ignored,
    "stop-now": ignored,
    yield: ignored,
    fault: ignored,
    recovered: ignored,
    "advert-zero": ignored,
    "advert-superior": ignored,
    "advert-inferior": ignored,
    "down-timer": impossible,
    "advert-timer": impossible,
    overslept: impossible,
    "group-backup": ignored,
    "handed-over": impossible,
    "no-successor": impossible,
    "address-lost": ignored,
  },
  BACKUP: {
    start: impossible,
    "start-faulty": impossible,
    resume: impossible,
    abandon: go("STOPPED", "disarm"),
    stop: go("STOPPED", "disarm", "release-stale"),
    "stop-now": go("STOPPED", "disarm", "release-stale"),
    yield: ignored,
    fault: go("FAULT", "disarm", "release-stale"),
    recovered: impossible,
    "advert-zero": go("BACKUP", "arm-skew"),
    "advert-superior": go("BACKUP", "release-stale", "adopt-interval", "arm-down"),
    "advert-inferior": go("BACKUP", "release-stale", "weigh-preemption"),
    // The advert comes first: adding addresses takes time, and others must not begin an election in it.
    "down-timer": go("MASTER", "disarm", "own-interval", "send-advert", "arm-advert", "claim", "announce"),
    "advert-timer": impossible,
    overslept: impossible,
    "group-backup": ignored,
    "handed-over": impossible,
    "no-successor": impossible,
    "address-lost": ignored,
  },
  MASTER: {
    start: impossible,
    "start-faulty": impossible,
    resume: impossible,
    abandon: go("STOPPED", "disarm", "stop-announcing"),
    stop: go("LEAVING", "disarm", "stop-announcing", "send-zero", "arm-handover"),
    "stop-now": go("STOPPED", "disarm", "stop-announcing", "send-zero", "release"),
    yield: go("YIELDING", "disarm", "stop-announcing", "send-zero", "arm-handover"),
    fault: go("FAULT", "disarm", "stop-announcing", "send-zero", "release"),
    recovered: impossible,
    "advert-zero": go("MASTER", "send-advert", "arm-advert"),
    "advert-superior": go(
      "BACKUP",
      ...(["disarm", "stop-announcing", "send-last-advert", "release", "adopt-interval", "arm-down"] as const),
    ),
    "advert-inferior": go("MASTER", "answer-inferior"),
    "down-timer": impossible,
    "advert-timer": go("MASTER", "send-advert", "arm-advert"),
    overslept: go("BACKUP", "disarm", "stop-announcing", "release", "arm-down"),
    "group-backup": go("BACKUP", "disarm", "stop-announcing", "send-zero", "release", "arm-down"),
    "handed-over": impossible,
    "no-successor": impossible,
    "address-lost": go("MASTER", "claim", "announce"),
  },
  FAULT: {
    start: impossible,
    "start-faulty": impossible,
    resume: impossible,
    abandon: go("STOPPED", "disarm"),
    stop: go("STOPPED", "disarm"),
    "stop-now": go("STOPPED", "disarm"),
    yield: ignored,
    fault: ignored,
    recovered: go("BACKUP", "own-interval", "arm-down"),
    "advert-zero": ignored,
    "advert-superior": ignored,
    "advert-inferior": ignored,
    "down-timer": impossible,
    "advert-timer": impossible,
    overslept: impossible,
    "group-backup": ignored,
    "handed-over": impossible,
    "no-successor": impossible,
    "address-lost": ignored,
  },
  LEAVING: {
    start: impossible,
    "start-faulty": impossible,
    resume: impossible,
    abandon: go("STOPPED", "disarm", "release"),
    stop: ignored,
    "stop-now": go("STOPPED", "disarm", "release"),
    yield: ignored,
    fault: go("STOPPED", "disarm", "release"),
    recovered: impossible,
    // Everybody leaves: there is no successor to wait for, but it is not the peer's advert of 0 that tells it.
    "advert-zero": ignored,
    "advert-superior": go("LEAVING", "arm-linger"),
    "advert-inferior": go("LEAVING", "arm-linger"),
    "down-timer": impossible,
    "advert-timer": impossible,
    overslept: impossible,
    "group-backup": ignored,
    "handed-over": go("STOPPED", "disarm", "release"),
    "no-successor": go("STOPPED", "disarm", "release"),
    "address-lost": ignored,
  },
  YIELDING: {
    start: impossible,
    "start-faulty": impossible,
    resume: impossible,
    abandon: go("STOPPED", "disarm", "release"),
    // The peers know already.
    stop: go("LEAVING", "arm-handover"),
    "stop-now": go("STOPPED", "disarm", "release"),
    yield: ignored,
    fault: go("FAULT", "disarm", "release"),
    recovered: impossible,
    "advert-zero": ignored,
    "advert-superior": go("YIELDING", "arm-linger"),
    "advert-inferior": go("YIELDING", "arm-linger"),
    "down-timer": impossible,
    "advert-timer": impossible,
    overslept: impossible,
    "group-backup": ignored,
    "handed-over": go("BACKUP", "disarm", "release", "adopt-interval", "arm-down"),
    "no-successor": go("MASTER", "disarm", "send-advert", "arm-advert", "announce"),
    "address-lost": ignored,
  },
};

/** The table as text, a line per cell in which something happens. */
export function formatTable(): string {
  const rows: string[] = [];
  for (const from of STATES) {
    for (const event of EVENTS) {
      const cell = TABLE[from][event];
      if (typeof cell === "string") continue;
      rows.push(`${from.padEnd(8)} ${event.padEnd(16)} ${cell.to.padEnd(8)} ${cell.actions.join(", ")}`);
    }
  }
  return [`${"From".padEnd(8)} ${"Event".padEnd(16)} ${"To".padEnd(8)} Actions`, ...rows, ""].join("\n");
}
