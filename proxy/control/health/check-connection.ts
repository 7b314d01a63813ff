// The connection of a check: opened, with a PROXY header and encrypted if that is wanted, its failures told in HAProxy's words. What is said on it
// is attempt.ts's and sequence.ts's business. Never throws for what a peer or the kernel does.

import { connect, type NetConnectOpts, type Socket } from "node:net";
import { CHECK_STATUS } from "./check-status.ts";
import type { Encrypt } from "./check-tls.ts";

/** Writes the PROXY header that a check begins with. */
export type HeaderOf = (socket: Socket) => Buffer;

export interface ConnectionSettings {
  readonly address: NetConnectOpts;
  readonly connectMs: number;
  readonly header: HeaderOf | null;
  readonly encrypt: Encrypt | null;
}

/** None of these is called any more after `close`. */
export interface ConnectionUser {
  /** @param status L4OK or L6OK: the outcome of a check that wants no more than this */
  onEstablished(status: number): void;
  onData(bytes: Buffer): void;
  onEnd(): void;
  onFailed(status: number, info: string): void;
}

const LOWEST_MS = 1;

export class CheckConnection {
  readonly #user: ConnectionUser;
  readonly #settings: ConnectionSettings;
  /** What the kernel has; what the conversation goes through is it or the TLS socket above it. */
  readonly #socket: Socket;
  #stream: Socket;
  readonly #timer: NodeJS.Timeout;
  #isShakingHands = false;
  #isEstablished = false;
  #isClosed = false;

  /** Starts at once; nothing of the user is called from inside the constructor. */
  constructor(settings: ConnectionSettings, user: ConnectionUser) {
    this.#user = user;
    this.#settings = settings;
    this.#timer = setTimeout(() => this.#onTimeout(), Math.max(LOWEST_MS, settings.connectMs));
    this.#socket = connect({ ...settings.address, allowHalfOpen: true });
    this.#stream = this.#socket;
    this.#socket.setNoDelay(true);
    this.#socket.on("connect", () => this.#onConnect());
    this.#socket.on("error", (error: NodeJS.ErrnoException) => this.#onError(error));
    if (settings.encrypt === null) this.#listen(this.#socket);
  }

  write(bytes: Buffer): void {
    this.#stream.write(bytes);
  }

  /** @param reset the peer is told at once, so that neither side keeps TIME_WAIT */
  close(reset: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    // The `error` listener stays: a reset that arrives late must not become an uncaught exception.
    // Before the connection is there, resetAndDestroy would wait for it: behind a silent address each check would leave a socket for minutes.
    if (this.#stream !== this.#socket) this.#stream.destroy();
    if (reset && !this.#socket.connecting) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #listen(stream: Socket): void {
    stream.on("data", (bytes: Buffer) => {
      if (!this.#isClosed) this.#user.onData(bytes);
    });
    stream.on("end", () => {
      if (!this.#isClosed) this.#user.onEnd();
    });
  }

  #onConnect(): void {
    if (this.#isClosed) return;
    const { header, encrypt } = this.#settings;
    if (header !== null) this.#socket.write(header(this.#socket));
    if (encrypt === null) {
      this.#established(CHECK_STATUS.L4OK);
      return;
    }
    this.#isShakingHands = true;
    const secure = encrypt(this.#socket);
    this.#stream = secure;
    secure.on("error", (error: NodeJS.ErrnoException) => this.#onError(error));
    secure.on("secureConnect", () => {
      this.#isShakingHands = false;
      this.#listen(secure);
      this.#established(CHECK_STATUS.L6OK);
    });
  }

  #established(status: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#isEstablished = true;
    this.#user.onEstablished(status);
  }

  #onTimeout(): void {
    if (!this.#isClosed) this.#user.onFailed(this.#isShakingHands ? CHECK_STATUS.L6TOUT : CHECK_STATUS.L4TOUT, "");
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (this.#isClosed) return;
    const code = error.code ?? "";
    if (this.#isShakingHands) {
      this.#user.onFailed(CHECK_STATUS.L6RSP, handshakeText(error));
      return;
    }
    const text = ERROR_TEXT[code] ?? code;
    const said = `${code} returned by OS (${text})`;
    if (this.#isEstablished) this.#user.onFailed(CHECK_STATUS.SOCKERR, said);
    else if (PEER_SAID_NO.has(code)) this.#user.onFailed(CHECK_STATUS.L4CON, said);
    else if (code === "ENETUNREACH") this.#user.onFailed(CHECK_STATUS.L4CON, `General socket error (${text})`);
    else this.#user.onFailed(CHECK_STATUS.SOCKERR, `General socket error (${text})`);
  }
}

/** HAProxy's two kinds, and behind them why. */
function handshakeText(error: NodeJS.ErrnoException): string {
  const isClosed = error.code === "ECONNRESET" || error.code === "EPIPE";
  return isClosed ? "Connection closed during SSL handshake" : `SSL handshake failure (${error.message})`;
}

/** Failures to connect that came from the peer or the path to it; all others are our own system's. */
const PEER_SAID_NO = new Set(["ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ETIMEDOUT"]);

/** strerror(3) of what connect and recv return; HAProxy's lines carry these words. */
const ERROR_TEXT: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EAGAIN: "Resource temporarily unavailable",
  ECONNABORTED: "Software caused connection abort",
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset by peer",
  EHOSTUNREACH: "No route to host",
  EMFILE: "Too many open files",
  ENETUNREACH: "Network is unreachable",
  ENFILE: "Too many open files in system",
  ENOENT: "No such file or directory",
  EPERM: "Operation not permitted",
  EPIPE: "Broken pipe",
  ETIMEDOUT: "Connection timed out",
};
