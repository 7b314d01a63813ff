// The dictionary of `server_key`: entries hold the number of a word, the words stand here. All threads number the names and addresses of the
// configuration's servers alike, 1 … n; the control plane gives numbers beyond to words that peers send and that are nobody's here.

import { formatAddress, parseAddress } from "../../shared/ip/text.ts";
import type { Plan, ServerPlan } from "../plan/plan.ts";

/** How `srvkey addr` names a server, null: it has no address that could be told. */
export function serverAddressKey({ address, portOffset }: ServerPlan): string | null {
  if (address.kind === "unix") return address.path;
  if (address.kind === "abns") return `abns@${address.name}`;
  if (address.kind === "fd") return null;
  const bytes = parseAddress(address.host);
  if (bytes === null) return null;
  const port = portOffset === null ? String(address.port) : `${portOffset < 0 ? "" : "+"}${portOffset}`;
  return `${formatAddress(bytes)}:${port}`;
}

export class ServerKeys {
  readonly #words: string[] = [""];
  readonly #numbers = new Map<string, number>();
  /** By server: numbers of its name and of its address. */
  readonly #names: Int32Array;
  readonly #addresses: Int32Array;
  /** By backend: from number to server. */
  readonly #byName: readonly ReadonlyMap<number, number>[];
  readonly #byAddress: readonly ReadonlyMap<number, number>[];

  constructor(plan: Plan) {
    this.#names = Int32Array.from(plan.servers, ({ name }) => this.number(name));
    this.#addresses = Int32Array.from(plan.servers, (server) => {
      const key = serverAddressKey(server);
      return key === null ? 0 : this.number(key);
    });
    const index = (numbers: Int32Array): ReadonlyMap<number, number>[] =>
      plan.proxies.map(({ backend }) => new Map((backend?.servers ?? []).map((server) => [numbers[server]!, server])));
    this.#byName = index(this.#names);
    this.#byAddress = index(this.#addresses);
  }

  /** The word's number; a new one for a new word. */
  number(word: string): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    const number = this.#words.push(word) - 1;
    this.#numbers.set(word, number);
    return number;
  }

  /** The word of a number, null: there is none. */
  word(number: number): string | null {
    return number === 0 ? null : (this.#words[number] ?? null);
  }

  wordOf(server: number, by: "name" | "addr"): number {
    return by === "name" ? this.#names[server]! : this.#addresses[server]!;
  }

  /** The backend's server, -1: none of that name. */
  serverOf(number: number, backend: number, by: "name" | "addr"): number {
    return (by === "name" ? this.#byName : this.#byAddress)[backend]!.get(number) ?? -1;
  }
}
