// Virtual servers by IPVS, over generic netlink, where the kernel has it: it counts connections, and so knows the schedulers that need counts, and it
// can tunnel. What differs from the picture before is told, nothing else, so that connections stay with their servers; services that an earlier run
// has left are taken over by their name. At the end everything that we made is taken away, what others made stays.

import { existsSync } from "node:fs";
import { ERRNO, errnoMeaning } from "../../shared/abi/errno.ts";
import { GENERIC, GENLMSGHDR, IPVS } from "../../shared/abi/ipvs.ts";
import { attributesOf, Netlink, type Request } from "../address/netlink.ts";
import type { Log } from "../log.ts";
import type { Destination, Forwarder, Service } from "./forwarder.ts";
import {
  destinationMessage,
  type IpvsService,
  identityOfDestination,
  identityOfService,
  serviceMessage,
  servicesOf,
} from "./ipvs-messages.ts";

/** After a failure the picture is tried again. */
const RETRY_MS = 2000;

/** What the kernel is asked: 0 or -errno. */
export type Ask = (request: Request) => number;

/** Whether this kernel has IPVS, loaded. */
export function hasIpvs(): boolean {
  return existsSync("/proc/net/ip_vs");
}

/** What is in the kernel of one service. */
interface Told {
  readonly service: IpvsService;
  readonly settings: string;
  readonly destinations: Map<string, { readonly destination: Destination; readonly settings: string }>;
}

/** Tells the kernel of pictures, each as what differs from the one before. */
export class IpvsPictures {
  readonly #familyId: number;
  readonly #ask: Ask;
  readonly #told = new Map<string, Told>();

  constructor(familyId: number, ask: Ask) {
    this.#familyId = familyId;
    this.#ask = ask;
  }

  /** 0, or the first -errno; the rest of the picture is told all the same. */
  show(services: readonly Service[]): number {
    const wanted = new Map(servicesOf(services).map((service) => [identityOfService(service), service]));
    let failure = 0;
    for (const [identity, told] of this.#told)
      if (!wanted.has(identity)) failure ||= this.#removeService(identity, told);
    for (const [identity, service] of wanted) failure ||= this.#showService(identity, service);
    return failure;
  }

  #showService(identity: string, service: IpvsService): number {
    const { NEW_SERVICE, SET_SERVICE, NEW_DEST, SET_DEST, DEL_DEST } = COMMANDS;
    const settings = textOf(serviceMessage(this.#familyId, SET_SERVICE, service, true));
    let told = this.#told.get(identity);
    if (told?.settings !== settings) {
      const failure = this.#put(NEW_SERVICE, SET_SERVICE, (command) =>
        serviceMessage(this.#familyId, command, service, true),
      );
      if (failure < 0) return failure;
      told = { service, settings, destinations: told?.destinations ?? new Map() };
      this.#told.set(identity, told);
    }
    let failure = 0;
    const wanted = new Map(service.destinations.map((each) => [identityOfDestination(service, each), each]));
    for (const [name, { destination }] of told.destinations) {
      if (wanted.has(name)) continue;
      const result = this.#ask(destinationMessage(this.#familyId, DEL_DEST, service, destination, false));
      if (result < 0 && result !== -ERRNO["ENOENT"]!) failure ||= result;
      else told.destinations.delete(name);
    }
    for (const [name, destination] of wanted) {
      const message = (command: number) => destinationMessage(this.#familyId, command, service, destination, true);
      const own = textOf(message(SET_DEST));
      if (told.destinations.get(name)?.settings === own) continue;
      const result = this.#put(NEW_DEST, SET_DEST, message);
      if (result < 0) failure ||= result;
      else told.destinations.set(name, { destination, settings: own });
    }
    return failure;
  }

  /** Makes it, or changes what is there. */
  #put(create: number, change: number, message: (command: number) => Request): number {
    const result = this.#ask(message(create));
    return result === -ERRNO["EEXIST"]! ? this.#ask(message(change)) : result;
  }

  #removeService(identity: string, { service }: Told): number {
    const result = this.#ask(serviceMessage(this.#familyId, COMMANDS.DEL_SERVICE, service, false));
    // Somebody else was faster: gone is gone.
    if (result < 0 && result !== -ERRNO["ESRCH"]!) return result;
    this.#told.delete(identity);
    return 0;
  }
}

const COMMANDS = {
  NEW_SERVICE: IPVS.IPVS_CMD_NEW_SERVICE,
  SET_SERVICE: IPVS.IPVS_CMD_SET_SERVICE,
  DEL_SERVICE: IPVS.IPVS_CMD_DEL_SERVICE,
  NEW_DEST: IPVS.IPVS_CMD_NEW_DEST,
  SET_DEST: IPVS.IPVS_CMD_SET_DEST,
  DEL_DEST: IPVS.IPVS_CMD_DEL_DEST,
} as const;

const textOf = (request: Request): string => Buffer.from(request.finish(0)).toString("latin1");

export class IpvsForwarder implements Forwarder {
  readonly name = "IPVS";
  readonly #log: Log;
  readonly #netlink: Netlink;
  readonly #pictures: IpvsPictures;
  #retry: NodeJS.Timeout | null = null;

  private constructor(log: Log, netlink: Netlink, familyId: number) {
    this.#log = log;
    this.#netlink = netlink;
    this.#pictures = new IpvsPictures(familyId, (request) => netlink.request(request));
  }

  /** Null: generic netlink does not know IPVS. */
  static open(log: Log): IpvsForwarder | null {
    const netlink = Netlink.open(GENERIC.NETLINK_GENERIC);
    if (typeof netlink === "number") return null;
    const familyId = familyIdOf(netlink, "IPVS");
    if (familyId !== null) return new IpvsForwarder(log, netlink, familyId);
    netlink.close();
    return null;
  }

  apply(services: readonly Service[]): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    const result = this.#pictures.show(services);
    if (result === 0) return;
    this.#log("error", `virtual servers: IPVS: ${errnoMeaning(result)}`);
    this.#retry = setTimeout(() => this.apply(services), RETRY_MS);
  }

  async close(): Promise<void> {
    if (this.#retry !== null) clearTimeout(this.#retry);
    const result = this.#pictures.show([]);
    if (result < 0) this.#log("error", `virtual servers: IPVS: ${errnoMeaning(result)}`);
    this.#netlink.close();
  }
}

/** The number of a family of generic netlink; null: the kernel has none of that name. */
export function familyIdOf(netlink: Pick<Netlink, "dump">, name: string): number | null {
  const header = new Uint8Array(GENLMSGHDR.sizeof);
  header[GENLMSGHDR.cmd] = GENERIC.CTRL_CMD_GETFAMILY;
  header[GENLMSGHDR.version] = 1;
  const messages = netlink.dump(GENERIC.GENL_ID_CTRL, header);
  for (const message of typeof messages === "number" ? [] : messages) {
    const attributes = attributesOf(message, GENLMSGHDR.sizeof);
    const text = Buffer.from(attributes.get(GENERIC.CTRL_ATTR_FAMILY_NAME) ?? []).toString("latin1");
    const id = attributes.get(GENERIC.CTRL_ATTR_FAMILY_ID);
    if (text === `${name}\0` && id !== undefined) return id[0]! | (id[1]! << 8);
  }
  return null;
}
