// `vrrp_instance NAME { … }`: what an instance is and how it behaves. Its addresses and where its adverts go stand in
// vrrp-instance-network.ts.

import type { InstanceDraft } from "../drafts.ts";
import { type Context, type Keyword, readSection, reportExtraWords, type Section } from "../keyword.ts";
import { newInstanceDraft } from "../new-drafts.ts";
import { placeOf, type Statement, withoutText } from "../statement.ts";
import {
  boolean,
  flag,
  ignored,
  integer,
  line,
  parseDecimal,
  parseInteger,
  readSeconds,
  requireWord,
  seconds,
  text,
} from "../values.ts";
import { HMAC_KEYWORD } from "./auth-hmac.ts";
import { garpKeywords } from "./global-vrrp.ts";
import { instanceNotifyKeywords, type NotifyWording, notifyKeywords } from "./notify.ts";
import { trackingKeywords } from "./tracking.ts";
import { NETWORK_KEYWORDS } from "./vrrp-instance-network.ts";

const IDENTITY: readonly Keyword<InstanceDraft>[] = [
  text(
    {
      name: "state",
      syntax: "MASTER|BACKUP",
      text: "How it begins. MASTER only helps with priority 255; every other instance waits for adverts first.",
    },
    (draft, value, statement, context) => {
      draft.statePlace = placeOf(statement, 1);
      draft.wantedState = value === "MASTER" ? "MASTER" : "BACKUP";
      if (value !== "MASTER" && value !== "BACKUP") {
        const message = `(${draft.name}) unknown state '${value}', defaulting to BACKUP`;
        context.report.fault("invalid-value", draft.statePlace, message, { expected: "MASTER or BACKUP" });
      }
    },
  ),
  text(
    { name: "interface", syntax: "<INTERFACE>", text: "Where adverts go and addresses stand." },
    (draft, value, statement) => {
      draft.interface = value;
      draft.interfacePlace = placeOf(statement, 1);
    },
  ),
  integer(
    {
      name: "virtual_router_id",
      min: 1,
      max: 255,
      text: "The number of the virtual router, the same on all its machines and on no other virtual router of the network.",
      invalid: (value, draft) => `(${draft.name}): VRID '${value}' not valid - must be between 1 & 255`,
    },
    (draft, value, statement) => {
      draft.virtualRouterId = value;
      draft.routerIdPlace = placeOf(statement, 1);
    },
  ),
  line(
    {
      name: "priority",
      syntax: "<1..255>",
      text: "The highest becomes master. 255 owns the addresses. Default 100, with state MASTER 255.",
    },
    (draft, statement, context) => {
      const word = requireWord(statement, 1, context);
      if (word === null) return;
      const value = parseInteger(word.text, { min: 1, max: 255 });
      if (value === null) {
        const message = `(${draft.name}) Priority not valid! must be between 1 & 255. Using default 100`;
        context.report.fault("invalid-number", word.place, message, { expected: "a number from 1 to 255" });
      }
      draft.priority = value ?? 100;
      draft.priorityPlace = word.place;
    },
  ),
  integer(
    {
      name: "version",
      min: 2,
      max: 3,
      text: "The version of VRRP; by default vrrp_version. IPv6 instances always speak 3.",
      invalid: (_value, draft) => `(${draft.name}): Version must be either 2 or 3`,
    },
    (draft, value, statement) => {
      draft.version = value === 3 ? 3 : 2;
      draft.versionPlace = placeOf(statement, 1);
    },
  ),
  {
    name: "authentication",
    syntax: "{ auth_type …, auth_pass … }",
    text: "A password in every advert (version 2 only). It keeps mistakes out, not attackers.",
    effect: "served",
    get section() {
      return AUTHENTICATION;
    },
    takesList: false,
    read(draft, statement, context) {
      reportExtraWords(statement, context);
      draft.auth ??= { type: null, password: null, place: placeOf(statement) };
      readSection(AUTHENTICATION, draft, statement.block!, context);
      warnOfOneLine(draft, statement, context);
    },
  },
];

