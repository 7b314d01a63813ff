// Host names to addresses, once, after everything has been read (HAProxy's `init-addr libc`). All names are asked for at the same time;
// the same name is asked once per family.
//
// A server that may start without an address (`init-addr none`) starts in maintenance; any other name that does not resolve is an error.

import { lookup } from "node:dns/promises";
import { isIPv4, isIPv6 } from "node:net";
import type { SocketAddressPlan } from "../plan/plan.ts";
import type { AddressArgument } from "./address.ts";
import { isServiceName } from "./check/resolution.ts";
import type { AddressSlot, ConfigurationDraft, ProxyDraft } from "./draft.ts";
import type { ServerDraft } from "./server-draft.ts";

/** Gives the address of a name, null when there is none. @param family 0: any */
export type Lookup = (host: string, family: 0 | 4 | 6) => Promise<string | null>;

/** Asks the system's resolver (/etc/hosts, DNS), as getaddrinfo does. */
export async function systemLookup(host: string, family: 0 | 4 | 6): Promise<string | null> {
  try {
    return (await lookup(host, { family })).address;
  } catch {
    return null;
  }
}

/**
 * Fills all slots of the configuration; what cannot be resolved is reported.
 * @param ignoreFailures -dr: as if every server's `init-addr` ended in `none`
 */
export async function resolveNames(
  configuration: ConfigurationDraft,
  lookUp: Lookup = systemLookup,
  ignoreFailures = false,
): Promise<void> {
  const asked = new Map<string, Promise<string | null>>();
  const ask = (argument: AddressArgument): Promise<string | null> => {
    const family = argument.family === "ipv4" ? 4 : argument.family === "ipv6" ? 6 : 0;
    const key = `${family} ${argument.host}`;
    let answer = asked.get(key);
    if (answer === undefined) {
      answer = lookUp(argument.host!, family);
      asked.set(key, answer);
    }
    return answer;
  };
  const servers = configuration.proxies.flatMap((proxy) => proxy.servers.map((server) => ({ proxy, server })));
  await Promise.all([
    ...configuration.names.map(async ({ slot }) => fill(slot, await ask(slot.argument))),
    ...servers.map(({ proxy, server }) => resolveServer(proxy, server, ask, ignoreFailures)),
  ]);
  for (const { slot, report } of configuration.names) if (slot.address === null) report();
  for (const { proxy, server } of servers) reportServer(proxy, server);
}

/**
 * Tries what `init-addr` names, in its order; `last` is what a server state file says. Nobody asks for the servers of a
 * disabled proxy.
 */
async function resolveServer(
  proxy: ProxyDraft,
  server: ServerDraft,
  ask: (argument: AddressArgument) => Promise<string | null>,
  ignoreFailures: boolean,
): Promise<void> {
  const { host } = server.slot.argument;
  if (host === null) return;
  const asksLater = server.options.texts.has("resolvers");
  if (asksLater && isServiceName(host)) {
    // A SRV record names no address: the first answer at run time does.
    leaveUnresolved(server);
    return;
  }
  const methods = proxy.disabled ? ["none"] : (server.options.texts.get("init-addr") ?? "last,libc").split(",");
  if (ignoreFailures) methods.push("none");
  for (const method of methods) {
    if (method === "none") leaveUnresolved(server);
    else if (method === "libc") {
      fill(server.slot, await ask(server.slot.argument));
    } else if (method === "last") {
      fill(server.slot, server.lastAddress);
    } else {
      fill(server.slot, method);
    }
    if (server.slot.address !== null) return;
  }
}

function leaveUnresolved(server: ServerDraft): void {
  server.isUnresolved = true;
  fill(server.slot, "0.0.0.0");
}

function fill(slot: AddressSlot, host: string | null): void {
  if (host === null) return;
  const port = slot.argument.ports?.first ?? 0;
  slot.address = socketAddress(host, port);
}

function socketAddress(host: string, port: number): SocketAddressPlan | null {
  if (isIPv4(host)) return { kind: "ipv4", host, port };
  return isIPv6(host) ? { kind: "ipv6", host, port, v6only: false, v4v6: false } : null;
}

function reportServer(proxy: ProxyDraft, server: ServerDraft): void {
  const { host } = server.slot.argument;
  if (
    server.isUnresolved &&
    !server.options.texts.has("resolvers") &&
    !proxy.disabled &&
    server.options.texts.get("init-addr") !== "none"
  ) {
    const message = `'server ${proxy.name}/${server.name}' : could not resolve address '${host}', disabling server.`;
    server.statement.report("notice", "unresolved", message, { at: 2, introduction: "located" });
  }
  if (server.slot.address !== null) return;
  const message = `'server ${proxy.name}/${server.name}' : could not resolve address '${host}'.`;
  server.statement.alert("unresolved", message, {
    at: 2,
    introduction: "located",
    hint: "With 'init-addr last,libc,none' the server starts without an address, in maintenance.",
  });
}
