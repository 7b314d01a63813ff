// The two kinds of daemon in the lab, ours and keepalived, with the same configuration; and the client that looks at both.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { askControlSocket } from "../../control/control-socket.ts";
import type { InstanceState } from "../../thread/messages.ts";
import type { Host, Program } from "./namespaces.ts";

/** What both kinds understand. */
export interface Settings {
  readonly version: 2 | 3;
  readonly priority: number;
  readonly intervalMs: number;
  /** Virtual addresses with prefix; the first one's family is the instance's. */
  readonly addresses: readonly string[];
  readonly password?: string;
  /** Unicast to these, the host itself left out. */
  readonly peers?: readonly string[];
  readonly nopreempt?: boolean;
  readonly preemptDelayS?: number;
}

const folder = mkdtempSync(join(tmpdir(), "ringway-lab-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** A file that lives as long as the test. */
export function write(content: string): string {
  const path = join(folder, `file${files++}`);
  writeFileSync(path, content);
  return path;
}

export const MAIN = fileURLToPath(new URL("../../main.js", import.meta.url));
const ECHO = fileURLToPath(new URL("./echo.js", import.meta.url));
const CLIENT = fileURLToPath(new URL("./client.js", import.meta.url));

/** The configuration, the same text for both kinds. `globals` and `extra` are lines for global_defs and the instance. */
export function configurationOf(host: Host, settings: Settings, globals: string[] = [], extra: string[] = []): string {
  const { version, priority, intervalMs, addresses, password } = settings;
  const peers = settings.peers?.filter((peer) => peer !== host.address);
  return [
    "global_defs {",
    `  vrrp_version ${version}`,
    ...globals,
    "}",
    "vrrp_instance VI_1 {",
    "  state BACKUP",
    "  interface eth0",
    "  virtual_router_id 50",
    `  priority ${priority}`,
    `  advert_int ${intervalMs / 1000}`,
    ...(settings.nopreempt === true ? ["  nopreempt"] : []),
    ...(settings.preemptDelayS === undefined ? [] : [`  preempt_delay ${settings.preemptDelayS}`]),
    ...(password === undefined ? [] : ["  authentication {", "    auth_type PASS", `    auth_pass ${password}`, "  }"]),
    ...(peers === undefined ? [] : [`  unicast_src_ip ${host.address}`, "  unicast_peer {", ...peers, "  }"]),
    "  virtual_ipaddress {",
    ...addresses.map((text) => `    ${text}`),
    "  }",
    ...extra,
    "}",
    "",
  ].join("\n");
}

/** Our daemon on a host. */
export interface Sidecar extends Program {
  readonly controlSocket: string;
  /** Its configuration, to be written anew before SIGHUP. */
  readonly file: string;
}

/** Starts our daemon with a configuration, or with what the settings come to. */
export function startSidecar(host: Host, settings: Settings | string): Sidecar {
  const text = typeof settings === "string" ? settings : configurationOf(host, settings);
  const controlSocket = join(folder, `control${files++}`);
  const file = write(text);
  // What the test runner loads into its own processes is not the daemon's.
  const node = ["env", "-u", "NODE_OPTIONS", process.execPath] as const;
  const program = host.start(...node, MAIN, "-n", "-f", file, "--control-socket", controlSocket);
  return Object.assign(program, { controlSocket, file });
}

/** Starts keepalived on a host. */
export function startKeepalived(host: Host, settings: Settings | string, extra: string[] = []): Program {
  const pid = () => join(folder, `pid${files++}`);
  const file = write(typeof settings === "string" ? settings : configurationOf(host, settings, [], extra));
  return host.start("keepalived", "-n", "-l", "-D", "-f", file, "-p", pid(), "-r", pid(), "-c", pid(), "-b", pid());
}

/** Asks our daemon for the state of its first instance. UNIX sockets know no network namespaces. */
export async function stateOf(sidecar: Sidecar): Promise<InstanceState> {
  return (JSON.parse(await askControlSocket(sidecar.controlSocket, "state")) as InstanceState[])[0]!;
}

/** The programs that a client's packets are answered by. */
export async function startEchoes(...hosts: readonly Host[]): Promise<void> {
  for (const host of hosts) {
    const echo = host.start(process.execPath, ECHO, host.name);
    await until(() => echo.output.includes("ready"), "the echo is ready");
  }
}

export class Client {
  readonly #program: Program;

  constructor(host: Host, target: string) {
    this.#program = host.start(process.execPath, CLIENT, target);
  }

  /** Who answered last. */
  get owner(): string {
    return (
      this.#program.output
        .match(/owner (\w+)/g)
        ?.at(-1)
        ?.slice(6) ?? ""
    );
  }

  /** Ends it. The longest time without an answer. */
  async gapMs(): Promise<number> {
    this.#program.signal("SIGTERM");
    await this.#program.ended;
    return (JSON.parse(/^result (.*)$/m.exec(this.#program.output)![1]!) as { gapMs: number }).gapMs;
  }
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 15_000,
): Promise<number> {
  const startMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startMs > limitMs) throw new Error(`it did not happen that ${what}`);
    await sleep(5);
  }
  return performance.now() - startMs;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
