// OpenSSL's contexts of a worker: one per certificate (or several for the same names) and policy of each listener, one per server. Made at boot from
// PEM that the control plane has read and checked, what fails here fails the worker's start; and anew when the runtime API changes files: what did not
// change is used on. A context is used by this thread only, and lives as long as a listener or a connection refers to it.

import { hkdfSync } from "node:crypto";
import * as openssl from "../../shared/ffi/openssl.ts";
import * as callbacks from "../../shared/ffi/openssl-callbacks.ts";
import { keepSessions, limitTickets, type SessionCallbacks } from "../../shared/ffi/openssl-sessions.ts";
import { onTicket } from "../../shared/ffi/openssl-tickets.ts";
import type {
  CertificatePlan,
  TlsBindPlan,
  TlsEntryPlan,
  TlsPolicyPlan,
  TlsServerPlan,
  TlsSettingsPlan,
  TrustPlan,
} from "../plan/tls.ts";
import { groupEntries, type NameTable } from "./names.ts";

const TICKET_KEYS_BYTES = 80;
const SESSION_CONTEXT_BYTES = 32;
/** A session context only names a place; nothing depends on its being secret. */
const SHARED = new Uint8Array(32);

/** One context, with what callbacks want to know of it. */
export interface BindContext {
  readonly context: number;
  readonly policy: TlsPolicyPlan;
  /** As TLS has them, at a place that does not move; empty: none are spoken. */
  readonly protocols: Uint8Array;
  /** Responses to staple, by the address of the certificate that is shown. */
  readonly stapled: ReadonlyMap<number, Uint8Array>;
}

/** The contexts of one listener. */
export interface BindContexts {
  readonly plan: TlsBindPlan;
  /** What a connection begins with: the first certificate's. */
  readonly initial: BindContext;
  readonly names: NameTable<BindContext>;
  /** By what they were made of. */
  readonly made: ReadonlyMap<string, BindContext>;
}

/** Functions of ours that OpenSSL calls during handshakes; one each for all contexts of the thread. */
export interface ContextCallbacks {
  readonly hello: callbacks.ForeignCallback;
  readonly serverName: callbacks.ForeignCallback;
  readonly alpn: callbacks.ForeignCallback;
  readonly verify: callbacks.ForeignCallback;
  readonly status: callbacks.ForeignCallback;
  readonly ticket: callbacks.ForeignCallback;
  /** Null: clients come back with a ticket or not at all. */
  readonly sessions: SessionCallbacks | null;
  readonly sessionLifetimeS: number;
  /** Null: nobody asks for secrets. */
  readonly keylog: callbacks.ForeignCallback | null;
}

/**
 * @param secret what all workers of all generations share: sessions are resumed wherever they were made
 * @param place which listener it is: never resumed at another, nor under another policy about clients' certificates
 * @param former what the listener had before; contexts that nothing changed for are taken over, the others are given up
 * @throws Error when OpenSSL refuses what the control plane had accepted
 */
export function bindContexts(
  plan: TlsBindPlan,
  secret: Uint8Array,
  place: string,
  functions: ContextCallbacks,
  former: BindContexts | null = null,
): BindContexts {
  const made = new Map<string, BindContext>();
  const contextOf = (entries: readonly TlsEntryPlan[]): BindContext => {
    const policy = entries[0]?.policy ?? plan;
    const key = keyOf(entries, policy);
    let context = made.get(key) ?? former?.made.get(key);
    if (context === undefined) context = newBindContext(plan, policy, entries, secret, place, functions);
    made.set(key, context);
    return context;
  };
  const { initial, names } = groupEntries(plan.entries, contextOf);
  for (const [key, { context }] of former?.made ?? []) if (!made.has(key)) openssl.freeContext(context);
  return { plan, initial, names, made };
}

/** What makes a context another one. */
function keyOf(entries: readonly TlsEntryPlan[], policy: TlsPolicyPlan): string {
  const { authorities, hiddenAuthorities, revocations, ...settings } = policy;
  const {
    minVersion,
    maxVersion,
    ciphers,
    cipherSuites,
    curves,
    sigalgs,
    clientSigalgs,
    alpn,
    verify,
    showsAuthorities,
  } = settings;
  const trust = [authorities, hiddenAuthorities, revocations].map((each) => each && [each.file, each.version]);
  const own = [
    minVersion,
    maxVersion,
    ciphers,
    cipherSuites,
    curves,
    sigalgs,
    clientSigalgs,
    alpn,
    verify,
    showsAuthorities,
  ];
  return JSON.stringify([entries.map(({ certificate: { file, version } }) => [file, version]), trust, own]);
}

