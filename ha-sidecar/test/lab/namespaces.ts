// A LAN inside the kernel: network namespaces for hosts, a bridge in a namespace of its own as the switch, veth pairs as cables. Nothing
// of it touches the machine's own network.
//
// Everything is removed when the test ends, whatever happened: processes first, then the namespaces, with which their interfaces go. If the
// test is killed outright, the next lab removes what it left, which it knows by the number of a process that is no more.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";

let counter = 0;
const living = new Set<Lan>();
process.on("exit", () => {
  for (const lan of living) lan.removeNow();
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    for (const lan of living) lan.removeNow();
    process.exit(1);
  });
}

/** Why the lab cannot be built here; null: it can. */
export function labObstacle(): string | null {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  try {
    execFileSync("ip", ["-V"], { stdio: "pipe" });
    const name = `rwprobe${process.pid}`;
    execFileSync("ip", ["netns", "add", name], { stdio: "pipe" });
    execFileSync("ip", ["netns", "del", name], { stdio: "pipe" });
    return null;
  } catch (error) {
    return `network namespaces cannot be made: ${(error as Error).message.split("\n").at(-2) ?? ""}`;
  }
}

export class Lan {
  readonly #prefix = `rw${process.pid}x${counter++}`;
  readonly #hosts: Host[] = [];
  readonly #switch: string;

  constructor() {
    removeOrphans();
    living.add(this);
    this.#switch = `${this.#prefix}s`;
    ip("netns", "add", this.#switch);
    this.inSwitch("link", "add", "br0", "type", "bridge", "mcast_snooping", "0");
    this.inSwitch("link", "set", "br0", "up");
  }

  /** A host with one interface, eth0, that has the address (with its prefix length). */
  addHost(name: string, address: string, address6?: string): Host {
    const host = new Host(`${this.#prefix}${name}`, name, address.split("/")[0]!);
    this.#hosts.push(host);
    ip("netns", "add", host.namespace);
    host.ip("link", "set", "lo", "up");
    this.plug(host, address);
    if (address6 !== undefined) host.ip("address", "add", address6, "dev", "eth0", "nodad");
    return host;
  }

  /** Gives a host without eth0 a new one, with the address (and its prefix length). */
  plug(host: Host, address: string): void {
    const port = `p${host.name}`;
    ip("-n", this.#switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host.namespace);
    this.inSwitch("link", "set", port, "master", "br0", "up");
    host.ip("link", "set", "eth0", "up");
    host.ip("address", "add", address, "dev", "eth0");
  }

  /** Cuts or joins the host's cable at the switch: the host loses its carrier. */
  setPort(host: Host, isUp: boolean): void {
    this.inSwitch("link", "set", `p${host.name}`, isUp ? "up" : "down");
  }

  /** Cuts the host off without taking its carrier: the switch forgets the port. */
  setSilent(host: Host, isSilent: boolean): void {
    this.inSwitch("link", "set", `p${host.name}`, ...(isSilent ? ["nomaster"] : ["master", "br0"]));
  }

  inSwitch(...words: string[]): string {
    return ip("-n", this.#switch, ...words);
  }

  async remove(): Promise<void> {
    for (const host of this.#hosts) await host.killAll();
    this.removeNow();
  }

  /** The same without waiting for anything. */
  removeNow(): void {
    living.delete(this);
    for (const { namespace } of this.#hosts) removeNamespace(namespace);
    removeNamespace(this.#switch);
  }
}

export class Host {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly #processes: Program[] = [];

  constructor(namespace: string, name: string, address: string) {
    this.namespace = namespace;
    this.name = name;
    this.address = address;
  }

  ip(...words: string[]): string {
    return ip("-n", this.namespace, ...words);
  }

  /** Whether an address is on eth0. */
  has(address: string): boolean {
    return this.ip("-o", "address", "show", "dev", "eth0").includes(` ${address}/`);
  }

  /** Starts a program inside the host. */
  start(command: string, ...parameters: string[]): Program {
    const child = spawn("ip", ["netns", "exec", this.namespace, command, ...parameters], { detached: true });
    const program = new Program(child);
    this.#processes.push(program);
    return program;
  }

  /** Runs a program to its end and returns its output. */
  run(command: string, ...parameters: string[]): string {
    return execFileSync("ip", ["netns", "exec", this.namespace, command, ...parameters], { encoding: "utf8" });
  }

  /** Ends what was started here, and what that left behind in sessions of its own (keepalived's children do). */
  async killAll(): Promise<void> {
    for (const program of this.#processes) await program.kill();
    for (const pid of ip("netns", "pids", this.namespace)
      .split("\n")
      .filter((line) => line !== "")) {
      process.kill(Number(pid), "SIGKILL");
    }
  }
}

/** A running program and all that it has said. `ip netns exec` becomes the program itself, so that its pid is the program's. */
export class Program {
  readonly child: ChildProcess;
  output = "";
  readonly ended: Promise<number | null>;
  #hasEnded = false;

  constructor(child: ChildProcess) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (bytes: Buffer) => {
        this.output += bytes.toString("utf8");
      });
    }
    this.ended = new Promise((resolve) => {
      child.on("close", (code) => {
        this.#hasEnded = true;
        resolve(code);
      });
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends the program and its children (it leads a process group) and waits for that. */
  async kill(): Promise<void> {
    if (this.#hasEnded) return;
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
    await this.ended;
  }
}

function namespaces(): string[] {
  return ip("netns", "list")
    .split("\n")
    .map((line) => line.split(" ")[0]!)
    .filter((name) => name !== "");
}

function killInside(namespace: string): void {
  for (const pid of ip("netns", "pids", namespace)
    .split("\n")
    .filter((line) => line !== "")) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

function removeNamespace(namespace: string): void {
  // It may never have been made, if the construction failed before.
  if (!namespaces().includes(namespace)) return;
  killInside(namespace);
  ip("netns", "del", namespace);
}

/** Namespaces of labs whose process is gone. */
function removeOrphans(): void {
  for (const name of namespaces()) {
    const pid = /^rw(\d+)x/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeNamespace(name);
  }
}

function ip(...words: string[]): string {
  return execFileSync("ip", words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
