// `virtual_server … { … }`, its `real_server`s and `virtual_server_group`. The checks inside of a real server: check.ts.

import type { Scheduler } from "../../plan/virtual-server.ts";
import { type Context, type Keyword, readSection, type Section } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import {
  boolean,
  flag,
  ignored,
  integer,
  line,
  parseInteger,
  parseIp,
  parseIpOf,
  requireWord,
  text,
  UNSIGNED_MAX,
  withoutEffect,
} from "../values.ts";
import {
  newTimingDraft,
  type RealServerDraft,
  type ServiceDraft,
  type VirtualServerDraft,
} from "../virtual-server-drafts.ts";
import { readForwarding } from "./forwarding.ts";
import { REAL_SERVER, serverScript, timingKeywords } from "./real-server.ts";

const SCHEDULERS: readonly Scheduler[] = [
  "rr",
  "wrr",
  "lc",
  "wlc",
  "lblc",
  "lblcr",
  "sh",
  "mh",
  "dh",
  "fo",
  "ovf",
  "sed",
  "nq",
  "twos",
];

function scheduler(name: string): Keyword<VirtualServerDraft> {
  return line(
    { name, syntax: SCHEDULERS.join("|"), text: "How a real server is chosen; default wlc." },
    (draft, statement, context) => {
      const word = requireWord(statement, 1, context);
      if (word === null) return;
      const chosen = SCHEDULERS.find((candidate) => candidate === word.text);
      if (chosen !== undefined) draft.scheduler = chosen;
      else {
        const details = { expected: SCHEDULERS.join(", ") };
        context.report.fault("invalid-value", word.place, `Invalid lvs_scheduler '${word.text}' - ignoring`, details);
      }
    },
  );
}

function forwarding(name: string): Keyword<VirtualServerDraft> {
  return line(
    { name, syntax: "NAT|DR|TUN …", text: "How packets reach real servers; default NAT." },
    (draft, statement, context) => {
      draft.forwarding = readForwarding(statement, "virtual server", context) ?? draft.forwarding;
    },
  );
}

/** Flags of schedulers: their bits are the same, their names are not. */
function schedulerFlag(name: string, bit: number, only: Scheduler | null): Keyword<VirtualServerDraft> {
  return line({ name, syntax: "", text: "A flag of the scheduler." }, (draft, statement, context) => {
    if (only === null || draft.scheduler === only) draft.schedulerFlags |= bit;
    else {
      const message = `${name} only applies to ${only} scheduler - ignoring`;
      context.report.fault("invalid-value", placeOf(statement), message);
    }
  });
}

const BALANCING: readonly Keyword<VirtualServerDraft>[] = [
  scheduler("lb_algo"),
  scheduler("lvs_sched"),
  forwarding("lb_kind"),
  forwarding("lvs_method"),
  schedulerFlag("flag-1", 1, null),
  schedulerFlag("flag-2", 2, null),
  schedulerFlag("flag-3", 4, null),
  schedulerFlag("sh-fallback", 1, "sh"),
  schedulerFlag("sh-port", 2, "sh"),
  schedulerFlag("mh-fallback", 1, "mh"),
  schedulerFlag("mh-port", 2, "mh"),
  flag({ name: "ops", text: "Every packet is scheduled for itself (UDP)." }, (draft) => {
    draft.onePacket = true;
  }),
  line(
    {
      name: "persistence_timeout",
      syntax: "[<SECONDS>]",
      text: "A client stays with its server so long; without a number 360.",
    },
    (draft, statement, context) => {
      const word = statement.words[1];
      const value = word === undefined ? 360 : parseInteger(word.text, { min: 1, max: 2678400 });
      if (value !== null) draft.persistenceTimeoutMs = value * 1000;
      else
        context.report.fault("invalid-number", word!.place, "persistence_timeout invalid", {
          expected: "seconds, at most 31 days",
        });
    },
  ),
  line(
    { name: "persistence_granularity", syntax: "<NETMASK>|<0..128>", text: "Clients of one network stay together." },
    readGranularity,
  ),
  text({ name: "persistence_engine", text: "The name of one of IPVS's engines, such as sip." }, (draft, value) => {
    draft.persistenceEngine = value;
  }),
  line({ name: "protocol", syntax: "TCP|UDP|SCTP", text: "The protocol." }, (draft, statement, context) => {
    const word = requireWord(statement, 1, context);
    if (word === null) return;
    const protocol = word.text.toLowerCase();
    draft.protocolPlace = word.place;
    if (protocol === "tcp" || protocol === "udp" || protocol === "sctp") draft.protocol = protocol;
    else {
      context.report.fault("invalid-value", word.place, `Unknown protocol ${word.text} - ignoring`, {
        expected: "TCP, UDP or SCTP",
      });
    }
  }),
  line(
    { name: "ip_family", syntax: "inet|inet6", text: "The family of a firewall mark." },
    (draft, statement, context) => {
      const word = requireWord(statement, 1, context);
      if (word === null) return;
      if (word.text === "inet" || word.text === "inet6") draft.ipFamily = word.text === "inet" ? 4 : 6;
      else
        context.report.fault("invalid-value", word.place, `unknown address family ${word.text}`, {
          expected: "inet or inet6",
        });
    },
  ),
];

