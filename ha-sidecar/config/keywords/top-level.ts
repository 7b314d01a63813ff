// What stands outside of all blocks, and the short blocks that have no file of their own.

import type { ServiceRangePlan } from "../../plan/virtual-server.ts";
import type { ConfigurationDraft } from "../drafts.ts";
import {
  type Context,
  type Keyword,
  type KeywordInfo,
  listLines,
  readSection,
  reportExtraWords,
  type Section,
} from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import { ignored, integer, line, parseInteger, requireWord, text, UNSIGNED_MAX, withoutEffect } from "../values.ts";
import type { VirtualServerGroupDraft } from "../virtual-server-drafts.ts";
import { BFD_INSTANCE, readBfd } from "./bfd-instance.ts";
import { GLOBAL_DEFS, newGlobalDraft } from "./global-defs.ts";
import { GARP_GROUP, readDelay, readGarpGroup, readLinkbeat, readTrackGroup, TRACK_GROUP } from "./interface-blocks.ts";
import { parseRange } from "./service-range.ts";
import { readTrackFile, readTrackProcess, TRACK_FILE, VRRP_TRACK_PROCESS } from "./track-blocks.ts";
import { readTrackProxy, TRACK_PROXY } from "./track-proxy.ts";
import { readVirtualServer, VIRTUAL_SERVER } from "./virtual-server.ts";
import { readInstance, VRRP_INSTANCE } from "./vrrp-instance.ts";
import { readTrackScript, VRRP_SCRIPT } from "./vrrp-script.ts";
import { readSyncGroup, VRRP_SYNC_GROUP } from "./vrrp-sync-group.ts";

type Top = ConfigurationDraft;

export function newConfigurationDraft(): ConfigurationDraft {
  return {
    global: newGlobalDraft(),
    instances: [],
    syncGroups: [],
    scripts: [],
    processes: [],
    files: [],
    bfds: [],
    proxies: [],
    staticAddresses: [],
    staticRoutes: [],
    staticRules: [],
    ruleEntries: [],
    trackGroups: [],
    interfaceDelays: [],
    garpGroups: [],
    virtualServers: [],
    virtualServerGroups: [],
    ssl: { password: null, ca: null, certificate: null, key: null },
    netNamespace: null,
    instanceName: null,
    usePidDirectory: false,
    childWaitTimeMs: 5000,
  };
}

function block(
  info: Pick<KeywordInfo, "name" | "syntax" | "text" | "section"> & { readonly since?: string },
  read: (statement: Statement, context: Context) => void,
): Keyword<Top> {
  return {
    ...info,
    effect: "served",
    takesList: false,
    read: (_draft, statement, context) => read(statement, context),
  };
}

function list(
  name: string,
  syntax: string,
  about: string,
  read: (draft: Top, entry: Statement, context: Context) => void,
): Keyword<Top> {
  return {
    name,
    syntax: `{ ${syntax} … }`,
    text: about,
    effect: "served",
    section: null,
    takesList: true,
    read(draft, statement, context) {
      reportExtraWords(statement, context);
      for (const entry of listLines(statement, context)) read(draft, entry, context);
    },
  };
}

interface SslDraft {
  password: string | null;
  ca: string | null;
  certificate: string | null;
  key: string | null;
}

const SSL: Section<SslDraft> = {
  name: "SSL",
  keywords: (["password", "ca", "certificate", "key"] as const).map((name) =>
    text<SslDraft>(
      {
        name,
        syntax: name === "password" ? "<STRING>" : "<PATH>",
        text: `For SSL_GET: the ${name === "ca" ? "authority" : name}.`,
      },
      (draft, value) => {
        draft[name] = value;
      },
    ),
  ),
};

function readVirtualServerGroup(statement: Statement, context: Context): void {
  const name = requireWord(statement, 1, context);
  if (name === null) return;
  const draft: VirtualServerGroupDraft = { name: name.text, place: name.place, entries: [] };
  context.configuration.virtualServerGroups.push(draft);
  for (const entry of listLines(statement, context)) {
    const range = readServiceRange(entry, context);
    if (range !== null) draft.entries.push(range);
  }
}

function readServiceRange(entry: Statement, context: Context): ServiceRangePlan | null {
  const [first, second, third] = entry.words;
  if (first!.text === "fwmark") {
    const mark = parseInteger(second?.text ?? "", { min: 0, max: UNSIGNED_MAX });
    if (mark !== null) return { kind: "fwmark", mark, family: third?.text === "inet6" ? 6 : 4 };
    const message = `virtual server fwmark '${second?.text ?? ""}' must be in [0, 4294967295] - ignoring`;
    context.report.fault("invalid-number", placeOf(entry, 1), message);
    return null;
  }
  const range = parseRange(first!.text);
  const port = parseInteger(second?.text ?? "0", { min: second === undefined ? 0 : 1, max: 65535 });
  if (range !== null && port !== null) return { kind: "range", ...range, port };
  const shown = second === undefined ? `${first!.text} ` : `${first!.text} /port/${second.text}`;
  const at = placeOf(entry, range === null ? 0 : 1);
  context.report.fault("invalid-address", at, `Invalid virtual server group IP address ${shown} - skipping`);
  return null;
}

const VIRTUAL_SERVER_GROUP: Keyword<Top> = {
  name: "virtual_server_group",
  syntax: "<NAME> { <ADDRESS>|<RANGE> [<PORT>] …, fwmark <INTEGER> … }",
  text: "Addresses, ranges and firewall marks that virtual servers share.",
  effect: "served",
  section: null,
  takesList: true,
  read: (_draft, statement, context) => readVirtualServerGroup(statement, context),
};

