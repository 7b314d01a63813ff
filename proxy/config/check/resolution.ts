// `server … resolvers` against the sections that there are; what a server wants of them is settled here.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import { parseNetwork } from "../../../shared/ip/text.ts";
import type { NetworkPlan } from "../../plan/plan.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { ServerDraft } from "../server-draft.ts";

/** The name of a SRV record begins with its service: RFC 2782. */
export const isServiceName = (name: string): boolean => name.startsWith("_");

export function checkResolution(proxy: ProxyDraft, server: ServerDraft, { resolvers }: ConfigurationDraft): void {
  const { options, slot, statement } = server;
  const wanted = options.texts.get("resolvers");
  const { host } = slot.argument;
  const complain = (code: string, message: string, at: string, suggestions: string[] = []): void =>
    statement.alert(code, `'server ${proxy.name}/${server.name}' : ${message}`, {
      at: Math.max(0, statement.textsFrom(0).indexOf(at)),
      introduction: "located",
      suggestions,
    });
  if (wanted === undefined) {
    if (host === null || !isServiceName(host)) return;
    complain("no-resolvers", `SRV record '${host}' needs 'resolvers'.`, host);
    return;
  }
  const section = resolvers.findIndex(({ name }) => name === wanted);
  if (section >= 0) {
    server.resolversIndex = section;
    return;
  }
  const names = resolvers.map(({ name }) => name);
  complain("unknown-resolvers", `unable to find required resolvers '${wanted}'.`, wanted, suggest(wanted, names));
}

/** `resolve-net`, whose words were checked when they were read. */
export function networksOf(text: string | undefined): NetworkPlan[] {
  return (text ?? "").split(",").flatMap((written) => {
    const network = written === "" ? null : parseNetwork(written);
    return network === null ? [] : [network];
  });
}
