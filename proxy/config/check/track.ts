// `track [<backend>/]<server>`: whom a server's state follows. Its own checks would contradict that, and somebody at the end of the chain has to
// find out.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { hasBackend } from "../draft.ts";
import type { ServerDraft } from "../server-draft.ts";

/** Finds what is tracked; chains are looked at when all are found. */
export function findTracked(proxy: ProxyDraft, server: ServerDraft, { proxies }: ConfigurationDraft): void {
  const written = server.options.texts.get("track");
  if (written === undefined) return;
  const slash = written.indexOf("/");
  const [backendName, name] = slash < 0 ? [proxy.name, written] : [written.slice(0, slash), written.slice(slash + 1)];
  const backend = slash < 0 ? proxy : proxies.find((each) => each.name === backendName && hasBackend(each));
  if (server.options.flags.get("check") === true) {
    complain(proxy, server, "checked-tracker", "unable to enable checks and tracking at the same time!");
    return;
  }
  if (backend === undefined) {
    const names = proxies.filter(hasBackend).map((each) => each.name);
    complain(
      proxy,
      server,
      "unknown-tracked",
      `unable to find required proxy '${backendName}' for tracking.`,
      suggest(backendName, names),
    );
    return;
  }
  server.tracked = backend.servers.find((each) => each.name === name) ?? null;
  if (server.tracked !== null) return;
  const names = backend.servers.map((each) => each.name);
  complain(
    proxy,
    server,
    "unknown-tracked",
    `unable to find required server '${name}' for tracking.`,
    suggest(name, names),
  );
}

/** Looks along the chains. */
export function checkChains({ proxies }: ConfigurationDraft): void {
  const places = new Map<ServerDraft, string>();
  for (const proxy of proxies) for (const server of proxy.servers) places.set(server, `${proxy.name}/${server.name}`);
  for (const proxy of proxies)
    for (const server of proxy.servers) if (server.tracked !== null) checkChain(proxy, server, places);
}

function checkChain(proxy: ProxyDraft, server: ServerDraft, places: ReadonlyMap<ServerDraft, string>): void {
  const seen = new Set<ServerDraft>([server]);
  let last = server.tracked!;
  for (; last.tracked !== null && !seen.has(last); last = last.tracked) seen.add(last);
  if (seen.has(last)) {
    // Said once for a loop, at its last line, as HAProxy finds it.
    const isLastOfLoop = [...seen].every(
      (each) => each === server || each.statement.location.line < server.statement.location.line,
    );
    if (last !== server || !isLastOfLoop) return;
    const first = places.get(server.tracked!)!;
    const message = `unable to track ${first} as it belongs to a tracking chain looping back to ${places.get(server)!}.`;
    complain(proxy, server, "tracking-loop", message);
    return;
  }
  const { flags, texts } = last.options;
  if (flags.get("check") === true || flags.get("agent-check") === true || texts.has("track")) return;
  const message = `unable to use ${places.get(last)!} for tracking as it does not have any check nor agent enabled.`;
  complain(proxy, server, "unchecked-tracked", message);
}

function complain(
  proxy: ProxyDraft,
  { name, statement }: ServerDraft,
  code: string,
  message: string,
  suggestions: string[] = [],
): void {
  const at = Math.max(0, statement.textsFrom(0).indexOf("track"));
  statement.alert(code, `'server ${proxy.name}/${name}' : ${message}`, { at, introduction: "located", suggestions });
}