function readGranularity(draft: VirtualServerDraft, statement: Statement, context: Context): void {
  const word = requireWord(statement, 1, context);
  if (word === null) return;
  const mask = parseIpOf(4, word.text);
  const bits = parseInteger(word.text, { min: 0, max: 128 });
  if (mask !== null) {
    draft.persistencePrefixLength = [...mask.bytes]
      .map((byte) => byte.toString(2).replaceAll("0", "").length)
      .reduce((a, b) => a + b);
  } else if (bits !== null) draft.persistencePrefixLength = bits;
  else {
    const message = `Invalid IPv4 persistence_granularity specified - ${word.text}`;
    context.report.fault("invalid-value", word.place, message, {
      expected: "a netmask such as 255.255.255.0, or for IPv6 a number of bits",
    });
  }
}

const AVAILABILITY: readonly Keyword<VirtualServerDraft>[] = [
  ...timingKeywords<VirtualServerDraft>("virtual server"),
  flag({ name: "alpha", text: "Real servers are down until a check has passed." }, (draft) => {
    draft.timing.alpha = true;
  }),
  flag({ name: "omega", text: "Stopping counts as a failure of all real servers." }, (draft) => {
    draft.omega = true;
  }),
  flag({ name: "ha_suspend", text: "No checks while the address is not on this machine." }, (draft) => {
    draft.haSuspend = true;
  }),
  flag({ name: "inhibit_on_failure", text: "A failed server gets weight 0 instead of being removed." }, (draft) => {
    draft.inhibitOnFailure = true;
  }),
  integer(
    {
      name: "quorum",
      min: 1,
      max: UNSIGNED_MAX,
      text: "Weight of living servers that is needed; default 1.",
      invalid: (value) => `Quorum ${value} must be in [1, 4294967295]. Setting to 1.`,
    },
    (draft, value, statement) => {
      draft.quorum = value;
      draft.quorumPlace = placeOf(statement, 1);
    },
  ),
  integer(
    {
      name: "hysteresis",
      min: 0,
      max: UNSIGNED_MAX,
      text: "Weight around the quorum that changes nothing.",
      invalid: (value) => `Hysteresis ${value} must be in [0, 4294967295] - ignoring`,
    },
    (draft, value, statement) => {
      draft.hysteresis = value;
      draft.hysteresisPlace = placeOf(statement, 1);
    },
  ),
  serverScript<VirtualServerDraft>("quorum_up", "Run when the quorum is gained.", (draft, script) => {
    draft.quorumUp = script;
  }),
  serverScript<VirtualServerDraft>("quorum_down", "Run when the quorum is lost.", (draft, script) => {
    draft.quorumDown = script;
  }),
  integer(
    {
      name: "weight",
      min: 1,
      max: 2147483647,
      text: "The weight of real servers that have none of their own.",
      invalid: (value) => `Virtual server weight ${value} is outside range 1-2147483647`,
    },
    (draft, value) => {
      draft.weight = value;
    },
  ),
  boolean(
    {
      name: "smtp_alert",
      text: "Mails on changes of the quorum.",
      invalid: (value) => `Invalid virtual_server smtp_alert parameter ${value}`,
    },
    (draft, value) => {
      draft.mail = value;
    },
  ),
  text(
    { name: "virtualhost", text: "The Host of HTTP checks.", missing: () => "virtual server virtualhost missing" },
    (draft, value) => {
      draft.virtualhost = value;
    },
  ),
  withoutEffect(
    line({ name: "snmp_name", syntax: "<STRING>", text: "" }, (draft, statement, context) => {
      if (statement.words.length === 2) draft.snmpName = statement.words[1]!.text;
      else
        context.report.fault(
          "missing-parameter",
          placeOf(statement, 1),
          "virtual server snmp_name missing or extra parameters",
        );
    }),
    "There is no SNMP agent.",
  ),
  ignored("bind_if", "It belongs in a check."),
];

