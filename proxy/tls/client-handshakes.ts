// Clients whose handshake is under way: waits for its end, chooses certificates by name and protocols by ALPN, and then lets the connection's own
// protocol begin. Nothing of HTTP or rules has seen the connection before.
//
//   accept, PROXY header ─▶ handshake ─▶ Accept.secured ─▶ http1/front.ts, tcp/relay.ts
//                               └─ refused, broken, too late, closed: a line in the log, and the connection goes

import * as openssl from "../../shared/ffi/openssl.ts";
import * as callbacks from "../../shared/ffi/openssl-callbacks.ts";
import { ownCertificate } from "../../shared/ffi/openssl-inspect.ts";
import { sessionCallbacks } from "../../shared/ffi/openssl-sessions.ts";
import { type TicketKey, ticketCallback, ticketKey } from "../../shared/ffi/openssl-tickets.ts";
import { CONNECTION_ERROR, connectionErrorText } from "../connection/errors.ts";
import { CONNECTION, KIND } from "../connection/table.ts";
import type { ConnectionUser } from "../connection/transport.ts";
import type { CertificatePlan, TlsBindPlan } from "../plan/tls.ts";
import type { WorkerContext } from "../worker/context.ts";
import { type BindContext, type BindContexts, bindContexts, type ContextCallbacks } from "./contexts.ts";
import { findName } from "./names.ts";
import { SESSION_BYTES_MAX, SessionCache } from "./session-cache.ts";
import type { Tls } from "./tls.ts";

export class ClientHandshakes implements ConnectionUser {
  readonly #ctx: WorkerContext;
  readonly #tls: Tls;
  readonly #secret: Uint8Array;
  readonly #functions: ContextCallbacks;
  /** Per listener, null: it speaks plainly. */
  readonly #contexts: (BindContexts | null)[];
  /** Per listener with `tls-ticket-keys`. */
  readonly #ticketKeys: { readonly keys: readonly TicketKey[]; readonly current: number }[] = [];
  /** By name, as they were told last. */
  readonly #certificates = new Map<string, CertificatePlan>();
  /** By OpenSSL's address; also those that were given up, for connections that still have them. */
  readonly #byAddress = new Map<number, BindContext>();

