// `ocsp-update`: OCSP responses are fetched from the responders that certificates name, and stapled from then on, in every worker.
//
//   no response yet ─► at once        a response ─► a minute before it ends, within mindelay and maxdelay
//   a failure ─► mindelay, doubled with each further one, up to maxdelay
//
// A response is taken only when it is about the certificate and signed by its issuer or whom that one appointed. Responders are asked by node:http on the
// main thread; with a chroot their names are looked up inside it.

import { X509Certificate } from "node:crypto";
import { request } from "node:http";
import {
  isOcspSigned,
  ocspCertificateId,
  ocspRequest,
  ocspResponseId,
  ocspText,
} from "../../../shared/ffi/openssl-ocsp.ts";
import type { CertificatePlan, OcspUpdatesPlan } from "../../plan/tls.ts";
import type { LiveTlsFiles } from "./live-files.ts";

/** HAProxy's numbers and words of how an update ended. */
export const OCSP_STATUS = { unknown: 0, ok: 1, http: 2, header: 3, check: 4, insert: 5 } as const;
export const OCSP_STATUS_TEXT: readonly string[] = [
  "Unknown",
  "Update successful",
  "HTTP error",
  'Missing "ocsp-response" header',
  "OCSP response check failure",
  "Error during insertion",
];

const ANSWER_MS = 10_000;
const ANSWER_BYTES_MAX = 65_536;
/** Before the end of a response. */
const MARGIN_MS = 60_000;
const TIMER_MAX_MS = 3_600_000;

export interface OcspUpdate {
  readonly file: string;
  /** Milliseconds since the epoch; null: never. */
  nextMs: number;
  lastMs: number | null;
  successes: number;
  failures: number;
  /** OCSP_STATUS. */
  status: number;
  failuresInRow: number;
  isRunning: boolean;
}

/** What an update needs to know of its certificate. */
interface Target {
  readonly certificate: CertificatePlan;
  readonly id: Uint8Array;
  readonly uri: string;
}

export interface OcspUpdatesOptions {
  readonly plan: OcspUpdatesPlan;
  readonly tlsFiles: LiveTlsFiles;
  /** The log line of an update. */
  readonly say: (text: string) => void;
}

