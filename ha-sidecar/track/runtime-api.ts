// A connection to a proxy's runtime API (HAProxy's stats socket, or ringway's) that is held open: its end of file tells within a millisecond
// that the process is gone, and questions in between tell that it still works.
//
// `prompt` makes the connection interactive; every answer then ends with a line feed and "> ".

import { connect, type Socket } from "node:net";

const PROMPT = "\n> ";
/** Answers are some kilobytes per hundred servers; beyond this something else is talking. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export interface RuntimeApiListener {
  /** The connection ended or could not be made. `wasOpen`: it had answered before. */
  onClosed(reason: string, wasOpen: boolean): void;
}

export class RuntimeApi {
  readonly #path: string;
  readonly #listener: RuntimeApiListener;
  #socket: Socket | null = null;
  #text = "";
  /** Who waits for the next answers, in the order of the questions. */
  #waiting: ((answer: string) => void)[] = [];
  #hasAnswered = false;

  constructor(path: string, listener: RuntimeApiListener) {
    this.#path = path;
    this.#listener = listener;
  }

  get isConnected(): boolean {
    return this.#socket !== null;
  }

  connect(): void {
    const socket = connect(this.#path);
    this.#socket = socket;
    this.#text = "";
    this.#hasAnswered = false;
    this.#waiting = [];
    // Written as soon as the connection stands.
    this.ask("prompt", () => {});
    socket.on("data", (bytes) => this.#onData(socket, bytes.toString("latin1")));
    socket.on("error", (error) => this.#closed(socket, error.message));
    socket.on("close", () => this.#closed(socket, "end of file"));
  }

  /** Asks. Without an answer before the connection ends, `onAnswer` is never called. */
  ask(command: string, onAnswer: (answer: string) => void): void {
    this.#waiting.push(onAnswer);
    this.#socket?.write(`${command}\n`);
  }

  /** Ends without a word to the listener. */
  close(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
  }

  #onData(socket: Socket, text: string): void {
    if (socket !== this.#socket) return;
    this.#text += text;
    if (this.#text.length > ANSWER_BYTES_MAX) {
      socket.destroy(new Error("an answer without end"));
      return;
    }
    for (let end = this.#text.indexOf(PROMPT); end >= 0; end = this.#text.indexOf(PROMPT)) {
      const answer = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + PROMPT.length);
      this.#hasAnswered = true;
      this.#waiting.shift()?.(answer);
    }
  }

  #closed(socket: Socket, reason: string): void {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#listener.onClosed(reason, this.#hasAnswered);
  }
}
