// `observe`: what a worker sees of its servers while it serves. Failures in a row are counted over all workers in the server's row of the shared
// state; whoever counts the one that is too many tells the control plane, which decides (control/health/health-checks.ts).
//
//   layer4   a connection stands: good           an attempt failed: bad
//   layer7   a status that is no failure: good   5xx (but for 501, 505), no answer, one that is no HTTP, an attempt that failed: bad

import type { Plan } from "../plan/plan.ts";
import { SERVER, type SharedState } from "../shared-state/layout.ts";
import type { FromWorker } from "../worker/task.ts";

/** What was seen last; the words are those of OBSERVED_TEXT. */
export const OBSERVED = {
  connectionFailed: 1,
  wrongStatus: 2,
  invalidHead: 3,
  invalidBody: 4,
  readError: 5,
  readTimeout: 6,
  closed: 7,
} as const;

/** HAProxy's words, by number. */
export const OBSERVED_TEXT: readonly string[] = [
  "Unknown",
  "L4 unsuccessful connection",
  "Wrong http response",
  "Invalid http response (headers)",
  "Invalid http response",
  "Read error (http)",
  "Read timeout (http)",
  "Close from server (http)",
];

const NOT_IMPLEMENTED = 501;
const VERSION_NOT_SUPPORTED = 505;

export class Observation {
  readonly #shared: SharedState;
  readonly #post: (message: FromWorker) => void;
  /** Per server: 0 (not observed), 4 or 7, and how many failures in a row are too many. */
  readonly #layers: Uint8Array;
  readonly #limits: Int32Array;

  constructor(plan: Plan, shared: SharedState, post: (message: FromWorker) => void) {
    this.#shared = shared;
    this.#post = post;
    this.#layers = Uint8Array.from(plan.servers, ({ check, observe }) => (check === null ? 0 : (observe?.layer ?? 0)));
    this.#limits = Int32Array.from(plan.servers, ({ observe }) => observe?.errorLimit ?? 0);
  }

  connected(server: number): void {
    if (this.#layers[server] === 4) this.#good(server);
  }

  connectionFailed(server: number): void {
    if (this.#layers[server] !== 0) this.#bad(server, OBSERVED.connectionFailed);
  }

  /** The status of a final answer. */
  answered(server: number, status: number): void {
    if (this.#layers[server] !== 7) return;
    if (status < 500 || status === NOT_IMPLEMENTED || status === VERSION_NOT_SUPPORTED) this.#good(server);
    else this.#bad(server, OBSERVED.wrongStatus);
  }

  /** An answer that is none, for one of the reasons of OBSERVED. */
  failed(server: number, why: number): void {
    if (this.#layers[server] === 7) this.#bad(server, why);
  }

  #good(server: number): void {
    const { words } = this.#shared;
    const at = this.#shared.serverAt(server) + SERVER.consecutiveErrors;
    if (words[at] !== 0) Atomics.store(words, at, 0);
  }

  #bad(server: number, why: number): void {
    const { words } = this.#shared;
    const at = this.#shared.serverAt(server);
    if (words[at + SERVER.checkEnabled] !== 1) return;
    words[at + SERVER.lastError] = why;
    if (Atomics.add(words, at + SERVER.consecutiveErrors, 1) + 1 < this.#limits[server]!) return;
    Atomics.store(words, at + SERVER.consecutiveErrors, 0);
    // One message is enough until it has been heard: a flood of failures must not become a flood of messages.
    if (Atomics.add(words, at + SERVER.errorLimitsReached, 1) === 0) this.#post({ type: "observed", server });
  }
}