export class OcspUpdates {
  readonly #plan: OcspUpdatesPlan;
  readonly #tlsFiles: LiveTlsFiles;
  readonly #say: (text: string) => void;
  readonly #updates: OcspUpdate[];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ plan, tlsFiles, say }: OcspUpdatesOptions) {
    this.#plan = plan;
    this.#tlsFiles = tlsFiles;
    this.#say = say;
    this.#updates = plan.files.map(newUpdate);
  }

  start(): void {
    const nowMs = Date.now();
    for (const update of this.#updates) {
      const ocsp = this.#tlsFiles.certificates.get(update.file)?.ocsp ?? null;
      update.nextMs = ocsp === null ? nowMs : this.#afterSuccess(ocsp, nowMs);
    }
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Those whose certificates are in use and name a responder, the next one first. */
  list(): { readonly update: OcspUpdate; readonly id: Uint8Array }[] {
    const known = this.#updates.flatMap((update) => {
      const target = this.#targetOf(update.file);
      return target === null ? [] : [{ update, id: target.id }];
    });
    return known.sort((a, b) => a.update.nextMs - b.update.nextMs);
  }

  /**
   * A line of a crt-list is to be added. False: the certificate is in use already, with the opposite.
   * @param mode its `ocsp-update`, undefined: it says nothing
   */
  watch(file: string, mode: string | undefined): boolean {
    const wanted = mode === "on" || (mode !== "off" && this.#plan.byDefault);
    const at = this.#updates.findIndex((update) => update.file === file);
    if (at >= 0 === wanted) return true;
    if (this.#tlsFiles.isShown(file)) return false;
    if (wanted) this.#updates.push(newUpdate(file));
    else this.#updates.splice(at, 1);
    return true;
  }

  /** The line was added: the certificate is in use from now on. */
  added(file: string): void {
    const update = this.#updates.find((each) => each.file === file);
    if (update !== undefined && update.lastMs === null) update.nextMs = Date.now();
    this.#arm();
  }

  /** `update ssl ocsp-response`. False: there is nothing to fetch for that certificate. */
  hurry(file: string): boolean {
    if (this.#targetOf(file) === null) return false;
    // Without `ocsp-update on` it is fetched this once.
    const update = this.#updates.find((each) => each.file === file) ?? newUpdate(file);
    if (!update.isRunning) void this.#run(update);
    return true;
  }

  /** Null: the certificate is not shown to clients, names no responder, or its issuer is unknown. */
  #targetOf(file: string): Target | null {
    const certificate = this.#tlsFiles.certificates.get(file) ?? null;
    if (certificate === null || !this.#tlsFiles.isShown(file)) return null;
    const { infoAccess } = new X509Certificate(Buffer.from(certificate.certificates));
    const uri = /^OCSP - URI:(http:\S+)$/m.exec(infoAccess ?? "")?.[1];
    const id = uri === undefined ? null : ocspCertificateId(certificate.certificates, certificate.issuer);
    return uri === undefined || id === null ? null : { certificate, id, uri };
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#closed || this.#updates.length === 0 || this.#updates.some(({ isRunning }) => isRunning)) return;
    const delayMs = Math.min(...this.#updates.map(({ nextMs }) => nextMs)) - Date.now();
    this.#timer = setTimeout(() => this.#due(), Math.min(TIMER_MAX_MS, Math.max(0, delayMs)));
    this.#timer.unref();
  }

  #due(): void {
    const nowMs = Date.now();
    for (const update of this.#updates) {
      if (update.nextMs > nowMs) continue;
      if (this.#targetOf(update.file) !== null) {
        // One at a time: the end of this one looks for the next.
        void this.#run(update);
        return;
      }
      // Not in use at the moment: a crt-list may bring it back.
      update.nextMs = nowMs + this.#plan.minDelayMs;
    }
    this.#arm();
  }

  async #run(update: OcspUpdate): Promise<void> {
    update.isRunning = true;
    const status = await this.#fetch(update.file);
    update.isRunning = false;
    if (this.#closed) return;
    const nowMs = Date.now();
    update.status = status;
    if (status === OCSP_STATUS.ok) {
      update.successes++;
      update.failuresInRow = 0;
      update.lastMs = nowMs;
      update.nextMs = this.#afterSuccess(this.#tlsFiles.certificates.get(update.file)!.ocsp!, nowMs);
    } else {
      update.failures++;
      update.nextMs = nowMs + Math.min(this.#plan.maxDelayMs, this.#plan.minDelayMs * 2 ** update.failuresInRow++);
    }
    const { failures, file, successes } = update;
    this.#say(`<OCSP-UPDATE> ${file} ${status} "${OCSP_STATUS_TEXT[status]}" ${failures} ${successes}`);
    this.#arm();
  }

  #afterSuccess(ocsp: Uint8Array, nowMs: number): number {
    const { minDelayMs, maxDelayMs } = this.#plan;
    const ends = /Next Update: (.+)/.exec(ocspText(ocsp) ?? "")?.[1];
    const endMs = ends === undefined ? Number.NaN : Date.parse(ends);
    const wanted = Number.isNaN(endMs) ? nowMs + minDelayMs : endMs - MARGIN_MS;
    return Math.max(nowMs + minDelayMs, Math.min(nowMs + maxDelayMs, wanted));
  }

  /** @returns OCSP_STATUS */
  async #fetch(file: string): Promise<number> {
    const target = this.#targetOf(file);
    if (target === null) return OCSP_STATUS.unknown;
    const der = await ask(target.uri, ocspRequest(target.id));
    if (typeof der === "number") return der;
    const { certificates, issuer } = target.certificate;
    const about = ocspResponseId(der);
    const isAbout = about !== null && Buffer.from(about).equals(Buffer.from(target.id));
    if (!isAbout || !isOcspSigned(der, certificates, issuer)) return OCSP_STATUS.check;
    // What was committed meanwhile stays.
    const now = this.#tlsFiles.certificates.get(file) ?? null;
    if (now === null || !Buffer.from(now.certificates).equals(Buffer.from(certificates))) return OCSP_STATUS.insert;
    const uses = await this.#tlsFiles.replaceCertificate({ ...now, ocsp: der });
    return typeof uses === "string" ? OCSP_STATUS.insert : OCSP_STATUS.ok;
  }
}

function newUpdate(file: string): OcspUpdate {
  return {
    ...{ file, nextMs: 0, lastMs: null, successes: 0, failures: 0, failuresInRow: 0 },
    ...{ status: OCSP_STATUS.unknown, isRunning: false },
  };
}

/** Asks a responder. A number is the OCSP_STATUS of why it gave nothing. */
function ask(uri: string, body: Uint8Array): Promise<Uint8Array | number> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/ocsp-request", "content-length": body.length };
    const asked = request(uri, { method: "POST", headers, agent: false, timeout: ANSWER_MS }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) asked.destroy();
      });
      response.on("error", () => resolve(OCSP_STATUS.http));
      response.on("end", () => {
        if (response.statusCode !== 200) resolve(OCSP_STATUS.http);
        else if (response.headers["content-type"] !== "application/ocsp-response") resolve(OCSP_STATUS.header);
        else resolve(new Uint8Array(Buffer.concat(chunks)));
      });
    });
    const limit = setTimeout(() => asked.destroy(), ANSWER_MS);
    asked.on("close", () => {
      clearTimeout(limit);
      resolve(OCSP_STATUS.http);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(OCSP_STATUS.http));
    asked.end(body);
  });
}
