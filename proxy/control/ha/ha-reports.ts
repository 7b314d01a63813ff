// What the HA sidecar told this process of itself: which virtual addresses are where. The sidecar watches the proxy through a connection
// to the runtime API that it holds open (track_proxy), and says over the same connection how it stands (`set ha state`). So the proxy
// needs no keyword, no path and no right to the sidecar's own socket, and works in its chroot as well.
//
// A report is repeated every second. One that has not been repeated for some time is shown as what it is: old.

const STALE_MS = 3_500;
const INSTANCES_MAX = 512;
const TEXT_MAX = 256;

export interface HaInstance {
  readonly name: string;
  /** MASTER, BACKUP, FAULT, STOPPED, LEAVING, YIELDING. */
  readonly state: string;
  readonly priority: number;
  readonly interface: string;
  readonly virtualRouterId: number;
  readonly addresses: readonly string[];
  /** How long the state lasts, milliseconds, when it was reported. */
  readonly stateForMs: number;
  readonly reason: string;
}

export interface HaReport {
  readonly routerId: string;
  /** What track_proxy says of this proxy: up, or why not. */
  readonly proxy: string;
  readonly instances: readonly HaInstance[];
}

export class HaReports {
  #report: HaReport | null = null;
  #reportedAtMs = 0;

  /** @param nowMs monotonic. */
  take(report: HaReport, nowMs: number): void {
    this.#report = report;
    this.#reportedAtMs = nowMs;
  }

  /** null: no sidecar has ever spoken. */
  current(nowMs: number): { readonly report: HaReport; readonly ageMs: number; readonly isStale: boolean } | null {
    if (this.#report === null) return null;
    const ageMs = nowMs - this.#reportedAtMs;
    return { report: this.#report, ageMs, isStale: ageMs > STALE_MS };
  }
}

/** Reads base64url of JSON. null: it is something else, or too much. */
export function parseHaReport(encoded: string): HaReport | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(encoded, "base64url").toString("utf8"));
  } catch {
    return null;
  }
  if (!isRecord(value) || !Array.isArray(value["instances"]) || value["instances"].length > INSTANCES_MAX) return null;
  const instances = value["instances"].map(parseInstance);
  if (instances.some((instance) => instance === null)) return null;
  return {
    routerId: text(value["routerId"]),
    proxy: text(value["proxy"]),
    instances: instances as HaInstance[],
  };
}

function parseInstance(value: unknown): HaInstance | null {
  if (!isRecord(value) || !Array.isArray(value["addresses"])) return null;
  return {
    name: text(value["name"]),
    state: text(value["state"]),
    priority: number(value["priority"]),
    interface: text(value["interface"]),
    virtualRouterId: number(value["virtualRouterId"]),
    addresses: value["addresses"].slice(0, INSTANCES_MAX).map(text),
    stateForMs: number(value["stateForMs"]),
    reason: text(value["reason"]),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** One line without control characters, of bounded length. */
function text(value: unknown): string {
  const result = typeof value === "string" ? value : "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that they do not get into tables is the point
  return result.replace(/[\u0000-\u001f\u007f]/g, " ").slice(0, TEXT_MAX);
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
