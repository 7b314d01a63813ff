// Server state files (`load-server-state-from-file`): what `show servers state` printed before the process ended, given to the servers of the same names.
// A file that is not there, or a line that says nothing, is told of and is no reason not to start.
//
//   1
//   # be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state …
//   3 web 1 s1 10.0.0.1 2 0 1 1 1234 6 3 4 6 0 0 0 - 80 - 0 0 - - 0

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { OP_STATE } from "../shared-state/layout.ts";
import type { ConfigurationDraft, ProxyDraft } from "./draft.ts";
import { hasBackend } from "./draft.ts";

const VERSION = "1";
/** Columns of version 1, by position. */
const COLUMN = {
  ...{ backend: 1, server: 3, address: 4, opState: 5, adminState: 6, userWeight: 7, initialWeight: 8 },
  ...{ since: 9, checkStatus: 10, checkHealth: 12, checkState: 13, fqdn: 17 },
} as const;
/** The first of them had so many. */
const COLUMNS_MIN = 18;
const NUMBERS = [
  "opState",
  "adminState",
  "userWeight",
  "initialWeight",
  "since",
  "checkStatus",
  "checkHealth",
  "checkState",
] as const;
const CHECK_ENABLED = 4;
const WEIGHT_MAX = 256;

type Line = Record<(typeof NUMBERS)[number], number> & { readonly address: string; readonly fqdn: string };

/** Lines of a file by `backend/server`. */
type StateFile = ReadonlyMap<string, Line>;

/** Gives the servers of all backends what their files say. Before names are resolved: `init-addr last` asks for it. */
export function loadServerStates(configuration: ConfigurationDraft): void {
  const files = new Map<string, StateFile>();
  for (const proxy of configuration.proxies) {
    const path = hasBackend(proxy) && !proxy.disabled ? fileOf(proxy, configuration) : null;
    if (path === null) continue;
    let file = files.get(path);
    if (file === undefined) {
      file = read(path, proxy, configuration);
      files.set(path, file);
    }
    for (const server of proxy.servers) {
      const line = file.get(`${proxy.name}/${server.name}`);
      if (line === undefined) continue;
      const { opState, adminState, userWeight, initialWeight, since, checkStatus, checkHealth, checkState } = line;
      const checkEnabled = (checkState & CHECK_ENABLED) !== 0;
      server.saved = {
        opState,
        adminState,
        userWeight,
        initialWeight,
        sinceSeconds: since,
        checkStatus,
        checkHealth,
        checkEnabled,
      };
      const { host } = server.slot.argument;
      if (host !== null && line.fqdn === host && line.address !== "-") server.lastAddress = line.address;
    }
  }
}

function fileOf(proxy: ProxyDraft, { global }: ConfigurationDraft): string | null {
  const from = proxy.texts.get("load-server-state-from-file") ?? "none";
  if (from === "none") return null;
  const base = global.texts.get("server-state-base") ?? "";
  const own = proxy.texts.get("server-state-file-name");
  const local = own === undefined || own === "use-backend-name" || own === "" ? proxy.name : own;
  const name = from === "global" ? global.texts.get("server-state-file") : local;
  return name === undefined ? null : resolve(base, name);
}

function read(path: string, proxy: ProxyDraft, { diagnostics }: ConfigurationDraft): StateFile {
  const kind = proxy.texts.get("load-server-state-from-file") === "global" ? "global" : "local";
  const place = proxy.statement.place();
  const lines = new Map<string, Line>();
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === "ENOENT" ? "No such file or directory" : (error as Error).message;
    diagnostics.report("notice", "no-state-file", place, `Can't open ${kind} server state file '${path}': ${why}`, {
      introduction: "none",
    });
    return lines;
  }
  const [version, ...rest] = text.split("\n");
  if (version?.trim() !== VERSION) {
    diagnostics.warning("state-file", place, `Can't get version of the ${kind} server state file '${path}'.`, {
      introduction: "none",
    });
    return lines;
  }
  rest.forEach((line, index) => {
    if (line.trim() === "" || line.startsWith("#")) return;
    const parsed = parseLine(line.trim().split(/\s+/));
    if (parsed !== null) lines.set(parsed.name, parsed.line);
    else {
      const message = `corrupted ${kind} server state file '${path}' at line ${index + 2}.`;
      diagnostics.warning("state-file", place, message, { introduction: "none" });
    }
  });
  return lines;
}

function parseLine(fields: readonly string[]): { readonly name: string; readonly line: Line } | null {
  if (fields.length < COLUMNS_MIN) return null;
  const line = { address: fields[COLUMN.address]!, fqdn: fields[COLUMN.fqdn]! } as Line;
  for (const name of NUMBERS) {
    const text = fields[COLUMN[name]]!;
    if (!/^\d{1,9}$/.test(text)) return null;
    line[name] = Number(text);
  }
  if (line.opState > OP_STATE.stopping || line.userWeight > WEIGHT_MAX || line.initialWeight > WEIGHT_MAX) return null;
  return { name: `${fields[COLUMN.backend]}/${fields[COLUMN.server]}`, line };
}
