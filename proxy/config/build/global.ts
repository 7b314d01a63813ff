// The `global` section of the plan, with HAProxy's defaults where nothing was written.

import { availableParallelism, hostname } from "node:os";
import type { Http2Plan } from "../../plan/http2.ts";
import type { GlobalPlan, LogTargetPlan, StatsSocketPlan } from "../../plan/plan.ts";
import type { OcspUpdatesPlan } from "../../plan/tls.ts";
import type { CommandLineSettings, ConfigurationDraft, StatsSocketDraft } from "../draft.ts";
import type { LogDraft } from "../log-draft.ts";

const BUFSIZE_DEFAULT = 16384;
const SESSION_BLOCKS_DEFAULT = 20_000;
const SESSION_LIFETIME_DEFAULT_S = 300;
const OCSP_MIN_DELAY_S = 300;
const OCSP_MAX_DELAY_S = 3600;
const MAXREWRITE_DEFAULT = 1024;
const H2_STREAMS_DEFAULT = 100;
const H2_WINDOW_DEFAULT = 16_384;
const HEADERS_DEFAULT = 101;
const LOG_URI_DEFAULT = 1023;
const STICK_COUNTERS_DEFAULT = 3;
const STATS_TIMEOUT_DEFAULT_MS = 10_000;
const STATS_MAXCONN_DEFAULT = 10;
const MWORKER_MAX_RELOADS_DEFAULT = 50;

export function buildGlobal(configuration: ConfigurationDraft, settings: CommandLineSettings): GlobalPlan {
  const { numbers, texts, flags, uid, gid, httpErrorCodes, httpFailCodes, ...draft } = configuration.global;
  const bufsizeBytes = numbers.get("tune.bufsize") ?? BUFSIZE_DEFAULT;
  const host = hostname();
  return {
    nbthread: numbers.get("nbthread") ?? availableParallelism(),
    maxconn: settings.maxconn > 0 ? settings.maxconn : (numbers.get("maxconn") ?? 0),
    bufsizeBytes,
    // Never more than half of the buffer, as HAProxy has it: a head must still fit.
    maxrewriteBytes: Math.min(numbers.get("tune.maxrewrite") ?? MAXREWRITE_DEFAULT, Math.floor(bufsizeBytes / 2)),
    tls: {
      captureBytes: numbers.get("tune.ssl.capture-buffer-size") ?? numbers.get("tune.ssl.capture-cipherlist-size") ?? 0,
      keylog: texts.get("tune.ssl.keylog") === "on",
      sessionBlocks: numbers.get("tune.ssl.cachesize") ?? SESSION_BLOCKS_DEFAULT,
      sessionLifetimeS: numbers.get("tune.ssl.lifetime") ?? SESSION_LIFETIME_DEFAULT_S,
      certificates: configuration.tlsStore.certificates,
      authorities: configuration.tlsStore.authorities,
      revocations: configuration.tlsStore.revocations,
      ticketKeys: configuration.tlsStore.ticketKeys,
      issuerChains: configuration.tlsStore.issuerChains,
      ocspUpdates: buildOcspUpdates(configuration),
      crtBase: texts.get("crt-base") ?? "",
    },
    h2: buildHttp2(numbers, flags),
    maxHeaders: numbers.get("tune.http.maxhdr") ?? HEADERS_DEFAULT,
    logUriBytes: numbers.get("tune.http.logurilen") ?? LOG_URI_DEFAULT,
    compression: {
      maxLevel: numbers.get("tune.comp.maxlevel") ?? 1,
      rateMaxBytes: (numbers.get("maxcomprate") ?? 0) * 1024,
      cpuMaxPercent: numbers.get("maxcompcpuusage") ?? 100,
      memoryMaxBytes: (numbers.get("maxzlibmem") ?? 0) * 1024 * 1024,
      memLevel: numbers.get("tune.zlib.memlevel") ?? 8,
      windowBits: numbers.get("tune.zlib.windowsize") ?? 15,
    },
    rates: {
      connections: numbers.get("maxconnrate") ?? 0,
      sessions: numbers.get("maxsessrate") ?? 0,
      tls: numbers.get("maxsslrate") ?? 0,
    },
    daemon: flags.get("daemon") ?? false,
    quiet: flags.get("quiet") ?? false,
    pidfile: path(texts.get("pidfile")),
    chroot: path(texts.get("chroot")),
    user: texts.get("user") ?? null,
    uid,
    group: texts.get("group") ?? null,
    gid,
    node: texts.get("node") ?? host,
    description: texts.get("description") ?? null,
    localpeer: settings.localpeer ?? texts.get("localpeer") ?? host,
    hardStopAfterMs: numbers.get("hard-stop-after") ?? 0,
    graceMs: numbers.get("grace") ?? 0,
    stickCounters: numbers.get("tune.stick-counters") ?? STICK_COUNTERS_DEFAULT,
    httpErrorCodes: [...httpErrorCodes],
    httpFailCodes: [...httpFailCodes],
    spreadChecksPercent: numbers.get("spread-checks") ?? 0,
    maxSpreadChecksMs: numbers.get("max-spread-checks") ?? 0,
    ulimitN: numbers.get("ulimit-n") ?? 0,
    mworkerMaxReloads: numbers.get("mworker-max-reloads") ?? MWORKER_MAX_RELOADS_DEFAULT,
    statsSockets: draft.statsSockets.flatMap((socket) => buildStatsSocket(socket, configuration)),
    statsTimeoutMs: numbers.get("stats timeout") ?? STATS_TIMEOUT_DEFAULT_MS,
    statsMaxconn: numbers.get("stats maxconn") ?? STATS_MAXCONN_DEFAULT,
    log: buildLog(draft.log, configuration),
    logTag: texts.get("log-tag") ?? "haproxy",
    logSendHostname: draft.logSendHostname === "" ? host : draft.logSendHostname,
    flags: Object.fromEntries(flags),
  };
}

