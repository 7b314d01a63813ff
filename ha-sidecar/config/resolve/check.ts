// One check of a real server: what it inherits, and whether it can run at all.

import type { CheckPlan, CheckTarget, CheckTiming } from "../../plan/virtual-server.ts";
import { translatePattern } from "../pcre.ts";
import type {
  CheckDraft,
  RealServerDraft,
  TargetDraft,
  UrlDraft,
  VirtualServerDraft,
} from "../virtual-server-drafts.ts";
import type { Resolver } from "./resolver.ts";

/** null: it cannot run, which has been reported. */
export function resolveCheck(
  draft: CheckDraft,
  server: RealServerDraft,
  virtual: VirtualServerDraft,
  protocol: string,
  resolver: Resolver,
): CheckPlan | null {
  const timing = timingOf(draft, server, virtual, resolver);
  const target = targetOf(draft.target, server, virtual);
  switch (draft.kind) {
    case "tcp":
    case "ping":
      return { kind: draft.kind, timing, target };
    case "http":
    case "https":
      return httpCheck(draft, timing, target, server, virtual, resolver);
    case "smtp": {
      const targets = draft.hosts.length === 0 ? [target] : draft.hosts.map((host) => targetOf(host, server, virtual));
      const heloName = draft.heloName ?? resolver.draft.global.smtpHeloName ?? resolver.host.hostname;
      return { kind: "smtp", timing, targets, heloName };
    }
    case "dns":
      return { kind: "dns", timing, target, type: draft.dnsType, name: draft.dnsName };
    case "udp": {
      const { payload, requireReply, reply, minReplyLength, maxReplyLength } = draft;
      return { kind: "udp", timing, target, payload, requireReply, reply, minReplyLength, maxReplyLength };
    }
    case "misc":
      return miscCheck(draft, timing, resolver);
    case "bfd":
      return bfdCheck(draft, timing, server, protocol, resolver);
    case "file":
      return fileCheck(draft, resolver);
  }
}

/** keepalived's defaults for repetitions differ from check to check. */
function timingOf(
  draft: CheckDraft,
  server: RealServerDraft,
  virtual: VirtualServerDraft,
  resolver: Resolver,
): CheckTiming {
  const isHttp = draft.kind === "http" || draft.kind === "https";
  const levels = [draft.timing, server.timing, virtual.timing];
  const first = <Key extends keyof CheckDraft["timing"]>(key: Key) =>
    levels.find((level) => level[key] !== null)?.[key] ?? null;
  const delayLoopMs = first("delayLoopMs") ?? 60_000;
  const retryDefault = draft.kind === "dns" ? 3 : draft.kind === "misc" ? 0 : 1;
  const delayDefault = draft.kind === "dns" ? delayLoopMs : isHttp ? 3000 : 1000;
  return {
    delayLoopMs,
    retry: first("retry") ?? retryDefault,
    delayBeforeRetryMs: first("delayBeforeRetryMs") ?? delayDefault,
    warmupMs: first("warmupMs") ?? delayLoopMs,
    alpha: first("alpha") ?? false,
    connectTimeoutMs: first("connectTimeoutMs") ?? 5000,
    logAllFailures: draft.logAllFailures ?? resolver.draft.global.checkerLogAllFailures,
  };
}

function targetOf(draft: TargetDraft, server: RealServerDraft, virtual: VirtualServerDraft): CheckTarget {
  const virtualPort = virtual.service.kind === "address" ? virtual.service.port : 0;
  return {
    address: draft.address ?? server.address,
    port: draft.port ?? (server.port !== 0 ? server.port : virtualPort),
    bindAddress: draft.bindAddress,
    bindPort: draft.bindPort,
    bindInterface: draft.bindInterface,
    fwmark: draft.fwmark,
  };
}

