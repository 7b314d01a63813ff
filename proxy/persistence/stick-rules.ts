// `stick` rules: a stick-table remembers which server a key was given to.
//
//   stick match           the key's entry names the server
//   stick store-request   when the response has come, the key's entry gets the server
//   stick store-response  the same for a key that the response holds
//
// Servers stand in an entry by number and by a word of the dictionary (server-keys.ts), as HAProxy's do, so that peers whose servers are
// numbered otherwise understand it. A key that is to be stored is made an entry at once and held until then.

import { type Condition, compileCondition } from "../acl/condition.ts";
import type { ProxyPlan } from "../plan/plan.ts";
import type { StickRulePlan } from "../plan/stick-table.ts";
import type { SampleContext } from "../sample/context.ts";
import { OP_STATE, SERVER } from "../shared-state/layout.ts";
import { valueAt } from "../stick-table/counters.ts";
import { DATA_TYPE_BY_NAME } from "../stick-table/data-types.ts";
import { compileKey, type SetKey } from "../stick-table/sample-key.ts";
import type { ServerKeys } from "../stick-table/server-keys.ts";
import type { StickTable } from "../stick-table/table.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";

const PASS = 2;
const SERVER_ID = DATA_TYPE_BY_NAME.get("server_id")!.id;
const SERVER_KEY = DATA_TYPE_BY_NAME.get("server_key")!.id;
const STOPPED = OP_STATE.stopped;
/** As many keys of one stream are stored at most, HAProxy's limit. */
const STORES_MAX = 8;

interface Rule {
  readonly matches: boolean;
  readonly stores: boolean;
  readonly table: StickTable;
  readonly setKey: SetKey;
  /** null: always. */
  readonly condition: Condition | null;
}

export class StickRules {
  readonly #ctx: WorkerContext;
  readonly #keys: ServerKeys;
  readonly #request: readonly Rule[];
  readonly #response: readonly Rule[];
  readonly #toDownServers: boolean;
  /** Server index by HAProxy's id in the backend. */
  readonly #byId: ReadonlyMap<number, number>;

  constructor(ctx: WorkerContext, samples: SampleContext, proxy: ProxyPlan) {
    const { stick, stickResponse, toDownServers } = proxy.backend!.persistence;
    const { tables } = ctx.shared.stickTables;
    const compile = (plans: readonly StickRulePlan[]): Rule[] =>
      plans.map(({ matches, stores, sample, table, condition }) => ({
        ...{ matches, stores, table: tables[table]!, setKey: compileKey(sample, tables[table]!, samples) },
        condition: condition === null ? null : compileCondition(condition, samples),
      }));
    this.#ctx = ctx;
    this.#keys = ctx.shared.stickTables.serverKeys;
    this.#request = compile(stick);
    this.#response = compile(stickResponse);
    this.#toDownServers = toDownServers;
    this.#byId = new Map(proxy.backend!.servers.map((index) => [ctx.plan.servers[index]!.id, index]));
  }

  /** Looks for the stream's server and remembers what is to be stored. */
  request(stream: Stream): void {
    for (const rule of this.#request) {
      if (rule.stores && this.#isStored(stream, rule.table, 0)) continue;
      if (rule.condition !== null && rule.condition(stream) !== PASS) continue;
      if (!rule.setKey(stream)) continue;
      if (rule.matches) this.#match(stream, rule.table);
      if (rule.stores) this.#remember(stream, rule.table);
    }
  }

  /** Only the first key for a table is stored. */
  #isStored(stream: Stream, table: StickTable, from: number): boolean {
    const stores = stream.stores;
    for (let i = from; i < stream.storeCount; i++) if (stores![2 * i] === table.plan.index) return true;
    return false;
  }

  #match(stream: Stream, table: StickTable): void {
    const slot = table.find();
    if (slot < 0) return;
    if ((stream.flags & STREAM.persistent) === 0) this.#choose(stream, table, slot);
    table.touch(slot);
    table.release(slot);
  }

  #choose(stream: Stream, table: StickTable, slot: number): void {
    const { shared } = this.#ctx;
    const keyAt = valueAt(table, slot, SERVER_KEY);
    let server = keyAt < 0 ? -1 : this.#keys.serverOf(table.rows[keyAt]!, stream.backend, table.plan.serverKey);
    if (server < 0) {
      const idAt = valueAt(table, slot, SERVER_ID);
      server = idAt < 0 ? -1 : (this.#byId.get(table.rows[idAt]!) ?? -1);
    }
    if (server < 0) return;
    const isUp = shared.words[shared.serverAt(server) + SERVER.opState] !== STOPPED;
    if (!isUp && !this.#toDownServers && (stream.flags & STREAM.forcePersist) === 0) return;
    stream.flags |= STREAM.persistent;
    stream.persistentServer = server;
  }

  /** The key that the table has been given becomes an entry, without a server for now. */
  #remember(stream: Stream, table: StickTable): void {
    if (stream.storeCount === STORES_MAX) return;
    const slot = table.obtain();
    if (slot < 0) return;
    stream.stores ??= new Int32Array(2 * STORES_MAX);
    stream.stores[2 * stream.storeCount] = table.plan.index;
    stream.stores[2 * stream.storeCount + 1] = slot;
    stream.storeCount++;
  }

  /** The response is there: the server is entered under all keys that were remembered, and under those of the response. */
  response(stream: Stream): void {
    const ofRequest = stream.storeCount;
    for (const rule of this.#response) {
      if (this.#isStored(stream, rule.table, ofRequest)) continue;
      if (rule.condition !== null && rule.condition(stream) !== PASS) continue;
      if (rule.setKey(stream)) this.#remember(stream, rule.table);
    }
    this.#store(stream);
  }

  #store(stream: Stream): void {
    const { plan, shared } = this.#ctx;
    const server = stream.serverIndex;
    const mayStick = server >= 0 && !plan.servers[server]!.nonStick;
    for (let i = 0; i < stream.storeCount; i++) {
      const table = shared.stickTables.tables[stream.stores![2 * i]!]!;
      const slot = stream.stores![2 * i + 1]!;
      if (mayStick) {
        const idAt = valueAt(table, slot, SERVER_ID);
        if (idAt >= 0) Atomics.store(table.rows, idAt, plan.servers[server]!.id);
        const keyAt = valueAt(table, slot, SERVER_KEY);
        if (keyAt >= 0) Atomics.store(table.rows, keyAt, this.#keys.wordOf(server, table.plan.serverKey));
        table.touch(slot);
        table.release(slot);
      } else releaseUnstored(table, slot);
    }
    stream.storeCount = 0;
  }
}

/** Releases an entry that was to get a server and gets none: without one it is forgotten. */
export function releaseUnstored(table: StickTable, slot: number): void {
  const at = valueAt(table, slot, SERVER_ID);
  if (at >= 0 && table.rows[at] === 0) table.remove(slot);
  else table.release(slot);
}