function newBindContext(
  plan: TlsBindPlan,
  policy: TlsPolicyPlan,
  entries: readonly TlsEntryPlan[],
  secret: Uint8Array,
  place: string,
  functions: ContextCallbacks,
): BindContext {
  const { verify, authorities, hiddenAuthorities, revocations } = policy;
  const trusted = [authorities, hiddenAuthorities, revocations].map((each) => (each === null ? "" : text(each.pem)));
  // Nor under a name that another certificate is for.
  const files = entries.map(({ certificate: { file } }) => file);
  // Who shares keys with other machines wants sessions to be resumed there.
  const home = plan.ticketKeys === null ? { secret, place } : { secret: SHARED, place: "" };
  const info = `${home.place} ${verify} ${files.join(" ")} ${trusted.join(" ")}`;
  const derive = (purpose: string, bytes: number) =>
    new Uint8Array(hkdfSync("sha256", home.secret, info, `ringway ${purpose}`, bytes));
  const context = openssl.newContext("server");
  configure(context, policy);
  const stapled = new Map<number, Uint8Array>();
  for (const { certificate } of entries) {
    const address = useCertificate(context, certificate);
    if (certificate.ocsp !== null) stapled.set(address, certificate.ocsp);
  }
  openssl.useAutomaticDh(context);
  if (!plan.preferClientCiphers) openssl.setOptions(context, openssl.OPTION.cipherServerPreference);
  if (!plan.tickets) openssl.setOptions(context, openssl.OPTION.noTicket);
  // Tickets are opened with the keys of the context that a connection began with, whatever name it asks for: only the session context tells apart.
  if (plan.ticketKeys !== null) onTicket(context, functions.ticket);
  else {
    const ticketKeys = new Uint8Array(hkdfSync("sha256", secret, place, "ringway tickets", TICKET_KEYS_BYTES));
    must(openssl.setTicketKeys(context, ticketKeys), "ticket keys");
  }
  must(openssl.setSessionContext(context, derive("session context", SESSION_CONTEXT_BYTES)), "session context");
  if (functions.sessions === null) limitTickets(context, functions.sessionLifetimeS);
  else keepSessions(context, functions.sessions, functions.sessionLifetimeS);
  verifyClients(context, policy, functions);
  callbacks.onHello(context, functions.hello);
  callbacks.onServerName(context, functions.serverName);
  callbacks.onAlpn(context, functions.alpn);
  callbacks.onStatus(context, functions.status);
  if (functions.keylog !== null) callbacks.onKeylog(context, functions.keylog);
  return { context, policy, protocols: encodeProtocols(policy.alpn), stapled };
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** The context of connections to one server. */
export function serverContext(plan: TlsServerPlan): number {
  const context = openssl.newContext("client");
  configure(context, plan);
  if (plan.certificate !== null) useCertificate(context, plan.certificate);
  // Without verification they would only be sent along with our own certificate.
  if (plan.verify) {
    trust(context, plan.authorities);
    revoke(context, plan.revocations);
  }
  if (!plan.tickets) openssl.setOptions(context, openssl.OPTION.noTicket);
  openssl.setVerify(context, plan.verify ? openssl.VERIFY.peer : openssl.VERIFY.none, 0);
  if (plan.alpn.length > 0) must(openssl.offerProtocols(context, encodeProtocols(plan.alpn)), "ALPN");
  return context;
}

/** Names as TLS has them: each behind its length. In memory that does not move. */
export function encodeProtocols(names: readonly string[]): Uint8Array {
  return Buffer.concat(names.map((name) => Buffer.from(`${String.fromCharCode(name.length)}${name}`, "latin1")));
}

function configure(context: number, settings: TlsSettingsPlan): void {
  must(context !== 0, "a context");
  const { minVersion, maxVersion, ciphers, cipherSuites, curves, sigalgs, clientSigalgs } = settings;
  must(openssl.setVersions(context, minVersion, maxVersion), "versions");
  if (ciphers !== null) must(openssl.setCiphers(context, ciphers), "ciphers");
  if (cipherSuites !== null) must(openssl.setSuites(context, cipherSuites), "ciphersuites");
  if (curves !== null) must(openssl.setCurves(context, curves), "curves");
  if (sigalgs !== null) must(openssl.setSignatureAlgorithms(context, sigalgs, false), "sigalgs");
  if (clientSigalgs !== null) must(openssl.setSignatureAlgorithms(context, clientSigalgs, true), "client-sigalgs");
}

/** Gives the address of the certificate, which is the context's. */
function useCertificate(context: number, { file, certificates, key }: CertificatePlan): number {
  const [leaf, ...chain] = openssl.certificatesOf(certificates);
  const privateKey = openssl.keyOf(key);
  must(leaf !== undefined && openssl.useCertificate(context, leaf) === 1, `the certificate of ${file}`);
  must(privateKey !== 0 && openssl.usePrivateKey(context, privateKey) === 1, `the key of ${file}`);
  for (const certificate of chain) must(openssl.addChainCertificate(context, certificate), `the chain of ${file}`);
  openssl.freeKey(privateKey);
  for (const certificate of [leaf!, ...chain]) openssl.freeCertificate(certificate);
  return leaf!;
}

function verifyClients(context: number, policy: TlsPolicyPlan, { verify }: ContextCallbacks): void {
  if (policy.verify === "none") return;
  trust(context, policy.authorities, policy.showsAuthorities);
  trust(context, policy.hiddenAuthorities);
  revoke(context, policy.revocations);
  const mode = openssl.VERIFY.peer | (policy.verify === "required" ? openssl.VERIFY.failIfNone : 0);
  callbacks.onVerify(context, mode, verify);
}

function trust(context: number, authorities: TrustPlan | null, shown = false): void {
  const store = openssl.certificateStore(context);
  for (const certificate of authorities === null ? [] : openssl.certificatesOf(authorities.pem)) {
    openssl.addTrusted(store, certificate);
    if (shown) openssl.addClientCa(context, certificate);
    openssl.freeCertificate(certificate);
  }
  openssl.clearErrors();
}

function revoke(context: number, revocations: TrustPlan | null): void {
  if (revocations === null) return;
  const store = openssl.certificateStore(context);
  for (const crl of openssl.crlsOf(revocations.pem)) {
    openssl.addRevocations(store, crl);
    openssl.freeCrl(crl);
  }
  openssl.setStoreFlags(store, openssl.CHECK_REVOCATIONS);
}

function must(done: boolean, what: string): void {
  if (!done) throw new Error(`TLS: ${what} cannot be used: ${openssl.takeError()}`);
}
