// The failover table: what a client sees when something happens to the master, keepalived beside ours in the same laboratory (network namespaces,
// a bridge as the switch), two nodes of the same kind each time, the same configuration text. Needs root, iproute2 and keepalived.
//
//   node main.js [--runs N] [--intervals 1000,100,20] [--rows WORD] [--json FILE]

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Host, Lan, labObstacle } from "../../ha-sidecar/test/lab/namespaces.ts";
import {
  Client,
  configurationOf,
  type Settings,
  sleep,
  startEchoes,
  startKeepalived,
  startSidecar,
  until,
} from "../../ha-sidecar/test/lab/peers.ts";
import { median } from "../measure/statistics.ts";
import { type Kind, ROWS, type Row, raiseFlag, type Scene } from "./rows.ts";

const ADDRESS = "10.99.0.100";
const WIRE = fileURLToPath(new URL("../../ha-sidecar/test/lab/wire.js", import.meta.url));
const KINDS: readonly Kind[] = ["keepalived", "ringway"];

interface Result {
  readonly row: string;
  readonly intervalMs: number;
  readonly kind: Kind;
  readonly measures: Row["measures"];
  readonly ms: readonly number[];
  readonly owners: readonly string[];
}

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    intervals: { type: "string", default: "1000,100,20" },
    rows: { type: "string", default: "" },
    json: { type: "string" },
  },
});
const why =
  labObstacle() ?? (spawnSync("keepalived", ["--version"]).status === 0 ? null : "keepalived is not installed");
if (why !== null) {
  process.stderr.write(`bench-ha cannot run: ${why}\n`);
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), "ringway-bench-ha-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const results: Result[] = [];
for (const intervalMs of options.intervals.split(",").map(Number)) {
  for (const row of ROWS.filter(({ name }) => name.includes(options.rows))) {
    if (row.onlyIntervalMs !== undefined && row.onlyIntervalMs !== intervalMs) continue;
    for (const kind of KINDS.filter((candidate) => (row.onlyKind ?? candidate) === candidate)) {
      results.push(await measure(row, intervalMs, kind));
    }
  }
}
process.stdout.write(table(results));
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
process.exit(0);

async function measure(row: Row, intervalMs: number, kind: Kind): Promise<Result> {
  const ms: number[] = [];
  const owners: string[] = [];
  for (let run = 0; run < Number(options.runs); run++) {
    const lan = new Lan();
    try {
      // The same places between two adverts for both programs: at random ones the luckier would look faster.
      const once = await runOnce(lan, row, intervalMs, kind, (run + 0.5) / Number(options.runs));
      ms.push(Math.round(once.ms));
      owners.push(once.owners);
    } catch (error) {
      owners.push(`failed: ${(error as Error).message}`);
    } finally {
      await lan.remove();
    }
  }
  process.stderr.write(`${row.name}, ${intervalMs} ms, ${kind}: ${ms.join(" ")} ms, afterwards ${owners.join(" ")}\n`);
  return { row: row.name, intervalMs, kind, measures: row.measures, ms, owners };
}

