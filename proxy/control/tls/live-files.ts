// TLS files while the process runs: certificates, authorities, revocation lists and crt-lists as the runtime API shows and changes them.
//
//   set … (a transaction) ─▶ commit ─▶ plans of the listeners and servers that use the file ─▶ every worker ─▶ "tls-done" ─▶ the answer
//
// Files on disk are never written. A worker that is started anew begins with the plan and is told the rest before it accepts (`briefing`).

import * as openssl from "../../../shared/ffi/openssl.ts";
import type { Plan } from "../../plan/plan.ts";
import type {
  CertificatePlan,
  IssuerChainPlan,
  TicketKeysPlan,
  TlsBindPlan,
  TlsChange,
  TlsEntryPlan,
  TlsPolicyPlan,
  TlsServerPlan,
  TrustPlan,
} from "../../plan/tls.ts";
import { type SharedState, WORKER } from "../../shared-state/layout.ts";
import type { WorkerGroup } from "../control-plane.ts";
import { WORKER_STATE } from "../workers.ts";

/** A worker that does not answer for so long hangs: the change waits in its port, nobody else shall. */
const SETTLE_MAX_MS = 10_000;
const SETTLE_LOOK_MS = 50;
/** Workers that start have the change in their port already, and may have begun to accept. */
const ALIVE: readonly number[] = [WORKER_STATE.starting, WORKER_STATE.running];
const EMPTY = new Uint8Array(0);

export type TrustKind = "authorities" | "revocations";

/** A certificate in a transaction: parts are replaced one by one, and only fit together when it is committed. */
export interface CertificateDraft {
  readonly file: string;
  certificates: string | null;
  key: string | null;
  ocsp: Uint8Array | null;
  issuer: Uint8Array | null;
}

export interface TrustDraft {
  readonly file: string;
  readonly pem: Uint8Array;
}

/** A crt-list or directory. */
export interface LiveList {
  readonly name: string;
  readonly entries: readonly TlsEntryPlan[];
}

export class LiveTlsFiles {
  /** By name; null: made by `new` and still empty. */
  readonly certificates = new Map<string, CertificatePlan | null>();
  readonly trust: Readonly<Record<TrustKind, Map<string, TrustPlan | null>>> = {
    authorities: new Map(),
    revocations: new Map(),
  };
  /** By their file, in the order in which the configuration names them. */
  readonly ticketKeys = new Map<string, TicketKeysPlan>();
  /** Rises with every certificate and every trust that takes another's place. */
  generation = 0;
  /** Transactions, one of each kind at a time. */
  certificateDraft: CertificateDraft | null = null;
  readonly trustDrafts: Record<TrustKind, TrustDraft | null> = { authorities: null, revocations: null };
  readonly #plan: Plan;
  readonly #workers: WorkerGroup;
  readonly #shared: SharedState;
  readonly #binds: (TlsBindPlan | null)[];
  readonly #servers: (TlsServerPlan | null)[];
  readonly #changedBinds = new Set<number>();
  readonly #changedServers = new Set<number>();
  #sequence = 0;
  /** Per worker: the last change that it has. */
  readonly #done: number[];

  constructor(plan: Plan, shared: SharedState, workers: WorkerGroup) {
    this.#plan = plan;
    this.#workers = workers;
    this.#shared = shared;
    for (const each of plan.global.tls.certificates) this.certificates.set(each.file, each);
    for (const each of plan.global.tls.authorities) this.trust.authorities.set(each.file, each);
    for (const each of plan.global.tls.revocations) this.trust.revocations.set(each.file, each);
    for (const each of plan.global.tls.ticketKeys) this.ticketKeys.set(each.file, each);
    this.#binds = plan.listeners.map(({ tls }) => tls);
    this.#servers = plan.servers.map(({ connection }) => connection.tls);
    this.#done = Array.from({ length: workers.count }, () => 0);
    workers.messages.hear("tls-done", (worker, { sequence }) => {
      this.#done[worker] = sequence;
    });
    workers.messages.brief(() =>
      this.#sequence === 0 ? [] : [{ type: "tls", sequence: this.#sequence, change: this.#briefing() }],
    );
  }

  /** The certificate that a line of a crt-list names, which may lie below `crt-base`. */
  nameOf(written: string): string {
    const { crtBase } = this.#plan.global.tls;
    const below = `${crtBase}/${written}`;
    return crtBase !== "" && !this.certificates.has(written) && this.certificates.has(below) ? below : written;
  }

  /** `issuers-chain-path`. */
  get issuerChains(): readonly IssuerChainPlan[] {
    return this.#plan.global.tls.issuerChains;
  }

