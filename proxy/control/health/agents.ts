// Agent checks (`agent-check`): a line of words from a program on the server, which knows more than any connection can tell.
//
//   up down stopped fail [#why]   health: the server may be up, or it is down; the regular check still has a say
//   ready drain maint             as an administrator's `set server … state`
//   75%  maxconn:30               weight and limit of connections
//
// Not being able to reach the agent says nothing about the server (configuration.txt, `agent-check`): its last word holds.

import type { NetConnectOpts } from "node:net";
import type { Plan, ServerPlan } from "../../plan/plan.ts";
import { OP_STATE, SERVER } from "../../shared-state/layout.ts";
import { type Announcer, SEVERITY } from "../server-state/announcer.ts";
import { agentCheckText, type CheckOutcome } from "../server-state/event-text.ts";
import type { ServerStates } from "../server-state/server-states.ts";
import { parseWeight } from "../server-state/weight.ts";
import { CheckConnection, type ConnectionUser } from "./check-connection.ts";
import { CHECK_RESULT, CHECK_STATUS, type CheckResult, checkResult } from "./check-status.ts";
import { CheckSchedule } from "./schedule.ts";

/** An agent has said all that it has to say in so many bytes. */
const LINE_BYTES_MAX = 4096;

/** An agent's standing, for show stat and show servers state. */
export interface AgentState {
  enabled: boolean;
  /** One word is enough to go down, and one to come up: 1 or 0. */
  health: 0 | 1;
  outcome: CheckOutcome;
  result: CheckResult;
  /** `set server … agent-addr`, `agent-port`, `agent-send`. */
  host: string;
  port: number;
  send: string;
  attempt: AgentAttempt | null;
}

export class AgentChecks {
  readonly #plan: Plan;
  readonly #states: ServerStates;
  readonly #announcer: Announcer;
  /** Whether the regular check, if there is one, lets the server be up. */
  readonly #checkAllows: (server: ServerPlan) => boolean;
  readonly #agents = new Map<number, AgentState>();
  readonly #schedule: CheckSchedule;

  constructor(plan: Plan, states: ServerStates, announcer: Announcer, checkAllows: (server: ServerPlan) => boolean) {
    this.#plan = plan;
    this.#states = states;
    this.#announcer = announcer;
    this.#checkAllows = checkAllows;
    this.#schedule = new CheckSchedule((server) => this.#due(plan.servers[server]!));
    for (const server of plan.servers) if (server.agent !== null) this.#agents.set(server.index, newAgent(server));
  }

  /** Plans every agent's first check. */
  start(): void {
    const agents = [...this.#agents.keys()];
    agents.forEach((index, position) => {
      this.#schedule.add(index, (this.#plan.servers[index]!.agent!.interMs * position) / agents.length);
    });
  }

  close(): void {
    this.#schedule.close();
    for (const { attempt } of this.#agents.values()) attempt?.cancel();
  }

  /** null: the server has no agent. */
  of(server: ServerPlan): AgentState | null {
    return this.#agents.get(server.index) ?? null;
  }

  /** null: the server has no agent, or it is not asked at the moment. */
  enabled(server: ServerPlan): AgentState | null {
    const agent = this.of(server);
    return agent?.enabled === true ? agent : null;
  }

  /** Whether the agent, if there is one, lets the server be up. */
  allows(server: ServerPlan): boolean {
    const agent = this.of(server);
    return agent === null || !agent.enabled || agent.health === 1;
  }

  /** `set server … agent up|down`. */
  force(server: ServerPlan, isUp: boolean): void {
    const agent = this.of(server);
    if (agent === null) return;
    agent.health = isUp ? 1 : 0;
    if (!isUp) this.#states.goDown(server, "cli");
    else if (this.#checkAllows(server)) this.#states.goUp(server, "cli");
  }

  #due(server: ServerPlan): void {
    const agent = this.of(server)!;
    const { interMs } = server.agent!;
    const again = (): void => this.#schedule.add(server.index, interMs);
    if (!agent.enabled) {
      again();
      return;
    }
    const answerMs = this.#plan.proxies[server.proxy]!.timeouts.check || interMs;
    agent.attempt = new AgentAttempt(this.#addressOf(server, agent), interMs, answerMs, agent.send, (said) => {
      agent.attempt = null;
      if (agent.enabled) this.#heard(server, agent, said);
      again();
    });
  }

  #addressOf(server: ServerPlan, { host, port }: AgentState): NetConnectOpts {
    const own = this.#states.addresses.address(server);
    if (host !== "") return { host, port };
    return "host" in own ? { host: own.host, port } : { host: "127.0.0.1", port };
  }

