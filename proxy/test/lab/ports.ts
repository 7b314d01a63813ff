// Free TCP and UDP ports, and whether somebody listens on one, without ever connecting to it: a probing connection would show up
// in the logs, counters and connection limits that the tests look at.
//
// Ports come from below the kernel's ephemeral range, so that no outgoing connection takes one between our look and the
// program's bind. Test files run in parallel as processes of their own: each begins at a place that depends on its pid, and keeps the
// UDP port of the same number bound as long as it lives, for the others to see. Without that, two programs under test could get the
// same port and, with SO_REUSEPORT, share its connections without a word.

import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

const PORT_MIN = 11_000;
const PORT_MAX = 32_000;
const PORTS_PER_PROCESS = 200;

let next = PORT_MIN + ((process.pid * PORTS_PER_PROCESS) % (PORT_MAX - PORT_MIN));

/** A port that nothing is bound to on any local address. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_MAX - PORT_MIN; tries++) {
    const port = next;
    next = next + 1 < PORT_MAX ? next + 1 : PORT_MIN;
    if ((await reserve(port)) && (await canBind(port))) return port;
  }
  throw new Error("no free port");
}

/** As many numbers as were asked for, where that is known beforehand. */
type Ports<N extends number, Found extends number[] = []> = number extends N
  ? number[]
  : Found["length"] extends N
    ? Found
    : Ports<N, [...Found, number]>;

/** Several different free ports. */
export async function freePorts<N extends number>(count: N): Promise<Ports<N>> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports as Ports<N>;
}

/** `count` free ports in a row, for port ranges. Returns the first. */
export async function freePortRange(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    let length = 1;
    while (length < count && (await freePort()) === first + length) length++;
    if (length === count) return first;
  }
}

/** Takes the UDP port for this process; false when another one has it. */
function reserve(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => {
      socket.unref();
      resolve(true);
    });
  });
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "::", ipv6Only: false, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** TCP ports in state LISTEN on this machine, of both families. */
export function listeningPorts(): Set<number> {
  const ports = new Set<number>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readTable(table)) {
      // "  0: 0100007F:1F90 00000000:0000 0A …": local address:port, remote, state (0A is LISTEN).
      const columns = line.trim().split(/\s+/);
      if (columns[3] !== "0A") continue;
      ports.add(Number.parseInt(columns[1]!.slice(columns[1]!.lastIndexOf(":") + 1), 16));
    }
  }
  return ports;
}

/** Paths of the UNIX sockets that accept connections. */
export function listeningPaths(): Set<string> {
  const paths = new Set<string>();
  for (const line of readTable("/proc/net/unix")) {
    // "Num RefCount Protocol Flags Type St Inode Path"; flag 0x10000 is __SO_ACCEPTCON.
    const columns = line.trim().split(/\s+/);
    if ((Number.parseInt(columns[3]!, 16) & 0x10000) !== 0 && columns[7] !== undefined) paths.add(columns[7]);
  }
  return paths;
}

function readTable(path: string): string[] {
  try {
    return readFileSync(path, "latin1").split("\n").slice(1).filter(Boolean);
  } catch {
    return []; // A kernel without IPv6 has no tcp6 table.
  }
}
