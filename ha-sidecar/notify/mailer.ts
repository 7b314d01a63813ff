// Mails, in keepalived's words. They are handed in one after another, beside everything else: a mail server that is dead, slow or wants to see
// a mail twice (greylisting) delays other mails and nothing more. What it does not take now is tried again later; what waits is bounded.
//
// nodemailer is only loaded when the first mail is sent.

import type { Transporter } from "nodemailer";
import type { Log } from "../log.ts";
import type { MailPlan } from "../plan/plan.ts";

const WAITING_MAX = 100;
/** After a failed attempt; when these are used up, the mail is given up. */
const RETRY_AFTER_MS = [30_000, 300_000, 900_000];
/** The first status of a final refusal (RFC 5321 §4.2.1); below it another attempt may succeed. */
const PERMANENT = 500;

interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly date: Date;
  attempts: number;
}

export class Mailer {
  readonly #plan: MailPlan;
  readonly #log: Log;
  readonly #routerId: string;
  readonly #retryAfterMs: readonly number[];
  readonly #waiting: Mail[] = [];
  #transport: Transporter | null = null;
  #isSending = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(plan: MailPlan, routerId: string, log: Log, retryAfterMs: readonly number[] = RETRY_AFTER_MS) {
    this.#plan = plan;
    this.#routerId = routerId;
    this.#log = log;
    this.#retryAfterMs = retryAfterMs;
  }

  /** `what`: what the mail is about, `VRRP Instance VI_1`; `event`: `Entering MASTER state`. */
  send(what: string, event: string, text: string): void {
    const { server, recipients } = this.#plan;
    if (server === null || recipients.length === 0 || this.#isClosed) return;
    if (this.#waiting.length >= WAITING_MAX) {
      const lost = this.#waiting.shift()!;
      this.#log("warn", `mail: too many wait, given up: ${lost.subject}`);
    }
    const subject = `[${this.#routerId}] ${what} - ${event}`;
    this.#waiting.push({ subject, text: `${text}\n\n`, date: new Date(), attempts: 0 });
    void this.#sendNext();
  }

  /** Gives what waits `timeoutMs` to be handed in. */
  async close(timeoutMs: number): Promise<void> {
    const untilMs = performance.now() + timeoutMs;
    while ((this.#isSending || this.#waiting.some(({ attempts }) => attempts === 0)) && performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#transport?.close();
    if (this.#waiting.length > 0) this.#log("warn", `mail: ${this.#waiting.length} not sent`);
  }

  async #sendNext(): Promise<void> {
    const mail = this.#waiting[0];
    if (this.#isSending || this.#isClosed || mail === undefined || this.#timer !== null) return;
    this.#isSending = true;
    const failure = await this.#attempt(mail);
    this.#isSending = false;
    if (failure === null) this.#forget(mail);
    else this.#onFailure(mail, failure.text, failure.isPermanent);
    void this.#sendNext();
  }

  #onFailure(mail: Mail, text: string, isPermanent: boolean): void {
    const delayMs = this.#retryAfterMs[mail.attempts++];
    if (isPermanent || delayMs === undefined) {
      this.#log("error", `mail '${mail.subject}' is given up: ${text}`);
      this.#forget(mail);
      return;
    }
    this.#log("warn", `mail '${mail.subject}' was not taken, again in ${delayMs / 1000} s: ${text}`);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#sendNext();
    }, delayMs);
    this.#timer.unref();
  }

  #forget(mail: Mail): void {
    const at = this.#waiting.indexOf(mail);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** null: the server has taken it. */
  async #attempt(mail: Mail): Promise<{ text: string; isPermanent: boolean } | null> {
    const { from, recipients } = this.#plan;
    try {
      this.#transport ??= await this.#open();
      await this.#transport.sendMail({
        from,
        to: [...recipients],
        subject: mail.subject,
        text: mail.text,
        date: mail.date,
        xMailer: "Keepalived",
        textEncoding: "quoted-printable",
        // Texts are ours alone, but nothing may ever make them a way to files or other servers.
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      return null;
    } catch (error) {
      const { message, responseCode } = error as Error & { responseCode?: number };
      return { text: message, isPermanent: (responseCode ?? 0) >= PERMANENT };
    }
  }

  async #open(): Promise<Transporter> {
    const { createTransport } = await import("nodemailer");
    const { server, heloName, connectTimeoutMs } = this.#plan;
    return createTransport({
      host: server!.host,
      port: server!.port,
      name: heloName,
      secure: false,
      // As safe as the server allows; keepalived itself never encrypts, so a strange certificate is better than none.
      opportunisticTLS: true,
      tls: { rejectUnauthorized: false },
      connectionTimeout: connectTimeoutMs,
      greetingTimeout: connectTimeoutMs,
      socketTimeout: connectTimeoutMs,
      dnsTimeout: connectTimeoutMs,
    });
  }
}
