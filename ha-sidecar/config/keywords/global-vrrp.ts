// Keywords of global_defs that give every instance its defaults.

import type { IpAddressPlan } from "../../plan/network.ts";
import type { GarpDraft, GlobalDraft } from "../drafts.ts";
import type { Keyword } from "../keyword.ts";
import { placeOf } from "../statement.ts";
import { boolean, flag, ignored, integer, line, parseIp, SECONDS_MAX, seconds, text, UNSIGNED_MAX } from "../values.ts";

/** Names that open messages: an instance's begin with `(NAME): `, the global ones with nothing. */
type Prefix<Draft> = (draft: Draft) => string;

/**
 * The six keywords that say when gratuitous ARPs are sent; the global ones have `vrrp_` in front.
 * @param garpOf where they are kept
 */
export function garpKeywords<Draft>(
  prefix: string,
  where: Prefix<Draft>,
  garpOf: (draft: Draft) => GarpDraft,
): Keyword<Draft>[] {
  const delay = (name: string, about: string, key: "masterDelayMs" | "lowerPriorityDelayMs"): Keyword<Draft> =>
    integer(
      {
        name: prefix + name,
        min: 0,
        max: SECONDS_MAX,
        text: about,
        invalid: (value, draft) => `${where(draft)}${prefix}${name} '${value}' invalid - ignoring`,
      },
      (draft, value) => {
        garpOf(draft)[key] = value * 1000;
      },
    );
  const positive = (name: string, about: string, key: "masterRepeat" | "refreshRepeat"): Keyword<Draft> =>
    integer(
      {
        name: prefix + name,
        min: 0,
        max: UNSIGNED_MAX,
        text: about,
        invalid: (value, draft) => `${where(draft)}${prefix}${name} '${value}' invalid - ignoring`,
      },
      (draft, value, statement, context) => {
        const message = `${where(draft)}${prefix}${name} must be greater than 0, setting to 1`;
        if (value === 0) context.report.fault("invalid-number", placeOf(statement, 1), message);
        garpOf(draft)[key] = Math.max(1, value);
      },
    );
  const lowerRepeat = `${prefix}garp_lower_prio_repeat`;
  const refresh = `${prefix}garp_master_refresh`;
  return [
    delay(
      "garp_master_delay",
      "Seconds until the second burst after becoming master; 0: none. Default 5.",
      "masterDelayMs",
    ),
    positive("garp_master_repeat", "Gratuitous ARPs of a burst after becoming master. Default 5.", "masterRepeat"),
    delay(
      "garp_lower_prio_delay",
      "Seconds until the second burst after an advert of lower priority. Default: garp_master_delay.",
      "lowerPriorityDelayMs",
    ),
    integer(
      {
        name: lowerRepeat,
        min: 0,
        max: UNSIGNED_MAX,
        text: "Gratuitous ARPs of a burst after an advert of lower priority. Default: garp_master_repeat.",
        invalid: (value, draft) => `${where(draft)}Invalid ${lowerRepeat} '${value}'`,
      },
      (draft, value) => {
        garpOf(draft).lowerPriorityRepeat = value;
      },
    ),
    integer(
      {
        name: refresh,
        min: 0,
        max: UNSIGNED_MAX,
        text: "Seconds between gratuitous ARPs while master; 0, the default: none.",
        invalid: (value, draft) => `${where(draft)}Invalid ${refresh} '${value}' - ignoring`,
      },
      (draft, value) => {
        garpOf(draft).refreshMs = value * 1000;
      },
    ),
    positive("garp_master_refresh_repeat", "Gratuitous ARPs of each refresh. Default 1.", "refreshRepeat"),
  ];
}

const invalidValue = (name: string) => () => `Invalid value for ${name} specified`;

function interval(name: string, what: string, set: (draft: GlobalDraft, ms: number) => void): Keyword<GlobalDraft> {
  const bounds = { min: 0.000001, max: 4294.967295 };
  return seconds(
    {
      name,
      ...bounds,
      text: `Seconds between two ${what} on an interface.`,
      invalid: (value) => `${name} '${value}' is invalid`,
    },
    set,
  );
}

/** 224.0.0.0/4, ff00::/8 */
export function isMulticast({ family, bytes }: IpAddressPlan): boolean {
  return family === 4 ? (bytes[0]! & 0xf0) === 0xe0 : bytes[0] === 0xff;
}

function multicastGroup(family: 4 | 6): Keyword<GlobalDraft> {
  const name = `vrrp_mcast_group${family}` as const;
  const row = { name, syntax: "<ADDRESS>", text: `The group that IPv${family} adverts go to.` };
  return text(row, (draft, value, statement, context) => {
    const address = parseIp(value);
    const problem =
      address === null
        ? `Can't parse ${name} [${value}]. Skipping`
        : address.family !== family
          ? `${name} [${value}] is not IPv${family}. Skipping`
          : isMulticast(address)
            ? null
            : `${name} [${value}] is not multicast. Skipping`;
    if (problem === null) draft[family === 4 ? "multicastGroup4" : "multicastGroup6"] = address!;
    else {
      const example = family === 4 ? "224.0.0.18" : "ff02::12";
      const details = { expected: `a multicast address such as ${example}` };
      context.report.fault("invalid-address", placeOf(statement, 1), problem, details);
    }
  });
}

