// What a request for the statistics page asks for. HAProxy puts its options behind the path with semicolons, or into the query:
//
//   /stats                    the page             /stats;norefresh          without reloading itself
//   /stats;csv                as CSV               /stats;up                 servers that are down left out
//   /stats;json               as JSON              /stats;no-maint           servers in maintenance left out
//   /stats;typed              as `show stat typed`     /stats;json-schema        what the JSON looks like
//   /stats;live               what the open page asks for (live.ts)
//   /stats?scope=web          proxies whose name contains "web"              /stats;st=DONE   the outcome of a command
//
// Options may stand in any order and come together: `/stats;csv;up?scope=web`, `/?;csv;scope=b1`.

export interface PageRequest {
  readonly format: "html" | "csv" | "json" | "typed" | "schema" | "live";
  readonly noRefresh: boolean;
  readonly hide: "maintenance" | "down" | undefined;
  /** Part of a proxy's name, "": all. */
  readonly scope: string;
  /** Format live: what the page has already (live.ts). */
  readonly known: string;
  /** The outcome code of a command, "" for none. */
  readonly outcome: string;
}

const FORMATS: readonly (readonly [string, PageRequest["format"]])[] = [
  ["csv", "csv"],
  ["json-schema", "schema"],
  ["json", "json"],
  ["typed", "typed"],
  ["live", "live"],
];

/** HAProxy's STAT_SCOPE_TXT_MAXLEN. */
const SCOPE_MAX = 20;

/** @param rest what follows the configured `stats uri` */
export function parsePageRequest(rest: string): PageRequest {
  const words = rest.split(/[;?&]/);
  const value = (name: string): string =>
    words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
  const scope = decode(value("scope"));
  return {
    format:
      FORMATS.find(([word]) => words.some((given) => given === word || given.startsWith(`${word}=`)))?.[1] ?? "html",
    known: value("live"),
    noRefresh: words.includes("norefresh"),
    hide: words.includes("up") ? "down" : words.includes("no-maint") ? "maintenance" : undefined,
    scope: scope.slice(0, SCOPE_MAX),
    outcome: value("st"),
  };
}

/** The address of the page with these settings; the inverse of parsePageRequest. */
export function pageAddress(uri: string, request: Partial<PageRequest>): string {
  const options = [
    FORMATS.find(([, format]) => format === request.format)?.[0] ?? "",
    request.noRefresh ? "norefresh" : "",
    request.hide === "down" ? "up" : request.hide === "maintenance" ? "no-maint" : "",
    request.outcome ? `st=${request.outcome}` : "",
  ]
    .map((option) => (option === "" ? "" : `;${option}`))
    .join("");
  return uri + options + (request.scope ? `?scope=${encodeURIComponent(request.scope)}` : "");
}

/** Percent-decoding as in a form; what is no valid encoding stays as it is. */
export function decode(text: string): string {
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
