// What a configuration is checked against: this machine's name, interfaces and users. Behind an interface, so that a test can be any
// machine.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { hostname, uptime, userInfo } from "node:os";

export interface Host {
  readonly hostname: string;
  /** Names of the network interfaces of this network namespace. */
  readonly interfaces: ReadonlySet<string>;
  readonly loopbacks: ReadonlySet<string>;
  /** Who runs this; the number where it has no name. */
  readonly username: string;
  readonly uid: number;
  readonly gid: number;
  user(name: string): { readonly uid: number; readonly gid: number } | null;
  /** gid, or null. */
  group(name: string): number | null;
  readonly environment: NodeJS.ProcessEnv;
  /** Since the machine's start. */
  readonly uptimeMs: number;
}

export function thisHost(): Host {
  const interfaces = readInterfaces();
  return {
    hostname: hostname(),
    interfaces,
    loopbacks: new Set(interfaces.has("lo") ? ["lo"] : []),
    username: readUsername(),
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    user(name) {
      const fields = lookUp("passwd", name);
      return fields === null ? null : { uid: Number(fields[2]), gid: Number(fields[3]) };
    },
    group(name) {
      const fields = lookUp("group", name);
      return fields === null ? null : Number(fields[2]);
    },
    environment: process.env,
    uptimeMs: uptime() * 1000,
  };
}

function readUsername(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry, as in containers.
    return String(process.getuid?.() ?? 0);
  }
}

/** /proc/net/dev lists the interfaces of the network namespace, also those that are down (which os.networkInterfaces() leaves out). */
function readInterfaces(): ReadonlySet<string> {
  const lines = readFileSync("/proc/self/net/dev", "latin1").split("\n").slice(2);
  return new Set(lines.map((line) => line.slice(0, line.lastIndexOf(":")).trim()).filter((name) => name !== ""));
}

/** Names that could not stand in a line of /etc/passwd, and options of getent, are no names. */
const NAME = /^[A-Za-z0-9_][^:\s]*$/;

/** A line of the user or group database: of the file, or from where getent looks (LDAP and the like). */
function lookUp(database: "passwd" | "group", name: string): string[] | null {
  if (!NAME.test(name)) return null;
  const lines = readFileSync(`/etc/${database}`, "latin1").split("\n");
  const line = lines.find((candidate) => candidate.startsWith(`${name}:`)) ?? getent(database, name);
  return line === null || line === "" ? null : line.split(":");
}

function getent(database: string, name: string): string | null {
  try {
    const output = execFileSync("getent", [database, "--", name], { encoding: "latin1", timeout: 2000, stdio: "pipe" });
    // A number finds an entry by its id, which keepalived does not accept as a name.
    return output.startsWith(`${name}:`) ? output.trim() : null;
  } catch (error) {
    // Status 2: not found. No getent here, or no answer in time: not found either, and the file has been looked at.
    if (error instanceof Error && ("status" in error || "code" in error)) return null;
    throw error;
  }
}