export const VRRP_DEFAULTS: readonly Keyword<GlobalDraft>[] = [
  multicastGroup(4),
  multicastGroup(6),
  integer(
    {
      name: "vrrp_version",
      min: 2,
      max: 3,
      text: "The version of VRRP that IPv4 instances speak; default 2. IPv6 instances always speak 3.",
      invalid: () => "VRRP Error: Version must be either 2 or 3",
    },
    (draft, value) => {
      draft.version = value === 3 ? 3 : 2;
    },
  ),
  ...garpKeywords<GlobalDraft>(
    "vrrp_",
    () => "",
    (draft) => draft.garp,
  ),
  interval("vrrp_garp_interval", "gratuitous ARPs", (draft, ms) => {
    draft.garpIntervalMs = ms;
  }),
  interval("vrrp_gna_interval", "unsolicited neighbour advertisements", (draft, ms) => {
    draft.gnaIntervalMs = ms;
  }),
  boolean(
    {
      name: "vrrp_min_garp",
      text: "One gratuitous ARP and no second burst, unless the keywords for these are written too.",
      invalid: invalidValue("vrrp_min_garp"),
    },
    (draft, value) => {
      draft.minGarp = value;
    },
  ),
  integer(
    {
      name: "vrrp_down_timer_adverts",
      min: 1,
      max: 100,
      text: "How many adverts may be missing before a backup takes over; default 3.",
      invalid: (value) => `Invalid vrrp_down_timer_adverts [1:100] '${value}'`,
    },
    (draft, value) => {
      draft.downTimerAdverts = value;
    },
  ),
  boolean(
    {
      name: "vrrp_lower_prio_no_advert",
      text: "A master does not answer an advert of lower priority.",
      invalid: invalidValue("vrrp_lower_prio_no_advert"),
    },
    (draft, value) => {
      draft.lowerPriorityNoAdvert = value;
    },
  ),
  boolean(
    {
      name: "vrrp_higher_prio_send_advert",
      text: "A master that yields to a higher priority sends a last advert, so that the other renews its gratuitous ARPs. Here that is the default (not with vrrp_strict); off is keepalived's.",
      invalid: invalidValue("vrrp_higher_prio_send_advert"),
    },
    (draft, value) => {
      draft.higherPrioritySendAdvert = value;
    },
  ),
  line(
    {
      name: "vrrp_check_unicast_src",
      syntax: "[<BOOL>]",
      text: "Unicast adverts must come from a peer. Here that is the default; off allows others, as keepalived does by default.",
    },
    (draft, statement) => {
      draft.checkUnicastSource = statement.words[1]?.text !== "off";
    },
  ),
  flag(
    { name: "vrrp_skip_check_adv_addr", text: "Addresses in adverts are compared only when the master changes." },
    (draft) => {
      draft.skipCheckAdvertAddresses = true;
    },
  ),
  flag(
    {
      name: "vrrp_strict",
      text: "Only what the RFCs allow. It drops packets to the virtual addresses and refuses authentication and unicast; it is seldom what is wanted.",
    },
    (draft) => {
      draft.strict = true;
    },
  ),
  boolean(
    {
      name: "vrrp_notify_priority_changes",
      text: "Changes of priority are written to the FIFOs.",
      invalid: (value) => `Invalid value '${value}' for global vrrp_notify_priority_changes specified`,
    },
    (draft, value) => {
      draft.notifyPriorityChanges = value;
    },
  ),
  boolean(
    {
      name: "v3_checksum_as_v2",
      since: "2.2.8",
      text: "Checksums of version 3 over IPv4 without pseudo-header, as RFC 9568 has it. Both are understood.",
      invalid: invalidValue("v3_checksum_as_v2"),
    },
    (draft, value) => {
      draft.v3ChecksumAsV2 = value;
    },
  ),
  seconds(
    {
      name: "vrrp_delay_after_boot",
      since: "2.2.8",
      min: 0,
      max: 4294.967295,
      text: "Instances begin so many seconds after the machine's start at the earliest.",
      invalid: (value) => `vrrp_delay_after_boot '${value}' is invalid`,
    },
    (draft, ms) => {
      draft.delayAfterBootMs = ms;
    },
  ),
  seconds(
    {
      name: "vrrp_startup_delay",
      min: 0.001,
      max: 4294.967295,
      text: "Instances begin so many seconds after the start.",
      invalid: (value) => `vrrp_startup_delay '${value}' is invalid`,
    },
    (draft, ms) => {
      draft.startupDelayMs = ms;
    },
  ),
  flag(
    { name: "log_unknown_vrids", text: "Adverts of virtual routers that are not configured are logged." },
    (draft) => {
      draft.logUnknownVrids = true;
    },
  ),
  text({ name: "vmac_prefix", text: "How the names of macvlan interfaces begin; default vrrp." }, (draft, value) => {
    draft.vmacPrefix = value;
  }),
  ignored("vmac_addr_prefix", "All macvlan interfaces are named by vmac_prefix."),
  ignored(
    "vrrp_garp_extra_if",
    "Gratuitous ARPs go out where an address is; garp_master_refresh repeats them.",
    "[all] <SECONDS>",
  ),
  ignored("vrrp_iptables", "Filters are made with nftables."),
  ignored("vrrp_ipsets", "Filters are made with nftables sets."),
  ...["nftables", "nftables_priority", "nftables_counters", "nftables_ifindex"].map((name) =>
    ignored<GlobalDraft>(name, "The table's name and priority are fixed, so that no rule is left behind."),
  ),
  ...["nftables_ipvs", "nftables_ipvs_priority", "nftables_ipvs_start_fwmark"].map((name) =>
    ignored<GlobalDraft>(name, "Virtual servers need no firewall marks here."),
  ),
  ignored("disable_local_igmp", "IGMP stays on the parent interface."),
  ignored("vrrp_rx_bufs_policy", "Adverts are read as they come; the kernel's default buffer suffices."),
  ignored("vrrp_rx_bufs_multiplier", "Adverts are read as they come; the kernel's default buffer suffices."),
];
