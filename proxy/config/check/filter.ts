// Filters of a proxy against each other: compression stands behind the cache, and beside other filters it wants a place of its own.

import { kindInMessages, type ProxyDraft } from "../draft.ts";

const COMPRESSION = new Set(["compression", "comp-req", "comp-res"]);

export function checkFilters(proxy: ProxyDraft): void {
  if (proxy.compression === null) return;
  const who = `${kindInMessages(proxy)} '${proxy.name}'`;
  let isDeclared = false;
  let others = 0;
  for (const { name, statement } of proxy.filters) {
    if (COMPRESSION.has(name)) isDeclared = true;
    else if (name !== "cache") others++;
    else if (isDeclared) {
      const message = `config: ${who}: unable to enable the compression filter before any cache filter.`;
      statement.alert("filter-order", message, { introduction: "none" });
      return;
    }
  }
  if (isDeclared || others === 0) return;
  const message = `config: ${who}: require an explicit filter declaration to use HTTP compression`;
  proxy.filters[0]!.statement.alert("filter-missing", message, {
    introduction: "none",
    hint: "Write 'filter compression'.",
  });
}
