// TLS options of bind and server lines, sections 5.1 and 5.2, and of `ssl-default-bind-options` and its kin: kept as they are written here; what
// they come to together, and the files that they name, is check/tls.ts's.

import { loadIssuerChains } from "../issuer-chains.ts";
import type { Statement } from "../statement.ts";
import type { GlobalParser } from "./global.ts";

/** What a line says of TLS. */
export interface TlsOptions {
  /** `ssl`. */
  isOn: boolean;
  readonly flags: Map<string, boolean>;
  readonly texts: Map<string, { readonly value: string; readonly at: number }>;
  /** `crt` and `default-crt`, in their order; and `crt-list`. */
  readonly certificates: { readonly path: string; readonly at: number; readonly isDefault: boolean }[];
  readonly lists: { readonly path: string; readonly at: number }[];
  /** What `global` said when the line was read: it may say something else further down. Null: these are `global`'s own. */
  defaults: TlsOptions | null;
}

export function newTlsOptions(): TlsOptions {
  return { isOn: false, flags: new Map(), texts: new Map(), certificates: [], lists: [], defaults: null };
}

export function copyTlsOptions({ isOn, flags, texts, certificates, lists, defaults }: TlsOptions): TlsOptions {
  const own = { flags: new Map(flags), texts: new Map(texts), certificates: [...certificates], lists: [...lists] };
  return { isOn, ...own, defaults };
}

interface HasTls {
  readonly tls: TlsOptions;
}

type Parser = (statement: Statement, at: number, options: HasTls) => string | null;

/** `ssl` and `no-ssl`. */
export function tlsSwitch(isOn: boolean): Parser {
  return (_statement, _at, { tls }) => {
    tls.isOn = isOn;
    return null;
  };
}

/** A switch of the TLS kind; `no-x` takes `x` back. */
export function tlsFlag(name: string, value = true): Parser {
  return (_statement, _at, { tls }) => {
    tls.flags.set(name, value);
    return null;
  };
}

/** `no-verifyhost`: what `default-server` said is taken back. */
export function tlsForget(keyword: string): Parser {
  return (_statement, _at, { tls }) => {
    tls.texts.delete(keyword);
    return null;
  };
}

/** One argument, which is looked at later. */
export const tlsText: Parser = (statement, at, { tls }) => {
  const keyword = statement.text(at);
  const value = statement.text(at + 1);
  if (value === "") return `'${keyword}' : missing ${WORDS[keyword] ?? "value"}`;
  tls.texts.set(keyword, { value, at: at + 1 });
  return null;
};

const WORDS: Readonly<Record<string, string>> = {
  "ca-file": "CAfile path",
  "ca-verify-file": "CAfile path",
  "crl-file": "CRLfile path",
  "tls-ticket-keys": "TLS ticket keys file path",
  alpn: "the comma-delimited ALPN protocol suite",
  ciphers: "cipher suite",
  ciphersuites: "cipher suite",
  curves: "curve suite",
  ecdhe: "named curve",
  sigalgs: "sigalgs suite",
  "client-sigalgs": "sigalgs suite",
  "ca-ignore-err": "error IDs list",
  "crt-ignore-err": "error IDs list",
  verifyhost: "hostname to verify against",
  sni: "expression",
  "check-sni": "SNI",
  "check-alpn": "the comma-delimited ALPN protocol suite",
};

/** One of some words. */
export function tlsWord(words: readonly string[], complaint: (keyword: string, got: string) => string): Parser {
  return (statement, at, { tls }) => {
    const keyword = statement.text(at);
    const value = statement.text(at + 1);
    if (!words.includes(value)) return complaint(keyword, value);
    tls.texts.set(keyword, { value, at: at + 1 });
    return null;
  };
}