const AUTHENTICATION: Section<InstanceDraft> = {
  name: "authentication",
  keywords: [
    text(
      { name: "auth_type", syntax: "PASS|AH", text: "PASS sends the password as it is, AH signs with it." },
      (draft, value, statement, context) => {
        if (value === "PASS" || value === "AH") draft.auth!.type = value === "PASS" ? "pass" : "ah";
        else {
          draft.auth!.type ??= "unknown";
          const message = `(${draft.name}) unknown authentication type '${value}'`;
          context.report.fault("invalid-value", placeOf(statement, 1), message, { expected: "PASS or AH" });
        }
      },
    ),
    text({ name: "auth_pass", text: "The password; eight characters count." }, (draft, value, statement, context) => {
      draft.auth!.password = value;
      if (value.length > 8) {
        const place = withoutText(placeOf(statement, 1));
        context.report.fault("truncated-password", place, "Truncating auth_pass to 8 characters", {
          hint: "Only these are sent, so every password that begins with them is right.",
        });
      }
    }),
  ],
};

/** `authentication { auth_type PASS auth_pass x }`: one statement, whose words behind the type keepalived does not look at. */
function warnOfOneLine(draft: InstanceDraft, statement: Statement, context: Context): void {
  const lost = statement.block!.find(
    (entry) => entry.words.length > 2 && /^auth_(type|pass)$/.test(entry.words[2]!.text),
  );
  if (lost === undefined) return;
  const [first, , second] = lost.words;
  context.report.warning(
    "one-line-authentication",
    withoutText(second!.place),
    `(${draft.name}) '${second!.text}' is lost behind '${first!.text}'`,
    {
      hint: "Every keyword needs a line of its own: without a password the instance runs without authentication.",
    },
  );
}

const TIMING: readonly Keyword<InstanceDraft>[] = [
  line(
    {
      name: "advert_int",
      syntax: "<SECONDS>",
      text: "Between two adverts: whole seconds with version 2, 0.01 to 40.95 with version 3. Default 1.",
    },
    (draft, statement, context) => {
      const bounds = { min: 0.01, max: 255 };
      const ms = readSeconds(
        statement,
        1,
        bounds,
        (value) => `(${draft.name}) Advert interval (${value}) not valid! Must be > 0 - ignoring`,
        context,
      );
      if (ms === null) return;
      draft.advertIntervalMs = ms;
      draft.advertIntervalPlace = placeOf(statement, 1);
    },
  ),
  line(
    {
      name: "advert_int_accept",
      syntax: "<MIN> <MAX>",
      since: "ringway",
      text: "Bounds in seconds for a master's interval that a version 3 backup takes over; by default 0.01 and four times its own, at least 1.",
    },
    readAcceptedInterval,
  ),
  integer(
    {
      name: "down_timer_adverts",
      min: 1,
      max: 100,
      text: "How many adverts may be missing before it takes over; default 3.",
      invalid: (value, draft) => `(${draft.name}): Invalid down_timer_adverts [1:100] '${value}'`,
    },
    (draft, value) => {
      draft.downTimerAdverts = value;
    },
  ),
  line(
    {
      name: "timer_expired_backup",
      syntax: "[<1..254>]",
      since: "2.2.8",
      text: "With nopreempt: a master that ran so late that another may have taken over becomes backup. The highest priority of the others; default 254.",
    },
    (draft, statement, context) => {
      const word = statement.words[1];
      const value = word === undefined ? 254 : parseInteger(word.text, { min: 1, max: 254 });
      if (value !== null) draft.timerExpiredBackup = value;
      else {
        const message = `(${draft.name}) timer_expired_backup priority '${word!.text}' not valid`;
        context.report.fault("invalid-number", word!.place, message, { expected: "a number from 1 to 254" });
      }
    },
  ),
  ...garpKeywords<InstanceDraft>(
    "",
    (draft) => `(${draft.name}): `,
    (draft) => draft.garp,
  ),
];

function readAcceptedInterval(draft: InstanceDraft, statement: Statement, context: Context): void {
  const bounds = { min: 0.01, max: 40.95 };
  const [min, max] = [1, 2].map((index) => parseDecimal(statement.words[index]?.text ?? "", bounds));
  if (min != null && max != null && min <= max) {
    draft.adoptedIntervalMs = { min: min * 1000, max: max * 1000 };
    return;
  }
  context.report.fault(
    "invalid-number",
    placeOf(statement, min === null ? 1 : 2),
    `(${draft.name}) advert_int_accept needs two times`,
    {
      expected: "the shortest and the longest interval in seconds, from 0.01 to 40.95",
    },
  );
}

