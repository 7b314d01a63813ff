// A small world of its own for a test that needs port 80, /dev/log, /var/run and names of hosts: namespaces in which all of them can
// be had without touching the machine's. The test file runs a second time inside; needs root, unshare, nsenter and ip.
//
//   outside:  the test file, once ──unshare -m -n──▶  inside:  the test file again
//                                                     10.230.150.1  proxy, clients, own /dev /run /var/lib /etc/hosts /etc/ssl/certs
//                                                       │ veth
//                                                     10.230.150.68, .70 … servers, in a network namespace of their own

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { allOf, needs, needsRoot, needsUnshare, type SkipOption } from "./needs.ts";
import type { Teardown } from "./program.ts";
import type { Tap } from "./tap.ts";
import { until } from "./time.ts";

/** Set in the environment of what runs inside: the folder with what is bound over the machine's files. */
const INSIDE = "RINGWAY_TEST_INSIDE";
/** This process runs inside. */
export const IS_INSIDE = process.env[INSIDE] !== undefined;

export const PROXY_ADDRESS = "10.230.150.1";

export function needsSmallWorld(): SkipOption {
  return allOf(needsRoot(), needs("unshare", "nsenter", "ip", "socat"), needsUnshare("-m", "-n"));
}

/** Runs `file` (an import.meta.url) once more inside, as a subtest. */
export async function runInside(t: Tap, file: string, limitMs: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ringway-world-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const args = ["-m", "-n", process.execPath, "--enable-source-maps", fileURLToPath(file)];
  await t.spawn("unshare", args, { env: { ...process.env, [INSIDE]: folder }, timeout: limitMs }, "in a small world");
}

/** To be called inside, first: gives the namespaces their files, and a network of one cable. */
export class SmallWorld {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** @param hosts names by address, for /etc/hosts */
  static async create(
    t: Teardown,
    hosts: Readonly<Record<string, string>>,
    addresses: readonly string[],
  ): Promise<SmallWorld> {
    const folder = process.env[INSIDE]!;
    const names = Object.entries(hosts).map(([address, name]) => `${address} ${name}\n`);
    writeFileSync(join(folder, "hosts"), `127.0.0.1 localhost\n${names.join("")}`);
    // The article's user; Debian's haproxy package makes the same.
    for (const [file, line] of [
      ["passwd", "haproxy:x:64123:64123::/var/lib/haproxy:/usr/sbin/nologin"],
      ["group", "haproxy:x:64123:"],
    ] as const) {
      const text = readFileSync(`/etc/${file}`, "latin1");
      writeFileSync(join(folder, file), /^haproxy:/m.test(text) ? text : `${text.replace(/\n?$/, "\n")}${line}\n`);
    }
    for (const file of ["hosts", "passwd", "group"]) shell(`mount --bind ${folder}/${file} /etc/${file}`);
    shell(`
      mkdir ${folder}/dev && mount -t tmpfs -o mode=755 tmpfs ${folder}/dev
      for node in null zero full random urandom tty; do
        touch ${folder}/dev/$node && mount --bind /dev/$node ${folder}/dev/$node
      done
      mount --rbind ${folder}/dev /dev
      mount -t tmpfs -o mode=755 tmpfs "$(readlink -f /var/run)"
      mount -t tmpfs -o mode=755 tmpfs /var/lib
      mkdir /var/lib/haproxy
      [ ! -d /etc/ssl/certs ] || mount -t tmpfs -o mode=755 tmpfs /etc/ssl/certs
      ip link set lo up
    `);
    const holder = spawn("unshare", ["-n", "sleep", "600"], { stdio: "ignore" });
    t.teardown(() => {
      holder.kill("SIGKILL");
    });
    const outer = namespaceOf(process.pid);
    await until("the servers' namespace", () => {
      const inner = namespaceOf(holder.pid!);
      return inner !== "" && inner !== outer;
    });
    shell(`
      ip link add near type veth peer name far netns ${holder.pid}
      ip addr add ${PROXY_ADDRESS}/24 dev near
      ip link set near up
    `);
    const world = new SmallWorld(holder);
    world.amongServers(`
      ip link set lo up
      ${addresses.map((address) => `ip addr add ${address}/24 dev far`).join("\n")}
      ip link set far up
    `);
    return world;
  }

  /** Runs a shell script in the servers' namespace and returns what it writes. */
  amongServers(script: string): string {
    return shell(script, ["nsenter", "-t", String(this.#holder.pid), "-n"]);
  }

  /** A web server at `address`:80 that answers with `name` and the X-Forwarded-For that it was given. */
  async startServer(t: Teardown, address: string, name: string): Promise<ChildProcess> {
    const file = fileURLToPath(new URL("./origin-process.js", import.meta.url));
    const child = spawn(
      "nsenter",
      ["-t", String(this.#holder.pid), "-n", process.execPath, file, address, "80", name],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    t.teardown(() => {
      child.kill("SIGKILL");
    });
    await new Promise((resolve) => child.stdout!.once("data", resolve));
    return child;
  }
}

/** Makes the file or socket `from` visible at `to` as well. */
export function bindInto(from: string, to: string): void {
  shell(`mkdir -p "$(dirname ${to})" && touch ${to} && mount --bind ${from} ${to}`);
}

function namespaceOf(pid: number): string {
  try {
    return execFileSync("readlink", [`/proc/${pid}/ns/net`], { encoding: "latin1" }).trim();
  } catch {
    return "";
  }
}

function shell(script: string, prefix: readonly string[] = []): string {
  const [program, ...args] = [...prefix, "sh", "-ec", script];
  return execFileSync(program!, args, { encoding: "latin1", stdio: ["ignore", "pipe", "inherit"] });
}
