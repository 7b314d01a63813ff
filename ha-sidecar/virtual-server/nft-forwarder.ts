// Virtual servers by nftables: applies rulesets (nft-rules.ts) through nft(8), one at a time, each as one transaction.
//
// At the start everything that an earlier run may have left goes in the same transaction that brings the new picture, at the end all of it. In
// between only what differs is removed, so that clients that persist do. Connections that are there stay with their server (conntrack).
// UDP has no connections that end: when a server is gone, its flows are deleted, or they would stick to it for ever.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Log } from "../log.ts";
import { deleteFlows, type UdpService } from "./conntrack.ts";
import type { Forwarder, Service } from "./forwarder.ts";
import { Neighbours } from "./neighbours.ts";
import { removal, rulesetOf } from "./nft-rules.ts";

const TABLE = "ringway_lvs";
const NFT_TIMEOUT_MS = 10_000;
/** After a failure the same picture is tried again. */
const RETRY_MS = 2000;

export class NftForwarder implements Forwarder {
  readonly name = "nftables";
  readonly #log: Log;
  readonly #table: string;
  readonly #neighbours: Neighbours;
  #services: readonly Service[] = [];
  /** null: not known, everything is replaced. */
  #objects: readonly string[] | null = null;
  #lastCommands = "";
  #running: Promise<void> | null = null;
  #isDirty = false;
  #isClosed = false;
  #retry: NodeJS.Timeout | null = null;
  #served: readonly UdpService[] = [];

  /** `instanceName`: of a keepalived that shares the machine with others. */
  constructor(instanceName: string | null, log: Log) {
    this.#log = log;
    this.#table = instanceName === null ? TABLE : `${TABLE}_${instanceName.replaceAll(/[^A-Za-z0-9]/g, "_")}`;
    this.#neighbours = new Neighbours(() => this.#begin());
  }

  apply(services: readonly Service[]): void {
    this.#services = services;
    const direct = services.filter(({ plan }) => plan.forwarding.method === "DR");
    this.#neighbours.follow(direct);
    if (services.length > direct.length) this.#warnForwarding(services);
    this.#begin();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#neighbours.close();
    if (this.#retry !== null) clearTimeout(this.#retry);
    await this.#running;
    await this.#run(removal(this.#table));
  }

  #begin(): void {
    this.#isDirty = true;
    if (this.#running === null && !this.#isClosed) {
      this.#running = this.#applyAll().finally(() => {
        this.#running = null;
      });
    }
  }

  async #applyAll(): Promise<void> {
    while (this.#isDirty && !this.#isClosed) {
      this.#isDirty = false;
      const services = this.#services;
      const neighbourOf = this.#neighbours.of;
      const { commands, objects } = rulesetOf(
        this.#table,
        services,
        this.#objects ?? [],
        neighbourOf,
        this.#neighbours.interfaces,
      );
      const text = commands.join("\n");
      if (this.#objects !== null && text === this.#lastCommands) continue;
      const failure = await this.#run(this.#objects === null ? [...removal(this.#table), ...commands] : commands);
      if (failure === null) {
        this.#objects = objects;
        // The first picture was made without knowing of an earlier one: the same words mean the same only from the second on.
        this.#lastCommands = text;
        this.#served = deleteFlows(this.#served, services, this.#log);
      } else {
        this.#log("error", `virtual servers: nft: ${failure}`);
        this.#objects = null;
        this.#retry = setTimeout(() => this.#begin(), RETRY_MS);
        return;
      }
    }
  }

  /** What went wrong, null: nothing. */
  #run(commands: readonly string[]): Promise<string | null> {
    return new Promise((resolve) => {
      const child = execFile("nft", ["-f", "-"], { timeout: NFT_TIMEOUT_MS }, (error, _, stderr) => {
        resolve(error === null ? null : stderr.split("\n")[0] || error.message);
      });
      child.stdin?.on("error", () => {});
      child.stdin?.end(`${commands.join("\n")}\n`);
    });
  }

  #hasWarned = false;

  #warnForwarding(services: readonly Service[]): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    for (const [family, path] of [
      [4, "/proc/sys/net/ipv4/ip_forward"],
      [6, "/proc/sys/net/ipv6/conf/all/forwarding"],
    ] as const) {
      if (!services.some(({ plan }) => plan.family === family)) continue;
      if (readFileSync(path, "latin1").startsWith("0")) {
        this.#log("warn", `virtual servers: ${path} is 0: packets to real servers on other machines are not forwarded`);
      }
    }
  }
}