export const VERSIONS: readonly string[] = ["SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

export const tlsVersion: Parser = tlsWord(VERSIONS, (keyword, got) =>
  got === "" ? `'${keyword}' : missing argument` : `'${keyword} ${got}' : unknown SSL/TLS version`,
);

export const tlsVerify: Parser = tlsWord(["none", "optional", "required"], (_keyword, got) =>
  got === ""
    ? "'verify' : missing verify method"
    : `'verify' : unknown verify method '${got}', only 'none', 'optional', and 'required' are supported`,
);

export const serverVerify: Parser = tlsWord(["none", "required"], (_keyword, got) =>
  got === ""
    ? "'verify' : missing verify method"
    : `'verify' : unknown verify method '${got}', only 'none' and 'required' are supported`,
);

/** `crt`, `default-crt`. */
export function certificate(isDefault: boolean): Parser {
  return (statement, at, { tls }) => {
    const path = statement.text(at + 1);
    if (path === "") return `'${statement.text(at)}' : missing certificate location`;
    tls.certificates.push({ path, at: at + 1, isDefault });
    return null;
  };
}

export const certificateList: Parser = (statement, at, { tls }) => {
  const path = statement.text(at + 1);
  if (path === "") return "'crt-list' : missing certificate location";
  tls.lists.push({ path, at: at + 1 });
  return null;
};

/** `ssl-default-bind-ciphers <list>` and its kin: what lines have that say nothing of their own. */
export function tlsDefault(side: "bind" | "server", keyword: string): GlobalParser {
  return (statement, { global }) => {
    if (!statement.takesAtMost(1)) return;
    const value = statement.text(1);
    if (value === "") {
      const message = `global statement '${statement.text(0)}' expects a list as an argument.`;
      statement.alert("missing-argument", message, { at: 1 });
    } else global.tlsDefaults[side].texts.set(keyword, { value, at: 1 });
  };
}

/** `ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets`: options of lines, as many as there are. */
export function tlsDefaultOptions(side: "bind" | "server"): GlobalParser {
  return (statement, { global }) => {
    const options = global.tlsDefaults[side];
    if (!statement.has(1)) {
      const message = `global statement '${statement.text(0)}' expects an option as an argument.`;
      statement.alert("missing-argument", message, { at: 1 });
    }
    for (let at = 1; statement.has(at); at++) {
      const word = statement.text(at);
      if (word === "ssl-min-ver" || word === "ssl-max-ver") {
        const problem = tlsVersion(statement, at, { tls: options });
        if (problem !== null) statement.alert("bad-option", `'${statement.text(0)}' : ${problem}`, { at: at + 1 });
        at++;
      } else if (FLAGS.includes(word)) options.flags.set(word, true);
      else if (word === "tls-tickets") options.flags.set("no-tls-tickets", false);
      else {
        const message = `unknown option '${word}' on global statement '${statement.text(0)}'.`;
        statement.alert("unknown-option", message, { at });
      }
    }
  };
}

/** `ssl-load-extra-files`: which files beside a bundle are looked for. */
export const sslLoadExtraFiles: GlobalParser = (statement, { tlsStore }) => {
  const words = statement.textsFrom(1);
  const known = ["none", "all", "bundle", "sctl", "ocsp", "issuer", "key"];
  const wrong = words.findIndex((word) => !known.includes(word));
  if (words.length === 0 || wrong >= 0) {
    const message = `'${statement.text(0)}' expects something in ${known.map((word) => `'${word}'`).join(", ")}.`;
    statement.alert("bad-argument", message, { at: 1 + Math.max(0, wrong) });
    return;
  }
  const has = (word: string): boolean => !words.includes("none") && (words.includes("all") || words.includes(word));
  const { replacesEnding } = tlsStore.rules;
  tlsStore.rules = {
    ...{ key: has("key"), ocsp: has("ocsp"), issuer: has("issuer"), bundle: has("bundle") },
    replacesEnding,
  };
};

/** `issuers-chain-path`: read at once, certificates may be named in the next line. */
export const issuersChainPath: GlobalParser = (statement, { tlsStore }) => {
  const directory = statement.text(1);
  if (!statement.takesAtMost(1)) return;
  if (directory === "") {
    statement.alert("missing-argument", "global statement 'issuers-chain-path' expects a directory path.", { at: 1 });
    return;
  }
  const loaded = loadIssuerChains(directory);
  if (loaded.ok) tlsStore.issuerChains = [...tlsStore.issuerChains, ...loaded.value];
  else statement.alert("unreadable", `'issuers-chain-path' : ${loaded.problem}`, { at: 1 });
};

/** `ssl-load-extra-del-ext`: `FILE.crt` has its key in `FILE.key`. */
export const sslLoadExtraDelExt: GlobalParser = (statement, { tlsStore }) => {
  if (statement.takesAtMost(0)) tlsStore.rules = { ...tlsStore.rules, replacesEnding: true };
};

/** `ssl-server-verify`. */
export const sslServerVerify: GlobalParser = (statement, { global }) => {
  const value = statement.text(1);
  if (!statement.takesAtMost(1)) return;
  if (value === "none" || value === "required") global.texts.set("ssl-server-verify", value);
  else {
    const message = `'${statement.text(0)}' expects 'none' or 'required' as argument.`;
    statement.alert("bad-argument", message, { at: 1 });
  }
};

const FLAGS: readonly string[] = [
  ...["no-sslv3", "no-tlsv10", "no-tlsv11", "no-tlsv12", "no-tlsv13", "no-tls-tickets", "prefer-client-ciphers"],
  ...["force-sslv3", "force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13", "strict-sni"],
];