  #heard(server: ServerPlan, agent: AgentState, said: AgentAnswer): void {
    const wasStatus = agent.outcome.status;
    if (said.line === null) {
      agent.outcome = said.outcome;
      agent.result = CHECK_RESULT.neutral;
      return;
    }
    const words = readAgentLine(said.line);
    this.#obey(server, words);
    const isDown = words.health !== null && words.health !== "up";
    const why = words.why === "" ? "" : ` (${words.why})`;
    const info = words.health === null ? "" : `via agent : ${words.health}${why}`;
    agent.outcome = { ...said.outcome, status: isDown ? CHECK_STATUS.L7STS : CHECK_STATUS.L7OK, info };
    agent.result = checkResult(agent.outcome.status);
    if (words.health === null) return;
    const changed = agent.health !== (isDown ? 0 : 1);
    agent.health = isDown ? 0 : 1;
    const { name, backend } = this.#plan.proxies[server.proxy]!;
    const tells = backend?.logHealthChecks === true;
    if (tells && (changed || wasStatus !== agent.outcome.status)) {
      const text = agentCheckText(server, name, agent.outcome, agent.health);
      this.#announcer.say(this.#plan.proxies[server.proxy]!, SEVERITY.notice, "agent-check", text);
    }
    const reason = tells ? "unsaid" : ({ check: agent.outcome } as const);
    if (isDown) this.#states.goDown(server, reason);
    else if (this.#checkAllows(server) && this.#states.opState(server) === OP_STATE.stopped)
      this.#states.goUp(server, reason);
  }

  #obey(server: ServerPlan, { administrative, weight, maxconn }: AgentWords): void {
    if (administrative !== null) this.#states.setAdministrativeState(server, administrative);
    if (weight !== null) {
      const { shared } = this.#states;
      const initial = shared.words[shared.serverAt(server.index) + SERVER.initialWeight]!;
      const read = parseWeight(weight, initial);
      if ("weight" in read) this.#states.setWeight(server, read.weight);
    }
    if (maxconn !== null) this.#states.setMaxconn(server, maxconn);
  }
}

function newAgent(server: ServerPlan): AgentState {
  const { host, port, send } = server.agent!;
  return {
    ...{ enabled: true, health: 1, result: CHECK_RESULT.unknown, host, port, send, attempt: null },
    outcome: { status: CHECK_STATUS.INI, code: 0, info: "", durationMs: 0 },
  };
}

/** What the words of a line come to; of several of a kind the last one counts. */
export interface AgentWords {
  readonly health: "up" | "down" | "stopped" | "fail" | null;
  /** Behind `#`. */
  readonly why: string;
  readonly administrative: "ready" | "drain" | "maint" | null;
  /** `75%`. */
  readonly weight: string | null;
  readonly maxconn: number | null;
}

export function readAgentLine(line: string): AgentWords {
  const words = { health: null, why: "", administrative: null, weight: null, maxconn: null } as {
    -readonly [Key in keyof AgentWords]: AgentWords[Key];
  };
  const hash = line.indexOf("#");
  if (hash >= 0) words.why = line.slice(hash + 1).trim();
  const list = (hash < 0 ? line : line.slice(0, hash)).split(/[ \t,]+/);
  for (const word of list.map((each) => each.toLowerCase())) {
    if (word === "up" || word === "down" || word === "stopped" || word === "fail") words.health = word;
    else if (word === "ready" || word === "drain" || word === "maint") words.administrative = word;
    else if (/^\d+%$/.test(word)) words.weight = word;
    else if (/^maxconn:\d+$/.test(word)) words.maxconn = Number(word.slice("maxconn:".length));
  }
  return words;
}

interface AgentAnswer {
  /** null: there was none. */
  readonly line: string | null;
  readonly outcome: CheckOutcome;
}

/** Asks an agent once. */
class AgentAttempt implements ConnectionUser {
  readonly #connection: CheckConnection;
  readonly #send: string;
  readonly #answerMs: number;
  readonly #done: (answer: AgentAnswer) => void;
  readonly #startedMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #text = "";
  #ended = false;

  constructor(
    address: NetConnectOpts,
    connectMs: number,
    answerMs: number,
    send: string,
    done: (answer: AgentAnswer) => void,
  ) {
    this.#send = send;
    this.#answerMs = answerMs;
    this.#done = done;
    this.#connection = new CheckConnection({ address, connectMs, header: null, encrypt: null }, this);
  }

  cancel(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#connection.close(false);
  }

  onEstablished(): void {
    this.#timer = setTimeout(() => this.#end(null, CHECK_STATUS.L7TOUT, ""), this.#answerMs);
    if (this.#send !== "") this.#connection.write(Buffer.from(this.#send, "latin1"));
  }

  onData(bytes: Buffer): void {
    this.#text += bytes.toString("latin1");
    const end = this.#text.search(/[\r\n]/);
    if (end >= 0) this.#end(this.#text.slice(0, end), CHECK_STATUS.L7OK, "");
    else if (this.#text.length > LINE_BYTES_MAX) this.#end(null, CHECK_STATUS.L7RSP, "");
  }

  onEnd(): void {
    if (this.#text === "") this.#end(null, CHECK_STATUS.L7RSP, "");
    else this.#end(this.#text, CHECK_STATUS.L7OK, "");
  }

  onFailed(status: number, info: string): void {
    this.#end(null, status, info);
  }

  #end(line: string | null, status: number, info: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#connection.close(false);
    this.#done({
      line,
      outcome: { status, code: 0, info, durationMs: Math.floor(performance.now() - this.#startedMs) },
    });
  }
}
