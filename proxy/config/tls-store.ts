// The TLS files of one configuration, each read once: certificates, crt-stores, authorities, revocation lists. What several lines name is one object.

import type { CertificatePlan, IssuerChainPlan, TicketKeysPlan, TrustPlan } from "../plan/tls.ts";
import { completeChain } from "./issuer-chains.ts";
import {
  ALL_COMPANIONS,
  bundlePaths,
  type CertificateFiles,
  type CompanionRules,
  type Loaded,
  loadAuthorities,
  loadCertificate,
  loadCertificateFiles,
  loadRevocations,
  loadSystemAuthorities,
  loadTicketKeys,
  SYSTEM_CA,
} from "./tls-files.ts";

export class TlsStore {
  /** What `global` says about files beside bundles. */
  rules: CompanionRules = ALL_COMPANIONS;
  /** What lines say of `ocsp-update`, by certificate. */
  readonly #ocspUpdates = new Map<string, { readonly isOn: boolean; readonly isStored: boolean }>();
  /** `issuers-chain-path`: what completes certificates that are loaded from then on. */
  issuerChains: readonly IssuerChainPlan[] = [];
  readonly #certificates = new Map<string, Loaded<CertificatePlan>>();
  readonly #authorities = new Map<string, Loaded<TrustPlan>>();
  readonly #revocations = new Map<string, Loaded<TrustPlan>>();
  readonly #ticketKeys = new Map<string, Loaded<TicketKeysPlan>>();
  /** `alias` of crt-stores: "@store/alias". */
  readonly #aliases = new Map<string, string>();

  /** All that were loaded, by name. */
  get certificates(): CertificatePlan[] {
    return [...this.#certificates.values()].flatMap((loaded) => (loaded.ok ? [loaded.value] : []));
  }

  get authorities(): TrustPlan[] {
    return [...this.#authorities.values()].flatMap((loaded) => (loaded.ok ? [loaded.value] : []));
  }

  get ticketKeys(): TicketKeysPlan[] {
    return [...this.#ticketKeys.values()].flatMap((loaded) => (loaded.ok ? [loaded.value] : []));
  }

  /** Keys of session tickets by their file. */
  ticketKeysOf(file: string): Loaded<TicketKeysPlan> {
    const loaded = this.#ticketKeys.get(file) ?? loadTicketKeys(file);
    this.#ticketKeys.set(file, loaded);
    return loaded;
  }

  get revocations(): TrustPlan[] {
    return [...this.#revocations.values()].flatMap((loaded) => (loaded.ok ? [loaded.value] : []));
  }

  /** `load` of a crt-store. @param name its name elsewhere: "@store/file", or the file's where the store has none */
  load(name: string, alias: string | null, files: CertificateFiles): Loaded<CertificatePlan> {
    if (alias !== null) this.#aliases.set(alias, name);
    const loaded = this.#completed(loadCertificateFiles(name, files, this.rules));
    this.#certificates.set(name, loaded);
    return loaded;
  }

  /** One certificate by its file or by what a crt-store calls it. */
  certificate(name: string): Loaded<CertificatePlan> {
    const known = this.known(name);
    if (known !== null) return known;
    const loaded = this.#completed(loadCertificate(name, this.rules));
    this.#certificates.set(name, loaded);
    return loaded;
  }

  #completed(loaded: Loaded<CertificatePlan>): Loaded<CertificatePlan> {
    return loaded.ok ? { ok: true, value: completeChain(loaded.value, this.issuerChains) } : loaded;
  }

  /** What was loaded under that name or alias before; null: nothing. */
  known(name: string): Loaded<CertificatePlan> | null {
    return this.#certificates.get(this.#aliases.get(name) ?? name) ?? null;
  }

  /** Whether a name is one of a crt-store, which is never a file's. */
  isStored(name: string): boolean {
    return name.startsWith("@");
  }

  /** The certificates of a file, of the bundles beside it, or of a directory. */
  all(name: string): Loaded<CertificatePlan[]> {
    const known = this.known(name);
    if (known !== null) return known.ok ? { ok: true, value: [known.value] } : known;
    if (this.isStored(name)) return { ok: false, problem: `unable to find '${name}' in a crt-store.` };
    const paths = bundlePaths(name, this.rules);
    if (!paths.ok) return paths;
    const certificates: CertificatePlan[] = [];
    for (const path of paths.value) {
      const loaded = this.certificate(path);
      if (!loaded.ok) return loaded;
      certificates.push(loaded.value);
    }
    return { ok: true, value: certificates };
  }

  /** `ocsp-update` of a crt-store. */
  storeOcspUpdate(file: string, isOn: boolean): void {
    this.#ocspUpdates.set(file, { isOn, isStored: true });
  }

  /**
   * `ocsp-update` of a crt-list's line, or what a bind line that names the certificate comes to, which yields to a crt-store. False: another line says
   * the opposite of the same certificate.
   */
  setOcspUpdate(file: string, isOn: boolean, isWritten: boolean): boolean {
    const said = this.#ocspUpdates.get(file) ?? { isOn, isStored: false };
    this.#ocspUpdates.set(file, said);
    return said.isOn === isOn || (said.isStored && !isWritten);
  }

  /** Names of certificates whose OCSP responses are fetched. @param byDefault `ocsp-update.mode` */
  ocspUpdates(byDefault: boolean): string[] {
    return this.certificates.map(({ file }) => file).filter((file) => this.#ocspUpdates.get(file)?.isOn ?? byDefault);
  }

  trust(kind: "authorities" | "revocations", path: string): Loaded<TrustPlan> {
    const cache = kind === "authorities" ? this.#authorities : this.#revocations;
    let loaded = cache.get(path);
    if (loaded === undefined) {
      if (kind === "revocations") loaded = loadRevocations(path);
      else loaded = path === SYSTEM_CA ? { ok: true, value: loadSystemAuthorities() } : loadAuthorities(path);
      cache.set(path, loaded);
    }
    return loaded;
  }
}
