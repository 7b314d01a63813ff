// Keywords of vrrp_instance about addresses, routes and the way of adverts. Lines of lists are kept as they are: whether an address fits
// is known when the family of the instance is (resolve/).

import type { InstanceDraft } from "../drafts.ts";
import { type Context, type Keyword, listLines, reportExtraWords } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import { boolean, flag, integer, line, parseBoolean, parseInteger, text, UNSIGNED_MAX } from "../values.ts";

type ListKey = "addresses" | "excludedAddresses" | "routes" | "rules" | "peers";

function list(name: string, key: ListKey, syntax: string, about: string): Keyword<InstanceDraft> {
  return {
    name,
    syntax: `{ ${syntax} … }`,
    text: about,
    effect: "served",
    section: null,
    takesList: true,
    read(draft, statement, context) {
      reportExtraWords(statement, context);
      const entries = listLines(statement, context);
      draft[key].push(...entries);
      if (key === "rules")
        context.configuration.ruleEntries.push(...entries.map((entry) => ({ entry, isStatic: false })));
      if (key === "peers") draft.mentionsUnicast = true;
    },
  };
}

const ADDRESS_SYNTAX =
  "<ADDRESS>[/<MASK>] [brd <ADDRESS>|+|-] [dev <INTERFACE>] [scope <SCOPE>] [label <LABEL>] [peer <ADDRESS>] " +
  "[home] [-nodad] [mngtmpaddr] [noprefixroute] [autojoin] [no_track] [preferred_lft <SECONDS>|forever] [use_vmac]";

/** `use_vmac [INTERFACE] [MAC]`; a MAC of five bytes gets the virtual router's id as its sixth. */
function readVmac(draft: InstanceDraft, statement: Statement, context: Context): void {
  let name: string | null = null;
  let mac: Uint8Array | null = null;
  for (const word of statement.words.slice(1)) {
    if (!/^[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){4,5}$/.test(word.text)) {
      name = word.text;
      continue;
    }
    const bytes = word.text.split(":").map((digits) => Number.parseInt(digits, 16));
    if (word.text.toLowerCase().startsWith("00:00:5e:00:0")) {
      const message = `VMAC MAC address not allowed to be RFC5798 address (${word.text}) - ignoring`;
      context.report.fault("invalid-address", word.place, message, {
        hint: "That address is used without being written.",
      });
    } else mac = Uint8Array.from(bytes);
  }
  if (name !== null && name.length > 15) {
    const message = `VMAC interface name '${name}' too long or invalid characters - ignoring`;
    context.report.fault("invalid-value", placeOf(statement, 1), message, { expected: "at most 15 characters" });
    name = null;
  }
  draft.vmac = { interface: name, mac, place: placeOf(statement) };
}

function source(name: string, isUnicast: boolean): Keyword<InstanceDraft> {
  const row = { name, syntax: "<ADDRESS>", text: "Where adverts come from; by default the interface's first address." };
  return text(row, (draft, value, statement) => {
    draft.source = { text: value, place: placeOf(statement, 1) };
    draft.mentionsUnicast ||= isUnicast;
  });
}

