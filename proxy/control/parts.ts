// Which parts of the control plane run beside the workers, and in which order they start. The only place that knows all of them.
//
//   server states ◀── health checks          both write states, and tell the workers through `broadcast`
//        ▲
//   runtime API, statistics                  read everything, change states on an administrator's word

import { publishWeights } from "../balance/sequence.ts";
import { StatsPage } from "../stats/page/stats-page.ts";
import { PrometheusExporter } from "../stats/prometheus/exporter.ts";
import { Statistics } from "../stats/statistics.ts";
import { preloadCounters } from "../stats/stats-file.ts";
import type { ControlPlane } from "./control-plane.ts";
import { HaReports } from "./ha/ha-reports.ts";
import { HealthChecks } from "./health/health-checks.ts";
import { InvalidMessages } from "./invalid-messages.ts";
import { LiveStreams } from "./live-streams.ts";
import { PatternStore } from "./patterns/pattern-store.ts";
import { Peers } from "./peers/peers.ts";
import { ServerResolutions } from "./resolvers/server-resolutions.ts";
import { RuntimeApi } from "./runtime-api/runtime-api.ts";
import { Announcer, SEVERITY } from "./server-state/announcer.ts";
import { writeInitialStates } from "./server-state/boot.ts";
import { FrontendStates } from "./server-state/frontend-states.ts";
import { ServerStatesHandover } from "./server-state/handover.ts";
import { ServerStates } from "./server-state/server-states.ts";
import { SpoeAgents } from "./spoe/agents.ts";
import { StickTableSweeper } from "./stick-tables/sweeper.ts";
import { LiveTlsFiles } from "./tls/live-files.ts";
import { OcspUpdates } from "./tls/ocsp-updates.ts";
import { ProcessVariables } from "./variables/process-variables.ts";

const MILLISECONDS_PER_SECOND = 1000;
/** The severity of the process log's warnings: `TotalWarnings` of show info counts those of the running process too. */
const WARNING = 4;

/**
 * Called without privileges, before the first connection is accepted: the workers find every server's state and weight written.
 * @param warnings how many warnings the configuration gave, for show info
 * @returns the runtime API, which serves connections of the master's as well
 */
export async function startParts(control: ControlPlane, warnings: number): Promise<RuntimeApi> {
  const { plan, shared, processLog, syslog, workers } = control;
  let given = warnings;
  processLog.mirror((severity) => {
    if (severity === WARNING) given++;
  });
  const broadcast = workers.broadcast.bind(workers);
  writeInitialStates(plan, shared, control.process.maxconn, Math.floor(Date.now() / MILLISECONDS_PER_SECOND));
  control.handover.register(new ServerStatesHandover(plan, shared));
  const announcer = new Announcer(syslog, processLog);
  const states = new ServerStates({
    plan,
    shared,
    announcer,
    broadcast,
    publishWeights: (proxy, weights) => publishWeights(plan, shared, proxy, weights),
  });
  control.logHub.balance(plan, shared);
  states.onChanged = ({ index }) => control.logHub.serverChanged(index);
  workers.messages.brief(() => [...states.addresses.briefing(), ...states.cookies.briefing()]);
  const frontends = new FrontendStates(shared, announcer, broadcast);
  const tlsFiles = new LiveTlsFiles(plan, shared, workers);
  const ocspUpdates = new OcspUpdates({
    plan: plan.global.tls.ocspUpdates,
    tlsFiles,
    say: (text) => syslog.send(null, SEVERITY.notice, text),
  });
  const resolutions = new ServerResolutions(plan, states, announcer);
  control.handover.register({
    name: "resolved-addresses",
    take: () => resolutions.take(),
    give: (saved) => resolutions.give((saved ?? []) as Parameters<typeof resolutions.give>[0]),
  });
  const checks = new HealthChecks({ plan, states, announcer, tlsFiles });
  workers.messages.hear("observed", (_worker, { server }) => checks.observed(plan.servers[server]!));
  const facts = control.process;
  // Counters survive a reload where somebody asked for it. Before the statistics look at them for the first time: it is no rate.
  if (plan.statsFile?.path != null) {
    control.handover.register({
      name: "counters",
      take: () => statistics.statsFile(),
      give: (text) => preloadCounters(String(text), plan, shared),
    });
  }
  const statistics = new Statistics({ plan, shared, facts, states, frontends, checks, warnings: () => given });
  const patterns = new PatternStore(plan, shared, workers);
  const variables = new ProcessVariables(plan, shared);
  variables.setInitial();
  const ha = new HaReports();
  const page = new StatsPage({ plan, states, statistics, facts, ha, news: announcer.news });
  workers.answer("stats", (question) => page.answer(question));
  const exporter = new PrometheusExporter({ plan, shared, statistics, facts, resolutions });
  workers.answer("metrics", (question) => exporter.answer(question));
  const peers = new Peers({ plan, tables: shared.stickTables, warn: (text) => processLog.warning(text) });
  const streams = new LiveStreams(workers);
  const invalid = new InvalidMessages(workers.messages);
  const runtimeControl = {
    ...{ plan, shared, workers, syslog, rings: control.rings, process: facts, statsSockets: control.statsSockets },
    startupLog: () => processLog.startup,
    listeningFds: () => control.listeningFds(),
  };
  const api = new RuntimeApi({
    control: runtimeControl,
    streams,
    invalid,
    tlsFiles,
    ocspUpdates,
    states,
    frontends,
    checks,
    statistics,
    patterns,
    variables,
    peers,
    ha,
    resolutions,
  });
  const agents = new SpoeAgents(plan, shared, workers);
  const sweeper = new StickTableSweeper(shared.stickTables);
  statistics.start();
  sweeper.start();
  peers.start();
  checks.start();
  resolutions.start();
  ocspUpdates.start();
  await api.start();
  control.onRetire(() => {
    api.stopListening();
    checks.close();
    resolutions.close();
    ocspUpdates.close();
  });
  let handedOver = Promise.resolve();
  control.onDrain(() => {
    handedOver = peers.handOver();
  });
  control.onStop(async () => {
    api.close();
    agents.close();
    sweeper.close();
    await handedOver;
    peers.close();
    checks.close();
    resolutions.close();
    ocspUpdates.close();
    states.close();
    statistics.close();
  });
  return api;
}
