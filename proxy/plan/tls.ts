// TLS of listeners and of connections to servers. Data of the plan (plan.ts); keys in it are never shown and never logged. What several lines name is
// one object here, and stays one when the plan is cloned for a worker.

import type { SamplePlan } from "./expression.ts";

/** What `global` says about TLS as a whole. */
export interface TlsGlobalPlan {
  /** `tune.ssl.capture-buffer-size`: what is kept of clients' hellos, 0: nothing. */
  readonly captureBytes: number;
  /** `tune.ssl.keylog`: secrets are kept for samples. */
  readonly keylog: boolean;
  /** `tune.ssl.cachesize`: blocks of sessions that are resumed without a ticket, 0: none are. */
  readonly sessionBlocks: number;
  /** `tune.ssl.lifetime`: how long a session may be resumed. */
  readonly sessionLifetimeS: number;
  /** All files that were loaded, used by a line or not, in the order of their names' first mention. */
  readonly certificates: readonly CertificatePlan[];
  readonly authorities: readonly TrustPlan[];
  readonly revocations: readonly TrustPlan[];
  readonly ticketKeys: readonly TicketKeysPlan[];
  readonly ocspUpdates: OcspUpdatesPlan;
  /** `crt-base`, "": none. */
  readonly crtBase: string;
  /** `issuers-chain-path`. */
  readonly issuerChains: readonly IssuerChainPlan[];
}

/** `ocsp-update`: whose responses are fetched, and how often. */
export interface OcspUpdatesPlan {
  /** Certificates by name. */
  readonly files: readonly string[];
  /** `ocsp-update.mode`: of what the runtime API adds without a word. */
  readonly byDefault: boolean;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

export const NO_OCSP_UPDATES: OcspUpdatesPlan = {
  files: [],
  byDefault: false,
  minDelayMs: 300_000,
  maxDelayMs: 3_600_000,
};

/** Certificates of a file, PEM, the one that issues first. */
export interface IssuerChainPlan {
  readonly file: string;
  readonly certificates: readonly string[];
}

/** `tls-ticket-keys`: what session tickets are sealed with, the same at every machine that has the file. */
export interface TicketKeysPlan {
  readonly file: string;
  /** The oldest first; the last but one seals, all of them open. 48 or all 80 bytes each. */
  readonly keys: readonly Uint8Array[];
}

/** A certificate with its chain and key, as PEM. */
export interface CertificatePlan {
  /** Where it was read, or what a crt-store calls it: its name in the runtime API. */
  readonly file: string;
  readonly certificates: Uint8Array;
  /** The file of `issuers-chain-path` that completed them; absent: they are as they were read. */
  readonly chainFile?: string;
  readonly key: Uint8Array;
  readonly keyType: "rsa" | "ec" | "other";
  /** Names it is for, lower case; `*.` in front stands for one label. */
  readonly names: readonly string[];
  /** What is stapled (`FILE.ocsp`, DER), and who signed it, where the bundle does not hold it (`FILE.issuer`, PEM). */
  readonly ocsp: Uint8Array | null;
  readonly issuer: Uint8Array | null;
  /** Rises when the runtime API replaces it. */
  readonly version: number;
}

/** Authorities or revocation lists of one file, as PEM. */
export interface TrustPlan {
  readonly file: string;
  readonly pem: Uint8Array;
  readonly version: number;
}

/** TLS versions as OpenSSL numbers them (0x303 is TLSv1.2), 0: no bound. */
export interface TlsSettingsPlan {
  readonly minVersion: number;
  readonly maxVersion: number;
  /** OpenSSL's lists, null: its defaults. */
  readonly ciphers: string | null;
  readonly cipherSuites: string | null;
  readonly curves: string | null;
  readonly sigalgs: string | null;
  readonly clientSigalgs: string | null;
  /** In order of preference. */
  readonly alpn: readonly string[];
}

/** What may differ from certificate to certificate of a crt-list. */
export interface TlsPolicyPlan extends TlsSettingsPlan {
  readonly verify: "none" | "optional" | "required";
  /** Authorities for clients' certificates. */
  readonly authorities: TrustPlan | null;
  /** `ca-verify-file`: more of them, whose names clients are not shown. */
  readonly hiddenAuthorities: TrustPlan | null;
  readonly revocations: TrustPlan | null;
  /** Clients are shown the authorities' names (`no-ca-names`). */
  readonly showsAuthorities: boolean;
}

/** One `crt` of a line, or one line of a crt-list or directory. */
export interface TlsEntryPlan {
  readonly certificate: CertificatePlan;
  /** The crt-list's or directory's name, "": `crt` names the file itself. */
  readonly list: string;
  readonly line: number;
  /** SNI filters, `!` in front: not these; none: the certificate's own names. */
  readonly filters: readonly string[];
  /** The options between brackets as written. */
  readonly options: string;
  /** null: the bind line's. */
  readonly policy: TlsPolicyPlan | null;
}

/** "all": none ends the handshake. */
export type IgnoredErrors = "all" | readonly number[];

export interface TlsBindPlan extends TlsPolicyPlan {
  /** The first is what clients get who ask for no name, or for one that nobody has. */
  readonly entries: readonly TlsEntryPlan[];
  /** crt-lists and directories that the line names, also when they are empty. */
  readonly lists: readonly string[];
  /** Such clients get nothing instead. */
  readonly strictSni: boolean;
  /** `crt-ignore-err`, `ca-ignore-err`: X509_V_ERR numbers that do not end the handshake, of the client's own certificate and of its authorities. */
  readonly ignoredErrors: IgnoredErrors;
  readonly ignoredAuthorityErrors: IgnoredErrors;
  readonly tickets: boolean;
  /** null: keys of our own that only the generations of this process share. */
  readonly ticketKeys: TicketKeysPlan | null;
  readonly preferClientCiphers: boolean;
}

/**
 * What the runtime API changed: listeners and servers as they are now. Of a certificate that the worker has already only the name is there
 * (`key` is empty).
 */
export interface TlsChange {
  readonly listeners: readonly { readonly listener: number; readonly plan: TlsBindPlan }[];
  readonly servers: readonly { readonly server: number; readonly plan: TlsServerPlan }[];
}

export interface TlsServerPlan extends TlsSettingsPlan {
  readonly verify: boolean;
  /** null: none. */
  readonly authorities: TrustPlan | null;
  readonly revocations: TrustPlan | null;
  /** Shown to servers that ask for one. */
  readonly certificate: CertificatePlan | null;
  /** SNI, and the name that the certificate must be for unless `verifyHost` says another; null: none is sent. */
  readonly sni: SamplePlan | null;
  readonly verifyHost: string | null;
  readonly reuse: boolean;
  readonly tickets: boolean;
}