const ELECTION: readonly Keyword<InstanceDraft>[] = [
  line(
    { name: "nopreempt", syntax: "", text: "A running master of lower priority stays master. Not with state MASTER." },
    (draft, statement) => {
      draft.preempt = false;
      draft.nopreemptPlace = placeOf(statement);
    },
  ),
  flag({ name: "preempt", text: "The default." }, (draft) => {
    draft.preempt = true;
  }),
  seconds(
    {
      name: "preempt_delay",
      min: 0,
      max: 1000,
      text: "Seconds to wait before a running master of lower priority is replaced.",
      invalid: (_value, draft) => `(${draft.name}) Preempt_delay not valid! must be between 0-1000`,
    },
    (draft, ms, statement) => {
      draft.preemptDelayMs = ms;
      draft.preemptDelayPlace = placeOf(statement);
    },
  ),
  ...(
    [
      ["lower_prio_no_advert", "lowerPriorityNoAdvert", "A master does not answer an advert of lower priority."],
      [
        "higher_prio_send_advert",
        "higherPrioritySendAdvert",
        "A master that yields sends a last advert. Here that is the default.",
      ],
      [
        "skip_check_adv_addr",
        "skipCheckAdvertAddresses",
        "Addresses in adverts are compared only when the master changes.",
      ],
      ["strict_mode", "strict", "Only what the RFCs allow."],
    ] as const
  ).map(([name, key, about]) =>
    boolean<InstanceDraft>(
      { name, text: about, invalid: (value, draft) => `(${draft.name}) invalid ${name} ${value} specified` },
      (draft, value) => {
        draft[key] = value;
      },
    ),
  ),
  line(
    { name: "accept", syntax: "", text: "Packets to the virtual addresses are taken; the default." },
    (draft, statement) => {
      draft.accept = true;
      draft.acceptPlace = placeOf(statement);
    },
  ),
  flag(
    { name: "no_accept", text: "Packets to the virtual addresses are dropped, unless the priority is 255." },
    (draft) => {
      draft.accept = false;
    },
  ),
  flag({ name: "dont_track_primary", text: "The instance's own interface may go down." }, (draft) => {
    draft.dontTrackPrimary = true;
  }),
  text(
    {
      name: "peer_bfd",
      syntax: "<NAME>",
      since: "ringway",
      text: "When this BFD session to the other machine is lost, the down timer of a backup expires at once.",
    },
    (draft, name, statement) => {
      draft.peerBfd = { name, place: placeOf(statement, 1) };
    },
  ),
];

const WORDING: NotifyWording = {
  script: (name) => `(${name}) `,
  block: "vrrp_instance",
  invalidPriorityChanges: (name, value) => `(${name}) Invalid value '${value}' for notify_priority_changes specified`,
};

const IGNORED: readonly Keyword<InstanceDraft>[] = [
  ignored("use_ipvlan", "Virtual addresses stand on the interface or, with use_vmac, on a macvlan."),
  ignored("use_vmac_addr", "Only the instance's own interface gets a macvlan."),
  ignored("vrf", "Name the interface instead."),
  ignored(
    "garp_extra_if",
    "Gratuitous ARPs go out where an address is; garp_master_refresh repeats them.",
    "[all] <SECONDS>",
  ),
  ignored("linkbeat_use_polling", "The kernel reports changes of links; nothing is polled."),
  ignored("debug", "The log's level is set on the command line.", "<0..4>"),
  ignored("lvs_sync_daemon_interface", "It concerns IPVS's own connection table."),
];

export const VRRP_INSTANCE: Section<InstanceDraft> = {
  name: "vrrp_instance",
  keywords: [
    ...IDENTITY,
    HMAC_KEYWORD,
    ...NETWORK_KEYWORDS,
    ...TIMING,
    ...ELECTION,
    ...trackingKeywords<InstanceDraft>(),
    ...notifyKeywords<InstanceDraft>(WORDING),
    ...instanceNotifyKeywords<InstanceDraft>(WORDING),
    ...IGNORED,
  ],
};

/** Reads the block and adds its draft to the configuration. */
export function readInstance(statement: Statement, context: Context): void {
  const name = statement.words[1]?.text;
  if (name === undefined || statement.words.length > 2) {
    const at = placeOf(statement, name === undefined ? 1 : 2);
    context.report.fault("missing-name", at, "vrrp_instance must have a name", {
      expected: "one word, or several between quotes",
    });
    return;
  }
  const { instances } = context.configuration;
  if (instances.some((other) => other.name === name)) {
    context.report.fault("duplicate-name", placeOf(statement, 1), `vrrp instance ${name} already defined`, {
      hint: "The second block is left out.",
    });
    return;
  }
  const draft = newInstanceDraft(name, placeOf(statement, 1));
  instances.push(draft);
  readSection(VRRP_INSTANCE, draft, statement.block!, context);
}