  /** Listeners. */
  get count(): number {
    return this.#binds.length;
  }

  bindOf(listener: number): TlsBindPlan | null {
    return this.#binds[listener] ?? null;
  }

  serverOf(server: number): TlsServerPlan | null {
    return this.#servers[server] ?? null;
  }

  /** crt-lists and directories, by name. */
  get lists(): LiveList[] {
    const lists = new Map<string, LiveList>();
    for (const bind of this.#binds)
      for (const name of bind?.lists ?? [])
        if (!lists.has(name)) lists.set(name, { name, entries: bind!.entries.filter(({ list }) => list === name) });
    return [...lists.values()];
  }

  /** To clients. */
  isShown(file: string): boolean {
    return this.#binds.some((bind) => bind?.entries.some(({ certificate }) => certificate.file === file) === true);
  }

  isCertificateUsed(file: string): boolean {
    return this.isShown(file) || this.#servers.some((server) => server?.certificate?.file === file);
  }

  isTrustUsed(kind: TrustKind, file: string): boolean {
    const names = ({ authorities, hiddenAuthorities, revocations }: TlsPolicyPlan) =>
      (kind === "authorities" ? [authorities, hiddenAuthorities] : [revocations]).map((each) => each?.file);
    const isAsked = this.#binds.some(
      (bind) =>
        bind !== null &&
        [bind, ...bind.entries.map(({ policy }) => policy ?? bind)].some((policy) => names(policy).includes(file)),
    );
    return isAsked || this.#servers.some((server) => server?.[kind]?.file === file);
  }

  /** TLS towards a server with the files as they are now. */
  asTheyAre(tls: TlsServerPlan): TlsServerPlan {
    const { authorities, certificate, revocations } = tls;
    return {
      ...tls,
      authorities: authorities && (this.trust.authorities.get(authorities.file) ?? authorities),
      revocations: revocations && (this.trust.revocations.get(revocations.file) ?? revocations),
      certificate: certificate && (this.certificates.get(certificate.file) ?? certificate),
    };
  }

