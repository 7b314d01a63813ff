// `stick-table type <type> size <n> …` in proxies and `table <name> type …` in `peers` sections (11.1).

import type { StickKeyType, StickStorePlan } from "../../plan/stick-table.ts";
import { ARRAY_MAX, DATA_TYPE_BY_NAME } from "../../stick-table/data-types.ts";
import { parseSize, parseTime } from "../arguments.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { kindInMessages } from "../draft.ts";
import type { PeersDraft, StickTableDraft } from "../draft-tables.ts";
import type { Statement } from "../statement.ts";

const INTEGER_BYTES = 4;
const TEXT_BYTES_DEFAULT = 31;
const BINARY_BYTES_DEFAULT = 32;

const FIXED_KEYS: Readonly<Record<string, readonly [type: StickKeyType, bytes: number]>> = {
  ip: ["ip", 4],
  ipv4: ["ip", 4],
  ipv6: ["ipv6", 16],
  integer: ["integer", INTEGER_BYTES],
};

/** `stick-table …` */
export function stickTable(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const other = configuration.stickTables.find((table) => table.name === proxy.name);
  if (other !== undefined) {
    const { file, line } = other.statement.location;
    const owner = `${other.proxy === null ? "peers" : kindInMessages(other.proxy)} '${other.name}'`;
    const message = `stick-table name '${proxy.name}' conflicts with table declared in ${owner} at ${file}:${line}.`;
    statement.alert("duplicate-name", message);
    return;
  }
  const draft = newTable(statement, proxy.name, proxy.name, proxy, null);
  if (new TableReader(statement, draft).read(1)) configuration.stickTables.push(draft);
}

/** `table <name> …` of a `peers` section. */
export function peersTable(statement: Statement, peers: PeersDraft, configuration: ConfigurationDraft): void {
  const name = statement.text(1);
  if (name === "") {
    statement.alert("missing-argument", "'table' expects <name> as argument.", { at: 1 });
    return;
  }
  const draft = newTable(statement, `${peers.name}/${name}`, `/${name}`, null, peers);
  if (configuration.stickTables.some((table) => table.name === draft.name)) {
    statement.alert("duplicate-name", `stick-table name '${draft.name}' is already used.`, { at: 1 });
    return;
  }
  if (new TableReader(statement, draft).read(2)) configuration.stickTables.push(draft);
}

function newTable(
  statement: Statement,
  name: string,
  wireName: string,
  proxy: ProxyDraft | null,
  peers: PeersDraft | null,
): StickTableDraft {
  return {
    ...{ statement, name, wireName, proxy, section: peers, peers: null, writeTo: null, keyType: null, keyBytes: 0 },
    ...{ size: 0, expireMs: 0, noPurge: false, receiveOnly: false, serverKey: "name", byteRateFactor: 1, stores: [] },
  };
}

/** Reads the words of one line. */
class TableReader {
  readonly #statement: Statement;
  readonly #draft: StickTableDraft;
  #at = 0;

  constructor(statement: Statement, draft: StickTableDraft) {
    this.#statement = statement;
    this.#draft = draft;
  }

  /** False after a report. */
  read(from: number): boolean {
    this.#at = from;
    while (this.#at < this.#statement.length) if (!this.#option()) return false;
    if (this.#draft.size === 0) return this.#fail("missing size.", 0);
    return this.#draft.keyType !== null || this.#fail("missing type.", 0);
  }

  #fail(message: string, at = this.#at): false {
    this.#statement.alert("bad-stick-table", `${this.#statement.text(0)}: ${message}`, { at });
    return false;
  }

  /** The word behind the option, which is stepped over; null after a report. */
  #argument(): string | null {
    const option = this.#statement.text(this.#at);
    const argument = this.#statement.text(this.#at + 1);
    if (argument === "") {
      this.#fail(`missing argument after '${option}'.`, this.#at + 1);
      return null;
    }
    this.#at += 2;
    return argument;
  }