const SORRY: readonly Keyword<VirtualServerDraft>[] = [
  line(
    { name: "sorry_server", syntax: "<ADDRESS> [<PORT>]", text: "Where clients go while the quorum is lost." },
    (draft, statement, context) => {
      const word = requireWord(statement, 1, context);
      if (word === null) return;
      const address = parseIp(word.text);
      const port = parseInteger(statement.words[2]?.text ?? "0", { min: 0, max: 65535 });
      if (address !== null && port !== null) draft.sorryServer = { address, port, inhibit: false, forwarding: null };
      else
        context.report.fault("invalid-address", word.place, `Invalid sorry server IP address ${word.text} - skipping`);
    },
  ),
  line(
    { name: "sorry_server_inhibit", syntax: "", text: "inhibit_on_failure for the sorry server." },
    (draft, statement, context) => {
      const message = "Ignoring sorry_server inhibit used before or without sorry_server";
      if (draft.sorryServer === null) context.report.fault("invalid-value", placeOf(statement), message);
      else draft.sorryServer.inhibit = true;
    },
  ),
  line(
    { name: "sorry_server_lvs_method", syntax: "NAT|DR|TUN …", text: "How packets reach the sorry server." },
    (draft, statement, context) => {
      const message = "sorry_server forwarding used without sorry_server";
      if (draft.sorryServer === null) context.report.fault("invalid-value", placeOf(statement), message);
      else draft.sorryServer.forwarding = readForwarding(statement, "sorry server", context);
    },
  ),
];

const REAL_SERVER_KEYWORD: Keyword<VirtualServerDraft> = {
  name: "real_server",
  syntax: "<ADDRESS> [<PORT>] { … }",
  text: "A server behind it, and the checks that it must pass.",
  effect: "served",
  section: REAL_SERVER,
  takesList: false,
  read(draft, statement, context) {
    const word = requireWord(statement, 1, context);
    if (word === null) return;
    const portWord = statement.words[2];
    const address = parseIp(word.text);
    const port = parseInteger(portWord?.text ?? "0", { min: portWord === undefined ? 0 : 1, max: 65535 });
    if (address === null || port === null) {
      const shown = `${word.text}${portWord === undefined ? "" : `/${portWord.text}`}`;
      const at = placeOf(statement, address === null ? 1 : 2);
      context.report.fault("invalid-address", at, `Invalid real server ip address/port ${shown} - skipping`);
      return;
    }
    const server: RealServerDraft = {
      place: word.place,
      address,
      port,
      timing: newTimingDraft(),
      weight: null,
      forwarding: null,
      inhibitOnFailure: null,
      connectionsMax: 0,
      connectionsMin: 0,
      notifyUp: null,
      notifyDown: null,
      virtualhost: null,
      mail: null,
      snmpName: null,
      checks: [],
    };
    draft.realServers.push(server);
    readSection(REAL_SERVER, server, statement.block!, context);
  },
};

export const VIRTUAL_SERVER: Section<VirtualServerDraft> = {
  name: "virtual_server",
  keywords: [...BALANCING, ...AVAILABILITY, ...SORRY, REAL_SERVER_KEYWORD],
};

export function readVirtualServer(statement: Statement, context: Context): void {
  const service = readService(statement, context);
  if (service === null) return;
  const place = placeOf(statement, 1);
  const draft: VirtualServerDraft = {
    place,
    service,
    timing: newTimingDraft(),
    protocol: null,
    protocolPlace: place,
    ipFamily: null,
    scheduler: null,
    schedulerFlags: 0,
    onePacket: false,
    forwarding: null,
    persistenceTimeoutMs: 0,
    persistencePrefixLength: null,
    persistenceEngine: null,
    haSuspend: false,
    omega: false,
    quorum: 1,
    hysteresis: 0,
    quorumPlace: place,
    hysteresisPlace: place,
    quorumUp: null,
    quorumDown: null,
    sorryServer: null,
    inhibitOnFailure: false,
    weight: 1,
    virtualhost: null,
    realServers: [],
    mail: null,
    snmpName: null,
  };
  context.configuration.virtualServers.push(draft);
  readSection(VIRTUAL_SERVER, draft, statement.block!, context);
}

function readService(statement: Statement, context: Context): ServiceDraft | null {
  const first = requireWord(statement, 1, context);
  if (first === null) return null;
  const second = statement.words[2];
  if (first.text === "group") {
    const name = requireWord(statement, 2, context);
    return name === null ? null : { kind: "group", name: name.text };
  }
  if (first.text === "fwmark") {
    const mark = requireWord(statement, 2, context);
    if (mark === null) return null;
    const value = parseInteger(mark.text, { min: 0, max: UNSIGNED_MAX });
    if (value !== null) return { kind: "fwmark", mark: value };
    const message = `virtual server fwmark '${mark.text}' must be in [0, 4294967295] - ignoring`;
    context.report.fault("invalid-number", mark.place, message);
    return null;
  }
  const address = parseIp(first.text);
  const port = parseInteger(second?.text ?? "0", { min: second === undefined ? 0 : 1, max: 65535 });
  if (address !== null && port !== null) return { kind: "address", address, port };
  const shown = `${first.text}${second === undefined ? "" : `/${second.text}`}`;
  const at = placeOf(statement, address === null ? 1 : 2);
  context.report.fault("invalid-address", at, `Invalid virtual server IP address/port ${shown} - skipping`);
  return null;
}
