// `use-service <name>`: what answers instead of a server. HAProxy's own services are its Prometheus exporter and those of Lua scripts.

import type { ActionParser } from "../../keywords/action.ts";

export const useService: ActionParser = (reader) => {
  const name = reader.word;
  if (reader.isAtEnd) return reader.fault("'use-service' expects a service name.");
  if (name !== "prometheus-exporter") {
    return reader.fault(`unknown service name '${name}'.`, { suggestions: ["prometheus-exporter"] });
  }
  reader.at++;
  return { kind: "use-service", service: name };
};
