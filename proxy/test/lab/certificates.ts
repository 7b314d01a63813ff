// Certificates for tests, made by the openssl program in a folder of their own: nothing that looks like a key is ever committed.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Teardown } from "./program.ts";

export interface MadeCertificate {
  /** Certificate and key in one file, as `crt` takes it. */
  readonly bundle: string;
  readonly certificate: string;
  readonly key: string;
}

export class CertificateShop {
  readonly folder: string;
  #count = 0;
  #authority: MadeCertificate | null = null;

  constructor(t: Teardown) {
    this.folder = mkdtempSync(join(tmpdir(), "ringway-certificates-"));
    t.teardown(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  /** Signs what `issue` makes, and itself. */
  get authority(): MadeCertificate {
    this.#authority ??= this.#make(
      "Test authority",
      ["-x509", "-days", "30"],
      "ec",
      "basicConstraints=critical,CA:TRUE",
    );
    return this.#authority;
  }

  /** A certificate of its own making. @param names for SNI */
  selfSigned(name: string, names: readonly string[] = [name], kind: "ec" | "rsa" = "ec"): MadeCertificate {
    return this.#make(name, ["-x509", "-days", "30"], kind, alternatives(names));
  }

  /** A certificate signed by the authority. */
  issue(name: string, names: readonly string[] = [name], kind: "ec" | "rsa" = "ec"): MadeCertificate {
    const { certificate, key } = this.authority;
    const signing = ["-CA", certificate, "-CAkey", key, "-x509", "-days", "30"];
    return this.#make(name, signing, kind, alternatives(names));
  }

  #make(name: string, how: readonly string[], kind: "ec" | "rsa", extension: string): MadeCertificate {
    const stem = join(this.folder, String(this.#count++));
    const [certificate, key, bundle] = [`${stem}.crt.pem`, `${stem}.key.pem`, `${stem}.pem`];
    const algorithm = kind === "ec" ? ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["rsa:2048"];
    const args = [
      "req",
      "-newkey",
      ...algorithm,
      "-nodes",
      "-keyout",
      key,
      "-out",
      certificate,
      "-subj",
      `/C=FR/O=Ringway/CN=${name}`,
    ];
    execFileSync("openssl", [...args, ...how, "-addext", extension], { stdio: "ignore" });
    writeFileSync(bundle, readFileSync(certificate, "latin1") + readFileSync(key, "latin1"));
    return { bundle, certificate, key };
  }
}

function alternatives(names: readonly string[]): string {
  return `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`;
}
