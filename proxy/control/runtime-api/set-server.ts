// `set server <backend>/<server> …`: every form that HAProxy has.

import { isIP } from "node:net";
import type { ServerPlan } from "../../plan/plan.ts";
import { isQueryable } from "../resolvers/message.ts";
import { SEVERITY } from "../server-state/announcer.ts";
import { type Answer, type Command, failure, message, NOTHING, type RuntimeContext } from "./command.ts";
import { findServer } from "./find.ts";
import { setAddress, setCheckAddress, setCheckPort } from "./server-address.ts";
import { setWeightOf } from "./weight.ts";

const PORT_MAX = 65_535;
const USAGE =
  "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | check-addr | check-port | fqdn | health | ssl | state | weight\n";

export const setServer: Command = {
  words: ["set", "server"],
  usage: "set server <bk>/<srv> [opts]",
  description: "change a server's state, weight, address, name or ssl",
  level: "admin",
  run({ args }, context) {
    const server = findServer(args[0], context);
    if ("refusal" in server) return server.refusal;
    const form = args[1];
    if (form === "state") return setState(server.found, args[2], context);
    if (form === "weight") return setWeightOf(server.found, args[2] ?? "", context);
    if (form === "health") return setHealth(server.found, args[2], context);
    const rest = args.slice(2);
    if (form === "addr") return setAddress(server.found, rest, context);
    if (form === "check-addr") return setCheckAddress(server.found, rest, context);
    if (form === "check-port") return setCheckPort(server.found, rest, context);
    if (form === "fqdn") return setFqdn(server.found, rest, context);
    if (form === "ssl")
      return failure("'set server <srv> ssl' cannot be set.  default-server should define ssl settings\n");
    if (form?.startsWith("agent")) return setAgent(server.found, form, rest, context);
    return failure(USAGE);
  },
};

function setState(server: ServerPlan, state: string | undefined, { states }: RuntimeContext): Answer {
  if (state !== "ready" && state !== "drain" && state !== "maint") {
    return failure("'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n");
  }
  states.setAdministrativeState(server, state);
  return NOTHING;
}

function setHealth(server: ServerPlan, health: string | undefined, { states }: RuntimeContext): Answer {
  if (health !== "up" && health !== "stopping" && health !== "down") {
    return failure("'set server <srv> health' expects 'up', 'stopping', or 'down'.\n");
  }
  if (server.track !== undefined) return failure("cannot change health on a tracking server.\n");
  states.forceHealth(server, health);
  return NOTHING;
}

function setFqdn(server: ServerPlan, [name]: readonly string[], { control, resolutions }: RuntimeContext): Answer {
  if (name === undefined) return failure("set server <b>/<s> fqdn requires a FQDN.\n");
  const said = isQueryable(name) ? resolutions.setHostname(server, name) : null;
  if (said === null) return failure("set server <b>/<s> fqdn failed because no resolution is configured.\n");
  control.syslog.send(control.plan.proxies[server.proxy]!, SEVERITY.notice, said);
  return message(`${said}\n`);
}

const NO_AGENT = "agent checks are not enabled on this server";

function setAgent(
  server: ServerPlan,
  form: string,
  [value, word, port]: readonly string[],
  context: RuntimeContext,
): Answer {
  const { agents } = context.checks;
  const agent = agents.of(server);
  if (form === "agent") {
    if (agent === null || !agent.enabled) return failure(`${NO_AGENT}.\n`);
    if (value !== "up" && value !== "down") return failure("'set server <srv> agent' expects 'up' or 'down'.\n");
    agents.force(server, value === "up");
    return NOTHING;
  }
  if (form === "agent-send") {
    if (agent === null) return failure(`${NO_AGENT}.\n`);
    agent.send = value ?? "";
    return NOTHING;
  }
  if (form !== "agent-addr" && form !== "agent-port") return failure(USAGE);
  const needs = form === "agent-addr" ? "an address and optionally a port" : "a port";
  if (value === undefined) return failure(`set server <b>/<s> ${form} requires ${needs}.\n`);
  if (agent === null) return failure(`${NO_AGENT}\n`);
  const newPort = form === "agent-port" ? value : word === "port" ? port : undefined;
  if (newPort !== undefined && (!/^\d+$/.test(newPort) || Number(newPort) > PORT_MAX)) {
    return failure("provided port is not valid.\n");
  }
  if (form === "agent-addr") {
    if (isIP(value) === 0) return failure(`provided address '${value}' is not valid.\n`);
    agent.host = value;
  }
  if (newPort !== undefined) agent.port = Number(newPort);
  return NOTHING;
}
