// Direct routing needs to know how real servers are reached on the wire: the interface and their MAC addresses, which the kernel's
// neighbour table has (ip-neighbour(8)). What is not known is asked for by a datagram that nobody minds, and looked at again soon.

import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import type { Destination, Service } from "./forwarder.ts";
import type { Neighbour } from "./nft-rules.ts";

const LOOK_MS = 5000;
const LOOK_SOON_MS = 300;
/** RFC 863, discard. */
const PORT_DISCARD = 9;

export class Neighbours {
  readonly #onChange: () => void;
  readonly #known = new Map<string, Neighbour>();
  #addresses: readonly string[] = [];
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  readonly of = ({ address }: Destination): Neighbour | null => this.#known.get(address.text) ?? null;

  /** Where the real servers are, which is where packets for the virtual ones arrive as well. */
  get interfaces(): string[] {
    return [...new Set([...this.#known.values()].map(({ interface: name }) => name))].sort();
  }

  follow(services: readonly Service[]): void {
    const destinations = services.flatMap((service) => service.destinations);
    this.#addresses = [...new Set(destinations.map(({ address }) => address.text))];
    if (this.#timer === null && this.#addresses.length > 0) void this.#look();
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    let isChanged = false;
    let isIncomplete = false;
    for (const address of this.#addresses) {
      const found = await lookUp(address);
      const before = this.#known.get(address);
      if (found === null) {
        isIncomplete = true;
        knock(address);
      } else if (JSON.stringify(found) !== JSON.stringify(before)) {
        this.#known.set(address, found);
        isChanged = true;
      }
    }
    if (this.#isClosed) return;
    if (isChanged) this.#onChange();
    this.#timer = setTimeout(() => void this.#look(), isIncomplete ? LOOK_SOON_MS : LOOK_MS);
  }
}

async function lookUp(address: string): Promise<Neighbour | null> {
  const entries = (await ip("neigh", "show", "to", address)) as { dev?: string; lladdr?: string; state?: string[] }[];
  const entry = entries.find(({ lladdr, state }) => lladdr !== undefined && state?.includes("FAILED") !== true);
  if (entry?.dev === undefined || entry.lladdr === undefined) return null;
  const ownMac = networkInterfaces()[entry.dev]?.[0]?.mac;
  return ownMac === undefined ? null : { interface: entry.dev, mac: entry.lladdr, ownMac };
}

function ip(...words: string[]): Promise<unknown[]> {
  return new Promise((resolve) => {
    execFile("ip", ["-j", ...words], { timeout: 2000 }, (error, stdout) => {
      try {
        resolve(error === null && stdout.trim() !== "" ? (JSON.parse(stdout) as unknown[]) : []);
      } catch {
        resolve([]);
      }
    });
  });
}

/** Makes the kernel resolve the address. */
function knock(address: string): void {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.on("error", () => socket.close());
  socket.send("", PORT_DISCARD, address, (error) => {
    if (error === null) socket.close();
  });
}
