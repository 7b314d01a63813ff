// What survives a reload of servers and frontends: the administrator's word (maintenance, drain, weight, maxconn, checks switched off), what checks
// have found out, and since when. Servers are the same when backend and server have the same names.
//
// A weight or maxconn that was set at run time outlives a reload as long as the configuration says what it said when it was set: an
// administrator who edits the file means the file, as in HAProxy's server state files.

import type { Plan, ProxyPlan, ServerPlan } from "../../plan/plan.ts";
import { ADMIN_STATE, OP_STATE, PROXY, SERVER, type SharedState } from "../../shared-state/layout.ts";
import type { HandoverPart } from "../handover.ts";

/** The bits of the administrator's state that a person set at run time. */
const BY_HAND = ADMIN_STATE.forcedMaint | ADMIN_STATE.forcedDrain;
/** Words that are carried over as they are. */
const FACTS = [
  ...[SERVER.lastChange, SERVER.downtimeSeconds, SERVER.checkStatus, SERVER.checkCode, SERVER.checkDurationMs],
  ...[SERVER.failedChecks, SERVER.downTransitions, SERVER.lastSession],
] as const;

interface SavedServer {
  readonly backend: string;
  readonly name: string;
  readonly adminState: number;
  readonly opState: number;
  readonly userWeight: number;
  readonly initialWeight: number;
  readonly maxconn: number;
  readonly initialMaxconn: number;
  readonly checkHealth: number;
  readonly checkEnabled: number;
  readonly facts: readonly number[];
}

interface SavedFrontend {
  readonly name: string;
  readonly maxconn: number;
  readonly initialMaxconn: number;
}

export class ServerStatesHandover implements HandoverPart {
  readonly name = "server-states";
  readonly #plan: Plan;
  readonly #shared: SharedState;

  /** Works on the words before anything derives from them: to be registered before ServerStates is made. */
  constructor(plan: Plan, shared: SharedState) {
    this.#plan = plan;
    this.#shared = shared;
  }

  take(): { readonly servers: readonly SavedServer[]; readonly frontends: readonly SavedFrontend[] } {
    return {
      servers: this.#plan.servers.map((server) => this.#saveServer(server)),
      frontends: this.#plan.proxies
        .filter(({ frontend }) => frontend !== null)
        .map((proxy) => this.#saveFrontend(proxy)),
    };
  }

  give(state: unknown): void {
    // What came is what `take` of this or another version made.
    const { servers = [], frontends = [] } = (state ?? {}) as Partial<ReturnType<ServerStatesHandover["take"]>>;
    const byName = new Map(servers.map((saved) => [`${saved.backend}/${saved.name}`, saved]));
    for (const server of this.#plan.servers) {
      const saved = byName.get(`${this.#plan.proxies[server.proxy]!.name}/${server.name}`);
      if (saved !== undefined) this.#restoreServer(server, saved);
    }
    const frontendByName = new Map(frontends.map((saved) => [saved.name, saved]));
    for (const proxy of this.#plan.proxies) {
      const saved = frontendByName.get(proxy.name);
      if (saved !== undefined && proxy.frontend !== null) this.#restoreFrontend(proxy, saved);
    }
  }

  #saveServer(server: ServerPlan): SavedServer {
    const at = this.#shared.serverAt(server.index);
    const word = (index: number) => Atomics.load(this.#shared.words, at + index);
    return {
      backend: this.#plan.proxies[server.proxy]!.name,
      name: server.name,
      adminState: word(SERVER.adminState),
      opState: word(SERVER.opState),
      userWeight: word(SERVER.userWeight),
      initialWeight: word(SERVER.initialWeight),
      maxconn: word(SERVER.maxconn),
      initialMaxconn: server.maxconn,
      checkHealth: word(SERVER.checkHealth),
      checkEnabled: word(SERVER.checkEnabled),
      facts: FACTS.map(word),
    };
  }

  #restoreServer(server: ServerPlan, saved: SavedServer): void {
    const at = this.#shared.serverAt(server.index);
    const words = this.#shared.words;
    const set = (index: number, value: number) => Atomics.store(words, at + index, value);
    const configured = words[at + SERVER.adminState]!;
    const wasConfigured = (saved.adminState & ADMIN_STATE.configMaint) !== 0;
    // `disabled` that came or went with the new file counts; otherwise what was done by hand does.
    const sameFile = wasConfigured === ((configured & ADMIN_STATE.configMaint) !== 0);
    const adminState = sameFile ? (configured & ~BY_HAND) | (saved.adminState & BY_HAND) : configured;
    set(SERVER.adminState, adminState);
    if (saved.initialWeight === server.weight) set(SERVER.userWeight, saved.userWeight);
    if (saved.initialMaxconn === server.maxconn) set(SERVER.maxconn, saved.maxconn);
    FACTS.forEach((index, i) => {
      set(index, saved.facts[i] ?? 0);
    });
    const inMaintenance = (adminState & ADMIN_STATE.forcedMaint) !== 0;
    if (inMaintenance) {
      set(SERVER.opState, OP_STATE.stopped);
      set(SERVER.checkHealth, 0);
      return;
    }
    if (server.check !== null) {
      const full = server.check.rise + server.check.fall - 1;
      const wasUp = saved.opState !== OP_STATE.stopped;
      const health = wasUp ? Math.max(server.check.rise, Math.min(saved.checkHealth, full)) : 0;
      set(SERVER.checkHealth, health);
      set(SERVER.checkEnabled, saved.checkEnabled);
      set(SERVER.opState, wasUp ? saved.opState : OP_STATE.stopped);
    } else if (saved.opState === OP_STATE.stopped && (saved.adminState & ADMIN_STATE.forcedMaint) === 0) {
      // Nothing would ever bring it back: without checks only an administrator can have taken it down.
      set(SERVER.opState, OP_STATE.stopped);
    } else set(SERVER.opState, OP_STATE.running);
    // A slow start does not go on where it was: it is over.
    if (Atomics.load(words, at + SERVER.opState) === OP_STATE.starting) set(SERVER.opState, OP_STATE.running);
  }

  #saveFrontend(proxy: ProxyPlan): SavedFrontend {
    const at = this.#shared.proxyAt(proxy.index);
    return {
      name: proxy.name,
      maxconn: Atomics.load(this.#shared.words, at + PROXY.frontendMaxconn),
      initialMaxconn: proxy.frontend?.maxconn ?? 0,
    };
  }

  /** `set maxconn frontend` outlives a reload; a frontend that was paused or shut down by hand is what the file says again, as in HAProxy. */
  #restoreFrontend(proxy: ProxyPlan, saved: SavedFrontend): void {
    if (saved.initialMaxconn !== (proxy.frontend?.maxconn ?? 0)) return;
    Atomics.store(this.#shared.words, this.#shared.proxyAt(proxy.index) + PROXY.frontendMaxconn, saved.maxconn);
  }
}