  /** Puts a certificate in the place of the one of its name. How many places use it; text: what OpenSSL has against it. */
  async replaceCertificate(certificate: CertificatePlan): Promise<number | string> {
    const problem = trial(certificate);
    if (problem !== null) return problem;
    const former = this.certificates.get(certificate.file) ?? null;
    const next = { ...certificate, version: (former?.version ?? 0) + 1 };
    this.certificates.set(next.file, next);
    this.generation++;
    let uses = 0;
    const swap = (each: CertificatePlan): CertificatePlan => {
      if (each.file !== next.file) return each;
      uses++;
      return next;
    };
    await this.#change(
      (bind) => {
        if (!bind.entries.some((entry) => entry.certificate.file === next.file)) return bind;
        return { ...bind, entries: bind.entries.map((entry) => ({ ...entry, certificate: swap(entry.certificate) })) };
      },
      (server) =>
        server.certificate?.file === next.file ? { ...server, certificate: swap(server.certificate) } : server,
      new Set([next.file]),
    );
    return uses;
  }

  /** Puts authorities or revocation lists in the place of those of their name. How many places use them. */
  async replaceTrust(kind: TrustKind, { file, pem }: TrustDraft): Promise<number> {
    const next: TrustPlan = { file, pem, version: (this.trust[kind].get(file)?.version ?? 0) + 1 };
    this.trust[kind].set(file, next);
    this.generation++;
    let uses = 0;
    const swap = <T extends TrustPlan | null>(each: T): T => {
      if (each?.file !== file) return each;
      uses++;
      return next as T;
    };
    const swapped = <T extends TlsPolicyPlan>(policy: T): T =>
      kind === "authorities"
        ? { ...policy, authorities: swap(policy.authorities), hiddenAuthorities: swap(policy.hiddenAuthorities) }
        : { ...policy, revocations: swap(policy.revocations) };
    await this.#change(
      (bind) => {
        const before = uses;
        const own = swapped(bind);
        const entries = own.entries.map((entry) => ({ ...entry, policy: entry.policy && swapped(entry.policy) }));
        return uses === before ? bind : { ...own, entries };
      },
      (server) => (server[kind]?.file === file ? { ...server, [kind]: swap(server[kind]) } : server),
      new Set(),
    );
    return uses;
  }

  /** Adds a key that seals tickets after the next change; the oldest one goes. */
  async rotateTicketKeys(file: string, key: Uint8Array): Promise<void> {
    const former = this.ticketKeys.get(file)!;
    const next = { file, keys: [...former.keys.slice(1), key] };
    this.ticketKeys.set(file, next);
    await this.#change(
      (bind) => (bind.ticketKeys?.file === file ? { ...bind, ticketKeys: next } : bind),
      (server) => server,
      new Set(),
    );
  }

  /** Appends to a crt-list or directory, in every listener that has it. How many have. */
  async addEntry(entry: TlsEntryPlan): Promise<number> {
    let uses = 0;
    await this.#change(
      (bind) => {
        if (!bind.lists.includes(entry.list)) return bind;
        uses++;
        return { ...bind, entries: [...bind.entries, entry] };
      },
      (server) => server,
      new Set([entry.certificate.file]),
    );
    return uses;
  }

  async removeEntry(entry: TlsEntryPlan): Promise<void> {
    const isIt = (each: TlsEntryPlan): boolean =>
      each.list === entry.list && each.line === entry.line && each.certificate.file === entry.certificate.file;
    await this.#change(
      (bind) =>
        bind.lists.includes(entry.list) ? { ...bind, entries: bind.entries.filter((each) => !isIt(each)) } : bind,
      (server) => server,
      new Set(),
    );
  }

  async #change(
    ofBind: (bind: TlsBindPlan) => TlsBindPlan,
    ofServer: (server: TlsServerPlan) => TlsServerPlan,
    changed: ReadonlySet<string>,
  ): Promise<void> {
    const listeners: { listener: number; plan: TlsBindPlan }[] = [];
    const servers: { server: number; plan: TlsServerPlan }[] = [];
    // Lines with several addresses share one plan.
    const made = new Map<TlsBindPlan, TlsBindPlan>();
    for (const [listener, bind] of this.#binds.entries()) {
      if (bind === null) continue;
      const next = made.get(bind) ?? ofBind(bind);
      made.set(bind, next);
      if (next === bind) continue;
      this.#binds[listener] = next;
      this.#changedBinds.add(listener);
      listeners.push({ listener, plan: named(next, (file) => !changed.has(file)) });
    }
    for (const [index, server] of this.#servers.entries()) {
      const next = server && ofServer(server);
      if (next === null || next === server) continue;
      this.#servers[index] = next;
      this.#changedServers.add(index);
      servers.push({ server: index, plan: next });
    }
    if (listeners.length + servers.length === 0) return;
    this.#workers.broadcast({ type: "tls", sequence: ++this.#sequence, change: { listeners, servers } });
    await this.#settled();
  }

  /** What a worker that begins with the plan has missed. */
  #briefing(): TlsChange {
    const atBoot = new Map(this.#plan.global.tls.certificates.map((each) => [each.file, each]));
    const isKnown = (file: string): boolean => atBoot.get(file) === this.certificates.get(file);
    return {
      listeners: [...this.#changedBinds].map((listener) => ({
        listener,
        plan: named(this.#binds[listener]!, isKnown),
      })),
      servers: [...this.#changedServers].map((server) => ({ server, plan: this.#servers[server]! })),
    };
  }

  async #settled(): Promise<void> {
    const wanted = this.#sequence;
    const { words } = this.#shared;
    const isDone = (): boolean =>
      this.#done.every(
        (done, worker) =>
          done >= wanted || !ALIVE.includes(Atomics.load(words, this.#shared.workerAt(worker) + WORKER.state)),
      );
    const deadline = performance.now() + SETTLE_MAX_MS;
    while (!isDone() && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, SETTLE_LOOK_MS));
  }
}

/** The same with nothing but the name of certificates that workers have. */
function named(bind: TlsBindPlan, isKnown: (file: string) => boolean): TlsBindPlan {
  const entries = bind.entries.map((entry) => {
    const { certificate } = entry;
    if (!isKnown(certificate.file)) return entry;
    return { ...entry, certificate: { ...certificate, certificates: EMPTY, key: EMPTY } };
  });
  return { ...bind, entries };
}

/** What OpenSSL has against a certificate, null: nothing. A worker would die of it. */
function trial({ certificates, key }: CertificatePlan): string | null {
  const context = openssl.newContext("server");
  const all = openssl.certificatesOf(certificates);
  const privateKey = openssl.keyOf(key);
  const [leaf, ...chain] = all;
  const isFine =
    leaf !== undefined &&
    privateKey !== 0 &&
    openssl.useCertificate(context, leaf) === 1 &&
    openssl.usePrivateKey(context, privateKey) === 1 &&
    chain.every((each) => openssl.addChainCertificate(context, each));
  const problem = isFine ? null : openssl.takeError();
  for (const each of all) openssl.freeCertificate(each);
  openssl.freeKey(privateKey);
  openssl.freeContext(context);
  return problem;
}