/** `tune.h2.…`: what one side says of its own counts before what is said for both; 0 is no limit for streams, and for windows the default. */
function buildHttp2(numbers: ReadonlyMap<string, number>, flags: ReadonlyMap<string, boolean>): Http2Plan {
  const either = (side: "be" | "fe", name: string, missing: number): number =>
    numbers.get(`tune.h2.${side}.${name}`) || numbers.get(`tune.h2.${name}`) || missing;
  return {
    streamsMax: either("fe", "max-concurrent-streams", H2_STREAMS_DEFAULT),
    windowBytes: either("fe", "initial-window-size", H2_WINDOW_DEFAULT),
    offersWebSockets: flags.get("h2-workaround-bogus-websocket-clients") !== true,
    totalStreamsMax: numbers.get("tune.h2.fe.max-total-streams") ?? 0,
    serverStreamsMax: either("be", "max-concurrent-streams", H2_STREAMS_DEFAULT),
    serverWindowBytes: either("be", "initial-window-size", H2_WINDOW_DEFAULT),
  };
}

/** Paths go to Node as text, not as the bytes the configuration works with. */
function path(bytes: string | undefined): string | null {
  return bytes === undefined ? null : Buffer.from(bytes, "latin1").toString("utf8");
}

function buildStatsSocket(
  { slot, options, statement }: StatsSocketDraft,
  configuration: ConfigurationDraft,
): StatsSocketPlan[] {
  if (slot.address === null) return [];
  return [
    {
      address: slot.address,
      level: options.level,
      mode: options.mode,
      uid: options.uid,
      gid: options.gid,
      timeoutMs: configuration.global.numbers.get("stats timeout") ?? STATS_TIMEOUT_DEFAULT_MS,
      at: statement.location,
    },
  ];
}

/** Log targets in their order; `log global` stands for all of the global ones. */
export function buildLog(drafts: readonly LogDraft[], configuration: ConfigurationDraft): LogTargetPlan[] {
  // configuration.txt, `log`: without the hostname field by default; log-send-hostname makes rfc3164 the default.
  const format = configuration.global.logSendHostname === null ? "local" : "rfc3164";
  return drafts.flatMap((draft) => {
    if (draft.kind === "global") return buildLog(configuration.global.log, configuration);
    if (draft.kind !== "target") {
      const ring = draft.kind === "ring" ? configuration.rings.find(({ name }) => name === draft.ring) : undefined;
      const address = { kind: "hub", name: `${draft.kind}@${draft.ring}` } as const;
      return [{ ...draft.target, format: draft.format ?? ring?.format ?? format, address }];
    }
    const { address, argument } = draft.slot;
    if (address === null) return [];
    const isPortless = (address.kind === "ipv4" || address.kind === "ipv6") && argument.ports === null;
    return [
      { ...draft.target, format: draft.format ?? format, address: isPortless ? { ...address, port: 514 } : address },
    ];
  });
}

function buildOcspUpdates({ global: { numbers, texts }, tlsStore }: ConfigurationDraft): OcspUpdatesPlan {
  const seconds = (name: string, missing: number): number =>
    (numbers.get(`ocsp-update.${name}`) ?? numbers.get(`tune.ssl.ocsp-update.${name}`) ?? missing) * 1000;
  const isOff = texts.get("ocsp-update.disable") === "on";
  const byDefault = !isOff && texts.get("ocsp-update.mode") === "on";
  return {
    files: isOff ? [] : tlsStore.ocspUpdates(byDefault),
    byDefault,
    minDelayMs: seconds("mindelay", OCSP_MIN_DELAY_S),
    maxDelayMs: seconds("maxdelay", OCSP_MAX_DELAY_S),
  };
}
