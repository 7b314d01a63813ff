// What a request for the metrics asks for: `?scope=server&scope=backend&no-maint`, `?metrics=haproxy_server_status,-haproxy_server_weight`.

/** Names in the query; `*` stands for all of them. */
export const SCOPES = ["global", "frontend", "listener", "backend", "server", "sticktable", "resolver"] as const;
export type Scope = (typeof SCOPES)[number];

export interface MetricsQuery {
  readonly scopes: ReadonlySet<Scope>;
  /** Metrics that are wanted, null: all. */
  readonly only: ReadonlySet<string> | null;
  readonly without: ReadonlySet<string>;
  readonly noMaintenance: boolean;
  readonly extraCounters: boolean;
  readonly descriptionLabels: boolean;
}

/** null: the query makes no sense, as HAProxy judges it. @param uri path and query */
export function parseMetricsQuery(uri: string): MetricsQuery | null {
  const question = uri.indexOf("?");
  const parameters =
    question < 0
      ? []
      : uri
          .slice(question + 1)
          .split("#", 1)[0]
          .split("&");
  let scopes: Set<Scope> = new Set(SCOPES);
  let scopesGiven = false;
  const only = new Set<string>();
  const without = new Set<string>();
  let [noMaintenance, extraCounters, descriptionLabels] = [false, false, false];
  for (const parameter of parameters) {
    const equals = parameter.indexOf("=");
    const name = equals < 0 ? parameter : parameter.slice(0, equals);
    const value = equals < 0 ? null : decode(parameter.slice(equals + 1));
    if (name === "scope") {
      if (value === null) return null;
      if (!scopesGiven) scopes = new Set();
      scopesGiven = true;
      if (value === "") scopes = new Set();
      else if (value === "*") scopes = new Set(SCOPES);
      else if (isScope(value)) scopes.add(value);
      else return null;
    } else if (name === "metrics") {
      if (value === null) return null;
      for (const metric of value.split(",")) {
        if (metric.startsWith("-")) without.add(metric.slice(1));
        else if (metric !== "") only.add(metric);
      }
    } else if (name === "no-maint") noMaintenance = true;
    else if (name === "extra-counters") extraCounters = true;
    else if (name === "desc-labels") descriptionLabels = true;
  }
  return { scopes, only: only.size === 0 ? null : only, without, noMaintenance, extraCounters, descriptionLabels };
}

function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
