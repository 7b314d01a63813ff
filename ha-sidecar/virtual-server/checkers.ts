// The checkers of a real server, from the plan.

import type { HaPlan } from "../plan/plan.ts";
import type { CheckPlan, CheckTiming, RealServerPlan } from "../plan/virtual-server.ts";
import { type Attempt, tcpAttempt } from "./attempt.ts";
import { Checker, type CheckerListener } from "./checker.ts";
import { dnsAttempt, udpAttempt } from "./datagram-check.ts";
import { httpAttempt } from "./http-check.ts";
import { fileAttempt, miscAttempt, pingAttempt, smtpAttempt } from "./other-checks.ts";

/** A script is killed by its own time limit, after a warning; this one only catches what hangs nevertheless. */
const SCRIPT_MARGIN_MS = 10_000;
/** A file is read so often; BFD is told without attempts. */
const FIXED_TIMING: CheckTiming = {
  delayLoopMs: 1000,
  retry: 0,
  delayBeforeRetryMs: 0,
  warmupMs: 0,
  alpha: false,
  connectTimeoutMs: 1000,
  logAllFailures: false,
};

const NAMES: Readonly<Record<CheckPlan["kind"], string>> = {
  tcp: "TCP_CHECK",
  http: "HTTP_GET",
  https: "SSL_GET",
  smtp: "SMTP_CHECK",
  dns: "DNS_CHECK",
  udp: "UDP_CHECK",
  ping: "PING_CHECK",
  misc: "MISC_CHECK",
  bfd: "BFD_CHECK",
  file: "FILE_CHECK",
};

export function checkersOf(server: RealServerPlan, plan: HaPlan, listener: CheckerListener): Checker[] {
  return server.checks.map((check) => {
    const name = NAMES[check.kind];
    if (check.kind === "bfd") return new Checker(name, { ...FIXED_TIMING, alpha: check.alpha }, null, 0, listener);
    const timing = check.kind === "file" ? FIXED_TIMING : check.timing;
    return new Checker(name, timing, attemptOf(check, server, plan), limitOf(check, timing), listener);
  });
}

function limitOf(check: CheckPlan, { connectTimeoutMs }: CheckTiming): number {
  switch (check.kind) {
    case "misc":
      return check.timeoutMs + SCRIPT_MARGIN_MS;
    case "http":
    case "https":
      return connectTimeoutMs * Math.max(1, check.urls.length);
    case "smtp":
      return connectTimeoutMs * Math.max(1, check.targets.length);
    default:
      return connectTimeoutMs;
  }
}

function attemptOf(check: Exclude<CheckPlan, { kind: "bfd" }>, server: RealServerPlan, plan: HaPlan): Attempt {
  switch (check.kind) {
    case "tcp":
      return tcpAttempt(check.target);
    case "ping":
      return pingAttempt(check.target, check.timing.connectTimeoutMs);
    case "http":
    case "https":
      return httpAttempt(check, plan.ssl);
    case "smtp":
      return smtpAttempt(check);
    case "dns":
      return dnsAttempt(check);
    case "udp":
      return udpAttempt(check);
    case "misc":
      return miscAttempt(check);
    case "file":
      return fileAttempt(check, plan.files[check.file]!, server.weight);
  }
}
