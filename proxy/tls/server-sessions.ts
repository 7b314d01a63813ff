// Encrypted connections to servers: what each begins with (context, name to send and to expect, session to resume), and the sessions that are kept
// for the next one. A session is only resumed under the name that it was made with, because a resumed server shows no certificate.

import * as openssl from "../../shared/ffi/openssl.ts";
import * as callbacks from "../../shared/ffi/openssl-callbacks.ts";
import { CONNECTION } from "../connection/table.ts";
import type { TlsServerPlan } from "../plan/tls.ts";
import type { SampleContext } from "../sample/context.ts";
import { compileSample } from "../sample/expression.ts";
import type { FetchFunction } from "../sample/fetch/fetch.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { encodeProtocols, serverContext } from "./contexts.ts";

const PASS = 2;
/** `http/1.1` as ALPN has it. */
const HTTP_11 = encodeProtocols(["http/1.1"]);

interface Target {
  plan: TlsServerPlan;
  context: number;
  readonly sni: FetchFunction | null;
  /** The last session, 0: none; and the name it belongs to. */
  session: number;
  sessionName: string;
  /** Why the last handshake failed, "": it did not. Said once, not for every request. */
  failure: string;
}

export class ServerSessions {
  readonly #ctx: WorkerContext;
  readonly #samples: SampleContext;
  readonly #onSession: callbacks.ForeignCallback;
  /** Per server, null: plain. */
  readonly #targets: readonly (Target | null)[];
  /** The name that each row sent. */
  readonly #names: string[] = [];

  constructor(ctx: WorkerContext, samples: SampleContext) {
    this.#ctx = ctx;
    this.#samples = samples;
    const { tls } = ctx.transport;
    this.#onSession = callbacks.sessionCallback((session) => this.#keep(tls.current, session));
    this.#targets = ctx.plan.servers.map(({ connection: { tls: plan } }) =>
      plan === null
        ? null
        : {
            ...{ plan, context: this.#newContext(plan), session: 0, sessionName: "", failure: "" },
            sni: plan.sni === null ? null : compileSample(plan.sni, samples, false, "str").first,
          },
    );
    tls.onServerFailure = (slot) => this.#failed(slot);
  }

  /** The server's files are others: connections that begin from now on have them. */
  update(server: number, plan: TlsServerPlan): void {
    const target = this.#targets[server]!;
    if (target === null) return;
    openssl.freeContext(target.context);
    target.plan = plan;
    target.context = this.#newContext(plan);
    this.#forget(target);
  }

  #newContext(plan: TlsServerPlan): number {
    const context = serverContext(plan);
    if (plan.reuse) callbacks.onSession(context, this.#onSession);
    return context;
  }

  #forget(target: Target): void {
    if (target.session !== 0) openssl.freeSession(target.session);
    target.session = 0;
  }

  /** The row is to be a connection to `server`: encrypted, if the server wants that. False: no memory. */
  prepare(slot: number, server: number, stream: Stream): boolean {
    const target = this.#targets[server]!;
    if (target === null) return true;
    const { connections, http2, transport, sendProxy } = this.#ctx;
    const { plan, context, sni } = target;
    const { value } = this.#samples;
    const name = sni !== null && sni(stream) === PASS ? value.text() : "";
    const host = plan.verify ? (plan.verifyHost ?? name) : "";
    const session = plan.reuse && target.session !== 0 && target.sessionName === name ? target.session : 0;
    if (!transport.tls.connect(slot, context, name, host, session)) return false;
    if (http2.servers.avoids(stream, server) && !openssl.offerOwnProtocols(transport.tls.sslOf(slot), HTTP_11))
      return false;
    connections.flags[slot]! |= CONNECTION.tls;
    if (!sendProxy.queueBeforeTls(stream, slot)) return false;
    this.#names[slot] = name;
    return true;
  }

  /** The connection's session may be resumed; the reference is ours. */
  #keep(slot: number, session: number): void {
    const target = this.#targets[this.#ctx.connections.owner[slot]!]!;
    if (target === null) {
      openssl.freeSession(session);
      return;
    }
    if (target.session !== 0) openssl.freeSession(target.session);
    target.session = session;
    target.sessionName = this.#names[slot] ?? "";
    target.failure = "";
  }

  #failed(slot: number): void {
    const { connections, transport, mailbox, plan } = this.#ctx;
    const server = plan.servers[connections.owner[slot]!]!;
    const target = this.#targets[server.index]!;
    const { reason } = transport.tls;
    if (target === null || target.failure === reason) return;
    target.failure = reason;
    // Whatever was resumed may be what the server does not like.
    this.#forget(target);
    const backend = plan.proxies[server.proxy]!.name;
    const what = transport.tls.isOpen(slot) ? "SSL error" : "SSL handshake failure";
    mailbox.event("warn", `Server ${backend}/${server.name}: ${what} (${reason})`);
  }
}