export const NETWORK_KEYWORDS: readonly Keyword<InstanceDraft>[] = [
  list(
    "virtual_ipaddress",
    "addresses",
    ADDRESS_SYNTAX,
    "The addresses that move, all of one family; they stand in the adverts.",
  ),
  list(
    "virtual_ipaddress_excluded",
    "excludedAddresses",
    ADDRESS_SYNTAX,
    "Addresses of any family that move too, but do not stand in adverts.",
  ),
  list("virtual_routes", "routes", "<ROUTE>", "Routes that move, as `ip route` writes them."),
  list("virtual_rules", "rules", "<RULE>", "Routing rules that move, as `ip rule` writes them."),
  flag({ name: "no_virtual_ipaddress", since: "2.2.8", text: "It is meant that there are no addresses." }, (draft) => {
    draft.noVirtualAddresses = true;
  }),
  list(
    "unicast_peer",
    "peers",
    "<ADDRESS> [min_ttl <0..255>] [max_ttl <0..255>]",
    "Adverts go to these machines instead of a multicast group. When the only peer says that it leaves, nobody waits for others.",
  ),
  source("unicast_src_ip", true),
  source("mcast_src_ip", false),
  text(
    { name: "mcast_dst_ip", syntax: "<ADDRESS>", text: "A multicast group of its own." },
    (draft, value, statement) => {
      draft.multicastDestination = { text: value, place: placeOf(statement, 1) };
    },
  ),
  flag({ name: "track_src_ip", text: "FAULT while the source address is not there." }, (draft) => {
    draft.trackSource = true;
  }),
  integer(
    {
      name: "unicast_ttl",
      min: 0,
      max: 255,
      text: "TTL of unicast adverts; default 255.",
      invalid: (value, draft) => `(${draft.name}): TTL '${value}' not valid - must be between 0 & 255`,
    },
    (draft, value, statement) => {
      draft.unicastTtl = { value, place: placeOf(statement) };
    },
  ),
  line(
    {
      name: "check_unicast_src",
      syntax: "[<BOOL>]",
      text: "Unicast adverts must come from a peer. Here that is the default; off allows others, as keepalived does.",
    },
    (draft, statement) => {
      draft.checkUnicastSource = parseBoolean(statement.words[1]?.text ?? "on") ?? true;
      draft.mentionsUnicast = true;
    },
  ),
  flag(
    { name: "unicast_fault_no_peer", text: "Without peers the instance is in FAULT instead of using multicast." },
    (draft) => {
      draft.faultWithoutPeers = true;
    },
  ),
  line(
    { name: "old_unicast_checksum", syntax: "[never]", text: "The version 3 checksum of keepalived 1.3.6 and before." },
    (draft, statement, context) => {
      const word = statement.words[1];
      draft.mentionsUnicast = true;
      draft.oldUnicastChecksum = word === undefined ? "always" : "never";
      if (word !== undefined && word.text !== "never") {
        const message = `(${draft.name}) Unknown old_unicast_chksum mode ${word.text} - ignoring`;
        context.report.fault("invalid-value", word.place, message, { expected: "never, or nothing" });
        draft.oldUnicastChecksum = "auto";
      }
    },
  ),
  boolean(
    {
      name: "v3_checksum_as_v2",
      since: "2.2.8",
      text: "As the global keyword, for this instance.",
      invalid: (value, draft) => `(${draft.name}) invalid v3_checksum_as_v2 ${value} specified`,
    },
    (draft, value) => {
      draft.v3ChecksumAsV2 = value;
    },
  ),
  line(
    {
      name: "use_vmac",
      syntax: "[<INTERFACE>] [<MAC>]",
      text: "Adverts and addresses on a macvlan with the virtual router's own MAC address.",
    },
    readVmac,
  ),
  line(
    { name: "vmac_xmit_base", syntax: "", text: "Adverts go through the interface below the macvlan." },
    (draft, statement) => {
      draft.vmacTransmitBase = placeOf(statement);
    },
  ),
  flag(
    { name: "promote_secondaries", text: "Other addresses of the same network stay when one of them is removed." },
    (draft) => {
      draft.promoteSecondaries = true;
    },
  ),
  line(
    { name: "native_ipv6", syntax: "", text: "No longer needed: the addresses decide the family." },
    (draft, statement) => {
      draft.nativeIpv6 = placeOf(statement);
    },
  ),
  line(
    { name: "kernel_rx_buf_size", syntax: "<BYTES>", text: "Receive buffer of the instance's socket." },
    (draft, statement, context) => {
      const value = parseInteger(statement.words[1]?.text ?? "", { min: 0, max: UNSIGNED_MAX });
      if (value !== null) draft.receiveBufferBytes = value;
      else {
        const message = `(${draft.name}) invalid kernel_rx_buf_size specified`;
        context.report.fault("invalid-number", placeOf(statement, 1), message, { expected: "a number of bytes" });
      }
    },
  ),
];
