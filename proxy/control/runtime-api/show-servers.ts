// `show servers state [<backend>]` and `show servers conn [<backend>]`.
//
// The first is a file format too (`server-state-file`, version 1): its columns must never change.

import type { ProxyPlan, ServerPlan, SocketAddressPlan } from "../../plan/plan.ts";
import { ADMIN_MAINT, SERVER, type SharedState } from "../../shared-state/layout.ts";
import type { AgentState } from "../health/agents.ts";
import { type Answer, type Command, failure, type RuntimeContext } from "./command.ts";
import { findBackend } from "./find.ts";

const STATE_HEADER =
  "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight" +
  " srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state" +
  " bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr" +
  " srv_agent_addr srv_agent_port";

/** Bits of srv_check_state. */
const CHECK_IN_PROGRESS = 1;
const CHECK_CONFIGURED = 2;
const CHECK_ENABLED = 4;
const CHECK_AGENT = 16;
const CHECK_PAUSED = 8;

export const showServersState: Command = {
  words: ["show", "servers", "state"],
  usage: "show servers state [<backend>]",
  description: "dump volatile server information (all or for a single backend)",
  level: "user",
  run({ args }, context) {
    return dump(args[0], context, `1\n${STATE_HEADER}\n`, (proxy, server) => stateLine(proxy, server, context));
  },
};

export const showServersConn: Command = {
  words: ["show", "servers", "conn"],
  usage: "show servers conn [<backend>]",
  description: "dump server connections status (all or for a single backend)",
  level: "user",
  run({ args }, context) {
    const header = `# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb safe_nb idle_lim idle_cur idle_per_thr[${context.control.shared.nbthread}]\n`;
    return dump(args[0], context, header, (proxy, server) => connectionLine(proxy, server, context));
  },
};

function dump(
  name: string | undefined,
  context: RuntimeContext,
  header: string,
  line: (proxy: ProxyPlan, server: ServerPlan) => string,
): Answer {
  const one = name === undefined ? undefined : findBackend(name, context);
  if (name !== undefined && one === undefined) return failure("Can't find backend.\n");
  let text = header;
  for (const server of context.control.plan.servers) {
    if (one === undefined || server.proxy === one.index)
      text += line(context.control.plan.proxies[server.proxy], server);
  }
  return { text };
}

function stateLine(
  proxy: ProxyPlan,
  server: ServerPlan,
  { control, states, checks, resolutions }: RuntimeContext,
): string {
  const address = states.addresses.address(server);
  const at = control.shared.serverAt(server.index);
  const word = (index: number): number => control.shared.words[at + index];
  const check = states.addresses.checkTarget(server);
  const agent = checks.agents.of(server);
  const hostname = resolutions.hostnameOf(server);
  const forcedId = 0; // Forced ids (`id N`) are not told apart from counted ones in the plan.
  const fields = [
    proxy.id,
    proxy.name,
    server.id,
    server.name,
    resolutions.hasAddress(server) ? hostText(address) : "-",
    word(SERVER.opState),
    word(SERVER.adminState),
    word(SERVER.userWeight),
    word(SERVER.initialWeight),
    states.nowSeconds() - word(SERVER.lastChange),
    word(SERVER.checkStatus),
    checks.result(server),
    word(SERVER.checkHealth),
    checkState(server, control.shared, checks.isRunning(server)),
    agentState(checks.agents.of(server)),
    forcedId,
    forcedId,
    hostname === undefined ? (server.fqdn ?? "-") : (hostname ?? "-"),
    portOf(address),
    resolutions.serviceOf(server) ?? "-",
    server.connection.tls === null ? 0 : 1,
    check.port,
    check.address === null ? "-" : hostText(check.address),
    agent === null || agent.host === "" ? "-" : agent.host,
    agent?.port ?? 0,
  ];
  return `${fields.join(" ")}\n`;
}

function checkState(server: ServerPlan, shared: SharedState, running: boolean): number {
  if (server.check === null) return 0;
  const at = shared.serverAt(server.index);
  const enabled = shared.words[at + SERVER.checkEnabled] === 1 ? CHECK_ENABLED : 0;
  const paused = enabled && (shared.words[at + SERVER.adminState] & ADMIN_MAINT) !== 0 ? CHECK_PAUSED : 0;
  return CHECK_CONFIGURED | enabled | paused | (running ? CHECK_IN_PROGRESS : 0);
}

function agentState(agent: AgentState | null): number {
  if (agent === null) return 0;
  const configured = CHECK_CONFIGURED | CHECK_AGENT | (agent.enabled ? CHECK_ENABLED : 0);
  return configured | (agent.attempt === null ? 0 : CHECK_IN_PROGRESS);
}

/** Idle connections belong to a worker each: its part in the sum is in its shadow. */
function connectionLine(proxy: ProxyPlan, server: ServerPlan, { control, states }: RuntimeContext): string {
  const { shared } = control;
  const address = states.addresses.address(server);
  const at = shared.serverAt(server.index);
  const word = (index: number): number => shared.words[at + index];
  const used = word(SERVER.served);
  const fields = [
    `${proxy.name}/${server.name}`,
    `${proxy.id}/${server.id}`,
    hostText(address),
    portOf(address),
    "-",
    server.poolPurgeDelayMs,
    used,
    word(SERVER.servedMax),
    used,
    word(SERVER.idle),
    0,
    server.poolMaxConn,
    word(SERVER.idle),
    ...Array.from(
      { length: shared.nbthread },
      (_, worker) => shared.shadows[shared.shadowAt(worker) + at + SERVER.idle],
    ),
  ];
  return `${fields.join(" ")}\n`;
}

/** The host alone; `-` for what has none. */
function hostText(address: SocketAddressPlan): string {
  return address.kind === "ipv4" || address.kind === "ipv6" ? address.host : "-";
}

function portOf(address: SocketAddressPlan): number {
  return address.kind === "ipv4" || address.kind === "ipv6" ? address.port : 0;
}