/** @param phase when the event comes: 0 is with an advert, 1 with the next one */
async function runOnce(
  lan: Lan,
  row: Row,
  intervalMs: number,
  kind: Kind,
  phase: number,
): Promise<{ ms: number; owners: string }> {
  const [a, b, c] = ["a", "b", "c"].map((name, index) => lan.addHost(name, `10.99.0.${index + 1}/24`)) as [
    Host,
    Host,
    Host,
  ];
  await startEchoes(a, b);
  const flag = join(folder, "flag");
  raiseFlag(flag);
  const socket = join(folder, "proxy.sock");
  const proxy = row.needsProxy === true ? await startProxy(a, socket) : null;
  const version = intervalMs === 1000 ? 2 : 3;
  const settings: Settings = { version, priority: 0, intervalMs, addresses: [`${ADDRESS}/24`], ...row.settings };
  const [priorityA, priorityB] = row.priorities ?? [100, 99];
  const { blocks, lines } = row.tracking?.(flag, socket) ?? { blocks: "", lines: [] };
  const start = (host: Host, priority: number, top: string, extra: readonly string[]) => {
    const text = top + configurationOf(host, { ...settings, priority }, [], [...extra]);
    return kind === "keepalived" ? startKeepalived(host, text) : startSidecar(host, text);
  };
  const restart = () => start(a, priorityA, blocks, lines);
  const master = restart();
  await until(() => a.has(ADDRESS), "a is master");
  const backup = start(b, priorityB, "", []);
  await until(() => /Entering BACKUP/.test(backup.output), "b is backup");
  const client = new Client(c, ADDRESS);
  await until(() => client.owner === "a", "the client reaches a");
  await sleep(Math.max(400, intervalMs * 1.5));
  // Unicast adverts are not heard by others; nor do they matter to the rows that use them.
  if (settings.peers === undefined) await phaseOf(c, phase * intervalMs);
  const scene: Scene = { kind, lan, a, b, settings, client, master, restart, flag, proxy };
  const startMs = performance.now();
  await row.event(scene);
  if (row.staysMs !== undefined) await sleep(row.staysMs(intervalMs));
  else await until(() => client.owner === "b", "b answers", 20_000);
  const movedMs = performance.now() - startMs;
  await sleep(300 + intervalMs);
  const owners = [a, b]
    .filter((host) => host.has(ADDRESS))
    .map(({ name }) => name)
    .join("+");
  const gapMs = await client.gapMs();
  return { ms: row.measures === "gap" ? gapMs : movedMs, owners };
}

/** Waits until so long after an advert. */
async function phaseOf(host: Host, afterMs: number): Promise<void> {
  const wire = host.start(process.execPath, WIRE);
  const adverts = () => wire.output.match(/^rx /gm)?.length ?? 0;
  await until(() => adverts() > 0, "an advert is heard");
  const heard = adverts();
  await until(() => adverts() > heard, "another advert");
  await sleep(afterMs);
}

/** HAProxy, with an admin socket. */
async function startProxy(host: Host, socket: string) {
  const file = join(folder, "proxy.cfg");
  const timeouts = " timeout connect 1s\n timeout client 1s\n timeout server 1s\n";
  const frontend = "frontend f\n bind :8080\n http-request return status 200\n";
  writeFileSync(file, `global\n stats socket ${socket} level user\ndefaults\n mode http\n${timeouts}${frontend}`);
  const proxy = host.start("haproxy", "-db", "-f", file);
  await sleep(500);
  return proxy;
}

function table(all: readonly Result[]): string {
  const span = ({ ms }: Result) =>
    ms.length === 0 ? "-" : `${Math.round(median([...ms]))} (${Math.min(...ms)}-${Math.max(...ms)})`;
  const lines = [
    "",
    `${"event on the master".padEnd(58)} ${"advert".padStart(7)}  ${"keepalived".padStart(18)}  ${"ringway".padStart(18)}  owners (k | r)`,
  ];
  for (const intervalMs of new Set(all.map((result) => result.intervalMs))) {
    for (const row of new Set(all.map((result) => result.row))) {
      const of = (kind: Kind) =>
        all.find((result) => result.row === row && result.kind === kind && result.intervalMs === intervalMs);
      const [k, r] = [of("keepalived"), of("ringway")];
      if (k === undefined && r === undefined) continue;
      const cell = (result: Result | undefined) => (result === undefined ? "-" : span(result)).padStart(18);
      const owners = `${[...new Set(k?.owners ?? ["-"])].join(",")} | ${[...new Set(r?.owners ?? ["-"])].join(",")}`;
      lines.push(`${row.padEnd(58)} ${`${intervalMs} ms`.padStart(7)}  ${cell(k)}  ${cell(r)}  ${owners}`);
    }
  }
  lines.push(
    "",
    "Milliseconds: median (smallest-largest). Longest time without an answer (the client asks every 5 ms); of scripts and proxies: until b answers.",
    "",
  );
  return lines.join("\n");
}
