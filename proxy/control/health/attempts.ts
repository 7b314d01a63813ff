// How an attempt of a server's check is begun: which steps or which program, where connections go, how they are encrypted.

import type { NetConnectOpts } from "node:net";
import type { CheckPlan, CheckStepConnectPlan, ServerCheckPlan } from "../../plan/check.ts";
import type { Plan, ServerPlan, SocketAddressPlan } from "../../plan/plan.ts";
import { PROXY, SERVER } from "../../shared-state/layout.ts";
import type { CheckOutcome } from "../server-state/event-text.ts";
import type { ServerAddresses } from "../server-state/server-addresses.ts";
import type { ServerStates } from "../server-state/server-states.ts";
import type { LiveTlsFiles } from "../tls/live-files.ts";
import type { ConnectionSettings } from "./check-connection.ts";
import { CheckSamples, CheckScope } from "./check-samples.ts";
import { type Encrypt, encryptionOf } from "./check-tls.ts";
import { ExternalAttempt } from "./external-check.ts";
import { proxyHeaderOf } from "./proxy-header.ts";
import { compileSequence, type Sequence, SequenceAttempt } from "./sequence.ts";

/** @see HealthChecks.timeouts */
export interface AttemptTimes {
  readonly connectMs: number;
  /** null: what connecting has left. */
  readonly answerMs: number | null;
}

/** @see LiveTlsFiles */
export type CheckTlsFiles = Pick<LiveTlsFiles, "generation" | "asTheyAre">;

export interface Attempt {
  cancel(): void;
}

export class Attempts {
  readonly #plan: Plan;
  readonly #states: ServerStates;
  readonly #samples: CheckSamples;
  readonly #sequences = new Map<CheckPlan, Sequence>();
  readonly #encryptions = new Map<number, Encrypt | null>();
  /** By the step, for the server whose settings it uses. */
  readonly #stepEncryptions = new Map<CheckStepConnectPlan, Map<number, Encrypt | null>>();

  readonly #tlsFiles: CheckTlsFiles | null;
  #tlsGeneration = 0;

  /** @param tlsFiles certificates and authorities as they are now; null: as the plan has them */
  constructor(plan: Plan, states: ServerStates, tlsFiles: CheckTlsFiles | null) {
    this.#tlsFiles = tlsFiles;
    this.#plan = plan;
    this.#states = states;
    this.#samples = new CheckSamples(plan, states.shared);
  }