  #option(): boolean {
    const draft = this.#draft;
    const option = this.#statement.text(this.#at);
    switch (option) {
      case "type":
        return this.#type();
      case "size":
        return this.#size(option, (size) => {
          draft.size = size;
        });
      case "expire":
        return this.#expire();
      case "store":
        return this.#store();
      case "nopurge":
        draft.noPurge = true;
        break;
      case "recv-only":
        draft.receiveOnly = true;
        break;
      case "srvkey": {
        const type = this.#statement.text(this.#at + 1);
        if (type !== "name" && type !== "addr") return this.#fail(`unknown server key type '${type}'.`, this.#at + 1);
        draft.serverKey = type;
        this.#at++;
        break;
      }
      case "peers":
        if (draft.section !== null) return this.#fail(`unknown argument '${option}'.`);
        return this.#name((name) => {
          draft.peers = name;
        });
      case "write-to":
        return this.#name((name) => {
          draft.writeTo = name;
        });
      case "brates-factor":
        return this.#size(option, (factor) => {
          draft.byteRateFactor = factor;
        });
      default:
        return this.#fail(`unknown argument '${option}'.`);
    }
    this.#at++;
    return true;
  }

  #name(take: (name: string) => void): boolean {
    const name = this.#argument();
    if (name !== null) take(name);
    return name !== null;
  }

  #size(option: string, take: (size: number) => void): boolean {
    const text = this.#argument();
    if (text === null) return false;
    const parsed = parseSize(text);
    if (!parsed.ok) {
      return this.#fail(`unexpected character '${parsed.problem.character}' in argument of '${option}'.`, this.#at - 1);
    }
    if (option === "brates-factor" && (parsed.value === 0 || parsed.value > 1024)) {
      return this.#fail(`argument '${option}' must be greater than 0 and lower or equal than 1024.`, this.#at - 1);
    }
    take(parsed.value);
    return true;
  }

  #expire(): boolean {
    const text = this.#argument();
    if (text === null) return false;
    const parsed = parseTime(text, "ms");
    if (parsed.ok) {
      this.#draft.expireMs = parsed.value.value;
      return true;
    }
    const { kind, character } = parsed.problem;
    if (kind === "overflow") {
      const limit = "maximum value is 2147483647 ms (~24.8 days)";
      return this.#fail(`timer overflow in argument <${text}> to <expire>, ${limit}.`, this.#at - 1);
    }
    return this.#fail(`unexpected character '${character}' in argument of 'expire'.`, this.#at - 1);
  }

  #type(): boolean {
    const draft = this.#draft;
    const type = this.#statement.text(this.#at + 1);
    const fixed = FIXED_KEYS[type];
    if (fixed !== undefined) {
      [draft.keyType, draft.keyBytes] = fixed;
      this.#at += 2;
      return true;
    }
    if (type !== "string" && type !== "binary") return this.#fail(`unknown type '${type}'.`, this.#at + 1);
    draft.keyType = type;
    draft.keyBytes = type === "string" ? TEXT_BYTES_DEFAULT : BINARY_BYTES_DEFAULT;
    this.#at += 2;
    if (this.#statement.text(this.#at) !== "len") return true;
    const length = this.#statement.text(this.#at + 1);
    if (!/^\d+$/.test(length) || Number(length) === 0) {
      const message = "'len' expects a positive integer argument.";
      this.#statement.alert("bad-stick-table", message, { at: this.#at + 1 });
      return false;
    }
    draft.keyBytes = Number(length);
    this.#at += 2;
    return true;
  }

  /** `store a,b(10s),gpc(3)` */
  #store(): boolean {
    const text = this.#statement.text(this.#at + 1);
    this.#at += 2;
    for (const item of text.match(/[^,(]*(?:\([^)]*\)?)?[^,]*/g) ?? []) {
      if (item !== "" && !this.#storeOne(item)) return false;
    }
    const has = (name: string): boolean => this.#draft.stores.some((store) => store.name === name);
    for (const [array, ...single] of [
      ["gpt", "gpt0"],
      ["gpc", "gpc0", "gpc1"],
      ["gpc_rate", "gpc0_rate", "gpc1_rate"],
    ]) {
      if (!has(array!) || !single.some(has)) continue;
      const names = array === "gpt" ? "gpt0" : array!.replace("gpc", "gpc[0/1]");
      const message = `simultaneous usage of '${array}' and '${names}' in a same table is not permitted as '${array}' overrides '${names}'.`;
      return this.#fail(message, this.#at - 1);
    }
    return true;
  }

  #storeOne(item: string): boolean {
    const at = this.#at - 1;
    const [, name, written] = /^([^(]*)(?:\((.*))?$/.exec(item)!;
    if (written !== undefined && !written.endsWith(")")) {
      return this.#fail(`missing closing parenthesis after store option '${name}'.`, at);
    }
    const type = DATA_TYPE_BY_NAME.get(name!);
    if (type === undefined) return this.#fail(`unknown store option '${name}'.`, at);
    const given = written === undefined ? [] : written.slice(0, -1).split(",");
    const wanted = (type.isArray ? 1 : 0) + (type.hasPeriod ? 1 : 0);
    if (given.length > wanted) return this.#fail(`unexpected argument to store option '${name}'.`, at);
    if (given.length < wanted) return this.#fail(`missing argument to store option '${name}'.`, at);
    const count = type.isArray ? Number(given[0]) : 1;
    if (!Number.isInteger(count) || count < 1 || count > ARRAY_MAX) {
      const message = `array size is out of allowed range (1-${ARRAY_MAX}) for store option '${name}'.`;
      return this.#fail(message, at);
    }
    const period = type.hasPeriod ? parseTime(given[given.length - 1]!, "ms") : null;
    if (period !== null && (!period.ok || period.value.value === 0)) {
      return this.#fail(`error when processing store option '${name}'.`, at);
    }
    if (this.#draft.stores.some((store) => store.name === name)) {
      const message = `${this.#statement.text(0)}: store option '${name}' already enabled, ignored.`;
      this.#statement.warning("duplicate-store", message, { at });
      return true;
    }
    addStore(this.#draft, { name: name!, count, periodMs: period?.ok ? period.value.value : 0 });
    return true;
  }
}

/** HAProxy keeps data in the order of its types, whatever the order of the words. */
export function addStore(draft: StickTableDraft, store: StickStorePlan): void {
  if (draft.stores.some(({ name }) => name === store.name)) return;
  draft.stores.push(store);
  draft.stores.sort((a, b) => DATA_TYPE_BY_NAME.get(a.name)!.id - DATA_TYPE_BY_NAME.get(b.name)!.id);
}
