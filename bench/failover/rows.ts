// What happens to the master in each row of the failover table, the same for both programs. Where they differ in kind (keepalived is two
// processes, we are one) the row says what stands for it.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Host, Lan, Program } from "../../ha-sidecar/test/lab/namespaces.ts";
import { type Client, type Settings, sleep, until } from "../../ha-sidecar/test/lab/peers.ts";

export type Kind = "keepalived" | "ringway";

/** Two nodes of one kind, a with the higher priority, and a client that has been answered by a for a while. */
export interface Scene {
  readonly kind: Kind;
  readonly lan: Lan;
  readonly a: Host;
  readonly b: Host;
  readonly settings: Settings;
  readonly client: Client;
  readonly master: Program;
  /** Starts the master's program again. */
  readonly restart: () => Program;
  /** While this file is there the tracked script succeeds. */
  readonly flag: string;
  /** The tracked proxy on a; null: none runs. */
  readonly proxy: Program | null;
}

export interface Row {
  readonly name: string;
  /** Only for adverts of this interval. */
  readonly onlyIntervalMs?: number;
  /** Only these programs can do it at all. */
  readonly onlyKind?: Kind;
  readonly settings?: Partial<Settings>;
  readonly priorities?: readonly [a: number, b: number];
  /** Top-level blocks before the instance of the master, and lines in it. `flag` is the scene's, `socket` the proxy's. */
  readonly tracking?: (flag: string, socket: string) => { readonly blocks: string; readonly lines: readonly string[] };
  readonly needsProxy?: boolean;
  /** `gap`: the longest time without an answer. `moved`: from the event until the client is answered by b. */
  readonly measures: "gap" | "moved";
  readonly event: (scene: Scene) => Promise<void> | void;
  /** b does not take over: how long to look. */
  readonly staysMs?: (intervalMs: number) => number;
}

function children({ pid }: Program): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
}

function killAll(program: Program): void {
  const family = [program.pid, ...children(program)];
  // Stopped first, so that a child cannot notice that its parent has gone.
  for (const pid of family) process.kill(pid, "SIGSTOP");
  for (const pid of family) process.kill(pid, "SIGKILL");
}

function script(weight: string, interval: number) {
  return (flag: string) => ({
    blocks: [
      "vrrp_script probe {",
      `  script "/usr/bin/test -e ${flag}"`,
      `  interval ${interval}`,
      "  fall 3",
      `  weight ${weight}`,
      "  user root",
      "}",
      "",
    ].join("\n"),
    lines: ["  track_script {", "    probe", "  }"],
  });
}

const proxy = (_: string, socket: string) => ({
  blocks: `track_proxy web {\n  socket ${socket}\n}\n`,
  lines: ["  track_proxy {", "    web", "  }"],
});

const failScript = ({ flag }: Scene) => rmSync(flag);

export const ROWS: readonly Row[] = [
  { name: "SIGTERM", measures: "gap", event: ({ master }) => master.signal("SIGTERM") },
  { name: "kill -9 parent only", measures: "gap", event: ({ master }) => master.signal("SIGKILL") },
  {
    name: "kill -9 vrrp child only (ours: kill -9 and started again)",
    measures: "gap",
    event: ({ kind, master, restart }) => {
      if (kind === "keepalived") for (const pid of children(master)) process.kill(pid, "SIGKILL");
      else {
        master.signal("SIGKILL");
        restart();
      }
    },
    staysMs: (intervalMs) => 5 * intervalMs + 2500,
  },
  { name: "kill -9 both", measures: "gap", event: ({ master }) => killAll(master) },
  {
    name: "SIGSTOP (hang)",
    measures: "gap",
    event: ({ master }) => {
      for (const pid of [master.pid, ...children(master)]) process.kill(pid, "SIGSTOP");
    },
  },
  {
    name: "kill -9 both + network cut",
    measures: "gap",
    event: ({ lan, a, master }) => {
      killAll(master);
      lan.setSilent(a, true);
    },
  },
  { name: "switch port down", measures: "gap", event: ({ lan, a }) => lan.setPort(a, false) },
  { name: "ip link set down", measures: "gap", event: ({ a }) => void a.ip("link", "set", "eth0", "down") },
  { name: "silent partition", measures: "gap", event: ({ lan, a }) => lan.setSilent(a, true) },
  {
    name: "partition of 5 s, then heal",
    measures: "gap",
    event: async ({ lan, a, client }) => {
      lan.setSilent(a, true);
      await until(() => client.owner === "b", "b answers during the partition");
      await sleep(3000);
      lan.setSilent(a, false);
    },
    staysMs: (intervalMs) => 3 * intervalMs + 1500,
  },
  {
    name: "restart, nopreempt: stays on b",
    onlyIntervalMs: 100,
    settings: { nopreempt: true },
    measures: "gap",
    event: async ({ client, master, restart }) => {
      master.signal("SIGTERM");
      await until(() => client.owner === "b", "b answers");
      await master.ended;
      restart();
      await sleep(2500);
    },
  },
  {
    name: "restart, preempt_delay 3: back on a",
    onlyIntervalMs: 100,
    settings: { preemptDelayS: 3 },
    measures: "gap",
    event: async ({ client, master, restart }) => {
      master.signal("SIGTERM");
      await until(() => client.owner === "b", "b answers");
      await master.ended;
      restart();
      await until(() => client.owner === "a", "a answers again", 20_000);
    },
    staysMs: () => 500,
  },
  {
    name: "script fails, 100/99 weight -2 interval 2 fall 3",
    onlyIntervalMs: 1000,
    tracking: script("-2", 2),
    measures: "moved",
    event: failScript,
  },
  {
    name: "script fails, weight 0 interval 2 fall 3",
    onlyIntervalMs: 1000,
    tracking: script("0", 2),
    measures: "moved",
    event: failScript,
  },
  {
    name: "script fails, weight -20 interval 1 fall 3",
    onlyIntervalMs: 100,
    tracking: script("-20", 1),
    measures: "moved",
    event: failScript,
  },
  {
    name: "proxy crash seen by end of file (track_proxy)",
    onlyKind: "ringway",
    needsProxy: true,
    tracking: proxy,
    measures: "moved",
    event: ({ proxy: program }) => program?.signal("SIGKILL"),
  },
  {
    name: "proxy crash, two unicast peers",
    onlyKind: "ringway",
    needsProxy: true,
    settings: { peers: ["10.99.0.1", "10.99.0.2"] },
    tracking: proxy,
    measures: "moved",
    event: ({ proxy: program }) => program?.signal("SIGKILL"),
  },
];

/** The file of a tracked script. */
export function raiseFlag(flag: string): void {
  writeFileSync(flag, "");
}
