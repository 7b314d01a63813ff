// The global part of the plan.

import type { FifoPlan, GarpGroupPlan, GlobalPlan, LifecycleScriptPlan } from "../../plan/plan.ts";
import type { FifoDraft, ScriptDraft } from "../drafts.ts";
import type { Resolver } from "./resolver.ts";

export function resolveGlobal(resolver: Resolver): GlobalPlan {
  const { draft, host } = resolver;
  const { global } = draft;
  const [notify, vrrp, checker] = (["all", "vrrp", "checker"] as const).map((which) =>
    resolveFifo(global.fifos[which], which, resolver),
  );
  const present = (fifos: readonly (FifoPlan | null | undefined)[]) => fifos.filter((fifo) => fifo != null);
  return {
    routerId: global.routerId ?? host.hostname,
    mail: {
      recipients: global.recipients,
      from: global.mailFrom ?? `${host.username}@${host.hostname}`,
      server: global.smtpServer,
      heloName: global.smtpHeloName ?? host.hostname,
      connectTimeoutMs: global.smtpConnectTimeoutMs,
      noFaults: global.noEmailFaults,
      noCheckerEmails: global.noCheckerEmails,
    },
    multicastGroup4: global.multicastGroup4,
    multicastGroup6: global.multicastGroup6,
    defaultInterface: global.defaultInterface,
    dynamicInterfaces: global.dynamicInterfaces,
    startupDelayMs: Math.max(global.startupDelayMs, global.delayAfterBootMs - host.uptimeMs, 0),
    logUnknownVrids: global.logUnknownVrids,
    scheduling: {
      nice: global.nice,
      realtimePriority: global.realtimePriority,
      rlimitRttimeUs: global.rlimitRttimeUs,
      noSwap: global.noSwap,
      cpuAffinity: global.cpuAffinity,
      maxAutoPriority: global.maxAutoPriority,
      minAutoPriorityDelayMs: global.minAutoPriorityDelayUs / 1000,
      threadName: global.vrrpProcessName,
    },
    scriptSecurity: global.scriptSecurity,
    notifyFifos: present([notify, vrrp]),
    checkerFifos: present([notify, checker]),
    fifoStatesOnReload: global.fifoStatesOnReload,
    startupScript: lifecycle(global.startupScript, global.startupScriptTimeoutMs, "startup", resolver),
    shutdownScript: lifecycle(global.shutdownScript, global.shutdownScriptTimeoutMs, "shutdown", resolver),
    reloadCheckConfig: global.reloadCheckConfig,
    instanceName: draft.instanceName,
    netNamespace: draft.netNamespace,
    usePidDirectory: draft.usePidDirectory,
    childWaitTimeMs: draft.childWaitTimeMs,
    umask: global.umask,
    processName: global.processName,
    vmacPrefix: global.vmacPrefix,
    sidecar: {
      controlSocket: global.controlSocket,
      metrics: global.metrics,
      addressLifetimeMs: global.addressLifetimeMs,
      nftLeaseMs: global.nftLeaseMs,
      adoptAddresses: global.adoptAddresses,
      crashGuard: global.crashGuard,
      handoverTimeoutMs: global.handoverTimeoutMs,
    },
  };
}

const FIFO_NAMES = { all: "notify_fifo", vrrp: "vrrp_notify_fifo", checker: "lvs_notify_fifo" } as const;

function resolveFifo(fifo: FifoDraft, which: keyof typeof FIFO_NAMES, resolver: Resolver): FifoPlan | null {
  const name = FIFO_NAMES[which];
  if (fifo.path === null) {
    if (fifo.script !== null) {
      const message = `${name}_script is not run, because there is no ${name}`;
      resolver.report.warning("missing-fifo", fifo.script.place, message);
    }
    return null;
  }
  const { uid, gid } = resolver.scripts.owner(fifo.user, fifo.group, fifo.place);
  return { path: fifo.path, uid, gid, script: resolver.scripts.notify(fifo.script, `${name}_script`) };
}

function lifecycle(
  script: ScriptDraft | null,
  timeoutMs: number,
  which: "startup" | "shutdown",
  resolver: Resolver,
): LifecycleScriptPlan | null {
  const plan = resolver.scripts.lifecycle(script, which);
  return plan === null ? null : { script: plan, timeoutMs };
}

/** The groups that are written, and one for all other interfaces when the global intervals are. */
export function resolveGarpGroups(resolver: Resolver): GarpGroupPlan[] {
  const { global, garpGroups } = resolver.draft;
  const groups: GarpGroupPlan[] = garpGroups.map((group) => {
    for (const { name, place } of group.interfaces) {
      resolver.checkInterface(name, place, `WARNING - interface ${name} specified for garp_group doesn't exist`);
    }
    return {
      interfaces: group.interfaces.map(({ name }) => name),
      garpIntervalMs: group.garpIntervalMs ?? 0,
      gnaIntervalMs: group.gnaIntervalMs ?? 0,
    };
  });
  const { garpIntervalMs, gnaIntervalMs } = global;
  if (garpIntervalMs > 0 || gnaIntervalMs > 0) groups.push({ interfaces: [], garpIntervalMs, gnaIntervalMs });
  return groups;
}
