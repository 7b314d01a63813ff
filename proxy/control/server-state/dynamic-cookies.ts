// Cookies of servers that are made (`cookie … dynamic`) as they stand after changes at run time: `enable|disable dynamic-cookie`,
// `set dynamic-cookie-key`. Workers get the whole list of a backend's values; one that starts later gets it with its briefing.

import { dynamicCookieValue } from "../../persistence/dynamic-value.ts";
import type { Plan, ProxyPlan, ServerPlan } from "../../plan/plan.ts";
import type { ToWorker } from "../../worker/task.ts";
import type { ServerAddresses } from "./server-addresses.ts";

interface Settings {
  enabled: boolean;
  key: string | null;
}

export class DynamicCookies {
  readonly #plan: Plan;
  readonly #addresses: ServerAddresses;
  readonly #broadcast: (message: ToWorker) => void;
  readonly #settings = new Map<number, Settings>();

  constructor(plan: Plan, addresses: ServerAddresses, broadcast: (message: ToWorker) => void) {
    this.#plan = plan;
    this.#addresses = addresses;
    this.#broadcast = broadcast;
  }

  switch(proxy: ProxyPlan, enabled: boolean): void {
    this.#change(proxy, { enabled });
  }

  setKey(proxy: ProxyPlan, key: string): void {
    this.#change(proxy, { key });
  }

  /** A server's cookie, null: it has none. */
  value(server: ServerPlan): string | null {
    const proxy = this.#plan.proxies[server.proxy]!;
    const dynamic = proxy.backend?.persistence.cookie?.dynamic;
    const settings = this.#settings.get(proxy.index);
    const position = proxy.backend?.servers.indexOf(server.index) ?? -1;
    if (dynamic === undefined || settings === undefined || dynamic.given[position] === true) return server.cookie;
    if (!settings.enabled || settings.key === null) return null;
    return dynamicCookieValue(settings.key, this.#addresses.address(server));
  }

  briefing(): ToWorker[] {
    return [...this.#settings.keys()].map((proxy) => this.#message(this.#plan.proxies[proxy]!));
  }

  #change(proxy: ProxyPlan, change: Partial<Settings>): void {
    const dynamic = proxy.backend?.persistence.cookie?.dynamic;
    if (dynamic === undefined) return; // Without a cookie line there is nothing that could carry a value.
    const before = this.#settings.get(proxy.index) ?? { enabled: dynamic.enabled, key: dynamic.key };
    this.#settings.set(proxy.index, { ...before, ...change });
    this.#broadcast(this.#message(proxy));
  }

  #message(proxy: ProxyPlan): ToWorker {
    const servers = proxy.backend?.servers ?? [];
    return {
      type: "server-cookies",
      proxy: proxy.index,
      values: servers.map((index) => this.value(this.#plan.servers[index]!)),
    };
  }
}
