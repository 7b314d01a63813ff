// A track_proxy block: is the proxy of this machine fit to have the virtual addresses?
//
// With `socket` a connection to its runtime API is held open (proxy-socket.ts). The other probes ask once per interval; a pid file's
// process is watched by pidfd besides, so that its end is known at once.

import type { Log } from "../log.ts";
import type { ProxyTrackPlan } from "../plan/track.ts";
import { type Done, type Probe, ProcessProbe, probeHttp, probeTcp } from "./probes.ts";
import { SocketProbe } from "./proxy-socket.ts";
import { Threshold } from "./threshold.ts";

export class ProxyTracker {
  readonly #plan: ProxyTrackPlan;
  readonly #log: Log;
  readonly #onChange: (up: boolean) => void;
  readonly #threshold: Threshold;
  readonly #probe: Probe;
  readonly #socket: SocketProbe | null;
  #interval: NodeJS.Timeout | null = null;
  #deadline: NodeJS.Timeout | null = null;
  #isAsking = false;
  #failure = "not known yet";

  constructor(plan: ProxyTrackPlan, log: Log, onChange: (up: boolean) => void) {
    this.#plan = plan;
    this.#log = log;
    this.#onChange = onChange;
    this.#threshold = new Threshold(plan.rise, plan.fall, null);
    const { probe } = plan;
    const lost = () => this.#askAgain();
    this.#socket = probe.kind === "socket" ? new SocketProbe(probe.path, plan, lost) : null;
    if (this.#socket !== null) this.#probe = this.#socket;
    else if (probe.kind === "pidfile") this.#probe = new ProcessProbe(probe.path, lost);
    else if (probe.kind === "tcp") this.#probe = probeTcp(probe.address.text, probe.port);
    else if (probe.kind === "http") this.#probe = probeHttp(probe.address.text, probe.port, probe.path, probe.host);
    else throw new Error("a kind of probe without a class");
  }

  start(): void {
    this.#ask();
    this.#interval = setInterval(() => this.#ask(), this.#plan.intervalMs);
  }

  stop(): void {
    if (this.#interval !== null) clearInterval(this.#interval);
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#isAsking = false;
    this.#probe.close();
  }

  /** How the sidecar stands, for the proxy to show. `encode` gets what this tracker thinks of the proxy. */
  tell(encode: (verdict: string) => string): void {
    this.#socket?.tell(encode(this.#threshold.up === true ? "up" : `down (${this.#failure})`));
  }

  #ask(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#deadline = setTimeout(() => {
      this.#probe.close();
      this.#done(`no answer within ${this.#plan.timeoutMs} ms`);
    }, this.#plan.timeoutMs);
    const done: Done = (failure, decisive) => this.#done(failure, decisive);
    this.#probe.ask(done);
  }

  /** Something ended that ought not to: what is asked now decides. */
  #askAgain(): void {
    this.#settle();
    if (this.#interval !== null) this.#ask();
  }

  #settle(): void {
    this.#isAsking = false;
    if (this.#deadline !== null) clearTimeout(this.#deadline);
  }

  #done(failure: string | null, decisive = false): void {
    if (!this.#isAsking) return;
    this.#settle();
    if (failure !== null) this.#failure = failure;
    if (!this.#threshold.take(failure === null, decisive)) return;
    const isUp = failure === null;
    this.#log(isUp ? "info" : "warn", `track_proxy ${this.#plan.name} is ${isUp ? "up" : `down: ${failure}`}`);
    this.#onChange(isUp);
  }
}