function fileOf(name: string, since?: string): Keyword<Top> {
  const info = { name, syntax: "<NAME> { … }", section: TRACK_FILE, since };
  return block({ ...info, text: "A file whose number can be tracked." }, readTrackFile);
}

export const TOP_LEVEL: Section<Top> = {
  name: "the top level",
  keywords: [
    block(
      { name: "global_defs", syntax: "{ … }", text: "What concerns everything.", section: GLOBAL_DEFS },
      (statement, context) => {
        readSection(GLOBAL_DEFS, context.configuration.global, statement.block!, context);
      },
    ),
    block(
      {
        name: "vrrp_instance",
        syntax: "<NAME> { … }",
        text: "A virtual router: addresses that one of several machines has.",
        section: VRRP_INSTANCE,
      },
      readInstance,
    ),
    block(
      {
        name: "vrrp_sync_group",
        syntax: "<NAME> { … }",
        text: "Instances that change together.",
        section: VRRP_SYNC_GROUP,
      },
      readSyncGroup,
    ),
    block(
      {
        name: "vrrp_script",
        syntax: "<NAME> { … }",
        text: "A command whose success can be tracked.",
        section: VRRP_SCRIPT,
      },
      readTrackScript,
    ),
    block(
      {
        name: "vrrp_track_process",
        syntax: "<NAME> { … }",
        text: "A program whose processes can be tracked.",
        section: VRRP_TRACK_PROCESS,
      },
      readTrackProcess,
    ),
    fileOf("track_file"),
    fileOf("vrrp_track_file"),
    block(
      {
        name: "bfd_instance",
        syntax: "<NAME> { … }",
        text: "A BFD session that can be tracked.",
        section: BFD_INSTANCE,
      },
      readBfd,
    ),
    block(
      {
        name: "track_proxy",
        syntax: "<NAME> { … }",
        text: "A proxy that can be tracked.",
        section: TRACK_PROXY,
        since: "ringway",
      },
      readTrackProxy,
    ),
    list("static_ipaddress", "<ADDRESS>[/<MASK>] [dev <INTERFACE>] …", "Addresses that stay.", (draft, entry) =>
      draft.staticAddresses.push(entry),
    ),
    list("static_routes", "<ROUTE>", "Routes that stay.", (draft, entry) => draft.staticRoutes.push(entry)),
    list("static_rules", "<RULE>", "Routing rules that stay.", (draft, entry) => {
      draft.staticRules.push(entry);
      draft.ruleEntries.push({ entry, isStatic: true });
    }),
    withoutEffect(
      block({ name: "track_group", syntax: "<NAME> { … }", text: "", section: TRACK_GROUP }, readTrackGroup),
      "Instances do not watch static addresses, routes and rules.",
    ),
    list(
      "interface_up_down_delays",
      "<INTERFACE> <SECONDS> [<SECONDS>]",
      "How long a change of an interface must last before it counts: down, and up.",
      readDelay,
    ),
    list(
      "linkbeat_interfaces",
      "<INTERFACE> [MII|ETHTOOL|IOCTL]",
      "Has no effect: the kernel reports changes of links.",
      readLinkbeat,
    ),
    block(
      {
        name: "garp_group",
        syntax: "{ … }",
        text: "Gratuitous ARPs of some interfaces are spread over time.",
        section: GARP_GROUP,
      },
      readGarpGroup,
    ),
    block(
      {
        name: "virtual_server",
        syntax: "<ADDRESS> [<PORT>] | fwmark <INTEGER> | group <NAME> { … }",
        text: "A service whose connections go to real servers.",
        section: VIRTUAL_SERVER,
      },
      readVirtualServer,
    ),
    VIRTUAL_SERVER_GROUP,
    block({ name: "SSL", syntax: "{ … }", text: "Certificates of SSL_GET.", section: SSL }, (statement, context) => {
      readSection(SSL, context.configuration.ssl, statement.block!, context);
    }),
    text(
      {
        name: "net_namespace",
        syntax: "<NAME>",
        text: "The network namespace to run in.",
        missing: () => "net_namespace name missing - ignoring",
      },
      (draft, value) => {
        draft.netNamespace = value;
      },
    ),
    text(
      {
        name: "instance",
        syntax: "<NAME>",
        text: "A name for this process, for its pid file.",
        missing: () => "instance name missing - ignoring",
      },
      (draft, value) => {
        draft.instanceName = value;
      },
    ),
    withoutEffect(
      line({ name: "use_pid_dir", syntax: "", text: "" }, (draft) => {
        draft.usePidDirectory = true;
      }),
      "Pid files are written where -p says.",
    ),
    integer(
      {
        name: "child_wait_time",
        min: 0,
        max: UNSIGNED_MAX,
        text: "Seconds that stopping may take; default 5.",
        invalid: (value) => `Invalid child_wait_time ${value}`,
      },
      (draft, value) => {
        draft.childWaitTimeMs = value * 1000;
      },
    ),
    ignored("linkbeat_use_polling", "The kernel reports changes of links; nothing is polled."),
    ignored("net_namespace_ipvs", "Virtual servers are made in the namespace of this process."),
    ignored("namespace_with_ipsets", "Filters are made with nftables."),
  ],
};
