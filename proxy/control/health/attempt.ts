// One attempt of one check: connect, perhaps send and read, and one outcome. Never throws for what a peer or the kernel does.
//
//   connect ──► (tcp) L4OK, reset at once so that neither side keeps TIME_WAIT
//      │   └──► (http) send ──► read until the expectation can be judged ──► L7OK, L7OKC, L7STS, L7RSP
//      │         (tls) handshake before either ► L6OK in place of L4OK, L6RSP, L6TOUT
//      ├─ refused, unreachable … ► L4CON, "Connection refused"           │
//      ├─ no such path, no port …► SOCKERR                               │
//      └─ too slow ──────────────► L4TOUT                                ├─ too slow ► L7TOUT
//                                                                        └─ closed, reset, no HTTP ► SOCKERR

import type { CheckOutcome } from "../server-state/event-text.ts";
import { CheckConnection, type ConnectionSettings, type ConnectionUser } from "./check-connection.ts";
import type { Verdict } from "./check-expect.ts";
import { type CheckResponse, CheckResponseReader } from "./check-response.ts";
import { CHECK_STATUS } from "./check-status.ts";

/** What to do on the connection; the same for all servers of a backend. */
export interface CheckConversation {
  /** null: connecting is the whole check. */
  readonly request: Buffer | null;
  readonly method: string;
  readonly responseLimitBytes: number;
  readonly judge: (response: CheckResponse, serverIsUp: boolean) => Verdict;
}

const LOWEST_MS = 1;

export class CheckAttempt implements ConnectionUser {
  readonly #conversation: CheckConversation;
  readonly #connectMs: number;
  readonly #answerMs: number | null;
  readonly #serverIsUp: boolean;
  readonly #done: (outcome: CheckOutcome) => void;
  readonly #startedMs = performance.now();
  readonly #connection: CheckConnection;
  readonly #reader: CheckResponseReader;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  /**
   * Starts at once; `done` is called exactly once, never from inside the constructor, and not after `cancel`.
   *
   * @param answerMs time for the answer once the connection stands (`timeout check`); null: what connecting has left of `connectMs`
   */
  constructor(
    settings: ConnectionSettings,
    answerMs: number | null,
    conversation: CheckConversation,
    serverIsUp: boolean,
    done: (outcome: CheckOutcome) => void,
  ) {
    this.#conversation = conversation;
    this.#connectMs = settings.connectMs;
    this.#answerMs = answerMs;
    this.#serverIsUp = serverIsUp;
    this.#done = done;
    this.#reader = new CheckResponseReader(conversation.method, conversation.responseLimitBytes);
    this.#connection = new CheckConnection(settings, this);
  }

  /** Gives the attempt up without an outcome. */
  cancel(): void {
    this.#ended = true;
    this.#release();
  }

  onEstablished(status: number): void {
    const request = this.#conversation.request;
    if (request === null) {
      this.#end(status, "", 0);
      return;
    }
    const leftMs = this.#answerMs ?? this.#connectMs - (performance.now() - this.#startedMs);
    this.#timer = setTimeout(() => this.#end(CHECK_STATUS.L7TOUT, "", 0), Math.max(LOWEST_MS, leftMs));
    this.#connection.write(request);
  }

  onFailed(status: number, info: string): void {
    this.#end(status, info, 0);
  }

  onData(bytes: Buffer): void {
    this.#reader.push(bytes);
    this.#judge();
  }

  onEnd(): void {
    this.#reader.close();
    this.#judge();
  }

  #judge(): void {
    const response = this.#reader.response();
    if (response === null) {
      this.#end(CHECK_STATUS.SOCKERR, "", 0);
      return;
    }
    const verdict = this.#conversation.judge(response, this.#serverIsUp);
    if (verdict !== null) this.#end(verdict.status, verdict.info, response.status);
  }

  #end(status: number, info: string, code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    this.#done({ status, code, info, durationMs: Math.floor(performance.now() - this.#startedMs) });
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#connection.close(this.#conversation.request === null);
  }
}