function httpCheck(
  draft: CheckDraft,
  timing: CheckTiming,
  target: CheckTarget,
  server: RealServerDraft,
  virtual: VirtualServerDraft,
  resolver: Resolver,
): CheckPlan | null {
  if (draft.urls.length === 0) {
    const message = "HTTP/SSL_GET checker has no urls specified - ignoring";
    resolver.report.fault("missing-parameter", draft.place, message);
    return null;
  }
  const host = server.virtualhost ?? virtual.virtualhost;
  return {
    kind: draft.kind === "https" ? "https" : "http",
    timing,
    target,
    protocol: draft.protocol,
    fastRecovery: draft.fastRecovery,
    enableSni: draft.enableSni,
    urls: draft.urls.map((url) => ({
      path: url.path!,
      digest: url.digest,
      statusCodes: statusCodesOf(url),
      virtualhost: url.virtualhost ?? host,
      regex: regexOf(url),
    })),
  };
}

function statusCodesOf(url: UrlDraft) {
  const isChecked = url.statusCodes.length > 0 || url.digest !== null;
  return isChecked ? url.statusCodes : [{ first: 200, last: 299 }];
}

function regexOf(url: UrlDraft) {
  if (url.regex === null) return null;
  const isUtf8 = url.regexOptions.includes("utf");
  // Of bytes every one is a character, the pattern's too.
  const text = isUtf8 ? url.regex : Buffer.from(url.regex, "utf8").toString("latin1");
  const translated = translatePattern(text, url.regexOptions);
  const isTranslated = typeof translated !== "string";
  return {
    pattern: url.regex,
    source: isTranslated ? translated.source : "",
    flags: isTranslated ? translated.flags : "",
    isUtf8,
    obstacle: isTranslated ? null : translated,
    noMatch: url.regexNoMatch,
    minOffset: url.regexMinOffset,
    maxOffset: url.regexMaxOffset,
  };
}

function miscCheck(draft: CheckDraft, timing: CheckTiming, resolver: Resolver): CheckPlan | null {
  if (draft.script === null) {
    const message = "No script path has been specified for MISC_CHECKER - skipping";
    resolver.report.fault("missing-parameter", draft.place, message);
    return null;
  }
  const user = draft.scriptUser ?? { user: draft.script.user, group: draft.script.group };
  const script = resolver.scripts.track(draft.script, user.user, user.group, "misc checker script");
  if (script === null) return null;
  const timeoutMs = draft.scriptTimeoutMs ?? timing.delayLoopMs;
  return { kind: "misc", timing, script, timeoutMs, dynamicWeight: draft.dynamicWeight };
}

function bfdCheck(
  draft: CheckDraft,
  timing: CheckTiming,
  server: RealServerDraft,
  protocol: string,
  resolver: Resolver,
): CheckPlan | null {
  const name = `[${server.address.text}]:${protocol}:${server.port}`;
  const { reference } = draft;
  const bfd = resolver.draft.bfds.findIndex((candidate) => candidate.name === reference && candidate.forCheckers);
  if (bfd >= 0) return { kind: "bfd", bfd, alpha: timing.alpha };
  const problem =
    reference === null ? "No or too many names specified - skipping checker" : `BFD ${reference} not configured`;
  resolver.report.fault("unknown-name", draft.place, `(${name}) BFD_CHECK - ${problem}`);
  return null;
}

function fileCheck(draft: CheckDraft, resolver: Resolver): CheckPlan | null {
  const file = resolver.draft.files.findIndex((candidate) => candidate.name === draft.reference);
  if (file < 0) {
    const message =
      draft.reference === null
        ? "FILE_CHECK has no track_file specified - ignoring"
        : `track_file ${draft.reference} not found`;
    resolver.report.fault("unknown-name", draft.place, message);
    return null;
  }
  const defined = resolver.draft.files[file]!;
  const weight = draft.weight ?? defined.weight;
  return {
    kind: "file",
    file,
    weight,
    reverse: draft.weight === null ? defined.reverse : draft.reverse,
    dynamicWeight: draft.dynamicWeight,
  };
}