  /** Starts an attempt; `done` is called once and later. */
  begin(
    server: ServerPlan,
    check: ServerCheckPlan,
    times: AttemptTimes,
    done: (outcome: CheckOutcome) => void,
  ): Attempt {
    const proxy = this.#plan.proxies[server.proxy]!;
    const plan = check.own ?? proxy.backend!.check;
    const address = checkAddress(server, this.#states.addresses);
    if (plan.external !== null) {
      const own = this.#states.addresses.address(server);
      const port = "port" in address ? address.port : 0;
      const facts = { server, proxy, address: own, port, ...this.#load(server) };
      return new ExternalAttempt(plan.external, facts, times.answerMs ?? times.connectMs, done);
    }
    const settings = {
      scope: new CheckScope(server, proxy.backend!.check.uniqueId),
      answerMs: times.answerMs,
      serverIsUp: this.#states.opState(server) !== 0,
      state: plan.sendState ? this.#stateText(server, check) : "",
      connection: (step: CheckStepConnectPlan | null, port: number): ConnectionSettings => ({
        connectMs: times.connectMs,
        address: step === null ? address : steppedAddress(address, port, step.address),
        encrypt: this.#encryption(server, check, step),
        header: headerOf(step === null || step.isDefault ? check.sendProxy : step.sendProxy ? check.sendProxy || 1 : 0),
      }),
    };
    return new SequenceAttempt(this.#sequence(plan), settings, done);
  }

  #sequence(plan: CheckPlan): Sequence {
    let sequence = this.#sequences.get(plan);
    if (sequence === undefined) {
      sequence = compileSequence(plan, this.#samples);
      this.#sequences.set(plan, sequence);
    }
    return sequence;
  }

  /** As HAProxy: a connect step says itself whether it is encrypted, unless it is `default`. */
  #encryption(server: ServerPlan, check: ServerCheckPlan, step: CheckStepConnectPlan | null): Encrypt | null {
    const own = step === null || step.isDefault;
    if (!own && !step.ssl) return null;
    if (this.#tlsFiles !== null && this.#tlsFiles.generation !== this.#tlsGeneration) this.#forgetEncryptions();
    const isStep = step !== null && (step.ssl || step.sni !== "" || step.alpn.length > 0);
    const byServer = isStep ? this.#stepEncryptionsOf(step) : this.#encryptions;
    let encryption = byServer.get(server.index);
    if (encryption === undefined) {
      const { tls, sni } = isStep ? stepped(check, step) : check;
      encryption = encryptionOf({ tls: tls && (this.#tlsFiles?.asTheyAre(tls) ?? tls), sni });
      byServer.set(server.index, encryption);
    }
    return encryption;
  }

  /** Files changed: contexts are made anew. */
  #forgetEncryptions(): void {
    this.#tlsGeneration = this.#tlsFiles!.generation;
    this.#encryptions.clear();
    this.#stepEncryptions.clear();
  }

  #stepEncryptionsOf(step: CheckStepConnectPlan): Map<number, Encrypt | null> {
    let encryptions = this.#stepEncryptions.get(step);
    if (encryptions === undefined) {
      encryptions = new Map();
      this.#stepEncryptions.set(step, encryptions);
    }
    return encryptions;
  }

  #load(server: ServerPlan): { connections: number; maxconn: number } {
    const { shared } = this.#states;
    const at = shared.serverAt(server.index);
    return { connections: shared.words[at + SERVER.served]!, maxconn: shared.words[at + SERVER.maxconn]! };
  }

  /** `UP 2/3; name=bck/srv2; node=lb1; weight=1/2; scur=13/22; qcur=0` */
  #stateText(server: ServerPlan, { rise, fall }: ServerCheckPlan): string {
    const { shared } = this.#states;
    const { words } = shared;
    const [at, proxyAt] = [shared.serverAt(server.index), shared.proxyAt(server.proxy)];
    const health = words[at + SERVER.checkHealth]!;
    const isFull = health === rise + fall - 1;
    const up = isFull ? "UP" : `UP ${health - rise + 1}/${fall}`;
    const state = health >= rise ? up : health === 0 ? "DOWN" : `DOWN ${health}/${rise}`;
    return [
      state,
      `name=${this.#plan.proxies[server.proxy]!.name}/${server.name}`,
      `node=${this.#plan.global.node}`,
      `weight=${words[at + SERVER.effectiveWeight]}/${words[proxyAt + PROXY.totalWeight]}`,
      `scur=${words[at + SERVER.served]}/${words[proxyAt + PROXY.backendSessions]}`,
      `qcur=${words[at + SERVER.queued]}`,
    ].join("; ");
  }
}

/** The settings of a step that says `ssl`, or another name or protocol than the check. */
function stepped(check: ServerCheckPlan, step: CheckStepConnectPlan): Pick<ServerCheckPlan, "tls" | "sni"> {
  const tls = step.ssl ? (check.tls ?? check.stepTls) : check.tls;
  const sni = step.sni || (step.isDefault ? check.sni : "");
  const alpn = step.alpn.length > 0 ? step.alpn : step.isDefault ? (tls?.alpn ?? []) : [];
  return { tls: tls && { ...tls, alpn: [...alpn] }, sni };
}

/** Where a server's checks connect to: `addr` and `port` of the check, else the server's own; from its `source` address. */
function checkAddress(server: ServerPlan, addresses: ServerAddresses): NetConnectOpts {
  const own = addresses.address(server);
  const wanted = addresses.checkTarget(server);
  const address: SocketAddressPlan = wanted.address ?? own;
  switch (address.kind) {
    case "unix":
      return { path: address.path };
    case "abns":
      return { path: `\0${address.name}` };
    case "fd":
      throw new Error(`server ${server.name}: a descriptor cannot be checked`);
    default: {
      const ownPort = "port" in own ? own.port : 0;
      const port = wanted.port || address.port || ownPort;
      const source = server.connection.source?.address ?? null;
      const from = source !== null && (source.kind === "ipv4" || source.kind === "ipv6") ? source.host : undefined;
      return { host: address.host, port, ...(from === undefined ? {} : { localAddress: from }) };
    }
  }
}

function headerOf(version: ServerCheckPlan["sendProxy"]): ConnectionSettings["header"] {
  return version === 0 ? null : (socket) => proxyHeaderOf(version, socket);
}

/** A connect step with `port` or `addr`. */
function steppedAddress(own: NetConnectOpts, port: number, address: SocketAddressPlan | null): NetConnectOpts {
  if ("path" in own) return own;
  const host = address !== null && "host" in address ? address.host : own.host;
  const addressPort = address !== null && "port" in address ? address.port : 0;
  return { ...own, ...(host === undefined ? {} : { host }), port: port || addressPort || own.port };
}
