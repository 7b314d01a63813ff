// `global_defs { … }`: the keywords that concern everything. Those of mails and scripts stand in global-notify.ts, the defaults of instances
// in global-vrrp.ts, scheduling in global-process.ts.

import type { GlobalDraft } from "../drafts.ts";
import { INCLUDE_CHECKS } from "../include.ts";
import type { Context, Keyword, Section } from "../keyword.ts";
import { newFifoDraft, newGarpDraft } from "../new-drafts.ts";
import { placeOf, type Statement } from "../statement.ts";
import { boolean, ignored, line, parseInteger, parseIp, seconds, text } from "../values.ts";
import { MAIL, SCRIPTS } from "./global-notify.ts";
import { PROCESS_KEYWORDS } from "./global-process.ts";
import { VRRP_DEFAULTS } from "./global-vrrp.ts";

const toMulticast4 = parseIp("224.0.0.18")!;
const toMulticast6 = parseIp("ff02::12")!;

export function newGlobalDraft(): GlobalDraft {
  return {
    routerId: null,
    recipients: [],
    mailFrom: null,
    smtpServer: null,
    smtpHeloName: null,
    smtpConnectTimeoutMs: 30_000,
    smtpAlert: null,
    smtpAlertVrrp: null,
    smtpAlertChecker: null,
    checkerLogAllFailures: false,
    noEmailFaults: false,
    noCheckerEmails: false,
    multicastGroup4: toMulticast4,
    multicastGroup6: toMulticast6,
    defaultInterface: "eth0",
    dynamicInterfaces: false,
    garp: newGarpDraft(),
    garpIntervalMs: 0,
    gnaIntervalMs: 0,
    minGarp: false,
    downTimerAdverts: 3,
    lowerPriorityNoAdvert: false,
    higherPrioritySendAdvert: null,
    version: 2,
    checkUnicastSource: null,
    skipCheckAdvertAddresses: false,
    strict: false,
    notifyPriorityChanges: false,
    v3ChecksumAsV2: false,
    startupDelayMs: 0,
    delayAfterBootMs: 0,
    useSymlinkPaths: false,
    logUnknownVrids: false,
    nice: null,
    realtimePriority: null,
    rlimitRttimeUs: 10_000,
    noSwap: false,
    cpuAffinity: [],
    maxAutoPriority: 0,
    minAutoPriorityDelayUs: 1_000_000,
    scriptUser: null,
    scriptSecurity: false,
    fifos: { all: newFifoDraft(), vrrp: newFifoDraft(), checker: newFifoDraft() },
    fifoStatesOnReload: false,
    startupScript: null,
    startupScriptTimeoutMs: 10_000,
    shutdownScript: null,
    shutdownScriptTimeoutMs: 10_000,
    reloadCheckConfig: false,
    umask: 0o022,
    processName: null,
    vrrpProcessName: null,
    vmacPrefix: "vrrp",
    controlSocket: null,
    metrics: null,
    addressLifetimeMs: 0,
    nftLeaseMs: 0,
    adoptAddresses: true,
    crashGuard: true,
    handoverTimeoutMs: null,
  };
}

const invalidValue = (name: string) => () => `Invalid value for ${name} specified`;

const GENERAL: readonly Keyword<GlobalDraft>[] = [
  text(
    {
      name: "router_id",
      text: "The name of this machine in mails and dumps; by default the host's.",
      missing: () => "routerid name missing - ignoring",
    },
    (draft, value) => {
      draft.routerId = value;
    },
  ),
  text(
    {
      name: "default_interface",
      syntax: "<INTERFACE>",
      text: "Where static addresses without `dev` go; default eth0.",
      missing: () => "default_interface requires interface name",
    },
    (draft, value) => {
      draft.defaultInterface = value;
    },
  ),
  line(
    {
      name: "dynamic_interfaces",
      syntax: "[allow_if_changes]",
      text: "Interfaces that do not exist yet are waited for.",
    },
    (draft, statement, context) => {
      const word = statement.words[1];
      draft.dynamicInterfaces = true;
      if (word !== undefined && word.text !== "allow_if_changes") {
        const message = `Unknown dynamic_interfaces option '${word.text}'`;
        context.report.fault("invalid-value", word.place, message, { expected: "allow_if_changes, or nothing" });
      }
    },
  ),
  line(
    {
      name: "reload_check_config",
      syntax: "[<LOG_FILE>]",
      text: "A reload checks the files first. Here it always does: a broken file never replaces a running configuration.",
    },
    (draft) => {
      draft.reloadCheckConfig = true;
    },
  ),
  line(
    {
      name: "include_check",
      syntax: "[[+|-]readable|match|wildcard_match|brace_match] …",
      text: "What must be there for `include`.",
    },
    checkIncludeCheck,
  ),
  line(
    { name: "random_seed", syntax: "<INTEGER>", text: "Makes _RANDOM give the same numbers in every run." },
    (_draft, statement, context) => {
      const word = statement.words[1];
      if (word === undefined)
        text<GlobalDraft>({ name: "random_seed", text: "" }, () => {}).read(_draft, statement, context);
      else if (!/^\d{1,10}$/.test(word.text)) {
        context.report.fault("invalid-number", word.place, `random_seed ${word.text} invalid`);
      }
    },
  ),
  text(
    {
      name: "control_socket",
      syntax: "<PATH>",
      since: "ringway",
      text: "Where `ringway-ha status` asks, and where the state is given as JSON.",
    },
    (draft, value) => {
      draft.controlSocket = value;
    },
  ),
  line(
    { name: "metrics_listen", syntax: "<ADDRESS> <PORT>", since: "ringway", text: "Prometheus metrics by HTTP." },
    readMetrics,
  ),
];

