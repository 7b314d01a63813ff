// The agents of all SPOE engines: which server of an engine's backend gets what the workers' streams have to tell, over which of its connections.
//
// Servers take turns as long as health checks and administrators let them; a server's connections are used as they become free, several
// questions at a time on one where the agent can. Every question is answered: with the agent's actions, or with what went wrong.

import { randomUUID } from "node:crypto";
import type { NetConnectOpts } from "node:net";
import type { Plan, ServerPlan } from "../../plan/plan.ts";
import type { SpoeEnginePlan } from "../../plan/spoe.ts";
import type { SharedState } from "../../shared-state/layout.ts";
import { SERVER } from "../../shared-state/layout.ts";
import type { WorkerGroup } from "../control-plane.ts";
import { AgentConnection, type Answered, IO_ERROR } from "./agent-connection.ts";

/** Questions under way on one connection before another one is opened. */
const PIPELINED_MAX = 32;
/** Connections to one server. */
const CONNECTIONS_MAX = 64;
/** HAProxy's word for an engine that has no server to ask. */
const NO_RESOURCES = 2;

interface Agent {
  readonly server: ServerPlan;
  readonly connections: AgentConnection[];
}

class Engine {
  readonly #plan: SpoeEnginePlan;
  readonly #whole: Plan;
  readonly #shared: SharedState;
  readonly #agents: readonly Agent[];
  readonly #id = randomUUID();
  #turn = 0;

  constructor(engine: SpoeEnginePlan, plan: Plan, shared: SharedState) {
    this.#plan = engine;
    this.#whole = plan;
    this.#shared = shared;
    const servers = plan.proxies[engine.backend]!.backend?.servers ?? [];
    this.#agents = servers.map((index) => ({ server: plan.servers[index]!, connections: [] }));
  }

  ask(id: number, messages: Uint8Array, answered: Answered): void {
    const agent = this.#next();
    if (agent === null) {
      answered(NO_RESOURCES, null);
      return;
    }
    const connection = this.#connectionOf(agent);
    if (connection === null) answered(NO_RESOURCES, null);
    else connection.ask(id, messages, answered);
  }

  /** The next server that may be used; null: none may. */
  #next(): Agent | null {
    const { words } = this.#shared;
    for (let tried = 0; tried < this.#agents.length; tried++) {
      const agent = this.#agents[this.#turn++ % this.#agents.length]!;
      if (words[this.#shared.serverAt(agent.server.index) + SERVER.usable] === 1) return agent;
    }
    return null;
  }

  #connectionOf(agent: Agent): AgentConnection | null {
    const { connections, server } = agent;
    let best: AgentConnection | null = null;
    for (const connection of connections) {
      if (connection.isFree && (best === null || connection.waiting < best.waiting)) best = connection;
    }
    if (best !== null && (best.waiting < PIPELINED_MAX || connections.length >= CONNECTIONS_MAX)) return best;
    if (connections.length >= CONNECTIONS_MAX) return null;
    const address = addressOf(server);
    if (address === null) return null;
    const { frameBytesMax, pipelining, backend } = this.#plan;
    const { timeouts } = this.#whole.proxies[backend]!;
    const made = new AgentConnection({
      ...{ address, engineId: this.#id, frameBytesMax, pipelining },
      ...{ connectMs: timeouts.connect, serverMs: timeouts.server },
      onClosed: (connection) => {
        const at = connections.indexOf(connection);
        if (at >= 0) connections.splice(at, 1);
      },
    });
    connections.push(made);
    return made;
  }

  close(): void {
    for (const { connections } of this.#agents) for (const connection of [...connections]) connection.close();
  }
}

/** null: frames do not go there. */
function addressOf({ address }: ServerPlan): NetConnectOpts | null {
  switch (address.kind) {
    case "ipv4":
    case "ipv6":
      return { host: address.host, port: address.port };
    case "unix":
      return { path: address.path };
    case "abns":
      return { path: `\0${address.name}` };
    default:
      return null;
  }
}

export class SpoeAgents {
  readonly #engines: readonly Engine[];
  #lastId = 0;

  constructor(plan: Plan, shared: SharedState, workers: WorkerGroup) {
    this.#engines = plan.spoe.map((engine) => new Engine(engine, plan, shared));
    workers.messages.hear("spoe", (worker, { engine, slot, question, messages }) => {
      this.#lastId = (this.#lastId % 0x7fffffff) + 1;
      const answered: Answered = (failure, actions) =>
        workers.post(worker, { type: "spoe-answer", slot, question, failure, actions });
      const found = this.#engines[engine];
      if (found === undefined) answered(IO_ERROR, null);
      else found.ask(this.#lastId, messages, answered);
    });
  }

  close(): void {
    for (const engine of this.#engines) engine.close();
  }
}