  /**
   * @param secret see bindContexts
   * @param sessions the memory of a SessionCache, null: there is none
   */
  constructor(ctx: WorkerContext, tls: Tls, secret: Uint8Array, sessions: SharedArrayBuffer | null) {
    this.#ctx = ctx;
    this.#tls = tls;
    this.#secret = secret;
    const { plan, clock } = ctx;
    const { sessionBlocks, sessionLifetimeS } = plan.global.tls;
    const cache = sessions === null ? null : new SessionCache(sessions, sessionBlocks, () => clock.sharedMs);
    tls.captures.helloBytesMax = plan.global.tls.captureBytes;
    tls.captures.keepsSecrets = plan.global.tls.keylog;
    this.#functions = {
      hello: callbacks.helloCallback((ssl, name) => this.#chooseCertificate(ssl, name.toLowerCase())),
      serverName: callbacks.serverNameCallback(),
      alpn: callbacks.alpnCallback((ssl) => this.#byAddress.get(openssl.contextOf(ssl))?.protocols ?? NOTHING),
      verify: callbacks.verifyCallback((error, depth, certificate) => this.#isOverlooked(error, depth, certificate)),
      status: callbacks.statusCallback((ssl) => this.#stapled(ssl)),
      ticket: ticketCallback(() => this.#ticketKeys[this.#ctx.connections.owner[this.#tls.current]!]!),
      sessions: cache === null ? null : sessionCallbacks(cache, SESSION_BYTES_MAX),
      sessionLifetimeS,
      keylog: plan.global.tls.keylog
        ? callbacks.keylogCallback((line) => tls.captures.keylog(tls.current, line))
        : null,
    };
    this.#contexts = plan.listeners.map(() => null);
    for (const { index, tls: bind } of plan.listeners) if (bind !== null) this.update(index, bind);
  }

  /** The listener's files are others: connections that begin from now on have them. */
  update(listener: number, change: TlsBindPlan): void {
    const entries = change.entries.map((entry) => ({ ...entry, certificate: this.#known(entry.certificate) }));
    const bind = { ...change, entries };
    const { plan } = this.#ctx;
    const { ticketKeys } = bind;
    if (ticketKeys !== null)
      this.#ticketKeys[listener] = { keys: ticketKeys.keys.map(ticketKey), current: ticketKeys.keys.length - 2 };
    const { proxy, address } = plan.listeners[listener]!;
    const place = `${plan.proxies[proxy]!.name} ${JSON.stringify(address)}`;
    const contexts = bindContexts(bind, this.#secret, place, this.#functions, this.#contexts[listener]);
    for (const context of contexts.made.values()) this.#byAddress.set(context.context, context);
    this.#contexts[listener] = contexts;
  }

  /** Keeps what is new, and finds what is only named. */
  #known(certificate: CertificatePlan): CertificatePlan {
    if (certificate.key.length > 0) this.#certificates.set(certificate.file, certificate);
    return this.#certificates.get(certificate.file) ?? certificate;
  }

  #stapled(ssl: number): Uint8Array | null {
    return this.#byAddress.get(openssl.contextOf(ssl))?.stapled.get(ownCertificate(ssl)) ?? null;
  }

  /** Whether connections of this listener begin with a handshake. */
  secures(listener: number): boolean {
    return this.#contexts[listener] !== null;
  }

  /** The connection's first bytes are to be a hello; those that came with a PROXY header are there already. */
  begin(slot: number): void {
    const { connections, clock, transport, wheel, plan } = this.#ctx;
    const listener = connections.owner[slot]!;
    if (!this.#tls.accept(slot, this.#contexts[listener]!.initial.context)) {
      transport.close(slot);
      return;
    }
    connections.kind[slot] = KIND.tlsHandshake;
    connections.flags[slot]! |= CONNECTION.tls;
    const timeouts = this.#ctx.timeouts[plan.listeners[listener]!.proxy]!;
    const timeoutMs = timeouts.clientHandshake || timeouts.client;
    if (timeoutMs > 0) wheel.set(slot, clock.nowMs + timeoutMs);
    transport.decryptReceived(slot);
    transport.receive(slot);
  }

  /** False: nobody has that name, and strangers get nothing. */
  #chooseCertificate(ssl: number, name: string): boolean {
    const { plan, names, initial } = this.#contexts[this.#ctx.connections.owner[this.#tls.current]!]!;
    const chosen = name === "" ? names.any : findName(names, name);
    if (chosen === null && plan.strictSni) return false;
    const { context, policy } = chosen ?? initial;
    if (context === initial.context) return true;
    const { minVersion, maxVersion, curves, verify } = policy;
    const required = verify === "required" ? openssl.VERIFY.failIfNone : 0;
    const mode = verify === "none" ? openssl.VERIFY.none : openssl.VERIFY.peer | required;
    openssl.adoptContext(ssl, context, { minVersion, maxVersion, curves, mode, judge: this.#functions.verify });
    return true;
  }

  /** The handshake is over: `errno` 0, or it failed. */
  onConnected(slot: number, errno: number): void {
    if (errno !== 0) {
      this.#failed(slot);
      return;
    }
    this.#ctx.wheel.clear(slot);
    this.#ctx.accept.secured(slot);
  }

  /** A fault of a certificate in a client's chain, and whether the configuration overlooks it. */
  #isOverlooked(error: number, depth: number, certificate: number): boolean {
    const { current, captures } = this.#tls;
    const { connections } = this.#ctx;
    const { plan } = this.#contexts[connections.owner[current]!]!;
    captures.fault(current, error, depth, certificate === 0 ? null : openssl.derBytes(certificate));
    const ignored = depth > 0 ? plan.ignoredAuthorityErrors : plan.ignoredErrors;
    if (ignored === "all" || ignored.includes(error)) return true;
    connections.error[current] = depth > 0 ? CONNECTION_ERROR.sslCaFail : CONNECTION_ERROR.sslCertificateFail;
    return false;
  }

  #failed(slot: number): void {
    const { connections } = this.#ctx;
    connections.error[slot] ||= CONNECTION_ERROR.sslHandshake;
    const { reason } = this.#tls;
    const text = connectionErrorText(connections.error[slot]!);
    this.#end(slot, connections.error[slot]!, reason === "" ? text : `${text} (${reason})`, false);
  }

  /** @param isNull `option dontlognull` spares the line */
  #end(slot: number, error: number, text: string, isNull: boolean): void {
    const { log, transport, plan, connections } = this.#ctx;
    connections.error[slot] = error;
    const listener = plan.listeners[connections.owner[slot]!]!;
    if (!isNull || !plan.proxies[listener.proxy]!.logOptions.dontLogNull) log.connection(slot, listener, text);
    this.#ctx.timers.closing(slot);
    transport.closeAfterOutput(slot);
  }

  #complain(slot: number, error: number, isNull: boolean): void {
    this.#end(slot, error, connectionErrorText(error), isNull);
  }

  onReceiveEnd(slot: number): void {
    this.#complain(slot, CONNECTION_ERROR.sslEmpty, true);
  }

  onFailed(slot: number, _errno: number): void {
    this.#complain(slot, CONNECTION_ERROR.sslAbort, true);
  }

  onExpired(slot: number): void {
    this.#complain(slot, CONNECTION_ERROR.sslTimeout, false);
  }

  onReceived(): void {}

  onSent(): void {}
}

const NOTHING = new Uint8Array(0);