/** The reader has applied it already; here the words are checked. */
function checkIncludeCheck(_draft: GlobalDraft, statement: Statement, context: Context): void {
  for (const word of statement.words.slice(1)) {
    const name = word.text.replace(/^[+-]/, "");
    if (INCLUDE_CHECKS.some((check) => check === name)) continue;
    context.report.fault("invalid-value", word.place, `Unknown include_check type '${name}' - ignoring`, {
      expected: INCLUDE_CHECKS.join(", "),
    });
  }
}

function readMetrics(draft: GlobalDraft, statement: Statement, context: Context): void {
  const address = parseIp(statement.words[1]?.text ?? "");
  const port = parseInteger(statement.words[2]?.text ?? "", { min: 1, max: 65535 });
  if (address !== null && port !== null) draft.metrics = { address, port };
  else {
    const index = address === null ? 1 : 2;
    context.report.fault("invalid-value", placeOf(statement, index), "metrics_listen needs an address and a port", {
      expected: "for example 127.0.0.1 9650",
    });
  }
}

const SAFETY: readonly Keyword<GlobalDraft>[] = [
  seconds(
    {
      name: "address_lifetime",
      min: 0,
      max: 3600,
      since: "ringway",
      text: "Virtual addresses vanish by themselves so long after the last refresh, should this process be killed or hang; 0: never.",
      invalid: (value) => `address_lifetime '${value}' is invalid`,
    },
    (draft, ms) => {
      draft.addressLifetimeMs = ms;
    },
  ),
  seconds(
    {
      name: "nft_lease",
      min: 0,
      max: 60,
      since: "ringway",
      text: "Packets to virtual addresses pass only while a lease in the kernel is refreshed, every third of this time; 0: no lease.",
      invalid: (value) => `nft_lease '${value}' is invalid`,
    },
    (draft, ms) => {
      draft.nftLeaseMs = ms;
    },
  ),
  boolean(
    {
      name: "adopt_addresses",
      since: "ringway",
      text: "After a restart, addresses that are still there are kept when no other master is heard; default on.",
      invalid: invalidValue("adopt_addresses"),
    },
    (draft, value) => {
      draft.adoptAddresses = value;
    },
  ),
  boolean(
    {
      name: "crash_guard",
      since: "ringway",
      text: "A tiny process removes the virtual addresses of a daemon that was killed, once another must be master; default on.",
      invalid: invalidValue("crash_guard"),
    },
    (draft, value) => {
      draft.crashGuard = value;
    },
  ),
  seconds(
    {
      name: "handover_timeout",
      min: 0,
      max: 60,
      since: "ringway",
      text: "How long a graceful stop waits for the successor, with the addresses still here; 0: not at all, as keepalived. Default: a skew time and two adverts, at least a second.",
      invalid: (value) => `handover_timeout '${value}' is invalid`,
    },
    (draft, ms) => {
      draft.handoverTimeoutMs = ms;
    },
  ),
];

const IGNORED: readonly Keyword<GlobalDraft>[] = [
  ...[
    "enable_snmp_vrrp",
    "enable_snmp_checker",
    "enable_snmp_rfc",
    "enable_snmp_rfcv2",
    "enable_snmp_rfcv3",
    "enable_traps",
    "snmp_socket",
  ].map((name) =>
    ignored<GlobalDraft>(name, "There is no SNMP agent; metrics_listen and the control socket tell the same."),
  ),
  ...["enable_dbus", "dbus_service_name", "dbus_no_interface_name"].map((name) =>
    ignored<GlobalDraft>(name, "There is no D-Bus interface; the control socket gives the state as JSON."),
  ),
  ...["lvs_sync_daemon", "lvs_timeouts", "lvs_flush", "lvs_flush_on_stop"].map((name) =>
    ignored<GlobalDraft>(name, "It concerns IPVS's own tables."),
  ),
  ignored("json_version", "The JSON state has one form."),
  ignored("tmp_config_directory", "The configuration is read once and kept in memory."),
  ignored("config_save_dir", "It serves debugging keepalived itself."),
  ignored("data_use_instance", "Dumps are named on the command line of whoever asks for them."),
  ignored("reload_time_file", "A reload is asked for by SIGHUP; a timer can send it."),
  ignored("reload_repeat", "A reload is asked for by SIGHUP; a timer can send it."),
  ignored("reload_file", "A reload reads the files at once, and keeps the old configuration if they are broken."),
  ...["state_file_location", "stats_file_location", "json_file_location"].map((name) =>
    ignored<GlobalDraft>(
      name,
      "The control socket gives the state to whoever asks; files stand where keepalived's do by default.",
    ),
  ),
  ...["iproute_usr_dir", "iproute_etc_dir"].map((name) =>
    ignored<GlobalDraft>(name, "Names of routing tables are looked for in iproute2's usual folders."),
  ),
  ...["snmp_vs_stats_update_interval", "snmp_rs_stats_update_interval"].map((name) =>
    ignored<GlobalDraft>(name, "There is no SNMP agent."),
  ),
  ignored("set_supplementary_groups", "Scripts get the groups of their user and no others."),
  ignored("rs_init_notifies", "Real servers are told of from their first check on."),
];

export const GLOBAL_DEFS: Section<GlobalDraft> = {
  name: "global_defs",
  keywords: [...GENERAL, ...MAIL, ...SCRIPTS, ...VRRP_DEFAULTS, ...PROCESS_KEYWORDS, ...SAFETY, ...IGNORED],
};
