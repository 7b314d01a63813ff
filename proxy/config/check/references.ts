// Proxies and servers named in expressions (`nbsrv(web)`, `srv_is_up(web/s1)`) become their indices in the plan.

import {
  type ConfigurationDraft,
  findBackend,
  hasBackend,
  hasFrontend,
  type PendingReference,
  type ProxyDraft,
} from "../draft.ts";
import { parseCondition } from "../expression/condition.ts";
import type { AclReference, ProxyReference } from "../expression/typed-arguments.ts";
import { resolvePatterns } from "./patterns.ts";

type NamedReference = PendingReference & { readonly reference: ProxyReference };

export function resolveReferences(configuration: ConfigurationDraft): void {
  for (const pending of configuration.references) {
    const { reference, statement } = pending;
    if (reference.kind === "patterns") {
      resolvePatterns(reference, statement, configuration);
      continue;
    }
    if (reference.kind === "acls") {
      resolveAcls(reference, pending, configuration);
      continue;
    }
    const named = { ...pending, reference };
    const found = find(named, configuration);
    if (typeof found === "number") reference.values[reference.position] = found;
    else report(named, found);
  }
}

function resolveAcls(
  { names, found }: AclReference,
  { proxy, statement, keyword }: PendingReference,
  configuration: ConfigurationDraft,
): void {
  const parsed = parseCondition(names, proxy.acls);
  if (!parsed.ok) {
    const message = `ACL '${names.join(",")}' referenced in ${keyword} in proxy '${proxy.name}': ${parsed.message}`;
    statement.alert("unknown-reference", message);
    return;
  }
  for (const { reference } of parsed.references) {
    if (reference.kind === "patterns") resolvePatterns(reference, statement, configuration);
  }
  found(parsed.condition);
}

/** The index, or what HAProxy says when there is none; `%` stands for the argument. */
function find(pending: NamedReference, configuration: ConfigurationDraft): number | string {
  const { reference, proxy } = pending;
  const { proxies } = configuration;
  if (reference.kind === "server") return findServer(pending, configuration);
  if (reference.kind === "userlist") {
    const index = configuration.userlists.findIndex(({ name }) => name === reference.name);
    return index >= 0 ? index : `unable to find userlist '${reference.name}' referenced in %`;
  }
  if (reference.kind === "table") return findTable(pending, configuration);
  if (reference.name === "") return proxies.indexOf(proxy);
  if (reference.kind === "backend") {
    const backend = findBackend(reference.name, configuration);
    return backend === null ? `unable to find backend '${reference.name}' referenced in %` : proxies.indexOf(backend);
  }
  const frontend = proxies.find((other) => other.name === reference.name && hasFrontend(other));
  return frontend === undefined
    ? `unable to find frontend '${reference.name}' referenced in %`
    : proxies.indexOf(frontend);
}

function findTable({ reference, proxy }: NamedReference, { stickTables }: ConfigurationDraft): number | string {
  const name = reference.name === "" ? proxy.name : reference.name;
  const index = stickTables.findIndex((table) => table.name === name);
  return index >= 0 ? index : `unable to find table '${name}' referenced in %`;
}

function findServer({ reference, proxy }: NamedReference, configuration: ConfigurationDraft): number | string {
  if (reference.name === "") return "missing server name in %";
  if (proxy.kind === "defaults" && !reference.name.includes("/"))
    return "missing explicit proxy name for the server in %";
  const slash = reference.name.indexOf("/");
  const [backendName, serverName] =
    slash < 0 ? [proxy.name, reference.name] : [reference.name.slice(0, slash), reference.name.slice(slash + 1)];
  const backend = slash < 0 && hasBackend(proxy) ? proxy : findBackend(backendName, configuration);
  if (backend === null && slash >= 0) return `unable to find proxy '${backendName}' referenced in %`;
  const server = backend?.servers.find((candidate) => candidate.name === serverName);
  if (backend === null || server === undefined) {
    return `unable to find server '${serverName}' in proxy '${backendName}', referenced in %`;
  }
  return serversBefore(backend, configuration.proxies) + backend.servers.indexOf(server);
}

/** Servers are numbered through all proxies, in the order of the configuration. */
function serversBefore(backend: ProxyDraft, proxies: readonly ProxyDraft[]): number {
  return proxies.slice(0, proxies.indexOf(backend)).reduce((sum, proxy) => sum + proxy.servers.length, 0);
}

function report({ reference, proxy, keyword, statement }: NamedReference, message: string): void {
  const argument = `arg ${reference.position + 1} of ACL keyword '${keyword}' in proxy '${proxy.name}'`;
  statement.alert("unknown-reference", `${message.replace("%", argument)}.`, { introduction: "tight" });
}
